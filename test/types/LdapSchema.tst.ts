import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as HashSet from "effect/HashSet"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import { describe, expect, test } from "tstyche"
import type { LdapClient } from "../../src/client/LdapClient.ts"
import type { LdapDn } from "../../src/model/dn/LdapDn.ts"
import type { LdapError } from "../../src/model/LdapError.ts"
import * as LdapSchema from "../../src/schema/LdapSchema.ts"

class Person extends LdapSchema.Class<Person>("Person")({
  objectClass: "inetOrgPerson",
  fields: {
    dn: LdapSchema.entryDn,
    uid: LdapSchema.DirectoryString,
    surname: LdapSchema.attribute("sn", LdapSchema.DirectoryString),
    mail: LdapSchema.repeated(LdapSchema.Ia5String),
    members: LdapSchema.nonEmpty(LdapSchema.Dn),
    groups: LdapSchema.attribute("memberOf", LdapSchema.readOnly(LdapSchema.set(LdapSchema.Dn))),
    phone: LdapSchema.optional(LdapSchema.TelephoneNumber),
    uidNumber: LdapSchema.Integer,
    expires: LdapSchema.FileTime,
    kind: LdapSchema.Literals(["employee", "contractor"]),
    created: LdapSchema.readOnly(LdapSchema.GeneralizedTime),
    password: LdapSchema.attribute("userPassword", LdapSchema.writeOnly(LdapSchema.Password))
  }
}) {
  readonly greeting = "hello"
}

declare const person: Person

describe("LdapSchema.Class", () => {
  test("has the types of its fields", () => {
    expect(person.dn).type.toBe<LdapDn | undefined>()
    expect(person.uid).type.toBe<string>()
    expect(person.surname).type.toBe<string>()
    expect(person.mail).type.toBe<ReadonlyArray<string>>()
    expect(person.members).type.toBe<readonly [LdapDn, ...Array<LdapDn>]>()
    expect(person.groups).type.toBe<HashSet.HashSet<LdapDn>>()
    expect(person.phone).type.toBe<string | undefined>()
    expect(person.uidNumber).type.toBe<number>()
    expect(person.expires).type.toBe<Option.Option<DateTime.Utc>>()
    expect(person.kind).type.toBe<"employee" | "contractor">()
    expect(person.created).type.toBe<DateTime.Utc | undefined>()
    expect(person.password).type.toBe<Redacted.Redacted<string> | undefined>()
    expect(person.greeting).type.toBe<"hello">()
  })

  test("is a schema of the class", () => {
    expect<(typeof Person)["Type"]>().type.toBe<Person>()
    expect(Person).type.toBeAssignableTo<Schema.ConstraintCodec<Person, unknown>>()
  })

  test("wants what is required, and nothing else", () => {
    // @ts-expect-error surname
    void new Person({ uid: "x" })
    // @ts-expect-error not assignable to type 'number'
    void new Person({ ...person, uidNumber: "1" })
    // @ts-expect-error not assignable to type '"employee" | "contractor"'
    void new Person({ ...person, kind: "guest" })
  })

  test("doesn't forget the class itself", () => {
    const Base = LdapSchema.Class("Base")({ objectClass: "x", fields: {} })
    // @ts-expect-error is not a constructor function type
    void class extends Base {}
  })
})

describe("filter", () => {
  test("takes fields and their values", () => {
    Person.filter.equals("surname", "x")
    Person.filter.equals("uidNumber", 1)
    Person.filter.equals("mail", "one of them")
    Person.filter.present("groups")
    Person.filter.oneOf("kind", ["employee"])
  })

  test("a filter on a field that isn't there doesn't compile", () => {
    // @ts-expect-error Argument of type '"nope"' is not assignable
    Person.filter.equals("nope", "x")
    // @ts-expect-error Argument of type '"sn"' is not assignable
    Person.filter.present("sn")
    // @ts-expect-error Argument of type '"password"' is not assignable
    Person.filter.present("password")
    // @ts-expect-error Argument of type '"dn"' is not assignable
    Person.filter.present("dn")
  })

  test("nor does one on a value of another type", () => {
    // @ts-expect-error Argument of type 'string' is not assignable to parameter of type 'number'
    Person.filter.equals("uidNumber", "1")
    // @ts-expect-error Argument of type 'string' is not assignable
    Person.filter.equals("members", "cn=x")
    // @ts-expect-error Argument of type '"guest"' is not assignable
    Person.filter.equals("kind", "guest")
    // @ts-expect-error Argument of type '"uidNumber"' is not assignable
    Person.filter.startsWith("uidNumber", "1")
  })
})

describe("repository", () => {
  test("is named by a field with exactly one value, whose type is the key", () => {
    const people = LdapSchema.repository(Person, { base: "dc=x", rdn: "uid" })
    expect(people).type.toBe<Effect.Effect<LdapSchema.Repository<Person, string>, LdapError, LdapClient>>()
    const numbers = LdapSchema.repository(Person, { base: "dc=x", rdn: "uidNumber" })
    expect(numbers).type.toBe<Effect.Effect<LdapSchema.Repository<Person, number>, LdapError, LdapClient>>()
    // @ts-expect-error Type '"mail"' is not assignable
    LdapSchema.repository(Person, { base: "dc=x", rdn: "mail" })
    // @ts-expect-error Type '"created"' is not assignable
    LdapSchema.repository(Person, { base: "dc=x", rdn: "created" })
  })

  test("the errors of find", () => {
    expect<LdapSchema.Repository<Person, string>["find"]>().type.toBe<
      (key: string) => Effect.Effect<
        Option.Option<Person>,
        LdapError | LdapSchema.LdapDecodeError | LdapSchema.LdapEncodeError
      >
    >()
  })
})

describe("fields", () => {
  test("of other codecs than those of bytes don't compile", () => {
    // @ts-expect-error Argument of type
    LdapSchema.optional({} as Schema.String)
  })

  test("that only the server sets can't be required", () => {
    // @ts-expect-error No overload matches this call
    LdapSchema.readOnly(LdapSchema.nonEmpty(LdapSchema.Dn))
  })
})
