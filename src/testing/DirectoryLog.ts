/**
 * A record of every PDU on the connections of a directory, in both directions and in order, and of how each connection ended.
 * Tests use it to check what a client sent. It holds kinds, message ids, names and codes, but no attribute values.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { ProtocolOperation, RequestOperation, ResponseOperation } from "../protocol/LdapMessage.ts"

/**
 * How a connection ended. `fin`: the client closed its side normally. `reset`: the connection broke. `server`: the directory's
 * scope closed, so the directory closed it.
 *
 * @category models
 * @since 0.1.0
 */
export type ConnectionClosing = "fin" | "reset" | "server"

/**
 * One event. `sequence` numbers the events of all connections from 1. `connection` is the number of the connection, also from 1.
 *
 * @category models
 * @since 0.1.0
 */
export type DirectoryLogEntry =
  | { readonly _tag: "Opened"; readonly sequence: number; readonly connection: number }
  | Pdu
  | {
    /** Bytes that arrived after the UnbindRequest; a correct client sends none (RFC 4511 section 4.3). */
    readonly _tag: "AfterUnbind"
    readonly sequence: number
    readonly connection: number
    /** How many bytes arrived. */
    readonly octets: number
  }
  | {
    readonly _tag: "Closed"
    readonly sequence: number
    readonly connection: number
    /** How the connection ended. */
    readonly closing: ConnectionClosing
  }

/**
 * A message that was received (`request`) or handed to the connection (`response`).
 *
 * @category models
 * @since 0.1.0
 */
export interface Pdu {
  readonly _tag: "Pdu"
  /** The number of the event, from 1, over all connections. */
  readonly sequence: number
  /** The number of the connection, from 1. */
  readonly connection: number
  /** Whether the client or the directory sent the message. */
  readonly direction: "request" | "response"
  /** The kind of message. */
  readonly kind: RequestOperation["_tag"] | ResponseOperation["_tag"]
  /** The message id. */
  readonly messageId: number
  /** The name in the request, or of the entry that is returned. */
  readonly dn?: string | undefined
  /** The result code, if the response has one. */
  readonly code?: number | undefined
  /** The operation that an AbandonRequest names. */
  readonly abandoned?: number | undefined
  /** The object identifier of an extended operation. */
  readonly oid?: string | undefined
}

/**
 * The state of one connection.
 *
 * @category models
 * @since 0.1.0
 */
export interface ConnectionRecord {
  /** The number of the connection, from 1. */
  readonly id: number
  /** The distinguished name that is bound, as the directory has it; empty for anonymous. */
  readonly boundAs: string
  /** How many UnbindRequests were received; a correct client sends one. */
  readonly unbinds: number
  /** How many bytes arrived after the first UnbindRequest; a correct client sends none. */
  readonly octetsAfterUnbind: number
  /** `undefined` while the connection is open. */
  readonly closed: ConnectionClosing | undefined
}

/** The facts of a PDU, without attribute values. */
export interface PduFacts {
  readonly direction: "request" | "response"
  readonly kind: Pdu["kind"]
  readonly messageId: number
  readonly dn?: string | undefined
  readonly code?: number | undefined
  readonly abandoned?: number | undefined
  readonly oid?: string | undefined
}

/** A log entry before it has its number. The conditional type keeps the members of the union apart. */
type Unnumbered = DirectoryLogEntry extends infer Entry ? Entry extends unknown ? Omit<Entry, "sequence"> : never
  : never

/**
 * The log of a directory. Each read returns a copy of that moment. Fibers may share it.
 *
 * **Details**
 *
 * The log grows by some hundred bytes with every message. Call {@link DirectoryLog.clear} from time to time if a directory runs for
 * a long time or returns very many entries.
 *
 * @category models
 * @since 0.1.0
 */
export class DirectoryLog {
  #entries: Array<DirectoryLogEntry> = []
  readonly #connections = new Map<number, ConnectionRecord>()
  #open = 0
  #lastConnection = 0
  #sequence = 0
  readonly #waiting = new Set<(entry: DirectoryLogEntry) => void>()

  /** Everything, in order. */
  get entries(): ReadonlyArray<DirectoryLogEntry> {
    return this.#entries.slice()
  }

