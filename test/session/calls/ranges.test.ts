/** `ranges: "all"`: a server that sends some values of an attribute at a time (range retrieval) is asked for the rest. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"

const base = "cn=g,dc=x"
const members = ["cn=a", "cn=b", "cn=c", "cn=d", "cn=e"]

/** A search without a range returns the group's first two members. */
const open = Effect.gen(function*() {
  const directory = yield* InMemoryDirectory.make({
    entries: [
      { dn: "dc=x", attributes: { objectClass: ["domain"], dc: "x" } },
      { dn: base, attributes: { objectClass: ["groupOfNames"], cn: "g", member: members } }
    ],
    interceptor: ({ messageId, operation }) =>
      Effect.succeed(
        operation._tag !== "SearchRequest" || operation.attributes.some((name) => name.includes(";range="))
          ? "continue"
          : [
            {
              messageId,
              operation: {
                _tag: "SearchResultEntry",
                entry: LdapEntry.make(base, [
                  { description: "cn", values: [Buffer.from("g")] },
                  { description: "member;range=0-1", values: members.slice(0, 2).map((name) => Buffer.from(name)) }
                ])
              },
              controls: []
            },
            {
              messageId,
              operation: {
                _tag: "SearchResultDone",
                result: { code: 0, matchedDn: "", diagnosticMessage: "", referrals: [] }
              },
              controls: []
            }
          ]
      )
  })
  return yield* LdapSession.fromSocket(yield* directory.connect, { protection: "local" })
})

type Reading = (
  on: LdapSession.LdapOperations,
  options: Pick<LdapSession.LookupOptions, "ranges">
) => Effect.Effect<ReadonlyArray<LdapEntry.LdapEntry>, unknown>

const readings: Readonly<Record<string, Reading>> = {
  search: (on, options) => Stream.runCollect(on.search({ base, ...options })),
  searchMessages: (on, options) =>
    Effect.map(Stream.runCollect(on.searchMessages({ base, ...options })), (messages) => {
      assert.deepStrictEqual(messages.map(({ _tag }) => _tag), ["Entry", "Done"])
      return messages.flatMap((message) => message._tag === "Entry" ? [message.entry] : [])
    }),
  searchResult: (on, options) => Effect.map(on.searchResult({ base, ...options }), ({ entries }) => entries),
  lookup: (on, options) => Effect.map(on.lookup(base, options), Option.toArray),
  lookupResult: (on, options) => Effect.map(on.lookupResult(base, options), ({ entry }) => Option.toArray(entry))
}

describe("an attribute that comes in ranges", () => {
  for (const [name, read] of Object.entries(readings)) {
    it.effect(`${name} reads it to the end if asked to`, () =>
      Effect.gen(function*() {
        const session = yield* open
        const [whole] = yield* read(session, { ranges: "all" })
        assert.deepStrictEqual(whole!.getAll("member"), members)
        assert.deepStrictEqual(whole!.descriptions, ["cn", "member"])
        const [part] = yield* read(session, {})
        assert.deepStrictEqual(part!.descriptions, ["cn", "member;range=0-1"])
      }))
  }

  it.effect("leaves an entry that isn't there as it is", () =>
    Effect.gen(function*() {
      const directory = yield* InMemoryDirectory.make({ entries: [] })
      const session = yield* LdapSession.fromSocket(yield* directory.connect, { protection: "local" })
      assert.isTrue(Option.isNone(yield* session.lookup(base, { ranges: "all" })))
      assert.isTrue(Option.isNone((yield* session.lookupResult(base, { ranges: "all" })).entry))
    }))
})
