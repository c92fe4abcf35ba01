/**
 * The operations that change the directory: add, modify, delete and modify DN (RFC 4511 sections 4.6 to 4.9). Each is carried out
 * completely or refused, in one step. The order of the checks is slapd's, so a request with several faults gets the same code.
 */
import * as Result from "effect/Result"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type {
  AddRequest,
  DeleteRequest,
  ModifyDnRequest,
  ModifyRequest,
  RequestOperation,
  ResultFields
} from "../../protocol/LdapMessage.ts"
import { type PasswordPolicy, passwordSet, refusePasswords } from "../bind/passwordPolicy.ts"
import { type DirectoryState, prettyRdn, type Requester } from "../directory/DirectoryState.ts"
import { DirectoryEntry, type StoredAttribute } from "../directory/DirectoryTree.ts"
import { unmetAssertion } from "../search/entryMatching.ts"
import {
  applyChanges,
  checkChanges,
  checkForm,
  checkReadOnly,
  checkSingleValues,
  fromRequest,
  toStored
} from "./attributeChanges.ts"
import { answer, invalidDn, notHere, success } from "./directoryResult.ts"
import { addNamingValues, checkNewName, removeNamingValues } from "./naming.ts"
import { referral } from "./referrals.ts"
import { noControls, type RequestControls } from "./requestControls.ts"
import { checkEntry } from "./schemaChecking.ts"

/** A request with its context. `now` is the Clock's time in milliseconds. */
export interface Update<Operation extends RequestOperation> {
  readonly state: DirectoryState
  readonly request: Operation
  readonly requester: Requester
  readonly now: number
  /** The content of its controls. */
  readonly controls?: RequestControls | undefined
}

const noAccess = answer(LdapResultCode.insufficientAccessRights)

/** The answer to a valid update with the no-op control. */
const noOperation = answer(LdapResultCode.noOperation, "no-op")

/** No rule applies to the administrator, except the history if the control asks for it. */
const policyFor = (
  policy: PasswordPolicy,
  byAdministrator: boolean,
  { enforceHistory }: RequestControls
): PasswordPolicy => byAdministrator ? (enforceHistory === true ? { history: policy.history } : {}) : policy

export const add = ({ controls = noControls, now, request, requester, state }: Update<AddRequest>): ResultFields => {
  const dn = state.readName(request.dn)
  const [rdn] = dn?.rdns ?? []
  if (dn === undefined) return invalidDn
  if (rdn === undefined) return answer(LdapResultCode.entryAlreadyExists, "root DSE already exists")
  if (request.attributes.length === 0) return answer(LdapResultCode.protocolError, "no attributes provided")
  const parsed = fromRequest(state.types, request.attributes)
  if (Result.isFailure(parsed)) return parsed.failure
  if (!state.holds(dn)) return notHere
  const stored = toStored(parsed.success)
  if (Result.isFailure(stored)) return stored.failure
  const attributes = stored.success
  const readOnly = checkReadOnly(parsed.success.map(({ parsed }) => parsed))
  if (readOnly !== undefined) return readOnly
  const unknown = state.refuseUnknown(requester, request)
  if (unknown !== undefined) return unknown
  addNamingValues(state.types, attributes, rdn)
  const refused = checkEntry(state, attributes, rdn, controls)
  if (refused !== undefined) return refused
  const name = requester.dn?.toString() ?? ""
  const history = { uuid: "", created: now, creator: name, modified: now, modifier: name }
  const unmet = unmetAssertion(state, new DirectoryEntry(dn, attributes, history, undefined), requester, controls)
  if (unmet !== undefined) return unmet
  if (state.tree.find(dn) !== undefined) return answer(LdapResultCode.entryAlreadyExists)
  const above = LdapDn.parent(dn)
  const referred = referral(state, dn, requester, controls)
  if (referred !== undefined) return referred
  if (!state.isSuffix(dn) && (above === undefined || state.findVisible(requester, above) === undefined))
    return state.noSuchObject(requester, dn)
  if (!state.mayDo(requester, request)) return noAccess
  if (above !== undefined && state.tree.find(above)?.isAlias === true) {
    return answer(LdapResultCode.aliasProblem, "parent is an alias")
  }
  if (controls.noOp === true) return noOperation
  const parent = above === undefined ? undefined : state.tree.find(above)
  const own = prettyRdn(state.types, rdn)
  // The name of the parent is spelled as the parent has it, not as in the request.
  const entry = state.tree.insert(parent === undefined ? dn : LdapDn.child(parent.dn, own), attributes, {
    ...history,
    uuid: state.nextUuid()
  })
  state.changes.made("add", entry, () => state.tree.remove(entry))
  return success
}

