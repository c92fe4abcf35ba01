/** The class of these tests: one field of each kind. */
import * as LdapSchema from "../../../src/schema/LdapSchema.ts"

export class Person extends LdapSchema.Class<Person>("Person")({
  objectClass: ["inetOrgPerson", "posixAccount"],
  fields: {
    dn: LdapSchema.entryDn,
    uid: LdapSchema.DirectoryString,
    name: LdapSchema.attribute("cn", LdapSchema.DirectoryString),
    surname: LdapSchema.attribute("sn", LdapSchema.DirectoryString),
    mail: LdapSchema.repeated(LdapSchema.Ia5String),
    languages: LdapSchema.attribute("departmentNumber", LdapSchema.set(LdapSchema.DirectoryString)),
    phone: LdapSchema.attribute("telephoneNumber", LdapSchema.optional(LdapSchema.TelephoneNumber)),
    uidNumber: LdapSchema.Integer,
    gidNumber: LdapSchema.Integer,
    home: LdapSchema.attribute("homeDirectory", LdapSchema.Ia5String),
    photo: LdapSchema.attribute("jpegPhoto", LdapSchema.repeated(LdapSchema.Jpeg)),
    manager: LdapSchema.optional(LdapSchema.Dn),
    id: LdapSchema.attribute("entryUUID", LdapSchema.readOnly(LdapSchema.Uuid)),
    created: LdapSchema.attribute("createTimestamp", LdapSchema.readOnly(LdapSchema.GeneralizedTime)),
    password: LdapSchema.attribute("userPassword", LdapSchema.writeOnly(LdapSchema.Password))
  }
}) {
  get greeting(): string {
    return `Dear ${this.name}`
  }
}

export const ada = new Person({
  uid: "ada",
  name: "Ada Lovelace",
  surname: "Lovelace",
  mail: ["ada@example.org", "countess@example.org"],
  uidNumber: 1815,
  gidNumber: 100,
  home: "/home/ada"
})

/** A copy of the value with these fields changed. */
export const changed = (from: Person, fields: Partial<ConstructorParameters<typeof Person>[0]>): Person =>
  new Person({ ...from, ...fields })
