/**
 * Finds the groups of an entry, with or without the groups that it is in through other groups.
 *
 * There are three ways. Active Directory lists the groups of an entry in the entry. Other servers are searched for groups that have the
 * entry as a member. Where the server keeps `memberOf`, that attribute can be followed. GroupSearches.ts sends the requests.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { nameKey } from "../../../model/dn/nameKey.ts"
import { isLdapEntry, type LdapEntry } from "../../../model/entry/LdapEntry.ts"
import { nameProblem } from "../../../model/input/attributes.ts"
import { InvalidRequest, LdapError, NoSuchObject } from "../../../model/LdapError.ts"
import { dnFrom } from "../../../model/ldapts.ts"
import * as Sid from "../../../model/windows/Sid.ts"
import { attributeListProblem, booleanProblem } from "../../../session/input/operationInput.ts"
import type { DnInput, OperationOptions } from "../../../session/LdapSession.ts"
import { checked, countProblem, filterAttributesProblem, jobOptionsProblem, oneOf, type Problem } from "../jobInput.ts"
import {
  activeDirectoryAttributes,
  type GroupReader,
  GroupSearches,
  primaryGroupSid,
  TooManyGroupRequests
} from "./GroupSearches.ts"

export { TooManyGroupRequests }

/**
 * A group that an entry is in.
 *
 * @category models
 * @since 0.2.0
 */
export interface GroupMembership {
  /** The group, with the attributes that were asked for. */
  readonly entry: LdapEntry
  /**
   * The length of the shortest path: 1 for a group that has the entry itself as a member, 2 for a group that has such a group as a member,
   * and so on. `undefined` if the server reports the membership without a visible path.
   */
  readonly depth: number | undefined
}

/**
 * The groups of an entry.
 *
 * @category models
 * @since 0.2.0
 */
export interface GroupsOf {
  /** Each group once. */
  readonly groups: ReadonlyArray<GroupMembership>
  /**
   * The names or SIDs of groups that the server lists but that can't be read here: they are in another domain, were deleted, or access is
   * denied. The groups that these groups are in are unknown.
   */
  readonly unreadable: ReadonlyArray<string>
}

/**
 * Options of {@link groupsOf}.
 *
 * @category models
 * @since 0.2.0
 */
export interface GroupsOfOptions extends Pick<OperationOptions, "timeout"> {
  /** Whether nested groups are included: groups that have one of the entry's groups as a member, at any depth. Default false. */
  readonly nested?: boolean | undefined
  /**
   * How groups are found. `members`: by searches for groups that have the entry as a member. `memberOf`: by this attribute, which some
   * servers keep in the member's entry. Default `auto`: for an entry with a SID, the attributes of Active Directory; for all others
   * `members`.
   */
  readonly by?: "auto" | "members" | "memberOf" | undefined
  /**
   * The base of the searches for groups. Default: the naming context that the entry is in, which takes a request to the root DSE.
   */
  readonly base?: DnInput | undefined
  /** The attributes of groups. Default `cn`: all attributes would include all members. */
  readonly attributes?: ReadonlyArray<string> | undefined
  /**
   * The attributes in which groups name their members. Default `member`, `uniqueMember` and `memberUid`. `memberUid` holds the `uid` of an
   * entry; the others hold DNs.
   */
  readonly memberAttributes?: ReadonlyArray<string> | undefined
  /** The most names in the filter of one search. Default 50. */
  readonly chunkSize?: number | undefined
  /** How many requests may be in flight at once. Default 8. */
  readonly concurrency?: number | undefined
  /** The most requests of one call; beyond it the call fails with {@link TooManyGroupRequests}. Default 1,000. */
  readonly maxRequests?: number | undefined
}

