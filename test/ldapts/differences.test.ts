/**
 * Where the drop-in is not as ldapts is: the rows of the table in the README, each with what ldapts does where that can be shown
 * without waiting.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ldapts from "ldapts"
import * as net from "node:net"
import { Duplex } from "node:stream"
import * as tls from "node:tls"
import { vi } from "vitest"
import * as dropIn from "../../src/ldapts.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import type { ResultFields } from "../../src/protocol/LdapMessage.ts"
import { makeCertificates } from "../servers/certificates.ts"
import { done, entry, octets, ok } from "../session/RecordingPeer.ts"
import { listen, type RecordedConnection, type RecordingServer } from "../session/RecordingServer.ts"

const certificates = makeCertificates()
const ca = certificates.ca.cert

/** A server that records, and clients of both kinds for it. */
const served = <A>(
  test: (
    server: RecordingServer,
    options: { readonly url: string }
  ) => Effect.Effect<A>
): Effect.Effect<A> =>
  Effect.scoped(
    Effect.flatMap(listen({ certificate: certificates.server }), (server) =>
      test(server, { url: `ldap://127.0.0.1:${server.port}` }))
  )
const settled = <A>(promise: Promise<A>): Effect.Effect<A | Error> =>
  Effect.promise(() => promise.catch((error: Error) => error))
const refused: ResultFields = { ...ok, code: 49 }

/** Answers the next bind. */
const bind = (connection: RecordedConnection, result = ok) =>
  Effect.flatMap(
    connection.expect("BindRequest"),
    ({ messageId }) => connection.send(messageId, { _tag: "BindResponse", result })
  )
const answerSearch = (connection: RecordedConnection) =>
  Effect.flatMap(connection.expect("SearchRequest"), ({ messageId }) => connection.send(messageId, done))
/** Answers StartTLS and shakes hands. */
const secure = (connection: RecordedConnection) =>
  Effect.gen(function*() {
    const { messageId } = yield* connection.expect("ExtendedRequest")
    yield* connection.send(messageId, { _tag: "ExtendedResponse", result: ok })
    yield* connection.startTls
  })

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
      yield* Effect.promise(() => vi.waitFor(() => assert.isFalse(client.isConnected)))
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
          yield* Effect.promise(() => vi.waitFor(() => assert.isFalse(client.isConnected)))
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

it.live("operations that come together share one connection", () =>
  served((server, options) =>
    Effect.gen(function*() {
      const client = new dropIn.Client(options)
      const bound = client.bind("cn=a", "x")
      const searches = [client.search("dc=a"), client.search("dc=b")]
      const connection = yield* server.accept
      yield* bind(connection)
      yield* answerSearch(connection)
      yield* answerSearch(connection)
      yield* settled(bound)
      for (const search of searches) assert.notInstanceOf(yield* settled(search), Error)
      assert.strictEqual(server.opened(), 1)
      assert.deepStrictEqual(connection.kinds(), ["BindRequest", "SearchRequest", "SearchRequest"])
      const unbound = client.unbind()
      yield* connection.end
      yield* settled(unbound)
    })
  ))

it.live("a timeout abandons one operation; the connection and the others go on", () =>
  served((server, options) =>
    Effect.gen(function*() {
      const client = new dropIn.Client({ ...options, timeout: 50 })
      const slow = client.search("dc=slow")
      const connection = yield* server.accept
      const { messageId } = yield* connection.expect("SearchRequest")
      const error = yield* settled(slow)
      assert.strictEqual((error as Error).message, "SearchRequest: Operation timed out")
      const { operation } = yield* connection.expect("AbandonRequest")
      assert.strictEqual(operation.abandoned, messageId)
      const next = client.search("dc=next")
      yield* answerSearch(connection)
      assert.notInstanceOf(yield* settled(next), Error)
      assert.strictEqual(server.opened(), 1)
      const unbound = client.unbind()
      yield* connection.end
      yield* settled(unbound)
    })
  ))

