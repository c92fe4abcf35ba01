/**
 * What a round costs, in messages of the directory: for a source that reads a log, as much in a large directory as in a small one. The
 * directory in memory has no session log, so its content synchronization names all entries; that of slapd is in test/bench/README.md.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapChanges from "../../src/changes/LdapChanges.ts"
import * as LdapClient from "../../src/client/LdapClient.ts"
import * as LdapModification from "../../src/model/LdapModification.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"
import { optionsFor } from "./model.ts"

const base = "dc=example"

interface Cost {
  readonly requests: number
  readonly entries: number
}

/** The costs of a first round, and of one after ten changes. */
const costsOf = (source: LdapChanges.ChangesSource, count: number) =>
  Effect.gen(function*() {
    const directory = yield* InMemoryDirectory.make({
      ...optionsFor(source),
      entries: [
        { dn: base, attributes: { objectClass: "domain", dc: "example" } },
        ...Array.from({ length: count }, (_, i) => ({
          dn: `cn=d${i},${base}`,
          attributes: { objectClass: "device", cn: `d${i}` }
        }))
      ],
      admin: { password: "secret" }
    })
    const auth = LdapAuth.simple(`cn=admin,${base}`, Redacted.make("secret"))
    const client = yield* LdapClient.fromTransport(directory.transport, { auth, pool: { max: 1 } })
    const copy = LdapChanges.makeCopy()
    const sent = (): Cost => {
      const count = (kind: "SearchRequest" | "SearchResultEntry") => directory.log.pdusByKind.get(kind) ?? 0
      return { requests: count("SearchRequest"), entries: count("SearchResultEntry") }
    }
    const round = Effect.suspend(() => {
      const before = sent()
      return LdapChanges.poll(client, { base, source, since: copy.cookie, known: copy.known, pageSize: 100 }).pipe(
        Stream.runForEach(copy.apply),
        Effect.map((): Cost => {
          const after = sent()
          return { requests: after.requests - before.requests, entries: after.entries - before.entries }
        })
      )
    })
    // The time stamps of the entries are versions then.
    yield* TestClock.adjust("1 hour")
    const first = yield* round
    for (let i = 0; i < 10; i++) {
      yield* client.modify(`cn=d${i * 7},${base}`, LdapModification.replace("description", "x"))
    }
    return { first, second: yield* round }
  }).pipe(Effect.scoped, Effect.provideService(References.MinimumLogLevel, "None"))

describe("a round with ten changes", () => {
  it.effect.each(["dirSync", "usn", "changelog", "accesslog"] as const)(
    "costs the same in a small and a large directory by %s",
    (source) =>
      Effect.gen(function*() {
        const small = yield* costsOf(source, 100)
        const large = yield* costsOf(source, 1_000)
        assert.deepStrictEqual(large.second, small.second)
        assert.isBelow(large.second.entries, 50)
        assert.isAbove(large.first.entries, 1_000)
      }),
    60_000
  )

  it.effect("by scan reads the key of every entry, and ten entries", () =>
    Effect.gen(function*() {
      const { first, second } = yield* costsOf("scan", 1_000)
      // The entries are read whole, in pages of 100, beside the root DSE.
      assert.isAtMost(first.entries, 1_003)
      assert.isAtMost(first.requests, 14)
      assert.isAtMost(second.entries, 1_013)
    }), 60_000)
})
