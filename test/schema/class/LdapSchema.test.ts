import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as HashSet from "effect/HashSet"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaIssue from "effect/SchemaIssue"
import { inspect } from "node:util"
import * as LdapDn from "../../../src/model/dn/LdapDn.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"
import type { LdapModification } from "../../../src/model/LdapModification.ts"
import * as LdapSchema from "../../../src/schema/LdapSchema.ts"
import { ada, changed, Person } from "./Person.ts"

const dn = "uid=ada,ou=people,dc=example"
const attributes = {
  objectClass: ["top", "inetOrgPerson", "posixAccount"],
  uid: "ada",
  cn: "Ada Lovelace",
  sn: "Lovelace",
  mail: ["ada@example.org", "countess@example.org"],
  departmentNumber: ["fr", "en"],
  telephoneNumber: "+44 20 7946 0101",
  uidNumber: "1815",
  gidNumber: "100",
  homeDirectory: "/home/ada",
  manager: "uid=Charles, ou=people,dc=example",
  entryUUID: "597ae2f6-16a6-1027-98f4-d28b5365dc14",
  createTimestamp: "20240229120000Z"
}

const decode = (more: Record<string, LdapEntry.AttributeInput> = {}) =>
  Person.decodeEntry(LdapEntry.make(dn, { ...attributes, ...more }))
const decoded = (more?: Record<string, LdapEntry.AttributeInput>) => Result.getOrThrow(decode(more))
const failure = (more: Record<string, LdapEntry.AttributeInput>): LdapSchema.LdapDecodeError => {
  const result = decode(more)
  return Result.isFailure(result) ? result.failure : assert.fail("it was decoded")
}
const plain = (entry: ReadonlyArray<LdapEntry.LdapAttribute>) =>
  Object.fromEntries(
    entry.map(({ description, values }) => [description, values.map((value) => Buffer.from(value).toString())])
  )
const changes = (from: Person, to: Person) =>
  Result.getOrThrow(Person.modifications(from, to)).map(({ attribute, operation, values }: LdapModification) =>
    [operation, attribute, ...values.map((value) => Buffer.from(value).toString("latin1"))] as const
  )
const formatted = (filter: LdapFilter.LdapFilter) => LdapFilter.format(filter)

describe("LdapSchema.Class", () => {
  it("is a class of effect Schema", () => {
    assert.strictEqual(ada.greeting, "Dear Ada Lovelace")
    assert.isTrue(Schema.is(Person)(ada))
    assert.isTrue(Equal.equals(ada, changed(ada, {})))
    assert.isFalse(Equal.equals(ada, changed(ada, { name: "Ada" })))
    // @ts-expect-error the surname is missing
    assert.throws(() => new Person({ uid: "x", name: "x", uidNumber: 1, gidNumber: 1, home: "/" }))
    // Fields that may be missing have the value for "no values".
    assert.deepStrictEqual([ada.photo, ada.phone, ada.id, HashSet.size(ada.languages)], [[], undefined, undefined, 0])
    const encoded = Schema.encodeSync(Person)(ada)
    assert.deepStrictEqual(encoded.mail?.map(String), ["ada@example.org", "countess@example.org"])
    assert.isTrue(Equal.equals(Schema.decodeSync(Person)(encoded), ada))
    assert.isTrue(Schema.is(Schema.Struct({ person: Person }))({ person: ada }))
  })

  it("knows what to request", () => {
    assert.deepStrictEqual(Person.attributes, [
      "uid",
      "cn",
      "sn",
      "mail",
      "departmentNumber",
      "telephoneNumber",
      "uidNumber",
      "gidNumber",
      "homeDirectory",
      "jpegPhoto",
      "manager",
      "entryUUID",
      "createTimestamp"
    ])
    assert.strictEqual(formatted(Person.objectClassFilter), "(&(objectClass=inetOrgPerson)(objectClass=posixAccount))")
    class Nothing
      extends LdapSchema.Class<Nothing>("Nothing")({ objectClass: "top", fields: { dn: LdapSchema.entryDn } })
    {}
    assert.deepStrictEqual(Nothing.attributes, ["1.1"])
    assert.strictEqual(formatted(Nothing.objectClassFilter), "(objectClass=top)")
    assert.strictEqual(Result.getOrThrow(Nothing.decodeEntry(LdapEntry.make("cn=x", {}))).dn?.toString(), "cn=x")
  })

  it("is extended by more fields and classes", () => {
    class Engineer extends Person.extend<Engineer>("Engineer")({
      objectClass: "engineer",
      fields: { machine: LdapSchema.DirectoryString, mail: LdapSchema.nonEmpty(LdapSchema.Ia5String) }
    }) {}
    const entry = LdapEntry.make(dn, { ...attributes, machine: "difference engine" })
    const engineer = Result.getOrThrow(Engineer.decodeEntry(entry))
    assert.deepStrictEqual([engineer.greeting, engineer.machine, engineer.mail.length], [
      "Dear Ada Lovelace",
      "difference engine",
      2
    ])
    assert.isTrue(engineer instanceof Engineer && engineer instanceof Person)
    assert.deepStrictEqual(Engineer.objectClasses, ["inetOrgPerson", "posixAccount", "engineer"])
    assert.include(Engineer.attributes, "machine")
    assert.notInclude(Person.attributes, "machine")
    assert.deepStrictEqual(plain(Result.getOrThrow(Engineer.encodeEntry(engineer)))["machine"], ["difference engine"])
    assert.isFalse(decoded() instanceof Engineer)
    assert.strictEqual(formatted(Engineer.filter.equals("machine", "x")), "(machine=x)")
  })
})

