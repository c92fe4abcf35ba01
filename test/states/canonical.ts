/**
 * Converts states to bytes and back. Two states that behave the same from now on have the same bytes. A comment at each place says
 * what is left out, and why that loses nothing. The bytes contain the whole state, so the search compares states, not hashes of
 * them.
 */
import type { ConnectionEnd } from "../../src/connection/LdapConnection.ts"
import { maxInt } from "../../src/protocol/LdapMessage.ts"
import { highWaterMark } from "../../src/session/core/Backpressure.ts"
import type { Operation, Stage } from "../../src/session/core/Operation.ts"
import { SessionMachine } from "../../src/session/core/SessionMachine.ts"
import { type Channel, messages, openState, type Phase } from "../../src/session/core/SessionState.ts"
import type { Abandon } from "../../src/session/core/WriteQueue.ts"
import { closeTimeoutMillis, makeCall, makeOperations, type Model, unitBytes, writtenUnder } from "./world/Model.ts"
import type { World } from "./world/World.ts"

const stages: ReadonlyArray<Stage> = ["created", "shared", "alone", "granted", "queued", "written", "done"]
const phases: ReadonlyArray<Phase["_tag"]> = ["Open", "Ending", "Unbinding", "AwaitingPeer", "Closing", "Closed"]
const channels: ReadonlyArray<Channel["_tag"]> = ["Messages", "StartTls", "Granted", "Handshake", "Undecided"]

// The reason why a session ended affects only the step that ends it. Later it is only passed on, so one reason of each kind stands
// for all.
const ends = [
  { _tag: "Released" },
  { _tag: "ServerNotice", code: 53, diagnosticMessage: "" },
  { _tag: "ConnectionLost", detail: "gone", cause: undefined },
  { _tag: "ProtocolViolation", detail: "gone", cause: undefined }
] as const

const connectionEnds: ReadonlyArray<ConnectionEnd | undefined> = [undefined, ends[2], ends[3]]

const none = 0xff

/** Flags of one byte, the first one lowest. */
const pack = (a: boolean, b: boolean, c = false, d = false, e = false, f = false, g = false, h = false): number =>
  (a ? 1 : 0) | (b ? 2 : 0) | (c ? 4 : 0) | (d ? 8 : 0) | (e ? 16 : 0) | (f ? 32 : 0) | (g ? 64 : 0) | (h ? 128 : 0)

/** Larger than any state of a world. */
export const maxBytes = 256

/** More unread bytes than this make no difference: the stream is full, and the next response is too many. */
const mostUnits = ({ spec }: Operation): number => Math.max(highWaterMark, spec.maxUnread ?? 0) / unitBytes + 1

/** Ids near the maximum are stored as their distance to it. */
const packId = (id: number): number => (id > maxInt - 0x60 ? 0xf0 - (maxInt - id) : id)
const unpackId = (byte: number): number => (byte > 0x90 ? maxInt - (0xf0 - byte) : byte)

