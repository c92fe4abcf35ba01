/**
 * Carries out what changes mean for the tables of a copy: rows that are written, marked, moved and deleted, the limit on deletions, and
 * what is told of it. writeBatch.ts gives it the changes of a batch, BatchPlan.ts decides what they mean.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { LdapEntry } from "../../../model/entry/LdapEntry.ts"
import type { LdapChange, Refreshed } from "../../LdapChange.ts"
import type { ReplicaChange } from "../model/ReplicaChange.ts"
import { LdapReplicaError, TooManyDeletions } from "../model/ReplicaError.ts"
import type { EntryRow } from "../tables/EntryStore.ts"
import type { ReplicaRow, ReplicaStore } from "../tables/ReplicaStore.ts"
import { dnKeyOf, entryFrom, movedDn } from "../tables/StoredEntry.ts"
import { type BatchCounts, type Move, NeedsWholeView, type RefreshState, type WriterOptions } from "./BatchModel.ts"
import { type BatchPlan, type Pending, type Placed, planOf } from "./BatchPlan.ts"
import { guard } from "./deletionGuard.ts"

type Counting = { -readonly [Kind in keyof BatchCounts]: number }

type OwnRow = { -readonly [Field in keyof ReplicaRow]: ReplicaRow[Field] }

/** How many rows a statement reads and writes where their number isn't that of the batch. */
const page = 500

export class BatchWriter<E, R> {
  readonly store: ReplicaStore
  readonly options: WriterOptions<E, R>
  row: OwnRow
  readonly state: RefreshState
  readonly counts: Counting = { added: 0, modified: 0, moved: 0, deleted: 0, unchanged: 0 }
  /** The rows of the batch's UUIDs, as they are in the database after each flush. */
  readonly #rows: Map<string, EntryRow>
  /** What is still to be written, the last change of each UUID. */
  #pending = new Map<string, Pending>()
  #differences: Array<ReplicaChange> = []

  constructor(
    store: ReplicaStore,
    options: WriterOptions<E, R>,
    row: ReplicaRow,
    state: RefreshState,
    rows: Map<string, EntryRow>
  ) {
    this.store = store
    this.options = options
    this.row = { ...row }
    this.state = { ...state, moves: [...state.moves] }
    this.#rows = rows
  }

  /**
   * Takes in changes from a position on. Stops behind a change that has to be written before further ones, and before the begin or end of a
   * refresh. Returns where.
   */
  takeIn(batch: ReadonlyArray<LdapChange>, from: number): number {
    for (let at = from; at < batch.length; at++) {
      const change = batch[at]!
      switch (change._tag) {
        case "RefreshStarted":
        case "Refreshed":
          return at
        case "Checkpoint":
          this.row.checkpoint = change.cookie
          break
        case "Present":
          if (this.#add(change.uuid, { _tag: "Present", dn: change.dn })) return at + 1
          break
        case "Deleted":
          this.#add(change.uuid, { _tag: "Delete" })
          break
        default:
          if (this.#add(change.uuid, { _tag: "Upsert", change })) return at + 1
      }
    }
    return batch.length
  }

  /** Returns whether the change has to be written before further changes, since it moves the entries below it. */
  #add(uuid: string, pending: Pending): boolean {
    const before = this.#pending.get(uuid)
    if (pending._tag === "Present" && before?._tag === "Upsert" && pending.dn === undefined) return false
    // A row that is written and then only named with a DN: both have to happen.
    const isBoth = pending._tag === "Present" && before?._tag === "Upsert"
    this.#pending.set(
      uuid,
      isBoth ? { _tag: "Upsert", change: { ...before.change, dn: pending.dn ?? before.change.dn } } : pending
    )
    if (this.state.isRefreshing || pending._tag === "Delete") return false
    const dn = pending._tag === "Upsert" ? pending.change.dn : pending.dn
    const row = this.#rows.get(uuid)
    return dn !== undefined && row !== undefined && row.dn !== dn && row.dnKey !== dnKeyOf(dn)
  }

  startRefresh(reason: "initial" | "resume" | "refused"): Effect.Effect<void, NeedsWholeView> {
    if (reason === "resume" && this.row.unsettled) {
      return Effect.fail(
        new NeedsWholeView({ why: "a refresh that moved entries with others below them was interrupted" })
      )
    }
    this.row = { ...this.row, generation: this.row.generation + 1 }
    this.state.isRefreshing = true
    this.state.isFirst = this.row.entries === 0
    this.state.moves = []
    return Effect.void
  }

