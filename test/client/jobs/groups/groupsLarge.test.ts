/** Many groups: the number of requests stays small, limits end long searches, and faults are errors. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as LdapAuth from "../../../../src/auth/LdapAuth.ts"
import * as LdapJobs from "../../../../src/client/jobs/LdapJobs.ts"
import * as LdapSession from "../../../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../../../src/testing/InMemoryDirectory.ts"

const top = "dc=example"
const ada = `uid=ada,${top}`
const group = (n: number) => `cn=g${n},${top}`

/** Groups by their numbers, each with the numbers of the groups that are its members. ada is a member of the groups with "ada". */
const directoryOf = Effect.fnUntraced(function*(
  count: number,
  membersOf: (n: number) => ReadonlyArray<number | "ada">,
  options: { readonly limits?: { readonly pageSize: number } } = {}
) {
  const directory = yield* InMemoryDirectory.make({
    entries: [
      { dn: top, attributes: { objectClass: "domain", dc: "example" } },
      { dn: ada, attributes: { objectClass: "inetOrgPerson", uid: "ada", cn: "ada", sn: "ada" } },
      ...Array.from({ length: count }, (_, n) => ({
        dn: group(n),
        attributes: {
          objectClass: "groupOfNames",
          cn: `g${n}`,
          member: membersOf(n).map((member) => member === "ada" ? ada : group(member))
        }
      }))
    ],
    admin: { password: "secret" },
    ...options
  })
  const session = yield* LdapSession.fromTransport(directory.transport, {
    auth: LdapAuth.simple(`cn=admin,${top}`, Redacted.make("secret"))
  })
  const searches = () =>
    directory.log.pdus().filter(({ direction, kind }) => direction === "request" && kind === "SearchRequest").length
  return { directory, searches, session }
})

/** A tree: ada is in the groups from 0 to 9, group n is in group 10 n + 10 … 10 n + 19, and the last ones are in group 0 again. */
const tree = (count: number) => (n: number): ReadonlyArray<number | "ada"> =>
  n < 10 ? ["ada", ...(n === 0 ? [count - 1] : [])] : [Math.floor(n / 10) - 1]

describe("groupsOf, large", { timeout: 120_000 }, () => {
  it.live("10,000 nested groups in a circle take some two hundred requests", () =>
    Effect.gen(function*() {
      const { searches, session } = yield* directoryOf(10_000, tree(10_000))
      const { groups, unreadable } = yield* LdapJobs.groupsOf(session, ada, { nested: true })
      assert.lengthOf(groups, 10_000)
      assert.lengthOf(unreadable, 0)
      assert.strictEqual(Math.max(...groups.map(({ depth }) => depth!)), 4)
      // The entry, the root DSE, ada's groups, and 50 of all other groups with each.
      assert.isAtMost(searches(), 3 + 10_000 / 50 + 5)
    }).pipe(Effect.scoped))

  it.live("1,000 groups of a user take three requests, and pages where the server limits sizes", () =>
    Effect.gen(function*() {
      const { searches, session } = yield* directoryOf(1000, () => ["ada"])
      assert.lengthOf((yield* LdapJobs.groupsOf(session, ada)).groups, 1000)
      assert.strictEqual(searches(), 3)
      const limited = yield* directoryOf(1000, () => ["ada"], { limits: { pageSize: 500 } })
      assert.lengthOf((yield* LdapJobs.groupsOf(limited.session, ada, { base: top })).groups, 1000)
      assert.isAbove(limited.searches(), 3)
    }).pipe(Effect.scoped))

  it.live("a chain that is deeper than the limit of requests fails with TooManyGroupRequests", () =>
    Effect.gen(function*() {
      const { searches, session } = yield* directoryOf(300, (n) => n === 0 ? ["ada"] : [n - 1])
      const error = yield* Effect.flip(LdapJobs.groupsOf(session, ada, { nested: true, maxRequests: 100 }))
      assert.isTrue(error._tag === "TooManyGroupRequests")
      assert.strictEqual(searches(), 100)
      assert.include(error.message, "raise maxRequests")
      const { groups } = yield* LdapJobs.groupsOf(session, ada, { nested: true })
      assert.deepStrictEqual(groups.map(({ depth }) => depth), Array.from({ length: 300 }, (_, i) => i + 1))
      // The search ends when it finds the group.
      const before = searches()
      assert.isTrue(yield* LdapJobs.isMemberOf(session, ada, group(4), { nested: true, base: top }))
      assert.isAtMost(searches() - before, 7)
    }).pipe(Effect.scoped))

  it.live("thousands of members are added, removed and synchronized in chunks", () =>
    Effect.gen(function*() {
      const { directory, session } = yield* directoryOf(1, () => ["ada"])
      const names = Array.from({ length: 5000 }, (_, i) => `cn=m${i},${top}`)
      const modifies = () =>
        directory.log.pdus().filter(({ direction, kind }) => direction === "request" && kind === "ModifyRequest").length
      const size = () => directory.lookup(group(0))!.getAll("member").length
      yield* LdapJobs.addMembers(session, group(0), names)
      assert.deepStrictEqual([size(), modifies()], [5001, 5])
      const synced = yield* LdapJobs.syncMembers(session, group(0), [...names.slice(1), `cn=new,${top}`])
      assert.deepStrictEqual([synced.added.length, synced.removed.length, synced.unchanged], [1, 2, 4999])
      assert.deepStrictEqual([size(), modifies()], [5000, 7])
      yield* LdapJobs.removeMembers(session, group(0), names.slice(10))
      assert.strictEqual(size(), 10)
      // An empty list is most likely a mistake.
      const error = yield* Effect.flip(LdapJobs.syncMembers(session, group(0), []))
      assert.isTrue(error._tag === "TooManyRemovals")
      assert.strictEqual(size(), 10)
    }).pipe(Effect.scoped))
})
