import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { inject } from "vitest"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapClient from "../../../src/client/LdapClient.ts"
import * as LdapSchema from "../../../src/schema/LdapSchema.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { ada, changed, Person } from "./Person.ts"
import { repositorySuite } from "./repositorySuite.ts"

const inMemory = Effect.gen(function*() {
  const directory = yield* InMemoryDirectory.make({
    entries: [{ dn: "dc=example,dc=org", attributes: { objectClass: ["domain"], dc: "example" } }],
    admin: { password: "secret" }
  })
  const session = yield* LdapSession.fromSocket(yield* directory.connect, {
    protection: "local",
    auth: LdapAuth.simple("cn=admin,dc=example,dc=org", Redacted.make("secret"))
  })
  return { session, base: "dc=example,dc=org" }
})

repositorySuite({ name: "the directory in memory", open: inMemory })

const slapd = inject("slapd")
if (slapd !== undefined) {
  let bases = 0
  repositorySuite({
    name: "slapd",
    open: Effect.gen(function*() {
      const session = yield* LdapSession.make({
        url: slapd.urls.ldap,
        auth: LdapAuth.simple(slapd.admin.dn, Redacted.make(slapd.admin.password))
      })
      const ou = `repository-${process.pid}-${bases++}`
      const base = `ou=${ou},ou=scratch,${slapd.base}`
      yield* Effect.acquireRelease(
        session.add(base, { objectClass: "organizationalUnit", ou }),
        () => Effect.ignore(session.delete(base))
      )
      return { session, base }
    })
  })
}

describe("LdapSchema.repository", () => {
  it.effect("takes the client of the context", () =>
    Effect.gen(function*() {
      const { base, session } = yield* inMemory
      const people = yield* LdapSchema.repository(Person, { base, rdn: "uid" }).pipe(
        Effect.provideService(LdapClient.LdapClient, LdapClient.fromSession(session))
      )
      assert.deepStrictEqual(yield* people.find("unlisted"), Option.none())
    }))

  it.effect("a base that is no name is an error", () =>
    Effect.gen(function*() {
      const { session } = yield* inMemory
      const error = yield* Effect.flip(LdapSchema.makeRepository(session, Person, { base: "people", rdn: "uid" }))
      assert.strictEqual(error.reason._tag, "InvalidRequest")
    }))

  it.effect("without a field for the entry's name, the entry is the one right below the base", () =>
    Effect.gen(function*() {
      const { base, session } = yield* inMemory
      class Unit extends LdapSchema.Class<Unit>("Unit")({
        objectClass: "organizationalUnit",
        fields: { ou: LdapSchema.DirectoryString, description: LdapSchema.optional(LdapSchema.DirectoryString) }
      }) {}
      const units = yield* LdapSchema.makeRepository(session, Unit, { base, rdn: "ou" })
      const first = new Unit({ ou: "a" })
      yield* units.insert(first)
      yield* units.update(new Unit({ ou: "b", description: "x" }), { previous: first })
      assert.deepStrictEqual(yield* units.find("a"), Option.none())
      assert.strictEqual(Option.getOrThrow(yield* units.find("b")).description, "x")
      yield* units.delete(new Unit({ ou: "b" }))
      assert.deepStrictEqual(yield* units.find("b"), Option.none())
    }))

  it.effect("each change is sent once: a new name by a rename, the rest by one modification", () =>
    Effect.gen(function*() {
      const { base, session } = yield* inMemory
      const sent: Array<string> = []
      const recording: LdapSchema.Operations = {
        ...session,
        rename: (dn, options) => {
          sent.push(`rename ${dn} ${options.newRdn}`)
          return session.rename(dn, options)
        },
        modify: (dn, changes) => {
          sent.push(
            `modify ${dn} ${
              JSON.stringify([changes].flat().map((change) => "attribute" in change && change.attribute))
            }`
          )
          return session.modify(dn, changes)
        }
      }
      const people = yield* LdapSchema.makeRepository(recording, Person, { base, rdn: "uid" })
      yield* people.insert(ada)
      yield* people.update(changed(ada, { uid: "b" }), { previous: ada })
      yield* people.update(changed(ada, { uid: "b" }))
      yield* people.update(changed(ada, { uid: "c", name: "C", mail: [] }), { previous: changed(ada, { uid: "b" }) })
      assert.deepStrictEqual(sent, [
        `rename uid=ada,${base} uid=b`,
        `rename uid=b,${base} uid=c`,
        `modify uid=c,${base} ["cn","mail"]`
      ])
    }))
})