/**
 * The groups that an entry is in.
 *
 * **Details**
 *
 * Groups may be members of each other. Each group is in the result once, and the entry itself never is. The entry is read once, and the
 * requests that follow are batched:
 *
 * - Servers of Active Directory are asked by `memberOf` and by the primary group (`primaryGroupID`), which no server lists among the
 *   members of a group. With `nested` they resolve the nesting of security groups themselves (`tokenGroups`), and the groups are read
 *   by their SIDs, 50 at a time. Distribution groups are then followed by `memberOf`. The matching rule in-chain is not used: it
 *   makes the server look at every group. A domain controller knows the groups of its own domain; for the forest, ask a global catalog
 *   with `base: ""`.
 * - Other servers are asked which groups have the entry as a member, by name (`member`, `uniqueMember`) or login (`memberUid`): one
 *   search for each level of nesting, or for each 50 groups of a level. Servers need an equality index on these attributes.
 * - `by: "memberOf"` follows that attribute, with a request for each group. Whether it is complete depends on the server: 389 Directory
 *   Server's plugin also lists the groups of groups, slapd's overlay only those that an entry joined after it was set up.
 *
 * If the server refuses a search for its size, the search is sent again in pages. `maxRequests` limits the number of requests. Referrals
 * are not followed, so no other server decides which groups a user is in.
 *
 * Fails with `NoSuchObject` if the entry doesn't exist. Interruption abandons the requests in flight. Fibers may share the client.
 *
 * **Example**
 *
 * ```ts
 * import { LdapJobs, type LdapClient } from "effect-ldap"
 * import { Effect } from "effect"
 *
 * const namesOfGroups = (ldap: LdapClient.LdapClient) =>
 *   LdapJobs.groupsOf(ldap, "uid=ada,ou=people,dc=example,dc=org", { nested: true }).pipe(
 *     Effect.map(({ groups }) => groups.map(({ entry }) => entry.get("cn")))
 *   )
 * ```
 *
 * @category groups
 * @since 0.2.0
 */
export const groupsOf = (
  client: GroupReader,
  entry: LdapEntry | DnInput,
  options: GroupsOfOptions = {}
): Effect.Effect<GroupsOf, LdapError | TooManyGroupRequests> =>
  checked(
    "groupsOf",
    () => memberProblem("entry", entry) ?? groupsOptionsProblem(options),
    () => {
      const dn = nameOf(entry)
      const { attributes = ["cn"] } = options
      return groupsBelow(searchesOf(client, dn, { ...options, attributes }), dn, options)
    }
  )

/** Checks an entry, or its name. */
export const memberProblem = (field: string, u: unknown): Problem => isLdapEntry(u) ? undefined : nameProblem(field, u)

export const nameOf = (entry: LdapEntry | DnInput): string => isLdapEntry(entry) ? entry.dn : dnFrom(entry)

/** Checks the options of {@link groupsOf}. */
export const groupsOptionsProblem = (options: unknown): Problem =>
  jobOptionsProblem(options, {
    nested: booleanProblem,
    by: oneOf("auto", "members", "memberOf"),
    base: nameProblem,
    attributes: (field, u) => attributeListProblem(u, field),
    memberAttributes: (field, u) =>
      filterAttributesProblem(field, u) ?? (Array.isArray(u) && u.length === 0
        ? new InvalidRequest({ field, detail: "it is empty, so no group could be found" })
        : undefined),
    chunkSize: countProblem,
    concurrency: countProblem,
    maxRequests: countProblem
  })

export const searchesOf = (
  client: GroupReader,
  dn: string,
  options: GroupsOfOptions & { readonly attributes: ReadonlyArray<string> }
): GroupSearches => {
  const { attributes, chunkSize = 50, concurrency = 8, maxRequests = 1000, timeout } = options
  // An empty list would ask for all attributes.
  const asked = attributes.length === 0 ? ["1.1"] : attributes
  return new GroupSearches(client, { dn, attributes: asked, chunkSize, concurrency, maxRequests, timeout })
}

type Found<A> = Effect.fn.Return<A, LdapError | TooManyGroupRequests>

