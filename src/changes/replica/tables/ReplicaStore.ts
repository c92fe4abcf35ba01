/**
 * The row of a copy: who may write, up to where the directory is copied, and what refreshes and the limit on deletions have to remember.
 * `fence` begins each transaction of a copy; EntryStore.ts has the rows of its entries.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { Held, LdapReplicaError, Superseded } from "../model/ReplicaError.ts"
import { EntryStore } from "./EntryStore.ts"
import { type Dialect, run, transaction } from "./SqlRows.ts"

/** The row of a copy, one for each copy in the database. */
export interface ReplicaRow {
  readonly id: number
  readonly viewKey: string
  /** Who may write: each process that takes the copy over has a higher one. */
  readonly epoch: number
  readonly owner: string
  readonly leaseUntil: number
  /** Empty where there is none. */
  readonly checkpoint: string
  readonly batches: number
  /** Of the refresh that runs or ran last: a row whose `named` has it was named in it, one whose `placed` has it got its DN in it. */
  readonly generation: number
  /** Whether a refresh that isn't over has moved an entry with others below it, or an unchanged one: no other refresh can go on from there. */
  readonly unsettled: boolean
  /** Whether the whole view is to be read again, because it was asked for or is another one than before. */
  readonly whole: boolean
  readonly entries: number
  readonly windowStart: number
  readonly windowEntries: number
  readonly windowDeletions: number
  /** How many deletions are allowed beside those of the window. */
  readonly confirmed: number
  /** Milliseconds since 1970, 0 if never. */
  readonly refreshedAt: number
  readonly committedAt: number
}

export type LeaseOutcome = { readonly _tag: "Taken"; readonly row: ReplicaRow } | {
  readonly _tag: "Held"
  readonly owner: string
  readonly until: number
}

export class ReplicaStore {
  readonly sql: SqlClient.SqlClient
  readonly dialect: Dialect
  readonly name: string
  readonly entries: EntryStore

  constructor(sql: SqlClient.SqlClient, dialect: Dialect, name: string) {
    this.sql = sql
    this.dialect = dialect
    this.name = name
    this.entries = new EntryStore(sql, dialect)
  }

