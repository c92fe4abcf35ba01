/** Groups of an entry and members of a group, on each server: the same program, with the classes of the server. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { inject } from "vitest"
import * as LdapAuth from "../../../../src/auth/LdapAuth.ts"
import * as LdapJobs from "../../../../src/client/jobs/LdapJobs.ts"
import type { LdapError } from "../../../../src/model/LdapError.ts"
import * as LdapModification from "../../../../src/model/LdapModification.ts"
import * as LdapSession from "../../../../src/session/LdapSession.ts"
import { waitFor } from "../../../servers/setup/waitFor.ts"

const slapd = inject("slapd")
const ds389 = inject("ds389")
const samba = inject("samba")

interface World {
  readonly session: LdapSession.LdapSession
  readonly top: string
  readonly user: (name: string) => Effect.Effect<string, LdapError>
  /** A group with these members. Servers other than Samba require at least one member. */
  readonly group: (name: string, members: ReadonlyArray<string>) => Effect.Effect<string, LdapError>
  readonly nameOf: (name: string) => string
}

let worlds = 0

/** A container for the test, deleted at the end. */
const worldOf = Effect.fnUntraced(function*(
  config: LdapSession.SessionConfig,
  scratch: string,
  kind: "standard" | "activeDirectory"
): Effect.fn.Return<World, LdapError, Scope.Scope> {
  const session = yield* LdapSession.make(config)
  const top = `ou=groups-${process.pid}-${++worlds},${scratch}`
  yield* Effect.acquireRelease(
    session.add(top, { objectClass: "organizationalUnit" }),
    () => Effect.ignore(Stream.runDrain(LdapJobs.deleteTree(session, top)))
  )
  const nameOf = (name: string) => `cn=${name},${top}`
  // Logins are unique in a domain.
  const unique = (name: string) => `${name}-${process.pid}-${worlds}`
  return {
    session,
    top,
    nameOf,
    user: (name) =>
      Effect.as(
        session.add(
          nameOf(name),
          kind === "standard"
            ? { objectClass: "inetOrgPerson", sn: name, uid: name }
            : { objectClass: "user", sAMAccountName: unique(name), uid: name }
        ),
        nameOf(name)
      ),
    group: (name, members) =>
      Effect.as(
        session.add(
          nameOf(name),
          kind === "standard"
            ? { objectClass: "groupOfNames", member: members }
            : { objectClass: "group", sAMAccountName: unique(name), member: members }
        ),
        nameOf(name)
      )
  }
})

const cns = ({ groups }: LdapJobs.GroupsOf): ReadonlyArray<readonly [string | undefined, number | undefined]> =>
  groups.map(({ depth, entry }) => [entry.get("cn"), depth] as const).sort(([a], [b]) => a! < b! ? -1 : 1)

const sortedMembers = (session: LdapSession.LdapSession, group: string) =>
  Effect.map(
    LdapJobs.memberNames(session, group),
    (names) => names.map((name) => name.toLowerCase()).sort((a, b) => a < b ? -1 : 1)
  )

const lowered = (...names: ReadonlyArray<string>) =>
  names.map((name) => name.toLowerCase()).sort((a, b) => a < b ? -1 : 1)

