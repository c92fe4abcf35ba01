/**
 * The list of members in a group: which attribute holds it, how a member is written there, and when two members are equal. Groups name
 * their members by distinguished names (`member`, `uniqueMember`) or by logins (`memberUid`).
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as LdapDn from "../../../model/dn/LdapDn.ts"
import { nameKey } from "../../../model/dn/nameKey.ts"
import { nameProblem } from "../../../model/input/attributes.ts"
import { given } from "../../../model/input/values.ts"
import { InvalidRequest, LdapError } from "../../../model/LdapError.ts"
import { dnFrom } from "../../../model/ldapts.ts"
import { dnTextOf } from "../../../model/losslessText.ts"
import type { DnInput, LdapOperations, OperationOptions } from "../../../session/LdapSession.ts"
import { allValues } from "../../../session/valueRanges.ts"
import type { Problem } from "../jobInput.ts"
import { notFollowed } from "../ownServer.ts"
import { isMemberUid, noSuchEntry } from "./groupsOf.ts"

/** Options that all changes of members share. */
export interface MemberListOptions extends Pick<OperationOptions, "timeout"> {
  /**
   * The attribute of the members. Default: by the group's object classes. `groupOfUniqueNames` has `uniqueMember`; a `posixGroup` without
   * a class of groups with names has `memberUid`; all others have `member`.
   */
  readonly memberAttribute?: string | undefined
  /** The most members in one request. Default 1,000. */
  readonly chunkSize?: number | undefined
}

/** A list of members: an attribute of one group. */
export interface MemberList {
  readonly group: string
  readonly attribute: string
  readonly timeout: OperationOptions["timeout"]
}

/** A member as it is written in the list, and the key by which equal members are found. */
export interface Member {
  readonly value: string
  readonly key: string
}

/** Checks a list of members. */
export const membersProblem = (u: unknown): Problem => {
  if (!Array.isArray(u))
    return new InvalidRequest({ field: "members", detail: `${given(u)} was given where an array of names belongs` })
  for (const member of u as ReadonlyArray<unknown>) {
    const problem = nameProblem("members", member)
    if (problem !== undefined) return problem
    if (String(member) === "")
      return new InvalidRequest({ field: "members", detail: "one of the names is empty" })
  }
  return undefined
}

const withNames = new Set(["group", "groupofnames", "groupofentries", "groupofurls"])

/** The list of a group, after a look at its object classes. */
export const memberListOf = Effect.fnUntraced(function*(
  client: Pick<LdapOperations, "lookup">,
  group: DnInput,
  { memberAttribute, timeout }: MemberListOptions,
  operation: string
): Effect.fn.Return<MemberList, LdapError> {
  const dn = dnFrom(group)
  if (memberAttribute !== undefined) return { group: dn, attribute: memberAttribute, timeout }
  const found = yield* client.lookup(group, { ...notFollowed, attributes: ["objectClass"], timeout })
  if (Option.isNone(found)) return yield* noSuchEntry(dn, operation)
  const classes = found.value.getAll("objectClass").map((name) => name.toLowerCase())
  const attribute = classes.includes("groupofuniquenames")
    ? "uniqueMember"
    : classes.includes("posixgroup") && !classes.some((name) => withNames.has(name))
    ? "memberUid"
    : "member"
  return { group: dn, attribute, timeout }
})

/** The members as the list writes them, each once. If the login isn't in a member's name, it is read from the member's entry. */
export const membersFor = Effect.fnUntraced(function*(
  client: Pick<LdapOperations, "lookup">,
  { attribute, timeout }: MemberList,
  members: ReadonlyArray<DnInput>,
  operation: string
): Effect.fn.Return<ReadonlyArray<Member>, LdapError> {
  const names = members.map(dnFrom)
  const values = isMemberUid(attribute)
    ? yield* Effect.forEach(names, (name) => loginOf(client, name, timeout, operation), { concurrency: 16 })
    : names
  const each = new Map(values.map((value) => [memberKey(attribute, value), value] as const))
  return Array.from(each, ([key, value]) => ({ key, value }))
})

const loginOf = (
  client: Pick<LdapOperations, "lookup">,
  name: string,
  timeout: OperationOptions["timeout"],
  operation: string
): Effect.Effect<string, LdapError> => {
  const parsed = LdapDn.parse(name, { lenient: true })
  // A text that is not a DN is the login itself.
  if (Result.isFailure(parsed)) return Effect.succeed(name)
  const inName = parsed.success.rdns[0]?.get("uid")
  if (inName !== undefined) return Effect.succeed(inName)
  return Effect.flatMap(client.lookup(name, { ...notFollowed, attributes: ["uid"], timeout }), (found) => {
    const uid = Option.getOrUndefined(found)?.get("uid")
    const detail = "the group has logins for members (memberUid), and this entry has no uid"
    return uid === undefined
      ? Effect.fail(new LdapError({ reason: new InvalidRequest({ field: "members", detail }), operation, dn: name }))
      : Effect.succeed(uid)
  })
}

/** The members that the group has now. */
export const currentMembers = (
  client: Pick<LdapOperations, "lookup">,
  { attribute, group, timeout }: MemberList,
  operation: string
): Effect.Effect<ReadonlyMap<string, string>, LdapError> =>
  Effect.gen(function*() {
    const found = yield* client.lookup(group, { ...notFollowed, attributes: [attribute], timeout })
    if (Option.isNone(found)) return yield* noSuchEntry(group, operation)
    const values = yield* allValues(client, found.value, attribute, { ...notFollowed, timeout })
    return new Map(values.map(dnTextOf).map((value) => [memberKey(attribute, value), value] as const))
  })

/** Logins are compared with regard to case. Names are compared as DNs, without the optional unique identifier of `uniqueMember`. */
const memberKey = (attribute: string, value: string): string =>
  isMemberUid(attribute) ? value : nameKey(value.replace(uniqueIdentifier, ""))

const uniqueIdentifier = /#'[01]*'B$/
