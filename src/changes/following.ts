/**
 * Runs a source over as many sessions as needed: opens them, continues from the last checkpoint, waits between attempts, starts again if a
 * server refuses the state, and tests silent connections.
 *
 * A run sends all its requests over one session, so that the answers and the state that covers them come from one server.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type { LdapClient } from "../client/LdapClientService.ts"
import { InvalidRequest, type LdapError } from "../model/LdapError.ts"
import type { LdapSession } from "../session/LdapSession.ts"
import { LdapChangesError, type LdapChangesErrorReason, SourceUnavailable } from "./ChangesError.ts"
import type { Known, Settings } from "./ChangesOptions.ts"
import { choose, sourceOf } from "./choosing.ts"
import { cookiesOf, readCookie, type SourceState } from "./cookie.ts"
import { type ChangesSource, checkpoint, type ChosenSource, type LdapChange } from "./LdapChange.ts"
import { serverKindOf } from "./sources/ServerKind.ts"
import type { Item, KnownFailed, Operations, Refused, Run, Source, SourceFailure } from "./sources/Source.ts"

/** What is followed: a client, which opens sessions as needed, or one session. */
export type Followed = LdapClient | LdapSession

export interface Following {
  readonly client: Followed
  readonly settings: Settings
  readonly schedule: Schedule.Schedule<unknown, LdapError> | undefined
  /** Whether to follow once instead of without end. */
  readonly isOnce: boolean
  readonly known: ((uuids: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, Known>, KnownFailed>) | undefined
  /** Takes changes in their order; waits while the consumer is behind. */
  readonly emit: (changes: ReadonlyArray<LdapChange>) => Effect.Effect<void, LdapChangesErrorReason>
}

type Failure = LdapError | LdapChangesError | KnownFailed

/** Ends after one run if `isOnce` is true, or with an error. */
export const following = (options: Following): Effect.Effect<void, Failure> =>
  Effect.suspend(() => new Follower(options).run)

const isSession = (client: Followed): client is LdapSession => "closed" in client

/** Retries without end: first after 1 second, then with longer pauses up to a minute. */
const defaultSchedule: Schedule.Schedule<unknown, LdapError> = Schedule.exponential("1 second", 1.6).pipe(
  Schedule.modifyDelay(({ duration }) => Effect.succeed(Duration.min(duration, Duration.minutes(1)))),
  Schedule.jittered
)

class Follower {
  readonly #options: Following
  readonly #cookieFor: ReturnType<typeof cookiesOf>
  readonly #memory = new Map<string, unknown>()
  #state: SourceState | undefined
  /** The source that made the state, or that was chosen. */
  #chosen: ChosenSource | undefined
  #stateSource: ChangesSource | undefined
  #reason: Run["reason"] = "initial"
  /** Whether a checkpoint was emitted since the last failure. */
  #hasProgress = false
  /** Whether the consumer is behind. Then a silent connection isn't suspicious. */
  #isEmitting = false
  #emittedAt = 0
  #step: ((error: LdapError) => Pull.Pull<unknown, unknown, unknown>) | undefined

  constructor(options: Following) {
    this.#options = options
    this.#cookieFor = cookiesOf(options.settings.view)
  }

