/**
 * Reads the current state of entries: those with given UUIDs, all entries below a DN, or the whole view. Sources that learn only which
 * entries have changed use this, so that a change is emitted with the state that the entry has at that time.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import * as LdapFilter from "../../model/filter/LdapFilter.ts"
import type { LdapError } from "../../model/LdapError.ts"
import type { SourceState } from "../cookie.ts"
import * as Change from "../LdapChange.ts"
import { attributesFor, contextOf, entryReader, type ReadEntry, uuidFilter, uuidOf } from "./ServerKind.ts"
import type { Item, Run, SourceFailure } from "./Source.ts"

/** How many UUIDs one filter has. So few entries need no paged results. */
const perSearch = 50

/**
 * Reads entries by their UUIDs: `Modified` if they are in the view, otherwise `Deleted`. It doesn't use paged results, so it may run during
 * a paged search on this session: servers allow few of those on a connection.
 */
export const currentEntries = (
  run: Run,
  uuids: Iterable<string>
): Effect.Effect<ReadonlyArray<Item>, SourceFailure> =>
  Effect.gen(function*() {
    const items: Array<Item> = []
    const all = [...new Set(uuids)]
    for (let at = 0; at < all.length; at += perSearch) {
      const some = all.slice(at, at + perSearch)
      const found = new Set<string>()
      yield* missingIsEmpty(
        Stream.runForEach(
          inView(run, undefined, LdapFilter.or(...some.map((uuid) => uuidFilter(run.server, uuid)))),
          (read) => {
            // A server that ignores the filter must not fill the result with other entries.
            if (!some.includes(read.uuid) || found.has(read.uuid)) return Effect.void
            found.add(read.uuid)
            items.push(Change.modified(written(read)))
            return Effect.void
          }
        )
      )
      for (const uuid of some) if (!found.has(uuid)) items.push(Change.deleted(uuid))
    }
    return items
  })

/** If the base doesn't exist, the view is empty. */
const missingIsEmpty = <E, R>(effect: Effect.Effect<void, E | LdapError, R>): Effect.Effect<void, E | LdapError, R> =>
  Effect.catchIf(effect, isNoSuchObject, () => Effect.void)

const isNoSuchObject = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "reason" in error &&
  (error as LdapError).reason._tag === "NoSuchObject"

const written = ({ entry, uuid, version }: ReadEntry) => ({ uuid, dn: entry.dn, entry, version })

/** The entries of the view that match. */
const inView = (
  run: Run,
  pageSize: number | undefined,
  filter?: LdapFilter.LdapFilter
): Stream.Stream<ReadEntry, SourceFailure> => {
  const { base, filter: own, scope } = run.view
  return readIn(run, pageSize, base, scope, filter === undefined ? own : LdapFilter.and(own, filter))
}

const readIn = (
  { server, session, view }: Run,
  pageSize: number | undefined,
  base: string,
  scope: Run["view"]["scope"],
  filter: LdapFilter.LdapFilter
): Stream.Stream<ReadEntry, SourceFailure> => {
  const reader = entryReader(server, view)
  const search = { base, scope, filter, attributes: attributesFor(server, view), ranges: "all", pageSize } as const
  return Stream.mapEffect(
    session.search(search),
    (entry) => Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.fromResult(reader.read(entry, now)))
  )
}

/** The entries of the view below a DN, without the entry of that DN, as `Modified`. Few servers support a scope for that. */
export const entriesBelow = (run: Run, dn: string): Effect.Effect<ReadonlyArray<Item>, SourceFailure> =>
  Effect.gen(function*() {
    const items: Array<Item> = []
    if (run.view.scope !== "subtree" && run.view.scope !== "subordinates") return items
    yield* missingIsEmpty(
      Stream.runForEach(readIn(run, run.pageSize, dn, "subtree", run.view.filter), (read) =>
        Effect.sync(() => {
          if (!isSameName(read.entry.dn, dn)) items.push(Change.modified(written(read)))
        }))
    )
    return items
  })

