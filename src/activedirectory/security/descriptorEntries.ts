/** Entries of a descriptor's `dacl`: creates, adds, removes and sorts them. */
import { inOrder, isInOrder } from "./aclOrder.ts"
import { type AccessControlEntry, type Entry, isObjectType, type SecurityDescriptor } from "./securityModel.ts"

/**
 * An entry that allows rights to an account or group. With `objectType` it applies only to one property, extended right or class.
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
 * Options of an entry that is made for an access control list.
 *
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
 * If the descriptor has no `dacl`, it gets one. So does a descriptor with a NULL list, which allowed everything to everyone until then.
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

/** Whether two entries mean the same, regardless of inheritance. */
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
 * The same descriptor with its `dacl` in the canonical order: explicit entries before inherited ones, and entries that deny before those
 * that allow.
 *
 * @category entries
 * @since 0.2.0
 */
export const inCanonicalOrder = (descriptor: SecurityDescriptor): SecurityDescriptor =>
  descriptor.dacl
    ? { ...descriptor, dacl: { ...descriptor.dacl, entries: inOrder(descriptor.dacl.entries) } }
    : descriptor

/**
 * Whether the `dacl` is in the canonical order. Windows tools refuse to edit it in any other order.
 *
 * @category entries
 * @since 0.2.0
 */
export const isCanonical = (descriptor: SecurityDescriptor): boolean => isInOrder(descriptor.dacl?.entries ?? [])