describe("what servers send", () => {
  it.live("intermediate responses are passed over; ldapts ends the connection", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const found: Array<unknown> = []
        for (const Client of [ldapts.Client, dropIn.Client]) {
          const client = new Client(options)
          const search = client.search("dc=example")
          const connection = yield* server.accept
          const { messageId } = yield* connection.expect("SearchRequest")
          yield* connection.send(messageId, { _tag: "IntermediateResponse", oid: "1.2.3" })
          yield* connection.send(messageId, entry("cn=a"))
          yield* connection.send(messageId, done)
          found.push(yield* settled(search as Promise<unknown>))
          const unbound = client.unbind()
          yield* connection.end
          yield* settled(unbound)
        }
        assert.instanceOf(found[0], ldapts.MessageParserError)
        assert.deepStrictEqual(found[1], { searchEntries: [{ dn: "cn=a", cn: "x" }], searchReferences: [] })
      })
    ))

  it.live("a Notice of Disconnection ends the connection, and the next operation has another", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const client = new dropIn.Client(options)
        const search = client.search("dc=example")
        const connection = yield* server.accept
        yield* connection.expect("SearchRequest")
        const notice = { _tag: "ExtendedResponse", oid: "1.3.6.1.4.1.1466.20036", result: { ...ok, code: 52 } } as const
        yield* connection.send(0, notice)
        const error = yield* settled(search)
        assert.include((error as Error).message, "Connection closed")
        assert.include(dropIn.toLdapError(error)?.message, "the server announced the end with unavailable (52)")
        yield* connection.end
        assert.isFalse(client.isConnected)
        const next = client.search("dc=example")
        const another = yield* server.accept
        yield* answerSearch(another)
        assert.notInstanceOf(yield* settled(next), Error)
        const unbound = client.unbind()
        yield* another.end
        yield* settled(unbound)
      })
    ))

  it.live("an attribute can't become the name of the entry, or its prototype", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const client = new dropIn.Client(options)
        const search = client.search("dc=example")
        const connection = yield* server.accept
        const { messageId } = yield* connection.expect("SearchRequest")
        const attributes = [
          ...["dn", "__proto__", "constructor", "toString"].map((description) => ({
            description,
            values: [Buffer.from("evil"), Buffer.from("more")]
          }))
        ]
        yield* connection.send(messageId, entry("cn=a", attributes))
        yield* connection.send(messageId, done)
        const { searchEntries: [found] } = (yield* settled(search)) as ldapts.SearchResult
        assert.strictEqual(found!.dn, "cn=a")
        assert.strictEqual(Object.getPrototypeOf(found), Object.prototype)
        assert.deepStrictEqual(Object.keys(found!), ["dn", "__proto__", "constructor", "toString"])
        const unbound = client.unbind()
        yield* connection.end
        yield* settled(unbound)
      })
    ))

  it.live("100,000 entries, and a value of 10 MB", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const client = new dropIn.Client(options)
        const count = 100_000
        const search = client.search("dc=example")
        const connection = yield* server.accept
        const { messageId } = yield* connection.expect("SearchRequest")
        const one = octets(messageId, entry("cn=a", { member: ["a", "b"] }))
        yield* connection.sendOctets(Buffer.concat(Array.from({ length: count }, () => one)))
        yield* connection.send(messageId, done)
        const { searchEntries } = (yield* settled(search)) as ldapts.SearchResult
        assert.strictEqual(searchEntries.length, count)
        assert.deepStrictEqual(searchEntries.at(-1), { dn: "cn=a", member: ["a", "b"] })

        const large = client.search("dc=example")
        const second = yield* connection.expect("SearchRequest")
        const value = Buffer.alloc(10_000_000, "x")
        yield* connection.send(second.messageId, entry("cn=a", { large: value }))
        yield* connection.send(second.messageId, done)
        const { searchEntries: [found] } = (yield* settled(large)) as ldapts.SearchResult
        assert.strictEqual(found!["large"], value.toString())
        const unbound = client.unbind()
        yield* connection.end
        yield* settled(unbound)
      })
    ))

  it.live("pages may be empty, and leaving them gives the cursor back", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const client = new dropIn.Client(options)
        const pages = client.searchPaginated("dc=example", { paged: { pageSize: 1 } })
        const first = pages.next()
        const connection = yield* server.accept
        const page = (cookie: string) => [
          { oid: "1.2.840.113556.1.4.319", critical: false, value: Buffer.from(`30${cookie}`, "hex") }
        ]
        const one = yield* connection.expect("SearchRequest")
        yield* connection.send(one.messageId, done, page("06020100040163") as never)
        const two = yield* connection.expect("SearchRequest")
        yield* connection.send(two.messageId, entry("cn=a"))
        yield* connection.send(two.messageId, done, page("06020100040164") as never)
        const { value } = (yield* settled(first)) as IteratorResult<ldapts.SearchResult>
        assert.deepStrictEqual((value as ldapts.SearchResult).searchEntries, [{ dn: "cn=a", cn: "x" }])
        const returned = pages.return(undefined)
        // The next page had been asked for together with the last entry of this one.
        const ahead = yield* connection.expect("SearchRequest")
        const { operation } = yield* connection.expect("AbandonRequest")
        assert.strictEqual(operation.abandoned, ahead.messageId)
        const last = yield* connection.expect("SearchRequest")
        // The size of the page is 0, the cookie the last one.
        assert.deepStrictEqual(Buffer.from(last.controls[0]!.value!).toString("hex"), "3006020100040164")
        yield* connection.send(last.messageId, done, page("050201000400") as never)
        yield* settled(returned as Promise<unknown>)
        const unbound = client.unbind()
        yield* connection.end
        yield* settled(unbound)
      })
    ))
})

