/**
 * Security descriptors, the values of `nTSecurityDescriptor`: who owns an entry, who may do what with it, and what is audited.
 *
 * They are plain data: `security/securityModel.ts` has the parts, `securityBytes.ts` their bytes (MS-DTYP section 2.4.6), `sddl.ts` their
 * text (MS-DTYP section 2.5.1), `accessRights.ts` the rights by name, `aclOrder.ts` the order of entries and `accessCheck.ts` the question
 * of who may do what. {@link read} and {@link update} read and write them on a server.
 *
 * @since 0.2.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { checked, jobOptionsProblem } from "../client/jobs/jobInput.ts"
import { notFollowed, onOneServer } from "../client/jobs/ownServer.ts"
import * as LdapControl from "../model/control/LdapControl.ts"
import { nameProblem } from "../model/input/attributes.ts"
import { InvalidRequest, LdapError, NoSuchObject } from "../model/LdapError.ts"
import * as LdapModification from "../model/LdapModification.ts"
import { dnFrom } from "../model/ldapts.ts"
import type { WindowsValueError } from "../model/windows/WindowsValueError.ts"
import { fromOctets } from "../schema/syntax/syntax.ts"
import type { DnInput, LdapOperations, OperationOptions } from "../session/LdapSession.ts"
import { type AccessQuestion, isGranted } from "./security/accessCheck.ts"
import { AccessRight, mask, RightGuid } from "./security/accessRights.ts"
import { inOrder, isInOrder } from "./security/aclOrder.ts"
import { readSddl, type SddlOptions, writeSddl } from "./security/sddl.ts"
import { readDescriptor, writeDescriptor } from "./security/securityBytes.ts"
import {
  type AccessControlEntry,
  AceFlag,
  type Entry,
  isObjectType,
  type SecurityDescriptor
} from "./security/securityModel.ts"
import { universalSids } from "./wellKnownSids.ts"

export { WindowsValueError } from "../model/windows/WindowsValueError.ts"
export type { DnInput, LdapOperations, OperationOptions } from "../session/LdapSession.ts"
export type { ValueSyntax } from "../schema/syntax/syntax.ts"
export type { AccessQuestion } from "./security/accessCheck.ts"
export {
  AccessRight,
  type AccessRightName,
  expandGeneric,
  mask,
  RightGuid,
  type RightGuidName,
  rightsOf
} from "./security/accessRights.ts"
export type { SddlOptions } from "./security/sddl.ts"
export {
  type AccessControlEntry,
  type AccessControlList,
  AceFlag,
  type AceType,
  ControlFlag,
  type Entry,
  type SecurityDescriptor,
  type UnknownEntry
} from "./security/securityModel.ts"

// ---------------------------------------------------------------------------------------------------------------------
// Bytes and text
// ---------------------------------------------------------------------------------------------------------------------

/**
 * A descriptor from its bytes, in the self-relative form that directories have.
 *
 * **Details**
 *
 * At most 256 KiB; all offsets and sizes are checked. Gaps between the parts are not kept. Conditions and resource attributes stay as bytes
 * in `applicationData`.
 *
 * @category conversions
 * @since 0.2.0
 */
export const fromBytes: (bytes: Uint8Array) => Result.Result<SecurityDescriptor, WindowsValueError> = readDescriptor

/**
 * The bytes of a descriptor. {@link fromBytes} reads them as an equal one.
 *
 * **Details**
 *
 * Fails for what has no bytes: a SID or a GUID that is none, numbers out of range, a list of more than 65,535 bytes.
 *
 * @category conversions
 * @since 0.2.0
 */
export const toBytes: (descriptor: SecurityDescriptor) => Result.Result<Uint8Array, WindowsValueError> = writeDescriptor