  #run<A extends object = Record<string, unknown>>(text: string, params: ReadonlyArray<unknown> = []) {
    return run<A>(this.sql, this.dialect, text, params)
  }

  /** The row of the copy, if it was ever made. */
  readonly row: Effect.Effect<Option.Option<ReplicaRow>, SqlError> = Effect.suspend(() =>
    Effect.map(
      this.#run(`SELECT * FROM ldap_replica WHERE name = ?`, [this.name]),
      (rows) => Option.map(Option.fromUndefinedOr(rows[0]), replicaRow)
    )
  )

  /**
   * Takes the copy over if no other process holds it, with the next epoch. If it was made of another view, the whole view is to be read:
   * its rows may lack attributes that are wanted now, whatever their versions say.
   */
  take(owner: string, viewKey: string, leaseMillis: number): Effect.Effect<LeaseOutcome, SqlError> {
    return transaction(
      this.sql,
      Effect.gen({ self: this }, function*() {
        const now = yield* Clock.currentTimeMillis
        yield* this.#run(
          `INSERT INTO ldap_replica (name, view_key, epoch, owner, lease_until, checkpoint, batches, generation, unsettled, whole,
          entries, window_start, window_entries, window_deletions, confirmed, refreshed_at, committed_at)
        VALUES (?, ?, 0, '', 0, '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) ON CONFLICT (name) DO NOTHING`,
          [this.name, viewKey]
        )
        const taken = yield* this.#run(
          `UPDATE ldap_replica SET epoch = epoch + 1, owner = ?, lease_until = ?,
          whole = CASE WHEN view_key = ? THEN whole ELSE 1 END, view_key = ?
        WHERE name = ? AND (owner = ? OR lease_until <= ?) RETURNING *`,
          [owner, now + leaseMillis, viewKey, viewKey, this.name, owner, now]
        )
        if (taken.length > 0) return { _tag: "Taken", row: replicaRow(taken[0]!) } as const
        const [held] = yield* this.#run<{ owner: string; lease_until: unknown }>(
          `SELECT owner, lease_until FROM ldap_replica WHERE name = ?`,
          [this.name]
        )
        return { _tag: "Held", owner: held?.owner ?? "", until: Number(held?.lease_until ?? 0) } as const
      })
    )
  }

  held(owner: string, until: number): LdapReplicaError {
    return new LdapReplicaError({ replica: this.name, reason: new Held({ owner, until: new Date(until) }) })
  }

  /** Ends the lease, so that another process can take the copy over at once. */
  release(epoch: number): Effect.Effect<void, SqlError> {
    return Effect.asVoid(
      this.#run(`UPDATE ldap_replica SET lease_until = 0 WHERE name = ? AND epoch = ?`, [this.name, epoch])
    )
  }

  /**
   * Locks the row of the copy until the transaction ends, renews the lease, and fails if another process has taken the copy over. So no
   * process writes after another one has begun, whatever clocks, networks and the operating system do to it.
   */
  fence(epoch: number, leaseMillis: number): Effect.Effect<ReplicaRow, LdapReplicaError | SqlError> {
    return Effect.gen({ self: this }, function*() {
      const now = yield* Clock.currentTimeMillis
      const rows = yield* this.#run(
        `UPDATE ldap_replica SET lease_until = ? WHERE name = ? AND epoch = ? RETURNING *`,
        [now + leaseMillis, this.name, epoch]
      )
      if (rows.length === 0) {
        return yield* new LdapReplicaError({ replica: this.name, reason: new Superseded({ epoch }) })
      }
      return replicaRow(rows[0]!)
    })
  }

  save(row: ReplicaRow): Effect.Effect<void, SqlError> {
    return Effect.asVoid(this.#run(
      `UPDATE ldap_replica SET view_key = ?, checkpoint = ?, batches = ?, generation = ?, unsettled = ?, whole = ?, entries = ?,
        window_start = ?, window_entries = ?, window_deletions = ?, confirmed = ?, refreshed_at = ?, committed_at = ? WHERE id = ?`,
      [
        row.viewKey,
        row.checkpoint,
        row.batches,
        row.generation,
        row.unsettled ? 1 : 0,
        row.whole ? 1 : 0,
        row.entries,
        row.windowStart,
        row.windowEntries,
        row.windowDeletions,
        row.confirmed,
        row.refreshedAt,
        row.committedAt,
        row.id
      ]
    ))
  }

  confirm(deletions: number): Effect.Effect<void, SqlError> {
    return Effect.asVoid(this.#run(`UPDATE ldap_replica SET confirmed = ? WHERE name = ?`, [deletions, this.name]))
  }

  /** Asks for the whole view. The process that holds the copy sees it with its next batch or sign of life. */
  askForWhole(): Effect.Effect<void, SqlError> {
    return Effect.asVoid(this.#run(`UPDATE ldap_replica SET whole = 1 WHERE name = ?`, [this.name]))
  }
}

const replicaRow = (row: Record<string, unknown>): ReplicaRow => ({
  id: Number(row["id"]),
  viewKey: String(row["view_key"]),
  epoch: Number(row["epoch"]),
  owner: String(row["owner"]),
  leaseUntil: Number(row["lease_until"]),
  checkpoint: String(row["checkpoint"]),
  batches: Number(row["batches"]),
  generation: Number(row["generation"]),
  unsettled: Number(row["unsettled"]) !== 0,
  whole: Number(row["whole"]) !== 0,
  entries: Number(row["entries"]),
  windowStart: Number(row["window_start"]),
  windowEntries: Number(row["window_entries"]),
  windowDeletions: Number(row["window_deletions"]),
  confirmed: Number(row["confirmed"]),
  refreshedAt: Number(row["refreshed_at"]),
  committedAt: Number(row["committed_at"])
})
