/**
 * Adds members to a group and removes them. The outcome is what counts: a member that is there already, or gone already, is no error.
 */
import * as Effect from "effect/Effect"
import * as LdapControl from "../../../model/control/LdapControl.ts"
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
 * Adds members to a group. Members that it has already are no error.
 *
 * **Details**
 *
 * Members are given by their names, for every kind of group. For a `posixGroup`, whose members are logins, the `uid` is taken from the
 * name, or read from the member's entry; a text that is no name is taken for the login itself.
 *
 * The members are sent in chunks of `chunkSize`, one after another, with the control that permits to add what is there (permissive
 * modify; Active Directory and OpenLDAP have it). Without it a server refuses the chunk, and only then are the members read, and what is
 * missing is sent. So many members take as many requests as there are chunks, and one to read the group's classes.
 *
 * Fails with `NoSuchObject` if the group doesn't exist, and as the server does otherwise: Active Directory refuses members that don't
 * exist, and the primary group of a user. Chunks that were sent before a failure or an interruption stay. Referrals are not
 * followed.
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
 * Removes members from a group. Names that aren't members are no error.
 *
 * **Details**
 *
 * As {@link addMembers}. A `groupOfNames` or `groupOfUniqueNames` can't be without members: the server refuses to remove the last one
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
    // Not critical: other servers ignore it, and refuse what is there already.
    return client.modify(group, modification, {
      ...notFollowed,
      controls: [LdapControl.permissiveModify.make()],
      timeout
    })
  }
  /** Sends what isn't so yet. Another client may write between reading and writing, so there is one more try. */
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
 * Whether the server may have refused a change since a member is there, or gone, already. Active Directory says entryAlreadyExists (68) and
 * unwillingToPerform (53).
 */
const isAboutMembers = ({ reason }: LdapError): boolean =>
  reason._tag === "AttributeOrValueExists" || reason._tag === "NoSuchAttribute" ||
  reason._tag === "EntryAlreadyExists" || reason._tag === "UnwillingToPerform"
