/**
 * A test that meets a limit of Active Directory: without pages, a search returns 1000 entries and fails. The directory in memory has
 * the same limit, so the test finds a missing `pageSize` without a domain controller.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { LdapClient } from "../../src/index.ts"
import { InMemoryDirectory } from "../../src/testing.ts"

const base = "dc=example,dc=org"

const people = Array.from({ length: 1200 }, (_, i) => ({
  dn: `cn=p${i},${base}`,
  attributes: { objectClass: "person", cn: `p${i}`, sn: "P" }
}))

const Domain = InMemoryDirectory.layer({
  entries: [{ dn: base, attributes: { objectClass: "domain", dc: "example" } }, ...people],
  limits: "activeDirectory"
})

/** The code under test. */
const countPeople = (options?: { readonly pageSize?: number }) =>
  Effect.gen(function*() {
    const ldap = yield* LdapClient.LdapClient
    return yield* Stream.runCount(ldap.search({ base, filter: "(objectClass=person)", ...options }))
  })

describe("counting people", () => {
  it.effect("fails without pages, as in a real domain", () =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(countPeople())
      assert.strictEqual(failure.reason._tag, "SizeLimitExceeded")
    }).pipe(Effect.provide(Domain)))

  it.effect("reads all of them in pages", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* countPeople({ pageSize: 500 }), 1200)
    }).pipe(Effect.provide(Domain)))
})
