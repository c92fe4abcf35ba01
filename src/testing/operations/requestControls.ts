/**
 * Reads the controls of a request: which controls the directory knows, which operations take each, and slapd's refusal of
 * controls that are unknown, misplaced, given twice or malformed.
 */
import * as Result from "effect/Result"
import * as LdapControl from "../../model/control/LdapControl.ts"
import type { LdapFilter } from "../../model/filter/LdapFilter.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { RequestOperation, ResultFields } from "../../protocol/LdapMessage.ts"
import { answer } from "./directoryResult.ts"

/** The content of the controls of a request. Absent controls are left out. */
export interface RequestControls {
  readonly paged?: LdapControl.LdapControl
  readonly sort?: ReadonlyArray<LdapControl.SortKey>
  readonly window?: LdapControl.VirtualListViewRequest
  readonly matchedValues?: ReadonlyArray<LdapControl.ValueFilter>
  readonly subentries?: boolean
  readonly expected?: LdapControl.ExpectedEntryCount
  readonly persistent?: LdapControl.PersistentSearch
  readonly sync?: LdapControl.SyncRequest
  readonly dirSync?: LdapControl.DirSyncRequest
  readonly notification?: true
  readonly showDeleted?: true
  readonly assertion?: LdapFilter
  readonly preRead?: ReadonlyArray<string>
  readonly postRead?: ReadonlyArray<string>
  readonly proxied?: LdapControl.AuthzId
  readonly transaction?: Uint8Array
  readonly manageDsaIt?: true
  readonly noOp?: true
  readonly relax?: true
  readonly treeDelete?: true
  readonly permissive?: true
  readonly enforceHistory?: boolean
  readonly domainScope?: true
  readonly passwordPolicy?: true
  readonly authorizationIdentity?: true
}

export const noControls: RequestControls = {}

type Kind = RequestOperation["_tag"]

interface Known {
  readonly operations: ReadonlySet<Kind>
  /** The fields of the control, or what is wrong with it. */
  readonly read: (control: LdapControl.LdapControl) => Result.Result<RequestControls, string>
}

const updates: ReadonlyArray<Kind> = ["AddRequest", "DeleteRequest", "ModifyDnRequest", "ModifyRequest"]
const reads: ReadonlyArray<Kind> = ["CompareRequest", "SearchRequest"]
const all: ReadonlyArray<Kind> = [...updates, ...reads]

const known = new Map<string, Known>()

const define = <A>(
  kind: LdapControl.ControlType<A, never>,
  operations: ReadonlyArray<Kind>,
  field: (value: A) => RequestControls,
  mustBeCritical = false
): void => {
  known.set(kind.oid, {
    operations: new Set(operations),
    read: (control) =>
      mustBeCritical && !control.critical
        ? Result.fail(`${kind.name} control must be critical`)
        : Result.mapBoth(kind.decode(control), {
          onFailure: (error) => error.message,
          onSuccess: (value) => field(value)
        })
  })
}

// PagedSearches.ts refuses a malformed one with slapd's text.
known.set(LdapControl.pagedResultsOid, {
  operations: new Set(["SearchRequest"]),
  read: (paged) => Result.succeed({ paged })
})
define(LdapControl.sortRequest, ["SearchRequest"], (sort) => ({ sort }))
define(
  LdapControl.virtualListViewRequest,
  ["SearchRequest"],
  (window) => ({ window })
)
define(LdapControl.matchedValues, ["SearchRequest"], (matchedValues) => ({ matchedValues }))
define(LdapControl.subentries, ["SearchRequest"], (subentries) => ({ subentries }))
define(LdapControl.expectedEntryCount, ["SearchRequest"], (expected) => ({ expected }))
define(LdapControl.domainScope, ["SearchRequest"], () => ({ domainScope: true }))
define(LdapControl.persistentSearch, ["SearchRequest"], (persistent) => ({ persistent }))
define(LdapControl.syncRequest, ["SearchRequest"], (sync) => ({ sync }))
define(LdapControl.dirSyncRequest, ["SearchRequest"], (dirSync) => ({ dirSync }))
define(LdapControl.showDeleted, ["SearchRequest"], () => ({ showDeleted: true }))
define(LdapControl.notification, ["SearchRequest"], () => ({ notification: true }))
define(LdapControl.dontUseCopy, reads, () => noControls)
define(LdapControl.assertion, all, (assertion) => ({
  assertion
}))
define(LdapControl.preReadRequest, ["DeleteRequest", "ModifyDnRequest", "ModifyRequest"], (preRead) => ({ preRead }))
define(LdapControl.postReadRequest, ["AddRequest", "ModifyDnRequest", "ModifyRequest"], (postRead) => ({ postRead }))
define(LdapControl.proxiedAuthorization, [...all, "ExtendedRequest"], (proxied) => ({ proxied }))
define(LdapControl.transactionSpecification, [...updates, "ExtendedRequest"], (transaction) => ({ transaction }), true)
define(LdapControl.manageDsaIt, all, () => ({ manageDsaIt: true }))
define(LdapControl.noOp, updates, () => ({ noOp: true }))
define(LdapControl.noOpOpenLdap, updates, () => ({ noOp: true }))
define(LdapControl.relaxRules, updates, () => ({ relax: true }))
define(LdapControl.treeDelete, ["DeleteRequest"], () => ({ treeDelete: true }))
define(LdapControl.permissiveModify, ["ModifyRequest"], () => ({ permissive: true }))
define(LdapControl.policyHints, ["ModifyRequest"], (enforceHistory) => ({ enforceHistory }))
define(LdapControl.policyHintsDeprecated, ["ModifyRequest"], (enforceHistory) => ({ enforceHistory }))
// These change nothing here: there is no disk, every update is an update, and there is no other server.
define(LdapControl.lazyCommit, updates, () => noControls)
define(LdapControl.forceUpdate, ["ModifyRequest"], () => noControls)
define(LdapControl.verifyName, ["AddRequest", "ModifyRequest"], () => noControls)
define(LdapControl.sessionTracking, [...all, "BindRequest", "ExtendedRequest"], () => noControls)
define(LdapControl.passwordPolicyRequest, [...all, "BindRequest", "ExtendedRequest"], () => ({ passwordPolicy: true }))
define(LdapControl.authorizationIdentityRequest, ["BindRequest"], () => ({ authorizationIdentity: true }))

/** The controls that the directory knows, for its root DSE. */
export const supportedControls: ReadonlyArray<string> = [...known.keys()]

const unavailable = answer(LdapResultCode.unavailableCriticalExtension, "critical extension is not recognized")
const misplaced = answer(
  LdapResultCode.unavailableCriticalExtension,
  "critical control unavailable in context"
)

/** The content of the controls, or the refusal of the request. */
export const readControls = (
  { _tag }: RequestOperation,
  controls: ReadonlyArray<LdapControl.LdapControl>
): Result.Result<RequestControls, ResultFields> => {
  if (controls.length === 0) return Result.succeed(noControls)
  const asked: RequestControls = {}
  const seen = new Set<string>()
  for (const control of controls) {
    const kind = known.get(control.oid)
    if (kind?.operations.has(_tag) !== true) {
      if (control.critical) return Result.fail(kind === undefined ? unavailable : misplaced)
      continue
    }
    if (seen.has(control.oid)) {
      return Result.fail(answer(LdapResultCode.protocolError, "control specified multiple times"))
    }
    seen.add(control.oid)
    const read = kind.read(control)
    if (Result.isFailure(read)) return Result.fail(answer(LdapResultCode.protocolError, read.failure))
    Object.assign(asked, read.success)
  }
  return Result.succeed(asked)
}
