/**
 * Faults as values: what a server or a network does to a client, and to which requests. A directory takes faults when it is made
 * (`faults`) and while it runs (`directory.faults.set`). They wait on Effect's Clock, so with TestClock tests of them take no
 * time.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"

/**
 * What a fault applies to: the opening of a connection, or a request. No fault applies to Abandon and unbind, since they have no
 * answer.
 *
 * @category models
 * @since 0.1.0
 */
export type Occasion = "connect" | RequestKind

/**
 * The kinds of requests that a fault can apply to.
 *
 * @category models
 * @since 0.1.0
 */
export type RequestKind = "bind" | "search" | "add" | "modify" | "delete" | "rename" | "compare" | "extended"

/**
 * Which requests a fault applies to, and where in the answer it happens. A request must match all fields that are given. Without
 * fields, every request matches.
 *
 * @category models
 * @since 0.1.0
 */
export interface Where {
  /** Kinds of requests, or `"connect"`: as soon as a connection is open. Default: every kind of request. */
  readonly on?: Occasion | ReadonlyArray<Occasion> | undefined
  /** The name in the request, in any spelling: the base of a search, the name of a bind. */
  readonly dn?: string | undefined
  /** The object identifier of an extended request. */
  readonly oid?: string | undefined
  /** The number of a connection; they are numbered from 1. */
  readonly connection?: number | undefined
  /** Only the nth request that matches, counted from 1 since the faults were set. Default: every one. */
  readonly nth?: number | undefined
  /**
   * How many messages of the answer are sent before the fault happens. Without it, the request isn't carried out. With 0 the
   * request is carried out and no message of its answer is sent. If the answer has fewer messages, it is sent completely and the
   * fault doesn't happen. On `"connect"` all messages of the connection count; without it, the fault happens before the first
   * request is read.
   */
  readonly after?: number | undefined
}

/**
 * Which requests are answered by another result. In `on`, `"connect"` isn't allowed, since it has no answer.
 *
 * @category models
 * @since 0.1.0
 */
export type RequestWhere = Where & { readonly on?: RequestKind | ReadonlyArray<RequestKind> | undefined }

/**
 * A fault. Make faults with the constructors of this module.
 *
 * @category models
 * @since 0.1.0
 */
export type DirectoryFault =
  | Delay
  | Stall
  | Drop
  | WrongResult
  | Reset
  | Close
  | Disconnect
  | Garbage
  | Trickle
  | SlowReader
  | Random

/** A pause, after which the request or the answer goes on. */
export interface Delay {
  readonly _tag: "Delay"
  /** When the fault happens. */
  readonly where: Where
  /** How long the pause is. */
  readonly duration: Duration.Duration
}

/** The connection stays open, and nothing is read from it or written to it until the faults are changed. */
export interface Stall {
  readonly _tag: "Stall"
  /** When the fault happens. */
  readonly where: Where
}

/** The answer, or the rest of it, is never sent. */
export interface Drop {
  readonly _tag: "Drop"
  /** When the fault happens. */
  readonly where: Where
}

/** This result replaces the answer, or the rest of it. */
export interface WrongResult {
  readonly _tag: "WrongResult"
  /** When the fault happens. */
  readonly where: RequestWhere
  /** The result code. */
  readonly code: number
  /** The server's text. */
  readonly diagnosticMessage: string
  /** The nearest existing entry, for codes about names. */
  readonly matchedDn: string
  /** URLs of other servers, for the code referral (10). */
  readonly referrals: ReadonlyArray<string>
}

/** The connection breaks. Bytes that the client has not received yet are lost. */
export interface Reset {
  readonly _tag: "Reset"
  /** When the fault happens. */
  readonly where: Where
}

/** The server closes the connection without a notice. The client still receives what was written before. */
export interface Close {
  readonly _tag: "Close"
  /** When the fault happens. */
  readonly where: Where
}

/** The server sends a Notice of Disconnection (RFC 4511 section 4.4.1) and closes the connection. */
export interface Disconnect {
  readonly _tag: "Disconnect"
  /** When the fault happens. */
  readonly where: Where
  /** The result code of the notice. */
  readonly code: number
  /** The server's text. */
  readonly diagnosticMessage: string
}

/** Bytes that are not LDAP. The connection stays open. */
export interface Garbage {
  readonly _tag: "Garbage"
  /** When the fault happens. */
  readonly where: Where
  /** The bytes to send. */
  readonly octets: Uint8Array
}

/** Answers are sent a few bytes at a time, with a pause after each write. */
export interface Trickle {
  readonly _tag: "Trickle"
  /** When the fault happens. */
  readonly where: Where
  /** How many bytes are sent at a time. */
  readonly octets: number
  /** The pause after each write. */
  readonly every: Duration.Duration
}

/** From then on the server reads a few bytes at a time, with a pause before each read. */
export interface SlowReader {
  readonly _tag: "SlowReader"
  /** When the fault happens. */
  readonly where: Where
  /** How many bytes are read at a time. */
  readonly octets: number
  /** The pause before each read. */
  readonly every: Duration.Duration
}

/** One of several faults at random, or none. */
export interface Random {
  readonly _tag: "Random"
  /** When a fault may happen. */
  readonly where: Where
  /** The seed of the random numbers. */
  readonly seed: number | string
  /** The probability of a fault for each request, from 0 to 1. */
  readonly probability: number
  /** The faults to choose from. */
  readonly faults: ReadonlyArray<DirectoryFault>
}

const everywhere: Where = {}