/** Finds the groups; ends early if `isEnough` returns true for a group. */
export const groupsBelow = Effect.fnUntraced(function*(
  searches: GroupSearches,
  dn: string,
  { base, by = "auto", memberAttributes = ["member", "uniqueMember", "memberUid"], nested = false }: GroupsOfOptions,
  isEnough: (group: LdapEntry) => boolean = () => false
): Found<GroupsOf> {
  const own = by === "members" ? [] : by === "memberOf" ? ["memberOf"] : activeDirectoryAttributes
  const token = by === "auto" && nested ? ["tokenGroups"] : []
  const subject = yield* searches.lookup(dn, ["uid", ...own, ...token])
  if (Option.isNone(subject)) return yield* noSuchEntry(dn)
  const entry = subject.value
  if (by === "memberOf") return yield* byMemberOf(searches, entry, nested)
  const start = yield* searches.base(base, entry.dn)
  return by === "auto" && entry.has("objectSid")
    ? yield* inActiveDirectory(searches, entry, start, nested)
    : yield* byMembers(searches, entry, start, memberAttributes, nested, isEnough)
})

export const noSuchEntry = (dn: string, operation = "groupsOf"): LdapError => {
  const reason = new NoSuchObject({ matchedDn: "", diagnosticMessage: "", referrals: [], controls: [] })
  return new LdapError({ reason, operation, dn })
}

/** The groups that were found, and the names that were seen. */
class Known {
  readonly groups = new Map<string, GroupMembership>()
  readonly unreadable: Array<string> = []
  readonly #seen: Set<string>
  readonly #searches: GroupSearches

  constructor(searches: GroupSearches, self: LdapEntry) {
    this.#searches = searches
    this.#seen = new Set([nameKey(self.dn)])
  }

