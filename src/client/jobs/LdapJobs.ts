/**
 * Common jobs, each in one call, over a client or a session. This module exports all of them.
 *
 * Making an entry what it should be is in upsert.ts, deleting a tree in deleteTree.ts, groups in groupMembers.ts, passwords
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
export { deleteTree, type DeleteTreeOptions, type TreeDeletion } from "./deleteTree.ts"
export { type GroupMember, memberNames, type MemberNamesOptions, members, type MembersOptions } from "./groupMembers.ts"
export { count, exists, exportLdif } from "./reading.ts"
export { upsert, Upserted, type UpsertOptions } from "./upsert.ts"
export type { RuleSchema } from "../../model/attribute/equalityRules.ts"
