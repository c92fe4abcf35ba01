/**
 * Whether an entry is in a group. If the server can answer that from the two entries, they are read; otherwise the groups of the entry are
 * searched for the group.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { nameKey } from "../../../model/dn/nameKey.ts"
import type { LdapEntry } from "../../../model/entry/LdapEntry.ts"
import * as LdapFilter from "../../../model/filter/LdapFilter.ts"
import { nameProblem } from "../../../model/input/attributes.ts"
import type { LdapError } from "../../../model/LdapError.ts"
import { dnFrom } from "../../../model/ldapts.ts"
import type { DnInput } from "../../../session/LdapSession.ts"
import { checked } from "../jobInput.ts"
import { type GroupReader, type GroupSearches, primaryGroupSid, type TooManyGroupRequests } from "./GroupSearches.ts"
import {
  groupsBelow,
  type GroupsOfOptions,
  groupsOptionsProblem,
  isMemberUid,
  memberProblem,
  nameOf,
  noSuchEntry,
  searchesOf
} from "./groupsOf.ts"

/**
 * Options of {@link isMemberOf}.
 *
 * @category models
 * @since 0.2.0
 */
export interface IsMemberOfOptions extends Omit<GroupsOfOptions, "attributes" | "by"> {}

/**
 * Whether an entry is a member of a group.
 *
 * **Details**
 *
 * Without `nested` it takes two requests: the entry is read, and the group is asked whether it has the entry as a member. In Active
 * Directory the primary group counts too.
 *
 * With `nested`, the SIDs of the entry's security groups (`tokenGroups`) are read from Active Directory. If the group is not among them,
 * its in-chain matching rule decides, which covers distribution groups too and is fast for a single entry. Other servers are searched level
 * by level, as by `groupsOf`, until the group is found.
 *
 * A group that doesn't exist, or can't be read, has no members: the result is false. Fails with `NoSuchObject` if the entry doesn't
 * exist. Referrals are not followed.
 *
 * Interruption abandons the request in flight.
 *
 * **Example**
 *
 * ```ts
 * import { LdapJobs, type LdapClient } from "effect-ldap"
 *
 * const mayPublish = (ldap: LdapClient.LdapClient, user: string) =>
 *   LdapJobs.isMemberOf(ldap, user, "cn=editors,ou=groups,dc=example,dc=org", { nested: true })
 * ```
 *
 * @category groups
 * @since 0.2.0
 */
export const isMemberOf = (
  client: GroupReader,
  entry: LdapEntry | DnInput,
  group: DnInput,
  options: IsMemberOfOptions = {}
): Effect.Effect<boolean, LdapError | TooManyGroupRequests> =>
  checked(
    "isMemberOf",
    () => memberProblem("entry", entry) ?? nameProblem("group", group) ?? groupsOptionsProblem(options),
    () => {
      const dn = nameOf(entry)
      return decide(searchesOf(client, dn, { ...options, attributes: [] }), dn, dnFrom(group), options)
    }
  )

const decide = Effect.fnUntraced(function*(
  searches: GroupSearches,
  dn: string,
  group: string,
  options: IsMemberOfOptions
): Effect.fn.Return<boolean, LdapError | TooManyGroupRequests> {
  const { memberAttributes = ["member", "uniqueMember", "memberUid"], nested = false } = options
  const token = nested ? ["tokenGroups"] : []
  const subject = yield* searches.lookup(dn, ["uid", "objectSid", "primaryGroupID", ...token])
  if (Option.isNone(subject)) return yield* noSuchEntry(dn, "isMemberOf")
  const entry = subject.value
  const isInDomain = entry.has("objectSid")
  if (!isInDomain && nested) {
    const key = nameKey(group)
    const isGroup = (found: LdapEntry) => nameKey(found.dn) === key
    const { groups } = yield* groupsBelow(searches, dn, { ...options, by: "members" }, isGroup)
    return groups.some(({ entry }) => isGroup(entry))
  }
  const alternatives = memberAttributes.flatMap((attribute) => {
    const value = isMemberUid(attribute) ? entry.get("uid") : entry.dn
    return value === undefined ? [] : [LdapFilter.equals(attribute, value)]
  })
  const isMember = alternatives.length > 0 &&
    Option.isSome(yield* searches.lookup(group, ["1.1"], LdapFilter.or(...alternatives)))
  if (isMember || !isInDomain) return isMember
  const sid = Option.getOrUndefined(yield* searches.lookup(group, ["objectSid"]))?.getBytes("objectSid")
  const primary = primaryGroupSid(entry)
  const sids = [...entry.getAllBytes("tokenGroups"), ...(primary === undefined ? [] : [primary])]
  if (sid !== undefined && sids.some((one) => Buffer.compare(one, sid) === 0)) return true
  if (!nested) return false
  // For a single entry the rule is fast.
  return Option.isSome(yield* searches.lookup(dn, ["1.1"], LdapFilter.inChain("memberOf", group)))
})