describe("what is sent", () => {
  it.live("aliases are dereferenced as was asked, which ldapts leaves out", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const sent: Array<unknown> = []
        for (const Client of [ldapts.Client, dropIn.Client]) {
          for (const derefAliases of ["never", "search", "find", "always"] as const) {
            const client = new Client(options)
            const search = client.search("dc=example", { derefAliases })
            const connection = yield* server.accept
            const { messageId, operation } = yield* connection.expect("SearchRequest")
            sent.push(operation.derefAliases)
            yield* connection.send(messageId, done)
            yield* settled(search as Promise<unknown>)
            const unbound = client.unbind()
            yield* connection.end
            yield* settled(unbound)
          }
        }
        assert.deepStrictEqual(sent, [
          ...["never", "never", "never", "never"],
          ...["never", "searching", "finding", "always"]
        ])
      })
    ))

  it.live("defaults and units are ldapts'", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const sent: Array<unknown> = []
        for (const Client of [ldapts.Client, dropIn.Client]) {
          const client = new Client(options)
          for (const search of [{}, { timeLimit: 3, sizeLimit: 5, attributes: ["a"], scope: "one" as const }]) {
            const found = client.search("dc=example", search)
            const connection = sent.length % 2 === 0 ? yield* server.accept : yield* Effect.succeed(last!)
            last = connection
            const { messageId, operation } = yield* connection.expect("SearchRequest")
            const { filter, ...others } = operation
            assert.isTrue(LdapFilter.isEqual(filter, LdapFilter.present("objectClass")))
            sent.push(others)
            yield* connection.send(messageId, done)
            yield* settled(found as Promise<unknown>)
          }
          const unbound = client.unbind()
          yield* last!.end
          yield* settled(unbound)
        }
        assert.deepStrictEqual(sent.slice(2), sent.slice(0, 2))
        assert.include(sent[0], { sizeLimit: 0, timeLimit: 10, scope: "subtree", typesOnly: false })
      })
    ))
  let last: RecordedConnection | undefined

  it.live("the parts of a new name are told apart by what separates them, not by every comma", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const client = new dropIn.Client(options)
        let connection: RecordedConnection | undefined
        for (
          const [name, newRdn, newSuperior] of [
            ["cn=b", "cn=b", undefined],
            ["cn=b,dc=y,dc=z", "cn=b", "dc=y,dc=z"],
            ["cn=b\\,c,dc=y", "cn=b\\,c", "dc=y"],
            ["cn=b\\\\,dc=y", "cn=b\\\\", "dc=y"],
            ["cn=b+sn=c, dc=y", "cn=b+sn=c", "dc=y"],
            ["nonsense", "nonsense", undefined]
          ] as const
        ) {
          const renamed = client.modifyDN("cn=a,dc=x", name)
          connection ??= yield* server.accept
          const { messageId, operation } = yield* connection.expect("ModifyDnRequest")
          assert.strictEqual(operation.newRdn, newRdn)
          assert.strictEqual(operation.newSuperior, newSuperior)
          assert.isTrue(operation.deleteOldRdn)
          yield* connection.send(messageId, { _tag: "ModifyDnResponse", result: ok })
          yield* settled(renamed)
        }
        const unbound = client.unbind()
        yield* connection!.end
        yield* settled(unbound)
      })
    ))

  it.live("a name without a password isn't bound: nothing is opened", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const client = new dropIn.Client(options)
        for (const password of ["", undefined]) {
          const error = yield* settled(client.bind("cn=a", password))
          assert.instanceOf(error, ldapts.UnwillingToPerformError)
        }
        assert.strictEqual(server.opened(), 0)
      })
    ))
})