/** Writes the state into `bytes` and returns its length. */
export const encode = (world: World, model: Model, bytes: Uint8Array): number => {
  const { environment, machine, operations } = model
  const { state } = machine
  const { access, backpressure, ids, inFlight, phase, queue } = state
  let at = 0
  const put = (byte: number): void => {
    bytes[at++] = byte
  }
  const indexOf = (operation: Operation): number => operation.owner as number
  const putList = (list: Iterable<Operation>, size: number): void => {
    put(size)
    for (const operation of list) put(indexOf(operation))
  }
  // Ids count up and each is used once. The machine only compares two ids for equality and checks whether an id was used, so ids
  // are renamed by the operation that owns them. In a world where they start again, they are kept, in the order of abandoning,
  // until the unbind has the last one.
  const isExact = world.ages === true && !(environment.isUnbound || environment.isClosing || environment.isClosed)
  put(
    phases.indexOf(phase._tag) | (state.isClosingTimed ? 0x10 : 0) | (isExact && ids.hasWrapped ? 0x20 : 0) |
      (isExact ? 0x40 : 0)
  )
  put("end" in phase ? ends.findIndex(({ _tag }) => _tag === phase.end._tag) : none)
  const channel = "channel" in phase ? phase.channel : undefined
  put(channel === undefined ? none : channels.indexOf(channel._tag))
  put(channel !== undefined && "operation" in channel ? indexOf(channel.operation) : none)
  put(state.connectionEnd === undefined ? 0 : state.connectionEnd._tag === "ConnectionLost" ? 1 : 2)
  put(pack(queue.isPlanned, queue.hasRoom, backpressure.isReading))
  put(backpressure.waiting)
  put(backpressure.full)
  put(access.holder === undefined ? none : indexOf(access.holder))
  // The places of a line matter to nothing but the line; test/session/core/line.test.ts compares it with a `Set`.
  putList(access.alone, access.alone.size)
  putList(access.shared, access.shared.size)
  putList(state.woken, state.woken.length)
  put(queue.waiting.size)
  for (const item of queue.waiting) {
    if ("spec" in item) {
      put(indexOf(item))
    } else {
      // The operation has ended but keeps its id.
      put(0x80 | writtenUnder(model, item.target))
      if (isExact) put(packId(item.messageId))
    }
  }
  if (isExact) {
    put(packId(ids.last))
    put(ids.abandoned.size)
    for (const id of ids.abandoned) put(packId(id))
  }
  put(pack(
    environment.isFlushPlanned,
    environment.isReading,
    environment.isInChunk,
    environment.isTlsGranted,
    environment.isHandshaking,
    environment.isUndecided,
    environment.isPeerGone,
    environment.isNoticed
  ))
  put(pack(
    environment.isEnded,
    environment.isUnbound,
    environment.isShuttingDown,
    environment.isClosing,
    environment.isClosed,
    environment.isTimed,
    environment.isAged,
    environment.hasRoom
  ))
  put(environment.timings)
  for (const operation of operations) {
    const index = indexOf(operation)
    const call = environment.calls[index]!
    const { entryLimit } = operation.spec
    // The order of the map only determines the order in which operations fail together.
    const isInFlight = inFlight.get(operation.messageId) === operation
    // The outcome of an operation doesn't affect later events. The session's counters are kept, and so is the record of the wire.
    const isDone = operation.stage === "done"
    put(stages.indexOf(operation.stage) | (isInFlight ? 0x10 : 0))
    put(pack(
      operation.isAttended || isDone,
      operation.isBegun && (!isDone || world.isLate === true),
      operation.isWaiting,
      operation.isFull,
      operation.hasTimer
    ))
    put(pack(
      call.isStarted,
      call.isGone && (!isDone || world.isLate === true),
      call.isSettled,
      call.isTimed,
      call.isEncoded,
      call.isWritten,
      call.isAnswered,
      call.isWaiting
    ))
    put(
      (call.isGranted ? 1 : 0) | (call.isWoken ? 2 : 0) | (call.isLeftToFinish && !isDone ? 4 : 0) |
        (call.abandons << 3)
    )
    put(isExact ? packId(operation.messageId) : operation.messageId === 0 ? 0 : 1)
    if (operation.spec.kind === "stream") {
      put(Math.min(operation.unread / unitBytes, mostUnits(operation)))
      put(Math.min(call.held / unitBytes, mostUnits(operation)))
    }
    if (entryLimit !== undefined) {
      // Without a caller the limit has no effect.
      const isLimited = operation.isAttended && !isDone
      put(isLimited ? operation.entries : 0)
      put(isLimited ? call.entries : 0)
    }
  }
  return at
}

const channelOf = (_tag: Channel["_tag"] | undefined, operation: Operation | undefined): Channel | undefined => {
  switch (_tag) {
    case undefined:
      return undefined
    case "Messages":
      return messages
    case "Undecided":
      return { _tag }
    default:
      return { _tag, operation: operation! }
  }
}

