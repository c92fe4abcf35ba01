/**
 * Common jobs, each in one call, over a client or a session. This module exports all of them.
 *
 * Making an entry what it should be is in upsert.ts, deleting a tree in deleteTree.ts, the members of groups in groupMembers.ts, the groups of
 * members and changes of members in groups/, passwords
 * in changePassword.ts, and exists, count and export in reading.ts. All of them use only operations that clients and sessions
 * share, so they don't deal with connections.
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
