/**
 * The options of `LdapChanges`, their check, and the view that they describe.
 *
 * @since 0.2.0
 */
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as LdapDn from "../model/dn/LdapDn.ts"
import * as LdapFilter from "../model/filter/LdapFilter.ts"
import { given } from "../model/input/values.ts"
import { InvalidRequest, type LdapError } from "../model/LdapError.ts"
import { dnFrom, type DnInput } from "../model/ldapts.ts"
import { choiceProblem, durationProblem, searchProblem } from "../session/input/operationInput.ts"
import type { FilterInput } from "../session/LdapSession.ts"
import { ChangesSource } from "./LdapChange.ts"

/**
 * What a consumer has stored of an entry: the `version` of the change that wrote its row.
 *
 * @category models
 * @since 0.2.0
 */
export interface Known {
  readonly version: string | undefined
}

/**
 * Returns what the consumer has: the rows with these UUIDs. UUIDs without a row are left out of the result.
 *
 * **Details**
 *
 * Called with up to 1,000 UUIDs at a time, while a refresh runs, and always after the consumer has pulled all earlier changes. The result
 * must come from rows that the consumer has stored and will keep.
 *
 * @category models
 * @since 0.2.0
 */
export type KnownEntries<E = never, R = never> = (
  uuids: ReadonlyArray<string>
) => Effect.Effect<ReadonlyMap<string, Known>, E, R>

/**
 * Which entries are followed, and how.
 *
 * @category models
 * @since 0.2.0
 */
export interface FollowOptions<E = never, R = never> {
  /** The DN of the top entry of the view. */
  readonly base: DnInput
  /** Default `subtree`. */
  readonly scope?: "base" | "one" | "subtree" | "subordinates" | undefined
  /**
   * Which entries are in the view. Default `(objectClass=*)`. An entry that begins to match is reported as added, and one that ceases to
   * match as deleted.
   */
  readonly filter?: FilterInput | undefined
  /** The attributes of the entries; default all user attributes. With `schema`, those of the class. */
  readonly attributes?: ReadonlyArray<string> | undefined
  /** How the server is followed. Default `auto`: the best that the server offers and this client may use; see `LdapChanges.choose`. */
  readonly source?: ChangesSource | "auto" | undefined
  /** The cookie of the last checkpoint that was stored. Default: none; the stream starts with the whole view. */
  readonly since?: string | undefined
  /**
   * What happens if the cookie was made for another request. `fail`: the stream fails with `CookieMismatch`. `refresh`: the whole view is
   * read again, and entries that are gone are reported. Default `fail`.
   */
  readonly onMismatch?: "fail" | "refresh" | undefined
  /**
   * A function that returns what the consumer has. With it a refresh sends only differences, and finds entries that came into the view with
   * a subtree that was moved. Without it, a refresh without a usable cookie sends every entry.
   */
  readonly known?: KnownEntries<E, R> | undefined
  /**
   * What happens with an entry that doesn't fit the class of `schema`: `fail` with `EntryUndecodable`, or `leaveOut`: it is treated as
   * outside of the view, and a warning is logged. Default `fail`.
   */
  readonly undecodable?: "fail" | "leaveOut" | undefined
  /**
   * When to try again after a session was lost or couldn't be opened. The schedule starts anew after each checkpoint. When it ends, the
   * stream fails with the last error. Default: retries without end, first after 1 second, then with longer pauses up to 1 minute, with
   * jitter.
   */
  readonly schedule?: Schedule.Schedule<unknown, LdapError> | undefined
  /**
   * The pause between two requests to a server that doesn't report changes by itself, with the sources `dirSync`, `usn`, `changelog`,
   * `accesslog` and `scan`. Default 10 seconds, for `scan` 5 minutes. At least 2 seconds.
   */
  readonly pollInterval?: Duration.Input | undefined
  /**
   * How often a silent connection is tested with a small request, to notice a lost connection. Default 30 seconds; `"Infinity"`: never.
   */
  readonly heartbeat?: Duration.Input | undefined
  /** Page size of searches. Default 500. */
  readonly pageSize?: number | undefined
}

