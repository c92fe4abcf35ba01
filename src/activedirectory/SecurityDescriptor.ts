/**
 * Security descriptors, the values of `nTSecurityDescriptor`: the owner of an entry, who may do what with it, and which access is audited.
 *
 * They are plain data, with bytes (MS-DTYP section 2.4.6) and SDDL text (MS-DTYP section 2.5.1). This module exports all of it: the
 * parts are in `security/`, which README.md lists. {@link read} and {@link update} read and write them on a server.
 *
 * @since 0.2.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { WindowsValueError } from "../model/windows/WindowsValueError.ts"
import { fromOctets } from "../schema/syntax/syntax.ts"
import { readSddl, type SddlOptions, writeSddl } from "./security/sddl.ts"
import { readDescriptor, writeDescriptor } from "./security/securityBytes.ts"
import type { SecurityDescriptor } from "./security/securityModel.ts"

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
export {
  grants,
  isDeletionDenied,
  mayResetPassword,
  withChildrenProtected,
  withDeletionAllowed,
  withDeletionDenied
} from "./security/commonRights.ts"
export {
  allow,
  deny,
  type EntryOptions,
  inCanonicalOrder,
  isCanonical,
  withEntries,
  withoutEntries
} from "./security/descriptorEntries.ts"
export { type DescriptorOptions, read, update } from "./security/descriptorOnServer.ts"
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
 * Fails for values that have no bytes: text that is not a SID or a GUID, numbers out of range, and a list of more than 65,535 bytes.
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
 * `RA`) are not supported and fail. Pure.
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
 * The SDDL text of a descriptor. Well-known SIDs are written as their letters; SIDs of a domain only if `domain` is given.
 *
 * **Details**
 *
 * Fails for entries that can't be written as text: conditions, resource attributes, and unknown kinds. SDDL has letters only for those
 * flags of `control` that are about inheritance; the others are left out.
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
