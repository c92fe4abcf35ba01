/**
 * What changes mean for the rows that a copy has, by the contract of `LdapChange.ts`: which rows are written, marked, placed and removed,
 * and which differences that makes. Pure; BatchWriter.ts carries a plan out.
 */
import * as Result from "effect/Result"
import type { Upsert } from "../../LdapChange.ts"
import type { ReplicaChange } from "../model/ReplicaChange.ts"
import type { EntryRow, UpsertRow } from "../tables/EntryStore.ts"
import { dnKeyOf, storedFrom } from "../tables/StoredEntry.ts"
import { type Move, NeedsWholeView } from "./BatchModel.ts"

/** The last change of an entry that isn't written yet. */
export type Pending =
  | { readonly _tag: "Upsert"; readonly change: Upsert }
  | { readonly _tag: "Present"; readonly dn: string | undefined }
  | { readonly _tag: "Delete" }

/** A row whose attributes stay, and its DN. */
export interface Placed {
  readonly uuid: string
  readonly dn: string
  readonly dnKey: string
}

export interface BatchPlan {
  /** Rows that don't exist. */
  readonly inserts: Array<UpsertRow>
  /** Rows that change. */
  readonly upserts: Array<UpsertRow>
  /** New versions of rows whose other columns are unchanged. */
  readonly versions: Array<readonly [uuid: string, version: string]>
  /** Rows that a refresh names, beside those that are written. */
  readonly named: Array<string>
  /** Rows that a refresh deletes at its end. */
  readonly doomed: Array<string>
  /** Rows that are deleted now. */
  readonly removed: Array<EntryRow>
  readonly placed: Array<Placed>
  /** Entries that have another DN, from the one before. */
  readonly moves: Array<Move>
  /** Entries that were moved before in the same refresh, and where they are now. */
  readonly movedAgain: Map<string, string>
  readonly differences: Array<ReplicaChange>
  /** How many changes make no difference to the rows. */
  unchanged: number
}

/** The refresh that runs, or ran last. */
export interface RefreshMark {
  readonly isRefreshing: boolean
  readonly generation: number
}

/** Fails with a problem that only reading the whole view can repair. */
export const planOf = (
  pending: ReadonlyMap<string, Pending>,
  rows: ReadonlyMap<string, EntryRow>,
  refresh: RefreshMark
): Result.Result<BatchPlan, NeedsWholeView> => {
  const plan: BatchPlan = {
    inserts: [],
    upserts: [],
    versions: [],
    named: [],
    doomed: [],
    removed: [],
    placed: [],
    moves: [],
    movedAgain: new Map(),
    differences: [],
    unchanged: 0
  }
  for (const [uuid, change] of pending) {
    const row = rows.get(uuid)
    switch (change._tag) {
      case "Delete": {
        if (row === undefined) break
        if (refresh.isRefreshing) plan.doomed.push(uuid)
        else plan.removed.push(row)
        break
      }
      case "Present": {
        if (row === undefined) {
          return Result.fail(
            new NeedsWholeView({ why: `the directory takes the entry ${uuid} for known, and it isn't` })
          )
        }
        planPresent(plan, row, change.dn, refresh)
        break
      }
      case "Upsert":
        planUpsert(plan, row, change.change, refresh)
    }
  }
  return Result.succeed(plan)
}

const planPresent = (plan: BatchPlan, row: EntryRow, dn: string | undefined, refresh: RefreshMark): void => {
  const { uuid } = row
  const isMoved = dn !== undefined && dn !== row.dn
  if (isMoved) {
    const dnKey = dnKeyOf(dn)
    planMove(plan, row, dn, dnKey, refresh)
    plan.placed.push({ uuid, dn, dnKey })
  } else {
    if (dn !== undefined) planPlace(plan, row, refresh)
    plan.unchanged++
  }
  planName(plan, row, refresh)
}

const planUpsert = (
  plan: BatchPlan,
  row: EntryRow | undefined,
  { dn: given, entry, uuid, version = "" }: Upsert,
  refresh: RefreshMark
): void => {
  const stored = storedFrom(given, entry)
  const { dn, dnKey, hash } = stored
  if (row === undefined) {
    plan.inserts.push({ uuid, version, ...stored })
    plan.differences.push({ _tag: "Added", uuid, dn, entry })
  } else if (row.hash === hash && row.dn === dn) {
    if (row.version !== version) plan.versions.push([uuid, version])
    planName(plan, row, refresh)
    planPlace(plan, row, refresh)
    plan.unchanged++
  } else {
    planMove(plan, row, dn, dnKey, refresh)
    plan.upserts.push({ uuid, version, ...stored })
    plan.differences.push({
      _tag: row.hash === hash ? "Moved" : "Modified",
      uuid,
      dn,
      previousDn: row.dn,
      entry
    })
  }
}

const planName = ({ named }: BatchPlan, row: EntryRow, { generation, isRefreshing }: RefreshMark): void => {
  if (isRefreshing && row.named !== generation) named.push(row.uuid)
}

/** The row keeps its DN, which counts as told in this refresh. */
const planPlace = ({ placed }: BatchPlan, row: EntryRow, { generation, isRefreshing }: RefreshMark): void => {
  if (isRefreshing && row.placed !== generation) placed.push({ uuid: row.uuid, dn: row.dn, dnKey: row.dnKey })
}

/** Moves count from the DN before the refresh. */
const planMove = (
  { movedAgain, moves }: BatchPlan,
  { dn: from, dnKey: fromKey, placed, uuid }: EntryRow,
  to: string,
  toKey: string,
  { generation, isRefreshing }: RefreshMark
): void => {
  if (fromKey === toKey) return
  if (isRefreshing && placed === generation) movedAgain.set(uuid, to)
  else moves.push({ uuid, fromKey, from, to })
}