  endRefresh(deletes: Refreshed["deletes"]) {
    return Effect.gen({ self: this }, function*() {
      const { generation, id } = this.row
      // After a first refresh every row was named in it, so there is no need to look for others.
      const absent = deletes === "absent" && !this.state.isFirst
      yield* this.#allow(yield* this.store.entries.countUnnamed(id, generation, absent))
      for (;;) {
        const rows = yield* this.store.entries.unnamed(id, generation, absent, page)
        yield* this.#remove(rows)
        if (rows.length < page) break
      }
      // The nearest ancestor counts, so the deepest comes first; a row that was moved has its DN, and isn't moved again.
      const moves = this.state.moves.sort((a, b) => b.fromKey.length - a.fromKey.length)
      for (const move of moves) yield* this.#moveBelow(move, generation)
      // A refresh that began before the whole view was asked for doesn't end here: the fence stops it.
      this.row = { ...this.row, unsettled: false, whole: false, refreshedAt: yield* Clock.currentTimeMillis }
      this.state.isRefreshing = false
      this.state.isFirst = false
      this.state.moves = []
    })
  }

  /** Writes what was taken in so far. */
  get flush(): Effect.Effect<void, E | LdapReplicaError | NeedsWholeView | SqlError, R> {
    return BatchWriter.#flush(this)
  }

  // One generator for all writers: V8 keeps what the generator function of a call refers to until the next full garbage collection.
  static readonly #flush = Effect.fnUntraced(
    function*<E, R>(
      self: BatchWriter<E, R>
    ): Effect.fn.Return<void, E | LdapReplicaError | NeedsWholeView | SqlError, R> {
      const pending = self.#pending
      if (pending.size === 0) return
      self.#pending = new Map()
      const { generation, id } = self.row
      const { isRefreshing } = self.state
      const plan = yield* Effect.fromResult(planOf(pending, self.#rows, { generation, isRefreshing }))
      const { differences, doomed, inserts, movedAgain, moves, named, placed, removed, upserts, versions } = plan
      if (movedAgain.size > 0) {
        self.state.moves = self.state.moves.map((move) => ({ ...move, to: movedAgain.get(move.uuid) ?? move.to }))
      }
      self.counts.unchanged += plan.unchanged
      differences.forEach((difference) => self.#differs(difference))
      // What lies below an entry that moved is asked for before others get their new place below the old name.
      const waiting = isRefreshing ? yield* self.#withOthersBelow(moves) : []
      // An unchanged entry that moved with one above it. If the refresh is broken off, the next one may name it without its DN.
      const isAhead = isRefreshing && placed.some(({ dnKey, uuid }) => self.#rows.get(uuid)?.dnKey !== dnKey)
      const { entries } = self.store
      yield* entries.insert(id, inserts, generation)
      yield* entries.upsert(id, upserts, generation)
      yield* entries.setVersions(id, versions)
      yield* entries.mark(id, named, generation)
      yield* entries.mark(id, doomed, -generation)
      if (placed.length > 0) yield* self.#place(placed)
      yield* self.#allow(removed.length)
      if (removed.length > 0) yield* self.#remove(removed)
      self.#remember(plan)
      self.state.moves.push(...waiting)
      if (waiting.length > 0 || isAhead) self.row = { ...self.row, unsettled: true }
      if (!isRefreshing) { for (const move of moves) yield* self.#moveBelow(move, undefined) }
      yield* self.report(false)
    }
  )

  /** Tells the differences so far, if there are enough of them, or at the end. */
  report(isLast: boolean): Effect.Effect<void, E, R> {
    const differences = this.#differences
    if (differences.length < (isLast ? 1 : page)) return Effect.void
    this.#differences = []
    return this.options.apply === undefined ? Effect.void : this.options.apply(differences)
  }

  #differs(change: ReplicaChange): void {
    switch (change._tag) {
      case "Added":
        this.counts.added++
        this.row.entries++
        break
      case "Modified":
        this.counts.modified++
        break
      case "Moved":
        this.counts.moved++
        break
      case "Deleted":
        this.counts.deleted++
        this.row.entries--
    }
    if (this.options.apply !== undefined) this.#differences.push(change)
  }

  #allow(deletions: number): Effect.Effect<void, LdapReplicaError> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const outcome = guard(this.row, deletions, this.options.limit, this.options.windowMillis, now)
      if (outcome._tag === "Refused") {
        return Effect.fail(
          new LdapReplicaError({ replica: this.store.name, reason: new TooManyDeletions(outcome.facts) })
        )
      }
      this.row = { ...outcome.row }
      return Effect.void
    })
  }

