/**
 * What a batch has changed in a copy: the differences between its rows before and after, not what the directory sent. A change that comes
 * twice makes a difference once.
 *
 * @since 0.2.0
 */
import type { LdapEntry } from "../../../model/entry/LdapEntry.ts"

/**
 * A difference that a batch has made.
 *
 * @category models
 * @since 0.2.0
 */
export type ReplicaChange<Entry = LdapEntry> =
  | {
    readonly _tag: "Added"
    /** The UUID of the entry. */
    readonly uuid: string
    /** The name of the entry. */
    readonly dn: string
    /** The new entry. */
    readonly entry: Entry
  }
  | {
    readonly _tag: "Modified"
    /** The UUID of the entry. */
    readonly uuid: string
    /** The name of the entry. */
    readonly dn: string
    /** The DN before, which is another one if the entry was renamed too. */
    readonly previousDn: string
    /** The entry after the change. */
    readonly entry: Entry
  }
  /** Nothing but the DN has changed: of the entry itself, or of one above it. */
  | {
    readonly _tag: "Moved"
    /** The UUID of the entry. */
    readonly uuid: string
    /** The new name of the entry. */
    readonly dn: string
    /** The former name of the entry. */
    readonly previousDn: string
    /** The entry after the change. */
    readonly entry: Entry
  }
  | {
    readonly _tag: "Deleted"
    /** The UUID of the entry. */
    readonly uuid: string
    /** The DN that the copy had. */
    readonly dn: string
  }
