/** The limits of the server, its clock, and its response time. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as LdapControl from "../../model/control/LdapControl.ts"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import * as LdapRootDse from "../../model/LdapRootDse.ts"
import type { LdapSession } from "../../session/LdapSession.ts"
import { failure, type Finding, ok, warning } from "./Finding.ts"
import { isActiveDirectory } from "./rootDse.ts"

/** The search stops after this number of entries: no limit below it was met, and a higher one doesn't matter here. */
const enough = 5000

/** Whether one search returns all entries, and whether paged results return more. */
export const examineSizeLimit = Effect.fnUntraced(function*(
  session: LdapSession,
  rootDse: LdapEntry,
  base: string | undefined,
  isBound: boolean
): Effect.fn.Return<ReadonlyArray<Finding>> {
  if (base === undefined) return []
  const search = { base, attributes: ["1.1"] }
  let count = 0
  const counted = (pageSize?: number) =>
    Effect.result(
      session.search({ ...search, pageSize }).pipe(
        Stream.tap(() => Effect.sync(() => count++)),
        Stream.take(enough),
        Stream.runDrain
      )
    )
  const whole = yield* counted()
  if (count === 0 && !isBound) {
    return [ok("size limit", `unknown: an anonymous session can't read entries below ${base}; give credentials`)]
  }
  if (Result.isSuccess(whole) && count === 0) {
    return [
      warning("search", `this user can't read entries below ${base}`, "Is --base right, and may this user read there?")
    ]
  }
  if (Result.isSuccess(whole))
    return [
      ok("size limit", count >= enough ? `none within ${enough} entries` : `none met: ${count} entries may be read`)
    ]
  const { _tag: reason } = whole.failure.reason
  if (reason !== "SizeLimitExceeded" && reason !== "AdminLimitExceeded") {
    return [warning("search", whole.failure.message, "Is --base right, and may this user search there?")]
  }
  const limit = count
  count = 0
  const paged = LdapRootDse.supportsControl(rootDse, LdapControl.paging)
    ? yield* counted(Math.min(500, Math.max(1, limit)))
    : whole
  return [
    Result.isSuccess(paged)
      ? ok("size limit", `a search ends after ${limit} entries; paged results return more (--all, pageSize)`)
      : warning(
        "size limit",
        `a search ends after ${limit} entries, and paged results after ${count}`,
        "Let the server's administrator raise the limit of this user."
      )
  ]
})

/** The limits that Active Directory announces (MS-ADTS 3.1.1.3.4.6). */
export const examinePolicies = Effect.fnUntraced(function*(
  session: LdapSession,
  rootDse: LdapEntry
): Effect.fn.Return<ReadonlyArray<Finding>> {
  const configuration = rootDse.get("configurationNamingContext")
  if (!isActiveDirectory(rootDse) || configuration === undefined) {
    return [ok("ranges", "this kind of server sends all values of an attribute at once")]
  }
  const dn = `CN=Default Query Policy,CN=Query-Policies,CN=Directory Service,CN=Windows NT,CN=Services,${configuration}`
  const policy = yield* Effect.result(session.lookup(dn, { attributes: ["lDAPAdminLimits"] }))
  const limits = Result.isSuccess(policy) ? Option.getOrUndefined(policy.success)?.getAll("lDAPAdminLimits") ?? [] : []
  const ranges = limits.find((limit) => limit.startsWith("MaxValRange="))?.slice("MaxValRange=".length) ?? "1500"
  return [
    ok("ranges", `large attributes come in ranges of ${ranges} values (--all reads all of them)`),
    ...(limits.length === 0 ? [] : [ok("policy", limits.join(", "))])
  ]
})

/** The difference between the clocks of server and client, if the server reports its time. */
export const examineClock = Effect.fnUntraced(function*(
  session: LdapSession,
  rootDse: LdapEntry
): Effect.fn.Return<ReadonlyArray<Finding>> {
  const told = rootDse.get("currentTime") ?? (yield* monitored(session))
  const server = told === undefined ? undefined : timeOf(told)
  if (server === undefined) return [ok("clock", "the server doesn't report its time")]
  const seconds = Math.round((server - (yield* Clock.currentTimeMillis)) / 1000)
  const detail = `the server's clock is ${Math.abs(seconds)} s ${seconds < 0 ? "behind" : "ahead"}`
  if (Math.abs(seconds) <= 60) return [ok("clock", detail)]
  return [
    Math.abs(seconds) > 300
      ? failure("clock", detail, "Kerberos allows five minutes: set the clocks by NTP.")
      : warning("clock", detail, "Set the clocks by NTP.")
  ]
})

/** slapd and 389 Directory Server report the time to sessions that may read their monitor. */
const monitored = Effect.fnUntraced(function*(session: LdapSession) {
  for (
    const [dn, attribute] of [["cn=Current,cn=Time,cn=Monitor", "monitorTimestamp"], [
      "cn=monitor",
      "currenttime"
    ]] as const
  ) {
    const found = yield* Effect.result(session.lookup(dn, { attributes: [attribute] }))
    const value = Result.isSuccess(found) ? Option.getOrUndefined(found.success)?.get(attribute) : undefined
    if (value !== undefined) return value
  }
  return undefined
})

/** Generalized Time, as servers write it. */
const timeOf = (text: string): number | undefined => {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d+)?Z$/.exec(text)
  if (match === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number)
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

/** The response time of a lookup. */
export const examineSpeed = Effect.fnUntraced(
  function*(session: LdapSession): Effect.fn.Return<ReadonlyArray<Finding>> {
    const clock = yield* Clock.Clock
    const times: Array<number> = []
    for (let i = 0; i < 20; i++) {
      const begin = clock.monotonicTimeNanosUnsafe()
      const found = yield* Effect.result(session.lookup("", { attributes: ["1.1"] }))
      if (Result.isFailure(found)) return [failure("speed", found.failure.message, "See the message.")]
      times.push(Number(clock.monotonicTimeNanosUnsafe() - begin) / 1e6)
    }
    times.sort((a, b) => a - b)
    const median = Math.round(times[10]! * 10) / 10
    const slowest = Math.round(times[19]! * 10) / 10
    const detail = `a lookup takes ${median} ms, the slowest of 20 took ${slowest} ms`
    return [median > 100 ? warning("speed", detail, "Is the server far away, or busy?") : ok("speed", detail)]
  }
)