describe("SASL with steps of the program's own", () => {
  it.live("the server's challenge is an error, and the next bind answers it, as with ldapts", () =>
    served((server, options) =>
      Effect.gen(function*() {
        for (const Client of [ldapts.Client, dropIn.Client]) {
          const client = new Client(options)
          const first = client.bind("SCRAM-SHA-1", "hello")
          const connection = yield* server.accept
          const one = yield* connection.expect("BindRequest")
          const challenge = Buffer.from("who?")
          const inProgress = { ...ok, code: 14 }
          yield* connection.send(one.messageId, {
            _tag: "BindResponse",
            result: inProgress,
            serverCredentials: challenge
          })
          const error = yield* settled(first)
          assert.instanceOf(error, ldapts.SaslBindInProgressError)
          assert.deepStrictEqual(error.response.data, ["who?"])
          assert.isFalse(client.isBound)
          const second = client.bind("SCRAM-SHA-1", "me")
          const two = yield* connection.expect("BindRequest")
          assert.deepStrictEqual(
            [one, two].map(({ operation: { authentication } }) =>
              authentication._tag === "Sasl" && [authentication.mechanism, String(authentication.credentials)]
            ),
            [["SCRAM-SHA-1", "hello"], ["SCRAM-SHA-1", "me"]]
          )
          yield* connection.send(two.messageId, { _tag: "BindResponse", result: ok })
          assert.isUndefined(yield* settled(second))
          assert.isTrue(client.isBound)
          const unbound = client.unbind()
          yield* connection.end
          yield* settled(unbound)
        }
      })
    ))

  it.live("another operation breaks it off, and has a connection of its own", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const client = new dropIn.Client(options)
        const first = client.bind("SCRAM-SHA-1", "hello")
        const connection = yield* server.accept
        const { messageId } = yield* connection.expect("BindRequest")
        yield* connection.send(messageId, { _tag: "BindResponse", result: { ...ok, code: 14 } })
        assert.instanceOf(yield* settled(first), ldapts.SaslBindInProgressError)
        const search = client.search("dc=example")
        yield* connection.ended
        yield* connection.end
        const another = yield* server.accept
        yield* answerSearch(another)
        assert.notInstanceOf(yield* settled(search), Error)
        const unbound = client.unbind()
        yield* another.end
        yield* settled(unbound)
      })
    ))
})

