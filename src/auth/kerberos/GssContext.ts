/**
 * A security context of the GSS-API (RFC 2743), as far as SASL needs one: tokens that go back and forth until both sides know
 * each other, and then messages wrapped for the other side alone. What makes the contexts, the `kerberos` package or a
 * binding of one's own, stands behind {@link GssProvider}; the mechanisms over it don't know.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type { InvalidRequest, KerberosFailed } from "../../model/LdapError.ts"

/**
 * How messages are protected once a context is complete: not at all, against changes, or against changes and listeners.
 *
 * @category models
 * @since 0.1.0
 */
export type GssProtection = "none" | "integrity" | "confidentiality"

/**
 * What the library below says of a step that failed: a ticket that isn't there or has expired, a token that proves nothing.
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
 * What a mechanism wants of a context.
 *
 * @category models
 * @since 0.1.0
 */
export interface GssRequest {
  /** Kerberos itself (1.2.840.113554.1.2.2), or SPNEGO (1.3.6.1.5.5.2), which finds out what both sides know. */
  readonly mechanism: "kerberos" | "spnego"
  /** A host-based service name, as in `ldap@ldap.example.com`. */
  readonly service: string
  /** Whose ticket to use where the credential cache has several, as in `ada@EXAMPLE.COM`. */
  readonly principal?: string | undefined
  /**
   * The most that the context may offer to protect. With SPNEGO that decides, since the server takes the flags of the context
   * for the answer; with Kerberos itself it doesn't matter, and may be left alone.
   */
  readonly protection: GssProtection
  /**
   * The TLS connection that the context is to be bound to: what the GSS-API calls the application's data, `tls-server-end-point:` and
   * the hash of the server's certificate. `undefined` without TLS. A provider that can't bind leaves it alone.
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
 * The context asks for mutual authentication: it isn't complete before the server has proved who it is. Steps come one
 * after the other. After them one `wrap` and one `unwrap` may run at the same time, never two of a kind; what was wrapped
 * first is sent first.
 *
 * @category models
 * @since 0.1.0
 */
export interface GssContext {
  /** Takes the server's token, none at first, and answers with the next one, if there is one. */
  readonly step: (token: Uint8Array | undefined) => Effect.Effect<Uint8Array | undefined, GssFailure>
  readonly isComplete: () => boolean
  /** What the complete context protects, from its flags. Only SPNEGO asks. */
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
  /** The most that a session can be protected by contexts of this provider, whatever the two sides agree on. */
  readonly protection: GssProtection
  /**
   * Fails with `InvalidRequest` if there can be no such context on this machine, with `KerberosFailed` if a KDC gives no ticket for it.
   */
  readonly make: (request: GssRequest) => Effect.Effect<GssContext, GssFailure | InvalidRequest | KerberosFailed>
}
