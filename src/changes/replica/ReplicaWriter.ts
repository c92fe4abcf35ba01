/**
 * One batch of changes into the tables, by the contract of `LdapChange.ts`: which rows are written, marked, moved and deleted, and which
 * differences that makes. It runs in a transaction of its caller; a failure anywhere leaves nothing behind.
 */
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import type { LdapChange, Refreshed, Upsert } from "../LdapChange.ts"
import { type DeletionLimit, guard } from "./deletionGuard.ts"
import type { ReplicaChange } from "./ReplicaChange.ts"
import { LdapReplicaError, TooManyDeletions } from "./ReplicaError.ts"
import type { EntryRow, ReplicaRow, ReplicaStore, UpsertRow } from "./ReplicaStore.ts"
import { dnKeyOf, entryFrom, movedDn, storedFrom } from "./StoredEntry.ts"

/** The changes since the cookie don't suffice: the view has to be read again without it. */
export class NeedsWholeView extends Data.TaggedError("NeedsWholeView")<{ readonly why: string }> {}

/** What an entry's move means for the entries below it. */
interface Move {
  readonly uuid: string
  readonly fromKey: string
  readonly from: string
  readonly to: string
}

/** What a run knows between its batches. */
export interface RefreshState {
  isRefreshing: boolean
  /** Moves of the refresh that runs, which apply at its end. */
  moves: Array<Move>
}

export interface WriterOptions<E, R> {
  readonly limit: DeletionLimit
  readonly windowMillis: number
  /** Is given the differences inside the transaction. */
  readonly apply: ((changes: ReadonlyArray<ReplicaChange>) => Effect.Effect<void, E, R>) | undefined
}

/**
 * How many differences of each kind were made, and how many changes made none.
 *
 * @category models
 * @since 0.2.0
 */
export interface BatchCounts {
  readonly added: number
  readonly modified: number
  readonly moved: number
  readonly deleted: number
  readonly unchanged: number
}

type Counting = { -readonly [Kind in keyof BatchCounts]: number }

export interface BatchResult {
  readonly row: ReplicaRow
  readonly state: RefreshState
  readonly counts: BatchCounts
}

/** How many rows a statement reads and writes where their number isn't that of the batch. */
const page = 500

type Pending =
  | { readonly _tag: "Upsert"; readonly change: Upsert }
  | { readonly _tag: "Present"; readonly dn: string | undefined }
  | { readonly _tag: "Delete" }

