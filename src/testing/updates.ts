/**
 * The operations that change the directory: add, modify, delete and modify DN (RFC 4511 sections 4.6 to 4.9), and the
 * loading of entries at the start. Each is carried out whole or refused, in one step; the order in which a request is
 * judged, and so the code that one with several faults gets, is slapd's.
 */
import * as Result from "effect/Result"
import * as LdapDn from "../model/LdapDn.ts"
import type { LdapAttribute } from "../model/LdapEntry.ts"
import { LdapResultCode } from "../model/LdapResultCode.ts"
import type {
  AddRequest,
  DeleteRequest,
  ModifyDnRequest,
  ModifyRequest,
  RequestOperation,
  ResultFields
} from "../protocol/LdapMessage.ts"
import {
  addNamingValues,
  applyChanges,
  checkChanges,
  checkEntry,
  fromRequest,
  fromSeed,
  removeNamingValues
} from "./attributeChanges.ts"
import { answer, invalidDn, notHere, success } from "./directoryResult.ts"
import { type DirectoryState, parseDn, type Requester } from "./DirectoryState.ts"
import type { DirectoryEntry, EntryHistory, StoredAttribute } from "./DirectoryTree.ts"
import { normalize } from "./matchingRules.ts"

/** A request in its surroundings. `now` is the Clock's time in milliseconds. */
export interface Update<Operation extends RequestOperation> {
  readonly state: DirectoryState
  readonly request: Operation
  readonly requester: Requester
  readonly now: number
}

const noAccess = answer(LdapResultCode.insufficientAccessRights)

const noSuchObject = (state: DirectoryState, dn: LdapDn.LdapDn): ResultFields =>
  answer(LdapResultCode.noSuchObject, "", state.tree.matchedDn(dn))

export const add = ({ now, request, requester, state }: Update<AddRequest>): ResultFields => {
  const dn = parseDn(request.dn)
  const [rdn] = dn?.rdns ?? []
  if (dn === undefined) return invalidDn
  if (rdn === undefined) return answer(LdapResultCode.entryAlreadyExists, "root DSE already exists")
  const parsed = fromRequest(state.types, request.attributes)
  if (Result.isFailure(parsed)) return parsed.failure
  const attributes = parsed.success
  if (!state.holds(dn)) return notHere
  const unknown = state.refuseUnknown(requester, request)
  if (unknown !== undefined) return unknown
  addNamingValues(state.types, attributes, rdn)
  const refused = checkEntry(state.types, attributes, rdn)
  if (refused !== undefined) return refused
  if (state.tree.find(dn) !== undefined) return answer(LdapResultCode.entryAlreadyExists)
  const above = LdapDn.parent(dn)
  if (!state.isSuffix(dn) && (above === undefined || state.tree.find(above) === undefined))
    return noSuchObject(state, dn)
  if (!state.mayDo(requester, request)) return noAccess
  const name = requester.dn?.toString() ?? ""
  state.tree.insert(dn, attributes, {
    uuid: state.nextUuid(),
    created: now,
    creator: name,
    modified: now,
    modifier: name
  })
  return success
}

export const modify = ({ now, request, requester, state }: Update<ModifyRequest>): ResultFields => {
  const dn = parseDn(request.dn)
  const [rdn] = dn?.rdns ?? []
  if (dn === undefined) return invalidDn
  if (rdn === undefined) {
    return answer(LdapResultCode.unwillingToPerform, "modify upon the root DSE not supported")
  }
  const malformed = checkChanges(state.types, request.changes)
  if (malformed !== undefined) return malformed
  if (!state.holds(dn)) return notHere
  const unknown = state.refuseUnknown(requester, request)
  if (unknown !== undefined) return unknown
  const entry = state.tree.find(dn)
  if (entry === undefined) return noSuchObject(state, dn)
  if (!state.mayDo(requester, request)) return noAccess
  const changed = applyChanges(state.types, entry.attributes, request.changes)
  if (Result.isFailure(changed)) return changed.failure
  const [ownRdn = rdn] = entry.dn.rdns
  const refused = checkEntry(state.types, changed.success, ownRdn)
  if (refused !== undefined) return refused
  entry.attributes = changed.success
  touch(entry, requester, now)
  return success
}

