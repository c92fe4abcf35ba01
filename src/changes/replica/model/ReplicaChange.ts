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
    readonly uuid: string
    readonly dn: string
    readonly entry: Entry
  }
  | {
    readonly _tag: "Modified"
    readonly uuid: string
    readonly dn: string
    /** The DN before, which is another one if the entry was renamed too. */
    readonly previousDn: string
    readonly entry: Entry
  }
  /** Nothing but the DN has changed: of the entry itself, or of one above it. */
  | {
    readonly _tag: "Moved"
    readonly uuid: string
    readonly dn: string
    readonly previousDn: string
    readonly entry: Entry
  }
  | {
    readonly _tag: "Deleted"
    readonly uuid: string
    /** The DN that the copy had. */
    readonly dn: string
  }
