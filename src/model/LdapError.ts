/**
 * The error of all operations, with a `reason`: `Effect.catchReason("LdapError", "InvalidCredentials", …)` handles one
 * reason, `Effect.unwrapReason("LdapError")` all of them by tag.
 *
 * There is a reason for each result code of a server (in ServerReason.ts), and some for failures of the client: no connection, a lost
 * connection, a closed session, a time limit, an invalid request, a server that violates the protocol.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type { LdapEntry } from "./entry/LdapEntry.ts"
import { InvalidRequest } from "./InvalidRequest.ts"
import type { ServerReason } from "./ServerReason.ts"
import { describeEnd, SessionEnd } from "./SessionEnd.ts"

export * from "./ServerReason.ts"
export { SessionEnd }

// ---------------------------------------------------------------------------------------------------------------------
// Reasons of the client
// ---------------------------------------------------------------------------------------------------------------------

/**
 * No connection was made. `kind` says which step failed: the address (`invalid`), the name (`dns`), the port (`refused`),
 * the wait (`timeout`), TLS (`tls`: the certificate or the handshake, named in `detail`), or anything else (`other`).
 *
 * @category client reasons
 * @since 0.1.0
 */
export class ConnectFailed extends Data.TaggedError("ConnectFailed")<{
  readonly kind: "invalid" | "dns" | "refused" | "timeout" | "tls" | "other"
  readonly detail: string
  /** The underlying error of Node, or several of them in an `AggregateError`. */
  readonly cause?: unknown
}> {
  /** Whether another attempt may succeed unchanged: true unless the URL is invalid or TLS has failed. */
  get isRetryable(): boolean {
    return this.kind === "refused" || this.kind === "timeout" || this.kind === "dns" || this.kind === "other"
  }
  override get message(): string {
    return `no connection: ${this.detail}`
  }
}

/**
 * The connection ended while the operation was waiting. `inDoubt` tells whether the request had been handed to the
 * network: if so, the server may have carried it out.
 *
 * @category client reasons
 * @since 0.1.0
 */
export class ConnectionLost extends Data.TaggedError("ConnectionLost")<{
  /** Why the connection ended. */
  readonly detail: string
  readonly inDoubt: boolean
  /** The underlying error of the connection. */
  readonly cause?: unknown
}> {
  /** Whether the request can be repeated safely: true if it was not sent. */
  get isRetryable(): boolean {
    return !this.inDoubt
  }
  override get message(): string {
    return `the connection was lost (${this.detail}); ${
      this.inDoubt ? "the server may have carried the request out" : "the request was not sent"
    }`
  }
}

/**
 * The session has ended and takes no more operations. `why` says what ended it; `inDoubt` is true for an operation whose
 * request had been sent before.
 *
 * @category client reasons
 * @since 0.1.0
 */
export class SessionClosed extends Data.TaggedError("SessionClosed")<{
  readonly why: SessionEnd
  readonly inDoubt: boolean
}> {
  /** Always false, since this session stays closed. */
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return `the session is closed: ${describeEnd(this.why)}; operations need a session whose scope is open${
      this.inDoubt ? "; the server may have carried the request out" : ""
    }`
  }
}

/**
 * An operation did not end within its time limit. It was abandoned, and the session goes on. A bind or StartTLS can't be abandoned:
 * if its request had been sent, the session ends, since its answer could still take effect.
 *
 * @category client reasons
 * @since 0.1.0
 */
export class RequestTimeout extends Data.TaggedError("RequestTimeout")<{
  /** The limit that passed, in milliseconds. */
  readonly afterMillis: number
  /** Whether the request had been handed to the network: if so, the server may have carried it out. */
  readonly inDoubt: boolean
  /** What took the time, if it wasn't the wait for a response. */
  readonly detail?: string | undefined
}> {
  /** Always true: the server may answer in time later. */
  get isRetryable(): boolean {
    return true
  }
  override get message(): string {
    if (this.detail !== undefined) return `${this.detail} within ${this.afterMillis} ms`
    return this.inDoubt
      ? `no answer within ${this.afterMillis} ms; raise requestTimeout if the server needs longer; ` +
        "the server may have carried the request out"
      : `the request could not be sent within ${this.afterMillis} ms, since a bind, StartTLS or slow connection was before it`
  }
}

/**
 * A search was abandoned because its stream is read too slowly: other operations of the same session waited for answers, and more
 * entries than `maxUnread` bytes had arrived before them.
 *
 * @category client reasons
 * @since 0.2.0
 */
export class SlowConsumer extends Data.TaggedError("SlowConsumer")<{
  /** The limit in bytes. */
  readonly maxUnread: number
}> {
  /** Always false: the consumer would be too slow again. */
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return `more than ${this.maxUnread} bytes of entries were waiting to be read while other operations used the session; ` +
      "set pageSize, give the search a session of its own (a pool with a larger max does), or raise maxUnread"
  }
}

