/**
 * What a domain controller keeps of changes: the same program on the directory in memory and on Samba, and both have to tell the same.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { inject } from "vitest"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import { uuidFromGuid } from "../../src/changes/LdapChanges.ts"
import * as LdapClient from "../../src/client/LdapClient.ts"
import * as LdapControl from "../../src/model/control/LdapControl.ts"
import type { LdapEntry } from "../../src/model/entry/LdapEntry.ts"
import * as LdapModification from "../../src/model/LdapModification.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"
import { sambaPasswordOf } from "../servers/samba.ts"
import { waitFor } from "../servers/setup/waitFor.ts"

interface Subject {
  readonly base: string
  /** Exists; what is below it is this test's. */
  readonly top: string
  readonly admin: LdapClient.LdapClient
  /** May not read deleted objects. */
  readonly other: LdapClient.LdapClient
  /** Whether other tests write to the same domain. Then only what is said of this test's objects is compared. */
  readonly isShared: boolean
}

const showDeleted = LdapControl.showDeleted.make(undefined, { critical: true })

/** Makes changes, and writes down what can be seen of them, without what differs from server to server. */
const observe = ({ admin, base, isShared, other, top }: Subject) =>
  Effect.gen(function*() {
    const guids = new Map<string, string>()
    /** A name without what this run alone has. */
    const plain = (text: string) =>
      [...guids].reduce((text, [guid, name]) => text.replaceAll(guid, `<${name}>`), text)
        .replaceAll(/\n|\\0a/gi, "|").replaceAll(/\b(?:cn|ou)=/gi, (type) => type.toUpperCase()).replaceAll(
          new RegExp(top, "gi"),
          "top"
        ).replaceAll(
          new RegExp(base, "gi"),
          "base"
        )
    const usn = Effect.map(
      admin.lookup("", { attributes: ["highestCommittedUSN"] }),
      (found) => Number(Option.getOrThrow(found).get("highestCommittedUSN"))
    )
    const read = (dn: string) =>
      Effect.map(
        admin.lookup(dn, { attributes: ["name", "uSNCreated", "uSNChanged", "objectGUID", "whenCreated"] }),
        Option.getOrThrow
      )
    const number = (entry: LdapEntry, name: string) => Number(entry.get(name))
    const names = (entries: Iterable<LdapEntry>) => [...entries].map(({ dn }) => plain(dn)).sort()
    const isOwn = ({ dn }: LdapEntry) => plain(dn).includes("top") || plain(dn).includes("<")
    const seen: Array<unknown> = []

    // Objects have numbers, names and GUIDs.
    const before = yield* usn
    yield* admin.add(`OU=unit,${top}`, { objectClass: "organizationalUnit", ou: "unit" })
    yield* admin.add(`CN=child,OU=unit,${top}`, { objectClass: "contact", cn: "child", description: "first" })
    const unit = yield* read(`OU=unit,${top}`)
    const child = yield* read(`CN=child,OU=unit,${top}`)
    for (const [name, entry] of [["unit", unit], ["child", child]] as const) {
      guids.set(uuidFromGuid(entry.getBytes("objectGUID")!)!, name)
    }
    seen.push([
      number(unit, "uSNCreated") > before,
      number(child, "uSNCreated") > number(unit, "uSNCreated"),
      number(child, "uSNChanged") >= number(child, "uSNCreated"),
      (yield* usn) >= number(child, "uSNChanged"),
      child.get("name"),
      /^\d{14}\.0Z$/.test(child.get("whenCreated") ?? "")
    ])

    const changedSince = (since: number, controls = [showDeleted]) =>
      Effect.map(
        admin.searchResult({
          base,
          filter: `(&(uSNChanged>=${since + 1})(|(cn=*)(ou=*)))`,
          attributes: ["isDeleted", "name"],
          controls
        }),
        ({ entries }) => names(entries.filter(isOwn))
      )
    seen.push(yield* changedSince(before))

    // A change of one object numbers that one alone; a rename does too, and not what is below.
    const sync = Effect.fnUntraced(function*(cookie: Uint8Array, attributes: ReadonlyArray<string> = []) {
      const told: Array<LdapEntry> = []
      let at = cookie
      for (let isMore = true; isMore;) {
        const { entries, result } = yield* admin.searchResult({
          base,
          filter: "(objectClass=*)",
          attributes,
          controls: [LdapControl.dirSyncRequest.make({ maxBytes: 1_000_000, cookie: at })]
        })
        told.push(...entries)
        const answer = Option.getOrThrow(LdapControl.dirSyncResponse.find(result.controls))
        at = answer.cookie
        isMore = answer.moreResults
      }
      return { told, cookie: at }
    })
    const start = yield* sync(new Uint8Array(), ["objectGUID"])
    const beforeModify = yield* usn
    yield* admin.modify(`CN=child,OU=unit,${top}`, LdapModification.replace("description", "second"))
    seen.push(yield* changedSince(beforeModify))
    const beforeRename = yield* usn
    yield* admin.rename(`OU=unit,${top}`, { newRdn: "OU=renamed" })
    seen.push(yield* changedSince(beforeRename))
    const afterRename = yield* sync(start.cookie)
    const told = (entries: ReadonlyArray<LdapEntry>) =>
      entries.filter((entry) => !isShared || isOwn(entry)).map((entry) => [
        plain(entry.dn),
        plain(uuidFromGuid(entry.getBytes("objectGUID")!)!),
        entry.get("isDeleted") ?? "",
        // Of the other attributes servers send more or fewer.
        ["name", "description"].flatMap((name) => entry.has(name) ? [`${name}=${plain(entry.get(name) ?? "")}`] : [])
      ]).sort()
    seen.push(told(afterRename.told))
    yield* admin.rename(`CN=child,OU=renamed,${top}`, { newRdn: "CN=child", newSuperior: top })
    const afterMove = yield* sync(afterRename.cookie)
    seen.push(told(afterMove.told))

    // What is deleted is a tombstone, which only the control shows, to those who may see it.
    const beforeDelete = yield* usn
    yield* admin.delete(`CN=child,${top}`)
    const container = `CN=Deleted Objects,${base}`
    const find = (client: LdapClient.LdapClient, controls: ReadonlyArray<LdapControl.LdapControl>) =>
      client.lookup(container, { attributes: ["isDeleted"], controls }).pipe(
        Effect.map((found) => Option.getOrUndefined(found)?.get("isDeleted") ?? "none"),
        Effect.catch(({ reason }) => Effect.succeed(reason._tag))
      )
    seen.push([
      yield* find(admin, [showDeleted]),
      yield* find(admin, []),
      (yield* find(other, [showDeleted])) === "TRUE"
    ])
    seen.push(yield* changedSince(beforeDelete, []), yield* changedSince(beforeDelete))
    const tombstones = yield* Stream.runCollect(admin.search({
      base: container,
      scope: "one",
      filter: `(uSNChanged>=${beforeDelete + 1})`,
      attributes: ["*"],
      controls: [showDeleted]
    }))
    const tombstone = tombstones.find((entry) => !isShared || isOwn(entry))
    seen.push(
      plain(tombstone!.dn),
      ["isDeleted", "name", "cn", "lastKnownParent", "description"].map((name) => plain(tombstone!.get(name) ?? "")),
      plain(uuidFromGuid(tombstone!.getBytes("objectGUID")!)!),
      number(tombstone!, "uSNCreated") === number(child, "uSNCreated")
    )
    const byName = yield* admin.lookup(tombstone!.dn, { attributes: ["isDeleted"], controls: [showDeleted] })
    seen.push(Option.getOrThrow(byName).get("isDeleted"), Option.isNone(yield* admin.lookup(tombstone!.dn)))
    seen.push(told((yield* sync(afterMove.cookie)).told))
    return seen
  })

