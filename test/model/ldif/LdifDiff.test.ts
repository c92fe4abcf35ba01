import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import { applyLdif } from "../../../src/client/jobs/LdifApply.ts"
import * as LdapDn from "../../../src/model/dn/LdapDn.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import * as LdapModification from "../../../src/model/LdapModification.ts"
import * as Ldif from "../../../src/model/ldif/Ldif.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"

const diff = (
  from: Iterable<Ldif.Entry | LdapEntry.LdapEntry>,
  to: Iterable<Ldif.Entry | LdapEntry.LdapEntry>,
  options?: Ldif.DiffOptions
) => Result.getOrThrow(Ldif.diff(from, to, options))

const failure = (from: Iterable<Ldif.Entry>, to: Iterable<Ldif.Entry>): Ldif.LdifDiffError => {
  const result = Ldif.diff(from, to)
  return Result.isFailure(result) ? result.failure : assert.fail("they were compared")
}

const key = (dn: string) => LdapDn.normalize(Result.getOrThrow(LdapDn.parse(dn, { lenient: true })))

type Directory = Map<string, Map<string, Set<string>>>

const latin1 = (value: Uint8Array) => Buffer.from(value).toString("latin1")

const add = (directory: Directory, { attributes, dn }: Pick<Ldif.Entry, "attributes" | "dn">) => {
  const parent = LdapDn.parent(Result.getOrThrow(LdapDn.parse(dn)))
  if (directory.has(key(dn))) assert.fail(`${dn} is there already`)
  if (directory.size > 0 && !directory.has(LdapDn.normalize(parent!))) assert.fail(`${dn} has no parent`)
  directory.set(
    key(dn),
    new Map(attributes.map(({ description, values }) => [description.toLowerCase(), new Set(values.map(latin1))]))
  )
}

const directoryOf = (entries: Iterable<Ldif.Entry>): Directory => {
  const directory: Directory = new Map()
  for (const entry of entries) {
    directory.set(
      key(entry.dn),
      new Map(
        entry.attributes.map(({ description, values }) => [description.toLowerCase(), new Set(values.map(latin1))])
      )
    )
  }
  return directory
}

/** Behaves like a server, and is as strict. */
const carryOut = (directory: Directory, records: Iterable<Ldif.LdifRecord>) => {
  for (const record of records) {
    const at = key(record.dn)
    if (record._tag === "Add") add(directory, record)
    else if (record._tag === "Delete") {
      assert.isTrue(directory.delete(at), `${record.dn} is not there`)
      for (const other of directory.keys()) if (other.endsWith(`,${at}`)) assert.fail(`${record.dn} has children`)
    } else if (record._tag === "Modify") {
      const attributes = directory.get(at) ?? assert.fail(`${record.dn} is not there`)
      for (const { attribute, operation, values } of record.changes) {
        const name = attribute.toLowerCase()
        const old = attributes.get(name)
        if (operation === "add") {
          const set = old ?? new Set()
          for (const value of values.map(latin1)) {
            if (set.has(value)) assert.fail("the value is there already")
            set.add(value)
          }
          attributes.set(name, set)
        } else if (operation === "delete") {
          if (old === undefined) return assert.fail("the attribute is not there")
          for (const value of values.map(latin1)) assert.isTrue(old.delete(value), "the value is not there")
          if (values.length === 0 || old.size === 0) attributes.delete(name)
        } else {
          attributes.set(name, new Set(values.map(latin1)))
        }
      }
    } else assert.fail(`a ${record._tag} is no difference`)
  }
}