const onEvery = (world: Effect.Effect<World, LdapError, Scope.Scope>, isActiveDirectory: boolean) => {
  const primary = isActiveDirectory ? [["Domain Users", 1] as const] : []
  const builtin = isActiveDirectory ? [["Users", 2] as const] : []

  it.live("groupsOf: the groups of an entry, and those of its groups, in a circle too", () =>
    Effect.gen(function*() {
      const { group, nameOf, session, user } = yield* world
      const ada = yield* user("ada")
      const bob = yield* user("bob")
      yield* group("team", [ada, bob])
      yield* group("staff", [nameOf("team")])
      yield* group("all", [nameOf("staff"), bob])
      // Now all of them are members of each other.
      yield* session.modify(nameOf("team"), LdapModification.add("member", nameOf("all")))
      const direct = yield* LdapJobs.groupsOf(session, ada)
      assert.deepStrictEqual(cns(direct), [...primary, ["team", 1] as const])
      const nested = yield* LdapJobs.groupsOf(session, ada.toUpperCase(), { nested: true })
      assert.deepStrictEqual(cns(nested), [...primary, ...builtin, ["all", 3], ["staff", 2], ["team", 1]])
      assert.deepStrictEqual(nested.unreadable, [])
      const ofBob = yield* LdapJobs.groupsOf(session, bob, { nested: true, attributes: ["cn", "objectClass"] })
      assert.deepStrictEqual(cns(ofBob), [...primary, ...builtin, ["all", 1], ["staff", 2], ["team", 1]])
      assert.isTrue(ofBob.groups[0]!.entry.has("objectClass"))
      // A group can be in groups too, but the result never contains the group itself.
      const ofTeam = yield* LdapJobs.groupsOf(session, nameOf("team"), { nested: true })
      assert.deepStrictEqual(cns(ofTeam), [["all", 2], ["staff", 1]])
    }))

  it.live("groupsOf: an entry may be given, and one that doesn't exist is NoSuchObject", () =>
    Effect.gen(function*() {
      const { group, nameOf, session, top, user } = yield* world
      const ada = yield* user("ada")
      yield* group("team", [ada])
      const entry = Option.getOrThrow(yield* session.lookup(ada, { attributes: ["cn"] }))
      assert.deepStrictEqual(cns(yield* LdapJobs.groupsOf(session, entry, { base: top })), [
        ...(isActiveDirectory ? [] : primary),
        ["team", 1]
      ])
      const error = yield* Effect.flip(LdapJobs.groupsOf(session, nameOf("missing")))
      assert.isTrue(error._tag === "LdapError" && error.reason._tag === "NoSuchObject")
    }))

  it.live("isMemberOf: directly and through other groups", () =>
    Effect.gen(function*() {
      const { group, nameOf, session, user } = yield* world
      const ada = yield* user("ada")
      const bob = yield* user("bob")
      yield* group("team", [ada])
      yield* group("staff", [nameOf("team"), bob])
      const { isMemberOf } = LdapJobs
      assert.isTrue(yield* isMemberOf(session, ada, nameOf("team").toUpperCase()))
      assert.isFalse(yield* isMemberOf(session, ada, nameOf("staff")))
      assert.isTrue(yield* isMemberOf(session, ada, nameOf("staff"), { nested: true }))
      assert.isFalse(yield* isMemberOf(session, bob, nameOf("team"), { nested: true }))
      assert.isFalse(yield* isMemberOf(session, bob, nameOf("none"), { nested: true }))
      assert.isFalse(yield* isMemberOf(session, bob, nameOf("none")))
      const error = yield* Effect.flip(isMemberOf(session, nameOf("missing"), nameOf("team"), { nested: true }))
      assert.isTrue(error._tag === "LdapError" && error.reason._tag === "NoSuchObject")
    }))

  it.live("addMembers and removeMembers: members that are added or removed already are no error", () =>
    Effect.gen(function*() {
      const { group, session, user } = yield* world
      const [ada, bob, eve] = [yield* user("ada"), yield* user("bob"), yield* user("eve")]
      const team = yield* group("team", [ada])
      yield* LdapJobs.addMembers(session, team, [ada, bob, bob.toUpperCase()])
      yield* LdapJobs.addMembers(session, team, [bob, eve])
      assert.deepStrictEqual(yield* sortedMembers(session, team), lowered(ada, bob, eve))
      yield* LdapJobs.removeMembers(session, team, [bob.toUpperCase(), eve])
      yield* LdapJobs.removeMembers(session, team, [bob, eve])
      assert.deepStrictEqual(yield* sortedMembers(session, team), lowered(ada))
      yield* LdapJobs.addMembers(session, team, [])
      const error = yield* Effect.flip(LdapJobs.addMembers(session, `${team.slice(0, 5)}x${team.slice(5)}`, [ada]))
      assert.strictEqual(error.reason._tag, "NoSuchObject")
    }))

  it.live("syncMembers: writes the difference, and refuses to remove too many", () =>
    Effect.gen(function*() {
      const { group, session, user } = yield* world
      const users = yield* Effect.forEach(Array.from({ length: 14 }, (_, i) => `u${i}`), user)
      const team = yield* group("team", users.slice(0, 12))
      const first = yield* LdapJobs.syncMembers(session, team, [...users.slice(1, 12), users[12]!.toUpperCase()])
      assert.deepStrictEqual([first.added.length, first.removed.length, first.unchanged], [1, 1, 11])
      assert.deepStrictEqual(yield* sortedMembers(session, team), lowered(...users.slice(1, 13)))
      const again = yield* LdapJobs.syncMembers(session, team, users.slice(1, 13))
      assert.deepStrictEqual(again, { added: [], removed: [], unchanged: 12 })
      const error = yield* Effect.flip(LdapJobs.syncMembers(session, team, [users[13]!]))
      assert.isTrue(error._tag === "TooManyRemovals")
      if (error._tag !== "TooManyRemovals") return
      assert.deepStrictEqual([error.removals.length, error.members, error.maxRemovals], [12, 12, 10])
      assert.deepStrictEqual(yield* sortedMembers(session, team), lowered(...users.slice(1, 13)))
      yield* LdapJobs.syncMembers(session, team, [users[13]!], { maxRemovals: error.removals.length })
      assert.deepStrictEqual(yield* sortedMembers(session, team), lowered(users[13]!))
    }))
}

