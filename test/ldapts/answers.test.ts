/**
 * Differences from ldapts: correct and incorrect messages of servers.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ldapts from "ldapts"
import * as dropIn from "../../src/ldapts.ts"
import { done, entry, octets, ok } from "../session/recording/RecordingPeer.ts"
import { answerSearch, served, settled } from "./behaviours/recorded.ts"

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

  it.live("entries have ldapts' shape, whatever their values are", () =>
    served((server, options) =>
      Effect.gen(function*() {
        const bad = Buffer.from([0xff, 0xfe, 1])
        const attributes = {
          single: "text",
          several: ["a", "b"],
          none: [],
          empty: "",
          octets: bad,
          mixed: ["text", bad],
          mixedTheOtherWay: [bad, ""],
          // A character of the text that is also the replacement for invalid bytes.
          replacement: ["\ufffd", "a\ufffd"],
          zero: "a\0b",
          "text;binary": "t",
          "Several;BINARY": ["t", "u"],
          "text;binary;lang-de": "t",
          wanted: ["text", "more"],
          WANTED2: "text"
        }
        const found: Array<unknown> = []
        for (const Client of [ldapts.Client, dropIn.Client]) {
          const client = new Client(options)
          const search = client.search("dc=example", {
            attributes: ["SINGLE", "missing", "several", "missing;binary"],
            explicitBufferAttributes: ["wanted", "wanted2", "absent"]
          })
          const connection = yield* server.accept
          const { messageId } = yield* connection.expect("SearchRequest")
          yield* connection.send(messageId, entry("cn=a", attributes))
          yield* connection.send(messageId, entry("cn=b", { single: "b" }))
          yield* connection.send(messageId, done)
          found.push(yield* settled(search as Promise<unknown>))
          const unbound = client.unbind()
          yield* connection.end
          yield* settled(unbound)
        }
        assert.deepStrictEqual(found[1], found[0])
        const [first] = (found[1] as ldapts.SearchResult).searchEntries
        assert.deepStrictEqual(first!["mixed"], [Buffer.from("text"), bad])
        assert.deepStrictEqual(first!["replacement"], ["\ufffd", "a\ufffd"])
        assert.deepStrictEqual(first!["missing"], [])
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
        // The next page was requested together with the last entry of this one.
        const ahead = yield* connection.expect("SearchRequest")
        const { operation } = yield* connection.expect("AbandonRequest")
        assert.strictEqual(operation.abandoned, ahead.messageId)
        const last = yield* connection.expect("SearchRequest")
        // The page size is 0, and the cookie is the last one.
        assert.deepStrictEqual(Buffer.from(last.controls[0]!.value!).toString("hex"), "3006020100040164")
        yield* connection.send(last.messageId, done, page("050201000400") as never)
        yield* settled(returned as Promise<unknown>)
        const unbound = client.unbind()
        yield* connection.end
        yield* settled(unbound)
      })
    ))
})
