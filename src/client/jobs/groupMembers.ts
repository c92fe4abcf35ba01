/**
 * The members of a group: their names, or their entries, with or without nested groups.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { nameKey } from "../../model/dn/nameKey.ts"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import { inChain } from "../../model/filter/LdapFilter.ts"
import { nameProblem } from "../../model/input/attributes.ts"
import { given } from "../../model/input/values.ts"
import { InvalidRequest, LdapError, NoSuchObject } from "../../model/LdapError.ts"
import { dnFrom } from "../../model/ldapts.ts"
import { dnTextOf } from "../../model/losslessText.ts"
import { attributeListProblem } from "../../session/input/operationInput.ts"
import type { DnInput, LdapOperations, OperationOptions } from "../../session/LdapSession.ts"
import { allValues } from "../../session/valueRanges.ts"
import {
  checked,
  checkedStream,
  countProblem,
  filterAttributesProblem,
  functionProblem,
  jobOptionsProblem,
  type Problem
} from "./jobInput.ts"

/**
 * A member of a group.
 *
 * @category models
 * @since 0.1.0
 */
export interface GroupMember {
  /** The entry of the member. */
  readonly entry: LdapEntry
  /** Whether the member is a group itself: it has an object class of groups, or members. */
  readonly isGroup: boolean
  /**
   * 1 for a member of the group itself, 2 for a member of a group in it. `undefined` with `inChain`, where the server resolves the nesting.
   */
  readonly depth: number | undefined
}

/**
 * Options of {@link memberNames}.
 *
 * @category models
 * @since 0.1.0
 */
export interface MemberNamesOptions extends Pick<OperationOptions, "timeout"> {
  /** The attributes that hold the names of members. Default `member` and `uniqueMember`. */
  readonly memberAttributes?: ReadonlyArray<string> | undefined
}

/**
 * Options of {@link members}.
 *
 * @category models
 * @since 0.1.0
 */
export interface MembersOptions extends MemberNamesOptions {
  /**
   * Default `false`: the members of the group itself. `true`: also those of groups in it, at any depth. `inChain`: the same,
   * but Active Directory finds them in one search below `base`.
   */
  readonly nested?: boolean | "inChain" | undefined
  /** Base of the search with `inChain`: usually the domain. */
  readonly base?: DnInput | undefined
  /** Attributes of the entries; default all user attributes. */
  readonly attributes?: ReadonlyArray<string> | undefined
  /** How many lookups may be in flight at once. Default 16. */
  readonly concurrency?: number | undefined
  /**
   * Called for each member whose entry could not be read, with the reason: the server refers to another server, or refuses the lookup. Such
   * a member is not in the stream. Default: one warning in the log at the end of each level, with the number of these members. @since 0.2.0
   */
  readonly onUnreadable?: ((dn: string, error: LdapError) => Effect.Effect<void>) | undefined
}

const memberAttributesOf = ({ memberAttributes = ["member", "uniqueMember"] }: MemberNamesOptions) => memberAttributes

/**
 * The names of a group's members, in the server's order: one request, or one per range if Active Directory sends them by range
 * retrieval.
 *
 * **Details**
 *
 * Doesn't check whether the entries exist. The optional unique identifier of `uniqueMember` (RFC 4517 section 3.3.21) is cut off. Fails
 * with `NoSuchObject` for a group that doesn't exist. Groups with `memberUid` have logins instead of DNs, so the result for them is empty.
 *
 * Interruption abandons the request in flight.
 *
 * @category groups
 * @since 0.1.0
 */
export const memberNames = (
  client: Pick<LdapOperations, "lookup">,
  group: DnInput,
  options: MemberNamesOptions = {}
): Effect.Effect<ReadonlyArray<string>, LdapError> =>
  checked("memberNames", () => inputProblem(group, options), () => namesOfGroup(client, group, options))