/** Classes of groups that Active Directory doesn't have. */
const onOthers = (world: Effect.Effect<World, LdapError, Scope.Scope>) => {
  it.live("groups with unique members and with logins", () =>
    Effect.gen(function*() {
      const { nameOf, session, user } = yield* world
      const [ada, bob] = [yield* user("ada"), yield* user("bob")]
      const [unique, posix] = [nameOf("unique"), nameOf("posix")]
      yield* session.add(unique, { objectClass: "groupOfUniqueNames", uniqueMember: ada })
      yield* session.add(posix, { objectClass: "posixGroup", gidNumber: 5, memberUid: "ada" })
      yield* session.add(nameOf("above"), { objectClass: "groupOfUniqueNames", uniqueMember: [posix, unique] })
      assert.deepStrictEqual(cns(yield* LdapJobs.groupsOf(session, ada, { nested: true })), [
        ["above", 2],
        ["posix", 1],
        ["unique", 1]
      ])
      assert.deepStrictEqual(
        cns(yield* LdapJobs.groupsOf(session, ada, { memberAttributes: ["memberUid"], nested: true })),
        [
          ["posix", 1]
        ]
      )
      assert.isTrue(yield* LdapJobs.isMemberOf(session, ada, posix))
      assert.isFalse(yield* LdapJobs.isMemberOf(session, bob, posix))
      // The name doesn't have the login, so the entry is read. Text that isn't a name is a login.
      yield* LdapJobs.addMembers(session, posix, [ada, bob, "eve"])
      yield* LdapJobs.addMembers(session, unique, [ada, bob])
      const logins = Effect.map(session.lookup(posix), (group) => Option.getOrThrow(group).getAll("memberUid"))
      assert.deepStrictEqual([...(yield* logins)].sort(), ["ada", "bob", "eve"])
      assert.deepStrictEqual(yield* sortedMembers(session, unique), lowered(ada, bob))
      yield* LdapJobs.removeMembers(session, posix, [bob, bob, "missing"])
      yield* LdapJobs.removeMembers(session, unique, [bob, bob])
      assert.deepStrictEqual([...(yield* logins)].sort(), ["ada", "eve"])
      const synced = yield* LdapJobs.syncMembers(session, posix, [bob, "ada"])
      assert.deepStrictEqual(synced, { added: ["bob"], removed: ["eve"], unchanged: 1 })
    }))
}