describe("Ldif.diff", () => {
  it("finds no difference between spellings of the same values", () => {
    assert.deepStrictEqual(
      diff(
        [Ldif.entry("cn=Ada, dc=X", { CN: ["a", "b"], empty: [] }), Ldif.entry("dc=x", { dc: "x" })],
        [LdapEntry.make("dc=x", { DC: "x" }), LdapEntry.make("CN=ada,dc=x", { cn: ["b", "a", "a"] })]
      ),
      []
    )
  })

  it("changes as little as it can", () => {
    const octets = (...bytes: Array<number>) => Buffer.from(bytes)
    const [record, ...others] = diff(
      [
        Ldif.entry("cn=a", {
          cn: "a",
          mail: ["1", "2", "3"],
          sn: ["x", "y"],
          gone: ["1", "2"],
          photo: [octets(255), octets(254)]
        })
      ],
      [Ldif.entry("cn=A", { CN: "a", Mail: ["3", "1", "4"], SN: ["z"], come: ["1", "1"], photo: octets(255) })]
    )
    assert.deepStrictEqual(others, [])
    assert.deepStrictEqual(
      record,
      Ldif.modify("cn=a", [
        LdapModification.remove("mail", "2"),
        LdapModification.add("mail", "4"),
        LdapModification.replace("sn", "z"),
        LdapModification.remove("gone"),
        // It has no equality rule, by which a server would find the value to delete.
        LdapModification.replace("photo", octets(255)),
        LdapModification.add("come", "1")
      ])
    )
  })

  it("knows an attribute by any of its names, and by its options in any order, except for binary", () => {
    const before = Ldif.entry("cn=a", {
      cn: "a",
      sn: "x",
      "description;lang-de;x-own": "d",
      userCertificate: Buffer.from([1]),
      objectClass: "person"
    })
    const after = Ldif.entry("cn=a", {
      "2.5.4.3": "a",
      surname: "x",
      "DESCRIPTION;X-OWN;lang-de": "d",
      "userCertificate;binary": Buffer.from([1]),
      objectClass: "2.5.6.6"
    })
    assert.deepStrictEqual(diff([before], [after]), [])
    assert.lengthOf(diff([before], [after, Ldif.entry("cn=b", {})]), 1)
    const [record] = diff([before], [{ ...after, attributes: after.attributes.filter((_, i) => i !== 2) }])
    assert.deepStrictEqual(record?._tag === "Modify" && record.changes, [
      LdapModification.remove("description;lang-de;x-own")
    ])
  })

  it("ignores attributes by any of their names, with their options", () => {
    const before = Ldif.entry("cn=a", { cn: "a", sn: "x", "sn;lang-de": "y" })
    for (const name of ["surname", "SN", "2.5.4.4"])
      assert.deepStrictEqual(diff([before], [Ldif.entry("cn=a", { cn: "a" })], { ignore: [name] }), [])
  })

  it("of equal values an entry is added with the first, whatever name the attribute had", () => {
    const attributes = [
      { description: "cn", values: [Buffer.from("Ada"), Buffer.from("ada ")] },
      { description: "commonName", values: [Buffer.from("ADA"), Buffer.from("Bob")] }
    ]
    const [record] = diff([], [{ ...Ldif.entry("cn=a", {}), attributes }])
    assert.deepStrictEqual(record?._tag === "Add" && record.attributes, [
      { description: "cn", values: [Buffer.from("Ada"), Buffer.from("Bob")] }
    ])
  })

  it("refuses what isn't entries or options", () => {
    const entry = Ldif.entry("cn=a", { cn: "a" })
    for (
      const result of [
        Ldif.diff(undefined as never, []),
        Ldif.diff([], [undefined] as never),
        Ldif.diff([entry], [], { ignore: "cn" } as never),
        Ldif.diff([entry], [], { compare: "bytes" } as never),
        Ldif.diff([entry], [], { schema: {} } as never)
      ]
    ) assert.isTrue(Result.isFailure(result) && result.failure._tag === "LdifDiffError")
  })

  it("refuses an entry with only a range of an attribute's values", () => {
    const error = failure([Ldif.entry("cn=g", { "member;range=0-1": ["a=b", "c=d"] })], [
      Ldif.entry("cn=g", { member: "a=b" })
    ])
    assert.include(error.detail, `ranges: "all"`)
    assert.strictEqual(error.side, "from")
  })

  it("compares by matching rules, or bytes, and descriptions with their options", () => {
    const before = Ldif.entry("cn=a", {
      sn: "X",
      member: ["CN=Alice,DC=b", "cn=bob,dc=b"],
      homeDirectory: "/A",
      telephoneNumber: "+49 30 1"
    })
    const after = Ldif.entry("cn=a", {
      sn: " x",
      member: ["cn=bob, dc=b", "cn=alice,dc=b"],
      homeDirectory: "/A",
      telephoneNumber: "+49-30-1"
    })
    assert.deepStrictEqual(diff([before], [after]), [])
    const [strict] = diff([before], [after], { compare: "octets" })
    assert.deepStrictEqual(strict?._tag === "Modify" && strict.changes.map(({ attribute }) => attribute), [
      "sn",
      "member",
      "telephoneNumber"
    ])
    assert.lengthOf(
      diff([Ldif.entry("cn=a", { homeDirectory: "/A" })], [Ldif.entry("cn=a", { homeDirectory: "/a" })]),
      1
    )
    // One name was added and one removed, among many with other spellings.
    const [some] = diff([before], [
      Ldif.entry("cn=a", {
        ...Object.fromEntries(after.attributes.map(({ description, values }) => [description, values])),
        member: ["CN=BOB,dc=b", "cn=c,dc=b"]
      })
    ])
    assert.deepStrictEqual(
      some,
      Ldif.modify("cn=a", [
        LdapModification.remove("member", "CN=Alice,DC=b"),
        LdapModification.add("member", "cn=c,dc=b")
      ])
    )
    const [record] = diff([Ldif.entry("cn=a", { sn: "x" })], [Ldif.entry("cn=a", { "sn;lang-de": "x" })])
    assert.deepStrictEqual(
      record,
      Ldif.modify("cn=a", [LdapModification.remove("sn"), LdapModification.add("sn;lang-de", "x")])
    )
  })

  it("adds parents before children, modifies, and deletes children before parents", () => {
    const dns = (records: ReadonlyArray<Ldif.LdifRecord>) => records.map(({ _tag, dn }) => `${_tag} ${dn}`)
    const [x, old, child, grandchild] = ["dc=x", "ou=old,dc=x", "cn=a,ou=old,dc=x", "cn=b,cn=a,ou=old,dc=x"].map((dn) =>
      Ldif.entry(dn, { o: "1" })
    ) as [Ldif.Entry, Ldif.Entry, Ldif.Entry, Ldif.Entry]
    const fresh = ["cn=2,cn=1,ou=new,dc=x", "cn=1,ou=new,dc=x", "cn=3,ou=new,dc=x", "ou=new,dc=x", "ou=b,dc=x"].map((
      dn
    ) => Ldif.entry(dn, { o: "1" }))
    assert.deepStrictEqual(
      dns(diff([old, grandchild, x, child], [...fresh, Ldif.entry("dc=x", { o: "2" })])),
      [
        "Add ou=new,dc=x",
        "Add cn=1,ou=new,dc=x",
        "Add cn=2,cn=1,ou=new,dc=x",
        "Add cn=3,ou=new,dc=x",
        "Add ou=b,dc=x",
        "Modify dc=x",
        "Delete cn=b,cn=a,ou=old,dc=x",
        "Delete cn=a,ou=old,dc=x",
        "Delete ou=old,dc=x"
      ]
    )
  })

  it("doesn't look at attributes that it is told to ignore", () => {
    const options = { ignore: ["modifyTimestamp"] }
    const from = [Ldif.entry("cn=a", { cn: "a", modifytimestamp: "1" }), Ldif.entry("cn=b", { cn: "b" })]
    const to = [Ldif.entry("cn=a", { cn: "a" }), Ldif.entry("cn=c", { cn: "c", "MODIFYTIMESTAMP;x": "2" })]
    assert.deepStrictEqual(diff(from, to, options), [Ldif.add("cn=c", { cn: "c" }), Ldif.remove("cn=b")])
  })

  it("refuses names that can't be read, and names that are there twice", () => {
    const entries = Result.getOrThrow(Ldif.parse("dn: cn=a\ncn: a\n\ndn: CN = A\ncn: a\n")) as ReadonlyArray<Ldif.Entry>
    const twice = failure([], entries)
    assert.deepStrictEqual([twice.side, twice.line, twice.dn], ["to", 4, "CN = A"])
    assert.match(twice.message, /line 4/)
    const bad = failure([Ldif.entry("nonsense", {})], [])
    assert.deepStrictEqual([bad.side, bad.line], ["from", 0])
  })

  it("takes time that grows with the entries, however deep they are", { timeout: 30_000 }, () => {
    let dn = "dc=x"
    const deep = [Ldif.entry(dn, { dc: "x" })]
    for (let i = 0; i < 500; i++) deep.push(Ldif.entry(dn = `cn=${i},${dn}`, { cn: String(i) }))
    const wide = Array.from({ length: 20_000 }, (_, i) => Ldif.entry(`cn=w${i},dc=x`, { cn: `w${i}` }))
    assert.lengthOf(diff([], [...deep].reverse().concat(wide)), deep.length + wide.length)
    assert.lengthOf(diff([Ldif.entry(`${"cn=x,".repeat(200_000)}dc=x`, {})], []), 1)
  })

  const values = Arbitrary.array(Arbitrary.schema(Schema.Literals(["a", "b", "c", "\xff"])), {
    minLength: 1,
    maxLength: 3
  })
  const entries = Arbitrary.map(
    Arbitrary.array(
      Arbitrary.all([
        Arbitrary.array(Arbitrary.schema(Schema.Literals(["cn=1", "cn=2", "CN=2"])), { maxLength: 3 }),
        Arbitrary.array(
          Arbitrary.all([Arbitrary.schema(Schema.Literals(["description", "Description", "sn", "l"])), values]),
          {
            maxLength: 3
          }
        )
      ]),
      { maxLength: 8 }
    ),
    (entries): ReadonlyArray<Ldif.Entry> => {
      const found = new Map<string, Ldif.Entry>()
      // The parents of an entry exist, but don't always come before it.
      for (const [rdns, attributes] of entries) {
        for (let i = 0; i <= rdns.length; i++) {
          const dn = [...rdns.slice(i), "dc=x"].join(",")
          if (found.has(key(dn))) continue
          const byName = new Map(attributes.map(([name, values]) => [name.toLowerCase(), [name, values] as const]))
          const cn = rdns[i] === undefined ? {} : { cn: rdns[i]!.slice(3) }
          found.set(
            key(dn),
            Ldif.entry(dn, {
              objectClass: i === rdns.length ? "domain" : "person",
              ...(i === rdns.length ? { dc: "x" } : cn),
              ...Object.fromEntries(
                Array.from(
                  byName.values(),
                  ([name, values]) => [name, Array.from(new Set(values), (v) => Buffer.from(v, "utf8"))]
                )
              )
            })
          )
        }
      }
      if (found.size === 0) return [Ldif.entry("dc=x", { objectClass: "domain", dc: "x" })]
      return Array.from(found.values())
    }
  )

  it.prop("carried out on the first, it gives the second", [entries, entries], ([from, to]) => {
    const directory = directoryOf(from)
    carryOut(directory, diff(from, to))
    assert.deepStrictEqual(directory, directoryOf(to))
    assert.deepStrictEqual(diff(from, from), [])
  }, { arbitrary: { runs: 500 } })

  it.effect.prop(
    "carried out on a server, it gives the second",
    [entries, entries],
    ([from, to]) =>
      Effect.gen(function*() {
        // A directory starts with parents before their children.
        const load = diff([], from).map((record) => record as Ldif.Add)
        const directory = yield* InMemoryDirectory.make({ entries: load, admin: { password: "admin" } })
        const session = yield* LdapSession.fromSocket(yield* directory.connect, { protection: "local" })
        yield* session.bind(LdapAuth.simple("cn=admin,dc=x", Redacted.make("admin")))
        yield* applyLdif(session, Stream.fromIterable(diff(from, to))).pipe(Stream.runDrain)
        const now = yield* session.search({ base: "dc=x", filter: "(objectClass=*)" }).pipe(Stream.runCollect)
        assert.deepStrictEqual(diff(now, to), [])
        assert.strictEqual(now.length, to.length)
      }).pipe(Effect.scoped),
    { arbitrary: { runs: 60 } }
  )
})