export const modify = (
  { controls = noControls, now, request, requester, state }: Update<ModifyRequest>
): ResultFields => {
  const malformed = checkForm(request.changes)
  if (malformed !== undefined) return malformed
  const dn = state.readName(request.dn)
  const [rdn] = dn?.rdns ?? []
  if (dn === undefined) return invalidDn
  if (rdn === undefined) {
    return answer(LdapResultCode.unwillingToPerform, "modify upon the root DSE not supported")
  }
  const invalid = checkChanges(state.types, request.changes)
  if (invalid !== undefined) return invalid
  if (!state.holds(dn)) return notHere
  const readOnly = checkReadOnly(request.changes.flatMap(({ attribute }) => state.types.find(attribute) ?? []))
  if (readOnly !== undefined) return readOnly
  const unknown = state.refuseUnknown(requester, request)
  if (unknown !== undefined) return unknown
  const entry = state.findVisible(requester, dn)
  const unmet = refuse(state, dn, requester, controls)
  if (entry === undefined || unmet?.code === LdapResultCode.referral) return unmet ?? state.noSuchObject(requester, dn)
  if (!state.mayDo(requester, request)) return noAccess
  if (unmet !== undefined) return unmet
  const changed = applyChanges(state.types, entry.attributes, request.changes, controls.permissive)
  if (Result.isFailure(changed)) return changed.failure
  const [ownRdn = rdn] = entry.dn.rdns
  const refused = checkEntry(state, changed.success, ownRdn, controls, entry)
  if (refused !== undefined) return refused
  const { attributes, history } = entry
  const policy = state.passwordPolicy
  const [before, after] = [attributes, changed.success].map((all) => all.get("userpassword")?.values ?? [])
  const setsPassword = policy !== undefined && before !== undefined && after !== undefined &&
    request.changes.some(({ attribute }) => state.types.find(attribute)?.key === "userpassword")
  if (setsPassword) {
    const judging = policyFor(policy, state.isAdministrator(requester), controls)
    const refused = refusePasswords(judging, entry, after.filter((value) => !before.includes(value)))
    if (refused !== undefined) return refused
  }
  if (controls.noOp === true) return noOperation
  state.tree.update(entry, changed.success)
  touch(entry, requester, now)
  if (setsPassword) passwordSet(policy, entry, before, state.isAdministrator(requester), now)
  state.changes.made("modify", entry, () => {
    state.tree.update(entry, attributes)
    entry.history = history
  }, { attributes })
  return success
}

export const remove = ({ controls = noControls, request, requester, state }: Update<DeleteRequest>): ResultFields => {
  const dn = state.readName(request.dn)
  if (dn === undefined) return invalidDn
  if (dn.rdns.length === 0) return answer(LdapResultCode.unwillingToPerform, "cannot delete the root DSE")
  if (!state.holds(dn)) return notHere
  const unknown = state.refuseUnknown(requester, request)
  if (unknown !== undefined) return unknown
  const entry = state.findVisible(requester, dn)
  const unmet = refuse(state, dn, requester, controls)
  if (entry === undefined || unmet?.code === LdapResultCode.referral) return unmet ?? state.noSuchObject(requester, dn)
  if (!state.mayDo(requester, request)) return noAccess
  if (unmet !== undefined) return unmet
  if (entry.children.size > 0 && controls.treeDelete !== true) {
    return answer(LdapResultCode.notAllowedOnNonLeaf, "subordinate objects must be deleted first")
  }
  if (controls.noOp === true) return noOperation
  // Children go before their parents.
  for (const one of state.tree.below(entry, "subtree").reverse()) {
    state.tree.remove(one)
    state.changes.made("delete", one, () => state.tree.restore(one))
  }
  return success
}