const inputProblem = (group: unknown, options: unknown): Problem =>
  nameProblem("group", group) ?? jobOptionsProblem(options, {
    memberAttributes: filterAttributesProblem,
    nested: (field, u) =>
      typeof u === "boolean" || u === "inChain"
        ? undefined
        : new InvalidRequest({ field, detail: `${given(u)} was given where true, false or "inChain" belongs` }),
    base: nameProblem,
    attributes: (field, u) => attributeListProblem(u, field),
    concurrency: countProblem,
    onUnreadable: functionProblem
  })

const namesOfGroup = Effect.fnUntraced(function*(
  client: Pick<LdapOperations, "lookup">,
  group: DnInput,
  options: MemberNamesOptions
): Effect.fn.Return<ReadonlyArray<string>, LdapError> {
  const attributes = memberAttributesOf(options)
  const found = yield* client.lookup(group, { attributes, timeout: options.timeout })
  if (Option.isNone(found)) {
    const reason = new NoSuchObject({ matchedDn: "", diagnosticMessage: "", referrals: [], controls: [] })
    return yield* new LdapError({ reason, operation: "memberNames", dn: dnFrom(group) })
  }
  return yield* namesOf(client, found.value, attributes, options)
})

/**
 * The members of a group, each once, as a stream of their entries.
 *
 * **Details**
 *
 * Every member is read by its own lookup, `concurrency` at a time. Names without an entry are left out. Members that this client may
 * not read, or that are on another server, go to `onUnreadable`. With `nested`, members come level by level, with the groups among them
 * (`isGroup`); the depth is that of the shortest path, groups may be members of each other, and the group is never its own member.
 * The names seen so far and one level are kept in memory.
 *
 * With `inChain`, Active Directory resolves the nesting by its matching rule on `memberOf`; in a large domain that may take seconds. No
 * server lists the members that are in a group only by their primary group (`primaryGroupID`), so neither way finds them.
 *
 * Fails with `NoSuchObject` for a group that doesn't exist, except with `inChain`, which then finds no members. Interruption, or
 * ending the stream early, abandons the requests in flight.
 *
 * **Example**
 *
 * ```ts
 * import { LdapJobs, type LdapClient } from "effect-ldap"
 * import { Stream } from "effect"
 *
 * const addresses = (ldap: LdapClient.LdapClient) =>
 *   LdapJobs.members(ldap, "cn=staff,ou=groups,dc=example,dc=org", { nested: true, attributes: ["mail"] }).pipe(
 *     Stream.filter(({ isGroup }) => !isGroup),
 *     Stream.map(({ entry }) => entry.get("mail")),
 *     Stream.runCollect
 *   )
 * ```
 *
 * @category groups
 * @since 0.1.0
 */
export const members = (
  client: Pick<LdapOperations, "lookup" | "search">,
  group: DnInput,
  options: MembersOptions = {}
): Stream.Stream<GroupMember, LdapError> =>
  checkedStream(
    "members",
    () => inputProblem(group, options),
    () => options.nested === "inChain" ? inOneSearch(client, group, options) : levelByLevel(client, group, options)
  )

const groupClasses = new Set([
  "group",
  "groupofnames",
  "groupofuniquenames",
  "groupofentries",
  "groupofurls",
  "posixgroup"
])

const inOneSearch = (
  client: Pick<LdapOperations, "search">,
  group: DnInput,
  options: MembersOptions
): Stream.Stream<GroupMember, LdapError> =>
  client.search({
    base: options.base ?? "",
    filter: inChain("memberOf", dnFrom(group)),
    attributes: wanted(options),
    pageSize: 500,
    timeout: options.timeout
  }).pipe(
    // If groups are members of each other, the search also finds the group itself.
    Stream.filter(({ dn }) => nameKey(dn) !== nameKey(dnFrom(group))),
    Stream.map((entry) => ({ entry, isGroup: isGroup(entry, memberAttributesOf(options)), depth: undefined }))
  )

