/**
 * Matches filters against the entries of a directory, including operational attributes, and only with attributes that the requester
 * may see.
 */
import type { AttributeTypes, Description } from "../../model/attribute/AttributeTypes.ts"
import * as Matching from "../../model/filter/filterEvaluation.ts"
import type { LdapFilter } from "../../model/filter/LdapFilter.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { ResultFields } from "../../protocol/LdapMessage.ts"
import type { DirectoryState, Requester } from "../directory/DirectoryState.ts"
import type { DirectoryEntry, StoredAttribute } from "../directory/DirectoryTree.ts"
import { operationalAttributes } from "../directory/operationalAttributes.ts"
import { isAssertable } from "../directory/valueChecking.ts"
import { answer } from "../operations/directoryResult.ts"
import type { RequestControls } from "../operations/requestControls.ts"

export { equality } from "../../model/filter/filterEvaluation.ts"

export type EntryMatcher = Matching.EntryMatcher<DirectoryEntry>

export type Visible = Matching.Visible<DirectoryEntry>

export const compile = (filter: LdapFilter, types: AttributeTypes, visible: Visible): EntryMatcher =>
  Matching.compile(
    filter,
    types,
    visible,
    operationalAttributes,
    (syntax, value, type) => isAssertable(types, syntax, value, type)
  )

export const attributesOf = (entry: DirectoryEntry, asked: Description): Generator<StoredAttribute> =>
  Matching.attributesOf(entry, asked, operationalAttributes)

/** The refusal of an operation whose entry doesn't match the assertion control (RFC 4528). */
export const unmetAssertion = (
  state: DirectoryState,
  entry: DirectoryEntry,
  requester: Requester,
  { assertion }: RequestControls
): ResultFields | undefined =>
  assertion === undefined ||
    compile(assertion, state.types, (entry, type) => state.maySee(requester, entry, type))(entry) === true
    ? undefined
    : answer(LdapResultCode.assertionFailed)
