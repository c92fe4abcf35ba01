/**
 * The change log of 389 Directory Server and its relatives (draft-good-ldap-changelog): numbered records that name the changed entries. The
 * current entries are then read from the directory.
 *
 * The state is the number and a digest of the last record. With them the source notices a log that was trimmed beyond this record, or that
 * belongs to another server.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import * as LdapFilter from "../../model/filter/LdapFilter.ts"
import type { LdapError } from "../../model/LdapError.ts"
import type { SourceState } from "../cookie.ts"
import { uuidFromText } from "../LdapChange.ts"
import { Refused, type Run, type Source, type SourceFailure } from "./Source.ts"
import { LogRound, type NamedChange, readView } from "./view.ts"

export const changelog: Source = {
  name: "changelog",
  isLive: false,
  missing: Effect.fnUntraced(function*(run) {
    const log = logOf(run)
    if (log === undefined) return "the root DSE names no change log"
    const found = yield* run.session.lookup(log, { attributes: ["objectClass"] }).pipe(
      Effect.catchIf(isForbidden, () => Effect.succeedNone)
    )
    if (Option.isNone(found)) return "this client may not read the change log"
    const last = yield* lastNumber(run)
    const record = last === 0 ? undefined : yield* recordAt(run, last)
    if (last > 0 && record === undefined) return "this client may not read the records of the change log"
    return record !== undefined && uuidOfTarget(run, record) === undefined
      ? "its records don't have the UUID of the entry: set nsslapd-attribute: nsuniqueid:targetUniqueId on the Retro Changelog Plugin"
      : undefined
  }),
  run: Effect.fnUntraced(function*(run, state) {
    const given = placeIn(state)
    if (state !== undefined && given === undefined)
      return yield* Effect.fail(new Refused({ detail: "its state is altered" }))
    if (given === undefined) {
      // The number is read before the entries. A change in between is then seen twice, but never missed.
      const at = yield* placeAt(run, yield* lastNumber(run))
      yield* readView(run)
      return yield* run.emit([{ _tag: "State", state: at }])
    }
    if (given.number > 0) {
      const record = yield* recordAt(run, given.number)
      if (record === undefined || digestOf(record) !== given.digest) {
        return yield* Effect.fail(
          new Refused({ detail: "the change log doesn't have the record of the last checkpoint any more" })
        )
      }
    }
    let place = given
    const round = new LogRound(run)
    const records = run.session.search({
      base: logOf(run) ?? "",
      scope: "one",
      filter: LdapFilter.greaterOrEqual("changeNumber", String(given.number + 1)),
      attributes: recordAttributes,
      pageSize: run.pageSize
    })
    yield* Stream.runForEach(Stream.grouped(records, perRound), (group) =>
      Effect.gen(function*() {
        const sorted = group.toSorted((a, b) => numberOf(a) - numberOf(b))
        const last = sorted.at(-1)
        if (last === undefined || numberOf(last) <= place.number) return
        const named: Array<NamedChange> = []
        for (const record of sorted) {
          const uuid = uuidOfTarget(run, record)
          if (uuid === undefined)
            return yield* Effect.fail(new Refused({ detail: "a record doesn't have the UUID of its entry" }))
          named.push({ uuid, isRenamed: record.get("changeType")?.toLowerCase() === "modrdn" })
        }
        place = { number: numberOf(last), digest: digestOf(last) }
        yield* round.part(named, { ...place })
      }))
    yield* round.end
    if (!run.isLive && place === given) yield* run.emit([{ _tag: "State", state: { ...place } }])
  })
}

/** How many records are handled before a checkpoint. */
const perRound = 500

const recordAttributes = [
  "changeNumber",
  "changeType",
  "changeTime",
  "targetDn",
  "targetUniqueId",
  "targetEntryUUID"
]

interface Place {
  readonly number: number
  readonly digest: string
}

const placeIn = (state: SourceState | undefined): Place | undefined => {
  if (typeof state !== "object" || state === null || !("number" in state) || !("digest" in state)) return undefined
  const { digest, number } = state
  return typeof number === "number" && Number.isSafeInteger(number) && typeof digest === "string"
    ? { number, digest }
    : undefined
}

const placeAt = (run: Run, number: number): Effect.Effect<SourceState, SourceFailure> =>
  number === 0
    ? Effect.succeed({ number, digest: "" })
    : Effect.map(recordAt(run, number), (record) => ({ number, digest: record === undefined ? "" : digestOf(record) }))

const logOf = ({ server: { rootDse } }: Run): string | undefined => rootDse.get("changelog")

/** The root DSE has the current number, so it is read again. */
const lastNumber = ({ session }: Run): Effect.Effect<number, LdapError> =>
  Effect.map(
    session.lookup("", { attributes: ["lastChangeNumber"] }),
    (found) => Number(Option.getOrUndefined(found)?.get("lastChangeNumber") ?? 0)
  )

const recordAt = (run: Run, number: number): Effect.Effect<LdapEntry | undefined, LdapError> =>
  run.session.search({
    base: logOf(run) ?? "",
    scope: "one",
    filter: LdapFilter.equals("changeNumber", String(number)),
    attributes: recordAttributes
  }).pipe(
    Stream.runHead,
    Effect.map(Option.getOrUndefined),
    Effect.catchIf(isForbidden, () => Effect.succeed(undefined))
  )

const isForbidden = ({ reason: { _tag } }: LdapError): boolean =>
  _tag === "InsufficientAccessRights" || _tag === "NoSuchObject" || _tag === "StrongerAuthRequired"

const numberOf = (record: LdapEntry): number => Number(record.get("changeNumber") ?? 0)

const digestOf = (record: LdapEntry): string =>
  createHash("sha256").update(
    JSON.stringify(["changeNumber", "changeType", "changeTime", "targetDn"].map((name) => record.get(name) ?? ""))
  ).digest("base64url").slice(0, 16)

const uuidOfTarget = ({ server: { uuidAttribute } }: Run, record: LdapEntry): string | undefined => {
  const text = record.get(uuidAttribute === "entryUUID" ? "targetEntryUUID" : "targetUniqueId")
  return text === undefined ? undefined : uuidFromText(text)
}