const levelByLevel = (
  client: Pick<LdapOperations, "lookup">,
  group: DnInput,
  options: MembersOptions
): Stream.Stream<GroupMember, LdapError> => {
  const { concurrency = 16, nested = false, timeout } = options
  const attributes = memberAttributesOf(options)
  const seen = new Set([nameKey(dnFrom(group))])
  const unseen = (names: Iterable<string>): ReadonlyArray<string> => {
    const fresh: Array<string> = []
    for (const name of names) {
      const key = nameKey(name)
      if (seen.has(key)) continue
      seen.add(key)
      fresh.push(name)
    }
    return fresh
  }

  const level = (names: ReadonlyArray<string>, depth: number): Stream.Stream<GroupMember, LdapError> => {
    const below: Array<string> = []
    let unreadable = 0
    const report = (name: string) => (error: LdapError) => {
      if (!isOfOneEntry(error)) return Effect.fail(error)
      unreadable++
      return Effect.as(options.onUnreadable?.(name, error) ?? Effect.void, undefined)
    }
    const read = Effect.fnUntraced(function*(name: string) {
      const found = yield* Effect.catch(
        Effect.map(client.lookup(name, { attributes: wanted(options), timeout }), Option.getOrUndefined),
        report(name)
      )
      if (found === undefined) return Option.none<GroupMember>()
      const member = { entry: found, isGroup: isGroup(found, attributes), depth }
      if (nested === true && member.isGroup) {
        const names = yield* Effect.catch(namesOf(client, found, attributes, options), report(name))
        for (const name of names ?? []) below.push(name)
      }
      return Option.some<GroupMember>(member)
    })
    const warn = Effect.suspend(() =>
      unreadable === 0 || options.onUnreadable !== undefined
        ? Effect.void
        : Effect.logWarning(
          `${unreadable} members of a group could not be read; onUnreadable gets each of them with the reason`
        )
    )
    return Stream.fromIterable(names).pipe(
      Stream.mapEffect(read, { concurrency }),
      Stream.filterMap(Result.fromOption(() => undefined)),
      Stream.concat(Stream.drain(Stream.fromEffect(warn))),
      Stream.concat(
        Stream.suspend(() => {
          const next = unseen(below)
          return next.length === 0 ? Stream.empty : level(next, depth + 1)
        })
      )
    )
  }
  return Stream.unwrap(
    Effect.map(memberNames(client, group, options), (names) => level(unseen(names), 1))
  )
}

/** The requested attributes, and the attributes that identify a group. */
const wanted = (options: MembersOptions): ReadonlyArray<string> => [
  ...(options.attributes ?? ["*"]),
  "objectClass",
  ...memberAttributesOf(options)
]

const isGroup = (entry: LdapEntry, memberAttributes: ReadonlyArray<string>): boolean =>
  entry.getAll("objectClass").some((name) => groupClasses.has(name.toLowerCase())) ||
  memberAttributes.some((attribute) => entry.has(attribute))

/**
 * Whether the failure is about one entry, so that others can still be read: the server has answered, and a retry would get the same
 * answer, or the entry is on a server that can't be reached.
 */
const isOfOneEntry = ({ reason }: LdapError): boolean =>
  reason._tag === "ReferralFailed" || ("code" in reason && !reason.isRetryable)

const namesOf = (
  client: Pick<LdapOperations, "lookup">,
  entry: LdapEntry,
  attributes: ReadonlyArray<string>,
  { timeout }: MemberNamesOptions
): Effect.Effect<ReadonlyArray<string>, LdapError> =>
  Effect.map(
    Effect.forEach(attributes, (attribute) => allValues(client, entry, attribute, { timeout })),
    (values) => values.flat().map((value) => dnTextOf(value).replace(uniqueIdentifier, ""))
  )

const uniqueIdentifier = /#'[01]*'B$/
