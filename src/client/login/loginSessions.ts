/**
 * Where the binds of logins take place: each on a session of its own, or on sessions that stay and that have no other use. What is
 * asked and what the answers mean is left to `LdapLogin.ts`.
 */
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { LdapAuth } from "../../auth/LdapAuth.ts"
import type { LdapError, LdapResult } from "../../model/LdapError.ts"
import * as LdapSession from "../../session/LdapSession.ts"
import type { LdapClient } from "../LdapClient.ts"
import * as LdapPool from "../pool/LdapPool.ts"
import { whole } from "../pool/LdapPoolMembers.ts"
import { refusalOfSuccess } from "./LoginError.ts"

/**
 * How to open a session that becomes the user: a configuration, whose `auth` is not used, or an effect that makes a session that
 * is nobody's yet.
 *
 * @category models
 * @since 0.1.0
 */
export type LoginSession = LdapSession.SessionConfig | Effect.Effect<LdapSession.LdapSession, LdapError, Scope.Scope>

/**
 * Who looks users up, and who becomes them: a client does both, the second on a session beside its pool, with the same servers
 * and TLS. Whoever can only look up, a session that is bound as someone who may, needs to be told how to `open` others.
 *
 * @category models
 * @since 0.1.0
 */
export type LoginDirectory =
  | { readonly client: Pick<LdapClient, "searchResult" | "withSession">; readonly open?: LoginSession | undefined }
  | { readonly client: Pick<LdapSession.LdapOperations, "searchResult">; readonly open: LoginSession }

/**
 * How long sessions stay on which users are bound. All times run on the Clock; `"Infinity"` turns a time off.
 *
 * @category models
 * @since 0.1.0
 */
export interface LoginPoolOptions {
  /**
   * A session that no login has used for so long is unbound; at the latest after twice the time. Default 1 minute: until then the
   * server takes it for the last user's, and whoever stands between may forget a connection that is idle, which only a bind
   * without an answer would show.
   */
  readonly idleTimeToLive?: Duration.Input | undefined
  /** An older session is unbound, and another opened in its place. Default 1 hour. */
  readonly maxAge?: Duration.Input | undefined
}

/** Binds, on a session that is nobody else's meanwhile. */
export type Bind = (auth: LdapAuth, options: LdapSession.OperationOptions) => Effect.Effect<LdapResult, LdapError>

/** Each on a session of its own, which is unbound before anybody learns what came of it. */
export const bindAnew = (directory: LoginDirectory): Bind => {
  const open = openOf(directory)
  return (auth, options) =>
    open === undefined
      ? clientOf(directory).withSession({ auth: undefined }, (session) => session.bind(auth, options))
      : Effect.scoped(Effect.flatMap(open, (session) => session.bind(auth, options)))
}

/**
 * One after the other on the same sessions, each of which is one bind's at a time (RFC 4511 section 4.2.1), until the scope closes.
 *
 * A session stays after the answer that the user is logged in. After any other there may be no next: servers close connections
 * after a wrong password, or refuse all but a change of the password, and a bind without an answer has the connection for itself.
 */
export const bindInPool = Effect.fnUntraced(function*(
  directory: LoginDirectory,
  max: number,
  { idleTimeToLive = "1 minute", maxAge }: LoginPoolOptions
): Effect.fn.Return<Bind, LdapError, Scope.Scope> {
  const pool = yield* LdapPool.make({
    server: `logins at ${serverOf(directory)}`,
    open: openOf(directory) ?? heldBy(clientOf(directory)),
    min: 0,
    max,
    concurrency: 1,
    // Nobody asks anything as the user who was bound last.
    healthCheck: false,
    idleTimeToLive,
    maxAge
  })
  return (auth, options) => {
    const once = pool.use((session) =>
      Effect.onExit(
        whole(session).bind(auth, options),
        (exit) => Exit.isSuccess(exit) && isLogin(exit.value) ? Effect.void : pool.invalidate(session)
      )
    )
    return Effect.catchIf(once, isUnsent, () => once)
  }
})

const isLogin = (result: LdapResult): boolean => refusalOfSuccess("", result) === undefined

/**
 * Whether the server can't have seen the bind, as the session had ended before. One that it may have seen is not sent again: it
 * counts wrong passwords.
 */
const isUnsent = ({ operation, reason }: LdapError): boolean =>
  operation === "bind" && (reason._tag === "ConnectionLost" || reason._tag === "SessionClosed") && !reason.inDoubt

const openOf = ({ open }: LoginDirectory): Effect.Effect<LdapSession.LdapSession, LdapError, Scope.Scope> | undefined =>
  open === undefined || Effect.isEffect(open) ? open : LdapSession.make({ ...open, auth: undefined })

/** Without `open` it is a client. */
const clientOf = ({ client }: LoginDirectory) =>
  client as Pick<LdapClient, "withSession"> & { readonly server?: string }

const serverOf = (directory: LoginDirectory): string => {
  const { open } = directory
  return open === undefined || Effect.isEffect(open) ? clientOf(directory).server ?? "a directory" : open.url
}

/** A client's session for as long as the scope is open. */
const heldBy = Effect.fnUntraced(function*(
  client: Pick<LdapClient, "withSession">
): Effect.fn.Return<LdapSession.LdapSession, LdapError, Scope.Scope> {
  const opened = Deferred.makeUnsafe<LdapSession.LdapSession, LdapError>()
  const held = client.withSession(
    { auth: undefined },
    (session) => Effect.andThen(Deferred.succeed(opened, session), Effect.never)
  )
  yield* Effect.forkScoped(Effect.onExit(held, (exit) => Deferred.done(opened, exit)))
  return yield* Deferred.await(opened)
})
