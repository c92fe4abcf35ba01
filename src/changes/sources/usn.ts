/**
 * `uSNChanged` (MS-ADTS 3.1.1.1.9): each domain controller numbers the changes that it makes or replicates. Objects with a greater number
 * than the last one have changed; deletions are found by a search for deleted objects.
 *
 * Each domain controller has its own numbers, so the state has one for each controller that was followed. A controller that is new, or has
 * a new invocation ID after a restore from a backup, has none, and the view is read again.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as LdapControl from "../../model/control/LdapControl.ts"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import * as LdapFilter from "../../model/filter/LdapFilter.ts"
import type { LdapError } from "../../model/LdapError.ts"
import { UuidMissing } from "../ChangesError.ts"
import type { SourceState } from "../cookie.ts"
import * as Change from "../LdapChange.ts"
import { contextOf, uuidOf } from "./ServerKind.ts"
import { type Item, Refused, type Run, type Source } from "./Source.ts"
import { belowRenamed, currentEntries, readView } from "./view.ts"

export const usn: Source = {
  name: "usn",
  isLive: false,
  missing: Effect.fnUntraced(function*(run) {
    const { server, session, view } = run
    if (!server.isActiveDirectory || !server.rootDse.has("highestCommittedUSN"))
      return "the root DSE has no highestCommittedUSN"
    const found = yield* session.lookup(`CN=Deleted Objects,${contextOf(server, view)}`, {
      attributes: ["1.1"],
      controls: [LdapControl.showDeleted.make(undefined, { critical: true })]
    }).pipe(Effect.catchIf(({ reason }) => reason._tag === "InsufficientAccessRights", () => Effect.succeedNone))
    return Option.isNone(found) ? "this client may not read the container Deleted Objects" : undefined
  }),
  run: Effect.fnUntraced(function*(run, state) {
    const controller = yield* controllerOf(run)
    const given = yield* placesIn(state)
    const since = given?.get(controller.id)
    if (given !== undefined && since === undefined) {
      return yield* Effect.fail(
        new Refused({ detail: "this domain controller was not followed before, or was restored from a backup" })
      )
    }
    if (since !== undefined && since > controller.highest) {
      return yield* Effect.fail(new Refused({ detail: "the numbers of this domain controller have gone back" }))
    }
    // The number is read before the entries. A change in between is then seen twice, but never missed.
    const places = new Map(given)
    places.delete(controller.id)
    places.set(controller.id, controller.highest)
    if (since === undefined) {
      yield* readView(run)
      return yield* run.emit([yield* stateOf(places)])
    }
    if (since === controller.highest) return yield* run.isLive ? Effect.void : run.emit([yield* stateOf(places)])
    yield* run.emit([Change.refreshStarted(run.reason)])
    const changed = run.session.search({
      base: contextOf(run.server, run.view),
      filter: LdapFilter.greaterOrEqual("uSNChanged", String(since + 1n)),
      attributes: ["objectGUID", "isDeleted", "replPropertyMetaData"],
      controls: [LdapControl.showDeleted.make(undefined, { critical: true })],
      pageSize: run.pageSize
    })
    // The entries below them are read after these pages, since servers allow few paged searches on a connection.
    const renamed = new Set<string>()
    yield* Stream.runForEach(Stream.grouped(changed, perRound), (group) =>
      Effect.gen(function*() {
        const gone: Array<Item> = []
        const named: Array<string> = []
        for (const entry of group) {
          const uuid = uuidOf(run.server, entry)
          if (uuid === undefined) return yield* Effect.fail(new UuidMissing({ dn: entry.dn, attribute: "objectGUID" }))
          if (entry.get("isDeleted")?.toUpperCase() === "TRUE") gone.push(Change.deleted(uuid))
          else {
            named.push(uuid)
            if (wasRenamed(entry, since)) renamed.add(uuid)
          }
        }
        const items = [...gone, ...(yield* currentEntries(run, named))]
        if (items.length > 0) yield* run.emit(items)
      }))
    const below = yield* belowRenamed(run, renamed)
    if (below.length > 0) yield* run.emit(below)
    yield* run.emit([Change.refreshed("named"), yield* stateOf(places)])
  })
}

const perRound = 500

/** The most domain controllers in a state. The one that was not followed for the longest time is removed first. */
const mostControllers = 32

