/**
 * Entries as values of your own classes: a class declares the attributes and their types, and a repository finds, lists and changes the
 * entries. Runs on a directory in memory: `node examples/schema-people.ts`.
 */
import { Console, Effect, Option, Redacted, Stream } from "effect"
import { LdapAuth, LdapSchema, LdapSession } from "../src/index.ts"
import { InMemoryDirectory } from "../src/testing.ts"

class Person extends LdapSchema.Class<Person>("Person")({
  objectClass: "inetOrgPerson",
  fields: {
    dn: LdapSchema.entryDn,
    uid: LdapSchema.DirectoryString,
    name: LdapSchema.attribute("cn", LdapSchema.DirectoryString),
    surname: LdapSchema.attribute("sn", LdapSchema.DirectoryString),
    mail: LdapSchema.repeated(LdapSchema.Ia5String),
    manager: LdapSchema.optional(LdapSchema.Dn),
    created: LdapSchema.attribute("createTimestamp", LdapSchema.readOnly(LdapSchema.GeneralizedTime)),
    password: LdapSchema.attribute("userPassword", LdapSchema.writeOnly(LdapSchema.Password))
  }
}) {
  get greeting() {
    return `Dear ${this.name}`
  }
}

const base = "dc=example,dc=org"

const program = Effect.gen(function*() {
  const directory = yield* InMemoryDirectory.make({
    entries: [{ dn: base, attributes: { objectClass: "domain", dc: "example" } }],
    admin: { password: "secret" }
  })
  const session = yield* LdapSession.fromSocket(yield* directory.connect, {
    protection: "local",
    auth: LdapAuth.simple(`cn=admin,${base}`, Redacted.make("secret"))
  })
  const people = yield* LdapSchema.makeRepository(session, Person, { base, rdn: "uid" })

  const charles = yield* people.insert(new Person({ uid: "charles", name: "Charles Babbage", surname: "Babbage" }))
  yield* people.insert(
    new Person({
      uid: "ada",
      name: "Ada Lovelace",
      surname: "Lovelace",
      mail: ["ada@example.org"],
      manager: charles,
      password: Redacted.make("analytical")
    })
  )

  const ada = Option.getOrThrow(yield* people.find("ada"))
  yield* Console.log(`${ada.greeting}, you are ${ada.dn}, and your manager is ${ada.manager}.`)

  const sent = yield* people.update(new Person({ ...ada, mail: [...ada.mail, "countess@example.org"] }), {
    previous: ada
  })
  yield* Console.log(
    `An update sends what has changed: ${sent.map((change) => `${change.operation} ${change.attribute}`)}.`
  )

  const managed = yield* people.stream({ filter: Person.filter.equals("manager", charles) }).pipe(Stream.runCollect)
  yield* Console.log(`Charles manages ${managed.map(({ uid }) => uid)}.`)

  yield* session.add(`uid=odd,${base}`, { objectClass: "inetOrgPerson", uid: "odd", cn: ["One", "Two"], sn: "Odd" })
  yield* people.find("odd").pipe(Effect.catchTag("LdapDecodeError", (error) => Console.log(error.message)))
})

await Effect.runPromise(Effect.scoped(program))
