/**
 * The limit on deletions: how many a window of time allows, and what was confirmed beside it. Pure; the counts are in the row of the copy,
 * so a restart doesn't forget them.
 */
import type { TooManyDeletions } from "./ReplicaError.ts"
import type { ReplicaRow } from "./ReplicaStore.ts"

/** A number of entries, or a share of those that the copy had when the window began. */
export type DeletionLimit = { readonly _tag: "Count"; readonly count: number } | {
  readonly _tag: "Share"
  readonly share: number
}

export type GuardOutcome =
  | { readonly _tag: "Allowed"; readonly row: ReplicaRow }
  | { readonly _tag: "Refused"; readonly facts: Pick<TooManyDeletions, "deletions" | "before" | "limit" | "entries"> }

/** `"10%"` or a number of entries; `undefined` if it is neither. */
export const deletionLimitFrom = (input: unknown): DeletionLimit | undefined => {
  if (typeof input === "number") return input >= 0 ? { _tag: "Count", count: input } : undefined
  if (typeof input !== "string") return undefined
  const percent = /^(\d{1,3}(?:\.\d+)?)%$/.exec(input)?.[1]
  return percent === undefined || Number(percent) > 100 ? undefined : { _tag: "Share", share: Number(percent) / 100 }
}

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
  // What was confirmed is used up by one batch, and not counted in the window.
  if (deletions <= row.confirmed) return { _tag: "Allowed", row: { ...window, confirmed: 0 } }
  return { _tag: "Refused", facts: { deletions, before, limit: allowed, entries: row.entries } }
}
