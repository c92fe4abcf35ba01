/**
 * A cache of people that follows the directory: `node examples/follow.ts`.
 *
 * The copy and the directory are both in memory. People are added and changed while the program follows. Then the program stops, misses an
 * add and a delete, and catches up from its cookie.
 *
 * In a program of your own the imports are `from "effect-ldap"`, and `LdapReplica` keeps the copy in a database.
 */
import { Console, Effect, Fiber, Redacted, References, Schedule, Stream } from "effect"
import { LdapAuth, LdapChanges, LdapClient, LdapModification, LdapSchema } from "../src/index.ts"
import { InMemoryDirectory } from "../src/testing.ts"

class Person extends LdapSchema.Class<Person>("Person")({
  objectClass: ["person"],
  fields: { cn: LdapSchema.DirectoryString, sn: LdapSchema.DirectoryString }
}) {}

const base = "dc=example,dc=org"
const person = (cn: string, sn: string) => ({ objectClass: ["person"], cn, sn })

const program = Effect.gen(function*() {
  const directory = yield* InMemoryDirectory.make({
    entries: [
      { dn: base, attributes: { objectClass: "domain", dc: "example" } },
      { dn: `ou=staff,${base}`, attributes: { objectClass: "organizationalUnit", ou: "staff" } },
      { dn: `cn=Ada,ou=staff,${base}`, attributes: person("Ada", "Lovelace") }
    ],
    admin: { password: "secret" }
  })
  const auth = LdapAuth.simple(`cn=admin,${base}`, Redacted.make("secret"))
  const ldap = yield* LdapClient.fromTransport(directory.transport, { auth })

  const copy = LdapChanges.makeCopy<Person>()
  const show = (what: string) =>
    Console.log(
      `${what.padEnd(28)} ${[...copy.rows.values()].map(({ dn, entry }) => `${entry.sn} (${dn})`).sort().join("; ")}`
    )
  const options = () => ({
    base,
    schema: Person,
    since: copy.cookie,
    known: copy.known,
    // After a lost connection; the default waits longer, as a program should.
    schedule: Schedule.spaced("20 millis")
  })
  const until = (isSo: () => boolean) =>
    Effect.suspend(() => isSo() ? Effect.void : Effect.fail("not yet")).pipe(
      Effect.retry(Schedule.spaced("5 millis")),
      Effect.timeout("10 seconds")
    )
  const has = (sn: string) => [...copy.rows.values()].some(({ entry }) => entry.sn === sn)

  const chosen = yield* LdapChanges.choose(ldap, { base })
  yield* Console.log(`followed by ${chosen.source}: ${chosen.why}`)

  const following = yield* Effect.forkChild(Stream.runForEach(LdapChanges.follow(ldap, options()), copy.apply))
  yield* until(() => copy.isWhole)
  yield* show("at the beginning:")

  yield* ldap.add(`cn=Grace,ou=staff,${base}`, person("Grace", "Hopper"))
  yield* until(() => has("Hopper"))
  yield* show("after an add:")

  yield* ldap.modify(`cn=Ada,ou=staff,${base}`, LdapModification.replace("sn", "King"))
  yield* until(() => has("King"))
  yield* show("after a change:")

  yield* Fiber.interrupt(following)
  yield* ldap.delete(`cn=Grace,ou=staff,${base}`)
  yield* ldap.add(`cn=Edsger,ou=staff,${base}`, person("Edsger", "Dijkstra"))
  yield* show("stopped, and out of date:")

  const missed = yield* LdapChanges.poll(ldap, options()).pipe(
    Stream.tap(copy.apply),
    Stream.runFold(() => 0, (count, change) => LdapChanges.isUpsert(change) ? count + 1 : count)
  )
  yield* show(`caught up, ${missed} entry sent:`)
})

await Effect.runPromise(Effect.scoped(program).pipe(Effect.provideService(References.MinimumLogLevel, "Error")))
