/**
 * Common parts of GSSAPI and GSS-SPNEGO: failures as errors of a bind, limits of tokens, and the security layer over a complete
 * context.
 */
import * as Effect from "effect/Effect"
import { AuthRejected, InvalidRequest, type KerberosFailed } from "../../model/LdapError.ts"
import { rejected, type SaslContext, type SaslSecurityLayer } from "../SaslMechanism.ts"
import { applicationData } from "./gss/channelBindings.ts"
import type { GssContext, GssFailure, GssProtection, GssProvider, GssRequest } from "./GssContext.ts"
import { kerberosPackage } from "./kerberosPackage.ts"

/**
 * Options that GSSAPI and GSS-SPNEGO share.
 *
 * @category models
 * @since 0.1.0
 */
export interface GssOptions {
  /** Host-based name of the service. Default: `ldap@` and the host of the session's URL. */
  readonly service?: string | undefined
  /**
   * The principal whose ticket to use if the credential cache has several, as in `ada@EXAMPLE.COM`. Default: the principal of the
   * cache.
   */
  readonly principal?: string | undefined
  /**
   * How the session's messages are protected after the bind. Default under TLS: not at all, since servers refuse it there.
   * Otherwise: the strongest protection that both the provider and the server support. If this option is set and that protection is
   * not available, the bind fails.
   */
  readonly protection?: GssProtection | undefined
  /**
   * Whether the bind is bound to this TLS connection (channel binding `tls-server-end-point`, RFC 5929). Hardened domain
   * controllers require it. Default: true under TLS, if the provider supports it and the server's certificate has such a hash (one
   * that is signed by Ed25519 has none). If `true` is given, a certificate without a hash is refused with `InvalidRequest`. Use
   * `false` if TLS ends before the server, at a proxy with its own certificate.
   *
   * @since 0.2.0
   */
  readonly channelBinding?: boolean | undefined
  /** The provider of contexts. Default: the package `kerberos`. */
  readonly provider?: GssProvider | undefined
}

/** Protections, from weak to strong. */
export const ascending: ReadonlyArray<GssProtection> = ["none", "integrity", "confidentiality"]

/** A context and its first token, and the strongest protection of the session's messages. */
export const begin = Effect.fnUntraced(function*(
  mechanism: GssRequest["mechanism"],
  { channelBinding, principal, protection, provider = kerberosPackage(), service }: GssOptions,
  connection: SaslContext
): Effect.fn.Return<
  { readonly context: GssContext; readonly first: Uint8Array | undefined; readonly most: GssProtection },
  InvalidRequest | KerberosFailed
> {
  if (ascending.indexOf(protection ?? "none") > ascending.indexOf(provider.protection)) {
    const detail = `${protection} of messages is not supported by this provider (${provider.protection}); ` +
      "ldaps:// and startTls protect messages without a provider"
    return yield* new InvalidRequest({ field: "protection", detail })
  }
  const most = protection ??
    // Under TLS or another layer, a layer adds no protection, and servers refuse it.
    (connection.protection === "tls" || connection.protection === "sasl" ? "none" : provider.protection)
  const certificate = channelBinding === false ? undefined : connection.channelBinding?.("tls-server-end-point")
  if (channelBinding === true && connection.protection === "tls" && certificate === undefined) {
    const detail =
      "the server's certificate has no hash for channel binding (tls-server-end-point), for instance because Ed25519 signed it; " +
      "without this option, channel binding is used only if it is possible"
    return yield* new InvalidRequest({ field: "channelBinding", detail })
  }
  const request: GssRequest = {
    mechanism,
    service: service ?? `ldap@${connection.host}`,
    principal,
    protection: most,
    channelBindings: certificate === undefined ? undefined : applicationData(certificate)
  }
  const started = Effect.gen(function*() {
    const context = yield* provider.make(request)
    return { context, first: yield* context.step(undefined), most }
  })
  return yield* Effect.mapError(started, ticketFailure(request.service))
})

/**
 * The maximum size in bytes of a wrapped buffer that the client accepts, and by default sends. Other clients have the same default.
 */
export const maxWrapped = 65_536

/**
 * The maximum number of bytes that wrapping adds. RFC 4121 needs 16 for its header twice, 16 for a confounder, up to 24 for a
 * checksum and a block of padding. The older RFC 4757 needs less.
 */
const overhead = 128

/** The maximum size in bytes of a server's token. Only tokens to the server are large: some kilobytes for a user in many groups. */
const maxToken = 65_536

/** A failure before anything is sent: no ticket is available. */
const ticketFailure =
  (service: string) => (failure: GssFailure | InvalidRequest | KerberosFailed): InvalidRequest | KerberosFailed =>
    failure._tag !== "GssFailure"
      ? failure
      : new InvalidRequest({
        field: "ticket",
        detail:
          `there is none for ${service} (${failure.detail}); klist lists the tickets, kinit requests one, and the ` +
          "KDC must know the service by exactly this name"
      })

/** A failure after the first step: the server's token was refused. */
export const proved = <A>(effect: Effect.Effect<A, GssFailure>): Effect.Effect<A, AuthRejected> =>
  Effect.mapError(effect, ({ detail }) => new AuthRejected({ detail }))

/** Checks the size of a server's token. An empty one has no meaning for a context. */
export const token = (challenge: Uint8Array | undefined): Effect.Effect<Uint8Array, AuthRejected> =>
  challenge === undefined || challenge.length === 0
    ? rejected("the server sent no token")
    : challenge.length > maxToken
    ? rejected(`the server's token has ${challenge.length} bytes, more than ${maxToken}`)
    : Effect.succeed(challenge)

/** A layer whose buffers the context wraps. */
export const layerOver = (
  context: GssContext,
  protection: Exclude<GssProtection, "none">,
  limits: { readonly maxSent: number; readonly maxReceived: number }
): Effect.Effect<SaslSecurityLayer, AuthRejected> => {
  const maxSent = Math.min(limits.maxSent, maxWrapped)
  const confidential = protection === "confidentiality"
  if (maxSent <= overhead)
    return rejected(`the server accepts wrapped buffers of at most ${limits.maxSent} bytes, which is too small`)
  return Effect.succeed({
    confidential,
    maxSend: maxSent - overhead,
    maxReceive: limits.maxReceived,
    wrap: (octets) => proved(context.wrap(octets, confidential)),
    unwrap: Effect.fnUntraced(function*(buffer) {
      const unwrapped = yield* proved(context.unwrap(buffer))
      if (confidential && !unwrapped.confidential)
        return yield* rejected("the server sent a message that is not encrypted")
      return unwrapped.octets
    })
  })
}