const expected = [
  [true, true, true, true, "child", true],
  ["CN=child,OU=unit,top", "OU=unit,top"],
  ["CN=child,OU=unit,top"],
  ["OU=renamed,top"],
  [["CN=child,OU=renamed,top", "<child>", "", ["description=second"]], ["OU=renamed,top", "<unit>", "", [
    "name=renamed"
  ]]],
  [["CN=child,top", "<child>", "", ["name=child"]]],
  ["TRUE", "none", false],
  [],
  ["CN=child|DEL:<child>,CN=Deleted Objects,base"],
  "CN=child|DEL:<child>,CN=Deleted Objects,base",
  ["TRUE", "child|DEL:<child>", "child|DEL:<child>", "top", ""],
  "<child>",
  true,
  "TRUE",
  true,
  [["CN=child|DEL:<child>,CN=Deleted Objects,base", "<child>", "TRUE", ["name=child|DEL:<child>", "description="]]]
]

describe("what a domain controller keeps of changes", () => {
  it.effect("in memory", () =>
    Effect.gen(function*() {
      const base = "DC=samdom,DC=example,DC=com"
      const directory = yield* InMemoryDirectory.make({
        domainController: true,
        admin: { password: "secret" },
        entries: [
          { dn: base, attributes: { objectClass: "domain", dc: "samdom" } },
          { dn: `OU=top,${base}`, attributes: { objectClass: "organizationalUnit", ou: "top" } }
        ]
      })
      const admin = yield* LdapClient.fromTransport(directory.transport, {
        auth: LdapAuth.simple(`cn=admin,${base}`, Redacted.make("secret"))
      })
      const other = yield* LdapClient.fromTransport(directory.transport)
      const seen = yield* observe({ base, top: `OU=top,${base}`, admin, other, isShared: false })
      assert.deepStrictEqual(seen, expected)
      // Deleted objects are no entries of the directory.
      assert.strictEqual(directory.size, 3)
      assert.notInclude(directory.export(), "DEL:")
    }))

  const samba = inject("samba")
  describe.skipIf(samba === undefined)("of Samba", () => {
    if (samba === undefined) return
    waitFor(samba)
    it.live("is the same", () =>
      Effect.gen(function*() {
        const { base, certificates, urls } = samba
        const clientAs = (dn: string, password: string) =>
          LdapClient.make({
            url: urls.ldaps,
            tls: { ca: certificates.ca.cert },
            auth: LdapAuth.simple(dn, Redacted.make(password))
          })
        const admin = yield* clientAs(samba.admin.dn, samba.admin.password)
        const other = yield* clientAs(`CN=alice,OU=people,${base}`, sambaPasswordOf("alice"))
        const top = `OU=domain-controller-${process.pid},OU=scratch,${base}`
        yield* admin.add(top, { objectClass: "organizationalUnit" })
        assert.deepStrictEqual(yield* observe({ base, top, admin, other, isShared: true }), expected)
      }), 60_000)
  })
})
