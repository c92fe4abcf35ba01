/**
 * Common jobs, each in one call, over a client or a session. This module exports all of them.
 *
 * upsert.ts makes an entry what it should be, deleteTree.ts deletes a subtree, groupMembers.ts reads the members of a group, groups/ finds
 * the groups of an entry and changes members, accounts/ locks and unlocks accounts, changePassword.ts changes passwords, and reading.ts has
 * exists, count and export. The jobs use only operations that clients and sessions share, so they don't deal with connections.
 *
 * @since 0.1.0
 */
export type {
  DnInput,
  EntryAttributesInput,
  LdapOperations,
  LookupOptions,
  OperationOptions,
  SearchOptions
} from "../../session/LdapSession.ts"
export { changePassword, changePasswordInActiveDirectory, type ChangePasswordOptions } from "./changePassword.ts"
export {
  type AccountClient,
  type AccountOptions,
  disable,
  enable,
  expire,
  mustChangePassword,
  unlock
} from "./accounts/accounts.ts"
export { createUserInActiveDirectory, type NewActiveDirectoryUser } from "./accounts/createUser.ts"
export { addMembers, type ChangeMembersOptions, type MemberWriter, removeMembers } from "./groups/changeMembers.ts"
export {
  type GroupMembership,
  type GroupsOf,
  groupsOf,
  type GroupsOfOptions,
  TooManyGroupRequests
} from "./groups/groupsOf.ts"
export type { GroupReader } from "./groups/GroupSearches.ts"
export type { MemberListOptions } from "./groups/MemberList.ts"
export { isMemberOf, type IsMemberOfOptions } from "./groups/isMemberOf.ts"
export { type MembersSynced, syncMembers, type SyncMembersOptions, TooManyRemovals } from "./groups/syncMembers.ts"
export { deleteTree, type DeleteTreeOptions, type TreeDeletion } from "./deleteTree.ts"
export { type GroupMember, memberNames, type MemberNamesOptions, members, type MembersOptions } from "./groupMembers.ts"
export { count, exists, exportLdif } from "./reading.ts"
export { upsert, Upserted, type UpsertOptions } from "./upsert.ts"
export type { RuleSchema } from "../../model/attribute/equalityRules.ts"
