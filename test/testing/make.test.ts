/** The initial state of a directory. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as LdapClient from "../../src/client/LdapClient.ts"
import * as LdapEntry from "../../src/model/entry/LdapEntry.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"
import { base, make } from "./fixture.ts"
import { connect } from "./RawClient.ts"

const failure = (options: InMemoryDirectory.Options) => Effect.map(Effect.flip(InMemoryDirectory.make(options)), String)

const domain = { dn: base, attributes: { objectClass: "domain", dc: "example" } }

describe("make", () => {
  it.effect("takes LDIF and entries; the suffixes are the names at the top", () =>
    Effect.gen(function*() {
      const directory = yield* make({
        entries: [
          LdapEntry.make(`cn=x,${base}`, { objectClass: "device", cn: "x" }),
          { dn: "O=Other", attributes: { objectClass: "organization", o: "Other" } },
          { dn: "ou=a,o=other", attributes: { objectClass: "organizationalUnit", ou: "a" } }
        ]
      })
      assert.deepStrictEqual(directory.suffixes.map(String), [base, "O=Other"])
      assert.strictEqual(directory.size, 10)
      assert.strictEqual(directory.lookup("OU=A, O=other")?.get("ou"), "a")
      assert.strictEqual(directory.lookup("ou=b,o=other"), undefined)
      assert.strictEqual(directory.lookup("nonsense"), undefined)
    }))

  it.effect("finds the parent of each entry, however the names of successive entries are spelled", () =>
    Effect.gen(function*() {
      const device = { objectClass: "device" }
      const names = [
        `cn=a,${base}`,
        `cn=b,${base}`,
        `cn=c;cn=b,${base}`,
        `cn=n,${base}`,
        `cn=d\\,e,${base}`,
        `cn="f,g",${base}`,
        `cn=h, ${base}`,
        `cn=i+sn=j,${base}`,
        `cn=k,CN=A,${base.toUpperCase()}`,
        `cn=l,cn=a,${base}`,
        `cn=m,cn=a,${base}`
      ]
      const directory = yield* InMemoryDirectory.make({
        entries: [domain, ...names.map((dn) => ({ dn, attributes: { ...device, cn: "x" } }))]
      })
      assert.strictEqual(directory.size, names.length + 1)
      for (const dn of names) assert.isDefined(directory.lookup(dn), dn)
      const raw = yield* connect(directory)
      const below = (dn: string) =>
        Effect.map(raw.search(dn, undefined, { scope: "one" }), ({ entries }) => entries.length)
      assert.deepStrictEqual([yield* below(base), yield* below(`cn=a,${base}`), yield* below(`cn=b,${base}`)], [
        7,
        3,
        1
      ])
      assert.deepStrictEqual(directory.suffixes.map(String), [base])
      // The text after an escaped comma is not the name of a parent.
      const entries = [domain, ...[`cn=d\\,e,${base}`, `cn=q,e,${base}`].map((dn) => ({ dn, attributes: device }))]
      assert.include(yield* failure({ entries }), `"cn=q,e,${base}" is not a distinguished name`)
    }))

  it.effect("an empty directory of no suffix answers", () =>
    Effect.gen(function*() {
      const raw = yield* Effect.flatMap(InMemoryDirectory.make(), connect)
      assert.strictEqual((yield* raw.search(base)).result.code, 32)
      assert.strictEqual((yield* raw.search("", undefined, { scope: "base" })).entries.length, 1)
    }))

  it.effect("keeps the history in an export", () =>
    Effect.gen(function*() {
      const directory = yield* InMemoryDirectory.make({
        entries: [{
          dn: base,
          attributes: {
            objectClass: "domain",
            dc: "example",
            entryUUID: "0c9e2ddc-7aad-1041-9d4b-176c39f1d366",
            createTimestamp: "20200102030405Z",
            creatorsName: "cn=someone",
            structuralObjectClass: "nonsense",
            memberOf: "cn=all"
          }
        }]
      })
      const entry = directory.lookup(base)
      assert.strictEqual(entry?.get("entryUUID"), "0c9e2ddc-7aad-1041-9d4b-176c39f1d366")
      assert.deepStrictEqual(entry?.getAll("createTimestamp"), ["20200102030405Z"])
      assert.strictEqual(entry?.get("modifyTimestamp"), "20200102030405Z")
      assert.strictEqual(entry?.get("creatorsName"), "cn=someone")
      assert.deepStrictEqual(entry?.getAll("structuralObjectClass"), ["domain"])
      assert.strictEqual(entry?.get("memberOf"), "cn=all")
    }))

  it.effect("numbers the UUIDs in the order of loading, in whatever order they are read", () =>
    Effect.gen(function*() {
      const own = "0c9e2ddc-7aad-1041-9d4b-176c39f1d366"
      const device = (cn: string, more = {}) => ({
        dn: `cn=${cn},${base}`,
        attributes: { objectClass: "device", cn, ...more }
      })
      const entries = [domain, device("a"), device("b", { entryUUID: own }), device("c")]
      const numbers = (directory: InMemoryDirectory.InMemoryDirectory, names: ReadonlyArray<string>) =>
        names.map((dn) => directory.lookup(dn)?.get("entryUUID")?.slice(-4))
      const inOrder = yield* InMemoryDirectory.make({ entries })
      const names = entries.map(({ dn }) => dn)
      assert.deepStrictEqual(numbers(inOrder, names), ["0000", "0001", "d366", "0002"])
      const reversed = yield* InMemoryDirectory.make({ entries, access: () => true })
      const raw = yield* connect(reversed)
      const { attributes, dn } = device("d")
      yield* raw.request({ _tag: "AddRequest", dn, attributes: LdapEntry.attributesFrom(attributes) })
      assert.deepStrictEqual(numbers(reversed, [`cn=d,${base}`, ...names.toReversed()]), [
        "0003",
        "0002",
        "d366",
        "0001",
        "0000"
      ])
      const entry = reversed.lookup(base)
      assert.strictEqual(entry?.get("entryUUID"), inOrder.lookup(base)?.get("entryUUID"))
      assert.strictEqual(entry?.get("creatorsName"), `cn=admin,${base}`)
      assert.strictEqual(entry?.get("modifyTimestamp"), entry?.get("createTimestamp"))
    }))

  it.effect("says which entry can't be added, and why", () =>
    Effect.gen(function*() {
      assert.match(yield* failure({ ldif: "dn: dc=x\nobjectClass" }), /invalid ldif: .*line 2/)
      assert.match(yield* failure({ ldif: "dn: dc=x\nchangetype: delete\n" }), /line 1: .* not with changes/)
      assert.match(yield* failure({ entries: [{ dn: "x", attributes: {} }] }), /"x" is not a distinguished name/)
      assert.match(yield* failure({ entries: [{ dn: base, attributes: { dc: "example" } }] }), /objectClassViolation/)
      assert.match(yield* failure({ entries: [domain, domain] }), /entryAlreadyExists/)
      assert.match(
        yield* failure({ entries: [domain, { ...domain, dn: `ou=x,ou=y,${base}` }] }),
        /"ou=x,ou=y,dc=example,dc=org" can't be added: its parent doesn't exist \(the nearest entry is "dc=example,dc=org"\)/
      )
      assert.match(yield* failure({ suffixes: ["dc=other"], entries: [domain] }), /unwillingToPerform/)
      assert.match(yield* failure({ suffixes: ["nonsense"] }), /invalid suffixes/)
      assert.match(yield* failure({ admin: { dn: "nonsense" } }), /invalid admin\.dn/)
    }))

  it.effect("in one scope with its clients, however they are built, it ends after them", () =>
    Effect.gen(function*() {
      const directory = yield* Effect.scoped(
        Effect.gen(function*() {
          const directory = yield* make()
          yield* Layer.buildWithScope(LdapClient.layerTransport(directory.transport), yield* Effect.scope)
          return directory
        })
      )
      assert.deepInclude(directory.log, { unbinds: 1, openConnections: 0 })
    }))

  it.effect("closing its scope closes the connections; a later connection is broken", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const directory = yield* Scope.provide(make(), scope)
      const raw = yield* connect(directory)
      assert.strictEqual((yield* raw.search(base)).result.code, 0)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* raw.next, undefined)
      assert.deepStrictEqual(directory.log.connections.map(({ closed }) => closed), ["server"])
      const late = yield* connect(directory)
      assert.strictEqual(yield* late.next, undefined)
    }))
})