/**
 * A descriptor from SDDL text (MS-DTYP section 2.5.1).
 *
 * **Details**
 *
 * Letters for groups of a domain (`DA`, `DU`, `EA` …) need the option `domain`. Conditions and resource attributes (`XA` with a condition,
 * `RA`) have no text here.
 *
 * **Example**
 *
 * ```ts
 * import { SecurityDescriptor } from "effect-ldap"
 *
 * const descriptor = SecurityDescriptor.fromSddl("O:DAG:DAD:P(A;CI;GA;;;DA)", { domain: "S-1-5-21-1-2-3" })
 * ```
 *
 * @category conversions
 * @since 0.2.0
 */
export const fromSddl = (
  text: string,
  options: SddlOptions = {}
): Result.Result<SecurityDescriptor, WindowsValueError> => readSddl(text, options)

/**
 * The SDDL text of a descriptor. Well-known SIDs become their letters, those of a domain if `domain` is given.
 *
 * **Details**
 *
 * Fails for entries without text here: conditions, resource attributes, kinds that aren't known. SDDL has no letters for the flags
 * of `control` that aren't about inheritance; they are left out.
 *
 * @category conversions
 * @since 0.2.0
 */
export const toSddl = (
  descriptor: SecurityDescriptor,
  options: SddlOptions = {}
): Result.Result<string, WindowsValueError> => writeSddl(descriptor, options)

const isDescriptor = (u: unknown): u is SecurityDescriptor =>
  typeof u === "object" && u !== null && "owner" in u && "control" in u && "dacl" in u && "sacl" in u

/**
 * `nTSecurityDescriptor` as the codec of a typed field.
 *
 * @category schemas
 * @since 0.2.0
 */
export const NtSecurityDescriptor = fromOctets(
  Schema.declare<SecurityDescriptor>(isDescriptor, { expected: "SecurityDescriptor" }),
  {
    decode: (bytes) => Result.mapError(fromBytes(bytes), ({ message }) => message),
    encode: (descriptor) => Result.mapError(toBytes(descriptor), ({ message }) => message)
  }
)

// ---------------------------------------------------------------------------------------------------------------------
// Entries
// ---------------------------------------------------------------------------------------------------------------------

/**
 * An entry that allows rights to an account or group; with `objectType` about one property, extended right or class only.
 *
 * **Example**
 *
 * ```ts
 * import { SecurityDescriptor } from "effect-ldap"
 *
 * // May reset the passwords of all users below an organizational unit.
 * const helpdesk = (sid: string, userClass: string) =>
 *   SecurityDescriptor.allow(sid, SecurityDescriptor.AccessRight.controlAccess, {
 *     objectType: SecurityDescriptor.RightGuid.resetPassword,
 *     inheritedObjectType: userClass,
 *     flags: SecurityDescriptor.AceFlag.containerInherit | SecurityDescriptor.AceFlag.inheritOnly
 *   })
 * ```
 *
 * @category entries
 * @since 0.2.0
 */
export const allow = (sid: string, mask: number, options: EntryOptions = {}): AccessControlEntry =>
  entry("allow", sid, mask, options)

/**
 * An entry that denies rights to an account or group.
 *
 * @category entries
 * @since 0.2.0
 */
export const deny = (sid: string, mask: number, options: EntryOptions = {}): AccessControlEntry =>
  entry("deny", sid, mask, options)

/**
 * @category models
 * @since 0.2.0
 */
export interface EntryOptions {
  /** Bits of {@link AceFlag}. Default 0: the entry itself, and not inherited. */
  readonly flags?: number | undefined
  /** A GUID of {@link RightGuid}, of an attribute or of a class. */
  readonly objectType?: string | undefined
  /** The class (`schemaIDGUID`) of entries that inherit it. */
  readonly inheritedObjectType?: string | undefined
}

const entry = (kind: "allow" | "deny", sid: string, mask: number, options: EntryOptions): AccessControlEntry => {
  const { flags = 0, inheritedObjectType, objectType } = options
  const isObject = objectType !== undefined || inheritedObjectType !== undefined
  return {
    type: isObject ? `${kind}Object` : kind,
    flags,
    mask,
    sid,
    ...(objectType === undefined ? {} : { objectType }),
    ...(inheritedObjectType === undefined ? {} : { inheritedObjectType })
  }
}

