/**
 * Whether a descriptor grants rights to an account (MS-DTYP section 2.5.3.2, MS-ADTS section 5.1.3.3), as far as a client can know.
 */
import * as Result from "effect/Result"
import * as Guid from "../../model/windows/Guid.ts"
import * as Sid from "../../model/windows/Sid.ts"
import { universalSids } from "../wellKnownSids.ts"
import { AccessRight, expandGeneric } from "./accessRights.ts"
import { AceFlag, type Entry, isObjectType, type SecurityDescriptor } from "./securityModel.ts"

/**
 * The account, and the rights that are checked.
 *
 * @category models
 * @since 0.2.0
 */
export interface AccessQuestion {
  /**
   * All SIDs of the account: its own and those of its groups, as `tokenGroups` has them. Everyone and Authenticated Users are added.
   */
  readonly sids: ReadonlyArray<string>
  /** The rights that the account must have, all of them: see `AccessRight`. */
  readonly mask: number
  /**
   * The GUIDs of what the rights apply to: an extended right, or an attribute's `schemaIDGUID` and that of its property set
   * (`attributeSecurityGUID`). An entry that allows or denies one of these GUIDs counts.
   */
  readonly objectTypes?: ReadonlyArray<string> | undefined
  /** The SID of the entry itself: if the account has it, entries for Principal Self are about the account. */
  readonly self?: string | undefined
}

const canonical = (sid: string): string => Result.getOrElse(Sid.normalize(sid), () => sid)
const canonicalGuid = (guid: string): string => Result.getOrElse(Guid.normalize(guid), () => guid)

export const isGranted = (descriptor: SecurityDescriptor, question: AccessQuestion): boolean => {
  const { dacl, owner } = descriptor
  const { everyone, authenticatedUsers, ownerRights, principalSelf } = universalSids
  const sids = new Set([everyone.sid, authenticatedUsers.sid, ...question.sids.map(canonical)])
  const guids = new Set((question.objectTypes ?? []).map(canonicalGuid))
  if (question.self !== undefined && sids.has(canonical(question.self))) sids.add(principalSelf.sid)
  // A NULL list grants everything. A list that wasn't read grants nothing, since its content is unknown.
  if (dacl === null) return true
  const entries = dacl?.entries ?? []
  let missing = expandGeneric(question.mask)
  if (owner !== undefined && sids.has(canonical(owner))) {
    const hasOwnerRights = entries.some((entry) =>
      entry.type !== "unknown" && canonical(entry.sid) === ownerRights.sid && (entry.flags & AceFlag.inheritOnly) === 0
    )
    // The owner may read and change the list, unless entries for Owner Rights say otherwise.
    if (hasOwnerRights) sids.add(ownerRights.sid)
    else missing &= ~(AccessRight.readControl | AccessRight.writeDacl)
  }
  for (const entry of entries) {
    if (missing === 0) return true
    if (!applies(entry, sids, guids)) continue
    const mask = expandGeneric(entry.mask)
    // A condition can't be evaluated here, so it is assumed to hold in an entry that denies, and not to hold in one that allows.
    if (entry.type.startsWith("deny")) {
      if ((missing & mask) !== 0) return false
    } else if (entry.type === "allow" || entry.type === "allowObject") missing &= ~mask
  }
  return missing === 0
}

const applies = (entry: Entry, sids: ReadonlySet<string>, guids: ReadonlySet<string>): entry is Exclude<
  Entry,
  { readonly type: "unknown" }
> =>
  entry.type !== "unknown" && (entry.flags & AceFlag.inheritOnly) === 0 && sids.has(canonical(entry.sid)) &&
  (!isObjectType(entry.type) || entry.objectType === undefined || guids.has(canonicalGuid(entry.objectType)))