export const modifyDn = (
  { controls = noControls, now, request, requester, state }: Update<ModifyDnRequest>
): ResultFields => {
  const dn = state.readName(request.dn)
  const newRdn = state.readName(request.newRdn)
  const newSuperior = request.newSuperior === undefined ? undefined : state.readName(request.newSuperior)
  const [oldRdn] = dn?.rdns ?? []
  const [asked] = newRdn?.rdns ?? []
  const rdn = asked === undefined ? undefined : prettyRdn(state.types, asked)
  if (dn === undefined) return invalidDn
  if (rdn === undefined || newRdn?.rdns.length !== 1) return answer(LdapResultCode.invalidDNSyntax, "invalid new RDN")
  if (newSuperior === undefined && request.newSuperior !== undefined) {
    return answer(LdapResultCode.invalidDNSyntax, "invalid newSuperior")
  }
  if (oldRdn === undefined) return answer(LdapResultCode.unwillingToPerform, "cannot rename the root DSE")
  if (!state.holds(dn)) return notHere
  if (newSuperior !== undefined && (newSuperior.key === dn.key || LdapDn.isDescendantOf(newSuperior, dn))) {
    return answer(LdapResultCode.unwillingToPerform, "cannot place an entry below itself")
  }
  const renamed = LdapDn.rename(dn, rdn, newSuperior)
  if (LdapDn.isDescendantOf(dn, renamed)) {
    return answer(LdapResultCode.unwillingToPerform, "cannot place an entry above itself")
  }
  if (!state.holds(renamed)) return answer(LdapResultCode.affectsMultipleDSAs, "cannot rename between DSAs")
  const unfit = checkNewName(state.types, rdn)
  if (unfit !== undefined) return unfit
  const unknown = state.refuseUnknown(requester, request)
  if (unknown !== undefined) return unknown
  const entry = state.findVisible(requester, dn)
  const above = LdapDn.parent(dn)
  // slapd looks for the parent first, and gives no matched DN if it is missing.
  if (!state.isSuffix(dn) && above !== undefined && state.findVisible(requester, above) === undefined) {
    return answer(LdapResultCode.noSuchObject)
  }
  // Only here slapd checks the assertion before it returns a referral.
  const unlike = entry === undefined ? undefined : unmetAssertion(state, entry, requester, controls)
  if (unlike !== undefined && state.mayDo(requester, request)) return unlike
  const unmet = refuse(state, dn, requester, controls)
  if (entry === undefined || unmet?.code === LdapResultCode.referral) return unmet ?? state.noSuchObject(requester, dn)
  if (!state.mayDo(requester, request)) return noAccess
  if (unmet !== undefined) return unmet
  const superior = newSuperior === undefined ? entry.parent : state.findVisible(requester, newSuperior)
  if (newSuperior !== undefined && superior === undefined) {
    return answer(LdapResultCode.noSuchObject, "new superior not found")
  }
  const target = state.tree.find(renamed)
  if (target !== undefined && target !== entry) return answer(LdapResultCode.entryAlreadyExists)
  const attributes = new Map<string, StoredAttribute>(entry.attributes)
  const [ownRdn = oldRdn] = entry.dn.rdns
  if (request.deleteOldRdn) removeNamingValues(state.types, attributes, ownRdn)
  addNamingValues(state.types, attributes, rdn)
  const refused = checkSingleValues(attributes) ?? checkEntry(state, attributes, rdn, controls, entry)
  if (refused !== undefined) return refused
  if (controls.noOp === true) return noOperation
  const before = { attributes: entry.attributes, dn: entry.dn, history: entry.history }
  state.tree.update(entry, attributes)
  // The name of the parent is spelled as the parent has it, not as in the request.
  state.tree.move(entry, superior === undefined ? renamed : LdapDn.child(superior.dn, rdn))
  touch(entry, requester, now)
  const undo = () => {
    state.tree.move(entry, before.dn)
    state.tree.update(entry, before.attributes)
    entry.history = before.history
  }
  state.changes.made("modifyDn", entry, undo, { attributes: before.attributes, dn: before.dn.toString() })
  return success
}

/** The refusal of an update whose entry is a referral, is missing, or doesn't satisfy the assertion control. */
const refuse = (
  state: DirectoryState,
  dn: LdapDn.LdapDn,
  requester: Requester,
  controls: RequestControls
): ResultFields | undefined => {
  const referred = referral(state, dn, requester, controls)
  if (referred !== undefined) return referred
  const entry = state.findVisible(requester, dn)
  if (entry === undefined) return state.noSuchObject(requester, dn)
  return unmetAssertion(state, entry, requester, controls)
}

const touch = (entry: DirectoryEntry, requester: Requester, now: number): void => {
  entry.history = { ...entry.history, modified: now, modifier: requester.dn?.toString() ?? "" }
}
