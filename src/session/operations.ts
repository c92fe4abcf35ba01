/**
 * What programs ask for, turned into requests: defaults, units, and the values of ldapts. Whatever can't be sent fails here.
 */
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import type { Filter } from "ldapts"
import { BerError } from "../ber/BerReader.ts"
import type { LdapEntry } from "../model/LdapEntry.ts"
import { InvalidRequest } from "../model/LdapError.ts"
import type { LdapResult } from "../model/LdapError.ts"
import * as LdapFilter from "../model/LdapFilter.ts"
import { type ControlInput, dnFrom, type DnInput, filterFrom, isFilter } from "../model/ldapts.ts"
import { type DerefAliases, maxInt, type Scope, type SearchRequest } from "../protocol/LdapMessage.ts"

/**
 * What every operation may be given.
 *
 * @category models
 * @since 0.1.0
 */
export interface OperationOptions {
  readonly controls?: ReadonlyArray<ControlInput> | undefined
  /**
   * How long to wait for the server, instead of the session's `requestTimeout`; `"Infinity"` for ever. The operation is
   * then abandoned.
   */
  readonly timeout?: Duration.Input | undefined
}

/**
 * What `lookup` may be given.
 *
 * @category models
 * @since 0.1.0
 */
export interface LookupOptions extends OperationOptions {
  /** Attribute descriptions; default all user attributes. `*` is all user attributes, `+` all operational ones, `1.1` none. */
  readonly attributes?: ReadonlyArray<string> | undefined
  /** Only an entry that matches counts. Default `(objectClass=*)`. */
  readonly filter?: FilterInput | undefined
  /** Attribute descriptions without values. Default false. */
  readonly typesOnly?: boolean | undefined
}

/**
 * A filter: a value, RFC 4515 text, or a filter of ldapts. Never put text together from what users typed: `ldapFilter` and
 * the builders of `LdapFilter` keep values apart from syntax.
 *
 * @category models
 * @since 0.1.0
 */
export type FilterInput = string | LdapFilter.LdapFilter | Filter

/**
 * A search (RFC 4511 section 4.5.1).
 *
 * @category models
 * @since 0.1.0
 */
export interface SearchOptions extends LookupOptions {
  readonly base: DnInput
  /** Default `subtree`. */
  readonly scope?: Scope | undefined
  /**
   * Entries a page (RFC 2696). The next page is asked for when the stream wants it. Default: no pages. Servers limit how many
   * entries one answer may have; pages are how to get them all.
   */
  readonly pageSize?: number | undefined
  /** Ask the server for at most so many entries; more end in `SizeLimitExceeded`, after these. Default 0: no limit asked. */
  readonly sizeLimit?: number | undefined
  /** Ask the server to take at most so long, in whole seconds; then `TimeLimitExceeded`. Default 0: no limit asked. */
  readonly timeLimit?: Duration.Input | undefined
  /** When to follow aliases. Default `never`. */
  readonly derefAliases?: DerefAliases | undefined
}

/**
 * A search and all that it brought.
 *
 * @category models
 * @since 0.1.0
 */
export interface SearchResult {
  readonly entries: ReadonlyArray<LdapEntry>
  /** Search continuation references: each a list of URLs, any of which has a part of the answer. They are not followed. */
  readonly references: ReadonlyArray<ReadonlyArray<string>>
  readonly result: LdapResult
}

/**
 * How to rename or move an entry (RFC 4511 section 4.9).
 *
 * @category models
 * @since 0.1.0
 */
export interface RenameOptions extends OperationOptions {
  readonly newRdn: string
  /** The entry's new parent, where that changes. */
  readonly newSuperior?: DnInput | undefined
  /** Whether the values of the old RDN leave the entry. Default true. */
  readonly deleteOldRdn?: boolean | undefined
}

export const everything: LdapFilter.LdapFilter = LdapFilter.present("objectClass")

/** Plain code where `Result.gen` would read as well: this runs for every lookup. */
export const searchRequest = (options: SearchOptions): Result.Result<SearchRequest, InvalidRequest> => {
  const sizeLimit = options.sizeLimit ?? 0
  const timeLimit = options.timeLimit === undefined ? 0 : Math.ceil(Duration.toSeconds(options.timeLimit))
  const wrong = notWhole("sizeLimit", sizeLimit, 0) ??
    notWhole("timeLimit", timeLimit, 0) ??
    notWhole("pageSize", options.pageSize ?? 1, 1)
  if (wrong !== undefined) return Result.fail(wrong)
  const filter = options.filter === undefined ? Result.succeed(everything) : parseFilter(options.filter)
  if (Result.isFailure(filter)) return Result.fail(filter.failure)
  return Result.succeed({
    _tag: "SearchRequest",
    base: dnFrom(options.base),
    scope: options.scope ?? "subtree",
    derefAliases: options.derefAliases ?? "never",
    sizeLimit,
    timeLimit,
    typesOnly: options.typesOnly ?? false,
    filter: filter.success,
    attributes: options.attributes ?? []
  })
}

const notWhole = (field: string, value: number, least: number): InvalidRequest | undefined =>
  Number.isInteger(value) && value >= least && value <= maxInt
    ? undefined
    : new InvalidRequest({ field, detail: `${value} is not a whole number from ${least} to ${maxInt}` })

const parseFilter = (filter: FilterInput): Result.Result<LdapFilter.LdapFilter, InvalidRequest> => {
  if (typeof filter === "string") {
    return Result.mapError(LdapFilter.parse(filter), (error) => invalidFilter(error.message))
  }
  if (isFilter(filter)) {
    return Result.try({ try: () => filterFrom(filter), catch: (cause) => invalidFilter(messageOf(cause)) })
  }
  return Result.mapError(LdapFilter.validate(filter), (error) => invalidFilter(error.message))
}

const invalidFilter = (detail: string): InvalidRequest => new InvalidRequest({ field: "filter", detail })

const messageOf = (cause: unknown): string =>
  cause instanceof BerError || cause instanceof Error ? cause.message : String(cause)