/** Decodes the state that {@link encode} has written. */
export const decode = (world: World, bytes: Uint8Array, start: number): Model => {
  let at = start
  const take = (): number => bytes[at++]!
  const operations = makeOperations(world)
  const state = openState()
  const { access, backpressure, ids, inFlight, queue } = state
  const count = operations.length
  const first = take()
  const isExact = (first & 0x40) !== 0
  state.isClosingTimed = (first & 0x10) !== 0
  ids.hasWrapped = (first & 0x20) !== 0
  const end = take()
  const channelTag = take()
  const channelOperation = take()
  const channel = channelOf(channels[channelTag], operations[channelOperation])
  state.phase = {
    _tag: phases[first & 0xf]!,
    ...(end === none ? {} : { end: ends[end] }),
    ...(channel === undefined ? {} : { channel })
    // Only the parts that the phase has were written.
  } as Phase
  state.connectionEnd = connectionEnds[take()]
  const flags = take()
  queue.isPlanned = (flags & 1) !== 0
  queue.hasRoom = (flags & 2) !== 0
  backpressure.isReading = (flags & 4) !== 0
  backpressure.waiting = take()
  backpressure.full = take()
  const holder = take()
  access.holder = holder === none ? undefined : operations[holder]!
  for (let left = take(); left > 0; left--) access.alone.add(operations[take()]!)
  for (let left = take(); left > 0; left--) access.shared.add(operations[take()]!)
  for (let left = take(); left > 0; left--) state.woken.push(operations[take()]!)
  const abandons: Array<{ messageId: number; target: number }> = []
  for (let left = take(); left > 0; left--) {
    const item = take()
    if (item < 0x80) {
      queue.waiting.add(operations[item]!)
    } else {
      const index = item & 0x7f
      const abandon = { messageId: isExact ? unpackId(take()) : count + index + 1, target: index }
      abandons.push(abandon)
      queue.waiting.add(abandon satisfies Abandon)
    }
  }
  ids.last = isExact ? unpackId(take()) : 2 * count
  if (isExact) { for (let left = take(); left > 0; left--) ids.abandoned.add(unpackId(take())) }
  const around = take()
  const ending = take()
  const environment = {
    calls: operations.map(makeCall),
    isFlushPlanned: (around & 1) !== 0,
    isReading: (around & 2) !== 0,
    isInChunk: (around & 4) !== 0,
    isTlsGranted: (around & 8) !== 0,
    isHandshaking: (around & 16) !== 0,
    isUndecided: (around & 32) !== 0,
    isPeerGone: (around & 64) !== 0,
    isNoticed: (around & 128) !== 0,
    isEnded: (ending & 1) !== 0,
    isUnbound: (ending & 2) !== 0,
    isShuttingDown: (ending & 4) !== 0,
    isClosing: (ending & 8) !== 0,
    isClosed: (ending & 16) !== 0,
    isTimed: (ending & 32) !== 0,
    isAged: (ending & 64) !== 0,
    hasRoom: (ending & 128) !== 0,
    timings: take()
  }
  for (let index = 0; index < count; index++) {
    const operation = operations[index]!
    const call = environment.calls[index]!
    const stage = take()
    const own = take()
    const seen = take()
    const more = take()
    const id = take()
    operation.stage = stages[stage & 0xf]!
    operation.messageId = isExact ? unpackId(id) : id === 0 ? 0 : index + 1
    if ((stage & 0x10) !== 0) inFlight.add(operation)
    operation.isAttended = (own & 1) !== 0
    operation.isBegun = (own & 2) !== 0
    operation.isWaiting = (own & 4) !== 0
    operation.isFull = (own & 8) !== 0
    operation.hasTimer = (own & 16) !== 0
    call.isStarted = (seen & 1) !== 0
    call.isGone = (seen & 2) !== 0
    call.isSettled = (seen & 4) !== 0
    call.isTimed = (seen & 8) !== 0
    call.isEncoded = (seen & 16) !== 0
    call.isWritten = (seen & 32) !== 0
    call.isAnswered = (seen & 64) !== 0
    call.isWaiting = (seen & 128) !== 0
    call.isGranted = (more & 1) !== 0
    call.isWoken = (more & 2) !== 0
    call.isLeftToFinish = (more & 4) !== 0
    call.abandons = more >> 3
    if (operation.spec.kind === "stream") {
      operation.unread = take() * unitBytes
      call.held = take() * unitBytes
    }
    if (operation.spec.entryLimit !== undefined) {
      operation.entries = take()
      call.entries = take()
    }
  }
  for (const abandon of abandons) abandon.target = operations[abandon.target]!.messageId
  return { machine: new SessionMachine(closeTimeoutMillis, state), operations, environment }
}
