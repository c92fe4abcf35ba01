/**
 * Sessions with the servers that referrals name. Opens a session, and shares the sessions of a client.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as RcMap from "effect/RcMap"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as LdapTransport from "../../connection/LdapTransport.ts"
import type { TlsOptions } from "../../connection/tls/LdapTls.ts"
import type { LdapError } from "../../model/LdapError.ts"
import * as LdapUrl from "../../model/url/LdapUrl.ts"
import * as LdapSession from "../../session/LdapSession.ts"
import { steadyClock } from "../steadyClock.ts"
import type { FollowOptions } from "./LdapReferrals.ts"
import { serverKey } from "./referralTargets.ts"

/** A session with a server, for as long as the scope is open. */
export type OpenReferred = (
  server: LdapUrl.LdapUrl
) => Effect.Effect<LdapSession.LdapSession, LdapError, Scope.Scope>

/** The settings of the client that follows referrals. */
export interface Origin {
  /** Whether the client's own connections are protected by TLS. */
  readonly isSecure: boolean
  readonly settings: LdapSession.SessionOptions & LdapTransport.UrlOptions
}

/** Opens a session that only the caller uses. */
export const openReferred = (options: FollowOptions, origin: Origin): OpenReferred => {
  const {
    closeTimeout,
    connectTimeout,
    keepAlive,
    localAddress,
    maxMessageSize,
    requestTimeout,
    tls,
    tlsTimeout,
    writeTimeout
  } = origin.settings
  const settings = {
    connectTimeout,
    tlsTimeout,
    writeTimeout,
    requestTimeout,
    localAddress,
    // The operation waits until the session is closed, so the wait for a server that doesn't close is short.
    closeTimeout: closeTimeout ?? "1 second",
    keepAlive,
    maxMessageSize,
    tls: tls === undefined ? undefined : carriedTls(tls),
    ...options.session
  }
  const byUrl = (url: LdapUrl.LdapUrl) => Effect.fromResult(LdapTransport.fromUrl(LdapUrl.server(url), settings))
  return Effect.fnUntraced(function*(url) {
    const auth = yield* options.credentials?.(url) ?? Effect.undefined
    const transport = yield* (options.transport ?? byUrl)(url)
    const startTls = url.scheme === "ldap" && (options.session?.startTls ?? origin.isSecure)
    return yield* LdapSession.fromTransport(transport, { ...settings, startTls, auth })
  })
}

/** The TLS options that apply to any server. Left out are those for the identity of the client, and those for one particular server. */
const carriedTls = ({
  ca,
  ciphers,
  crl,
  ecdhCurve,
  maxVersion,
  minVersion,
  sigalgs,
  verifyPeer
}: TlsOptions): TlsOptions => ({
  ...(ca === undefined ? {} : { ca }),
  ...(ciphers === undefined ? {} : { ciphers }),
  ...(crl === undefined ? {} : { crl }),
  ...(ecdhCurve === undefined ? {} : { ecdhCurve }),
  ...(maxVersion === undefined ? {} : { maxVersion }),
  ...(minVersion === undefined ? {} : { minVersion }),
  ...(sigalgs === undefined ? {} : { sigalgs }),
  ...(verifyPeer === undefined ? {} : { verifyPeer })
})

/** Sessions that operations share: one for each server, until it has been idle for some time. */
export const shareReferred = Effect.fnUntraced(function*(
  options: FollowOptions,
  origin: Origin
): Effect.fn.Return<OpenReferred, never, Scope.Scope> {
  const open = openReferred(options, origin)
  const sessions: RcMap.RcMap<string, LdapSession.LdapSession, LdapError> = yield* RcMap.make({
    idleTimeToLive: options.idleTimeToLive ?? "30 seconds",
    lookup: Effect.fnUntraced(function*(key: string) {
      // A key is the URL of a server, written by `serverKey`.
      const session = yield* open(Result.getOrThrow(LdapUrl.parse(key)))
      // When the session ends, its entry is removed: its operations fail, and the next operation opens another session.
      yield* Effect.forkDetach(Effect.andThen(session.closed, RcMap.invalidate(sessions, key)), {
        startImmediately: true
      })
      return session
    })
  })
  const ages = yield* steadyClock
  return (url) => {
    const key = serverKey(url)
    const lease = Scope.makeUnsafe()
    // RcMap measures idle times by the clock of the fiber that gives a session back.
    const giveBack = Effect.provideService(Scope.close(lease, Exit.void), Clock.Clock, ages)
    return Effect.andThen(
      Effect.addFinalizer(() => giveBack),
      // A failure is removed, so that the next operation tries again.
      Effect.onError(Scope.provide(RcMap.get(sessions, key), lease), () => RcMap.invalidate(sessions, key))
    )
  }
})
