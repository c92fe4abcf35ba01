/**
 * Turns the options of a search into the request to send: defaults, units, filters as text and of ldapts. Options that can't be
 * encoded fail here.
 */
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import * as LdapFilter from "../../model/filter/LdapFilter.ts"
import { InvalidRequest } from "../../model/LdapError.ts"
import { dnFrom } from "../../model/ldapts.ts"
import { maxInt, type SearchRequest } from "../../protocol/LdapMessage.ts"
import type { FilterInput, SearchOptions } from "../LdapOperations.ts"

export const everything: LdapFilter.LdapFilter = LdapFilter.present("objectClass")

/** Plain code instead of `Result.gen`, since this runs for every lookup. */
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

const parseFilter = (filter: FilterInput): Result.Result<LdapFilter.LdapFilter, InvalidRequest> =>
  Result.mapError(LdapFilter.from(filter), (error) => new InvalidRequest({ field: "filter", detail: error.message }))

/** The filter of a search with its values left out; `undefined` if it can't be parsed. */
export const filterShape = (filter: FilterInput | undefined): string | undefined =>
  filter === undefined
    ? LdapFilter.shape(everything)
    : Result.getOrUndefined(Result.map(parseFilter(filter), LdapFilter.shape))
