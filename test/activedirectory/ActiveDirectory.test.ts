/**
 * Deleted objects, SIDs of principals, replication metadata, security descriptors and the global catalog on Samba; the bytes of replication
 * metadata against Samba's own writer.
 */
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { inject } from "vitest"
import * as ActiveDirectory from "../../src/activedirectory/ActiveDirectory.ts"
import * as Sid from "../../src/activedirectory/ActiveDirectorySid.ts"
import * as SecurityDescriptor from "../../src/activedirectory/SecurityDescriptor.ts"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import type { LdapError } from "../../src/model/LdapError.ts"
import * as LdapModification from "../../src/model/LdapModification.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { below, mutate, random } from "../fuzz/mutate.ts"
import { sambaPasswordOf } from "../servers/samba.ts"
import { waitFor } from "../servers/setup/waitFor.ts"
import { randomGuid } from "./randomDescriptor.ts"
import { askSamba, hasSambaNdr } from "./sambaNdr.ts"

const reasonOf = <A, R>(effect: Effect.Effect<A, LdapError, R>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

describe("replication metadata", () => {
  const hex = (value: unknown) => Buffer.from(String(value), "hex")

  it.skipIf(!hasSambaNdr)("is read as Samba writes it, both versions of cursors", () => {
    const rounds = Array.from({ length: 60 }, (_, seed) => {
      const next = random(seed)
      const usn = () => String(BigInt(next()) * BigInt(next()))
      // Whole seconds of the years 1970 to 2100.
      const time = () => String(11_644_473_600n + BigInt(next()))
      return {
        items: Array.from({ length: below(next, 9) }, () => ({
          attid: next(),
          version: next(),
          time: time(),
          invocation: randomGuid(next),
          originatingUsn: usn(),
          localUsn: usn()
        })),
        vector: {
          version: 1 + below(next, 2),
          cursors: Array.from(
            { length: below(next, 9) },
            () => ({ invocation: randomGuid(next), usn: usn(), time: time() })
          )
        }
      }
    })
    // Samba's Python takes FILETIME and keeps seconds.
    const ticks = (seconds: string) => String(BigInt(seconds) * 10_000_000n)
    const metadata = askSamba(
      rounds.map(({ items }) => ["make_metadata", items.map((item) => ({ ...item, time: ticks(item.time) }))] as const)
    )
    const vectors = askSamba(
      rounds.map(({ vector }) =>
        ["make_vector", {
          ...vector,
          cursors: vector.cursors.map((cursor) => ({ ...cursor, time: ticks(cursor.time) }))
        }] as const
      )
    )
    const at = (time: string) => DateTime.makeUnsafe(Number((BigInt(time) - 11_644_473_600n) * 1000n))
    rounds.forEach(({ items, vector }, i) => {
      assert.isUndefined(metadata[i]!.error)
      assert.deepStrictEqual(
        Result.getOrThrow(ActiveDirectory.attributeChanges(hex(metadata[i]!.value))),
        items.map((item) => ({
          attribute: item.attid,
          version: item.version,
          time: at(item.time),
          invocation: item.invocation,
          originatingUsn: BigInt(item.originatingUsn),
          localUsn: BigInt(item.localUsn)
        }))
      )
      assert.deepStrictEqual(
        Result.getOrThrow(ActiveDirectory.replicaCursors(hex(vectors[i]!.value))),
        vector.cursors.map((cursor) => ({
          invocation: cursor.invocation,
          usn: BigInt(cursor.usn),
          time: vector.version === 1 ? undefined : at(cursor.time)
        }))
      )
    })
  })

  it("damaged bytes are refused or read, and a count without its bytes allocates nothing", () => {
    const good = Buffer.alloc(16 + 2 * 48, 1)
    good.writeUInt32LE(1, 0)
    good.writeUInt32LE(2, 8)
    assert.lengthOf(Result.getOrThrow(ActiveDirectory.attributeChanges(good)), 2)
    for (let seed = 1; seed <= 2000; seed++) {
      for (const read of [ActiveDirectory.attributeChanges, ActiveDirectory.replicaCursors]) {
        const result: Result.Result<unknown, Sid.WindowsValueError> = read(mutate(random(seed), good))
        if (Result.isFailure(result)) assert.strictEqual(result.failure._tag, "WindowsValueError")
      }
    }
    good.writeUInt32LE(0xffff_ffff, 8)
    assert.isTrue(Result.isFailure(ActiveDirectory.attributeChanges(good)))
  })
})

describe("names", () => {
  it("have the domain, and the SID of a foreign security principal", () => {
    assert.deepStrictEqual(
      ActiveDirectory.domainOfName("CN=Ada\\, A,OU=x,DC=AD,DC=example,DC=org"),
      Option.some("ad.example.org")
    )
    for (const none of ["", "CN=x,O=org", "not a name"])
      assert.isTrue(Option.isNone(ActiveDirectory.domainOfName(none)))
    assert.deepStrictEqual(
      ActiveDirectory.foreignSid("CN=S-1-5-11,CN=ForeignSecurityPrincipals,DC=x"),
      Option.some("S-1-5-11")
    )
    for (const none of ["CN=S-1-5-11,CN=Users,DC=x", "CN=Ada,CN=ForeignSecurityPrincipals,DC=x", ""]) {
      assert.isTrue(Option.isNone(ActiveDirectory.foreignSid(none)))
    }
  })
})

const samba = inject("samba")

describe.skipIf(samba === undefined)("Samba", () => {
  if (samba === undefined) return
  waitFor(samba)
  const { admin, base, dnsDomain, urls } = samba
  const tls = { ca: samba.certificates.ca.cert }
  const scratch = `OU=scratch,${base}`
  const alice = `CN=alice,OU=people,${base}`
  let names = 0
  const freshName = () => `ad-${process.pid}-${++names}`
  const as = (name: string, password: string, url = urls.ldaps) =>
    LdapSession.make({ url, tls, auth: LdapAuth.simple(name, Redacted.make(password)) })
  const asAdmin = as(admin.dn, admin.password)
  const find = (session: LdapSession.LdapSession, name: string, recycled = false) =>
    ActiveDirectory.deletedObjects(session, base, { filter: LdapFilter.startsWith("cn", name), recycled }).pipe(
      Stream.runCollect
    )

  it.live("a deleted object is listed, and restored to where it was", () =>
    Effect.gen(function*() {
      const session = yield* asAdmin
      const name = freshName()
      const dn = `CN=${name},${scratch}`
      yield* session.add(dn, { objectClass: "contact", description: "still there" })
      yield* session.delete(dn)
      const [object, ...others] = yield* find(session, name)
      assert.deepStrictEqual(others, [])
      assert.deepInclude(object, { name, lastKnownParent: scratch })
      assert.match(object!.dn, /\\0ADEL:/)
      assert.strictEqual(yield* ActiveDirectory.restore(session, object!.guid), dn)
      const restored = Option.getOrThrow(yield* session.lookup(dn))
      assert.isFalse(restored.has("isDeleted"))
      assert.deepStrictEqual(yield* find(session, name), [])
      const again = yield* reasonOf(ActiveDirectory.restore(session, object!.guid))
      assert.strictEqual(again._tag, "InvalidRequest")
      assert.match(again.message, /not deleted/)
      yield* session.delete(dn)
    }))

  it.live("restores to another parent and another name, with attributes that a tombstone has lost", () =>
    Effect.gen(function*() {
      const session = yield* asAdmin
      const name = freshName()
      const folder = `OU=${name},${scratch}`
      yield* session.add(folder, { objectClass: "organizationalUnit" })
      yield* session.add(`CN=${name}-c,${folder}`, { objectClass: "contact" })
      yield* session.delete(`CN=${name}-c,${folder}`)
      yield* session.delete(folder)
      const [object] = yield* find(session, `${name}-c`)
      const orphan = yield* reasonOf(ActiveDirectory.restore(session, object!.guid))
      // The parent was deleted, so its DN is that of a deleted object, or doesn't exist any more.
      assert.include(["InvalidRequest", "NoSuchObject"], orphan._tag)
      const renamed = `a, b ${name}`
      const dn = yield* ActiveDirectory.restore(session, object!.guid, { parent: scratch, name: renamed })
      assert.isTrue(Option.isSome(yield* session.lookup(dn)))
      // Another entry has its name now.
      const second = `CN=${name}-d,${scratch}`
      yield* session.add(second, { objectClass: "contact" })
      yield* session.delete(second)
      const [taken] = yield* find(session, `${name}-d`)
      const exists = yield* reasonOf(ActiveDirectory.restore(session, taken!.guid, { name: renamed }))
      assert.strictEqual(exists._tag, "EntryAlreadyExists")
      const noParent = yield* reasonOf(
        ActiveDirectory.restore(session, taken!.guid, { parent: `OU=nowhere,${scratch}` })
      )
      assert.include(["NoSuchObject", "OperationsError", "UnwillingToPerform"], noParent._tag)
      yield* session.delete(dn)
    }))

  it.live("a missing right and a missing object are different errors", () =>
    Effect.gen(function*() {
      const session = yield* asAdmin
      const name = freshName()
      yield* session.add(`CN=${name},${scratch}`, { objectClass: "contact" })
      yield* session.delete(`CN=${name},${scratch}`)
      const [object] = yield* find(session, name)
      const user = yield* as(alice, sambaPasswordOf("alice"))
      const refused = yield* reasonOf(ActiveDirectory.restore(user, object!.guid))
      assert.include(["InsufficientAccessRights", "NoSuchObject"], refused._tag)
      const absent = yield* reasonOf(ActiveDirectory.restore(session, "00000000-0000-4000-8000-000000000000"))
      assert.strictEqual(absent._tag, "NoSuchObject")
      assert.strictEqual((yield* reasonOf(ActiveDirectory.restore(session, "x")))._tag, "InvalidRequest")
    }))

  it.live("SIDs are resolved: well-known ones, those of the domain, and unknown ones", () =>
    Effect.gen(function*() {
      const session = yield* asAdmin
      const entry = Option.getOrThrow(yield* session.lookup(alice, { attributes: ["objectSid", "primaryGroupID"] }))
      const sid = Result.getOrThrow(Sid.fromBytes(entry.getBytes("objectSid")!))
      const users = Option.getOrThrow(ActiveDirectory.primaryGroupSid(entry))
      const none = Result.getOrThrow(Sid.withRid(Result.getOrThrow(Sid.domainOf(sid)), 4_000_000_000))
      const many = Array.from({ length: 120 }, (_, i) => `S-1-5-21-9-9-9-${i}`)
      const found = yield* ActiveDirectory.resolveSids(session, base, [
        sid,
        users,
        "S-1-5-11",
        "S-1-5-32-544",
        none,
        ...many
      ])
      assert.deepInclude(found.get(sid), { dn: alice, name: "alice" })
      assert.deepInclude(found.get(users), { name: "Domain Users", wellKnown: "domainUsers" })
      assert.deepInclude(found.get("S-1-5-11"), { wellKnown: "authenticatedUsers", isForeign: true, dn: undefined })
      assert.deepInclude(found.get("S-1-5-32-544"), { wellKnown: "administrators", name: "Administrators" })
      assert.deepInclude(found.get(none), { dn: undefined, name: undefined })
      assert.lengthOf([...found], 125)
      const group = Option.getOrThrow(yield* ActiveDirectory.primaryGroup(session, alice, { attributes: ["cn"] }))
      assert.strictEqual(group.get("cn"), "Domain Users")
      assert.strictEqual(
        (yield* reasonOf(ActiveDirectory.primaryGroup(session, `CN=no,${scratch}`)))._tag,
        "NoSuchObject"
      )
      assert.strictEqual(
        (yield* reasonOf(ActiveDirectory.resolveSids(session, base, ["alice"])))._tag,
        "InvalidRequest"
      )
    }))

  it.live("replication metadata names the attributes of an entry", () =>
    Effect.gen(function*() {
      const session = yield* asAdmin
      const hanako = `CN=hanako,OU=people,${base}`
      const changes = Option.getOrThrow(yield* ActiveDirectory.readAttributeChanges(session, hanako))
      const schema = `CN=Schema,CN=Configuration,${base}`
      const oids = changes.map(({ attribute }) => ActiveDirectory.attributeOid(attribute)).filter((oid) =>
        oid !== undefined
      )
      const attributes = yield* session.search({
        base: schema,
        scope: "one",
        filter: LdapFilter.or(...oids.map((oid) => LdapFilter.equals("attributeID", oid))),
        attributes: ["lDAPDisplayName"]
      }).pipe(Stream.runCollect)
      const names = attributes.map((entry) => entry.get("lDAPDisplayName"))
      for (const name of ["cn", "objectClass", "sn", "uid", "jpegPhoto", "sAMAccountName", "unicodePwd", "objectSid"]) {
        assert.include(names, name)
      }
      assert.lengthOf(names, oids.length)
      const [first] = changes
      assert.isAbove(Number(first!.localUsn), 0)
      assert.isTrue(Option.isNone(yield* ActiveDirectory.readReplicaCursors(session, base)))
      assert.isTrue(Option.isNone(yield* ActiveDirectory.readAttributeChanges(session, `CN=no,${scratch}`)))
    }))

  it.live("a security descriptor is read and changed, and deletion is denied", () =>
    Effect.gen(function*() {
      const session = yield* asAdmin
      const dn = `CN=${freshName()},${scratch}`
      yield* session.add(dn, { objectClass: "contact" })
      const before = Option.getOrThrow(yield* SecurityDescriptor.read(session, dn))
      assert.isUndefined(before.sacl)
      const domain = Result.getOrThrow(Sid.domainOf(before.owner!))
      const text = Result.getOrThrow(SecurityDescriptor.toSddl(before, { domain }))
      assert.match(text, /^O:DAG:DAD:AI\(/)
      assert.deepStrictEqual(Result.getOrThrow(SecurityDescriptor.fromSddl(text, { domain })).dacl, before.dacl)
      assert.deepStrictEqual(
        Result.getOrThrow(SecurityDescriptor.fromBytes(Result.getOrThrow(SecurityDescriptor.toBytes(before)))),
        before
      )
      yield* SecurityDescriptor.update(session, dn, SecurityDescriptor.withDeletionDenied)
      const after = Option.getOrThrow(yield* SecurityDescriptor.read(session, dn))
      assert.isTrue(SecurityDescriptor.isDeletionDenied(after))
      assert.strictEqual(after.owner, before.owner)
      yield* SecurityDescriptor.update(session, dn, SecurityDescriptor.withDeletionAllowed)
      yield* session.delete(dn)
      assert.isTrue(Option.isNone(yield* SecurityDescriptor.read(session, dn)))
      assert.strictEqual((yield* reasonOf(SecurityDescriptor.update(session, dn, (same) => same)))._tag, "NoSuchObject")
    }))

  it.live("a right that is given makes a user able to reset a password, as mayResetPassword says", () =>
    Effect.gen(function*() {
      const session = yield* asAdmin
      const name = freshName()
      const dn = `CN=${name},${scratch}`
      yield* session.add(dn, {
        objectClass: "user",
        sAMAccountName: name,
        userAccountControl: "512",
        unicodePwd: ActiveDirectory.unicodePassword(Redacted.make("Passw0rd.first"))
      })
      const bob = Option.getOrThrow(
        yield* session.lookup(`CN=bob,OU=people,${base}`, { attributes: ["objectSid", "tokenGroups"] })
      )
      const sids = [...bob.getAllBytes("objectSid"), ...bob.getAllBytes("tokenGroups")].map((bytes) =>
        Result.getOrThrow(Sid.fromBytes(bytes))
      )
      const asBob = yield* as(`bob@${dnsDomain}`, sambaPasswordOf("bob"))
      const reset = (password: string) =>
        asBob.modify(
          dn,
          LdapModification.replace("unicodePwd", ActiveDirectory.unicodePassword(Redacted.make(password)))
        )
      const may = Effect.map(
        SecurityDescriptor.read(session, dn),
        (descriptor) => SecurityDescriptor.mayResetPassword(Option.getOrThrow(descriptor), sids)
      )
      assert.isFalse(yield* may)
      assert.strictEqual((yield* reasonOf(reset("Passw0rd.second")))._tag, "InsufficientAccessRights")
      yield* SecurityDescriptor.update(session, dn, (descriptor) =>
        SecurityDescriptor.withEntries(
          descriptor,
          SecurityDescriptor.allow(sids[0]!, SecurityDescriptor.AccessRight.controlAccess, {
            objectType: SecurityDescriptor.RightGuid.resetPassword
          })
        ))
      assert.isTrue(yield* may)
      yield* reset("Passw0rd.second")
      yield* session.delete(dn)
    }))

  it.live("the names of rights are those of the domain's extended rights", () =>
    Effect.gen(function*() {
      const session = yield* asAdmin
      const rights = yield* session.search({
        base: `CN=Extended-Rights,CN=Configuration,${base}`,
        scope: "one",
        filter: "(objectClass=controlAccessRight)",
        attributes: ["rightsGuid", "cn"]
      }).pipe(Stream.runCollect)
      const known = new Map(rights.map((entry) => [entry.get("rightsGuid")?.toLowerCase(), entry.get("cn")]))
      const missing = Object.entries(SecurityDescriptor.RightGuid).filter(([, guid]) => !known.has(guid)).map((
        [name]
      ) => name)
      assert.deepStrictEqual(missing, [])
      assert.strictEqual(known.get(SecurityDescriptor.RightGuid.resetPassword), "User-Force-Change-Password")
    }))

  it.live("the global catalog finds an entry, and the domain has all of its attributes", () =>
    Effect.gen(function*() {
      const catalog = yield* as(admin.dn, admin.password, urls.globalCatalogTls)
      const session = yield* asAdmin
      const asked: Array<string> = []
      const search = (has: boolean) =>
        ActiveDirectory.findInForest(catalog, {
          filter: "(userPrincipalName=alice@samdom.example.com)",
          attributes: ["uidNumber"],
          clientOf: (domain) => {
            asked.push(domain)
            return Effect.succeed(has ? session : undefined)
          }
        }).pipe(Stream.runCollect)
      const [found] = yield* search(true)
      assert.deepInclude(found, { domain: dnsDomain, isPartial: false })
      assert.strictEqual(found!.entry.get("uidNumber"), "10001")
      const [partial] = yield* search(false)
      assert.deepInclude(partial, { domain: dnsDomain, isPartial: true })
      assert.deepStrictEqual(asked, [dnsDomain, dnsDomain])
    }))
})
