import { assert, describe, it } from "@effect/vitest"
import * as Equal from "effect/Equal"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import { directDecoder } from "../../../src/schema/class/directDecoding.ts"
import { mappingFrom } from "../../../src/schema/class/LdapSchemaEntry.ts"
import * as LdapSchema from "../../../src/schema/LdapSchema.ts"
import { Person } from "./Person.ts"

const person = {
  objectClass: ["inetOrgPerson", "posixAccount"],
  uid: "ada",
  cn: "Ada Lovelace",
  sn: "Lovelace",
  mail: ["ada@example.org", "countess@example.org"],
  departmentNumber: ["fr", "en", "fr"],
  telephoneNumber: "+44 20 7946 0101",
  uidNumber: "1815",
  gidNumber: "100",
  homeDirectory: "/home/ada",
  jpegPhoto: [Buffer.from([0xff, 0xd8, 0xff, 0x00])],
  manager: "uid=Charles, ou=people,dc=example",
  entryUUID: "597AE2F6-16a6-1027-98f4-d28b5365dc14",
  createTimestamp: "20240229120000Z"
}

/** A class with every kind of field, and with codecs that are not this library's own. */
class Device extends LdapSchema.Class<Device>("Device")({
  objectClass: "device",
  fields: {
    cn: LdapSchema.nonEmpty(LdapSchema.DirectoryString),
    l: LdapSchema.optional(LdapSchema.DirectoryString.check(Schema.isMaxLength(4))),
    level: LdapSchema.optional(LdapSchema.Literals(["low", "high"])),
    since: LdapSchema.attribute("whenCreated", LdapSchema.optional(LdapSchema.FileTime)),
    certificate: LdapSchema.attribute("userCertificate", LdapSchema.repeated(LdapSchema.Octets)),
    secrets: LdapSchema.attribute("userPassword", LdapSchema.writeOnly(LdapSchema.repeated(LdapSchema.Password)))
  }
}) {
  readonly isDevice = true
}

const withValues = (of: object, changed: object) => LdapEntry.make(dn, { ...of, ...changed })

const device = { cn: ["one", "two"], l: "Ulm", level: "HIGH", whenCreated: "133000000000000000" }

const dn = "uid=ada,ou=people,dc=example"
const fieldsOf = (of: { readonly identifier: string; readonly ldapFields: LdapSchema.FieldsInput }) =>
  mappingFrom(of.identifier, [], of.ldapFields).fields

/** The values of an entry's fields in bytes, which is what the schema of a class decodes. */
const encoded = (entry: LdapEntry.LdapEntry, fields: LdapSchema.FieldsInput): Record<string, unknown> =>
  Object.fromEntries(
    mappingFrom("", [], fields).fields.flatMap(({ access, attribute, kind, name }) => {
      if (kind === "entryDn") return [[name, [Buffer.from(entry.dn)]]]
      const values = access === "writeOnly" ? [] : entry.getAllBytes(attribute)
      return values.length === 0 ? [] : [[name, values]]
    })
  )

describe("directDecoder", () => {
  it("decodes the entries of a class without the schema", () => {
    const people = directDecoder(Person, fieldsOf(Person))
    const decoded = people?.(LdapEntry.make(dn, person))
    assert.instanceOf(decoded, Person)
    assert.strictEqual(decoded.greeting, "Dear Ada Lovelace")
    const devices = directDecoder(Device, fieldsOf(Device))
    const one = devices?.(LdapEntry.make(dn, device))
    assert.instanceOf(one, Device)
    assert.deepStrictEqual([one.l, one.level, one.isDevice, one.certificate], ["Ulm", "high", true, []])
  })

  it.each<[string, LdapEntry.AttributesInput]>([
    ["all fields", {}],
    ["none of the optional values", {
      mail: [],
      departmentNumber: [],
      telephoneNumber: [],
      manager: [],
      jpegPhoto: []
    }],
    ["letters beyond ASCII, and a byte order mark", { cn: "\ufeffZoë 花子", sn: "Müller" }],
    ["a missing value", { sn: [] }],
    ["two values where one is expected", { uid: ["ada", "countess"] }],
    ["two values of an optional field", { telephoneNumber: ["1", "2"] }],
    ["an invalid value", { uidNumber: "many" }],
    ["invalid values in several fields", { uidNumber: "many", mail: ["ä", "b"], manager: "Charles" }],
    ["bytes that are not text", { cn: [Buffer.from([0xff, 0xfe])] }],
    ["text that looks like bytes", { cn: "data:application/octet-stream;base64,AA==" }],
    ["an empty value", { sn: "" }]
  ])("gives what the schema gives: %s", (_, changed) => {
    const entry = withValues(person, changed)
    const bySchema = Schema.decodeUnknownResult(Person, { errors: "all" })(encoded(entry, Person.ldapFields))
    const byEntry = Person.decodeEntry(entry)
    assert.strictEqual(Result.isSuccess(byEntry), Result.isSuccess(bySchema))
    if (Result.isFailure(bySchema) || Result.isFailure(byEntry)) return
    assert.deepStrictEqual(Object.keys(byEntry.success), Object.keys(bySchema.success))
    assert.isTrue(Equal.equals(byEntry.success, bySchema.success))
  })

  it("leaves to the schema what has a problem", () => {
    const people = directDecoder(Person, fieldsOf(Person))!
    for (
      const problem of [
        { sn: [] },
        { uid: ["a", "b"] },
        { uidNumber: "many" },
        { cn: [Buffer.from([0xff])] },
        { "mail;range=0-1": ["a"], mail: [] }
      ]
    ) assert.isUndefined(people(withValues(person, problem)))
    const devices = directDecoder(Device, fieldsOf(Device))!
    assert.isUndefined(devices(withValues(device, { l: "London" })))
    assert.isUndefined(devices(withValues(device, { cn: [] })))
  })
})
