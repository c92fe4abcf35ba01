/**
 * A copy of a directory in SQLite, kept up to date: `node examples/replica/main.ts`.
 *
 * The people of the directory are rows of a table of this program, as values of a class, and a program joins them with a table of its
 * own. The directory is in memory, and so is the database. In a program of your own the imports are `from "effect-ldap"` and
 * `from "effect-ldap/replica"`, the client is `LdapClient.layer({ url, … })`, and the database has a filename.
 */
import { Console, Effect, Fiber, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { LdapClient, LdapModification, LdapSchema } from "../../src/index.ts"
import { LdapReplica, SqliteClient } from "../../src/replica.ts"
import { InMemoryDirectory } from "../../src/testing.ts"

const base = "ou=people,dc=example,dc=org"
const admin = { dn: "cn=admin,dc=example,dc=org", password: "secret" }

class Person extends LdapSchema.Class<Person>("Person")({
  objectClass: "inetOrgPerson",
  fields: {
    uid: LdapSchema.DirectoryString,
    cn: LdapSchema.DirectoryString,
    mail: LdapSchema.optional(LdapSchema.Ia5String)
  }
}) {}

const personOf = (uid: string, cn: string) => ({
  objectClass: "inetOrgPerson",
  uid,
  cn,
  sn: cn.split(" ").at(-1)!,
  mail: `${uid}@example.org`
})

const program = Effect.gen(function*() {
  const ldap = yield* LdapClient.LdapClient
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE people (uuid TEXT PRIMARY KEY, uid TEXT NOT NULL, cn TEXT NOT NULL, mail TEXT)`
  yield* sql`CREATE TABLE desks (uid TEXT PRIMARY KEY, room TEXT NOT NULL)`
  yield* sql`INSERT INTO desks ${sql.insert([{ uid: "ada", room: "1.01" }, { uid: "grace", room: "2.17" }])}`

  const people = yield* LdapReplica.make(Person, { name: "people", base, table: "people" })
  const following = yield* Effect.forkChild(people.run)
  const isCopied = (entries: number, changes: number) =>
    Stream.runDrain(
      Stream.takeUntil(people.progress, ({ counts, ...progress }) =>
        progress.entries === entries && counts.added + counts.modified + counts.deleted >= changes)
    )
  yield* isCopied(20, 20)
  yield* Console.log("20 people copied")

  // What happens in the directory is a row a moment later.
  yield* ldap.add(`uid=ada,${base}`, personOf("ada", "Ada Lovelace"))
  yield* ldap.modify(`uid=grace,${base}`, LdapModification.replace("cn", "Grace Brewster Hopper"))
  yield* isCopied(21, 22)
  const rows = yield* sql<{ cn: string; room: string }>`SELECT cn, room FROM people JOIN desks USING (uid) ORDER BY cn`
  for (const { cn, room } of rows) yield* Console.log(`${cn} sits in room ${room}`)
  yield* Fiber.interrupt(following)

  // A mistake in the directory stops before it is one in the table.
  for (let n = 0; n < 10; n++) yield* ldap.delete(`uid=user${n},${base}`)
  yield* people.poll.pipe(
    Effect.catchReason("LdapReplicaError", "TooManyDeletions", (reason) =>
      Effect.gen(function*() {
        const [count] = yield* sql<{ n: number }>`SELECT count(*) AS n FROM people`
        yield* Console.log(
          `stopped: ${reason.deletions} of ${reason.entries} would be deleted; ${count!.n} rows are there`
        )
        yield* people.confirmDeletions(reason.deletions)
        yield* people.poll
      }))
  )
  const report = yield* people.verify({ repair: true })
  yield* Console.log(
    `compared ${report.compared} entries: ${report.missing + report.different + report.extra} differences`
  )
})

await program.pipe(
  Effect.provide(SqliteClient.layer({ filename: ":memory:" })),
  Effect.provide(InMemoryDirectory.layer({
    entries: [
      { dn: "dc=example,dc=org", attributes: { objectClass: "domain", dc: "example" } },
      { dn: base, attributes: { objectClass: "organizationalUnit", ou: "people" } },
      { dn: `uid=grace,${base}`, attributes: personOf("grace", "Grace Hopper") },
      ...Array.from({ length: 19 }, (_, n) => ({
        dn: `uid=user${n},${base}`,
        attributes: personOf(`user${n}`, `User ${n}`)
      }))
    ],
    admin: { dn: admin.dn, password: admin.password },
    allowAnonymous: true,
    access: () => true
  })),
  Effect.runPromise
)