/** The UUIDs of all entries below a name, in the view or not. */
export const uuidsBelow = ({ pageSize, server, session }: Run, dn: string): Stream.Stream<string, LdapError> =>
  session.search({
    base: dn,
    scope: "subtree",
    attributes: [server.uuidAttribute],
    pageSize
  }).pipe(
    Stream.flatMap((entry) => {
      const uuid = uuidOf(server, entry)
      return uuid === undefined || isSameName(entry.dn, dn) ? Stream.empty : Stream.succeed(uuid)
    })
  )

/**
 * Reads the whole view as a refresh: entries that are not named are gone. With `known`, UUIDs and versions are read first, and then only
 * the entries that differ; not in the initial refresh, whose consumer has none of them or few.
 */
export const readView = (run: Run): Effect.Effect<void, SourceFailure> =>
  Effect.gen(function*() {
    yield* run.emit([Change.refreshStarted(run.reason)])
    const { known } = run
    if (known === undefined || run.reason === "initial") {
      yield* Stream.runForEachArray(inView(run, run.pageSize), (some) => {
        const items = some.map((read) => Change.added(written(read)))
        return known === undefined ? run.emit(items) : Effect.flatMap(onlyDifferences(items, known), run.emit)
      })
    } else {
      yield* readDifferences(run, known)
    }
    yield* run.emit([Change.refreshed("absent")])
  })

const readDifferences = (run: Run, known: NonNullable<Run["known"]>): Effect.Effect<void, SourceFailure> => {
  const { pageSize, server, session, view } = run
  const keys = session.search({
    base: view.base,
    scope: view.scope,
    filter: view.filter,
    attributes: [server.uuidAttribute, ...server.versionAttributes],
    pageSize
  })
  const { read } = entryReader(server, view)
  return keys.pipe(
    Stream.grouped(perQuestion),
    Stream.runForEach(Effect.fnUntraced(function*(entries) {
      const now = yield* Clock.currentTimeMillis
      const all = new Map<string, ReadEntry>()
      for (const entry of entries) {
        const key = yield* Effect.fromResult(read(entry, now))
        all.set(key.uuid, key)
      }
      const rows = yield* known([...all.keys()])
      const isKnown = ({ uuid, version }: ReadEntry) => version !== undefined && rows.get(uuid)?.version === version
      const present = [...all.values()].filter(isKnown).map(({ entry, uuid }) => Change.present(uuid, entry.dn))
      if (present.length > 0) yield* run.emit(present)
      const differing = [...all.values()].flatMap((key) => isKnown(key) ? [] : [key.uuid])
      const current = yield* currentEntries(run, differing)
      if (current.length > 0) yield* run.emit(current)
    }))
  )
}

/** How many UUIDs are passed to the consumer's `known` at once. */
const perQuestion = 1_000

/** An entry that the consumer has in this version is emitted as `Present`. */
export const onlyDifferences = (
  items: ReadonlyArray<Item>,
  known: NonNullable<Run["known"]>
): Effect.Effect<ReadonlyArray<Item>, SourceFailure> => {
  const uuids = items.flatMap((item) => item._tag === "Added" && item.version !== undefined ? [item.uuid] : [])
  return uuids.length === 0 ?
    Effect.succeed(items) :
    Effect.map(
      known(uuids),
      (rows) =>
        rows.size === 0 ?
          items :
          items.map((item) =>
            item._tag === "Added" && item.version !== undefined && rows.get(item.uuid)?.version === item.version
              ? Change.present(item.uuid, item.dn)
              : item
          )
    )
}

// ---------------------------------------------------------------------------------------------------------------------
// What logs name
// ---------------------------------------------------------------------------------------------------------------------

/** An entry that a log of changes names, and whether others moved with it. */
export interface NamedChange {
  readonly uuid: string
  /** Whether it was, or may have been, renamed. Then the entries below it are read too. */
  readonly isRenamed: boolean
}