describe("decodeEntry", () => {
  it("gives every field", () => {
    const person = decoded({ jpegPhoto: Uint8Array.of(0xff, 0xd8, 0xff) })
    assert.instanceOf(person, Person)
    assert.strictEqual(person.dn?.toString(), dn)
    assert.strictEqual(person.uidNumber, 1815)
    assert.deepStrictEqual(person.mail, ["ada@example.org", "countess@example.org"])
    assert.isTrue(Equal.equals(person.languages, HashSet.make("en", "fr")))
    assert.isTrue(Equal.equals(person.manager, LdapDn.ldapDn`uid=charles,ou=people,dc=example`))
    assert.strictEqual(person.id, attributes.entryUUID)
    assert.strictEqual(DateTime.formatIso(person.created!), "2024-02-29T12:00:00.000Z")
    assert.deepStrictEqual(person.photo.map((photo) => photo.length), [3])
    assert.strictEqual(person.password, undefined)
  })

  it("takes names of attributes in any case", () => {
    const entry = LdapEntry.make(
      dn,
      Object.entries(attributes).map(([description, value]) => ({
        description: description.toUpperCase(),
        values: LdapEntry.valuesFrom(value)
      }))
    )
    assert.strictEqual(Result.getOrThrow(Person.decodeEntry(entry)).name, "Ada Lovelace")
  })

  it("touches only the attributes of its fields", () => {
    class Name extends LdapSchema.Class<Name>("Name")({
      objectClass: "person",
      fields: {
        cn: LdapSchema.DirectoryString,
        password: LdapSchema.attribute("userPassword", LdapSchema.writeOnly(LdapSchema.Password))
      }
    }) {}
    const entry = LdapEntry.make(dn, {
      cn: "Ada",
      uidNumber: "x",
      jpegPhoto: Uint8Array.of(0xff),
      userPassword: Uint8Array.of(0xff)
    })
    const touched: Array<string> = []
    const spied = new Proxy(entry, {
      get: (target, key) => {
        if (key === "wholeTexts" || key === "getAllBytes") {
          return (description: string) => {
            touched.push(description)
            return target[key](description)
          }
        }
        if (key === "isPartial") return (description: string) => target.isPartial(description)
        if (key === "dn") return target.dn
        throw new Error(`${String(key)} was used`)
      }
    })
    assert.strictEqual(Result.getOrThrow(Name.decodeEntry(spied)).cn, "Ada")
    assert.deepStrictEqual(touched, ["cn"])
  })

  it("names the entry, the attributes and the values that are wrong, all of them", () => {
    const error = failure({
      cn: [],
      mail: ["a@b", "ü"],
      uidNumber: "many",
      sn: ["a", "b"],
      telephoneNumber: Uint8Array.of(0xff)
    })
    assert.strictEqual(error.dn, dn)
    assert.deepStrictEqual(
      error.problems.map(({ attribute, field, index, value }) => [field, attribute, index, value]),
      [
        ["name", "cn", undefined, undefined],
        ["surname", "sn", undefined, undefined],
        ["mail", "mail", 1, "\"ü\""],
        ["phone", "telephoneNumber", 0, "{\"base64\":\"/w==\"}"],
        ["uidNumber", "uidNumber", 0, "\"many\""]
      ]
    )
    for (const part of [dn, "Person", "cn (field name)", "value 1 \"ü\"", "the attribute is missing", "2 values"]) {
      assert.include(error.message, part)
    }
  })

  it("shortens long values, and never shows secrets", () => {
    assert.isBelow(failure({ uidNumber: "x".repeat(1_000_000) }).message.length, 400)
    class Account extends LdapSchema.Class<Account>("Account")({
      objectClass: "account",
      fields: {
        userPassword: Schema.Uint8Array.pipe(Schema.decodeTo(Schema.String, {
          decode: SchemaGetter.transformEffect((octets) =>
            Effect.fail(new SchemaIssue.InvalidValue({ message: `I don't like ${Buffer.from(octets)}` }))
          ),
          encode: SchemaGetter.transform((text) => Buffer.from(text))
        })),
        pin: LdapSchema.Password,
        token: LdapSchema.attribute("unicodePwd", LdapSchema.repeated(LdapSchema.Jpeg))
      }
    }) {}
    const result = Account.decodeEntry(
      LdapEntry.make(dn, { userPassword: "hunter2", pin: Buffer.from("hunter2\xff", "latin1"), unicodePwd: "hunter2" })
    )
    const error = Result.isFailure(result) ? result.failure : assert.fail()
    assert.deepStrictEqual(error.problems.map(({ value }) => value), [undefined, undefined, undefined])
    for (const text of [error.message, JSON.stringify(error), inspect(error, { depth: 9 })])
      assert.notInclude(text, "hunter2")
  })

  it("a range of a large attribute is not taken for all of it", () => {
    const entry = LdapEntry.make(dn, [
      ...LdapEntry.attributesFrom(attributes).filter(({ description }) => description !== "mail"),
      { description: "mail", values: [] },
      { description: "Mail;range=0-1499", values: [Buffer.from("a@b")] }
    ])
    const result = Person.decodeEntry(entry)
    assert.include(Result.isFailure(result) ? result.failure.message : "", "range")
  })

  it("fields may have the names of what objects have", () => {
    class Odd extends LdapSchema.Class<Odd>("Odd")({
      objectClass: "odd",
      fields: { constructor_: LdapSchema.attribute("constructor", LdapSchema.optional(LdapSchema.DirectoryString)) }
    }) {}
    assert.strictEqual(Result.getOrThrow(Odd.decodeEntry(LdapEntry.make("cn=x", {}))).constructor_, undefined)
    assert.strictEqual(
      Result.getOrThrow(Odd.decodeEntry(LdapEntry.make("cn=x", { constructor: "y" }))).constructor_,
      "y"
    )
  })
})

