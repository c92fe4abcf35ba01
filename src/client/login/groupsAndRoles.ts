/** The groups of a user who logs in, and the roles that a program assigns to groups. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import { nameKey } from "../../model/dn/nameKey.ts"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import { given } from "../../model/input/values.ts"
import { InvalidRequest, LdapError } from "../../model/LdapError.ts"
import type { LdapOperations } from "../../session/LdapSession.ts"
import { type GroupMembership, groupsOf, type GroupsOfOptions, groupsOptionsProblem } from "../jobs/groups/groupsOf.ts"

/**
 * Settings for the groups and roles of the user.
 *
 * @category models
 * @since 0.2.0
 */
export interface LoginGroupSettings {
  /**
   * Whether the user's groups are part of the login, and how they are found: the options of `LdapJobs.groupsOf`, except that `nested` is
   * true by default. Default: groups are read only if there are `roles`.
   */
  readonly groups?: boolean | GroupsOfOptions | undefined
  /**
   * The roles of groups, by the names of the groups: `{ "cn=admins,ou=groups,dc=example,dc=org": "admin" }`. Names are compared as DNs, so
   * case and spaces don't matter. A group may have several roles.
   */
  readonly roles?: Readonly<Record<string, string | ReadonlyArray<string>>> | undefined
}

/** The groups and roles of a user. */
export interface LoginGroups {
  /** The groups of the user, nested ones included. */
  readonly groups: ReadonlyArray<GroupMembership>
  /** The roles of the user, by its groups. */
  readonly roles: ReadonlyArray<string>
}

/** Finds the groups and roles, with a session or client that may read groups. */
export const loginGroupsBy = (
  { groups, roles }: LoginGroupSettings
): (
  client: Pick<LdapOperations, "lookup" | "searchResult" | "rootDse">,
  entry: LdapEntry
) => Effect.Effect<LoginGroups, LdapError> => {
  const isAsked = hasGroups({ groups, roles })
  const options = { nested: true, ...(typeof groups === "object" ? groups : undefined) }
  const rolesByName = new Map(Object.entries(roles ?? {}).map(([name, role]) => [nameKey(name), listOf(role)] as const))
  return (client, entry) =>
    isAsked
      ? groupsOf(client, entry, options).pipe(
        Effect.map(({ groups }) => {
          const given = groups.flatMap(({ entry }) => rolesByName.get(nameKey(entry.dn)) ?? [])
          return { groups, roles: Array.from(new Set(given)).sort() }
        }),
        Effect.catchTag("TooManyGroupRequests", ({ dn, message }) =>
          Effect.fail(
            new LdapError({
              reason: new InvalidRequest({ field: "groups.maxRequests", detail: message }),
              operation: "login",
              dn
            })
          ))
      )
      : Effect.succeed({ groups: [], roles: [] })
}

/** Whether groups are read at all. */
export const hasGroups = ({ groups, roles }: LoginGroupSettings): boolean =>
  groups === undefined ? roles !== undefined : groups !== false || roles !== undefined

const listOf = (roles: string | ReadonlyArray<string>): ReadonlyArray<string> =>
  typeof roles === "string" ? [roles] : roles

/** Checks the settings. If the name of a group is not a DN, its role could never be assigned. */
export const loginGroupsProblem = (groups: unknown, roles: unknown): InvalidRequest | undefined => {
  const wrong = groups === undefined || typeof groups === "boolean" ? undefined : groupsOptionsProblem(groups)
  if (wrong !== undefined || roles === undefined) return wrong
  const invalid = (detail: string) => new InvalidRequest({ field: "roles", detail })
  if (typeof roles !== "object" || roles === null || Object.prototype.toString.call(roles) !== "[object Object]")
    return invalid(`${given(roles)} was given where roles by the names of groups belong`)
  for (const [name, role] of Object.entries(roles)) {
    const dn = LdapDn.parse(name, { lenient: true })
    if (Result.isFailure(dn)) return invalid(`"${name}" is not the name of a group: ${dn.failure.message}`)
    const list: ReadonlyArray<unknown> = Array.isArray(role) ? role : [role]
    if (!list.every((one) => typeof one === "string"))
      return invalid(`the role of "${name}" is text, or an array of texts`)
  }
  return undefined
}
