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
export const writeBatch = <E, R>(
  store: ReplicaStore,
  options: WriterOptions<E, R>,
  row: ReplicaRow,
  before: RefreshState,
  batch: ReadonlyArray<LdapChange>
): Effect.Effect<BatchResult, E | LdapReplicaError | NeedsWholeView | SqlError, R> =>
  Effect.gen(function*() {
    const rows = before.isFirst && batch.every(isNewInFirst)
      ? new Map<string, EntryRow>()
      : yield* store.entries.read(row.id, [
        ...new Set(batch.flatMap((change) => "uuid" in change ? [change.uuid] : []))
      ])
    const writer = new BatchWriter(store, options, row, before, rows)
    for (const change of batch) {
      switch (change._tag) {
        case "RefreshStarted": {
          yield* writer.flush
          yield* writer.startRefresh(change.reason)
          break
        }
        case "Refreshed": {
          yield* writer.flush
          yield* writer.endRefresh(change.deletes)
          break
        }
        case "Checkpoint": {
          writer.row = { ...writer.row, checkpoint: change.cookie }
          break
        }
        case "Present": {
          if (writer.add(change.uuid, { _tag: "Present", dn: change.dn })) yield* writer.flush
          break
        }
        case "Deleted": {
          writer.add(change.uuid, { _tag: "Delete" })
          break
        }
        default: {
          if (writer.add(change.uuid, { _tag: "Upsert", change })) yield* writer.flush
        }
      }
    }
    yield* writer.flush
    yield* writer.report(true)
    const committedAt = yield* Clock.currentTimeMillis
    const after = { ...writer.row, batches: row.batches + 1, committedAt }
    yield* store.save(after)
    return { row: after, state: writer.state, counts: writer.counts }
  })

/** Whether a change of a first refresh adds a row, or has none. */
const isNewInFirst = (change: LdapChange): boolean => !("uuid" in change) || isUpsert(change)