const admin = (url: string, ca: string, dn: string, password: string): LdapSession.SessionConfig => ({
  url,
  tls: { ca },
  auth: LdapAuth.simple(dn, Redacted.make(password))
})

describe.skipIf(slapd === undefined)("slapd", () => {
  if (slapd === undefined) return
  const config = admin(slapd.urls.ldaps, slapd.certificates.ca.cert, slapd.admin.dn, slapd.admin.password)
  const world = worldOf(config, `ou=scratch,${slapd.base}`, "standard")
  onEvery(world, false)
  onOthers(world)
})

describe.skipIf(ds389 === undefined)("389 Directory Server", () => {
  if (ds389 === undefined) return
  waitFor(ds389)
  const config = admin(ds389.urls.ldaps, ds389.certificates.ca.cert, ds389.admin.dn, ds389.admin.password)
  const world = worldOf(config, `ou=scratch,${ds389.base}`, "standard")
  onEvery(world, false)
  onOthers(world)

  it.live("groupsOf by memberOf, which this server also keeps for nested groups", () =>
    Effect.gen(function*() {
      const { group, nameOf, session, user } = yield* world
      const ada = yield* user("ada")
      yield* group("team", [ada])
      yield* group("staff", [nameOf("team")])
      const found = yield* LdapJobs.groupsOf(session, ada, { by: "memberOf", nested: true })
      assert.sameMembers(found.groups.map(({ entry }) => entry.get("cn")!), ["team", "staff"])
    }))
})

describe.skipIf(samba === undefined)("Samba", () => {
  if (samba === undefined) return
  waitFor(samba)
  const config = admin(samba.urls.ldaps, samba.certificates.ca.cert, samba.admin.upn, samba.admin.password)
  const world = worldOf(config, `OU=scratch,${samba.base}`, "activeDirectory")
  onEvery(world, true)

  it.live("groupsOf: distribution groups, and a contact, which has no token", () =>
    Effect.gen(function*() {
      const { nameOf, session, user } = yield* world
      const ada = yield* user("ada")
      const mail = (name: string, member: ReadonlyArray<string>) =>
        session.add(nameOf(name), {
          objectClass: "group",
          sAMAccountName: `${name}-${process.pid}-${worlds}`,
          // A global group that is not for security.
          groupType: "2",
          member
        })
      const contact = nameOf("contact")
      yield* session.add(contact, { objectClass: "contact" })
      yield* mail("list", [ada, contact])
      yield* mail("lists", [nameOf("list")])
      const expected = [["list", 1], ["lists", 2]] as const
      const { groups, unreadable } = yield* LdapJobs.groupsOf(session, ada, { nested: true })
      assert.deepStrictEqual(cns({ groups, unreadable }).filter(([cn]) => cn!.startsWith("l")), [...expected])
      assert.deepStrictEqual(cns(yield* LdapJobs.groupsOf(session, contact, { nested: true })), [...expected])
      assert.isTrue(yield* LdapJobs.isMemberOf(session, ada, nameOf("lists"), { nested: true }))
      assert.isTrue(yield* LdapJobs.isMemberOf(session, ada, `CN=Domain Users,CN=Users,${samba.base}`))
      assert.isTrue(yield* LdapJobs.isMemberOf(session, ada, `CN=Users,CN=Builtin,${samba.base}`, { nested: true }))
      assert.isFalse(yield* LdapJobs.isMemberOf(session, ada, `CN=Users,CN=Builtin,${samba.base}`))
    }))

  it.live("groupsOf: groups outside the base are listed as unreadable", () =>
    Effect.gen(function*() {
      const { group, session, top, user } = yield* world
      const ada = yield* user("ada")
      yield* group("team", [ada])
      const { groups, unreadable } = yield* LdapJobs.groupsOf(session, ada, { nested: true, base: top })
      assert.deepStrictEqual(cns({ groups, unreadable }), [["team", 1]])
      // Domain Users and Users, by their SIDs.
      assert.lengthOf(unreadable, 2)
      assert.isTrue(unreadable.every((sid) => sid.startsWith("S-1-5-")))
    }))
})
