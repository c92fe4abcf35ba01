/**
 * Compares a copy with its directory, entry by entry, by key and hash. It holds no list of entries: the rows that were seen have a mark, and
 * the differences that are listed are limited in number.
 *
 * @since 0.2.0
 */
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { isUpsert, type LdapChange, type Upsert } from "../LdapChange.ts"
import type { ReplicaStore } from "./tables/ReplicaStore.ts"
import { storedFrom } from "./tables/StoredEntry.ts"

/**
 * What a comparison has found.
 *
 * @category models
 * @since 0.2.0
 */
export interface Verification {
  /** How many entries of the directory were compared. */
  readonly compared: number
  /** Entries that the copy hasn't. */
  readonly missing: number
  /** Entries whose attributes or DN the copy has otherwise. */
  readonly different: number
  /** Rows without an entry. */
  readonly extra: number
  /** How many differences there were before the view was read again; 0 if it wasn't. */
  readonly repaired: number
  /** The first of the differences, up to 1,000. */
  readonly differences: ReadonlyArray<Difference>
}

/**
 * An entry in which a copy differs from its directory.
 *
 * @category models
 * @since 0.2.0
 */
export interface Difference {
  /** Whether the copy lacks the entry, has other values, or has an entry that the directory doesn't have. */
  readonly kind: "missing" | "different" | "extra"
  /** The UUID of the entry. */
  readonly uuid: string
  /** The name of the entry. */
  readonly dn: string
}

export interface VerifyOptions<E, E2, R, R2> {
  readonly store: ReplicaStore
  /** Of the row of the copy. */
  readonly id: number
  /** A text that no verification had before. */
  readonly mark: string
  /** The whole view, and then its end. */
  readonly view: Stream.Stream<LdapChange, E, R>
  /** Whether the view has an entry with this DN. */
  readonly has: (dn: string) => Effect.Effect<boolean, E2, R2>
  /** How long a difference has to last. */
  readonly settleMillis: number
}

const mostListed = 1_000
const page = 500

interface Suspicion extends Difference {
  /** The hashes of the entry and the row, where there are any. */
  readonly entry: string | undefined
  readonly row: string | undefined
}

/** The directory and the copy may change meanwhile: what differs and changes soon was only late, and is left out. */
export const verifyView = <E, E2, R, R2>(
  options: VerifyOptions<E, E2, R, R2>
): Effect.Effect<Verification, E | E2 | SqlError, R | R2> =>
  Effect.gen(function*() {
    const { id, mark, store } = options
    const found = { missing: 0, different: 0, extra: 0 }
    let compared = 0
    const suspicions: Array<Suspicion> = []
    const suspect = (suspicion: Suspicion) => {
      found[suspicion.kind]++
      if (suspicions.length < mostListed) suspicions.push(suspicion)
    }
    yield* options.view.pipe(
      Stream.filter((change): change is Upsert => isUpsert(change)),
      Stream.grouped(page),
      Stream.runForEach((entries) =>
        Effect.gen(function*() {
          const uuids = entries.map(({ uuid }) => uuid)
          const rows = yield* store.entries.read(id, uuids)
          for (const { dn, entry, uuid } of entries) {
            const row = rows.get(uuid)
            const { dnKey, hash } = storedFrom(dn, entry)
            compared++
            if (row !== undefined && row.hash === hash && row.dnKey === dnKey) continue
            suspect({
              kind: row === undefined ? "missing" : "different",
              uuid,
              dn,
              entry: hash + dnKey,
              row: stateOf(row)
            })
          }
          yield* store.entries.verify(id, uuids, mark)
        })
      )
    )
    for (let after = "";;) {
      const rows = yield* store.entries.unverified(id, mark, after, page)
      const states = yield* store.entries.read(id, rows.map(({ uuid }) => uuid))
      for (const { dn, uuid } of rows) {
        suspect({ kind: "extra", uuid, dn, entry: undefined, row: stateOf(states.get(uuid)) })
      }
      if (rows.length < page) break
      after = rows.at(-1)!.uuid
    }
    if (suspicions.length === 0) return { ...found, compared, repaired: 0, differences: [] }

    yield* Effect.sleep(options.settleMillis)
    const rows = yield* store.entries.read(id, suspicions.map(({ uuid }) => uuid))
    const differences: Array<Difference> = []
    for (const { dn, entry, kind, row, uuid } of suspicions) {
      const now = stateOf(rows.get(uuid))
      const wasLate = now === entry || now !== row || (kind === "extra" && (yield* options.has(dn)))
      if (wasLate) found[kind]--
      else differences.push({ kind, uuid, dn })
    }
    return { ...found, compared, repaired: 0, differences }
  })

const stateOf = (row: { readonly hash: string; readonly dnKey: string } | undefined): string | undefined =>
  row === undefined ? undefined : row.hash + row.dnKey