/**
 * Delays a request before it is carried out, or its answer where `after` is given. Other requests don't wait. On `"connect"` the
 * server reads nothing meanwhile.
 *
 * @category constructors
 * @since 0.1.0
 */
export const delay = (duration: Duration.Input, where: Where = everywhere): Delay => ({
  _tag: "Delay",
  where,
  duration: Duration.fromInputUnsafe(duration)
})

/**
 * A server that hangs: the connection stays open, but the server neither reads nor writes.
 *
 * **Details**
 *
 * The server doesn't read an unbind either, so the client's release takes its whole `closeTimeout`. When the faults are changed
 * (`set`, `clear`), the server continues where it stopped.
 *
 * @category constructors
 * @since 0.1.0
 */
export const stall = (where: Where = everywhere): Stall => ({ _tag: "Stall", where })

/**
 * A request that is never answered, on a connection that otherwise works. With `after: 0` the request is carried out.
 *
 * @category constructors
 * @since 0.1.0
 */
export const drop = (where: Where = everywhere): Drop => ({ _tag: "Drop", where })

/**
 * Answers with another result: `result(LdapResultCode.busy)`. With `after: 3` a search returns three entries before it. With
 * `after: 0` a write is carried out and reported as failed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const result = (
  result: number | {
    readonly code: number
    readonly diagnosticMessage?: string | undefined
    readonly matchedDn?: string | undefined
    readonly referrals?: ReadonlyArray<string> | undefined
  },
  where: RequestWhere = {}
): WrongResult => {
  const { code, diagnosticMessage = "", matchedDn = "", referrals = [] } = typeof result === "number"
    ? { code: result }
    : result
  return { _tag: "WrongResult", where, code, diagnosticMessage, matchedDn, referrals }
}

/**
 * Breaks the connection, as a crash of the server or a firewall does. `reset({ on: "search", after: 5 })` breaks it in the
 * middle of a search.
 *
 * @category constructors
 * @since 0.1.0
 */
export const reset = (where: Where = everywhere): Reset => ({ _tag: "Reset", where })

/**
 * Closes the connection normally but without a notice. `close({ on: "connect", after: 10 })` does so after ten messages.
 *
 * @category constructors
 * @since 0.1.0
 */
export const close = (where: Where = everywhere): Close => ({ _tag: "Close", where })

/**
 * A server that shuts down: it sends a Notice of Disconnection and closes the connection. Default code: `unavailable` (52).
 *
 * @category constructors
 * @since 0.1.0
 */
export const disconnect = (
  where: Where = everywhere,
  notice?: { readonly code?: number | undefined; readonly diagnosticMessage?: string | undefined }
): Disconnect => ({
  _tag: "Disconnect",
  where,
  code: notice?.code ?? 52,
  diagnosticMessage: notice?.diagnosticMessage ?? "shutting down"
})

/**
 * Sends bytes that are not LDAP before the answer. Default: the answer of an HTTP server.
 *
 * @category constructors
 * @since 0.1.0
 */
export const garbage = (where: Where = everywhere, octets?: Uint8Array): Garbage => ({
  _tag: "Garbage",
  where,
  octets: octets ?? new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n")
})

/**
 * The speed of a transfer: `octets` bytes (at least 1), then a pause of `every`.
 *
 * @category models
 * @since 0.2.0
 */
export interface Pace {
  readonly octets?: number | undefined
  readonly every?: Duration.Input | undefined
}

/**
 * Sends an answer one byte at a time, with a pause of `every` (default: none) after each. On `"connect"` this applies to all
 * answers of the connection. Messages of other requests are sent between two messages of the answer, never within one.
 *
 * @category constructors
 * @since 0.1.0
 */
export const trickle = (where: Where = everywhere, pace?: Pace): Trickle => ({
  _tag: "Trickle",
  where,
  octets: Math.max(1, pace?.octets ?? 1),
  every: Duration.fromInputUnsafe(pace?.every ?? 0)
})

/**
 * A server that reads slowly, by default one byte each millisecond. It begins with the request, or at once with
 * `on: "connect"`. When the connection's buffers are full, the client's writes have to wait (backpressure).
 *
 * @category constructors
 * @since 0.1.0
 */
export const slowReader = (where: Where = everywhere, pace?: Pace): SlowReader => ({
  _tag: "SlowReader",
  where,
  octets: Math.max(1, pace?.octets ?? 1),
  every: Duration.fromInputUnsafe(pace?.every ?? "1 millis")
})

/**
 * Faults at random: each request that matches meets one of `faults` with this probability.
 *
 * **Details**
 *
 * The `where` of the fault that was drawn must match too. The same seed and the same requests in the same order give the same
 * faults. Setting the faults again restarts the sequence.
 *
 * **Example**
 *
 * ```ts
 * import { LdapResultCode } from "effect-ldap"
 * import { DirectoryFault } from "effect-ldap/testing"
 *
 * const weather = DirectoryFault.random({
 *   seed: 42,
 *   probability: 0.1,
 *   faults: [
 *     DirectoryFault.delay("3 seconds"),
 *     DirectoryFault.result(LdapResultCode.LdapResultCode.busy),
 *     DirectoryFault.reset({ on: "search", after: 1 })
 *   ]
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const random = (options: {
  readonly seed: number | string
  /** The probability of a fault for each request, between 0 and 1. */
  readonly probability: number
  /** Each is as likely as the others. */
  readonly faults: ReadonlyArray<DirectoryFault>
  readonly where?: Where | undefined
}): Random => ({
  _tag: "Random",
  where: options.where ?? everywhere,
  seed: options.seed,
  probability: options.probability,
  faults: options.faults
})
