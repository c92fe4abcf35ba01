/**
 * Decides whether deletions are allowed: those that are left of the window of time, and those that were confirmed. Pure; the counts are in
 * the row of the copy, so they survive a restart.
 */
import type { DeletionLimit } from "../model/DeletionLimit.ts"
import type { TooManyDeletions } from "../model/ReplicaError.ts"
import type { ReplicaRow } from "../tables/ReplicaStore.ts"

export type GuardOutcome =
  | { readonly _tag: "Allowed"; readonly row: ReplicaRow }
  | { readonly _tag: "Refused"; readonly facts: Pick<TooManyDeletions, "deletions" | "before" | "limit" | "entries"> }

/** Whether so many rows may be deleted now, and the row of the copy that counts them. */
export const guard = (
  row: ReplicaRow,
  deletions: number,
  limit: DeletionLimit,
  windowMillis: number,
  now: number
): GuardOutcome => {
  if (deletions === 0) return { _tag: "Allowed", row }
  const isOver = row.windowStart === 0 || now - row.windowStart >= windowMillis
  const window = isOver
    ? { ...row, windowStart: now, windowEntries: row.entries, windowDeletions: 0 }
    : row
  const allowed = limit._tag === "Count" ? limit.count : Math.max(1, Math.ceil(limit.share * window.windowEntries))
  const before = window.windowDeletions
  if (before + deletions <= allowed) {
    return { _tag: "Allowed", row: { ...window, windowDeletions: before + deletions } }
  }
  // Confirmed deletions are used up by one batch, and don't count in the window.
  if (deletions <= row.confirmed) return { _tag: "Allowed", row: { ...window, confirmed: 0 } }
  return { _tag: "Refused", facts: { deletions, before, limit: allowed, entries: row.entries } }
}
