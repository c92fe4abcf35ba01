/**
 * What GSSAPI and GSS-SPNEGO have in common: failures as errors of a bind, limits on tokens, and the security layer over a
 * complete context.
 */
import * as Effect from "effect/Effect"
import { AuthRejected, InvalidRequest, type KerberosFailed } from "../../model/LdapError.ts"
import { rejected, type SaslContext, type SaslSecurityLayer } from "../SaslMechanism.ts"
import { applicationData } from "./gss/channelBindings.ts"
import type { GssContext, GssFailure, GssProtection, GssProvider, GssRequest } from "./GssContext.ts"
import { kerberosPackage } from "./kerberosPackage.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface GssOptions {
  /** Host-based name of the service. Default `ldap@` and the host that the session connects to. */
  readonly service?: string | undefined
  /** The principal whose ticket to use if the credential cache has several, as in `ada@EXAMPLE.COM`. Default: that of the cache. */
  readonly principal?: string | undefined
  /**
   * How the session's messages are protected after the bind. Default: not at all under TLS, where servers refuse it; otherwise
   * the strongest protection that the provider and the server support. If the protection named here is not available, the bind fails.
   */
  readonly protection?: GssProtection | undefined
  /**
   * Whether the bind is bound to this TLS connection (channel binding `tls-server-end-point`, RFC 5929), which hardened domain controllers
   * demand. Default: true under TLS, if the provider supports it and the server's certificate has such a hash: one that is signed by
   * Ed25519 has none. Where `true` is given, a certificate without a hash is refused with `InvalidRequest`. Use `false` if TLS ends
   * before the server, at a proxy with its own certificate.
   *
   * @since 0.2.0
   */
  readonly channelBinding?: boolean | undefined
  /** What makes the contexts. Default: the package `kerberos`. */
  readonly provider?: GssProvider | undefined
}

/** Protections, each stronger than the one before it. */
export const ascending: ReadonlyArray<GssProtection> = ["none", "integrity", "confidentiality"]

/** A context and its first token, and how far the session's messages may be protected by it. */
export const begin = Effect.fnUntraced(function*(
  mechanism: GssRequest["mechanism"],
  { channelBinding, principal, protection, provider = kerberosPackage(), service }: GssOptions,
  connection: SaslContext
): Effect.fn.Return<
  { readonly context: GssContext; readonly first: Uint8Array | undefined; readonly most: GssProtection },
  InvalidRequest | KerberosFailed
> {
  if (ascending.indexOf(protection ?? "none") > ascending.indexOf(provider.protection)) {
    const detail = `${protection} of messages is more than this provider can do (${provider.protection}); ` +
      "ldaps:// and startTls protect them without it"
    return yield* new InvalidRequest({ field: "protection", detail })
  }
  const most = protection ??
    // A layer under TLS or another layer adds no protection, and servers refuse it.
    (connection.protection === "tls" || connection.protection === "sasl" ? "none" : provider.protection)
  const certificate = channelBinding === false ? undefined : connection.channelBinding?.("tls-server-end-point")
  if (channelBinding === true && connection.protection === "tls" && certificate === undefined) {
    const detail =
      "the server's certificate has no hash to bind to (tls-server-end-point), as where it is signed by Ed25519; " +
      "without this option the bind is bound where that can be"
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

/** The largest wrapped buffer in bytes that the client accepts, and by default sends. Other clients have the same default. */
export const maxWrapped = 65_536

/**
 * The most bytes that wrapping adds: RFC 4121 needs 16 for its header twice, 16 for a confounder, up to 24 for a checksum
 * and a block of padding; the older RFC 4757 less.
 */
const overhead = 128

/** The most bytes of a server's token. Only tokens to the server get large, some kilobytes for a user in many groups. */
const maxToken = 65_536

/** A failure before anything is sent: there is no ticket. */
const ticketFailure =
  (service: string) => (failure: GssFailure | InvalidRequest | KerberosFailed): InvalidRequest | KerberosFailed =>
    failure._tag !== "GssFailure"
      ? failure
      : new InvalidRequest({
        field: "ticket",
        detail:
          `there is none for ${service} (${failure.detail}); klist shows what there is, kinit asks for one, and the ` +
          "service must be known to the KDC by this very name"
      })

/** A later failure: the server's token was refused. */
export const proved = <A>(effect: Effect.Effect<A, GssFailure>): Effect.Effect<A, AuthRejected> =>
  Effect.mapError(effect, ({ detail }) => new AuthRejected({ detail }))

/** Checks a server's token. An empty one has no meaning for a context. */
export const token = (challenge: Uint8Array | undefined): Effect.Effect<Uint8Array, AuthRejected> =>
  challenge === undefined || challenge.length === 0
    ? rejected("the server sent no token")
    : challenge.length > maxToken
    ? rejected(`the server's token has ${challenge.length} bytes, more than ${maxToken}`)
    : Effect.succeed(challenge)

/** A layer whose buffers are wrapped by the context. */
export const layerOver = (
  context: GssContext,
  protection: Exclude<GssProtection, "none">,
  limits: { readonly maxSent: number; readonly maxReceived: number }
): Effect.Effect<SaslSecurityLayer, AuthRejected> => {
  const maxSent = Math.min(limits.maxSent, maxWrapped)
  const confidential = protection === "confidentiality"
  if (maxSent <= overhead)
    return rejected(`the server takes wrapped buffers of ${limits.maxSent} bytes, which is too few`)
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
