/**
 * The sessions for the binds of logins: one session for each bind, or kept sessions that have no other use. `LdapLogin.ts` has the
 * requests and reads the responses.
 */
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { LdapAuth } from "../../auth/LdapAuth.ts"
import { LdapError, type LdapResult } from "../../model/LdapError.ts"
import * as LdapSession from "../../session/LdapSession.ts"
import type { LdapClient } from "../LdapClient.ts"
import * as LdapPool from "../pool/LdapPool.ts"
import { whole } from "../pool/members/LdapPoolMembers.ts"
import { refusalOfSuccess } from "./LoginError.ts"
import { sessionProblem } from "./loginInput.ts"

/**
 * How to open a session for the bind of a user: by a configuration, whose `auth` is not used, or by an effect that makes an anonymous
 * session.
 *
 * @category models
 * @since 0.1.0
 */
export type LoginSession = LdapSession.SessionConfig | Effect.Effect<LdapSession.LdapSession, LdapError, Scope.Scope>

/**
 * The search for users, and the way to open the sessions for their binds. A client does both: it opens these sessions beside its pool, with
 * the same servers and TLS. A session that is bound as a service account only searches, so it needs `open`.
 *
 * @category models
 * @since 0.1.0
 */
export type LoginDirectory =
  | {
    /** The client that looks users up and provides the sessions for their binds. */
    readonly client: Pick<LdapClient, "searchResult" | "withSession"> & LoginReader
    readonly open?: LoginSession | undefined
  }
  | {
    /** The session that looks users up. */
    readonly client: Pick<LdapSession.LdapOperations, "searchResult"> & LoginReader
    readonly open: LoginSession
  }

/**
 * Operations beside the search for the user: reading groups (`lookup`, `rootDse`), and sending the change of an expired password to Active
 * Directory (`modify`). Clients and sessions have all of them.
 *
 * @category models
 * @since 0.2.0
 */
export type LoginReader = Partial<Pick<LdapSession.LdapOperations, "lookup" | "rootDse" | "modify">>

/**
 * Opens the sessions for the binds of users without a search: a `client`, with its servers and TLS, or `open`.
 *
 * @category models
 * @since 0.2.0
 */
export type DirectLoginDirectory =
  | { readonly client: Pick<LdapClient, "withSession">; readonly open?: LoginSession | undefined }
  | { readonly open: LoginSession; readonly client?: undefined }

/**
 * How long the sessions for the binds of users are kept. All times run on the Clock; `"Infinity"` turns a time off.
 *
 * @category models
 * @since 0.1.0
 */
export interface LoginPoolOptions {
  /**
   * A session that no login has used for this long is unbound, at the latest after twice the time. Default 1 minute. The time is short for
   * two reasons: the session stays bound as the last user, and a firewall on the way may drop an idle connection, which would only show
   * when the next bind gets no response.
   */
  readonly idleTimeToLive?: Duration.Input | undefined
  /** The age at which a session is unbound and another one opened in its place. Default 1 hour. */
  readonly maxAge?: Duration.Input | undefined
}

/** Binds on a session that no other operation uses at the same time, and then runs an effect as this user. */
export type Bind = <A, E>(
  auth: LdapAuth,
  options: LdapSession.OperationOptions,
  then: (session: LdapSession.LdapOperations, result: LdapResult) => Effect.Effect<A, E>
) => Effect.Effect<A, E | LdapError>

type AnyDirectory = LoginDirectory | DirectLoginDirectory

/** Opens a session for each bind, and unbinds it before the caller gets the result. */
export const bindAnew = (directory: AnyDirectory): Bind => {
  const open = openOf(directory)
  return (auth, options, then) => {
    const bound = (session: LdapSession.LdapSession) =>
      Effect.flatMap(session.bind(auth, options), (result) => then(session, result))
    return open === undefined
      ? clientOf(directory).withSession({ auth: undefined }, bound)
      : Effect.scoped(Effect.flatMap(open, bound))
  }
}

/**
 * Binds one after the other on the same sessions, each of which carries one bind at a time (RFC 4511 section 4.2.1), until the scope
 * closes.
 *
 * A session is kept only after a successful login. After any other response the next bind might fail: servers close connections after a
 * wrong password, or refuse everything but a change of the password; and a bind without a response blocks its connection.
 */
export const bindInPool = Effect.fnUntraced(function*(
  directory: AnyDirectory,
  max: number,
  { idleTimeToLive = "1 minute", maxAge }: LoginPoolOptions
): Effect.fn.Return<Bind, LdapError, Scope.Scope> {
  const pool = yield* LdapPool.make({
    server: `logins at ${serverOf(directory)}`,
    open: openOf(directory) ?? heldBy(clientOf(directory)),
    min: 0,
    max,
    concurrency: 1,
    // These sessions carry only binds, so no other request is sent as the user who was bound last.
    healthCheck: false,
    idleTimeToLive,
    maxAge
  })
  return <A, E>(
    auth: LdapAuth,
    options: LdapSession.OperationOptions,
    then: (session: LdapSession.LdapOperations, result: LdapResult) => Effect.Effect<A, E>
  ) => {
    const once = pool.use((session) =>
      Effect.suspend(() => {
        let isUsers = false
        return Effect.onExit(
          Effect.flatMap(whole(session).bind(auth, options), (result) => {
            isUsers = isLogin(result)
            return then(session, result)
          }),
          (exit) => Exit.isSuccess(exit) && isUsers ? Effect.void : pool.invalidate(session)
        )
      })
    )
    return Effect.catchIf(once, isUnsent, () => once)
  }
})

const isLogin = (result: LdapResult): boolean => refusalOfSuccess("", result) === undefined

/**
 * Whether the session had ended before the bind was sent. A bind that the server may have received is not sent again, because servers
 * count wrong passwords.
 */
const isUnsent = (error: unknown): boolean => {
  if (!(error instanceof LdapError) || error.operation !== "bind") return false
  const { reason } = error
  return (reason._tag === "ConnectionLost" || reason._tag === "SessionClosed") && !reason.inDoubt
}

const openOf = (
  { open }: AnyDirectory
): Effect.Effect<LdapSession.LdapSession, LdapError, Scope.Scope> | undefined => {
  if (open === undefined) return undefined
  if (!Effect.isEffect(open)) return LdapSession.make({ ...open, auth: undefined })
  return Effect.flatMap(open, (session) => {
    const reason = sessionProblem(session)
    return reason === undefined ? Effect.succeed(session) : Effect.fail(new LdapError({ reason, operation: "login" }))
  })
}

/** A directory without `open` is a client, which opens the sessions. */
const clientOf = ({ client }: AnyDirectory) => client as Pick<LdapClient, "withSession"> & { readonly server?: string }

const serverOf = (directory: AnyDirectory): string => {
  const { open } = directory
  if (open !== undefined && !Effect.isEffect(open)) return open.url
  // If an effect opens the sessions, there may be no client.
  return directory.client === undefined ? "a directory" : clientOf(directory).server ?? "a directory"
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