  /** The PDUs in order, of all connections or of the given one. */
  pdus(connection?: number): ReadonlyArray<Pdu> {
    return this.#entries.filter((entry): entry is Pdu =>
      entry._tag === "Pdu" && (connection === undefined || entry.connection === connection)
    )
  }

  /** The number of PDUs of each kind: `get("UnbindRequest")`. */
  get pdusByKind(): ReadonlyMap<Pdu["kind"], number> {
    const counts = new Map<Pdu["kind"], number>()
    for (const { kind } of this.pdus()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
    return counts
  }

  /** The number of UnbindRequests on all connections. */
  get unbinds(): number {
    return this.connections.reduce((sum, { unbinds }) => sum + unbinds, 0)
  }

  /** The number of open connections. */
  get openConnections(): number {
    return this.#open
  }

  /** All connections that weren't cleared, in the order in which they were opened. */
  get connections(): ReadonlyArray<ConnectionRecord> {
    return [...this.#connections.values()]
  }

  /** The number of the last connection: how many there have been. */
  get lastConnection(): number {
    return this.#lastConnection
  }

  /** The record of a connection; `undefined` if there is none of that number, or it was cleared. */
  connection(id: number): ConnectionRecord | undefined {
    return this.#connections.get(id)
  }

  /**
   * The first event, past or future, that satisfies the test. There is no time limit; interruption stops the wait.
   */
  first(test: (entry: DirectoryLogEntry) => boolean): Effect.Effect<DirectoryLogEntry> {
    return Effect.suspend(() => {
      const past = this.#entries.find(test)
      return past === undefined ? this.#next(test) : Effect.succeed(past)
    })
  }

  #next(test: (entry: DirectoryLogEntry) => boolean): Effect.Effect<DirectoryLogEntry> {
    return Effect.callback((resume) => {
      const look = (entry: DirectoryLogEntry) => {
        if (!test(entry)) return
        this.#waiting.delete(look)
        resume(Effect.succeed(entry))
      }
      this.#waiting.add(look)
      return Effect.sync(() => this.#waiting.delete(look))
    })
  }

  /** Waits until a connection has ended and returns its record; `undefined` if the record was cleared. */
  closed(connection: number): Effect.Effect<ConnectionRecord | undefined> {
    const hasEnded = () => {
      // Only connections that have ended are forgotten.
      const record = this.connection(connection)
      return connection <= this.#lastConnection && (record === undefined || record.closed !== undefined)
    }
    return Effect.map(this.until(hasEnded), () => this.connection(connection))
  }

  /**
   * Removes all events, and the records of connections that have ended. Sequence numbers and numbers of connections continue.
   */
  clear(): void {
    this.#entries = []
    for (const { closed, id } of this.connections) if (closed !== undefined) this.#connections.delete(id)
  }

  /** Waits until a condition holds. It is tested at once and after each event. Interruption stops the wait. */
  until(holds: () => boolean): Effect.Effect<void> {
    return Effect.suspend(() => (holds() ? Effect.void : Effect.asVoid(this.#next(holds))))
  }

  /** @internal */
  opened(): number {
    const connection = ++this.#lastConnection
    this.#open++
    this.#connections.set(connection, {
      id: connection,
      boundAs: "",
      unbinds: 0,
      octetsAfterUnbind: 0,
      closed: undefined
    })
    this.#append({ _tag: "Opened", connection })
    return connection
  }

  /** @internal */
  pdu(connection: number, facts: PduFacts): void {
    if (facts.kind === "UnbindRequest") this.#update(connection, ({ unbinds }) => ({ unbinds: unbinds + 1 }))
    this.#append({ _tag: "Pdu", connection, ...facts })
  }

  /** @internal */
  bound(connection: number, boundAs: string): void {
    this.#update(connection, () => ({ boundAs }))
  }

  /** @internal */
  afterUnbind(connection: number, octets: number): void {
    this.#update(connection, ({ octetsAfterUnbind }) => ({ octetsAfterUnbind: octetsAfterUnbind + octets }))
    this.#append({ _tag: "AfterUnbind", connection, octets })
  }

  /** @internal */
  ended(connection: number, closing: ConnectionClosing): void {
    this.#open--
    this.#update(connection, () => ({ closed: closing }))
    this.#append({ _tag: "Closed", connection, closing })
  }

  #update(connection: number, change: (record: ConnectionRecord) => Partial<ConnectionRecord>): void {
    const record = this.#connections.get(connection)
    if (record !== undefined) this.#connections.set(connection, { ...record, ...change(record) })
  }

  #append(entry: Unnumbered): void {
    const numbered: DirectoryLogEntry = { ...entry, sequence: ++this.#sequence }
    this.#entries.push(numbered)
    for (const look of [...this.#waiting]) look(numbered)
  }
}

/**
 * The facts of an operation for the log.
 *
 * @internal
 */
export const factsOf = (
  direction: "request" | "response",
  messageId: number,
  operation: ProtocolOperation
): PduFacts => {
  const facts = { direction, kind: operation._tag, messageId }
  switch (operation._tag) {
    case "BindRequest":
      return { ...facts, dn: operation.name }
    case "SearchRequest":
      return { ...facts, dn: operation.base }
    case "AddRequest":
    case "CompareRequest":
    case "DeleteRequest":
    case "ModifyDnRequest":
    case "ModifyRequest":
      return { ...facts, dn: operation.dn }
    case "AbandonRequest":
      return { ...facts, abandoned: operation.abandoned }
    case "ExtendedRequest":
    case "IntermediateResponse":
      return { ...facts, oid: operation.oid }
    case "SearchResultEntry":
      return { ...facts, dn: operation.entry.dn }
    case "ExtendedResponse":
      return { ...facts, oid: operation.oid, code: operation.result.code }
    case "UnbindRequest":
    case "SearchResultReference":
      return facts
    default:
      return { ...facts, code: operation.result.code }
  }
}