/** Deleted objects are kept for at least this long (MS-ADTS: tombstoneLifetime is 60 days if it isn't set). */
const keptDays = 50

interface Controller {
  readonly id: string
  readonly highest: bigint
}

const controllerOf = ({ session }: Run): Effect.Effect<Controller, LdapError | Refused> =>
  Effect.gen(function*() {
    const rootDse = yield* session.lookup("", { attributes: ["highestCommittedUSN", "dsServiceName"] })
    const highest = Option.getOrUndefined(rootDse)?.get("highestCommittedUSN")
    const service = Option.getOrUndefined(rootDse)?.get("dsServiceName")
    if (highest === undefined || !/^[0-9]{1,20}$/.test(highest) || service === undefined) {
      return yield* Effect.fail(new Refused({ detail: "the root DSE has no highestCommittedUSN" }))
    }
    const settings = yield* session.lookup(service, { attributes: ["invocationId"] }).pipe(
      Effect.catchIf(({ reason }) => reason._tag === "InsufficientAccessRights", () => Effect.succeedNone)
    )
    const invocation = Option.getOrUndefined(settings)?.getBytes("invocationId")
    const id = invocation === undefined ? service.toLowerCase() : Buffer.from(invocation).toString("base64url")
    return { id, highest: BigInt(highest) }
  })

const stateOf = (places: ReadonlyMap<string, bigint>): Effect.Effect<Item> =>
  Effect.map(Clock.currentTimeMillis, (at) => ({
    _tag: "State",
    state: { usn: Object.fromEntries([...places].slice(-mostControllers).map(([id, usn]) => [id, String(usn)])), at }
  }))

const placesIn = (state: SourceState | undefined): Effect.Effect<ReadonlyMap<string, bigint> | undefined, Refused> =>
  Effect.gen(function*() {
    if (state === undefined) return undefined
    const { at, usn } = typeof state === "object" && state !== null ? state as Readonly<Record<string, unknown>> : {}
    if (typeof usn !== "object" || usn === null || typeof at !== "number") {
      return yield* Effect.fail(new Refused({ detail: "its state is altered" }))
    }
    if ((yield* Clock.currentTimeMillis) - at > keptDays * 86_400_000) {
      return yield* Effect.fail(
        new Refused({ detail: "the checkpoint is older than the server keeps deleted objects" })
      )
    }
    return new Map(
      Object.entries(usn).flatMap(([id, text]) =>
        typeof text === "string" && /^[0-9]{1,20}$/.test(text) ? [[id, BigInt(text)] as const] : []
      )
    )
  })

/** The attribute `name` in replication metadata, which changes with the name and the place of an object. */
const nameId = 0x00090001

/**
 * Whether an object was renamed or moved after a change (MS-ADTS 3.1.1.1.10, MS-DRDM PROPERTY_META_DATA_VECTOR: a header of 16 bytes, and
 * 48 for each attribute, with the number of its last change at this server in the last 8). True if the metadata can't be read.
 */
const wasRenamed = (entry: LdapEntry, since: bigint): boolean => {
  const bytes = entry.getBytes("replPropertyMetaData")
  if (bytes === undefined || bytes.length < 16) return true
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = data.readUInt32LE(8)
  for (let i = 0; i < count && 16 + (i + 1) * 48 <= data.length; i++) {
    const at = 16 + i * 48
    if (data.readUInt32LE(at) === nameId) return data.readBigUInt64LE(at + 40) > since
  }
  return true
}
