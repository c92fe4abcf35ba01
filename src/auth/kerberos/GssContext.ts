/**
 * A security context of the GSS-API (RFC 2743), as far as SASL needs one. The two sides exchange tokens until both are
 * authenticated, and then wrap messages. A {@link GssProvider} makes contexts, with the `kerberos` package or another
 * implementation; the mechanisms don't depend on it.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type { InvalidRequest, KerberosFailed } from "../../model/LdapError.ts"

/**
 * How messages are protected once a context is complete: `none`, `integrity` (against changes), or `confidentiality` (against
 * changes and eavesdropping).
 *
 * @category models
 * @since 0.1.0
 */
export type GssProtection = "none" | "integrity" | "confidentiality"

/**
 * The error of the underlying library for a failed step, for instance a missing or expired ticket, or an invalid token. `detail` is
 * its message.
 *
 * @category models
 * @since 0.1.0
 */
export class GssFailure extends Data.TaggedError("GssFailure")<{ readonly detail: string }> {
  override get message(): string {
    return this.detail
  }
}

/**
 * The requirements of a mechanism on a context.
 *
 * @category models
 * @since 0.1.0
 */
export interface GssRequest {
  /** Kerberos (1.2.840.113554.1.2.2), or SPNEGO (1.3.6.1.5.5.2), which negotiates the mechanism. */
  readonly mechanism: "kerberos" | "spnego"
  /** A host-based service name, as in `ldap@ldap.example.com`. */
  readonly service: string
  /** The principal whose ticket to use if the credential cache has several, as in `ada@EXAMPLE.COM`. */
  readonly principal?: string | undefined
  /**
   * The strongest protection that the context may offer. With SPNEGO it decides, since the server uses the flags of the context.
   * With Kerberos alone it has no effect, so a provider may ignore it.
   */
  readonly protection: GssProtection
  /**
   * The TLS connection to which the context is bound (channel binding): the application data of the GSS-API, which is
   * `tls-server-end-point:` and the hash of the server's certificate. `undefined` without TLS. A provider without channel bindings
   * ignores it.
   *
   * @since 0.2.0
   */
  readonly channelBindings?: Uint8Array | undefined
}

/**
 * One context, for one authentication and the session after it.
 *
 * **Details**
 *
 * The context requires mutual authentication: it isn't complete before the server has proved its identity. Steps run one after the
 * other. After them, one `wrap` and one `unwrap` may run at the same time, but not two of the same kind. Messages are sent in the
 * order in which they were wrapped.
 *
 * @category models
 * @since 0.1.0
 */
export interface GssContext {
  /**
   * Takes the server's token (`undefined` in the first step) and returns the next token, if there is one. Fails if the token is invalid, or
   * if there is no ticket. Interruption of the bind interrupts it.
   */
  readonly step: (token: Uint8Array | undefined) => Effect.Effect<Uint8Array | undefined, GssFailure>
  /** Whether both sides are authenticated. */
  readonly isComplete: () => boolean
  /** The protection of the complete context, from its flags. Only SPNEGO uses it. */
  readonly protection: () => GssProtection
  readonly wrap: (octets: Uint8Array, confidential: boolean) => Effect.Effect<Uint8Array, GssFailure>
  readonly unwrap: (
    octets: Uint8Array
  ) => Effect.Effect<{ readonly octets: Uint8Array; readonly confidential: boolean }, GssFailure>
}

/**
 * Makes contexts.
 *
 * @category models
 * @since 0.1.0
 */
export interface GssProvider {
  /** The strongest protection that contexts of this provider can give to a session. */
  readonly protection: GssProtection
  /**
   * Fails with `InvalidRequest` if this machine can't make such a context, and with `KerberosFailed` if the KDCs give no ticket for
   * it.
   */
  readonly make: (request: GssRequest) => Effect.Effect<GssContext, GssFailure | InvalidRequest | KerberosFailed>
}
