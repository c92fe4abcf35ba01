/**
 * What the search walks through: the production machine, its operations, and what stands around the machine. The environment keeps
 * what the machine has told it in actions, and what has crossed the wire. It never looks into the state of the machine, so that the
 * two can disagree, and the promises can say so.
 */
import { highWaterMark } from "../../../src/session/core/Backpressure.ts"
import { makeOperation, type Operation } from "../../../src/session/core/Operation.ts"
import { SessionMachine } from "../../../src/session/core/SessionMachine.ts"
import type { World } from "./World.ts"

export const closeTimeoutMillis = 5000

/** An operation, from outside of the machine. */
export interface Call {
  isStarted: boolean
  /** The caller has interrupted, cancelled, or let the operation finish. */
  isGone: boolean
  /** A `Settle` came. */
  isSettled: boolean
  /** `SetTimer` came, and neither `ClearTimer` nor the timer since. */
  isTimed: boolean
  /** An `Encode` came, so there is a message id. */
  isEncoded: boolean
  /** It was part of a `Write`. For a reservation: a step of it was. */
  isWritten: boolean
  /** The peer has sent the last response. For a reservation: a step was answered, and the next one may begin. */
  isAnswered: boolean
  /** The consumer of a stream waits, or was woken and hasn't said what it took. */
  isWaiting: boolean
  /** A `Wake` came for this wait. */
  isWoken: boolean
  /** It was left to finish when it was on the wire. */
  isLeftToFinish: boolean
  /** A reservation was granted. */
  isGranted: boolean
  /** Abandons of it that were written. */
  abandons: number
  /** Bytes that were delivered and not taken yet. */
  held: number
  /** Entries that were delivered. */
  entries: number
}

/** What is left of the session's surroundings. */
export interface Environment {
  readonly calls: ReadonlyArray<Call>
  /** `PlanFlush` came, and no `Flush` since. */
  isFlushPlanned: boolean
  /** `Room` came last, not `NoRoom`. */
  hasRoom: boolean
  /** `Resume` came last, not `Pause`. */
  isReading: boolean
  /** In the middle of what has arrived together: `ReadEnd` has to come. */
  isInChunk: boolean
  /** The server has agreed to StartTLS, and the handshake hasn't ended. */
  isTlsGranted: boolean
  /** A handshake is under way. */
  isHandshaking: boolean
  /** A SASL bind has succeeded, and what follows isn't decided. */
  isUndecided: boolean
  /** The peer has said that nothing more comes. */
  isPeerGone: boolean
  /** The peer has announced the end, and the session ended for it. */
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
  /** Many other requests came and went: the message ids are about to start again. */
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
 * What is sent by size comes in units of this many bytes: entries, references and intermediate responses. Half of the mark from which
 * on a stream counts as full, so that a stream can be empty, not full, full, and more than full.
 */
export const unitBytes = highWaterMark / 2

/** Operations as the driver makes them. The owner is the index: the machine hands it on. */
export const makeOperations = ({ callers }: World): Array<Operation> => {
  const operations: Array<Operation> = []
  for (const { spec, target } of callers) {
    operations.push(makeOperation(operations.length, spec, target === undefined ? undefined : operations[target]!))
  }
  return operations
}

/** A session that has just begun. The driver's first event is `Room`: whether to read is decided after each. */
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

/** The operation whose request went out under an id; -1 for none. One that was withdrawn, or answered, has left its id to others. */
export const writtenUnder = ({ environment, operations }: Model, id: number): number =>
  operations.findIndex(({ messageId }, index) => {
    const { isAnswered, isWritten } = environment.calls[index]!
    return messageId === id && isWritten && !isAnswered
  })
