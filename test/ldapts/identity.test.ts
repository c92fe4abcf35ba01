/**
 * Differences from ldapts: the client's identity and its protection, after an unbind, a lost connection, and a failed bind.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ldapts from "ldapts"
import { vi } from "vitest"
import * as dropIn from "../../src/ldapts.ts"
import { ok } from "../session/recording/RecordingPeer.ts"
import type { RecordingServer } from "../session/recording/RecordingServer.ts"
import { answerSearch, bind, ca, refused, secure, served, settled } from "./behaviours/recorded.ts"

describe("unbind", () => {
  it.live("three unbinds send one, and nothing follows it", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const client = new dropIn.Client(options)
        const bound = client.bind("cn=a", "x")
        const connection = yield* server.accept
        yield* bind(connection)
        yield* settled(bound)
        const unbinds = [client.unbind(), client.unbind(), client[Symbol.asyncDispose]()]
        yield* connection.ended
        yield* connection.end
        yield* settled(Promise.all(unbinds))
        yield* settled(client.unbind())
        assert.deepStrictEqual(connection.kinds(), ["BindRequest", "UnbindRequest"])
        assert.strictEqual(connection.octetsAfterUnbind(), 0)
        assert.strictEqual(server.opened(), 1)
      })
    ))

  it.live("a client that was never used sends none, and opens nothing", () =>
    served((server, options) =>
      Effect.gen(function*() {
        yield* settled(new dropIn.Client(options).unbind())
        assert.strictEqual(server.opened(), 0)
      })
    ))

  it.live("operations under way fail, as with ldapts", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const messages: Array<unknown> = []
        for (const Client of [ldapts.Client, dropIn.Client]) {
          const client = new Client(options)
          const search = client.search("dc=example")
          const failure = search.then(() => "found", (error: Error) => error.message)
          const connection = yield* server.accept
          yield* connection.expect("SearchRequest")
          const unbound = client.unbind()
          messages.push(yield* settled(failure))
          yield* connection.end
          yield* settled(unbound)
        }
        assert.strictEqual(messages[1], messages[0])
        assert.include(messages[1], "Connection closed before message response was received")
      })
    ))

  it.live("a client that was bound isn't anonymous afterwards, unless it says so", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const client = new dropIn.Client({ ...options, autoRebind: true })
        const bound = client.bind("cn=a", "x")
        const first = yield* server.accept
        yield* bind(first)
        yield* settled(bound)
        const unbound = client.unbind()
        yield* first.ended
        yield* first.end
        yield* settled(unbound)
        const refusal = yield* settled(client.search("dc=example"))
        assert.include((refusal as Error).message, "call bind again")
        assert.strictEqual(server.opened(), 1)
        const anonymous = client.bind("", "")
        const second = yield* server.accept
        yield* bind(second)
        yield* settled(anonymous)
        const search = client.search("dc=example")
        yield* answerSearch(second)
        assert.deepStrictEqual(yield* settled(search), { searchEntries: [], searchReferences: [] })
        const last = client.unbind()
        yield* second.end
        yield* settled(last)
      })
    ))
})

describe("a connection that was lost", () => {
  const lost = (server: RecordingServer, client: ldapts.Client | dropIn.Client) =>
    Effect.gen(function*() {
      const bound = client.bind("cn=a", "x")
      const connection = yield* server.accept
      yield* bind(connection)
      yield* settled(bound)
      yield* connection.end
      yield* connection.closed
      yield* Effect.promise(() => vi.waitFor(() => assert.isFalse(client.isConnected), { timeout: 20_000 }))
      return connection
    })

  it.live("ldapts goes on as anonymous", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const client = new ldapts.Client(options)
        yield* lost(server, client)
        const search = client.search("dc=example")
        const connection = yield* server.accept
        yield* answerSearch(connection)
        assert.notInstanceOf(yield* settled(search), Error)
        assert.deepStrictEqual(connection.kinds(), ["SearchRequest"])
        yield* settled(client.unbind())
      })
    ))

  it.live("the drop-in fails and says what to do; a bind goes on", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const client = new dropIn.Client(options)
        yield* lost(server, client)
        const error = yield* settled(client.search("dc=example"))
        assert.instanceOf(error, Error)
        assert.include(error.message, "call bind again")
        assert.strictEqual(server.opened(), 1)
        const bound = client.bind("cn=a", "x")
        const connection = yield* server.accept
        yield* bind(connection)
        yield* settled(bound)
        assert.isTrue(client.isBound)
        const search = client.search("dc=example")
        yield* answerSearch(connection)
        assert.notInstanceOf(yield* settled(search), Error)
        const unbound = client.unbind()
        yield* connection.end
        yield* settled(unbound)
      })
    ))

  it.live("one that was made anonymous by a bind goes on as anonymous", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const client = new dropIn.Client(options)
        const bound = client.bind("cn=a", "x")
        const first = yield* server.accept
        yield* bind(first)
        yield* settled(bound)
        const anonymous = client.bind("", "")
        yield* bind(first)
        yield* settled(anonymous)
        yield* first.end
        yield* first.closed
        yield* Effect.promise(() => vi.waitFor(() => assert.isFalse(client.isConnected), { timeout: 20_000 }))
        const search = client.search("dc=example")
        const second = yield* server.accept
        yield* answerSearch(second)
        assert.notInstanceOf(yield* settled(search), Error)
        const unbound = client.unbind()
        yield* second.end
        yield* settled(unbound)
      })
    ))

  it.live("with autoRebind it binds first, once for all that wait", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const client = new dropIn.Client({ ...options, autoRebind: true })
        yield* lost(server, client)
        const searches = [client.search("dc=a"), client.search("dc=b"), client.search("dc=c")]
        const connection = yield* server.accept
        const { operation } = yield* Effect.tap(connection.expect("BindRequest"), ({ messageId }) =>
          connection.send(messageId, { _tag: "BindResponse", result: ok }))
        assert.strictEqual(operation.name, "cn=a")
        yield* answerSearch(connection)
        yield* answerSearch(connection)
        yield* answerSearch(connection)
        for (const search of searches)
          assert.notInstanceOf(yield* settled(search), Error)
        assert.strictEqual(server.opened(), 2)
        assert.strictEqual(connection.count("BindRequest"), 1)
        const unbound = client.unbind()
        yield* connection.end
        yield* settled(unbound)
      })
    ))

  it.live("with StartTLS: nothing goes in clear text; autoRebind starts TLS again", () =>
    served((server, options) =>
      Effect.gen(function*() {
        for (const autoRebind of [false, true]) {
          const client = new dropIn.Client({ ...options, autoRebind })
          const started = client.startTLS({ ca })
          const first = yield* server.accept
          yield* secure(first)
          yield* settled(started)
          const bound = client.bind("cn=a", "x")
          yield* bind(first)
          yield* settled(bound)
          yield* first.end
          yield* first.closed
          yield* Effect.promise(() => vi.waitFor(() => assert.isFalse(client.isConnected), { timeout: 20_000 }))
          if (!autoRebind) {
            for (const operation of [() => client.search("dc=example"), () => client.bind("cn=a", "x")]) {
              const error = yield* settled(operation() as Promise<unknown>)
              assert.include((error as Error).message, "call startTLS again")
            }
            continue
          }
          const search = client.search("dc=example")
          const second = yield* server.accept
          yield* secure(second)
          yield* bind(second)
          yield* answerSearch(second)
          assert.notInstanceOf(yield* settled(search), Error)
          const unbound = client.unbind()
          yield* second.end
          yield* settled(unbound)
        }
        assert.strictEqual(server.opened(), 3)
      })
    ))

  it.live("a StartTLS that failed isn't followed by clear text", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const client = new dropIn.Client(options)
        const started = client.startTLS({})
        const connection = yield* server.accept
        const { messageId } = yield* connection.expect("ExtendedRequest")
        yield* connection.send(messageId, { _tag: "ExtendedResponse", result: { ...ok, code: 52 } })
        assert.instanceOf(yield* settled(started), ldapts.UnavailableError)
        const error = yield* settled(client.bind("cn=a", "x"))
        assert.include((error as unknown as Error).message, "call startTLS again")
        const unbound = client.unbind()
        yield* connection.end
        yield* settled(unbound)
        assert.strictEqual(connection.count("BindRequest"), 0)
      })
    ))
})

describe("a bind that failed leaves the connection anonymous (RFC 4513 section 4)", () => {
  const rebound = (server: RecordingServer, client: ldapts.Client | dropIn.Client) =>
    Effect.gen(function*() {
      const bound = client.bind("cn=a", "x")
      const connection = yield* server.accept
      yield* bind(connection)
      yield* settled(bound)
      const wrong = client.bind("cn=b", "wrong")
      yield* bind(connection, refused)
      assert.instanceOf(yield* settled(wrong), ldapts.InvalidCredentialsError)
      return connection
    })

  it.live("ldapts says that it is bound", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const client = new ldapts.Client(options)
        yield* rebound(server, client)
        assert.isTrue(client.isBound)
        yield* settled(client.unbind())
      })
    ))

  it.live("the drop-in doesn't, and doesn't go on; with autoRebind it is who it was", () =>
    served((server, options) =>
      Effect.gen(function*() {
        for (const autoRebind of [false, true]) {
          const client = new dropIn.Client({ ...options, autoRebind })
          const connection = yield* rebound(server, client)
          assert.isFalse(client.isBound)
          const search = client.search("dc=example")
          if (autoRebind) {
            yield* bind(connection)
            yield* answerSearch(connection)
            assert.notInstanceOf(yield* settled(search), Error)
            assert.isTrue(client.isBound)
          } else {
            assert.include((yield* settled(search) as never as Effect.Effect<Error>).message, "call bind again")
          }
          const unbound = client.unbind()
          yield* connection.end
          yield* settled(unbound)
        }
      })
    ))
})
