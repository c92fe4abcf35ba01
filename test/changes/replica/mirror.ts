/**
 * A table of the program that refuses wrong differences: a change that is applied twice, or one without its predecessor.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { ReplicaChange } from "../../../src/changes/replica/model/ReplicaChange.ts"
import type { LdapEntry } from "../../../src/model/entry/LdapEntry.ts"

/** `contentOf` returns the content that the table keeps of an entry, beside its DN. */
export const makeMirror = Effect.fnUntraced(function*(
  sql: SqlClient.SqlClient,
  contentOf: (entry: LdapEntry) => string
): Effect.fn.Return<Mirror, SqlError> {
  yield* sql`CREATE TABLE mirror (uuid TEXT PRIMARY KEY, dn TEXT NOT NULL, content TEXT NOT NULL)`
  const apply = (changes: ReadonlyArray<ReplicaChange>) =>
    Effect.forEach(changes, (change) =>
      Effect.gen(function*() {
        const { _tag, dn, uuid } = change
        const [row] = yield* sql<{ dn: string; content: string }>`SELECT dn, content FROM mirror WHERE uuid = ${uuid}`
        const before = _tag === "Deleted" ? dn : _tag === "Added" ? undefined : change.previousDn
        if (row?.dn !== before) {
          return yield* Effect.die(new Error(`${_tag} of ${uuid} at ${before}, where ${row?.dn} is`))
        }
        if (_tag === "Deleted") return void (yield* sql`DELETE FROM mirror WHERE uuid = ${uuid}`)
        const content = contentOf(change.entry)
        if (row?.dn === dn && row.content === content) return yield* Effect.die(new Error(`${_tag} changes nothing`))
        if (_tag === "Moved" && row?.content !== content) return yield* Effect.die(new Error(`a move changes ${uuid}`))
        return void (yield* sql`INSERT INTO mirror (uuid, dn, content) VALUES (${uuid}, ${dn}, ${content})
          ON CONFLICT (uuid) DO UPDATE SET dn = excluded.dn, content = excluded.content`)
      }), { discard: true })
  const rows = Effect.map(
    sql<{ uuid: string; dn: string; content: string }>`SELECT uuid, dn, content FROM mirror ORDER BY uuid`,
    (rows) => rows.map(({ content, dn, uuid }) => [uuid, dn, content] as const)
  )
  return { apply, rows }
})

export interface Mirror {
  readonly apply: (changes: ReadonlyArray<ReplicaChange>) => Effect.Effect<void, SqlError>
  readonly rows: Effect.Effect<ReadonlyArray<readonly [uuid: string, dn: string, content: string]>, SqlError>
}
