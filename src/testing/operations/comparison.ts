/**
 * Compare (RFC 4511 section 4.10): whether an entry has a value, by the attribute's equality rule.
 */
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { CompareRequest, ResultFields } from "../../protocol/LdapMessage.ts"
import { noOffers, type Offers } from "../connection/ConnectionOptions.ts"
import type { DirectoryState, Requester } from "../directory/DirectoryState.ts"
import { isAssertable } from "../directory/valueChecking.ts"
import { attributesOf, equality, unmetAssertion } from "../search/entryMatching.ts"
import { specialEntry } from "../search/specialEntries.ts"
import { answer, invalidDn } from "./directoryResult.ts"
import { referral } from "./referrals.ts"
import { noControls, type RequestControls } from "./requestControls.ts"

export const compare = (
  state: DirectoryState,
  request: CompareRequest,
  requester: Requester,
  controls: RequestControls = noControls,
  offers: Offers = noOffers
): ResultFields => {
  const dn = state.readName(request.dn)
  if (dn === undefined) return invalidDn
  if (requester.dn === undefined && !state.allowAnonymous) {
    return answer(LdapResultCode.strongerAuthRequired, "authentication required")
  }
  const asked = state.types.find(request.attribute)
  if (asked === undefined) {
    return answer(LdapResultCode.undefinedAttributeType, `${request.attribute}: attribute type undefined`)
  }
  if (!asked.type.equality) return answer(LdapResultCode.inappropriateMatching, "no equality matching rule")
  const isValue = isAssertable(state.types, asked.type.syntax, request.value, asked.type)
  const matches = isValue ? equality(asked.type, request.value) : undefined
  if (matches === undefined) {
    return answer(LdapResultCode.invalidAttributeSyntax, "value does not conform to assertion syntax")
  }
  const referred = referral(state, dn, requester, controls)
  if (referred !== undefined) return referred
  const entry = specialEntry(state, dn, offers) ?? state.findVisible(requester, dn)
  if (entry === undefined) return state.noSuchObject(requester, dn)
  if (!state.mayDo(requester, request) || !state.maySee(requester, entry, asked.type)) {
    return answer(LdapResultCode.insufficientAccessRights)
  }
  const unmet = unmetAssertion(state, entry, requester, controls)
  if (unmet !== undefined) return unmet
  const attributes = [...attributesOf(entry, asked)]
  return answer(
    attributes.length === 0
      ? LdapResultCode.noSuchAttribute
      : attributes.some(matches)
      ? LdapResultCode.compareTrue
      : LdapResultCode.compareFalse
  )
}
