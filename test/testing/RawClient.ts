/**
 * A simple client: it sends the messages of the test through the codec, and returns the answers. The tests of the directory use it
 * so that the real client is not between them and the wire.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import type { LdapControl } from "../../src/model/control/LdapControl.ts"
import type { LdapEntry } from "../../src/model/entry/LdapEntry.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import { encode } from "../../src/protocol/encode.ts"
import type {
  LdapMessage,
  RequestOperation,
  ResponseOperation,
  ResultFields,
  SearchRequest
} from "../../src/protocol/LdapMessage.ts"
import { LdapParser } from "../../src/protocol/LdapParser.ts"
import type { InMemoryDirectory } from "../../src/testing/InMemoryDirectory.ts"

/** The outcome of a request: the responses before the last one, and the result. */
export interface Answer {
  readonly entries: ReadonlyArray<LdapEntry>
  readonly references: ReadonlyArray<ReadonlyArray<string>>
  readonly operation: ResponseOperation
  readonly result: ResultFields
  readonly controls: ReadonlyArray<LdapControl>
}

export class RawClient {
  readonly #pull: Effect.Effect<ReadonlyArray<Uint8Array>, Socket.SocketError>
  readonly #writer: Socket.Writer
  readonly #parser = new LdapParser()
  readonly #received: Array<LdapMessage> = []
  #lastId = 0

  constructor(pull: Effect.Effect<ReadonlyArray<Uint8Array>, Socket.SocketError>, writer: Socket.Writer) {
    this.#pull = pull
    this.#writer = writer
  }

  /** Writes bytes unchanged. */
  write(octets: Uint8Array): Effect.Effect<void> {
    return Effect.orDie(this.#writer.write(octets))
  }

  /** Closes this side. */
  get finish(): Effect.Effect<void> {
    return Effect.orDie(this.#writer.write(new Socket.CloseEvent(1000)))
  }

  message(operation: RequestOperation, controls: ReadonlyArray<LdapControl> = []): LdapMessage {
    return { messageId: ++this.#lastId, operation, controls }
  }

  /** Sends a request, and returns its message id. */
  send(operation: RequestOperation, controls?: ReadonlyArray<LdapControl>): Effect.Effect<number> {
    return Effect.suspend(() => {
      const message = this.message(operation, controls)
      return Effect.as(this.write(encode(message)), message.messageId)
    })
  }

  /** The next message, or `undefined` if the server has closed its side. */
  get next(): Effect.Effect<LdapMessage | undefined> {
    return this.#take()
  }

  #take(): Effect.Effect<LdapMessage | undefined> {
    return Effect.suspend(() => {
      const message = this.#received.shift()
      if (message !== undefined) return Effect.succeed<LdapMessage | undefined>(message)
      return Effect.matchEffect(this.#pull, {
        onFailure: () => Effect.succeed<LdapMessage | undefined>(undefined),
        onSuccess: (chunks) => {
          for (const chunk of chunks) {
            const violation = this.#parser.push(chunk, (message) => this.#received.push(message))
            if (violation !== undefined) return Effect.die(violation)
          }
          return this.#take()
        }
      })
    })
  }

  /** All messages until the server closes its side. */
  get rest(): Effect.Effect<ReadonlyArray<LdapMessage>> {
    return Effect.gen({ self: this }, function*() {
      const messages: Array<LdapMessage> = []
      for (let message = yield* this.next; message !== undefined; message = yield* this.next) messages.push(message)
      return messages
    })
  }

  /** Sends a request and waits for its result. */
  request(operation: RequestOperation, controls?: ReadonlyArray<LdapControl>): Effect.Effect<Answer> {
    return Effect.flatMap(this.send(operation, controls), (id) => this.answer(id))
  }

  /** Waits for the result of a request. A message about another request is a defect. */
  answer(id: number): Effect.Effect<Answer> {
    return Effect.gen({ self: this }, function*() {
      const entries: Array<LdapEntry> = []
      const references: Array<ReadonlyArray<string>> = []
      while (true) {
        const message = yield* this.next
        if (message === undefined) return yield* Effect.die(new Error("the server closed the connection"))
        const { controls, messageId, operation } = message
        if (messageId !== id) return yield* Effect.die(new Error(`${operation._tag} for ${messageId}, not for ${id}`))
        if (operation._tag === "SearchResultEntry") entries.push(operation.entry)
        else if (operation._tag === "SearchResultReference") references.push(operation.uris)
        else if ("result" in operation) return { entries, references, operation, result: operation.result, controls }
      }
    })
  }

  bind(name: string, password: string, version = 3): Effect.Effect<ResultFields> {
    return Effect.map(
      this.request({
        _tag: "BindRequest",
        version,
        name,
        authentication: { _tag: "Simple", password: Buffer.from(password) }
      }),
      ({ result }) => result
    )
  }

  search(
    base: string,
    filter = "(objectClass=*)",
    options?: Partial<SearchRequest>,
    controls?: ReadonlyArray<LdapControl>
  ): Effect.Effect<Answer> {
    return this.request(searchRequest(base, filter, options), controls)
  }

  /** The authorization identity of this client on the server. */
  get whoAmI(): Effect.Effect<string> {
    return Effect.map(
      this.request({ _tag: "ExtendedRequest", oid: "1.3.6.1.4.1.4203.1.11.3" }),
      ({ operation }) => operation._tag === "ExtendedResponse" ? Buffer.from(operation.value ?? []).toString() : "?"
    )
  }
}

export const searchRequest = (
  base: string,
  filter = "(objectClass=*)",
  options?: Partial<SearchRequest>
): SearchRequest => ({
  _tag: "SearchRequest",
  base,
  scope: "subtree",
  derefAliases: "never",
  sizeLimit: 0,
  timeLimit: 0,
  typesOnly: false,
  filter: Result.getOrThrow(LdapFilter.parse(filter)),
  attributes: [],
  ...options
})

/** A client over a socket; closing the scope closes it. */
export const fromSocket = Effect.fnUntraced(function*(
  socket: Socket.Socket
): Effect.fn.Return<RawClient, never, Scope.Scope> {
  const pull = yield* Effect.orDie(Socket.readerBytes(socket))
  const writer = yield* socket.writer
  return new RawClient(pull, writer)
})

/** A client of a directory in memory. */
export const connect = (directory: InMemoryDirectory): Effect.Effect<RawClient, never, Scope.Scope> =>
  Effect.flatMap(directory.connect, fromSocket)
