/**
 * DirSync (MS-ADTS 3.1.1.3.4.1.3): reports which objects of a naming context have changed since a cookie. The current entries are then read
 * from the directory, since DirSync sends only the changed attributes, and doesn't report an object that no longer matches a filter.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as LdapControl from "../../model/control/LdapControl.ts"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import * as LdapFilter from "../../model/filter/LdapFilter.ts"
import { LdapError, ProtocolViolation } from "../../model/LdapError.ts"
import { supportsControl } from "../../model/LdapRootDse.ts"
import { UuidMissing } from "../ChangesError.ts"
import type { SourceState } from "../cookie.ts"
import * as Change from "../LdapChange.ts"
import { attributesOfFilter } from "./attributesOfFilter.ts"
import { contextOf, uuidOf } from "./ServerKind.ts"
import { type Item, Refused, type Run, type Source, type SourceFailure } from "./Source.ts"
import { changesOf, emitRound, type NamedChange, readView } from "./view.ts"

export const dirSync: Source = {
  name: "dirSync",
  isLive: false,
  missing: Effect.fnUntraced(function*(run) {
    if (!supportsControl(run.server.rootDse, LdapControl.dirSyncRequest))
      return "the root DSE doesn't list the DirSync control"
    if (!run.server.isActiveDirectory) return "it is for Active Directory and Samba"
    return yield* Effect.matchEffect(
      part(run, new Uint8Array(), ["objectGUID"], LdapFilter.equals("objectGUID", new Uint8Array(16))),
      {
        onSuccess: () => Effect.succeed(undefined),
        onFailure: (error) =>
          error.reason._tag === "InsufficientAccessRights"
            ? Effect.succeed("this client lacks the right Replicating Directory Changes")
            : Effect.fail(error)
      }
    )
  }),
  run: Effect.fnUntraced(function*(run, state) {
    const given = yield* placeIn(state)
    if (given === undefined) {
      // The cookie is read before the entries. A change in between is then seen twice, but never missed.
      let cookie: Uint8Array = new Uint8Array()
      for (let isMore = true; isMore;) {
        const next = yield* part(run, cookie, ["objectGUID"])
        cookie = next.cookie
        isMore = next.isMore
      }
      yield* readView(run)
      return yield* run.emit([{ _tag: "State", state: yield* stateOf(cookie) }])
    }
    let cookie = given
    for (let isMore = true; isMore;) {
      const next = yield* part(run, cookie, interesting(run)).pipe(
        Effect.mapError((error): SourceFailure =>
          isRefusal(error) ? new Refused({ detail: error.reason.message }) : error
        )
      )
      const gone: Array<Item> = []
      const named: Array<NamedChange> = []
      for (const entry of next.entries) {
        const uuid = uuidOf(run.server, entry)
        if (uuid === undefined) return yield* Effect.fail(new UuidMissing({ dn: entry.dn, attribute: "objectGUID" }))
        if (entry.get("isDeleted")?.toUpperCase() === "TRUE") gone.push(Change.deleted(uuid))
        // A new object has its name among the changed attributes too, but no entries below it that weren't added as well.
        else named.push({ uuid, isRenamed: entry.has("name") })
      }
      const current = yield* changesOf(run, named)
      cookie = next.cookie
      isMore = next.isMore
      yield* emitRound(run, [...gone, ...current], yield* stateOf(cookie))
    }
  })
}

/** Deleted objects are kept for at least this long (MS-ADTS: tombstoneLifetime is 60 days if it isn't set). */
const keptDays = 50

const stateOf = (cookie: Uint8Array): Effect.Effect<SourceState> =>
  Effect.map(Clock.currentTimeMillis, (at) => ({ cookie: Buffer.from(cookie).toString("base64url"), at }))

const placeIn = (state: SourceState | undefined): Effect.Effect<Uint8Array | undefined, Refused> =>
  Effect.gen(function*() {
    if (state === undefined) return undefined
    const { at, cookie } = typeof state === "object" && state !== null ? state as Readonly<Record<string, unknown>> : {}
    if (typeof cookie !== "string" || typeof at !== "number")
      return yield* Effect.fail(new Refused({ detail: "its state is altered" }))
    const age = (yield* Clock.currentTimeMillis) - at
    return age > keptDays * 86_400_000
      ? yield* Effect.fail(new Refused({ detail: "the checkpoint is older than the server keeps deleted objects" }))
      : Buffer.from(cookie, "base64url")
  })

/** The errors for a cookie that can't be used. */
const isRefusal = ({ reason: { _tag } }: LdapError): boolean =>
  _tag === "UnwillingToPerform" || _tag === "ProtocolError" || _tag === "OperationsError" ||
  _tag === "SyncRefreshRequired"

/** Only changes of these attributes are reported; `name` changes with the name and the place of an object. */
const interesting = ({ view: { attributes, filter } }: Run): ReadonlyArray<string> =>
  attributes.length === 0 || attributes.some((name) => name === "*" || name === "+")
    ? []
    : [
      ...new Set(
        [...attributes, ...attributesOfFilter(filter), "name", "isDeleted", "objectGUID"].filter((name) =>
          name !== "1.1"
        )
      )
    ]

/** How many bytes the server should send in one response. */
const maxBytes = 1_000_000

interface Part {
  readonly entries: ReadonlyArray<LdapEntry>
  readonly cookie: Uint8Array
  readonly isMore: boolean
}

const part = (
  { server, session, view }: Run,
  cookie: Uint8Array,
  attributes: ReadonlyArray<string>,
  filter: LdapFilter.LdapFilter = LdapFilter.present("objectClass")
): Effect.Effect<Part, LdapError> =>
  Effect.gen(function*() {
    const base = contextOf(server, view)
    const { entries, result } = yield* session.searchResult({
      base,
      filter,
      attributes,
      controls: [LdapControl.dirSyncRequest.make({ maxBytes, cookie })]
    })
    const answer = LdapControl.dirSyncResponse.find(result.controls)
    if (Option.isNone(answer)) {
      const reason = new ProtocolViolation({ detail: "the result of a DirSync search came without its control" })
      return yield* Effect.fail(new LdapError({ reason, operation: "search", dn: base }))
    }
    return { entries, cookie: answer.value.cookie, isMore: answer.value.moreResults }
  })