/** The view, in the form that sources use. */
export interface View {
  readonly base: string
  /** The base as a key: equal for equal names. */
  readonly baseKey: string
  readonly baseDn: LdapDn.LdapDn
  readonly scope: "base" | "one" | "subtree" | "subordinates"
  readonly filter: LdapFilter.LdapFilter
  readonly filterText: string
  /** The requested attributes; empty for all user attributes. */
  readonly attributes: ReadonlyArray<string>
}

/** The options with their defaults. */
export interface Settings {
  readonly view: View
  readonly source: ChangesSource | "auto"
  readonly since: string | undefined
  readonly onMismatch: "fail" | "refresh"
  readonly pollMillis: number | undefined
  readonly heartbeatMillis: number
  readonly pageSize: number
}

const leastPoll = 2_000

export const settingsFrom = (options: FollowOptions<unknown, unknown>): Result.Result<Settings, InvalidRequest> => {
  const problem = searchProblem(options) ?? ownProblem(options)
  if (problem !== undefined) return Result.fail(problem)
  const base = dnFrom(options.base)
  const baseDn = LdapDn.parse(base)
  if (Result.isFailure(baseDn)) return Result.fail(invalid("base", baseDn.failure.message))
  const filter = LdapFilter.from(options.filter ?? LdapFilter.present("objectClass"))
  if (Result.isFailure(filter)) return Result.fail(invalid("filter", filter.failure.message))
  const millis = (input: Duration.Input | undefined) => input === undefined ? undefined : Duration.toMillis(input)
  return Result.succeed({
    view: {
      base,
      baseDn: baseDn.success,
      baseKey: LdapDn.normalize(baseDn.success),
      scope: options.scope ?? "subtree",
      filter: filter.success,
      filterText: LdapFilter.format(filter.success),
      attributes: options.attributes ?? []
    },
    source: options.source ?? "auto",
    since: options.since,
    onMismatch: options.onMismatch ?? "fail",
    pollMillis: millis(options.pollInterval),
    heartbeatMillis: millis(options.heartbeat) ?? 30_000,
    pageSize: options.pageSize ?? 500
  })
}

const invalid = (field: string, detail: string): InvalidRequest => new InvalidRequest({ field, detail })

const ownProblem = (options: FollowOptions<unknown, unknown>): InvalidRequest | undefined => {
  const { heartbeat, known, pageSize, pollInterval, schedule, since, source, onMismatch, undecodable } = options
  const wrong = choiceProblem("source", source, ["auto", ...ChangesSource.literals]) ??
    choiceProblem("onMismatch", onMismatch, ["fail", "refresh"]) ??
    choiceProblem("undecodable", undecodable, ["fail", "leaveOut"]) ??
    durationProblem("pollInterval", pollInterval) ?? durationProblem("heartbeat", heartbeat)
  if (wrong !== undefined) return wrong
  if (pollInterval !== undefined && Duration.toMillis(pollInterval) < leastPoll) {
    return invalid("pollInterval", `${given(pollInterval)} is less than 2 seconds`)
  }
  if (heartbeat !== undefined && Duration.toMillis(heartbeat) < 1_000) {
    return invalid("heartbeat", `${given(heartbeat)} is less than 1 second`)
  }
  if (pageSize !== undefined && (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > 10_000)) {
    return invalid("pageSize", `${given(pageSize)} is not a whole number from 1 to 10,000`)
  }
  if (since !== undefined && typeof since !== "string") {
    return invalid("since", `${given(since)} was given where a cookie belongs`)
  }
  if (known !== undefined && typeof known !== "function") {
    return invalid("known", `${given(known)} was given where a function belongs`)
  }
  return schedule === undefined || Schedule.isSchedule(schedule)
    ? undefined
    : invalid("schedule", `${given(schedule)} was given where a Schedule belongs`)
}
