/**
 * The time limits of a session, on the monotonic time of the Clock service: setting the clock of the machine changes none of them.
 *
 * An operation sets a deadline and, nearly always, clears it a moment later. A fiber for each deadline would cost more than the
 * operation itself. Here setting one is an insertion into a linked list, and a single timer runs until the nearest deadline. A `Set` would
 * cost several times as much (`core/InFlight.ts` says why).
 */
import type * as Context from "effect/Context"
import type { Operation } from "../core/Operation.ts"
import { wakeAfter } from "./wakeAfter.ts"

/** What has a time limit in a session: an operation, the end of the session, a write that doesn't go on. */
export type Timed = Operation | "goodbye" | "stall"

export interface Deadline<Of> {
  /** In milliseconds of {@link Deadlines.now}. */
  readonly at: number
  readonly of: Of
  /** The turns of the event loop that it was given because it was late. */
  turns: number
  /** What {@link Deadlines} knew of reads when it was given the last one. */
  reads: number
  /** Its neighbours in the list; none once it is cleared or has passed. */
  previous: Deadline<Of> | undefined
  next: Deadline<Of> | undefined
  isSet: boolean
}

/**
 * The delay in milliseconds from which on a deadline counts as late: the process was busy, or suspended. Then the event loop has a turn
 * to read before the deadline passes, and further ones while they bring something, since a response that arrived in time may be
 * waiting there.
 */
const late = 2

/** A peer that never stops sending can't hold up a deadline for more turns. */
const mostTurns = 64

export class Deadlines<Of> {
  /** Milliseconds from an arbitrary start; they never run backwards. */
  readonly now: () => number
  readonly #context: Context.Context<never>
  readonly #onPassed: (of: Of) => void
  readonly #reads: () => number
  /** The list of those that are set, in the order of setting. */
  #first: Deadline<Of> | undefined
  #last: Deadline<Of> | undefined
  /** Stops the timer, if one runs. */
  #stopTimer: (() => void) | undefined
  /** When the timer passes. */
  #nearest = Infinity
  #isEnded = false

  /**
   * `now` reads the Clock of the context, on which the timer runs. `onPassed` runs once for each deadline that is not cleared before.
   * `reads` changes with everything that arrives.
   */
  constructor(now: () => number, context: Context.Context<never>, reads: () => number, onPassed: (of: Of) => void) {
    this.#reads = reads
    this.now = now
    this.#context = context
    this.#onPassed = onPassed
  }

  set(of: Of, afterMillis: number): Deadline<Of> {
    const at = this.now() + afterMillis
    const last = this.#last
    const deadline: Deadline<Of> = { at, of, turns: 0, reads: 0, previous: last, next: undefined, isSet: true }
    if (last === undefined) this.#first = deadline
    else last.next = deadline
    this.#last = deadline
    if (deadline.at < this.#nearest) this.#wakeAt(deadline.at, afterMillis)
    return deadline
  }

  clear(deadline: Deadline<Of>): void {
    if (!deadline.isSet) return
    const { next, previous } = deadline
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    deadline.isSet = false
    deadline.previous = deadline.next = undefined
  }

  /** Stops all deadlines: none passes any more. */
  end(): void {
    this.#isEnded = true
    while (this.#first !== undefined) this.clear(this.#first)
    this.#stopTimer?.()
  }

  #wakeAt(at: number, millis: number): void {
    if (this.#isEnded) return
    this.#nearest = at
    this.#stopTimer?.()
    this.#stopTimer = wakeAfter(this.#context, millis, this.#look)
  }

  readonly #look = (): void => {
    this.#stopTimer = undefined
    const now = this.now()
    // For deadlines that are set meanwhile: no timer is running.
    this.#nearest = Infinity
    let isWaiting = false
    for (const deadline of this.#all()) {
      if (deadline.at > now || !deadline.isSet) continue
      if (this.#hasTurn(deadline, now)) {
        isWaiting = true
      } else {
        this.clear(deadline)
        this.#onPassed(deadline.of)
      }
    }
    if (isWaiting && !this.#isEnded) {
      this.#nearest = now
      // One turn of the event loop: Node runs timers first, then reads, then `setImmediate`.
      const turn = setImmediate(this.#look)
      this.#stopTimer = () => clearImmediate(turn)
      return
    }
    let nearest = this.#nearest
    for (const { at } of this.#all()) if (at < nearest) nearest = at
    if (nearest < this.#nearest) this.#wakeAt(nearest, nearest - this.now())
  }

  #all(): ReadonlyArray<Deadline<Of>> {
    const all: Array<Deadline<Of>> = []
    for (let deadline = this.#first; deadline !== undefined; deadline = deadline.next) all.push(deadline)
    return all
  }

  /** Whether a deadline that is late is given a turn of the event loop, or another one. */
  #hasTurn(deadline: Deadline<Of>, now: number): boolean {
    if (now - deadline.at <= late || deadline.turns === mostTurns) return false
    const reads = this.#reads()
    if (deadline.turns > 0 && deadline.reads === reads) return false
    deadline.turns++
    deadline.reads = reads
    return true
  }
}
