/**
 * Adds members to a group and removes them. A member that is in the group already, or was removed already, is no error.
 */
import * as Effect from "effect/Effect"
import * as LdapControl from "../../../model/control/controls.ts"
import { descriptionProblem, nameProblem } from "../../../model/input/attributes.ts"
import type { LdapError } from "../../../model/LdapError.ts"
import * as LdapModification from "../../../model/LdapModification.ts"
import type { DnInput, LdapOperations } from "../../../session/LdapSession.ts"
import { checked, countProblem, jobOptionsProblem, type Problem } from "../jobInput.ts"
import { notFollowed, onOneServer } from "../ownServer.ts"
import {
  currentMembers,
  type Member,
  type MemberList,
  memberListOf,
  type MemberListOptions,
  membersFor,
  membersProblem
} from "./MemberList.ts"

/**
 * Options of {@link addMembers} and {@link removeMembers}.
 *
 * @category models
 * @since 0.2.0
 */
export type ChangeMembersOptions = MemberListOptions

/** What changes of members need of a client or a session. */
export type MemberWriter = Pick<LdapOperations, "lookup" | "modify">

/**
 * Adds members to a group. A member that the group already has is no error.
 *
 * **Details**
 *
 * Members are given by their DNs, for every kind of group. A `posixGroup` has logins as members: the login is the `uid` in the DN, or is
 * read from the member's entry. A text that is not a DN is taken as the login itself.
 *
 * The members are sent in chunks of `chunkSize`, one after another. The permissive modify control lets the server accept members that are
 * there already (Active Directory and OpenLDAP support it). A server without this control refuses such a chunk; only then are the group's
 * members read, and the missing ones sent. So there is one request for each chunk, and one to read the group's object classes.
 *
 * Fails with `NoSuchObject` if the group doesn't exist. Other refusals of the server are failures too: Active Directory refuses members
 * that don't exist, and a user whose primary group this is. Chunks that were sent before a failure or an interruption stay. Referrals are
 * not followed.
 *
 * **Example**
 *
 * ```ts
 * import { LdapJobs, type LdapClient } from "effect-ldap"
 *
 * const join = (ldap: LdapClient.LdapClient) =>
 *   LdapJobs.addMembers(ldap, "cn=editors,ou=groups,dc=example,dc=org", ["uid=ada,ou=people,dc=example,dc=org"])
 * ```
 *
 * @category groups
 * @since 0.2.0
 */
export const addMembers = (
  client: MemberWriter,
  group: DnInput,
  members: ReadonlyArray<DnInput>,
  options: ChangeMembersOptions = {}
): Effect.Effect<void, LdapError> => change("add", "addMembers", client, group, members, options)

/**
 * Removes members from a group. A name that isn't a member is no error.
 *
 * **Details**
 *
 * Works like {@link addMembers}. A `groupOfNames` or `groupOfUniqueNames` must have a member: the server refuses to remove the last one
 * with `ObjectClassViolation`.
 *
 * Interruption abandons the request in flight, which the server may have carried out.
 *
 * @category groups
 * @since 0.2.0
 */
export const removeMembers = (
  client: MemberWriter,
  group: DnInput,
  members: ReadonlyArray<DnInput>,
  options: ChangeMembersOptions = {}
): Effect.Effect<void, LdapError> => change("delete", "removeMembers", client, group, members, options)

type Direction = "add" | "delete"

const change = (
  direction: Direction,
  operation: string,
  client: MemberWriter,
  group: DnInput,
  members: ReadonlyArray<DnInput>,
  options: ChangeMembersOptions
): Effect.Effect<void, LdapError> =>
  checked(
    operation,
    () => nameProblem("group", group) ?? membersProblem(members) ?? memberListOptionsProblem(options),
    () =>
      onOneServer(Effect.gen(function*() {
        if (members.length === 0) return
        const list = yield* memberListOf(client, group, options, operation)
        yield* write(client, list, direction, yield* membersFor(client, list, members, operation), operation, options)
      }))
  )

export const memberListOptionsProblem = (options: unknown): Problem =>
  jobOptionsProblem(options, { memberAttribute: descriptionProblem, chunkSize: countProblem })

/** Writes the members chunk by chunk. */
export const write = Effect.fnUntraced(function*(
  client: MemberWriter,
  list: MemberList,
  direction: Direction,
  members: ReadonlyArray<Member>,
  operation: string,
  { chunkSize = 1000 }: MemberListOptions
): Effect.fn.Return<void, LdapError> {
  for (let i = 0; i < members.length; i += chunkSize)
    yield* writeChunk(client, list, direction, members.slice(i, i + chunkSize), operation)
})

const writeChunk = Effect.fnUntraced(function*(
  client: MemberWriter,
  list: MemberList,
  direction: Direction,
  chunk: ReadonlyArray<Member>,
  operation: string
): Effect.fn.Return<void, LdapError> {
  const { attribute, group, timeout } = list
  const send = (members: ReadonlyArray<Member>) => {
    const values = members.map(({ value }) => value)
    const modification = direction === "add"
      ? LdapModification.add(attribute, values)
      : LdapModification.delete(attribute, values)
    // The control is not critical: servers without it ignore it, and refuse members that are there already.
    return client.modify(group, modification, {
      ...notFollowed,
      controls: [LdapControl.permissiveModify.make()],
      timeout
    })
  }
  /** Reads the members, and sends only the difference. Another client may write in between, so the job tries once more. */
  const sendDifference = Effect.fnUntraced(function*(triesLeft: number): Effect.fn.Return<void, LdapError> {
    const current = yield* currentMembers(client, list, operation)
    const rest = chunk.filter(({ key }) => current.has(key) === (direction === "delete"))
    if (rest.length === 0) return
    yield* Effect.catch(
      send(direction === "add" ? rest : rest.map(({ key }) => ({ key, value: current.get(key)! }))),
      (error) => triesLeft > 0 && isAboutMembers(error) ? sendDifference(triesLeft - 1) : Effect.fail(error)
    )
  })
  yield* Effect.catch(send(chunk), (error) => isAboutMembers(error) ? sendDifference(1) : Effect.fail(error))
})

/**
 * Whether the server may have refused the change because a member was added or removed before. Active Directory reports this as
 * entryAlreadyExists (68) and unwillingToPerform (53).
 */
const isAboutMembers = ({ reason }: LdapError): boolean =>
  reason._tag === "AttributeOrValueExists" || reason._tag === "NoSuchAttribute" ||
  reason._tag === "EntryAlreadyExists" || reason._tag === "UnwillingToPerform"