/**
 * The same descriptor with further entries in its `dacl`, which is put into its canonical order. Entries that are there already are not
 * repeated.
 *
 * **Details**
 *
 * A descriptor whose `dacl` is missing gets one; so does one whose list is NULL, which until then allowed everything to everyone.
 *
 * @category entries
 * @since 0.2.0
 */
export const withEntries = (
  descriptor: SecurityDescriptor,
  ...entries: ReadonlyArray<AccessControlEntry>
): SecurityDescriptor => {
  const before = descriptor.dacl?.entries ?? []
  const added = entries.filter((entry, i) =>
    !before.some((other) => isSameEntry(entry, other)) && entries.findIndex((other) => isSameEntry(entry, other)) === i
  )
  return withDacl(descriptor, inOrder([...before, ...added]))
}

/**
 * The same descriptor without the entries of its `dacl` that the function chooses. Inherited entries can't be removed: the server puts them
 * back.
 *
 * @category entries
 * @since 0.2.0
 */
export const withoutEntries = (
  descriptor: SecurityDescriptor,
  remove: (entry: Entry) => boolean
): SecurityDescriptor => {
  const { dacl } = descriptor
  return dacl ? withDacl(descriptor, dacl.entries.filter((entry) => !remove(entry))) : descriptor
}

const withDacl = (descriptor: SecurityDescriptor, entries: ReadonlyArray<Entry>): SecurityDescriptor => {
  const needsObjects = entries.some(({ type }) => type !== "unknown" && isObjectType(type))
  return { ...descriptor, dacl: { revision: Math.max(descriptor.dacl?.revision ?? 2, needsObjects ? 4 : 2), entries } }
}

/** Whether two entries say the same, apart from having been inherited. */
const isSameEntry = (a: Entry, b: Entry): boolean => keyOf(a) === keyOf(b)

const keyOf = (entry: Entry): string =>
  entry.type === "unknown"
    ? JSON.stringify([entry.number, entry.flags, Buffer.from(entry.body).toString("hex")])
    : JSON.stringify([
      entry.type,
      entry.flags,
      entry.mask,
      entry.sid,
      entry.objectType?.toLowerCase(),
      entry.inheritedObjectType?.toLowerCase(),
      Buffer.from(entry.applicationData ?? []).toString("hex")
    ])

/**
 * The same descriptor with its `dacl` in the canonical order: what denies before what allows, explicit before inherited.
 *
 * @category entries
 * @since 0.2.0
 */
export const inCanonicalOrder = (descriptor: SecurityDescriptor): SecurityDescriptor =>
  descriptor.dacl
    ? { ...descriptor, dacl: { ...descriptor.dacl, entries: inOrder(descriptor.dacl.entries) } }
    : descriptor

/**
 * Whether the `dacl` is in the canonical order. In another order tools of Windows refuse to edit it.
 *
 * @category entries
 * @since 0.2.0
 */
export const isCanonical = (descriptor: SecurityDescriptor): boolean => isInOrder(descriptor.dacl?.entries ?? [])

// ---------------------------------------------------------------------------------------------------------------------
// Questions and common changes
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Whether a descriptor grants rights to an account, by the rules of MS-DTYP section 2.5.3.2.
 *
 * **Details**
 *
 * An answer for user interfaces and audits: the server decides, and knows more. Privileges (backup, take ownership), conditions and restricted
 * accounts aren't known here. An entry with a condition counts as if it were met where it denies, and as if it weren't where it allows. A
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
 * The same descriptor without the entries by which everyone is kept from deleting.
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
 * Whether an entry keeps everyone from deleting the entry.
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

// ---------------------------------------------------------------------------------------------------------------------
// On a server
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Which parts of a descriptor are read or written. Default: all but `sacl`, which few accounts may read.
 *
 * @category models
 * @since 0.2.0
 */
export interface DescriptorOptions extends OperationOptions {
  readonly parts?: {
    readonly owner?: boolean
    readonly group?: boolean
    readonly dacl?: boolean
    readonly sacl?: boolean
  } | undefined
}

const usual = { owner: true, group: true, dacl: true }