describe("encodeEntry", () => {
  it("gives what an add needs, and nothing that only the server sets", () => {
    const person = decoded()
    const { createTimestamp: _, entryUUID: _1, ...written } = attributes
    assert.deepStrictEqual(
      plain(Result.getOrThrow(Person.encodeEntry(changed(person, { password: Redacted.make("pw") })))),
      {
        ...Object.fromEntries(Object.entries(written).map(([name, value]) => [name, [value].flat()])),
        objectClass: ["inetOrgPerson", "posixAccount"],
        departmentNumber: Array.from(person.languages),
        manager: ["uid=Charles,ou=people,dc=example"],
        userPassword: ["pw"]
      }
    )
  })

  it("leaves attributes without values out, and values that are there twice", () => {
    const entry = plain(Result.getOrThrow(Person.encodeEntry(changed(ada, { mail: ["a", "b", "a"], photo: [] }))))
    assert.deepStrictEqual(entry["mail"], ["a", "b"])
    assert.notProperty(entry, "jpegPhoto")
    assert.notProperty(entry, "telephoneNumber")
  })

  it("names the fields that can't be written, without their values", () => {
    const result = Person.encodeEntry(changed(ada, { name: "", mail: ["ok", "hünter2"], uidNumber: 1.5 }))
    const error = Result.isFailure(result) ? result.failure : assert.fail()
    assert.deepStrictEqual(error.problems.map(({ field, index, value }) => [field, index, value]), [
      ["name", 0, undefined],
      ["mail", 1, undefined],
      ["uidNumber", 0, undefined]
    ])
    assert.notInclude(error.message, "hünter2")
  })

  const value = Arbitrary.schema(Schema.String)
  it.prop("what is written is read as it was", [
    Arbitrary.array(value, { maxLength: 4 }),
    Arbitrary.array(value, { maxLength: 4 })
  ], ([
    repeated,
    set
  ]) => {
    class Texts extends LdapSchema.Class<Texts>("Texts")({
      objectClass: "texts",
      fields: { a: LdapSchema.repeated(LdapSchema.Utf8String), b: LdapSchema.set(LdapSchema.Utf8String) }
    }) {}
    const wellFormed = (texts: ReadonlyArray<string>) =>
      Array.from(new Set(texts.filter((text) => text.isWellFormed())))
    const texts = new Texts({ a: wellFormed(repeated), b: HashSet.fromIterable(wellFormed(set)) })
    const entry = LdapEntry.make("cn=x", Result.getOrThrow(Texts.encodeEntry(texts)))
    assert.isTrue(Equal.equals(Result.getOrThrow(Texts.decodeEntry(entry)), texts))
  })
})

