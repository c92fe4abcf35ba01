/**
 * The operations with one answer. Each is carried out in one synchronous step, together with its controls. Searches take several
 * steps and are served by searchServing.ts. Binds and extended operations change the connection and are served by
 * RequestServing.ts.
 */
import * as LdapControl from "../../model/control/LdapControl.ts"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import * as LdapEntry from "../../model/entry/LdapEntry.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { RequestOperation, ResponseOperation, ResultFields } from "../../protocol/LdapMessage.ts"
import { policyResponse } from "../bind/passwordPolicy.ts"
import type { Offers } from "../connection/ConnectionOptions.ts"
import { type DirectoryState, parseDn, prettyRdn, type Requester } from "../directory/DirectoryState.ts"
import type { DirectoryEntry } from "../directory/DirectoryTree.ts"
import { selection } from "../search/entrySelection.ts"
import { compare } from "./comparison.ts"
import type { RequestControls } from "./requestControls.ts"
import * as Updates from "./updates.ts"

/** A request that is answered in one step. */
export type OneStep = Extract<
  RequestOperation,
  { readonly _tag: "AddRequest" | "ModifyRequest" | "DeleteRequest" | "ModifyDnRequest" | "CompareRequest" }
>

/** An answer with its controls. */
export interface Answered {
  readonly operation: ResponseOperation
  readonly result: ResultFields
  readonly controls: ReadonlyArray<LdapControl.LdapControl>
}

/** Carries a request out. `now` is the Clock's time in milliseconds. */
export const carryOut = (
  state: DirectoryState,
  request: OneStep,
  requester: Requester,
  controls: RequestControls,
  now: number,
  offers?: Offers
): Answered => {
  const { postRead, preRead } = controls
  const entry = preRead === undefined && postRead === undefined ? undefined : entryOf(state, request, requester)
  const before = preRead === undefined || entry === undefined ? undefined : copy(state, entry, preRead, requester)
  const result = resultOf(state, request, requester, controls, now, offers)
  const after = postRead === undefined ? undefined : (entry ?? entryOf(state, request, requester))
  const said: Array<LdapControl.LdapControl> = []
  const isDone = result.code === LdapResultCode.success || result.code === LdapResultCode.noOperation
  if (isDone && before !== undefined) said.push(LdapControl.preReadResponse.make(before))
  if (isDone && after !== undefined && postRead !== undefined) {
    said.push(LdapControl.postReadResponse.make(copy(state, after, postRead, requester, newName(state, request))))
  }
  said.push(...policySaid(state, controls, result))
  return { operation: responseTo(request, result), result, controls: said }
}

/** What the password policy says of a result, if the request asks for it. */
export const policySaid = (
  { passwordPolicy }: DirectoryState,
  controls: RequestControls,
  result: ResultFields
): ReadonlyArray<LdapControl.LdapControl> =>
  controls.passwordPolicy === true && passwordPolicy !== undefined
    ? [LdapControl.passwordPolicyResponse.make(policyResponse(result))]
    : []

const entryOf = (state: DirectoryState, request: OneStep, requester: Requester): DirectoryEntry | undefined => {
  const dn = parseDn(request.dn)
  return dn === undefined ? undefined : state.findVisible(requester, dn)
}

const copy = (
  state: DirectoryState,
  entry: DirectoryEntry,
  attributes: ReadonlyArray<string>,
  requester: Requester,
  name?: string
): LdapEntry.LdapEntry => {
  const found = selection(state, { attributes }, requester)(entry)
  return LdapEntry.make(name ?? found.dn, found.attributes)
}

/**
 * The new name of a renamed entry. If its parent stays the same, the ancestors are spelled as in the request, as slapd does here
 * and nowhere else.
 */
const newName = (state: DirectoryState, request: OneStep): string | undefined => {
  if (request._tag !== "ModifyDnRequest") return undefined
  const [dn, newRdn] = [parseDn(request.dn), parseDn(request.newRdn)]
  const parent = dn && LdapDn.parent(dn)
  const superior = request.newSuperior === undefined ? undefined : parseDn(request.newSuperior)
  // A new parent has its own spelling.
  const above = superior === undefined || superior.key === parent?.key ? parent : state.tree.find(superior)?.dn
  const rdns = [...(newRdn?.rdns ?? []), ...(above?.rdns ?? [])]
  return rdns.map((rdn) => prettyRdn(state.types, rdn).toString()).join(",")
}

const resultOf = (
  state: DirectoryState,
  request: OneStep,
  requester: Requester,
  controls: RequestControls,
  now: number,
  offers: Offers | undefined
): ResultFields => {
  switch (request._tag) {
    case "AddRequest":
      return Updates.add({ state, request, requester, now, controls })
    case "ModifyRequest":
      return Updates.modify({ state, request, requester, now, controls })
    case "DeleteRequest":
      return Updates.remove({ state, request, requester, now, controls })
    case "ModifyDnRequest":
      return Updates.modifyDn({ state, request, requester, now, controls })
    case "CompareRequest":
      return compare(state, request, requester, controls, offers)
  }
}

const responses = {
  BindRequest: "BindResponse",
  SearchRequest: "SearchResultDone",
  ModifyRequest: "ModifyResponse",
  AddRequest: "AddResponse",
  DeleteRequest: "DeleteResponse",
  ModifyDnRequest: "ModifyDnResponse",
  CompareRequest: "CompareResponse",
  ExtendedRequest: "ExtendedResponse"
} as const

/** A request that has an answer; Abandon and Unbind have none. */
export type Answerable = Extract<RequestOperation, { readonly _tag: keyof typeof responses }>

/** The response to a request, of the kind that belongs to it. */
export const responseTo = (request: Answerable, result: ResultFields): ResponseOperation => ({
  _tag: responses[request._tag],
  result
})
