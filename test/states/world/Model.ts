/**
 * The model that the search explores: the production machine, its operations, and the environment of the machine. The environment
 * records the machine's actions and the messages on the wire. It never reads the machine's state, so the two can disagree, and then
 * a promise is broken.
 */
import { highWaterMark } from "../../../src/session/core/Backpressure.ts"
import { makeOperation, type Operation } from "../../../src/session/core/Operation.ts"
import { SessionMachine } from "../../../src/session/core/SessionMachine.ts"
import type { World } from "./World.ts"

export const closeTimeoutMillis = 5000

/** An operation, seen from outside of the machine. */
export interface Call {
  isStarted: boolean
  /** The caller has interrupted, cancelled, or let the operation finish. */
  isGone: boolean
  /** A `Settle` was received. */
  isSettled: boolean
  /** A `SetTimer` was received, and since then neither a `ClearTimer` nor the timer's event. */
  isTimed: boolean
  /** An `Encode` was received, so there is a message id. */
  isEncoded: boolean
  /** It was part of a `Write`. For a reservation: one of its steps was. */
  isWritten: boolean
  /** The peer has sent the last response. For a reservation: a step was answered, so the next one may begin. */
  isAnswered: boolean
  /** The consumer of a stream waits, or was woken and hasn't reported yet what it took. */
  isWaiting: boolean
  /** A `Wake` was received for this wait. */
  isWoken: boolean
  /** It was left to finish while it was on the wire. */
  isLeftToFinish: boolean
  /** A reservation was granted. */
  isGranted: boolean
  /** The number of its Abandons that were written. */
  abandons: number
  /** Bytes that were delivered but not taken yet. */
  held: number
  /** Entries that were delivered. */
  entries: number
}

/** The rest of the session's environment. */
export interface Environment {
  readonly calls: ReadonlyArray<Call>
  /** A `PlanFlush` was received, and no `Flush` since. */
  isFlushPlanned: boolean
  /** `Room` was the last of `Room` and `NoRoom`. */
  hasRoom: boolean
  /** `Resume` was the last of `Resume` and `Pause`. */
  isReading: boolean
  /** Between messages that arrived together: a `ReadEnd` must follow. */
  isInChunk: boolean
  /** The server has granted StartTLS, and the handshake hasn't ended. */
  isTlsGranted: boolean
  /** A handshake is in progress. */
  isHandshaking: boolean
  /** A SASL bind has succeeded, but it isn't decided yet what follows. */
  isUndecided: boolean
  /** The peer has closed its side. */
  isPeerGone: boolean
  /** The peer has announced the end, and the session has ended because of that. */
  isNoticed: boolean
  isEnded: boolean
  isUnbound: boolean
  isShuttingDown: boolean
  isClosing: boolean
  isClosed: boolean
  /** The timer of the goodbye. */
  isTimed: boolean
  /** How often it was set. */
  timings: number
  /** Many other requests have been sent and answered, so the message ids are about to start again. */
  isAged: boolean
}

export interface Model {
  readonly machine: SessionMachine
  readonly operations: ReadonlyArray<Operation>
  readonly environment: Environment
}

export const makeCall = (): Call => ({
  isStarted: false,
  isGone: false,
  isSettled: false,
  isTimed: false,
  isEncoded: false,
  isWritten: false,
  isAnswered: false,
  isWaiting: false,
  isWoken: false,
  isLeftToFinish: false,
  isGranted: false,
  abandons: 0,
  held: 0,
  entries: 0
})

/**
 * The size of messages is counted in units of this many bytes: entries, references and intermediate responses. It is half of the
 * limit from which a stream counts as full, so a stream can be empty, not full, full, and more than full.
 */
export const unitBytes = highWaterMark / 2

/** Operations in the form of the driver. The owner is the index; the machine returns it. */
export const makeOperations = ({ callers }: World): Array<Operation> => {
  const operations: Array<Operation> = []
  for (const { spec, target } of callers) {
    operations.push(makeOperation(operations.length, spec, target === undefined ? undefined : operations[target]!))
  }
  return operations
}

/** A session that has just started. The driver's first event is `Room`, since every event decides whether to read. */
export const initialModel = (world: World): Model => {
  const machine = new SessionMachine(closeTimeoutMillis)
  machine.apply({ _tag: "Room" })
  return {
    machine,
    operations: makeOperations(world),
    environment: {
      calls: world.callers.map(makeCall),
      isFlushPlanned: false,
      hasRoom: true,
      isReading: machine.actions.some(({ _tag }) => _tag === "Resume"),
      isInChunk: false,
      isTlsGranted: false,
      isHandshaking: false,
      isUndecided: false,
      isPeerGone: false,
      isNoticed: false,
      isEnded: false,
      isUnbound: false,
      isShuttingDown: false,
      isClosing: false,
      isClosed: false,
      isTimed: false,
      timings: 0,
      isAged: false
    }
  }
}

/**
 * The operation whose request was sent with an id; -1 for none. An operation that was withdrawn or answered no longer owns its id.
 */
export const writtenUnder = ({ environment, operations }: Model, id: number): number =>
  operations.findIndex(({ messageId }, index) => {
    const { isAnswered, isWritten } = environment.calls[index]!
    return messageId === id && isWritten && !isAnswered
  })
