/**
 * Writes classes of LdapSchema for the object classes of a server:
 *
 *     node examples/schema-generate.ts                            of a directory in memory, to see what it is like
 *     LDAP_URL=ldaps://ldap.example.org LDAP_BIND_DN=cn=reader,dc=example,dc=org LDAP_PASSWORD=… \
 *       node examples/schema-generate.ts inetOrgPerson posixGroup inetOrgPerson,posixAccount > entries.ts
 *
 * Each argument becomes a class; object classes with commas between them become one class of entries that have all of them.
 * Without LDAP_BIND_DN the session stays anonymous: most servers let anonymous clients read the schema. The other names are in
 * .env.example. One more is LDAP_SINGLE=uid,cn: attributes that have only one value in your entries, although the schema allows several.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { LdapClient, LdapConfig, LdapSubschema } from "../src/index.ts"
import { InMemoryDirectory } from "../src/testing.ts"

const inMemory = Effect.flatMap(
  InMemoryDirectory.make({
    entries: [{ dn: "dc=example", attributes: { objectClass: ["domain"], dc: "example" } }],
    access: () => true
  }),
  ({ transport }) => LdapClient.fromTransport(transport)
)

const program = Effect.gen(function*() {
  const isThere = Option.isSome(yield* Config.option(Config.String("LDAP_URL")))
  const single = yield* Config.String("LDAP_SINGLE").pipe(Config.withDefault(""))
  const client = yield* isThere ? Effect.flatMap(LdapConfig.fromEnvironment(), LdapClient.make) : inMemory
  const names = isThere ? process.argv.slice(2) : ["inetOrgPerson", "groupOfNames"]
  const schema = yield* LdapSubschema.read(client)
  for (const { message } of schema.unreadable) yield* Console.error(message)
  if (names.length === 0) {
    yield* Console.error("Which object classes? The server has these:")
    return yield* Console.log(schema.objectClasses.map(({ names, oid }) => names[0] ?? oid).sort().join("\n"))
  }
  const objectClasses = names.map((name) => name.split(","))
  yield* Console.log(
    yield* Effect.fromResult(LdapSubschema.generate(schema, { objectClasses, single: single.split(",") }))
  )
})

NodeRuntime.runMain(Effect.scoped(program))
