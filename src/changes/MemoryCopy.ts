/**
 * A copy of a view in memory: the smallest consumer that follows the contract of LdapChange.ts. It is synchronous and sends no requests.
 *
 * @since 0.2.0
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as LdapDn from "../model/dn/LdapDn.ts"
import type { LdapEntry } from "../model/entry/LdapEntry.ts"
import type { KnownEntries } from "./ChangesOptions.ts"
import type { ChangesCookie, LdapChange } from "./LdapChange.ts"

/**
 * A row of a copy.
 *
 * @category models
 * @since 0.2.0
 */
export interface CopiedEntry<Entry = LdapEntry> {
  /** The UUID of the entry. */
  readonly uuid: string
  /** The name of the entry. */
  readonly dn: string
  /** The entry, or the value of the class. */
  readonly entry: Entry
  /** The version that the source gave, if it has versions. */
  readonly version: string | undefined
}

/**
 * The entries of a view in memory.
 *
 * **When to use**
 *
 * For a cache, for tests, and as an example for your own consumer. `LdapReplica` keeps a copy in a database.
 *
 * **Details**
 *
 * `apply` must get every change of a stream in its order. Between `RefreshStarted` and `Refreshed` the copy is a mixture of old and new
 * entries; `isWhole` is false then. An entry of the class `LdapEntry` keeps the DN with which it was sent; the row's `dn` is its current
 * DN.
 *
 * **Example**
 *
 * ```ts
 * import { LdapChanges, type LdapClient } from "effect-ldap"
 * import { Stream } from "effect"
 *
 * const keep = (ldap: LdapClient.LdapClient) => {
 *   const copy = LdapChanges.makeCopy()
 *   return LdapChanges.follow(ldap, { base: "dc=example,dc=org", since: copy.cookie, known: copy.known }).pipe(
 *     Stream.runForEach((change) => copy.apply(change))
 *   )
 * }
 * ```
 *
 * @category copies
 * @since 0.2.0
 */
export interface MemoryCopy<Entry = LdapEntry> {
  /** The rows by their UUIDs. */
  readonly rows: ReadonlyMap<string, CopiedEntry<Entry>>
  /** The cookie of the last checkpoint. */
  readonly cookie: ChangesCookie | undefined
  /** True if a refresh has ended and none is running. */
  readonly isWhole: boolean
  /** Applies a change, at once when the effect runs. */
  readonly apply: (change: LdapChange<Entry>) => Effect.Effect<void>
  /** For the option `known` of `follow`. */
  readonly known: KnownEntries
}

/**
 * An empty copy.
 *
 * @category copies
 * @since 0.2.0
 */
export const makeCopy = <Entry = LdapEntry>(): MemoryCopy<Entry> => new Copy<Entry>()

/** A DN that a row had, and its DN now. */
interface Move {
  readonly from: LdapDn.LdapDn
  readonly to: LdapDn.LdapDn
}

class Copy<Entry> implements MemoryCopy<Entry> {
  readonly rows = new Map<string, CopiedEntry<Entry>>()
  cookie: ChangesCookie | undefined
  #isRefreshing = false
  #wasRefreshed = false
  /** The rows that this refresh has named, and those of them that got a DN in it. */
  #named = new Set<string>()
  #placed = new Set<string>()
  /** For rows with another DN now: their DN before the refresh, by UUID. */
  #moved = new Map<string, LdapDn.LdapDn>()

  get isWhole(): boolean {
    return this.#wasRefreshed && !this.#isRefreshing
  }

