/**
 * What went over the connections of a directory: every PDU in both directions, in order, and how each connection
 * ended. It is what tests look at to see that a client kept its promises. No values are in it: kinds, message ids,
 * names and codes.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { ProtocolOperation, RequestOperation, ResponseOperation } from "../protocol/LdapMessage.ts"

/**
 * How a connection ended: `fin`, the client closed its side in good order; `reset`, it broke; `server`, the directory
 * closed it, because its scope did.
 *
 * @category models
 * @since 0.1.0
 */
export type ConnectionClosing = "fin" | "reset" | "server"

/**
 * One thing that happened. `sequence` counts them over all connections, from 1; connections are numbered from 1 too.
 *
 * @category models
 * @since 0.1.0
 */
export type DirectoryLogEntry =
  | { readonly _tag: "Opened"; readonly sequence: number; readonly connection: number }
  | Pdu
  | {
    /** Octets that came after the UnbindRequest, where there must be none (RFC 4511 section 4.3). */
    readonly _tag: "AfterUnbind"
    readonly sequence: number
    readonly connection: number
    readonly octets: number
  }
  | {
    readonly _tag: "Closed"
    readonly sequence: number
    readonly connection: number
    readonly closing: ConnectionClosing
  }

/**
 * A message that was received (`request`), or handed to the connection (`response`).
 *
 * @category models
 * @since 0.1.0
 */
export interface Pdu {
  readonly _tag: "Pdu"
  readonly sequence: number
  readonly connection: number
  readonly direction: "request" | "response"
  readonly kind: RequestOperation["_tag"] | ResponseOperation["_tag"]
  readonly messageId: number
  /** The entry that the request is about, or the one that is returned. */
  readonly dn?: string | undefined
  /** The result code, of a response that has one. */
  readonly code?: number | undefined
  /** The operation that an AbandonRequest names. */
  readonly abandoned?: number | undefined
  /** The object identifier of an extended operation. */
  readonly oid?: string | undefined
}

/**
 * What became of one connection.
 *
 * @category models
 * @since 0.1.0
 */
export interface ConnectionRecord {
  readonly id: number
  /** The distinguished name that is bound, as the directory has it; empty for anonymous. */
  readonly boundAs: string
  /** UnbindRequests that were received; a client sends one. */
  readonly unbinds: number
  /** Octets that came after the first of them; none may. */
  readonly octetsAfterUnbind: number
  /** `undefined` while the connection is open. */
  readonly closed: ConnectionClosing | undefined
}

/** What can be said of a PDU without its values. */
export interface PduFacts {
  readonly direction: "request" | "response"
  readonly kind: Pdu["kind"]
  readonly messageId: number
  readonly dn?: string | undefined
  readonly code?: number | undefined
  readonly abandoned?: number | undefined
  readonly oid?: string | undefined
}

/** A log entry before it has its number; it keeps the union apart. */
type Unnumbered = DirectoryLogEntry extends infer Entry ? Entry extends unknown ? Omit<Entry, "sequence"> : never
  : never

/**
 * The log of a directory. What is read of it is as it was at that moment; fibers may share it.
 *
 * **Details**
 *
 * It grows with every message, by some hundred octets, until {@link DirectoryLog.clear} is called: a directory that
 * serves for long, or very many entries, wants that now and then.
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

  /** The PDUs alone, in order; of one connection, where it is named. */
  pdus(connection?: number): ReadonlyArray<Pdu> {
    return this.#entries.filter((entry): entry is Pdu =>
      entry._tag === "Pdu" && (connection === undefined || entry.connection === connection)
    )
  }

  /** How many PDUs of each kind there were: `get("UnbindRequest")`. */
  get pdusByKind(): ReadonlyMap<Pdu["kind"], number> {
    const counts = new Map<Pdu["kind"], number>()
    for (const { kind } of this.pdus()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
    return counts
  }

  /** How many UnbindRequests there were on all connections. */
  get unbinds(): number {
    return this.connections.reduce((sum, { unbinds }) => sum + unbinds, 0)
  }

  /** How many connections are open. */
  get openConnections(): number {
    return this.#open
  }

  /** All connections that it knows of, in the order of opening. */
  get connections(): ReadonlyArray<ConnectionRecord> {
    return [...this.#connections.values()]
  }

  /** How many connections there have been: the number of the last one. */
  get lastConnection(): number {
    return this.#lastConnection
  }

  connection(id: number): ConnectionRecord | undefined {
    return this.#connections.get(id)
  }

  /**
   * The first entry, past or future, of which the test is true. Waits for as long as it takes; interruption gives up.
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

  /** Waits until a connection has ended, and returns what became of it; `undefined` where that was forgotten. */
  closed(connection: number): Effect.Effect<ConnectionRecord | undefined> {
    const hasEnded = () => {
      // Connections that are open are never forgotten.
      const record = this.connection(connection)
      return connection <= this.#lastConnection && (record === undefined || record.closed !== undefined)
    }
    return Effect.map(this.until(hasEnded), () => this.connection(connection))
  }

  /**
   * Forgets everything up to now, but for the connections that are open. Counting goes on: of sequence numbers and of
   * connections.
   */
  clear(): void {
    this.#entries = []
    for (const { closed, id } of this.connections) if (closed !== undefined) this.#connections.delete(id)
  }

  /** Waits until something is so; it is looked at now, and whenever something has happened. Interruption gives up. */
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
 * What the log says of an operation.
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
