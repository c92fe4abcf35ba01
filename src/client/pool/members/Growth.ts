/**
 * Decides when a pool opens sessions: as many as operations wait for, and as `min` demands. Without failures the pool opens them at once.
 * While sessions can't be opened or don't last, it opens them one at a time with pauses. `Allocation.ts` decides which operation gets a
 * session.
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import { ConnectFailed, LdapError } from "../../../model/LdapError.ts"
import { Alarm } from "../Alarm.ts"

/** The pauses between attempts to open a session, given why the last attempt failed, or how the last session ended. */
export type BackoffSchedule = Schedule.Schedule<unknown, LdapError>

const mostMillis = 10_000

export const defaultBackoff: BackoffSchedule = Schedule.exponential("100 millis").pipe(
  Schedule.jittered,
  Schedule.modifyDelay(({ duration }) => Effect.succeed(Duration.min(duration, Duration.millis(mostMillis))))
)

/** The longest pause while an operation waits. */
const mostMillisWithDemand = 1000

/** The time after which an attempt counts as stuck, so that another one may start beside it. */
const hangingMillis = 2000

/**
 * The number of failures before the first pause, since a server may end a session at any time. A client retries an operation as many times.
 */
const freeFailures = 3

type Step = (now: number, error: LdapError) => Pull.Pull<readonly [unknown, Duration.Duration], never, unknown>

/** Runs an effect in the background of the pool. */
export type Launch = (effect: Effect.Effect<void>, options?: Effect.RunOptions) => Fiber.Fiber<void>

export interface GrowthOptions<M> {
  /** For messages. */
  readonly server: string
  readonly backoff: BackoffSchedule
  readonly clock: Clock.Clock
  /** Opens a session, in a fiber that isn't interruptible; the effect marks its interruptible parts. */
  readonly acquire: Effect.Effect<M, LdapError>
  /** Sessions that operations wait for. */
  readonly missing: () => number
  /** Sessions that are missing up to `min`. */
  readonly lacking: () => number
  /** How many more connections may be opened. */
  readonly room: () => number
  readonly onOpened: (member: M) => void
  /** Runs when an attempt has failed. */
  readonly onFailed: (cause: Cause.Cause<LdapError>) => void
  readonly launch: Launch
}

export class Growth<M> {
  readonly #options: GrowthOptions<M>
  #opening = 0
  /** The number of consecutive failures: attempts that failed, and sessions that ended before they were useful. */
  #failures = 0
  #step: Step | undefined
  #lastPause = 1000
  /** The time of the last failure, and the length of the pause. The length is `Infinity` until the Schedule has computed it. */
  #failedAt = -Infinity
  #pauseMillis = 0
  #startedAt = -Infinity
  #mostMillis = mostMillisWithDemand
  readonly #alarm: Alarm
  #isEnding = false
  /** Why the last attempt failed; `undefined` if it succeeded. */
  lastFailure: LdapError | undefined = undefined

  constructor(options: GrowthOptions<M>) {
    this.#options = options
    this.#alarm = new Alarm({ ...options, ring: () => this.grow() })
  }

  /** Sessions that are being opened. */
  get opening(): number {
    return this.#opening
  }

  /** Whether an operation may wait for another session. After a failed attempt it should rather share a session that is open. */
  get isHopeful(): boolean {
    return this.lastFailure === undefined
  }

