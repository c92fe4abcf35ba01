/**
 * The requests that find the groups of an entry: searches for many names, members or SIDs at once. Their number is limited. groupsOf.ts and
 * isMemberOf.ts decide what to search for.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as LdapDn from "../../../model/dn/LdapDn.ts"
import type { LdapEntry } from "../../../model/entry/LdapEntry.ts"
import * as LdapFilter from "../../../model/filter/LdapFilter.ts"
import { InvalidRequest, LdapError } from "../../../model/LdapError.ts"
import { dnTextOf } from "../../../model/losslessText.ts"
import { primaryGroupSidOf } from "../../../model/windows/primaryGroup.ts"
import * as Sid from "../../../model/windows/Sid.ts"
import type { DnInput, LdapOperations, OperationOptions, SearchOptions } from "../../../session/LdapSession.ts"
import { allValues } from "../../../session/valueRanges.ts"
import { notFollowed } from "../ownServer.ts"

/**
 * The groups of an entry were not found within `maxRequests` requests: the groups are nested too deeply, or there are too many.
 *
 * @category errors
 * @since 0.2.0
 */
export class TooManyGroupRequests extends Data.TaggedError("TooManyGroupRequests")<{
  /** The entry whose groups were asked for. */
  readonly dn: string
  readonly maxRequests: number
  /** How many groups were found before the limit was reached. */
  readonly found: number
}> {
  override get message(): string {
    return `the groups of "${this.dn}" need more than ${this.maxRequests} requests (${this.found} were found); ` +
      "raise maxRequests, or name the base of the groups more closely"
  }
}

/** How requests are sent. */
export interface SearchLimits extends Pick<OperationOptions, "timeout"> {
  readonly dn: string
  readonly chunkSize: number
  readonly concurrency: number
  readonly maxRequests: number
  /** The attributes of groups that the caller wants. */
  readonly attributes: ReadonlyArray<string>
}

/** The attributes of Active Directory that say which groups an entry is in. */
export const activeDirectoryAttributes = ["objectSid", "primaryGroupID", "memberOf"] as const

/** The operations that reading groups needs, of a client or a session. */
export type GroupReader = Pick<LdapOperations, "lookup" | "searchResult" | "rootDse">

export class GroupSearches {
  readonly #client: GroupReader
  readonly #limits: SearchLimits
  #sent = 0
  /** How many groups are known, for the error. */
  found = 0

  constructor(client: GroupReader, limits: SearchLimits) {
    this.#client = client
    this.#limits = limits
  }

  /** Reads an entry by its name. */
  lookup(
    dn: DnInput,
    attributes: ReadonlyArray<string>,
    filter?: LdapFilter.LdapFilter
  ): Effect.Effect<Option.Option<LdapEntry>, LdapError | TooManyGroupRequests> {
    const { timeout } = this.#limits
    return this.#counted(() => this.#client.lookup(dn, { ...notFollowed, attributes, filter, timeout }))
  }

  /** The groups that have one of these names as a member, by one of these attributes, or this login as a `memberUid`. */
  byMembers(
    base: DnInput,
    attributes: ReadonlyArray<string>,
    names: ReadonlyArray<string>,
    login?: string
  ): Effect.Effect<ReadonlyArray<LdapEntry>, LdapError | TooManyGroupRequests> {
    const alternatives = names.map((name) => attributes.map((attribute) => LdapFilter.equals(attribute, name)))
    if (login !== undefined) alternatives.push([LdapFilter.equals("memberUid", login)])
    return this.#inChunks(base, alternatives, [])
  }

  /** The groups of Active Directory with these names or SIDs, with their own groups. */
  byNamesOrSids(
    base: DnInput,
    names: ReadonlyArray<string>,
    sids: ReadonlyArray<Uint8Array>
  ): Effect.Effect<ReadonlyArray<LdapEntry>, LdapError | TooManyGroupRequests> {
    const alternatives = [
      ...names.map((name) => [LdapFilter.equals("distinguishedName", name)]),
      ...sids.map((sid) => [LdapFilter.equals("objectSid", sid)])
    ]
    return this.#inChunks(base, alternatives, ["objectSid", "memberOf"])
  }

  /** The groups with these names, each by its own request; `undefined` for a group that can't be read here. */
  byNames(
    names: ReadonlyArray<string>
  ): Effect.Effect<ReadonlyArray<LdapEntry | undefined>, LdapError | TooManyGroupRequests> {
    const { attributes, concurrency } = this.#limits
    return Effect.forEach(
      names,
      (name) =>
        this.lookup(name, [...attributes, "memberOf"]).pipe(
          Effect.map(Option.getOrUndefined),
          Effect.catch((error) =>
            error._tag === "LdapError" && isOfOneEntry(error) ? Effect.succeed(undefined) : Effect.fail(error)
          )
        ),
      { concurrency }
    )
  }

