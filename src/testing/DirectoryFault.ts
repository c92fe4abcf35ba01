/**
 * Faults on purpose, as values: what a server or a network may do to a client, and to which requests. A directory takes
 * them when it is made (`faults`) and while it runs (`directory.faults.set`); what they wait for is waited for on the
 * Clock, so tests of them take no time.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"

/**
 * What a fault may be about: the opening of a connection, or a request. Abandon and unbind have no answer to spoil.
 *
 * @category models
 * @since 0.1.0
 */
export type Occasion = "connect" | RequestKind

/**
 * @category models
 * @since 0.1.0
 */
export type RequestKind = "bind" | "search" | "add" | "modify" | "delete" | "rename" | "compare" | "extended"

/**
 * Which requests a fault is for, and where in the answer it happens. All that is given must hold; nothing given is
 * every request.
 *
 * @category models
 * @since 0.1.0
 */
export interface Where {
  /** Kinds of requests, or `"connect"`: as soon as a connection is open. Default: every kind of request. */
  readonly on?: Occasion | ReadonlyArray<Occasion> | undefined
  /** The name that the request is about (of a search its base, of a bind who), in any spelling. */
  readonly dn?: string | undefined
  /** The object identifier of an extended request. */
  readonly oid?: string | undefined
  /** The number of a connection; they are numbered from 1. */
  readonly connection?: number | undefined
  /** The first of those that match is 1; without it, each. Counted from when the faults were set. */
  readonly nth?: number | undefined
  /**
   * How many messages of the answer are sent before it happens. Without it, the request isn't carried out at all; with
   * 0 it is, and nothing of the answer was sent. An answer of fewer messages is sent whole, and nothing happens.
   * On `"connect"` it counts all messages of the connection; without it, the fault comes before the first is read.
   */
  readonly after?: number | undefined
}

/**
 * Where an answer may be replaced: a connection as such has none.
 *
 * @category models
 * @since 0.1.0
 */
export type RequestWhere = Where & { readonly on?: RequestKind | ReadonlyArray<RequestKind> | undefined }

/**
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

/** A pause, after which all goes on. */
export interface Delay {
  readonly _tag: "Delay"
  readonly where: Where
  readonly duration: Duration.Duration
}

/** The connection stays open, and nothing is read from it or written to it until the faults are changed. */
export interface Stall {
  readonly _tag: "Stall"
  readonly where: Where
}

/** The answer, or what is left of it, is never sent. */
export interface Drop {
  readonly _tag: "Drop"
  readonly where: Where
}

/** The answer, or what is left of it, is this result. */
export interface WrongResult {
  readonly _tag: "WrongResult"
  readonly where: RequestWhere
  readonly code: number
  readonly diagnosticMessage: string
  readonly matchedDn: string
  readonly referrals: ReadonlyArray<string>
}

/** The connection breaks; what was on its way is gone. */
export interface Reset {
  readonly _tag: "Reset"
  readonly where: Where
}

/** The server closes the connection without a word, after what it has written. */
export interface Close {
  readonly _tag: "Close"
  readonly where: Where
}

/** The server says why, in a Notice of Disconnection (RFC 4511 section 4.4.1), and closes the connection. */
export interface Disconnect {
  readonly _tag: "Disconnect"
  readonly where: Where
  readonly code: number
  readonly diagnosticMessage: string
}

/** Octets that are no LDAP. The connection stays open. */
export interface Garbage {
  readonly _tag: "Garbage"
  readonly where: Where
  readonly octets: Uint8Array
}

/** What is sent goes out a few octets at a time, with a pause after each. */
export interface Trickle {
  readonly _tag: "Trickle"
  readonly where: Where
  readonly octets: number
  readonly every: Duration.Duration
}

/** From then on the server reads from the connection a few octets at a time, with a pause before each. */
export interface SlowReader {
  readonly _tag: "SlowReader"
  readonly where: Where
  readonly octets: number
  readonly every: Duration.Duration
}

/** One of several faults, or none, by chance. */
export interface Random {
  readonly _tag: "Random"
  readonly where: Where
  readonly seed: number | string
  readonly probability: number
  readonly faults: ReadonlyArray<DirectoryFault>
}

const everywhere: Where = {}

/**
 * A pause before a request is carried out (or within its answer: `after`). Other requests don't wait for it; on
 * `"connect"`, it keeps the server from reading.
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
 * A server that hangs: the connection stays open, and nothing is read from it or written to it any more.
 *
 * **Details**
 *
 * Also an unbind isn't read, so the client's release takes its whole `closeTimeout`. When the faults are changed
 * (`set`, `clear`) the server goes on where it was.
 *
 * @category constructors
 * @since 0.1.0
 */
export const stall = (where: Where = everywhere): Stall => ({ _tag: "Stall", where })

/**
 * A request that is never answered, on a connection that works. With `after: 0` it was carried out all the same.
 *
 * @category constructors
 * @since 0.1.0
 */
export const drop = (where: Where = everywhere): Drop => ({ _tag: "Drop", where })

/**
 * A result in the directory's place: `result(LdapResultCode.busy)`. With `after: 3` a search returns three entries
 * before it; with `after: 0` a write is done and then said to have failed.
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
 * A connection that breaks, as when the server crashes or a firewall forgets it. `reset({ on: "search", after: 5 })`
 * breaks it in the middle of a search.
 *
 * @category constructors
 * @since 0.1.0
 */
export const reset = (where: Where = everywhere): Reset => ({ _tag: "Reset", where })

/**
 * A server that closes the connection in good order but without a word. `close({ on: "connect", after: 10 })` does so
 * after ten messages.
 *
 * @category constructors
 * @since 0.1.0
 */
export const close = (where: Where = everywhere): Close => ({ _tag: "Close", where })

/**
 * A server that is shut down: Notice of Disconnection, then the end. The code is `unavailable` (52) unless given.
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
 * Octets that are no LDAP, in front of the answer. The default is what an HTTP server would say.
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
 * How fast bytes trickle: so many `octets`, at least 1, at each interval.
 *
 * @category models
 * @since 0.2.0
 */
export interface Pace {
  readonly octets?: number | undefined
  readonly every?: Duration.Input | undefined
}

/**
 * An answer that goes out one octet at a time, at once unless `every` says how long to pause after each. On `"connect"`,
 * all answers of the connection do. Messages of other requests go out between two messages of it, never within one.
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
 * A server that reads slowly: by default an octet each millisecond, from the request on, or from the beginning with
 * `on: "connect"`. What the client writes fills the connection, and then it has to wait.
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
 * Faults by chance: each request that matches meets one of `faults` with this probability, or none.
 *
 * **Details**
 *
 * The fault that was drawn looks at its own `where` too. The same seed and the same requests in the same order give the
 * same faults; setting the faults again begins again.
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
  /** Of a fault per request, between 0 and 1. */
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