  /** Adds groups, and returns those that are new. */
  add(entries: Iterable<LdapEntry>, depth: number | undefined): ReadonlyArray<LdapEntry> {
    const fresh: Array<LdapEntry> = []
    for (const entry of entries) {
      const key = nameKey(entry.dn)
      if (this.#seen.has(key)) continue
      this.#seen.add(key)
      this.groups.set(key, { entry, depth })
      fresh.push(entry)
    }
    this.#searches.found = this.groups.size
    return fresh
  }

  /** The names among these that haven't been seen, each once. */
  unseen(names: Iterable<string>): ReadonlyArray<string> {
    return Array.from(new Map(Array.from(names, (name) => [nameKey(name), name] as const)))
      .flatMap(([key, name]) => this.#seen.has(key) ? [] : [name])
  }

  /** Notes names whose entries can't be read. */
  miss(names: Iterable<string>): void {
    for (const name of names) {
      this.#seen.add(nameKey(name))
      this.unreadable.push(name)
    }
  }

  get result(): GroupsOf {
    return { groups: Array.from(this.groups.values()), unreadable: this.unreadable }
  }
}

/** Level by level: searches for the groups that have these as members. */
const byMembers = Effect.fnUntraced(function*(
  searches: GroupSearches,
  entry: LdapEntry,
  base: DnInput,
  memberAttributes: ReadonlyArray<string>,
  nested: boolean,
  isEnough: (group: LdapEntry) => boolean
): Found<GroupsOf> {
  const known = new Known(searches, entry)
  const naming = memberAttributes.filter((attribute) => !isMemberUid(attribute))
  const login = naming.length < memberAttributes.length ? entry.get("uid") : undefined
  let names: ReadonlyArray<string> = [entry.dn]
  for (let depth = 1; names.length > 0; depth++) {
    if (naming.length === 0 && (depth > 1 || login === undefined)) break
    const found = yield* searches.byMembers(base, naming, names, depth === 1 ? login : undefined)
    const fresh = known.add(found, depth)
    if (!nested || fresh.some(isEnough)) break
    names = fresh.map(({ dn }) => dn)
  }
  return known.result
})

export const isMemberUid = (attribute: string): boolean => attribute.toLowerCase() === "memberuid"

/** By `memberOf`, group by group. */
const byMemberOf = Effect.fnUntraced(function*(
  searches: GroupSearches,
  entry: LdapEntry,
  nested: boolean
): Found<GroupsOf> {
  const known = new Known(searches, entry)
  let names = known.unseen(yield* searches.names(entry, "memberOf"))
  for (let depth = 1; names.length > 0; depth++) {
    const found = yield* searches.byNames(names)
    known.miss(names.filter((_, i) => found[i] === undefined))
    const fresh = known.add(found.filter((group) => group !== undefined), depth)
    if (!nested) break
    const above = yield* Effect.forEach(fresh, (group) => searches.names(group, "memberOf"))
    names = known.unseen(above.flat())
  }
  return known.result
})

/** By the attributes of Active Directory, and then by `memberOf` for groups that the server doesn't resolve. */
const inActiveDirectory = Effect.fnUntraced(function*(
  searches: GroupSearches,
  entry: LdapEntry,
  base: DnInput,
  nested: boolean
): Found<GroupsOf> {
  const known = new Known(searches, entry)
  const primary = primaryGroupSid(entry)
  const own = yield* searches.names(entry, "memberOf")
  /** The names of the groups that a group is in, by the key of its name. */
  const above = new Map<string, ReadonlyArray<string>>()
  const read = Effect.fnUntraced(function*(names: ReadonlyArray<string>, sids: ReadonlyArray<Uint8Array>): Found<
    ReadonlyArray<LdapEntry>
  > {
    const fresh = known.add(yield* searches.byNamesOrSids(base, names, sids), undefined)
    known.miss(known.unseen(names))
    const found = new Set(fresh.map((group) => Buffer.from(group.getBytes("objectSid") ?? []).toString("hex")))
    known.miss(
      sids.flatMap((sid) =>
        found.has(Buffer.from(sid).toString("hex")) ? [] : Result.match(Sid.fromBytes(sid), {
          onFailure: () => [],
          onSuccess: (text) => [text]
        })
      )
    )
    if (!nested) return fresh
    for (const group of fresh) above.set(nameKey(group.dn), yield* searches.names(group, "memberOf"))
    return fresh
  })

  const token = nested ? entry.getAllBytes("tokenGroups") : []
  // Only entries with a password have `tokenGroups`.
  const sids = token.length > 0 ? token : primary === undefined ? [] : [primary]
  const first = yield* read(token.length > 0 ? [] : known.unseen(own), sids)
  if (nested) {
    let names = known.unseen([...own, ...first.flatMap(({ dn }) => above.get(nameKey(dn)) ?? [])])
    while (names.length > 0) {
      const fresh = yield* read(names, [])
      names = known.unseen(fresh.flatMap(({ dn }) => above.get(nameKey(dn)) ?? []))
    }
  }
  return withDepths(known, own, primary, above)
})

/** Computes the distance from the entry to each of its groups, from the names that were read. */
const withDepths = (
  { groups, unreadable }: Known,
  own: ReadonlyArray<string>,
  primary: Uint8Array | undefined,
  above: ReadonlyMap<string, ReadonlyArray<string>>
): GroupsOf => {
  const depths = new Map<string, number>()
  let level = own.map(nameKey)
  if (primary !== undefined) {
    for (const [key, { entry }] of groups) {
      if (Buffer.compare(entry.getBytes("objectSid") ?? new Uint8Array(), primary) === 0) level.push(key)
    }
  }
  for (let depth = 1; level.length > 0; depth++) {
    const next: Array<string> = []
    for (const key of level) {
      if (depths.has(key)) continue
      depths.set(key, depth)
      for (const name of above.get(key) ?? []) next.push(nameKey(name))
    }
    level = next
  }
  return {
    groups: Array.from(groups, ([key, { entry }]) => ({ entry, depth: depths.get(key) })),
    unreadable
  }
}
