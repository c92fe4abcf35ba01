/** A copy of a directory in SQLite, beside a search for the same entries and prepared inserts of rows as large. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import { DatabaseSync } from "node:sqlite"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapReplica from "../../../src/changes/replica/LdapReplica.ts"
import * as SqliteClient from "../../../src/changes/sqlite/SqliteClient.ts"
import * as LdapClient from "../../../src/client/LdapClient.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { ldif, person, personDn } from "../servers/directory.ts"
import type { Pairs } from "./Pair.ts"

const entries = 1_000
const base = "dc=bench"

const text = [
  `dn: ${base}\nobjectClass: domain\ndc: bench\n`,
  `dn: ou=people,${base}\nobjectClass: organizationalUnit\nou: people\n`,
  ...Array.from({ length: entries }, (_, i) => ldif(person(i)))
].join("\n")

/** As large as the row of a person. */
const row = JSON.stringify({ values: "x".repeat(900) })

export const make = async (): Promise<Pairs> => {
  const scope = Scope.makeUnsafe()
  const layer = Layer.mergeAll(
    InMemoryDirectory.layer({
      ldif: text,
      admin: { password: "secret" },
      client: { auth: LdapAuth.simple(`cn=admin,${base}`, Redacted.make("secret")) }
    }),
    SqliteClient.layer({ filename: ":memory:" })
  )
  const services = await Effect.runPromise(Layer.buildWithScope(layer, scope))
  const run = <A, E>(
    work: Effect.Effect<A, E, LdapClient.LdapClient | SqlClient.SqlClient | Scope.Scope>
  ): Promise<A> => Effect.runPromise(Effect.provide(Scope.provide(work, scope), services))
  const replica = await run(LdapReplica.make({ name: "bench", base, source: "contentSync" }))
  const copy = Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* sql`DELETE FROM ldap_replica`
    yield* replica.poll
    const [count] = yield* sql<{ n: unknown }>`SELECT count(*) AS n FROM ldap_replica_entry`
    if (Number(count?.n) !== entries + 2) throw new Error(`${String(count?.n)} entries were copied`)
  })
  const database = new DatabaseSync(":memory:")
  database.exec("CREATE TABLE entry (uuid TEXT PRIMARY KEY, dn TEXT, dn_key TEXT UNIQUE, attributes TEXT, hash TEXT)")
  const insert = database.prepare("INSERT INTO entry VALUES (?, ?, ?, ?, ?)")
  const floor = Effect.gen(function*() {
    const ldap = yield* LdapClient.LdapClient
    yield* Stream.runDrain(ldap.search({ base }))
    database.exec("DELETE FROM entry")
    database.exec("BEGIN")
    for (let i = 0; i < entries; i++) {
      insert.run(`${i}`.padStart(36, "0"), personDn(i), personDn(i), row, "x".repeat(43))
    }
    database.exec("COMMIT")
  })
  return {
    pairs: { SQLite: { own: () => run(copy), other: () => run(floor) } },
    close: async () => {
      await Effect.runPromise(Scope.close(scope, Exit.void))
      database.close()
    }
  }
}