describe("connections that the program makes", () => {
  /** A stream that is no socket of Node: nothing is known of where it leads. */
  const tunnel = (port: number): net.Socket => {
    const socket = net.connect(port, "127.0.0.1")
    const stream = new Duplex({
      read: () => socket.resume(),
      write: (chunk, _, done) => socket.write(chunk, done),
      final: (done) => socket.end(done),
      destroy: (error, done) => {
        socket.destroy()
        done(error)
      }
    })
    socket.on("data", (chunk) => stream.push(chunk))
    socket.on("end", () => stream.push(null))
    return stream as net.Socket
  }

  it.live("createConnection: a new socket, one that is connected, a stream; called as ldapts does", () =>
    served((server) =>
      Effect.gen(function*() {
        const calls: Array<unknown> = []
        const connected = net.connect(server.port, "127.0.0.1")
        yield* server.accept
        const makers = [
          () => net.connect(server.port, "127.0.0.1"),
          () => connected,
          () => tunnel(server.port)
        ]
        for (const [i, make] of makers.entries()) {
          for (const Client of i === 0 ? [ldapts.Client, dropIn.Client] : [dropIn.Client]) {
            const createConnection = ((...args: Array<unknown>) => {
              calls.push(args)
              return make()
            }) as typeof net.connect
            const client = new Client({ url: "ldap://ldap.example.org", createConnection })
            if (i === 1) {
              // Its other end has been taken: that it is used is seen in the socket.
              const search = client.search("dc=example")
              yield* Effect.promise(() => vi.waitFor(() => assert.isAbove(connected.bytesWritten, 0)))
              connected.destroy()
              assert.instanceOf(yield* settled(search as Promise<unknown>), Error)
              continue
            }
            const search = client.search("dc=example")
            const connection = yield* server.accept
            yield* answerSearch(connection)
            assert.notInstanceOf(yield* settled(search as Promise<unknown>), Error)
            const unbound = client.unbind()
            yield* connection.end
            yield* settled(unbound)
          }
        }
        assert.deepStrictEqual(calls, calls.map(() => [389, "ldap.example.org"]))
        assert.strictEqual(calls.length, 4)
      })
    ))

  it.live("a socket that is closed already, and a factory that throws, are errors", () =>
    served((server) =>
      Effect.gen(function*() {
        const closed = net.connect(server.port, "127.0.0.1")
        closed.destroy()
        const makers = [() => closed, () => {
          throw new Error("no way")
        }]
        for (const make of makers) {
          const client = new dropIn.Client({ url: "ldap://a", createConnection: make })
          assert.instanceOf(yield* settled(client.search("dc=example")), Error)
          assert.isFalse(client.isConnected)
        }
      })
    ))

  it.live("createSecureConnection: for ldaps, and for StartTLS", () =>
    Effect.scoped(
      Effect.gen(function*() {
        const secureServer = yield* listen({ certificate: certificates.server, secure: true })
        const calls: Array<Array<unknown>> = []
        const createSecureConnection = ((...args: Array<unknown>) => {
          calls.push(args)
          return (tls.connect as (...args: Array<unknown>) => tls.TLSSocket)(...args)
        }) as typeof tls.connect
        const client = new dropIn.Client({
          url: `ldaps://127.0.0.1:${secureServer.port}`,
          tlsOptions: { ca },
          createSecureConnection
        })
        const bound = client.bind("cn=a", "x")
        const connection = yield* secureServer.accept
        yield* bind(connection)
        assert.isUndefined(yield* settled(bound))
        assert.deepStrictEqual(calls, [[secureServer.port, "127.0.0.1", { ca }]])
        const session = yield* Effect.orDie(client.effect)
        assert.strictEqual(yield* session.protection, "tls")
        const unbound = client.unbind()
        yield* connection.end
        yield* settled(unbound)

        const server = yield* listen({ certificate: certificates.server })
        const upgraded = new dropIn.Client({ url: `ldap://127.0.0.1:${server.port}`, createSecureConnection })
        const started = upgraded.startTLS({ ca })
        const clear = yield* server.accept
        yield* secure(clear)
        assert.isUndefined(yield* settled(started))
        assert.isDefined((calls[1]![0] as tls.ConnectionOptions).socket)
        const last = upgraded.unbind()
        yield* clear.end
        yield* settled(last)
      })
    ))

  it.live("a password in clear text: a warning, nothing, or a refusal", () =>
    served((server) =>
      Effect.gen(function*() {
        const warnings: Array<unknown> = []
        const spy = vi.spyOn(process, "emitWarning").mockImplementation((...args: Array<unknown>) => {
          warnings.push(args[1])
        })
        const createConnection = (() => tunnel(server.port)) as unknown as typeof net.connect
        for (const allowInsecureAuth of [true, undefined, undefined]) {
          const client = new dropIn.Client({ url: "ldap://a", createConnection, allowInsecureAuth })
          const bound = client.bind("cn=a", "x")
          const connection = yield* server.accept
          yield* bind(connection)
          assert.isUndefined(yield* settled(bound))
          const unbound = client.unbind()
          yield* connection.end
          yield* settled(unbound)
        }
        assert.deepStrictEqual(warnings, [{ code: "EFFECT_LDAP_CLEAR_TEXT" }])
        const client = new dropIn.Client({ url: "ldap://a", createConnection, allowInsecureAuth: false })
        const refusal = client.bind("cn=a", "x").catch((error: Error) => error)
        const connection = yield* server.accept
        assert.strictEqual(dropIn.toLdapError(yield* Effect.promise(() => refusal))?.reason._tag, "InsecureAuth")
        const unbound = client.unbind()
        yield* connection.end
        yield* settled(unbound)
        assert.strictEqual(connection.count("BindRequest"), 0)
        spy.mockRestore()
      })
    ))
})

it("URLs: what isn't one of a server is an error at once; more than ldapts takes", () => {
  for (const url of ["nonsense", "", "http://a", "ldap//a"]) {
    assert.throws(() => new ldapts.Client({ url }), `${url} is an invalid LDAP URL (protocol)`)
    assert.throws(() => new dropIn.Client({ url }), `${url} is an invalid LDAP URL (protocol)`)
  }
  for (const url of ["ldap://a/dc=example", "LDAP://a:1389", "ldaps://[::1]:636"]) {
    assert.doesNotThrow(() => new ldapts.Client({ url }))
    assert.doesNotThrow(() => new dropIn.Client({ url }))
  }
  assert.throws(() => new ldapts.Client({ url: "ldapi://%2Frun%2Fldapi" }))
  assert.doesNotThrow(() => new dropIn.Client({ url: "ldapi://%2Frun%2Fldapi" }))
})

it("all of ldapts' client is there, and all that ldapts exports", () => {
  const methods = Object.getOwnPropertyNames(ldapts.Client.prototype).filter((name) => !name.startsWith("_"))
  for (const name of [...methods, Symbol.asyncDispose]) assert.isTrue(name in dropIn.Client.prototype, String(name))
  for (const name of Object.keys(ldapts)) assert.isTrue(name in dropIn, name)
  assert.notStrictEqual<unknown>(dropIn.Client, ldapts.Client)
  assert.strictEqual(dropIn.InvalidCredentialsError, ldapts.InvalidCredentialsError)
})
