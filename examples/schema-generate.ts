/**
 * Writes classes of LdapSchema for the object classes of your server:
 *
 *     LDAP_URL=ldaps://ldap.example.org LDAP_BIND_DN=cn=reader,dc=example,dc=org LDAP_PASSWORD=… \
 *       node examples/schema-generate.ts inetOrgPerson posixGroup inetOrgPerson,posixAccount > entries.ts
 *
 * Each argument becomes a class; object classes with commas between them become one class of entries that have all of them.
 * Without LDAP_BIND_DN nobody is bound: most servers show their schema to everyone. LDAP_CA_FILE is the certificate of the
 * authority, where Node doesn't know it; LDAP_STARTTLS=true protects an ldap:// connection. LDAP_SINGLE=uid,cn names attributes
 * of which your entries have one value only, though the schema would let them have several.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { readFileSync } from "node:fs"
import { LdapAuth, LdapClient, LdapSubschema } from "../src/index.ts"

const program = Effect.gen(function*() {
  const url = yield* Config.String("LDAP_URL")
  const dn = yield* Config.option(Config.String("LDAP_BIND_DN"))
  const caFile = yield* Config.option(Config.String("LDAP_CA_FILE"))
  const startTls = yield* Config.Boolean("LDAP_STARTTLS").pipe(Config.withDefault(false))
  const single = yield* Config.String("LDAP_SINGLE").pipe(Config.withDefault(""))
  const names = process.argv.slice(2)
  const client = yield* LdapClient.make({
    url,
    startTls,
    ...(Option.isSome(dn) ? { auth: LdapAuth.simple(dn.value, yield* Config.Redacted("LDAP_PASSWORD")) } : undefined),
    ...(Option.isSome(caFile) ? { tls: { ca: readFileSync(caFile.value, "utf8") } } : undefined)
  })
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