  /** All names in an attribute. */
  names(
    entry: LdapEntry,
    attribute: string
  ): Effect.Effect<ReadonlyArray<string>, LdapError | TooManyGroupRequests> {
    if (!entry.isPartial(attribute)) return Effect.succeed(entry.getAllBytes(attribute).map(dnTextOf))
    const { timeout } = this.#limits
    // Each range is one request. Range retrieval has its own limit, so these requests are only counted here; the next search checks the
    // limit.
    const lookup: GroupReader["lookup"] = (dn, options) =>
      Effect.suspend(() => {
        this.#sent++
        return this.#client.lookup(dn, options)
      })
    return Effect.map(
      allValues({ lookup }, entry, attribute, { ...notFollowed, timeout }),
      (values) => values.map(dnTextOf)
    )
  }

  /** The base of the searches for groups: the option `base`, or the naming context of the entry. */
  base(
    given: DnInput | undefined,
    entry: string
  ): Effect.Effect<DnInput, LdapError | TooManyGroupRequests> {
    if (given !== undefined) return Effect.succeed(given)
    return Effect.flatMap(this.#counted(() => this.#client.rootDse), (rootDse) => {
      const name = LdapDn.parse(entry, { lenient: true })
      const contexts = rootDse.getAll("namingContexts").flatMap((text) => {
        const context = LdapDn.parse(text, { lenient: true })
        return Result.isSuccess(context) ? [context.success] : []
      })
      const own = Result.isFailure(name) ?
        [] :
        contexts.filter((context) =>
          LdapDn.isEqual(name.success, context) || LdapDn.isDescendantOf(name.success, context)
        )
      // A server may hold a part of the tree in a separate database, while the groups are in the database above it.
      const [widest] = own.sort((a, b) => a.rdns.length - b.rdns.length)
      const found = widest?.toString() ?? rootDse.get("defaultNamingContext")
      return found === undefined || found === ""
        ? Effect.fail(
          new LdapError({
            reason: new InvalidRequest({
              field: "base",
              detail: "the server doesn't say where its entries are (namingContexts): give the base of the groups"
            }),
            operation: "groupsOf",
            dn: entry
          })
        )
        : Effect.succeed(found)
    })
  }

  #inChunks(
    base: DnInput,
    alternatives: ReadonlyArray<ReadonlyArray<LdapFilter.LdapFilter>>,
    own: ReadonlyArray<string>
  ): Effect.Effect<ReadonlyArray<LdapEntry>, LdapError | TooManyGroupRequests> {
    const { attributes, chunkSize, concurrency } = this.#limits
    const chunks: Array<LdapFilter.LdapFilter> = []
    for (let i = 0; i < alternatives.length; i += chunkSize) {
      const filters = alternatives.slice(i, i + chunkSize).flat()
      chunks.push(filters.length === 1 ? filters[0]! : LdapFilter.or(...filters))
    }
    return Effect.map(
      Effect.forEach(chunks, (filter) => this.#search({ base, filter, attributes: [...attributes, ...own] }), {
        concurrency
      }),
      (found) => found.flat()
    )
  }

  /** Most answers are small. If the server refuses one for its size, the search is sent again, in pages. */
  #search(options: SearchOptions): Effect.Effect<ReadonlyArray<LdapEntry>, LdapError | TooManyGroupRequests> {
    const { timeout } = this.#limits
    const asked = { ...notFollowed, ...options, timeout }
    return this.#counted(() => this.#client.searchResult(asked)).pipe(
      Effect.catch((error) =>
        error._tag === "LdapError" && error.reason._tag === "SizeLimitExceeded"
          ? this.#counted(() => this.#client.searchResult({ ...asked, pageSize: 500 }))
          : Effect.fail(error)
      ),
      Effect.map(({ entries }) => entries)
    )
  }

  #counted<A>(request: () => Effect.Effect<A, LdapError>): Effect.Effect<A, LdapError | TooManyGroupRequests> {
    return Effect.suspend((): Effect.Effect<A, LdapError | TooManyGroupRequests> => {
      const { dn, maxRequests } = this.#limits
      if (this.#sent >= maxRequests)
        return Effect.fail(new TooManyGroupRequests({ dn, maxRequests, found: this.found }))
      this.#sent++
      return request()
    })
  }
}

/** Whether the failure is about one entry: the server has answered, and another entry may still be readable. */
const isOfOneEntry = ({ reason }: LdapError): boolean => "code" in reason && !reason.isRetryable

/** The SID of an account's primary group, which servers don't list among the account's groups. */
export const primaryGroupSid = (entry: LdapEntry): Uint8Array | undefined => {
  const sid = primaryGroupSidOf(entry)
  return sid === undefined ? undefined : Result.getOrUndefined(Sid.toBytes(sid))
}
