/**
 * The questions about a descriptor, and changes of it, that programs need most often: resetting passwords, and protection from deletion.
 */
import { universalSids } from "../wellKnownSids.ts"
import { type AccessQuestion, isGranted } from "./accessCheck.ts"
import { AccessRight, mask, RightGuid } from "./accessRights.ts"
import { deny, withEntries, withoutEntries } from "./descriptorEntries.ts"
import { AceFlag, type Entry, type SecurityDescriptor } from "./securityModel.ts"

/**
 * Whether a descriptor grants rights to an account, by the rules of MS-DTYP section 2.5.3.2.
 *
 * **Details**
 *
 * Use the result in user interfaces and audits; the server's own decision depends on more. Privileges (backup, take ownership), conditions
 * and restricted accounts are not considered. A condition is assumed to hold in an entry that denies, and not to hold in one that allows. A
 * descriptor without a `dacl`, for example because it was not read, grants nothing beyond the owner's rights.
 *
 * @category access
 * @since 0.2.0
 */
export const grants = (descriptor: SecurityDescriptor, question: AccessQuestion): boolean =>
  isGranted(descriptor, question)

/**
 * Whether an account may reset the password of the entry's account, that is, set it without knowing the old one.
 *
 * **Example**
 *
 * ```ts
 * import { ActiveDirectorySid, SecurityDescriptor, type LdapEntry } from "effect-ldap"
 * import { Array } from "effect"
 *
 * const mayReset = (helper: LdapEntry.LdapEntry, descriptor: SecurityDescriptor.SecurityDescriptor) =>
 *   SecurityDescriptor.mayResetPassword(
 *     descriptor,
 *     Array.filterMap([...helper.getAllBytes("objectSid"), ...helper.getAllBytes("tokenGroups")], ActiveDirectorySid.fromBytes)
 *   )
 * ```
 *
 * @category access
 * @since 0.2.0
 */
export const mayResetPassword = (descriptor: SecurityDescriptor, sids: ReadonlyArray<string>): boolean =>
  isGranted(descriptor, { sids, mask: AccessRight.controlAccess, objectTypes: [RightGuid.resetPassword] })

const deletion = mask("delete", "deleteTree")

/**
 * The same descriptor with an entry that keeps everyone from deleting the entry: what "Protect object from accidental deletion" sets.
 *
 * **Details**
 *
 * A right to delete children of the parent overrides it: deny that on the parent with {@link withChildrenProtected}.
 *
 * @category access
 * @since 0.2.0
 */
export const withDeletionDenied = (descriptor: SecurityDescriptor): SecurityDescriptor =>
  isDeletionDenied(descriptor) ? descriptor : withEntries(descriptor, deny(universalSids.everyone.sid, deletion))

/**
 * The same descriptor without the entries that deny its deletion to everyone.
 *
 * @category access
 * @since 0.2.0
 */
export const withDeletionAllowed = (descriptor: SecurityDescriptor): SecurityDescriptor =>
  withoutEntries(descriptor, deniesDeletion)

const deniesDeletion = (entry: Entry): boolean =>
  entry.type === "deny" && entry.sid === universalSids.everyone.sid && (entry.mask & ~deletion) === 0 &&
  (entry.mask & AccessRight.delete) !== 0 && (entry.flags & (AceFlag.inheritOnly | AceFlag.inherited)) === 0

/**
 * Whether an entry denies deletion to everyone.
 *
 * @category access
 * @since 0.2.0
 */
export const isDeletionDenied = (descriptor: SecurityDescriptor): boolean =>
  (descriptor.dacl?.entries ?? []).some((entry) =>
    entry.type === "deny" && entry.sid === universalSids.everyone.sid && (entry.flags & AceFlag.inheritOnly) === 0 &&
    (entry.mask & deletion) >>> 0 === deletion
  )

/**
 * The same descriptor with an entry that keeps everyone from deleting children of the entry. It is for the parent of entries that are
 * protected by {@link withDeletionDenied}.
 *
 * @category access
 * @since 0.2.0
 */
export const withChildrenProtected = (descriptor: SecurityDescriptor): SecurityDescriptor =>
  withEntries(descriptor, deny(universalSids.everyone.sid, AccessRight.deleteChild))
