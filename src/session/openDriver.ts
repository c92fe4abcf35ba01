/** Opens a session: connects within the time limit, with metrics and a span, and prepares the session over its driver. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { LdapConnection } from "../connection/LdapConnection.ts"
import type { LdapTransport } from "../connection/LdapTransport.ts"
import type { LdapError } from "../model/LdapError.ts"
import { isDebugLogged } from "../telemetry/logOutsideSpans.ts"
import { SessionMetrics } from "../telemetry/SessionMetrics.ts"
import { isTracedHere, type Tracing } from "../telemetry/Tracing.ts"
import type { Done, Started } from "./calls/Requester.ts"
import { connectWithin, started } from "./connectWithin.ts"
import { SessionDriver } from "./driver/SessionDriver.ts"
import { millisOf } from "./driver/systemClock.ts"
import type { SessionSettings } from "./SessionSettings.ts"

/** A session over its driver, and what is sent before it is handed over: StartTLS, the bind. */
export interface Prepared<A> {
  readonly session: A
  /** Missing if nothing is to be sent. The driver is receiving. */
  readonly start?: ((done: Done<unknown>) => Started) | undefined
}

/** Makes the session. `isTraced` says whether a tracer listens to the fiber that opens it. */
export type Prepare<A> = (driver: SessionDriver, context: Context.Context<never>, isTraced: boolean) => Prepared<A>

/**
 * Connects, puts a driver over the connection and sends what comes first. If it succeeds, closing the scope is the release. If anything
 * fails or is interrupted, what was opened is released before this effect ends, since the scope may stay open for long after a failure.
 */
export const openDriver = <A>(
  transport: LdapTransport,
  settings: SessionSettings,
  tracing: Tracing,
  prepare: Prepare<A>
): Effect.Effect<A, LdapError, Scope.Scope> =>
  Effect.contextWith((context: Context.Context<Scope.Scope>) => {
    const opening = new Opening(transport, settings, tracing, context, prepare)
    return Effect.onExit(
      Effect.callback<A, LdapError>((resume) => {
        opening.begin(resume)
        return opening.leave
      }),
      (exit) => opening.finish(exit)
    )
  })

/**
 * The fiber that opens a session is suspended once, until the session is there: each suspension and each effect between them would show
 * in the time of a connection.
 */
class Opening<A> {
  readonly #transport: LdapTransport
  readonly #settings: SessionSettings
  readonly #tracing: Tracing
  readonly #context: Context.Context<Scope.Scope>
  readonly #prepare: Prepare<A>
  readonly #metrics: SessionMetrics
  /** Not a child of the session's scope: the release closes it, after the unbind. */
  readonly #connectionScope = Scope.makeUnsafe()
  readonly #now: () => number
  readonly #start: number
  readonly #isTraced = isTracedHere()
  #resume: Done<A> | undefined
  /** What is under way: connecting, or what is sent first. */
  #running: Started | undefined
  #driver: SessionDriver | undefined

  constructor(
    transport: LdapTransport,
    settings: SessionSettings,
    tracing: Tracing,
    context: Context.Context<Scope.Scope>,
    prepare: Prepare<A>
  ) {
    this.#transport = transport
    this.#settings = settings
    this.#tracing = tracing
    this.#context = context
    this.#prepare = prepare
    this.#metrics = new SessionMetrics(tracing.attributes, context)
    this.#now = millisOf(Context.get(context, Clock.Clock))
    this.#start = this.#now()
  }

  begin(resume: Done<A>): void {
    this.#resume = resume
    const context = Context.add(this.#context, Scope.Scope, this.#connectionScope)
    const limit = this.#settings.connectTimeout
    const connected: Done<LdapConnection> = (exit) => this.#connected(exit)
    const running = this.#isTraced
      ? started(
        context,
        this.#tracing.effect(
          { name: "connect" },
          Effect.callback<LdapConnection, LdapError>((resume) =>
            connectWithin(this.#transport, limit, context, resume).leave
          )
        ),
        connected
      )
      : connectWithin(this.#transport, limit, context, connected)
    // It may have gone on already.
    this.#running ??= running
  }

  /** To be run if the fiber is interrupted. */
  get leave(): Effect.Effect<void> {
    return Effect.suspend(() => this.#running?.leave ?? Effect.void)
  }

  /** Runs uninterruptibly, last: hands the session over to the scope of the caller, or releases what was opened. */
  finish(exit: Exit.Exit<A, LdapError>): Effect.Effect<void> {
    if (this.#driver === undefined) return Scope.close(this.#connectionScope, exit)
    return Exit.isSuccess(exit)
      ? Scope.addFinalizer(Context.get(this.#context, Scope.Scope), this.#driver.release)
      : this.#driver.release
  }

  #connected(exit: Exit.Exit<LdapConnection, LdapError>): void {
    // Measured like a request, since no other operation has a duration while connecting fails.
    this.#metrics.answered("connect", outcomeOf(exit), (this.#now() - this.#start) / 1000)
    if (Exit.isFailure(exit)) return this.#resume?.(Exit.failCause(exit.cause))
    try {
      this.#goOn(exit.value)
    } catch (cause) {
      this.#resume?.(Exit.die(cause))
    }
  }

  #goOn(connection: LdapConnection): void {
    const driver = new SessionDriver(connection, this.#connectionScope, this.#context, {
      ...this.#settings,
      server: this.#transport.server,
      metrics: this.#metrics
    })
    // From here on a release is necessary. It waits for the end of the connection, which is heard of from `begin` on.
    this.#driver = driver
    driver.begin()
    if (isDebugLogged(this.#context)) Effect.runForkWith(this.#context)(logOpen(driver))
    const { session, start } = this.#prepare(driver, this.#context, this.#isTraced)
    if (start === undefined) return this.#resume?.(Exit.succeed(session))
    this.#running = start((exit) =>
      this.#resume?.(Exit.isSuccess(exit) ? Exit.succeed(session) : Exit.failCause(exit.cause))
    )
  }
}

const logOpen = ({ connection, server }: SessionDriver): Effect.Effect<void> =>
  Effect.logDebug(`a session with ${server} is open, protection: ${connection.protection}`)

/** For the metrics: 0, or the tag of the reason. */
const outcomeOf = (exit: Exit.Exit<unknown, LdapError>): number | string =>
  Exit.isSuccess(exit)
    ? 0
    : Option.match(Exit.findErrorOption(exit), { onNone: () => "abandoned", onSome: ({ reason }) => reason._tag })
