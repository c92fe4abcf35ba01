/**
 * The floor with fibers and this library's codec: requests are encoded and responses decoded and checked, as a client has to, and a fiber
 * waits for each answer by one callback. It has no session: no time limits, no interruption, no backpressure, no errors, no metrics.
 * What a client of this library costs beyond this is the session.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import { once } from "node:events"
import * as Net from "node:net"
import { BerWriter } from "../../../src/ber/BerWriter.ts"
import type { LdapEntry } from "../../../src/model/entry/LdapEntry.ts"
import * as LdapModification from "../../../src/model/LdapModification.ts"
import { encodeTo } from "../../../src/protocol/encode.ts"
import type { LdapMessage, RequestOperation } from "../../../src/protocol/LdapMessage.ts"
import { LdapParser } from "../../../src/protocol/LdapParser.ts"
import { allStrings } from "../allStrings.ts"
import { searchOperation } from "./floor.ts"
import type { Client, Peer, Target } from "./Peer.ts"

/** A power of two: far more than wait at one time. */
const places = 65_536
const readSize = 64 * 1024

type Entries = Pull.Pull<readonly [LdapEntry, ...Array<LdapEntry>]>

/** What waits for responses: a fiber for the last, or a stream for all of them. */
interface Waiting {
  readonly onEntry?: (entry: LdapEntry) => void
  readonly onLast: () => void
}

class Connection {
  readonly #socket: Net.Socket
  readonly #parser = new LdapParser({ maxMessageSize: 256 * 1_048_576 })
  readonly #waiting = new Array<Waiting | undefined>(places)
  readonly #batch = new BerWriter(256)
  readonly #later = Promise.resolve()
  #id = 0
  #onChunk: (() => void) | undefined

  constructor(url: string) {
    const { hostname, port } = new URL(url)
    const buffer = Buffer.allocUnsafeSlow(readSize)
    const callback = (count: number): boolean => {
      this.#parser.push(buffer.subarray(0, count), this.#onMessage, true)
      this.#onChunk?.()
      return true
    }
    this.#socket = Net.connect({ host: hostname, port: Number(port), noDelay: true, onread: { buffer, callback } })
  }

  connected(): Promise<unknown> {
    return once(this.#socket, "connect")
  }

  async close(): Promise<void> {
    this.ask({ _tag: "UnbindRequest" }, { onLast: () => {} })
    this.#flush()
    this.#socket.end()
    await once(this.#socket, "close")
  }

  /** Encodes a request. Those of one turn leave in one write. */
  ask(operation: RequestOperation, waiting: Waiting): void {
    if (this.#batch.size === 0) void this.#later.then(this.#flush)
    const messageId = ++this.#id
    encodeTo(this.#batch, { messageId, operation, controls: [] })
    this.#waiting[messageId & (places - 1)] = waiting
  }

  readonly #flush = (): void => {
    const { size } = this.#batch
    if (size === 0) return
    this.#socket.write(this.#batch.written(0, size))
    this.#batch.renew(size)
  }

  readonly #onMessage = ({ messageId, operation }: LdapMessage): void => {
    const waiting = this.#waiting[messageId & (places - 1)]
    if (operation._tag === "SearchResultEntry") return waiting?.onEntry?.(operation.entry)
    this.#waiting[messageId & (places - 1)] = undefined
    waiting?.onLast()
  }

  /** One request and its last response, or the entry that came before. */
  request(operation: RequestOperation): Effect.Effect<LdapEntry | undefined> {
    return Effect.callback((resume) => {
      let found: LdapEntry | undefined
      this.ask(operation, { onEntry: (entry) => (found = entry), onLast: () => resume(Exit.succeed(found)) })
    })
  }

  /** The entries of a search: those of a chunk together. */
  entries(operation: RequestOperation): Stream.Stream<LdapEntry> {
    return Stream.fromPull(Effect.sync(() => {
      let entries: Array<LdapEntry> = []
      let isOver = false
      let resume: ((next: Entries) => void) | undefined
      const next = (): Entries | undefined => {
        if (entries.length === 0) return isOver ? Cause.done() : undefined
        const taken = entries as [LdapEntry, ...Array<LdapEntry>]
        entries = []
        return Effect.succeed(taken)
      }
      this.#onChunk = () => {
        const resumed = resume
        const found = resumed === undefined ? undefined : next()
        if (resumed === undefined || found === undefined) return
        resume = undefined
        resumed(found)
      }
      this.ask(operation, { onEntry: (entry) => entries.push(entry), onLast: () => (isOver = true) })
      return Effect.suspend(() => next() ?? Effect.callback((resumed) => void (resume = resumed)))
    }))
  }
}

const writesOf = (dn: string): ReadonlyArray<RequestOperation> => [
  {
    _tag: "AddRequest",
    dn,
    attributes: [
      { description: "objectClass", values: [Buffer.from("device")] },
      { description: "cn", values: [Buffer.from(dn.slice(3, dn.indexOf(",")))] }
    ]
  },
  { _tag: "ModifyRequest", dn, changes: [LdapModification.replace("description", "changed")] },
  { _tag: "DeleteRequest", dn }
]

const connect = async ({ bindDn, password, url }: Target): Promise<Client> => {
  const connection = new Connection(url)
  await connection.connected()
  const authentication = { _tag: "Simple", password: Buffer.from(password) } as const
  await Effect.runPromise(connection.request({ _tag: "BindRequest", version: 3, name: bindDn, authentication }))
  const all = (base: string) => connection.entries(searchOperation(base, "subtree"))
  return {
    stream: (base) => Effect.runPromise(Stream.runFold(all(base), () => 0, (count) => count + 1)),
    streamRead: (base) =>
      Effect.runPromise(
        Stream.runFold(all(base), () => 0, (count, entry) => {
          const text = `${entry.get("cn") ?? ""}${entry.get("mail") ?? ""}`
          return text.length >= 0 ? count + 1 : count
        })
      ),
    streamText: (base) =>
      Effect.runPromise(
        Stream.runFold(all(base), () => 0, (count, entry) => allStrings(entry) > 0 ? count + 1 : count)
      ),
    lookups: (dns, inFlight) =>
      Effect.runPromise(Effect.forEach(dns, (dn) => connection.request(searchOperation(dn, "base")), {
        concurrency: inFlight,
        discard: true
      })),
    writes: (dns, inFlight) =>
      Effect.runPromise(
        Effect.forEach(dns, (dn) => {
          const [add, modify, delete_] = writesOf(dn)
          return connection.request(add!).pipe(
            Effect.andThen(connection.request(modify!)),
            Effect.andThen(connection.request(delete_!))
          )
        }, { concurrency: inFlight, discard: true })
      ),
    close: () => connection.close()
  }
}

export const peer: Peer = { connect }
