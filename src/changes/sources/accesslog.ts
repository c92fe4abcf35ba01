/**
 * The access log of slapd (slapo-accesslog): a record of each write, with the UUID of its entry. The current entry is then read from the
 * directory.
 *
 * Records are ordered by the start of their operations, but are written when these end. So each round also reads the records from the
 * minute before the last one. Operations that take longer than a minute are lost.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import * as LdapFilter from "../../model/filter/LdapFilter.ts"
import type { LdapError } from "../../model/LdapError.ts"
import type { SourceState } from "../cookie.ts"
import { uuidFromText } from "../LdapChange.ts"
import { Refused, type Run, type Source } from "./Source.ts"
import { LogRound, type NamedChange, readView } from "./view.ts"

export const accesslog: Source = {
  name: "accesslog",
  isLive: false,
  missing: (run) =>
    Effect.map(
      logOf(run),
      (log) => log === undefined ? "the server has no access log that this client may read" : undefined
    ),
  run: Effect.fnUntraced(function*(run, state) {
    const log = yield* logOf(run)
    if (log === undefined) return yield* Effect.fail(new Refused({ detail: "the access log can't be read any more" }))
    const given = placeIn(state)
    if (state !== undefined && given === undefined)
      return yield* Effect.fail(new Refused({ detail: "its state is altered" }))
    if (given === undefined) {
      // The place in the log is read before the entries. A change in between is then seen twice, but never missed.
      const at = yield* lastStart(run, log)
      yield* readView(run)
      return yield* run.emit([{ _tag: "State", state: { at } }])
    }
    if (given !== "") {
      const last = yield* run.session.lookup(`reqStart=${given},${log}`, { attributes: ["1.1"] })
      if (Option.isNone(last)) {
        return yield* Effect.fail(
          new Refused({ detail: "the access log doesn't have the record of the last checkpoint any more" })
        )
      }
    }
    const seen = seenOf(run)
    const uncovered = new Set<string>()
    let at = given
    const round = new LogRound(run)
    const records = writesSince(run, log, given === "" ? undefined : minuteBefore(given))
    yield* Stream.runForEach(Stream.grouped(records, perRound), (group) =>
      Effect.gen(function*() {
        const fresh = group.filter((record) => !seen.has(startOf(record)) && !uncovered.has(startOf(record)))
        if (fresh.length === 0) return
        const named: Array<NamedChange> = []
        for (const record of fresh) {
          const uuid = uuidFromText(record.get("reqEntryUUID") ?? "")
          if (uuid === undefined)
            return yield* Effect.fail(
              new Refused({ detail: "a record of the access log doesn't have the UUID of its entry" })
            )
          const kind = record.get("reqType")?.toLowerCase()
          named.push({ uuid, isRenamed: kind === "modrdn" })
        }
        const newest = fresh.map(startOf).reduce((a, b) => a > b ? a : b)
        if (newest > at) at = newest
        const isCovered = yield* round.part(named, { at })
        // After a failure, records without a checkpoint behind them are read again.
        for (const record of fresh) (isCovered ? seen : uncovered).add(startOf(record))
      }))
    yield* round.end
    for (const start of uncovered) seen.add(start)
    for (const start of seen) if (start < minuteBefore(at)) seen.delete(start)
    if (!run.isLive && at === given) yield* run.emit([{ _tag: "State", state: { at } }])
  })
}

/** How many records are handled before a checkpoint. */
const perRound = 500

const placeIn = (state: SourceState | undefined): string | undefined => {
  if (typeof state !== "object" || state === null) return undefined
  // Arrays are objects too, and also have a method of that name.
  const { at } = state as Readonly<Record<string, unknown>>
  return typeof at === "string" && /^[0-9.]*Z?$/.test(at) ? at : undefined
}

/** The naming context that is an access log. */
const logOf = ({ memory, server, session }: Run): Effect.Effect<string | undefined, LdapError> =>
  Effect.gen(function*() {
    const before = memory.get("accesslog at")
    if (typeof before === "string") return before
    for (const context of server.contexts) {
      if (context.rdns.length !== 1) continue
      const found = yield* session.lookup(context, {
        attributes: ["objectClass"],
        filter: LdapFilter.equals("objectClass", "auditContainer")
      })
        .pipe(Effect.catchIf(({ reason }) => reason._tag === "InsufficientAccessRights", () => Effect.succeedNone))
      if (Option.isNone(found)) continue
      memory.set("accesslog at", context.toString())
      return context.toString()
    }
    return undefined
  })

const writesSince = (
  { pageSize, session }: Run,
  log: string,
  since: string | undefined
): Stream.Stream<LdapEntry, LdapError> =>
  session.search({
    base: log,
    scope: "one",
    filter: LdapFilter.and(
      LdapFilter.equals("objectClass", "auditWriteObject"),
      LdapFilter.equals("reqResult", "0"),
      ...(since === undefined ? [] : [LdapFilter.greaterOrEqual("reqStart", since)])
    ),
    attributes: ["reqStart", "reqType", "reqEntryUUID"],
    pageSize
  })

/** The start of the newest write; empty if there is none. slapd keeps its log in order, and can't sort it without an overlay. */
const lastStart = (run: Run, log: string): Effect.Effect<string, LdapError> =>
  Stream.runFold(writesSince(run, log, undefined), () => "", (last, record) => {
    const start = startOf(record)
    return start > last ? start : last
  })

const startOf = (record: LdapEntry): string => record.get("reqStart") ?? ""

/** The records that this stream has handled and may read again. */
const seenOf = ({ memory }: Run): Set<string> => {
  const seen = memory.get("accesslog")
  if (seen instanceof Set) return seen as Set<string>
  const made = new Set<string>()
  memory.set("accesslog", made)
  return made
}

/** A minute before a time such as `20260131235959.000001Z`. */
const minuteBefore = (time: string): string => {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(time) ?? []
  if (year === undefined) return ""
  const millis = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
  return `${new Date(millis - 60_000).toISOString().slice(0, 19).replace(/[-:T]/g, "")}.000000Z`
}
