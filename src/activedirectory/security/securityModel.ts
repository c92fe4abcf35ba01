/**
 * Security descriptors as plain data (MS-DTYP section 2.4.6): an owner, a group, and two lists of entries. SIDs and GUIDs are text, rights
 * and flags are bits with names.
 *
 * @since 0.2.0
 */

/**
 * The kinds of entries that are decoded (MS-DTYP section 2.4.4.1), with their numbers.
 *
 * **Details**
 *
 * The kinds with `Object` have GUIDs: they are about one property, extended right or class. Those with `Callback` apply only if a condition
 * holds; the condition stays as bytes. Kinds with `Alarm` are reserved.
 *
 * @category models
 * @since 0.2.0
 */
export const aceTypes = {
  allow: 0x00,
  deny: 0x01,
  audit: 0x02,
  alarm: 0x03,
  allowObject: 0x05,
  denyObject: 0x06,
  auditObject: 0x07,
  alarmObject: 0x08,
  allowCallback: 0x09,
  denyCallback: 0x0a,
  allowCallbackObject: 0x0b,
  denyCallbackObject: 0x0c,
  auditCallback: 0x0d,
  alarmCallback: 0x0e,
  auditCallbackObject: 0x0f,
  alarmCallbackObject: 0x10,
  mandatoryLabel: 0x11,
  resourceAttribute: 0x12,
  scopedPolicyId: 0x13
} as const

/**
 * A kind of entry.
 *
 * @category models
 * @since 0.2.0
 */
export type AceType = keyof typeof aceTypes

/** The names of the kinds by their numbers. */
export const aceTypesByNumber = new Map<number, AceType>(
  // The keys of the table are these names.
  (Object.keys(aceTypes) as Array<AceType>).map((name) => [aceTypes[name], name])
)

/** Whether entries of this kind have GUIDs. */
export const isObjectType = (type: AceType): boolean => type.endsWith("Object")

/**
 * Bits of an entry's `flags` (MS-DTYP section 2.4.4.1): how it is inherited, and which access is audited.
 *
 * @category models
 * @since 0.2.0
 */
export const AceFlag = {
  objectInherit: 0x01,
  containerInherit: 0x02,
  noPropagateInherit: 0x04,
  inheritOnly: 0x08,
  inherited: 0x10,
  critical: 0x20,
  successfulAccess: 0x40,
  failedAccess: 0x80
} as const

/**
 * Bits of `control` of a security descriptor (MS-DTYP section 2.4.6). The bits for the existing lists and for the self-relative form are
 * not included, since they are computed from the descriptor.
 *
 * @category models
 * @since 0.2.0
 */
export const ControlFlag = {
  ownerDefaulted: 0x0001,
  groupDefaulted: 0x0002,
  daclDefaulted: 0x0008,
  saclDefaulted: 0x0020,
  daclTrusted: 0x0040,
  serverSecurity: 0x0080,
  daclAutoInheritRequired: 0x0100,
  saclAutoInheritRequired: 0x0200,
  daclAutoInherited: 0x0400,
  saclAutoInherited: 0x0800,
  /** Entries of the parent are not inherited. */
  daclProtected: 0x1000,
  saclProtected: 0x2000,
  resourceManagerControlValid: 0x4000
} as const

/**
 * One entry of a list (ACE): who may do what, or which access is audited.
 *
 * @category models
 * @since 0.2.0
 */
export interface AccessControlEntry {
  /** Whether the entry allows, denies or audits. */
  readonly type: AceType
  /** Bits of {@link AceFlag}. */
  readonly flags: number
  /** The rights: 32 bits, see `AccessRight`. */
  readonly mask: number
  /** The SID of the account or group. */
  readonly sid: string
  /** Kinds with `Object` only: the property, property set, extended right or class of child; `undefined` for all. */
  readonly objectType?: string | undefined
  /** Kinds with `Object` only: the class of objects that inherit the entry; `undefined` for all. */
  readonly inheritedObjectType?: string | undefined
  /** The bytes after the SID: the condition of kinds with `Callback`, the value of `resourceAttribute`. `undefined` for none. */
  readonly applicationData?: Uint8Array | undefined
}

/**
 * An entry of an unknown kind: its bytes, unchanged.
 *
 * @category models
 * @since 0.2.0
 */
export interface UnknownEntry {
  /** Always `unknown`. */
  readonly type: "unknown"
  /** The number of the kind. */
  readonly number: number
  /** The flags of the entry, as bits. */
  readonly flags: number
  /** All bytes after the header. Their number is a multiple of four. */
  readonly body: Uint8Array
}

/**
 * An entry of a list.
 *
 * @category models
 * @since 0.2.0
 */
export type Entry = AccessControlEntry | UnknownEntry

/**
 * A list of entries (ACL), in the order in which the server evaluates them.
 *
 * @category models
 * @since 0.2.0
 */
export interface AccessControlList {
  /** 2, or 4 (`ACL_REVISION_DS`) for lists with object entries; written as 4 if an entry needs it. */
  readonly revision: number
  /** The entries, in the order in which the server evaluates them. */
  readonly entries: ReadonlyArray<Entry>
}

/**
 * A security descriptor: plain data that never changes.
 *
 * **Details**
 *
 * `dacl` says who may do what, `sacl` which access is audited. A list is missing (`undefined`) if the descriptor doesn't have it, for
 * example because the server was not asked for it. `null` is a NULL list. A NULL `dacl` allows everything to everyone; an empty one allows
 * nothing to anyone.
 *
 * @category models
 * @since 0.2.0
 */
export interface SecurityDescriptor {
  /** The SID of the owner; `undefined` if it wasn't read. */
  readonly owner: string | undefined
  /** The SID of the primary group; `undefined` if it wasn't read. */
  readonly group: string | undefined
  /** Bits of {@link ControlFlag}. */
  readonly control: number
  /** A byte for resource managers; 0 in directories. */
  readonly resourceManagerControl: number
  readonly dacl: AccessControlList | null | undefined
  readonly sacl: AccessControlList | null | undefined
}