  readonly apply = (change: LdapChange<Entry>): Effect.Effect<void> => Effect.sync(() => this.#apply(change))

  readonly known: KnownEntries = (uuids) =>
    Effect.sync(() =>
      new Map(uuids.flatMap((uuid) => {
        const row = this.rows.get(uuid)
        return row === undefined ? [] : [[uuid, { version: row.version }] as const]
      }))
    )

  #apply(change: LdapChange<Entry>): void {
    switch (change._tag) {
      case "RefreshStarted":
        this.#isRefreshing = true
        this.#named.clear()
        this.#placed.clear()
        return
      case "Added":
      case "Modified":
      case "Renamed": {
        const { dn, entry, uuid, version } = change
        const before = this.rows.get(uuid)
        this.rows.set(uuid, { uuid, dn, entry, version })
        return this.#place(uuid, before?.dn, dn)
      }
      case "Present": {
        const row = this.rows.get(change.uuid)
        if (row === undefined) return
        this.#named.add(change.uuid)
        if (change.dn === undefined) return
        this.rows.set(change.uuid, { ...row, dn: change.dn })
        return this.#place(change.uuid, row.dn, change.dn)
      }
      case "Deleted":
        this.rows.delete(change.uuid)
        return
      case "Refreshed":
        if (change.deletes === "absent") {
          for (const uuid of this.rows.keys()) if (!this.#named.has(uuid)) this.rows.delete(uuid)
        }
        this.#moveAll()
        this.#isRefreshing = false
        this.#wasRefreshed = true
        return
      case "Checkpoint":
        this.cookie = change.cookie
    }
  }

  #place(uuid: string, before: string | undefined, dn: string): void {
    if (this.#isRefreshing) {
      this.#named.add(uuid)
      this.#placed.add(uuid)
    }
    if (before === undefined || before === dn) return
    const from = parsed(before)
    const to = parsed(dn)
    if (from === undefined || to === undefined || LdapDn.normalize(from) === LdapDn.normalize(to)) return
    if (!this.#isRefreshing) return this.#moveBelow({ from, to }, uuid)
    if (!this.#moved.has(uuid)) this.#moved.set(uuid, from)
  }

  /** Outside a refresh: the rows below the old DN move below the new one. */
  #moveBelow({ from, to }: Move, uuid: string): void {
    for (const row of this.rows.values()) {
      if (row.uuid === uuid) continue
      const relative = below(row.dn, from)
      if (relative !== undefined) this.rows.set(row.uuid, { ...row, dn: LdapDn.concat(relative, to).toString() })
    }
  }

  /** At the end of a refresh: rows that got no DN follow their nearest ancestor that was moved, all at once. */
  #moveAll(): void {
    const moves = new Map<string, LdapDn.LdapDn>()
    for (const [uuid, from] of this.#moved) {
      const to = parsed(this.rows.get(uuid)?.dn ?? "")
      if (to !== undefined && this.rows.has(uuid)) moves.set(LdapDn.normalize(from), to)
    }
    this.#moved.clear()
    if (moves.size === 0) return
    for (const row of this.rows.values()) {
      const moved = this.#placed.has(row.uuid) ? undefined : movedBy(row.dn, moves)
      if (moved !== undefined) this.rows.set(row.uuid, { ...row, dn: moved })
    }
  }
}

/** The DN of a row after the move of its nearest ancestor. */
const movedBy = (dn: string, moves: ReadonlyMap<string, LdapDn.LdapDn>): string | undefined => {
  const name = parsed(dn)
  if (name === undefined) return undefined
  for (let above = LdapDn.parent(name); above !== undefined; above = LdapDn.parent(above)) {
    const to = moves.get(LdapDn.normalize(above))
    const relative = to === undefined ? undefined : LdapDn.relativeTo(name, above)
    if (to !== undefined && relative !== undefined) return LdapDn.concat(relative, to).toString()
  }
  return undefined
}

const parsed = (dn: string): LdapDn.LdapDn | undefined => Result.getOrUndefined(LdapDn.parse(dn))

/** The part of a DN above which the other DN stands; `undefined` if it isn't below that. */
const below = (dn: string, base: LdapDn.LdapDn): LdapDn.LdapDn | undefined => {
  const name = parsed(dn)
  const relative = name === undefined ? undefined : LdapDn.relativeTo(name, base)
  return relative === undefined || relative.rdns.length === 0 ? undefined : relative
}