/**
 * Reads the current state of the named entries, and of those below renamed ones, whether they came into the view or left it. Must not run
 * during a paged search.
 */
export const changesOf = (
  run: Run,
  named: ReadonlyArray<NamedChange>
): Effect.Effect<ReadonlyArray<Item>, SourceFailure> =>
  Effect.gen(function*() {
    const current = yield* currentEntries(run, named.map(({ uuid }) => uuid))
    return [...current, ...yield* belowRenamed(run, renamedIn(named))]
  })

const renamedIn = (named: ReadonlyArray<NamedChange>): ReadonlyArray<string> =>
  named.flatMap(({ isRenamed, uuid }) => isRenamed ? [uuid] : [])

/** Reads the current state of the entries below renamed ones. Must not run during a paged search. */
export const belowRenamed = (
  run: Run,
  renamed: Iterable<string>
): Effect.Effect<ReadonlyArray<Item>, SourceFailure> =>
  Effect.gen(function*() {
    const uuids = new Set<string>()
    for (const uuid of new Set(renamed)) {
      const dn = yield* nameOf(run, uuid)
      if (dn === undefined) continue
      yield* missingIsEmpty(Stream.runForEach(uuidsBelow(run, dn), (below) =>
        Effect.sync(() => {
          uuids.add(below)
        })))
    }
    return yield* currentEntries(run, uuids)
  })

/**
 * Handles a log that is read by a paged search: the entries that it names, chunk by chunk. The entries below renamed ones are read after
 * the end of the log, since servers allow few paged searches on a connection. Until then no state covers the log.
 */
export class LogRound {
  readonly #run: Run
  readonly #renamed = new Set<string>()
  #state: SourceState | undefined

  constructor(run: Run) {
    this.#run = run
  }

  /** Emits the current state of these entries. Returns whether a state may cover them. */
  part(
    named: ReadonlyArray<NamedChange>,
    state: SourceState,
    gone: ReadonlyArray<Item> = []
  ): Effect.Effect<boolean, SourceFailure> {
    return Effect.gen({ self: this }, function*() {
      for (const uuid of renamedIn(named)) this.#renamed.add(uuid)
      const current = yield* currentEntries(this.#run, named.map(({ uuid }) => uuid))
      const isCovered = this.#renamed.size === 0
      yield* emitRound(this.#run, [...gone, ...current], isCovered ? state : undefined)
      this.#state = isCovered ? undefined : state
      return isCovered
    })
  }

  /** Emits the entries below renamed ones, and then the state. */
  get end(): Effect.Effect<void, SourceFailure> {
    return Effect.gen({ self: this }, function*() {
      if (this.#state === undefined) return
      yield* emitRound(this.#run, yield* belowRenamed(this.#run, this.#renamed), this.#state)
    })
  }
}

/** Finds the current DN of an entry, in the view or not. */
const nameOf = ({ server, session, view }: Run, uuid: string): Effect.Effect<string | undefined, LdapError> =>
  session.search({
    base: contextOf(server, view),
    filter: uuidFilter(server, uuid),
    attributes: ["1.1"]
  }).pipe(Stream.runHead, Effect.map((found) => Option.getOrUndefined(found)?.dn))

/** Emits the records of a log as a round of its own, followed by the state that covers them, if there is one. */
export const emitRound = (
  run: Run,
  items: ReadonlyArray<Item>,
  state: SourceState | undefined
): Effect.Effect<void, SourceFailure> => {
  const round: ReadonlyArray<Item> = items.length === 0
    ? []
    : [Change.refreshStarted(run.reason), ...items, Change.refreshed("named")]
  const all: ReadonlyArray<Item> = state === undefined ? round : [...round, { _tag: "State", state }]
  return all.length === 0 ? Effect.void : run.emit(all)
}

const isSameName = (a: string, b: string): boolean => a === b || keyOf(a) === keyOf(b)

const keyOf = (dn: string): string => Result.getOrElse(Result.map(LdapDn.parse(dn), LdapDn.normalize), () => dn)