/**
 * No session of a pool was free within the time limit; nothing was sent. If `isBusy`, all sessions were in use. Otherwise another one
 * could not be opened; then `lastFailure` is the error of the last attempt, if one has ended.
 *
 * @category client reasons
 * @since 0.1.0
 */
export class PoolTimeout extends Data.TaggedError("PoolTimeout")<{
  /** The limit that passed, in milliseconds. */
  readonly afterMillis: number
  /** Sessions that were open, of at most `max`, each shared by at most `concurrency` operations. */
  readonly open: number
  /** The maximum number of sessions. */
  readonly max: number
  /** The maximum number of operations on one session. */
  readonly concurrency: number
  /** Why the last attempt to open a session failed, if none has succeeded since. @since 0.2.0 */
  readonly lastFailure?: LdapError | undefined
  /**
   * Whether a search that is run as a stream has waited for a place beside other streams: with `max` of 2 or more, one session is kept
   * free of them, and may have been idle. @since 0.2.0
   */
  readonly isForStream?: boolean | undefined
}> {
  /** Always true: nothing was sent. */
  get isRetryable(): boolean {
    return true
  }
  /** Whether all the sessions that the pool may have were open and in use. @since 0.2.0 */
  get isBusy(): boolean {
    return this.open >= this.max
  }
  override get message(): string {
    const { afterMillis, concurrency, isForStream, lastFailure, max } = this
    if (this.isBusy && isForStream === true && max > 1) {
      const others = max === 2 ? "the other is" : `the other ${max - 1} are`
      return `no session was free for a stream within ${afterMillis} ms: one of ${max} is kept free of streams, and ${others} in use ` +
        `by ${concurrency} at a time; raise pool.max, pool.concurrency or pool.checkoutTimeout, and end streams early: each keeps ` +
        `its session while it runs`
    }
    if (this.isBusy) {
      return `no session was free within ${afterMillis} ms: all ${max} are in use by ${concurrency} at a time; raise ` +
        `pool.max, pool.concurrency or pool.checkoutTimeout, and end streams early: each keeps its session while it runs`
    }
    if (lastFailure === undefined) {
      return `no session within ${afterMillis} ms: the server takes longer to connect and bind; raise pool.checkoutTimeout, ` +
        `or lower connectTimeout to learn why`
    }
    const { operation, reason } = lastFailure
    return `no session within ${afterMillis} ms; the last attempt to open one failed: ${
      operation === "connect" ? "" : `${operation}: `
    }${reason.message}`
  }
}

/**
 * No server of a set could be used; the operation was not sent. `failures` has the reason for each server: the failure of an attempt
 * just now, or the earlier failure because of which the server rests.
 *
 * @category client reasons
 * @since 0.1.0
 */
export class NoServerAvailable extends Data.TaggedError("NoServerAvailable")<{
  readonly failures: ReadonlyArray<{ readonly server: string; readonly error: LdapError }>
}> {
  /** Whether a retry may succeed: true if that holds for one of the servers. */
  get isRetryable(): boolean {
    return this.failures.some(({ error }) => error.isRetryable)
  }
  override get message(): string {
    const each = this.failures.map(({ error: { operation, reason }, server }) =>
      `${server}: ${operation === "connect" ? "" : `${operation}: `}${reason.message}`
    )
    return `no server can be used: ${each.join("; ")}`
  }
}

/**
 * The peer violated the protocol. A message that can't be read, or that belongs to no operation, ends the session. Endless pages, and
 * a response whose value can't be read, end only the operation.
 *
 * @category client reasons
 * @since 0.1.0
 */
export class ProtocolViolation extends Data.TaggedError("ProtocolViolation")<{
  /** What the peer sent. */
  readonly detail: string
  /** The underlying error, if there is one. */
  readonly cause?: unknown
  /** If the violation ended the session: whether the request of this operation had been handed to the network. */
  readonly inDoubt?: boolean | undefined
}> {
  /** Whether the request can be repeated on another session: true if it was not sent. */
  get isRetryable(): boolean {
    return this.inDoubt === false
  }
  override get message(): string {
    return `the peer broke the protocol: ${this.detail}${
      this.inDoubt === true ? "; the server may have carried the request out" : ""
    }`
  }
}

export { InvalidRequest }

/**
 * A password would have been sent over the network in clear text, so nothing was sent. `detail` says what to do.
 *
 * @category client reasons
 * @since 0.1.0
 */
export class InsecureAuth extends Data.TaggedError("InsecureAuth")<{ readonly detail: string }> {
  /** Always false: the connection would be unprotected again. */
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return this.detail
  }
}

/**
 * The client aborted a bind because the server did not prove its identity. `detail` says what was wrong.
 *
 * @category client reasons
 * @since 0.1.0
 */