  /**
   * Opens the sessions that are needed and allowed now, and is called again when the pause is over. `isUrgent` shortens a long pause even
   * if no operation waits.
   */
  grow(isUrgent = false): void {
    if (this.#isEnding) return
    const { lacking, missing, room } = this.#options
    while (room() > 0) {
      const demand = missing() - this.#opening
      // After a refused password, another attempt is made only for an operation, since each attempt may count towards locking the account.
      const isHopeless = this.lastFailure !== undefined && !this.lastFailure.isRetryable
      const wanted = Math.max(demand, isHopeless ? 0 : lacking() - this.#opening)
      if (wanted <= 0) return
      if (this.#failures === 0) {
        this.#open()
        continue
      }
      const pause = isUrgent || demand > 0 ? Math.min(this.#pauseMillis, this.#mostMillis) : this.#pauseMillis
      // An attempt that is stuck must not block others.
      const next = Math.max(this.#failedAt + pause, this.#opening > 0 ? this.#startedAt + hangingMillis : -Infinity)
      if (!this.#alarm.isDue(next)) return this.#alarm.setAt(next)
      this.#open()
    }
  }

  /** Called when a session is useful. */
  succeeded(): void {
    this.#failures = 0
    this.#step = undefined
  }

  /** Called when a session has ended before it was useful, or could not be opened. */
  failed(error: LdapError): void {
    this.#countFailure(error)
    this.#decidePause(error)
  }

  /** From now on no session is opened. The pool ends the background fibers. */
  end(): void {
    this.#isEnding = true
    this.#alarm.clear()
  }

  #countFailure(error: LdapError): void {
    this.#failedAt = this.#now
    // A set of servers has its own pauses: while all of its servers rest, opening a session fails at once.
    this.#mostMillis = error.reason._tag === "NoServerAvailable" ? 0 : mostMillisWithDemand
    this.#pauseMillis = ++this.#failures <= freeFailures ? 0 : Infinity
  }

  #decidePause(error: LdapError): void {
    if (this.#failures <= freeFailures) return
    this.#options.launch(
      Effect.map(this.#nextPause(error), (pauseMillis) => {
        this.#pauseMillis = pauseMillis
        this.grow()
      })
    )
  }

  get #now(): number {
    return this.#options.clock.currentTimeMillisUnsafe()
  }

  #open(): void {
    const { acquire, launch, onFailed, onOpened, server } = this.#options
    this.#opening++
    this.#startedAt = this.#now
    const settle = (exit: Exit.Exit<M, LdapError>): void => {
      this.#opening--
      if (Exit.isSuccess(exit)) {
        this.lastFailure = undefined
        onOpened(exit.value)
      } else if (!this.#isEnding) {
        const error = Option.getOrElse(Cause.findErrorOption(exit.cause), () => died(server))
        this.lastFailure = error
        this.#countFailure(error)
        // Waiting operations fail before the next attempt starts; otherwise they would wait for that attempt too.
        onFailed(exit.cause)
        this.#decidePause(error)
      }
      this.grow()
    }
    // Runs in every case: otherwise operations would wait for an attempt that has ended.
    // The failure is reported in a separate turn of the event loop: a fiber that gets it may ask again in the same step, without end.
    const opening = Effect.onExit(acquire, (exit) => {
      const settled = Effect.sync(() => settle(exit))
      return Exit.isSuccess(exit) ? settled : Effect.andThen(Effect.yieldNow, settled)
    })
    launch(Effect.asVoid(Effect.exit(opening)), { uninterruptible: true })
  }

  /** After its end a Schedule goes on with its last pause. */
  readonly #nextPause = Effect.fnUntraced({ self: this }, function*(error: LdapError) {
    this.#step ??= yield* Schedule.toStep(this.#options.backoff)
    this.#lastPause = yield* Pull.matchEffect(this.#step(this.#now, error), {
      onSuccess: ([, delay]) => Effect.succeed(Duration.toMillis(delay)),
      onFailure: Effect.failCause,
      onDone: () => Effect.succeed(this.#lastPause)
    }).pipe(
      Effect.catchCause((cause) =>
        Effect.as(
          Effect.logError(`the backoff of the pool ${this.#options.server} has a defect`, cause),
          this.#lastPause
        )
      )
    )
    return this.#lastPause
  })
}

/** The failure that is reported for an attempt with a defect. The defect itself goes to the operation and into the log. */
const died = (server: string): LdapError =>
  new LdapError({
    reason: new ConnectFailed({
      kind: "other",
      detail: "the attempt to open a session ended in a defect; see the log"
    }),
    operation: "connect",
    server
  })
