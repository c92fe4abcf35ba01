/** What programs for Active Directory need: its schema, passwords, DirSync and notifications. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as LdapControl from "../../src/model/control/LdapControl.ts"
import { attributesFrom, type AttributesInput } from "../../src/model/entry/LdapEntry.ts"
import * as Modification from "../../src/model/LdapModification.ts"
import type { RequestOperation } from "../../src/protocol/LdapMessage.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"
import { connect, type RawClient, searchRequest } from "./RawClient.ts"

const base = "dc=samdom,dc=example,dc=com"
const users = `CN=Users,${base}`
const admin = { dn: `cn=Administrator,${users}`, password: "Passw0rd" }

const user = (name: string): { readonly dn: string; readonly attributes: AttributesInput } => ({
  dn: `CN=${name},${users}`,
  attributes: {
    objectClass: ["top", "person", "organizationalPerson", "user"],
    cn: name,
    sn: name,
    sAMAccountName: name.toLowerCase(),
    userPrincipalName: `${name.toLowerCase()}@samdom.example.com`,
    userAccountControl: "512",
    badPwdCount: "0",
    lastLogonTimestamp: "133000000000000000",
    accountExpires: "9223372036854775807",
    proxyAddresses: ["SMTP:a@example.com", "smtp:b@example.com"],
    unicodePwd: Buffer.from(`"Secret.${name}"`, "utf16le")
  }
})

const open = Effect.fnUntraced(function*() {
  const directory = yield* InMemoryDirectory.make({
    schemaChecking: true,
    admin,
    entries: [
      { dn: base, attributes: { objectClass: ["domain"], dc: "samdom" } },
      { dn: users, attributes: { objectClass: "container", cn: "Users" } },
      user("Alice"),
      user("Bob"),
      {
        dn: `CN=Team,${users}`,
        attributes: {
          objectClass: ["top", "group"],
          cn: "Team",
          groupType: "-2147483646",
          sAMAccountName: "team",
          member: `CN=Alice,${users}`
        }
      }
    ]
  })
  const raw = yield* connect(directory)
  assert.strictEqual((yield* raw.bind(admin.dn, admin.password)).code, 0)
  return { directory, raw }
})

const modify = (dn: string, ...changes: ReadonlyArray<Modification.LdapModification>): RequestOperation => ({
  _tag: "ModifyRequest",
  dn,
  changes
})

describe("users and groups", () => {
  it.effect("are in the schema, and found as programs look for them", () =>
    Effect.gen(function*() {
      const { raw } = yield* open()
      const names = (filter: string) =>
        Effect.map(raw.search(base, filter, { attributes: ["1.1"] }), ({ entries }) => entries.map(({ dn }) => dn))
      assert.deepStrictEqual(yield* names("(&(objectClass=user)(sAMAccountName=ALICE))"), [`CN=Alice,${users}`])
      assert.deepStrictEqual(yield* names("(userPrincipalName=bob@samdom.example.com)"), [`CN=Bob,${users}`])
      // Enabled users, and security groups.
      assert.lengthOf(yield* names("(&(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))"), 2)
      assert.lengthOf(yield* names("(groupType:1.2.840.113556.1.4.803:=2147483648)"), 1)
      assert.lengthOf(yield* names("(groupType=-2147483646)"), 1)
      assert.lengthOf(yield* names("(lastLogonTimestamp>=132000000000000000)"), 2)
      const bad = yield* raw.request(modify(`CN=Bob,${users}`, Modification.replace("userAccountControl", "many")))
      assert.strictEqual(bad.result.code, 21)
      const two = yield* raw.request(modify(`CN=Bob,${users}`, Modification.add("employeeID", ["1", "2"])))
      assert.strictEqual(two.result.code, 19)
    }))

  it.effect("a unicodePwd is a password, and only its own entry sees it", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* open()
      const alice = yield* connect(directory)
      assert.strictEqual((yield* alice.bind(`CN=Alice,${users}`, "Secret.Alice")).code, 0)
      assert.strictEqual((yield* alice.bind(`CN=Alice,${users}`, "Secret.Bob")).code, 49)
      assert.deepStrictEqual((yield* alice.search(base, "(unicodePwd=*)")).entries, [])
      const quoted = (password: string) => Buffer.from(`"${password}"`, "utf16le")
      const change = modify(
        `CN=Alice,${users}`,
        Modification.remove("unicodePwd", quoted("Secret.Alice")),
        Modification.add("unicodePwd", quoted("New"))
      )
      assert.strictEqual((yield* raw.request(change)).result.code, 0)
      assert.strictEqual((yield* alice.bind(`CN=Alice,${users}`, "New")).code, 0)
      assert.strictEqual((yield* raw.request(change)).result.code, 16)
    }))
})

describe("DirSync", () => {
  const ask = Effect.fnUntraced(function*(
    raw: RawClient,
    cookie = new Uint8Array(0),
    options?: { readonly maxBytes?: number; readonly filter?: string; readonly attributes?: ReadonlyArray<string> }
  ) {
    const { entries, result, controls } = yield* raw.search(
      base,
      options?.filter ?? "(objectClass=*)",
      { attributes: options?.attributes ?? [] },
      [LdapControl.dirSyncRequest.make({ cookie, maxBytes: options?.maxBytes ?? 0 })]
    )
    const control = LdapControl.find(controls, LdapControl.dirSyncResponse.oid)
    const response = control === undefined
      ? { cookie: new Uint8Array(0), moreResults: false }
      : Result.getOrThrow(LdapControl.dirSyncResponse.decode(control))
    return {
      ...response,
      code: result.code,
      names: entries.map(({ dn }) => dn),
      said: entries.map((entry) =>
        entry.attributes.map(({ description, values }) =>
          description === "objectGUID" ? `${description} ${values[0]?.length}` : `${description} ${values.length}`
        )
      )
    }
  })

  it.effect("everything at first, then the changed attributes of each entry", () =>
    Effect.gen(function*() {
      const { raw } = yield* open()
      const first = yield* ask(raw)
      assert.deepStrictEqual([first.code, first.names.length, first.moreResults], [0, 5, false])
      const none = yield* ask(raw, first.cookie)
      assert.deepStrictEqual([none.names, none.moreResults], [[], false])
      yield* raw.request(
        modify(`CN=Bob,${users}`, Modification.replace("title", "Dr"), Modification.remove("proxyAddresses"))
      )
      yield* raw.request({ _tag: "DeleteRequest", dn: `CN=Alice,${users}` })
      yield* raw.request({
        _tag: "AddRequest",
        dn: `CN=New,${users}`,
        attributes: attributesFrom(user("New").attributes)
      })
      const second = yield* ask(raw, none.cookie, { attributes: ["title", "proxyAddresses", "sn"] })
      assert.lengthOf(second.names, 3)
      assert.strictEqual(second.names[0], `CN=Bob,${users}`)
      assert.match(second.names[1] ?? "", /^CN=Alice\\0ADEL:[-0-9a-f]{36},CN=Deleted Objects,dc=samdom/)
      assert.deepStrictEqual(second.said, [
        // Removed attributes are returned without values.
        ["title 1", "proxyAddresses 0", "objectGUID 16"],
        ["isDeleted 1", "objectGUID 16"],
        ["sn 1", "proxyAddresses 2", "objectGUID 16"]
      ])
      assert.deepStrictEqual((yield* ask(raw, second.cookie)).names, [])
    }))

  it.effect("in parts, where the client can't take all at once", () =>
    Effect.gen(function*() {
      const { raw } = yield* open()
      const names: Array<string> = []
      let cookie: Uint8Array | undefined
      for (let more = true, parts = 0; more; parts++) {
        const part = yield* ask(raw, cookie, { maxBytes: 200 })
        names.push(...part.names)
        cookie = part.cookie
        more = part.moreResults
        assert.isBelow(parts, 6)
        // An entry that changes in the meantime is returned again.
        if (parts === 1) yield* raw.request(modify(base, Modification.replace("description", "x")))
      }
      assert.lengthOf(names, 6)
      assert.strictEqual(new Set(names).size, 5)
      assert.strictEqual(names.at(-1), base)
    }))

  it.effect("refusals: another client's cookie, a part of the tree, an identity without access", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* open()
      assert.strictEqual((yield* ask(raw, Buffer.from("elsewhere"))).code, 53)
      const part = yield* raw.search(users, undefined, undefined, [LdapControl.dirSyncRequest.make({})])
      assert.strictEqual(part.result.code, 50)
      const anonymous = yield* connect(directory)
      assert.strictEqual((yield* ask(anonymous)).code, 50)
      const own = yield* anonymous.search(base, undefined, undefined, [
        LdapControl.dirSyncRequest.make({ objectSecurity: true })
      ])
      assert.strictEqual(own.result.code, 0)
    }))
})

describe("notification", () => {
  it.effect("sends changed entries, without the kind of change", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* open()
      const watcher = yield* connect(directory)
      const control = LdapControl.notification.make(undefined)
      const refused = yield* watcher.search(users, "(cn=x)", undefined, [control])
      assert.strictEqual(refused.result.code, 53)
      yield* watcher.send(searchRequest(users, undefined, { scope: "one", attributes: ["title"] }), [control])
      yield* directory.log.first((entry) =>
        entry._tag === "Pdu" && entry.kind === "SearchRequest" && entry.messageId === 2
      )
      yield* raw.request(modify(base, Modification.replace("description", "elsewhere")))
      yield* raw.request(modify(`CN=Bob,${users}`, Modification.replace("title", "Dr")))
      const message = yield* watcher.next
      const operation = message?.operation
      assert.strictEqual(operation?._tag === "SearchResultEntry" && operation.entry.get("title"), "Dr")
      assert.deepStrictEqual(message?.controls, [])
    }))
})

describe("controls of Active Directory that no server of the tests has", () => {
  it.effect("expected entry count: a search that finds fewer or more fails, and gives nothing", () =>
    Effect.gen(function*() {
      const { raw } = yield* open()
      const count = (least: number, most: number) =>
        Effect.map(
          raw.search(base, "(objectClass=user)", undefined, [LdapControl.expectedEntryCount.make({ least, most })]),
          ({ entries, result }) => [result.code, entries.length]
        )
      assert.deepStrictEqual(yield* count(2, 2), [0, 2])
      assert.deepStrictEqual(yield* count(0, 1), [19, 0])
      assert.deepStrictEqual(yield* count(3, 9), [19, 0])
    }))

  it.effect("policy hints: the administrator is held to the history of passwords, and to nothing else", () =>
    Effect.gen(function*() {
      const dn = `cn=x,${base}`
      const directory = yield* InMemoryDirectory.make({
        admin,
        passwordPolicy: { history: 5, minLength: 100 },
        entries: [
          { dn: base, attributes: { objectClass: "domain", dc: "samdom" } },
          { dn, attributes: { objectClass: "person", cn: "x", sn: "x", userPassword: "first" } }
        ]
      })
      const raw = yield* connect(directory)
      yield* raw.bind(admin.dn, admin.password)
      const set = (password: string, controls: ReadonlyArray<LdapControl.LdapControl>) =>
        Effect.map(
          raw.request(modify(dn, Modification.replace("userPassword", password)), controls),
          ({ result }) => result.code
        )
      for (const hints of [LdapControl.policyHints, LdapControl.policyHintsDeprecated]) {
        assert.strictEqual(yield* set("second", []), 0)
        assert.strictEqual(yield* set("first", [hints.make(true)]), 19)
        assert.strictEqual(yield* set("first", [hints.make(false)]), 0)
      }
    }))

  it.effect("lazy commit, force update and verify name are accepted, even if they are critical", () =>
    Effect.gen(function*() {
      const { raw } = yield* open()
      const change = modify(`CN=Bob,${users}`, Modification.replace("title", "Dr"))
      for (
        const control of [
          LdapControl.lazyCommit.make(undefined),
          LdapControl.forceUpdate.make(undefined),
          LdapControl.verifyName.make("dc1.samdom.example.com")
        ]
      ) {
        const { result } = yield* raw.request(change, [{ ...control, critical: true }])
        assert.strictEqual(result.code, 0, control.oid)
        const misplaced = yield* raw.search(base, undefined, undefined, [{ ...control, critical: true }])
        assert.strictEqual(misplaced.result.code, 12, control.oid)
      }
    }))
})
