/**
 * The state of each server of a set: whether it can be used, and if not, why and when it is probed. A server that failed
 * rests. Then it is probed in the background, and is used again if the probe succeeds. Servers are never probed by a caller's
 * operation.
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { ConnectFailed, LdapError } from "../../model/LdapError.ts"
import type { Ranked } from "./serverOrder.ts"
import type { Announced } from "./serviceRecords.ts"

/** When a server that failed is tried again. The input of the Schedule is the failure. */
export type RestSchedule = Schedule.Schedule<unknown, LdapError>

/**
 * Whether a server can be used: `Up`; `Resting`, if it failed and waits for the next probe; or `Probing`, while a probe runs. `error` is
 * the error of the last attempt.
 *
 * @category models
 * @since 0.1.0
 */
export type ServerState =
  | { readonly _tag: "Up" }
  | {
    readonly _tag: "Resting"
    /** The error of the last attempt. */
    readonly error: LdapError
    /** When it will be probed, in milliseconds of the Clock. */
    readonly until: number
  }
  | { readonly _tag: "Probing"; readonly error: LdapError }

const up: ServerState = { _tag: "Up" }

type Step = (now: number, error: LdapError) => Pull.Pull<readonly [unknown, Duration.Duration], never, unknown>

export class Server implements Ranked {
  readonly url: string
  priority: number
  weight: number
  state: ServerState = up
  sessions = 0
  connectMillis: number | undefined = undefined
  /** Sessions that were opened so far. */
  opened = 0
  /** How often it has failed. */
  failed = 0
  /** Computes the delays since the server last worked. */
  step: Step | undefined = undefined
  delay: Duration.Duration = Duration.seconds(1)
  /** The fiber that waits, probes, and waits again. */
  resting: Fiber.Fiber<void> | undefined = undefined

  constructor({ priority, url, weight }: Announced) {
    this.url = url
    this.priority = priority
    this.weight = weight
  }
}

export class ServerStates {
  readonly #rest: RestSchedule
  readonly #probe: (server: Server) => Effect.Effect<LdapError | undefined>
  readonly #scope: Scope.Scope
  readonly #clock: Clock.Clock
  #servers: ReadonlyArray<Server> = []

  constructor(options: {
    readonly rest: RestSchedule
    /** Probes a server. The result is the reason why the server can't be used, or `undefined`. */
    readonly probe: (server: Server) => Effect.Effect<LdapError | undefined>
    /** The scope of the fibers that wait for the next probe. */
    readonly scope: Scope.Scope
    /** The program's own Clock: `until` is a date, and a Schedule may depend on the time of day. */
    readonly clock: Clock.Clock
  }) {
    this.#rest = options.rest
    this.#probe = options.probe
    this.#scope = options.scope
    this.#clock = options.clock
  }

  get all(): ReadonlyArray<Server> {
    return this.#servers
  }

  /** Sets the list of servers. Servers that stay in the list keep their state; removed servers are no longer probed. */
  replace(announced: ReadonlyArray<Announced>): void {
    const before = new Map(this.#servers.map((server) => [server.url, server]))
    this.#servers = announced.map((one) => {
      const known = before.get(one.url)
      if (known === undefined) return new Server(one)
      before.delete(one.url)
      known.priority = one.priority
      known.weight = one.weight
      return known
    })
    for (const gone of before.values()) gone.resting?.interruptUnsafe()
  }

  /** Called when a session was opened, which ends any rest. */
  succeeded(server: Server): void {
    server.opened++
    server.resting?.interruptUnsafe()
    this.#recovered(server)
  }

  /** Makes a server rest. A server that already rests is not changed. */
  readonly failed = (server: Server, error: LdapError): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (server.state._tag !== "Up" || !this.#servers.includes(server)) return Effect.void
      server.failed++
      server.state = { _tag: "Resting", error, until: Infinity }
      return Effect.map(
        Effect.forkIn(this.#untilUp(server, error), this.#scope, { startImmediately: true }),
        (fiber) => {
          server.resting = fiber
        }
      )
    })

  readonly #untilUp = Effect.fnUntraced({ self: this }, function*(server: Server, first: LdapError) {
    let error: LdapError | undefined = first
    while (error !== undefined) {
      const delay = yield* this.#nextDelay(server, error)
      const until = this.#clock.currentTimeMillisUnsafe() + Duration.toMillis(delay)
      server.state = { _tag: "Resting", error, until }
      yield* Effect.sleep(delay)
      server.state = { _tag: "Probing", error }
      error = yield* this.#survived(server)
      if (error !== undefined) server.failed++
    }
    this.#recovered(server)
  })

  /** A probe. A defect, for instance of the effect for the credentials, is logged and counts as a failure: another probe follows. */
  #survived(server: Server): Effect.Effect<LdapError | undefined> {
    return Effect.catchCause(this.#probe(server), (cause) => {
      if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause)
      const detail = "the attempt to open a session ended in a defect; see the log"
      const reason = new ConnectFailed({ kind: "other", detail })
      return Effect.as(
        Effect.logError(`trying the server ${server.url} ended in a defect`, cause),
        new LdapError({ reason, operation: "connect", server: server.url })
      )
    })
  }

  /** After its end or a defect, a Schedule goes on with its last delay, so no server is given up for ever. */
  readonly #nextDelay = Effect.fnUntraced({ self: this }, function*(server: Server, error: LdapError) {
    server.step ??= yield* Schedule.toStep(this.#rest)
    server.delay = yield* Pull.matchEffect(server.step(this.#clock.currentTimeMillisUnsafe(), error), {
      onSuccess: ([, delay]) => Effect.succeed(delay),
      onFailure: Effect.failCause,
      onDone: () => Effect.succeed(server.delay)
    }).pipe(
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause)
          ? Effect.failCause(cause)
          : Effect.as(Effect.logError(`the Schedule for the rest of ${server.url} has a defect`, cause), server.delay)
      )
    )
    return server.delay
  })

  #recovered(server: Server): void {
    server.state = up
    server.step = undefined
    server.resting = undefined
  }
}
