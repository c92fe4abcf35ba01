/** Changes of members against errors of programs and servers: names in other spellings, other kinds of groups, and jobs that break off. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { inject } from "vitest"
import * as LdapAuth from "../../../../src/auth/LdapAuth.ts"
import * as LdapJobs from "../../../../src/client/jobs/LdapJobs.ts"
import * as LdapModification from "../../../../src/model/LdapModification.ts"
import * as LdapSession from "../../../../src/session/LdapSession.ts"
import { waitFor } from "../../../servers/setup/waitFor.ts"

const slapd = inject("slapd")
const ds389 = inject("ds389")
const samba = inject("samba")

interface World {
  readonly session: LdapSession.LdapSession
  readonly top: string
  readonly base: string
}

let worlds = 0
const worldOf = (url: string, ca: string, dn: string, password: string, base: string) =>
  Effect.gen(function*() {
    const session = yield* LdapSession.make({ url, tls: { ca }, auth: LdapAuth.simple(dn, Redacted.make(password)) })
    const top = `ou=attacks-${process.pid}-${++worlds},ou=scratch,${base}`
    yield* Effect.acquireRelease(
      session.add(top, { objectClass: "organizationalUnit" }),
      () => Effect.ignore(Stream.runDrain(LdapJobs.deleteTree(session, top)))
    )
    return { session, top, base }
  })

const count = ({ session }: World, group: string, attribute = "member") =>
  Effect.map(
    session.lookup(group, { attributes: [attribute], ranges: "all" }),
    (entry) => Option.getOrThrow(entry).getAll(attribute).length
  )

const onStandard = (world: ReturnType<typeof worldOf>, size: number) => {
  it.live("names in other spellings, empty lists and repeated lists change nothing", () =>
    Effect.gen(function*() {
      const made = yield* world
      const { session, top } = made
      const user = `cn=Lovelace\\, Ada+uid=ada,${top}`
      yield* session.add(user, { objectClass: "inetOrgPerson", sn: "x" })
      const team = `cn=team,${top}`
      yield* session.add(team, { objectClass: "groupOfNames", member: user })
      const spellings = [
        user,
        `CN=lovelace\\2c ada + UID=ADA, ${top.toUpperCase()}`,
        `uid=ada+cn=\\4cOVELACE\\, ADA,${top.replaceAll(",", " , ")}`
      ]
      for (const spelling of spellings) {
        yield* LdapJobs.addMembers(session, team, [spelling, user])
        assert.strictEqual(yield* count(made, team), 1, spelling)
        assert.isTrue(yield* LdapJobs.isMemberOf(session, spelling, team, { nested: true }), spelling)
        assert.isTrue(yield* LdapJobs.isMemberOf(session, user, team.replace("cn=", " CN = ")), spelling)
      }
      assert.deepInclude(yield* LdapJobs.syncMembers(session, team, spellings), {
        added: [],
        removed: [],
        unchanged: 1
      })
      yield* LdapJobs.addMembers(session, team, [])
      yield* LdapJobs.removeMembers(session, team, [])
      assert.strictEqual(yield* count(made, team), 1)
    }))

  it.live("if the group can't be empty, the last member stays, and no other member is removed", () =>
    Effect.gen(function*() {
      const made = yield* world
      const { session, top } = made
      const team = `cn=team,${top}`
      yield* session.add(team, { objectClass: "groupOfUniqueNames", uniqueMember: [`cn=a,${top}`, `cn=b,${top}`] })
      const error = yield* Effect.result(LdapJobs.removeMembers(session, team, [`cn=a,${top}`, `cn=b,${top}`]))
      // 389 Directory Server allows groups without members.
      if (error._tag === "Failure") {
        assert.strictEqual(error.failure.reason._tag, "ObjectClassViolation")
        assert.strictEqual(yield* count(made, team, "uniqueMember"), 2)
      }
      // A change to another list of members of the same kind of group is the program's choice.
      const other = yield* Effect.flip(
        LdapJobs.addMembers(session, team, [`cn=c,${top}`], { memberAttribute: "member" })
      )
      assert.strictEqual(other.reason._tag, "ObjectClassViolation")
    }))

  it.live("a unique name with an identifier is the same member for changes of a list", () =>
    Effect.gen(function*() {
      const made = yield* world
      const { session, top } = made
      const [a, team] = [`cn=a,${top}`, `cn=team,${top}`]
      yield* session.add(a, { objectClass: "inetOrgPerson", sn: "x" })
      yield* session.add(team, { objectClass: "groupOfUniqueNames", uniqueMember: [`${a}#'0101'B`, `cn=b,${top}`] })
      const synced = yield* LdapJobs.syncMembers(session, team, [a, `cn=b,${top}`])
      assert.deepStrictEqual([synced.added, synced.removed, synced.unchanged], [[], [], 2])
      yield* LdapJobs.removeMembers(session, team, [a])
      assert.strictEqual(yield* count(made, team, "uniqueMember"), 1)
    }))

  it.live("if a long list of members breaks off at any point, a second run completes it", () =>
    Effect.gen(function*() {
      const made = yield* world
      const { session, top } = made
      const team = `cn=team,${top}`
      const names = Array.from({ length: size }, (_, i) => `cn=m${i},${top}`)
      yield* session.add(team, { objectClass: "groupOfNames", member: `cn=first,${top}` })
      const chunkSize = size / 20
      const add = LdapJobs.addMembers(session, team, names, { chunkSize })
      for (const millis of [0, 5, 20]) {
        yield* Effect.timeoutOption(add, millis)
        // Whole chunks, and the member that was there before.
        yield* Effect.sleep("20 millis")
        assert.strictEqual((yield* count(made, team)) % chunkSize, 1)
      }
      yield* add
      assert.strictEqual(yield* count(made, team), size + 1)
      yield* add
      const kept = names.slice(0, size * 0.75)
      const synced = yield* LdapJobs.syncMembers(session, team, kept, { maxRemovals: size / 4 + 1, chunkSize })
      assert.deepStrictEqual([synced.added.length, synced.removed.length, synced.unchanged], [
        0,
        size / 4 + 1,
        size * 0.75
      ])
      yield* LdapJobs.removeMembers(session, team, [...names.slice(1), ...names.slice(1)], { chunkSize: size })
      assert.strictEqual(yield* count(made, team), 1)
    }))
}

describe.skipIf(slapd === undefined)("slapd", () => {
  if (slapd === undefined) return
  const { admin, base, certificates, urls } = slapd
  onStandard(worldOf(urls.ldaps, certificates.ca.cert, admin.dn, admin.password, base), 2000)
})

describe.skipIf(ds389 === undefined)("389 Directory Server", () => {
  if (ds389 === undefined) return
  waitFor(ds389)
  const { admin, base, certificates, urls } = ds389
  onStandard(worldOf(urls.ldaps, certificates.ca.cert, admin.dn, admin.password, base), 100)
})

describe.skipIf(samba === undefined)("Samba", () => {
  if (samba === undefined) return
  waitFor(samba)
  const { admin, base, certificates, urls } = samba
  const world = worldOf(urls.ldaps, certificates.ca.cert, admin.upn, admin.password, base)

  it.live("members in other spellings, by GUID and SID, foreign ones, and the primary group", () =>
    Effect.gen(function*() {
      const made = yield* world
      const { session, top } = made
      const name = `at${process.pid}`
      const user = `CN=${name},${top}`
      const [team, local] = [`CN=${name}-team,${top}`, `CN=${name}-local,${top}`]
      yield* session.add(user, { objectClass: "user", sAMAccountName: name })
      yield* session.add(team, { objectClass: "group", sAMAccountName: `${name}t` })
      // Only a group of the domain alone may have members of other domains.
      yield* session.add(local, { objectClass: "group", sAMAccountName: `${name}l`, groupType: "-2147483644" })
      for (const spelling of [user, `cn=${name.toUpperCase()},${top.toUpperCase()}`]) {
        yield* LdapJobs.addMembers(session, team, [spelling, user])
        assert.strictEqual(yield* count(made, team), 1, spelling)
        assert.isTrue(yield* LdapJobs.isMemberOf(session, spelling, team.toLowerCase(), { nested: true }), spelling)
      }
      yield* LdapJobs.removeMembers(session, team, [user.toUpperCase()])
      yield* LdapJobs.removeMembers(session, team, [user])
      assert.strictEqual(yield* count(made, team), 0)
      // Without a server of its own, Samba takes the SID of an unknown domain as a foreign security principal.
      const foreign = "S-1-5-21-9-8-7-1234"
      yield* LdapJobs.addMembers(session, local, [`<SID=${foreign}>`, user])
      yield* LdapJobs.addMembers(session, local, [user])
      const names = yield* LdapJobs.memberNames(session, local)
      assert.lengthOf(names, 2)
      assert.isTrue(names.some((dn) => dn.startsWith(`CN=${foreign},CN=ForeignSecurityPrincipals,`)))
      assert.isTrue(yield* LdapJobs.isMemberOf(session, names.find((dn) => dn.includes(foreign))!, local))
      // The primary group doesn't list it.
      const users = `CN=Domain Users,CN=Users,${made.base}`
      for (const nested of [false, true]) assert.isTrue(yield* LdapJobs.isMemberOf(session, user, users, { nested }))
      const { groups } = yield* LdapJobs.groupsOf(session, user)
      assert.sameMembers(groups.map(({ entry }) => entry.get("cn")!), ["Domain Users", `${name}-local`])
      yield* session.delete(names.find((dn) => dn.includes(foreign))!)
      yield* session.modify(local, LdapModification.replace("member"))
    }))

  it.live("members that don't exist are refused, together with their whole chunk", () =>
    Effect.gen(function*() {
      const made = yield* world
      const { session, top } = made
      const [user, team] = [`CN=at${process.pid}x,${top}`, `CN=at${process.pid}y,${top}`]
      yield* session.add(user, { objectClass: "contact" })
      yield* session.add(team, { objectClass: "group" })
      const error = yield* Effect.flip(LdapJobs.addMembers(session, team, [user, `CN=nowhere,${top}`]))
      assert.include(["NoSuchObject", "UnwillingToPerform"], error.reason._tag)
      assert.strictEqual(yield* count(made, team), 0)
      yield* LdapJobs.removeMembers(session, team, [user, `CN=nowhere,${top}`])
    }))
})
