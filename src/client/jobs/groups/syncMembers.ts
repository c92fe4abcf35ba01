/**
 * Makes a group have exactly the members of a list, with a guard against incomplete lists.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { nameProblem } from "../../../model/input/attributes.ts"
import { given } from "../../../model/input/values.ts"
import { InvalidRequest, type LdapError } from "../../../model/LdapError.ts"
import type { DnInput, LdapOperations } from "../../../session/LdapSession.ts"
import { checked, type Problem } from "../jobInput.ts"
import { onOneServer } from "../ownServer.ts"
import { memberListOptionsProblem, write } from "./changeMembers.ts"
import { currentMembers, memberListOf, type MemberListOptions, membersFor, membersProblem } from "./MemberList.ts"

/**
 * The list would remove more members than allowed, so nothing was written: the list may be incomplete. If the list is right, run again with
 * `maxRemovals` set to the number of `removals`.
 *
 * @category errors
 * @since 0.2.0
 */
export class TooManyRemovals extends Data.TaggedError("TooManyRemovals")<{
  /** The name of the group. */
  readonly group: string
  /** The members that would be removed, as the group names them. */
  readonly removals: ReadonlyArray<string>
  /** How many members the group has. */
  readonly members: number
  /** How many removals were allowed. */
  readonly maxRemovals: number
}> {
  override get message(): string {
    return `${this.removals.length} of the ${this.members} members of "${this.group}" would be removed, and ` +
      `${this.maxRemovals} are allowed; nothing was written; if the list is right, ` +
      `set maxRemovals to ${this.removals.length}`
  }
}

/**
 * Options of {@link syncMembers}.
 *
 * @category models
 * @since 0.2.0
 */
export interface SyncMembersOptions extends MemberListOptions {
  /**
   * How many members may be removed. If the list removes more, the job fails with {@link TooManyRemovals} before anything is written.
   * Default: a tenth of the members, or 10 if that is more, but never all members if there are several. `"all"` turns the guard off.
   */
  readonly maxRemovals?: number | "all" | undefined
}

/**
 * What {@link syncMembers} has written.
 *
 * @category models
 * @since 0.2.0
 */
export interface MembersSynced {
  /** The members that were added, as the group names them: by name or login. */
  readonly added: ReadonlyArray<string>
  /** The names of the members that were removed. */
  readonly removed: ReadonlyArray<string>
  /** How many members were in the group before and stay in it. */
  readonly unchanged: number
}

/**
 * Makes the members of a group exactly these: adds those that are missing and removes the others.
 *
 * **Details**
 *
 * Reads the members, also where the server sends them in ranges, compares them as names (as logins for `memberUid`), and writes only the
 * difference, in chunks of `chunkSize`. Members are added before others are removed, so that a `groupOfNames` is never empty. If nothing
 * differs, nothing is written.
 *
 * A list that was read incompletely would empty the group. So more removals than `maxRemovals` are an error, and nothing is written. The
 * error lists the removals; a second run with `maxRemovals: error.removals.length` confirms exactly these.
 *
 * Changes that other clients make meanwhile are kept, unless they are about the same members. Chunks that were written before a failure or
 * an interruption stay; a second run does the rest. Fails with `NoSuchObject` if the group doesn't exist. Referrals are not followed.
 *
 * **Example**
 *
 * ```ts
 * import { LdapJobs, type LdapClient } from "effect-ldap"
 * import { Effect } from "effect"
 *
 * const staff = (ldap: LdapClient.LdapClient, names: ReadonlyArray<string>) =>
 *   LdapJobs.syncMembers(ldap, "cn=staff,ou=groups,dc=example,dc=org", names).pipe(
 *     Effect.catchTag("TooManyRemovals", (error) => Effect.logError(error.message))
 *   )
 * ```
 *
 * @category groups
 * @since 0.2.0
 */
export const syncMembers = (
  client: Pick<LdapOperations, "lookup" | "modify">,
  group: DnInput,
  members: ReadonlyArray<DnInput>,
  options: SyncMembersOptions = {}
): Effect.Effect<MembersSynced, LdapError | TooManyRemovals> =>
  checked(
    "syncMembers",
    () =>
      nameProblem("group", group) ?? membersProblem(members) ?? memberListOptionsProblem(options) ??
        maxRemovalsProblem(options.maxRemovals),
    () => onOneServer(sync(client, group, members, options))
  )

const maxRemovalsProblem = (u: unknown): Problem =>
  u === undefined || u === "all" || (typeof u === "number" && Number.isSafeInteger(u) && u >= 0)
    ? undefined
    : new InvalidRequest({
      field: "maxRemovals",
      detail: `${given(u)} was given where a whole number from 0, or "all", belongs`
    })

const sync = Effect.fnUntraced(function*(
  client: Pick<LdapOperations, "lookup" | "modify">,
  group: DnInput,
  members: ReadonlyArray<DnInput>,
  options: SyncMembersOptions
): Effect.fn.Return<MembersSynced, LdapError | TooManyRemovals> {
  const operation = "syncMembers"
  const list = yield* memberListOf(client, group, options, operation)
  const wanted = yield* membersFor(client, list, members, operation)
  const current = yield* currentMembers(client, list, operation)
  const keys = new Set(wanted.map(({ key }) => key))
  const added = wanted.filter(({ key }) => !current.has(key))
  const removed = Array.from(current, ([key, value]) => ({ key, value })).filter(({ key }) => !keys.has(key))
  const maxRemovals = allowed(options.maxRemovals, current.size)
  if (removed.length > maxRemovals) {
    const removals = removed.map(({ value }) => value)
    return yield* new TooManyRemovals({ group: list.group, removals, members: current.size, maxRemovals })
  }
  yield* write(client, list, "add", added, operation, options)
  yield* write(client, list, "delete", removed, operation, options)
  const valuesOf = (changed: typeof added) => changed.map(({ value }) => value)
  return { added: valuesOf(added), removed: valuesOf(removed), unchanged: current.size - removed.length }
})

const allowed = (maxRemovals: SyncMembersOptions["maxRemovals"], size: number): number =>
  maxRemovals === "all"
    ? Infinity
    : maxRemovals ?? Math.min(Math.max(10, Math.floor(size / 10)), Math.max(1, size - 1))