/** Writes a batch. `row` is the locked row of the copy, and `before` the state that the run had: both are replaced by the result. */
export const writeBatch = <E, R>(
  store: ReplicaStore,
  options: WriterOptions<E, R>,
  row: ReplicaRow,
  before: RefreshState,
  batch: ReadonlyArray<LdapChange>
): Effect.Effect<BatchResult, E | LdapReplicaError | NeedsWholeView | SqlError, R> =>
  Effect.gen(function*() {
    const uuids = new Set(batch.flatMap((change) => "uuid" in change ? [change.uuid] : []))
    const writer = new Writer(store, options, row, before, yield* store.read(row.id, [...uuids]))
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

class Writer<E, R> {
  readonly store: ReplicaStore
  readonly options: WriterOptions<E, R>
  row: ReplicaRow
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
    this.row = row
    this.state = { isRefreshing: state.isRefreshing, moves: [...state.moves] }
    this.#rows = rows
  }

  /** Takes a change in. The answer is whether it has to be written before others are taken: it moves what is below it. */
  add(uuid: string, pending: Pending): boolean {
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
    this.state.moves = []
    return Effect.void
  }

  endRefresh(deletes: Refreshed["deletes"]) {
    return Effect.gen({ self: this }, function*() {
      const { generation, id } = this.row
      const absent = deletes === "absent"
      yield* this.#allow(yield* this.store.countUnnamed(id, generation, absent))
      for (;;) {
        const rows = yield* this.store.unnamed(id, generation, absent, page)
        yield* this.#remove(rows)
        if (rows.length < page) break
      }
      // The nearest ancestor counts, so the deepest comes first; a row that was moved has its DN, and isn't moved again.
      const moves = this.state.moves.sort((a, b) => b.fromKey.length - a.fromKey.length)
      for (const move of moves) yield* this.#moveBelow(move, generation)
      // A refresh that began before the whole view was asked for doesn't end here: the fence stops it.
      this.row = { ...this.row, unsettled: false, whole: false, refreshedAt: yield* Clock.currentTimeMillis }
      this.state.isRefreshing = false
      this.state.moves = []
    })
  }

  get flush() {
    return Effect.gen({ self: this }, function*() {
      const pending = this.#pending
      if (pending.size === 0) return
      this.#pending = new Map()
      const { generation, id } = this.row
      const upserts: Array<UpsertRow> = []
      const versions: Array<readonly [string, string]> = []
      const named: Array<string> = []
      const doomed: Array<string> = []
      const removed: Array<EntryRow> = []
      const placed: Array<{ readonly uuid: string; readonly dn: string; readonly dnKey: string }> = []
      const moves: Array<Move> = []
      const moved = (row: EntryRow, dn: string, dnKey: string) => {
        if (row.dnKey === dnKey) return
        const again = this.state.isRefreshing && row.placed === generation
        // Moves count from the DN before the refresh.
        if (again)
          this.state.moves = this.state.moves.map((move) => move.uuid === row.uuid ? { ...move, to: dn } : move)
        else moves.push({ uuid: row.uuid, fromKey: row.dnKey, from: row.dn, to: dn })
      }
      for (const [uuid, change] of pending) {
        const row = this.#rows.get(uuid)
        switch (change._tag) {
          case "Delete": {
            if (row !== undefined) {
              if (this.state.isRefreshing) doomed.push(uuid)
              else removed.push(row)
            }
            break
          }
          case "Present": {
            if (row === undefined) {
              return yield* new NeedsWholeView({ why: `the directory takes the entry ${uuid} for known, and it isn't` })
            }
            const dnKey = change.dn === undefined ? row.dnKey : dnKeyOf(change.dn)
            const isMoved = change.dn !== undefined && change.dn !== row.dn
            if (isMoved) {
              moved(row, change.dn, dnKey)
              placed.push({ uuid, dn: change.dn, dnKey })
            } else if (change.dn !== undefined && this.state.isRefreshing && row.placed !== generation) {
              placed.push({ uuid, dn: row.dn, dnKey })
            }
            if (this.state.isRefreshing && row.named !== generation) named.push(uuid)
            if (!isMoved) this.counts.unchanged++
            break
          }
          case "Upsert": {
            const { dn, entry, version = "" } = change.change
            const stored = storedFrom(dn, entry)
            if (row === undefined) {
              upserts.push({ uuid, version, ...stored })
              this.#differs({ _tag: "Added", uuid, dn: stored.dn, entry })
            } else if (row.hash === stored.hash && row.dn === stored.dn) {
              if (row.version !== version) versions.push([uuid, version])
              if (this.state.isRefreshing) {
                if (row.named !== generation) named.push(uuid)
                if (row.placed !== generation) placed.push({ uuid, dn: stored.dn, dnKey: stored.dnKey })
              }
              this.counts.unchanged++
            } else {
              moved(row, stored.dn, stored.dnKey)
              upserts.push({ uuid, version, ...stored })
              const _tag = row.hash === stored.hash ? "Moved" : "Modified"
              this.#differs({ _tag, uuid, dn: stored.dn, previousDn: row.dn, entry })
            }
          }
        }
      }
      // What lies below an entry that moved is asked for before others get their new place below the old name.
      const waiting = this.state.isRefreshing ? yield* this.#withOthersBelow(moves) : []
      yield* this.store.upsert(id, upserts, generation, generation)
      yield* this.store.setVersions(id, versions)
      yield* this.store.mark(id, named, generation)
      yield* this.store.mark(id, doomed, -generation)
      yield* this.#place(placed)
      yield* this.#allow(removed.length)
      yield* this.#remove(removed)
      this.#remember(upserts, versions, named, doomed)
      if (waiting.length > 0) {
        this.state.moves.push(...waiting)
        this.row = { ...this.row, unsettled: true }
      }
      if (!this.state.isRefreshing) { for (const move of moves) yield* this.#moveBelow(move, undefined) }
      yield* this.report(false)
    })
  }

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
        this.row = { ...this.row, entries: this.row.entries + 1 }
        break
      case "Modified":
        this.counts.modified++
        break
      case "Moved":
        this.counts.moved++
        break
      case "Deleted":
        this.counts.deleted++
        this.row = { ...this.row, entries: this.row.entries - 1 }
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
      this.row = outcome.row
      return Effect.void
    })
  }

  #remove(rows: ReadonlyArray<{ readonly uuid: string; readonly dn: string }>) {
    return Effect.gen({ self: this }, function*() {
      yield* this.store.remove(this.row.id, rows.map(({ uuid }) => uuid))
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
        this.store.below(this.row.id, move.fromKey, 1, this.row.generation),
        (rows) => rows.length > 0
      ))
  }

  /** Rows whose attributes stay get new DNs; `Moved` of them needs their attributes, which are in the database. */
  #place(rows: ReadonlyArray<{ readonly uuid: string; readonly dn: string; readonly dnKey: string }>) {
    return Effect.gen({ self: this }, function*() {
      const moved = rows.filter(({ dn, uuid }) => this.#rows.get(uuid)?.dn !== dn)
      yield* this.store.place(this.row.id, rows, this.row.generation)
      const attributes = this.options.apply === undefined || moved.length === 0
        ? new Map<string, unknown>()
        : yield* this.store.attributes(this.row.id, moved.map(({ uuid }) => uuid))
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
        const rows = yield* this.store.below(this.row.id, move.fromKey, page, generation)
        const placed = rows.map((row) => {
          const dn = movedDn(row.dn, move.from, move.to)
          return { uuid: row.uuid, dn, dnKey: dnKeyOf(dn) }
        })
        yield* this.store.place(this.row.id, placed, this.row.generation)
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

  #remember(
    upserts: ReadonlyArray<UpsertRow>,
    versions: ReadonlyArray<readonly [string, string]>,
    named: ReadonlyArray<string>,
    doomed: ReadonlyArray<string>
  ): void {
    const { generation } = this.row
    for (const { dn, dnKey, hash, uuid, version } of upserts) {
      this.#rows.set(uuid, { uuid, dn, dnKey, version, hash, named: generation, placed: generation })
    }
    const change = (uuid: string, fields: Partial<EntryRow>) =>
      this.#rows.set(uuid, { ...this.#rows.get(uuid)!, ...fields })
    for (const [uuid, version] of versions) change(uuid, { version })
    for (const uuid of named) change(uuid, { named: generation })
    for (const uuid of doomed) change(uuid, { named: -generation })
  }
}

/** Stands for an entry that no one is told of. */
const emptyEntry: LdapEntry = entryFrom("", {})