describe("modifications", () => {
  it("nothing for equal values, whatever their order", () => {
    assert.deepStrictEqual(changes(ada, ada), [])
    assert.deepStrictEqual(changes(ada, changed(ada, { mail: [...ada.mail].reverse() })), [])
  })

  it("one value for another", () => {
    assert.deepStrictEqual(changes(ada, changed(ada, { name: "Ada" })), [["replace", "cn", "Ada"]])
    assert.deepStrictEqual(changes(ada, changed(ada, { phone: "1" })), [["add", "telephoneNumber", "1"]])
    const withPhone = changed(ada, { phone: "1" })
    assert.deepStrictEqual(changes(withPhone, changed(withPhone, { phone: "2" })), [[
      "replace",
      "telephoneNumber",
      "2"
    ]])
    assert.deepStrictEqual(changes(withPhone, changed(withPhone, { phone: undefined })), [[
      "replace",
      "telephoneNumber"
    ]])
  })

  it("values that stay are not touched", () => {
    const [first, second] = ada.mail
    assert.deepStrictEqual(changes(ada, changed(ada, { mail: [...ada.mail, "c"] })), [["add", "mail", "c"]])
    assert.deepStrictEqual(changes(ada, changed(ada, { mail: [first!] })), [["delete", "mail", second!]])
    assert.deepStrictEqual(changes(ada, changed(ada, { mail: [first!, "c", "c"] })), [["delete", "mail", second!], [
      "add",
      "mail",
      "c"
    ]])
    assert.deepStrictEqual(changes(ada, changed(ada, { mail: ["c"] })), [["replace", "mail", "c"]])
    assert.deepStrictEqual(changes(ada, changed(ada, { mail: [] })), [["replace", "mail"]])
  })

  it("bytes are replaced where some go", () => {
    const photo = (n: number) => Uint8Array.of(0xff, 0xd8, 0xff, n)
    const two = changed(ada, { photo: [photo(1), photo(2)] })
    assert.deepStrictEqual(changes(two, changed(two, { photo: [photo(1)] })), [[
      "replace",
      "jpegPhoto",
      "\xff\xd8\xff\x01"
    ]])
    assert.deepStrictEqual(changes(two, changed(two, { photo: [photo(1), photo(2), photo(3)] })), [[
      "add",
      "jpegPhoto",
      "\xff\xd8\xff\x03"
    ]])
  })

  it("passwords are set, and never taken away by a value that has none; names and the server's fields are left alone", () => {
    const withPassword = changed(ada, { password: Redacted.make("pw") })
    assert.deepStrictEqual(changes(ada, withPassword), [["replace", "userPassword", "pw"]])
    assert.deepStrictEqual(changes(withPassword, ada), [])
    assert.deepStrictEqual(
      changes(decoded(), changed(decoded(), { id: undefined, created: undefined, dn: undefined })),
      []
    )
  })

  it("a value that can't be written is an error", () => {
    assert.isTrue(Result.isFailure(Person.modifications(ada, changed(ada, { name: "" }))))
  })

  it("the functions can be handed around", () => {
    const { decodeEntry, encodeEntry, modifications } = Person
    assert.strictEqual(Result.getOrThrow(decodeEntry(LdapEntry.make(dn, attributes))).uid, "ada")
    assert.isTrue(Result.isSuccess(encodeEntry(ada)))
    assert.isTrue(Result.isSuccess(modifications(ada, ada)))
  })
})

describe("filter", () => {
  const { filter } = Person

  it("asks by fields for attributes", () => {
    assert.strictEqual(formatted(filter.equals("surname", "O*(")), "(sn=O\\2a\\28)")
    assert.strictEqual(formatted(filter.equals("uidNumber", 7)), "(uidNumber=7)")
    assert.strictEqual(formatted(filter.equals("manager", LdapDn.ldapDn`uid=a,dc=b`)), "(manager=uid=a,dc=b)")
    assert.strictEqual(formatted(filter.present("phone")), "(telephoneNumber=*)")
    assert.strictEqual(formatted(filter.startsWith("mail", "a*")), "(mail=a\\2a*)")
    assert.strictEqual(formatted(filter.endsWith("mail", "z")), "(mail=*z)")
    assert.strictEqual(formatted(filter.contains("name", "x")), "(cn=*x*)")
    assert.strictEqual(formatted(filter.lessOrEqual("uidNumber", 7)), "(uidNumber<=7)")
    assert.strictEqual(
      formatted(filter.greaterOrEqual("created", DateTime.makeUnsafe("2024-01-01"))),
      "(createTimestamp>=20240101000000Z)"
    )
    assert.strictEqual(formatted(filter.oneOf("uid", ["a", "b"])), "(|(uid=a)(uid=b))")
  })

  it("what no entry can have matches none", () => {
    for (const never of [filter.equals("uidNumber", 1.5), filter.equals("phone", "ü"), filter.oneOf("uid", [])]) {
      assert.strictEqual(formatted(never), "(!(objectClass=*))")
    }
  })
})
