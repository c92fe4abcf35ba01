/**
 * All that LdapControl.ts exports, but for `defineSchema`: that needs effect/Schema, a third of what a session imports.
 * Modules import controls from here.
 *
 * @since 0.1.0
 */
export type { Flags } from "./LdapControlBer.ts"
export {
  attributeScopedQueryRequest,
  attributeScopedQueryResponse,
  domainScope,
  type ExpectedEntryCount,
  expectedEntryCount,
  extendedDn,
  forceUpdate,
  inputDn,
  lazyCommit,
  policyHints,
  policyHintsDeprecated,
  rangeOptionOid,
  rangeRetrievalNoError,
  sdFlags,
  searchOptions,
  showDeactivatedLink,
  showDeleted,
  showRecycled,
  verifyName
} from "./LdapControlActiveDirectory.ts"
export {
  type SearchStatistics,
  type StatisticsRequest,
  statisticsRequest,
  statisticsResponse
} from "./LdapControlStatistics.ts"
export {
  type DirSyncRequest,
  dirSyncRequest,
  type DirSyncResponse,
  dirSyncResponse,
  notification
} from "./LdapControlDirSync.ts"
export {
  assertion,
  authorizationIdentityRequest,
  authorizationIdentityResponse,
  type AuthzId,
  dontUseCopy,
  manageDsaIt,
  noOp,
  noOpOpenLdap,
  permissiveModify,
  postReadRequest,
  postReadResponse,
  preReadRequest,
  preReadResponse,
  proxiedAuthorization,
  relaxRules,
  type SessionTracking,
  sessionTracking,
  subentries,
  transactionSpecification,
  treeDelete
} from "./LdapControlOperation.ts"
export {
  passwordExpired,
  passwordExpiring,
  type PasswordPolicyError,
  passwordPolicyRequest,
  type PasswordPolicyResponse,
  passwordPolicyResponse
} from "./LdapControlPasswordPolicy.ts"
export {
  decodePagedResults,
  matchedValues,
  type PagedResults,
  pagedResults,
  pagedResultsOid,
  paging,
  type SortKey,
  sortRequest,
  type SortResponse,
  sortResponse,
  type ValueFilter,
  type VirtualListViewRequest,
  virtualListViewRequest,
  type VirtualListViewResponse,
  virtualListViewResponse,
  type VirtualListViewTarget
} from "./LdapControlSearch.ts"
export {
  type ChangeType,
  decodeSyncInfo,
  encodeSyncInfo,
  type EntryChangeNotification,
  entryChangeNotification,
  type PersistentSearch,
  persistentSearch,
  type SyncDone,
  syncDone,
  type SyncInfo,
  syncInfoOid,
  type SyncRequest,
  syncRequest,
  type SyncState,
  syncState
} from "./LdapControlSync.ts"
export {
  type ControlDefinition,
  ControlError,
  type ControlOptions,
  type ControlType,
  define,
  find,
  LdapControl,
  make
} from "./LdapControlType.ts"
