/**
 * One batch of changes into the tables, in the order of the changes. It runs in a transaction of its caller; a failure anywhere leaves nothing
 * behind.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import { isUpsert, type LdapChange } from "../../LdapChange.ts"
import type { LdapReplicaError } from "../model/ReplicaError.ts"
import type { EntryRow } from "../tables/EntryStore.ts"
import type { ReplicaRow, ReplicaStore } from "../tables/ReplicaStore.ts"
import type { BatchResult, NeedsWholeView, RefreshState, WriterOptions } from "./BatchModel.ts"
import { BatchWriter } from "./BatchWriter.ts"

/**
 * Writes a batch. `row` is the locked row of the copy, and `before` the state that the run had: both are replaced by the result.
 *
 * A first refresh is written without reading the rows that it can't have. It fails with `UniqueViolation` if the server sends an entry
 * again in another batch; without `isFirst` it is written after all.
 */
export const writeBatch = Effect.fnUntraced(function*<E, R>(
  store: ReplicaStore,
  options: WriterOptions<E, R>,
  row: ReplicaRow,
  before: RefreshState,
  batch: ReadonlyArray<LdapChange>
): Effect.fn.Return<BatchResult, E | LdapReplicaError | NeedsWholeView | SqlError, R> {
  const rows = before.isFirst && batch.every(isNewInFirst)
    ? new Map<string, EntryRow>()
    : yield* store.entries.read(row.id, uuidsOf(batch))
  const writer = new BatchWriter(store, options, row, before, rows)
  for (let at = 0; at < batch.length;) {
    at = writer.takeIn(batch, at)
    yield* writer.flush
    const change = batch[at]
    if (change?._tag === "RefreshStarted") yield* writer.startRefresh(change.reason)
    else if (change?._tag === "Refreshed") yield* writer.endRefresh(change.deletes)
    else continue
    at++
  }
  yield* writer.report(true)
  const committedAt = yield* Clock.currentTimeMillis
  const after = { ...writer.row, batches: row.batches + 1, committedAt }
  yield* store.save(after)
  return { row: after, state: writer.state, counts: writer.counts }
})

/** Whether a change of a first refresh adds a row, or has none. */
const isNewInFirst = (change: LdapChange): boolean => !("uuid" in change) || isUpsert(change)

const uuidsOf = (batch: ReadonlyArray<LdapChange>): ReadonlyArray<string> => [
  ...new Set(batch.flatMap((change) => "uuid" in change ? [change.uuid] : []))
]