export class AuthRejected extends Data.TaggedError("AuthRejected")<{ readonly detail: string }> {
  /** Always false, since the server may be an impostor. */
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return `authentication was broken off: ${this.detail}`
  }
}

/**
 * Why there is no Kerberos ticket. `kdcUnreachable`: no KDC was found or none answered. `clockSkew`: the clocks differ too much.
 * `clientUnknown`, `wrongPassword`, `passwordExpired`, `accountRevoked` (disabled, locked or expired): the account.
 * `serviceUnknown`: the KDC has no service of that name. `encryptionType`: the two sides share no encryption type.
 * `noCredentials`: the keytab or credential cache has no matching credentials. `untrustedReply`: a reply can't be read, or does not
 * come from the KDC. `refused`: the KDC refused for another reason.
 *
 * @category models
 * @since 0.2.0
 */
export type KerberosFailureKind =
  | "kdcUnreachable"
  | "clockSkew"
  | "clientUnknown"
  | "wrongPassword"
  | "passwordExpired"
  | "accountRevoked"
  | "serviceUnknown"
  | "encryptionType"
  | "noCredentials"
  | "untrustedReply"
  | "refused"

/**
 * There is no Kerberos ticket for the bind; nothing was sent to the LDAP server. `kind` says why, `detail` what to do.
 *
 * @category client reasons
 * @since 0.2.0
 */
export class KerberosFailed extends Data.TaggedError("KerberosFailed")<{
  readonly kind: KerberosFailureKind
  /** What failed, with the principal, service or KDC; never a secret. */
  readonly detail: string
  /** The error code of the KDC (RFC 4120 section 7.5.9), if it was the KDC that refused. */
  readonly kdcCode?: number | undefined
}> {
  /** Whether the same bind may succeed later without a change: only if no KDC answered. */
  get isRetryable(): boolean {
    return this.kind === "kdcUnreachable"
  }
  override get message(): string {
    return `no Kerberos ticket: ${this.detail}`
  }
}

/**
 * A referral couldn't be followed: there were too many, they led in a circle, or none of the servers could be used. `detail` says
 * what was wrong with each, `cause` is the last of these errors.
 *
 * @category client reasons
 * @since 0.1.0
 */
export class ReferralFailed extends Data.TaggedError("ReferralFailed")<{
  readonly detail: string
  /** The URLs of the referral. The operation could have gone on at any of them. */
  readonly urls: ReadonlyArray<string>
  readonly cause?: unknown
}> {
  /** Whether a repetition may succeed: true if that holds for the error of the other server. */
  get isRetryable(): boolean {
    return this.cause instanceof LdapError && this.cause.isRetryable
  }
  override get message(): string {
    return `the server refers to another one, and that failed: ${this.detail}`
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// The error
// ---------------------------------------------------------------------------------------------------------------------

/**
 * All reasons of an {@link LdapError}: those of the client and those of the server.
 *
 * @category models
 * @since 0.1.0
 */
export type LdapErrorReason =
  | ServerReason
  | ConnectFailed
  | ConnectionLost
  | SessionClosed
  | RequestTimeout
  | SlowConsumer
  | PoolTimeout
  | NoServerAvailable
  | ProtocolViolation
  | InvalidRequest
  | InsecureAuth
  | AuthRejected
  | KerberosFailed
  | ReferralFailed

/**
 * The error of all operations. Its message says which operation failed, on which server and entry, and what to do.
 *
 * @category errors
 * @since 0.1.0
 */
export class LdapError extends Data.TaggedError("LdapError")<{
  /** Why the operation failed. `Effect.catchReason` selects by its tag. */
  readonly reason: LdapErrorReason
  /** The operation: `connect`, `bind`, `search`, `add` … */
  readonly operation: string
  /** The server's URL, if a server was involved. */
  readonly server?: string | undefined
  /** The entry that the operation was about. */
  readonly dn?: string | undefined
  /** What `searchResult` had received before the failure, for instance the entries before a size limit was reached. */
  readonly partial?: {
    readonly entries: ReadonlyArray<LdapEntry>
    readonly references: ReadonlyArray<ReadonlyArray<string>>
  } | undefined
}> {
  /** Whether the same request may succeed unchanged, later or on another connection. */
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
  override get message(): string {
    // A SASL bind has no bind DN, and its name is empty (RFC 4513 section 5.2.1.1).
    const isNamed = this.dn !== undefined && (this.dn !== "" || this.operation !== "bind")
    const what = !isNamed ? this.operation : `${this.operation} of "${this.dn}"`
    const where = this.server === undefined ? "" : ` on ${this.server}`
    const advice = this.operation === "startTls" && "code" in this.reason
      ? "; the server doesn't start TLS here: use ldaps://, or give the server a certificate"
      : ""
    return `${what}${where} failed: ${this.reason.message}${advice}`
  }
}