  get run(): Effect.Effect<void, Failure> {
    return Effect.gen({ self: this }, function*() {
      yield* this.#begin
      for (;;) {
        const outcome = yield* Effect.result(this.#attempt)
        if (Result.isSuccess(outcome)) return
        const { failure } = outcome
        if (failure._tag !== "LdapError" || !this.#mayGoOn(failure)) return yield* Effect.fail(failure)
        yield* this.#wait(failure)
      }
    })
  }

  /** Takes the cookie, if one was given. */
  get #begin(): Effect.Effect<void, LdapChangesError> {
    const { onMismatch, since, source, view } = this.#options.settings
    if (since === undefined) return Effect.void
    const read = readCookie(since, view, source)
    if (Result.isSuccess(read)) {
      this.#state = read.success.state
      this.#stateSource = read.success.source
      this.#reason = "resume"
      return Effect.void
    }
    this.#reason = "refused"
    return read.failure._tag === "CookieMismatch" && onMismatch === "refresh"
      ? Effect.logWarning(`the cookie belongs to another ${read.failure.differs.join(" and ")}: the view is read again`)
      : Effect.fail(new LdapChangesError({ reason: read.failure }))
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Sessions
  // -------------------------------------------------------------------------------------------------------------------

  /** Follows over one session until it ends. */
  get #attempt(): Effect.Effect<void, Failure> {
    const { client } = this.#options
    if (isSession(client)) return this.#over(client)
    return client.withSession({}, (session) => this.#over(session)).pipe(
      // A client that was made from a pool or a session can't open another one.
      Effect.catchIf(isWithoutSessions, () => this.#over(client))
    )
  }

  #over(session: Operations & { readonly server: string }): Effect.Effect<void, Failure> {
    const { heartbeatMillis } = this.#options.settings
    const rounds = Effect.mapError(
      this.#rounds(session),
      (failure): Failure =>
        failure._tag === "LdapError" || failure._tag === "KnownFailed" || failure._tag === "LdapChangesError"
          ? failure
          : new LdapChangesError({ reason: failure, server: session.server })
    )
    return Number.isFinite(heartbeatMillis)
      ? Effect.raceFirst(rounds, this.#heartbeat(session, heartbeatMillis))
      : rounds
  }

  #rounds(
    session: Operations & { readonly server: string }
  ): Effect.Effect<void, LdapError | LdapChangesErrorReason | KnownFailed | LdapChangesError> {
    return Effect.gen({ self: this }, function*() {
      const { isOnce, known, settings } = this.#options
      const server = serverKindOf(yield* session.rootDse)
      const common = {
        session,
        server,
        view: settings.view,
        pageSize: settings.pageSize,
        isLive: !isOnce,
        known,
        memory: this.#memory
      }
      const probe: Run = { ...common, reason: this.#reason, emit: () => Effect.void }
      const source = yield* this.#choose(probe)
      for (;;) {
        const emit = (items: ReadonlyArray<Item>) => this.#emit(source, items)
        const ended = yield* Effect.result(source.run({ ...common, reason: this.#reason, emit }, this.#state))
        if (Result.isFailure(ended)) {
          if (ended.failure._tag !== "Refused" || this.#state === undefined)
            return yield* Effect.fail(asFailure(ended.failure, source))
          yield* Effect.logWarning(
            `the server can't say what has changed since the last checkpoint (${source.name}): the view is read again`
          )
          this.#forget()
          continue
        }
        if (isOnce) return
        if (!source.isLive) yield* Effect.sleep(settings.pollMillis ?? (source.name === "scan" ? 300_000 : 10_000))
      }
    })
  }

  #forget(): void {
    this.#state = undefined
    this.#reason = "refused"
  }

  /** The source that made the state if the server supports it, otherwise the best one. */
  #choose(probe: Run): Effect.Effect<Source, LdapError | LdapChangesErrorReason> {
    return Effect.gen({ self: this }, function*() {
      const { source: asked } = this.#options.settings
      const before = this.#chosen?.source ?? this.#stateSource
      if (asked === "auto" && before !== undefined) {
        const source = sourceOf(before)
        if ((yield* source.missing(probe)) === undefined) {
          this.#chosen ??= { source: before, why: "the checkpoint is of this source", refused: [] }
          return source
        }
      }
      const chosen = yield* choose(probe, asked)
      if (before !== undefined && before !== chosen.source) this.#forget()
      if (chosen.source !== this.#chosen?.source) {
        yield* (asked === "auto" ? Effect.logInfo : Effect.logDebug)(
          `the directory is followed by ${chosen.source}: ${chosen.why}`,
          ...chosen.refused.map(({ source, why }) => `; not by ${source}: ${why}`)
        )
      }
      this.#chosen = chosen
      return sourceOf(chosen.source)
    })
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What is emitted
  // -------------------------------------------------------------------------------------------------------------------

  // Without a generator: V8 keeps what the generator function of a call refers to until the next full garbage collection.
  #emit(source: Source, items: ReadonlyArray<Item>): Effect.Effect<void, SourceFailure> {
    return Effect.suspend(() => {
      const changes = items.map((item) => this.#changeOf(source, item))
      this.#isEmitting = true
      return this.#options.emit(changes).pipe(
        Effect.andThen(Clock.currentTimeMillis),
        Effect.map((now) => {
          this.#isEmitting = false
          this.#emittedAt = now
          for (const item of items) {
            if (item._tag !== "State") continue
            this.#state = item.state
            this.#reason = "resume"
            this.#hasProgress = true
          }
        })
      )
    })
  }

  #changeOf(source: Source, item: Item): LdapChange {
    switch (item._tag) {
      case "State":
        return checkpoint(this.#cookieFor(source.name, item.state))
      case "RefreshStarted":
        return { ...item, via: this.#chosen }
      default:
        return item
    }
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Failures
  // -------------------------------------------------------------------------------------------------------------------

  /** A session that was given can't be replaced. */
  #mayGoOn(error: LdapError): boolean {
    if (isSession(this.#options.client)) return false
    const { reason } = error
    switch (reason._tag) {
      case "ConnectionLost":
      case "RequestTimeout":
      case "SlowConsumer":
        return true
      case "ProtocolViolation":
        // A response that can't be decoded ends the session, and another attempt may succeed. A response that can be decoded, but breaks
        // the rules of its source, would come again.
        return reason.inDoubt !== undefined
      case "SessionClosed":
        // The program has released the client.
        return reason.why._tag !== "Released"
      case "AdminLimitExceeded":
      case "TimeLimitExceeded":
        return this.#hasProgress
      default:
        return error.isRetryable
    }
  }

  /** Waits for the next attempt; fails if the schedule has ended. */
  #wait(error: LdapError): Effect.Effect<void, LdapError> {
    return Effect.gen({ self: this }, function*() {
      if (this.#hasProgress) this.#step = undefined
      this.#hasProgress = false
      const step = this.#step ??= yield* Schedule.toStepWithSleep(this.#options.schedule ?? defaultSchedule)
      yield* Effect.logWarning(
        `following is interrupted and goes on from the last checkpoint: ${error.operation} failed with ${error.reason._tag}`
      )
      yield* Pull.matchEffect(step(error), {
        onSuccess: () => Effect.void,
        onFailure: () => Effect.fail(error),
        onDone: () => Effect.fail(error)
      })
    })
  }

  /** Tests a connection over which nothing was received for a while. Fails if the connection is lost. */
  #heartbeat(session: Operations, millis: number): Effect.Effect<never, LdapError> {
    return Effect.forever(
      Effect.gen({ self: this }, function*() {
        yield* Effect.sleep(millis)
        const now = yield* Clock.currentTimeMillis
        if (this.#isEmitting || now - this.#emittedAt < millis) return
        yield* session.lookup("", { attributes: ["1.1"], timeout: heartbeatTimeout })
      })
    )
  }
}

const heartbeatTimeout = "20 seconds"

const isWithoutSessions = (failure: Failure): boolean =>
  failure._tag === "LdapError" && failure.reason instanceof InvalidRequest && failure.reason.field === "withSession"

const asFailure = (
  failure: SourceFailure,
  { name }: Source
): Exclude<SourceFailure, Refused> =>
  failure._tag === "Refused" ? new SourceUnavailable({ source: name, detail: failure.detail }) : failure