export const remove = ({ request, requester, state }: Update<DeleteRequest>): ResultFields => {
  const dn = parseDn(request.dn)
  if (dn === undefined) return invalidDn
  if (dn.rdns.length === 0) return answer(LdapResultCode.unwillingToPerform, "cannot delete the root DSE")
  if (!state.holds(dn)) return notHere
  const unknown = state.refuseUnknown(requester, request)
  if (unknown !== undefined) return unknown
  const entry = state.tree.find(dn)
  if (entry === undefined) return noSuchObject(state, dn)
  if (!state.mayDo(requester, request)) return noAccess
  if (entry.children.size > 0) {
    return answer(LdapResultCode.notAllowedOnNonLeaf, "subordinate objects must be deleted first")
  }
  state.tree.remove(entry)
  return success
}

export const modifyDn = ({ now, request, requester, state }: Update<ModifyDnRequest>): ResultFields => {
  const dn = parseDn(request.dn)
  const newRdn = parseDn(request.newRdn)
  const newSuperior = request.newSuperior === undefined ? undefined : parseDn(request.newSuperior)
  const [oldRdn] = dn?.rdns ?? []
  const [rdn] = newRdn?.rdns ?? []
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
  if (!state.holds(renamed)) return answer(LdapResultCode.affectsMultipleDSAs, "cannot rename between DSAs")
  const unknown = state.refuseUnknown(requester, request)
  if (unknown !== undefined) return unknown
  const entry = state.tree.find(dn)
  if (entry === undefined) return noSuchObject(state, dn)
  if (!state.mayDo(requester, request)) return noAccess
  const superior = newSuperior === undefined ? entry.parent : state.tree.find(newSuperior)
  if (newSuperior !== undefined && superior === undefined) {
    return answer(LdapResultCode.noSuchObject, "new superior not found")
  }
  const target = state.tree.find(renamed)
  if (target !== undefined && target !== entry) return answer(LdapResultCode.entryAlreadyExists)
  const attributes = new Map<string, StoredAttribute>(entry.attributes)
  const [ownRdn = oldRdn] = entry.dn.rdns
  if (request.deleteOldRdn) removeNamingValues(state.types, attributes, ownRdn)
  addNamingValues(state.types, attributes, rdn)
  entry.attributes = attributes
  // The parent's name is taken as the parent has it, not as the request wrote it.
  state.tree.move(entry, superior === undefined ? renamed : LdapDn.child(superior.dn, rdn))
  touch(entry, requester, now)
  return success
}

const touch = (entry: DirectoryEntry, requester: Requester, now: number): void => {
  entry.history = { ...entry.history, modified: now, modifier: requester.dn?.toString() ?? "" }
}

/**
 * Loads an entry as it is: nobody is asked for permission, and values aren't judged. What an export says of the
 * history of the entry is kept; other attributes that only the server sets are left out.
 */
export const load = (
  state: DirectoryState,
  dnText: string,
  given: ReadonlyArray<LdapAttribute>,
  now: number
): ResultFields => {
  const dn = parseDn(dnText)
  const [rdn] = dn?.rdns ?? []
  if (dn === undefined || rdn === undefined) return invalidDn
  if (!state.holds(dn)) return notHere
  if (state.tree.find(dn) !== undefined) return answer(LdapResultCode.entryAlreadyExists)
  const above = LdapDn.parent(dn)
  if (!state.isSuffix(dn) && (above === undefined || state.tree.find(above) === undefined))
    return noSuchObject(state, dn)
  const parsed = fromSeed(state.types, given)
  if (Result.isFailure(parsed)) return parsed.failure
  const attributes = parsed.success
  const history = historyFrom(attributes, state, now)
  for (const [key, { parsed: { type } }] of attributes) if (type.readOnly) attributes.delete(key)
  addNamingValues(state.types, attributes, rdn)
  const refused = checkEntry(state.types, attributes, rdn)
  if (refused !== undefined) return refused
  state.tree.insert(dn, attributes, history)
  return success
}

const historyFrom = (
  attributes: ReadonlyMap<string, StoredAttribute>,
  state: DirectoryState,
  now: number
): EntryHistory => {
  const text = (key: string): string | undefined => {
    const [value] = attributes.get(key)?.values ?? []
    return value === undefined ? undefined : Buffer.from(value).toString("utf8")
  }
  const time = (key: string): number | undefined => {
    const [value] = attributes.get(key)?.values ?? []
    const normalized = value === undefined ? undefined : normalize("time", value)
    return normalized === undefined ? undefined : Date.parse(`${normalized.slice(0, 19)}Z`)
  }
  const created = time("createtimestamp") ?? now
  const creator = text("creatorsname") ?? state.administrator.dn.toString()
  return {
    uuid: text("entryuuid") ?? state.nextUuid(),
    created,
    creator,
    modified: time("modifytimestamp") ?? created,
    modifier: text("modifiersname") ?? creator
  }
}