  #remove(rows: ReadonlyArray<{ readonly uuid: string; readonly dn: string }>) {
    return Effect.gen({ self: this }, function*() {
      yield* this.store.entries.remove(this.row.id, rows.map(({ uuid }) => uuid))
      for (const { dn, uuid } of rows) {
        this.#rows.delete(uuid)
        this.#differs({ _tag: "Deleted", uuid, dn })
      }
      yield* this.report(false)
    })
  }

  #withOthersBelow(moves: ReadonlyArray<Move>): Effect.Effect<ReadonlyArray<Move>, SqlError> {
    return Effect.filter(moves, (move) =>
      Effect.map(
        this.store.entries.below(this.row.id, move.fromKey, 1, this.row.generation),
        (rows) => rows.length > 0
      ))
  }

  /** Rows whose attributes stay get new DNs; `Moved` of them needs their attributes, which are in the database. */
  #place(rows: ReadonlyArray<Placed>) {
    return Effect.gen({ self: this }, function*() {
      const moved = rows.filter(({ dn, uuid }) => this.#rows.get(uuid)?.dn !== dn)
      yield* this.store.entries.place(this.row.id, rows, this.row.generation)
      const attributes = this.options.apply === undefined || moved.length === 0
        ? new Map<string, unknown>()
        : yield* this.store.entries.attributes(this.row.id, moved.map(({ uuid }) => uuid))
      for (const { dn, uuid } of moved) {
        const previousDn = this.#rows.get(uuid)!.dn
        this.#differs({ _tag: "Moved", uuid, dn, previousDn, entry: entryFrom(dn, attributes.get(uuid) ?? "{}") })
      }
      for (const { dn, dnKey, uuid } of rows) this.#placedAt(uuid, dn, dnKey)
    })
  }

  /** Moves the rows below an entry with it; at the end of a refresh those that got no DN in it. */
  #moveBelow(move: Move, generation: number | undefined) {
    return Effect.gen({ self: this }, function*() {
      const toKey = dnKeyOf(move.to)
      // Below itself, which no server does. It would have no end.
      if (toKey.startsWith(move.fromKey) && generation === undefined) return
      for (;;) {
        const rows = yield* this.store.entries.below(this.row.id, move.fromKey, page, generation)
        const placed = rows.map((row) => {
          const dn = movedDn(row.dn, move.from, move.to)
          return { uuid: row.uuid, dn, dnKey: dnKeyOf(dn) }
        })
        yield* this.store.entries.place(this.row.id, placed, this.row.generation)
        for (const [at, { dn, dnKey, uuid }] of placed.entries()) {
          const { attributes, dn: previousDn } = rows[at]!
          this.#placedAt(uuid, dn, dnKey)
          this.#differs({
            _tag: "Moved",
            uuid,
            dn,
            previousDn,
            entry: this.options.apply === undefined ? emptyEntry : entryFrom(dn, attributes)
          })
        }
        yield* this.report(false)
        if (rows.length < page) break
      }
    })
  }

  #placedAt(uuid: string, dn: string, dnKey: string): void {
    const row = this.#rows.get(uuid)
    if (row !== undefined) this.#rows.set(uuid, { ...row, dn, dnKey, placed: this.row.generation })
  }

  #remember({ doomed, inserts, named, upserts, versions }: BatchPlan): void {
    const { generation } = this.row
    for (const rows of [inserts, upserts]) {
      for (const { dn, dnKey, hash, uuid, version } of rows) {
        this.#rows.set(uuid, { uuid, dn, dnKey, version, hash, named: generation, placed: generation })
      }
    }
    const change = (uuid: string, fields: Partial<EntryRow>) =>
      this.#rows.set(uuid, { ...this.#rows.get(uuid)!, ...fields })
    for (const [uuid, version] of versions) change(uuid, { version })
    for (const uuid of named) change(uuid, { named: generation })
    for (const uuid of doomed) change(uuid, { named: -generation })
  }
}

/** A placeholder for an entry whose differences are not reported. */
const emptyEntry: LdapEntry = entryFrom("", {})