/**
 * Reads the descriptor of an entry; none if the entry doesn't exist.
 *
 * **Details**
 *
 * Sends the SD flags control (MS-ADTS section 3.1.1.3.4.1.11), since a request for `sacl` too would be refused to most accounts. An account
 * that may not read the descriptor fails with `InvalidRequest`, which says so.
 *
 * @category servers
 * @since 0.2.0
 */
export const read = (
  client: Pick<LdapOperations, "lookup">,
  dn: DnInput,
  options?: DescriptorOptions
): Effect.Effect<Option.Option<SecurityDescriptor>, LdapError> =>
  checked("readSecurityDescriptor", () => nameProblem("dn", dn) ?? jobOptionsProblem(options), () => {
    const { controls = [], parts = usual, ...sent } = options ?? {}
    const control = LdapControl.sdFlags.make(parts)
    return Effect.flatMap(
      client.lookup(dn, { ...sent, attributes: ["nTSecurityDescriptor"], controls: [...controls, control] }),
      Option.match({
        onNone: () => Effect.succeedNone,
        onSome: (entry) => {
          const bytes = entry.getBytes("nTSecurityDescriptor")
          const descriptor = bytes === undefined ? undefined : fromBytes(bytes)
          if (descriptor !== undefined && Result.isSuccess(descriptor)) return Effect.succeedSome(descriptor.success)
          const detail = descriptor === undefined
            ? "the server did not return nTSecurityDescriptor; the account may not have the right to read it"
            : `the server's nTSecurityDescriptor is ${descriptor.failure.message}`
          return Effect.fail(unreadable(dn, detail))
        }
      })
    )
  })

const unreadable = (dn: DnInput, detail: string): LdapError =>
  new LdapError({
    reason: new InvalidRequest({ field: "nTSecurityDescriptor", detail }),
    operation: "readSecurityDescriptor",
    dn: dnFrom(dn)
  })

/**
 * Reads the descriptor of an entry, changes it, and writes it back; nothing is written if the bytes stay the same. Returns the new one.
 *
 * **Details**
 *
 * Only the parts that were read are written. Active Directory has no way to make a write depend on what was read: a change that another
 * client makes in between is lost. Fails with `NoSuchObject` if the entry doesn't exist, with `InvalidRequest` if the changed descriptor can't
 * be written. Reads go to the servers for writes, and no referral is followed.
 *
 * **Example**
 *
 * ```ts
 * import { SecurityDescriptor, type LdapClient } from "effect-ldap"
 *
 * const protect = (client: LdapClient.LdapClient, dn: string) =>
 *   SecurityDescriptor.update(client, dn, SecurityDescriptor.withDeletionDenied)
 * ```
 *
 * @category servers
 * @since 0.2.0
 */
export const update = (
  client: Pick<LdapOperations, "lookup" | "modify">,
  dn: DnInput,
  change: (descriptor: SecurityDescriptor) => SecurityDescriptor,
  options?: DescriptorOptions
): Effect.Effect<SecurityDescriptor, LdapError> =>
  Effect.gen(function*() {
    const { controls = [], parts = usual, ...sent } = options ?? {}
    const found = yield* read(client, dn, { ...sent, controls, parts, ...notFollowed })
    if (Option.isNone(found)) {
      const reason = new NoSuchObject({ matchedDn: "", diagnosticMessage: "", referrals: [], controls: [] })
      return yield* new LdapError({ reason, operation: "updateSecurityDescriptor", dn: dnFrom(dn) })
    }
    const changed = change(found.value)
    const [before, after] = [toBytes(found.value), toBytes(changed)]
    if (Result.isFailure(after)) return yield* unreadable(dn, after.failure.message)
    if (Result.isSuccess(before) && Buffer.compare(before.success, after.success) === 0) return changed
    yield* client.modify(dn, [LdapModification.replace("nTSecurityDescriptor", after.success)], {
      ...sent,
      ...notFollowed,
      controls: [...controls, LdapControl.sdFlags.make(parts)]
    })
    return changed
  }).pipe(onOneServer)
