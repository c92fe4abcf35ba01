/** The records of LDIF (RFC 2849) as values. */
import type * as LdapControl from "../control/LdapControl.ts"
import type { LdapAttribute } from "../entry/LdapEntry.ts"
import type { LdapModification } from "../LdapModification.ts"

/**
 * An entry: a content record.
 *
 * @category models
 * @since 0.1.0
 */
export interface Entry {
  readonly _tag: "Entry"
  /** The line of the text where the record begins, from 1; 0 for a record that was not read from text. */
  readonly line: number
  /** The name of the entry. */
  readonly dn: string
  /** The attributes. Each description occurs once, in the order of first appearance. */
  readonly attributes: ReadonlyArray<LdapAttribute>
}

/**
 * An entry to add.
 *
 * @category models
 * @since 0.1.0
 */
export interface Add {
  readonly _tag: "Add"
  /** The line of the text where the record begins, from 1; 0 for a record that was not read from text. */
  readonly line: number
  /** The name of the new entry. */
  readonly dn: string
  /** Controls for the request. */
  readonly controls: ReadonlyArray<LdapControl.LdapControl>
  /** The attributes of the new entry. */
  readonly attributes: ReadonlyArray<LdapAttribute>
}

/**
 * An entry to delete.
 *
 * @category models
 * @since 0.1.0
 */
export interface Delete {
  readonly _tag: "Delete"
  /** The line of the text where the record begins, from 1; 0 for a record that was not read from text. */
  readonly line: number
  /** The name of the entry. */
  readonly dn: string
  /** Controls for the request. */
  readonly controls: ReadonlyArray<LdapControl.LdapControl>
}

/**
 * An entry to modify.
 *
 * @category models
 * @since 0.1.0
 */
export interface Modify {
  readonly _tag: "Modify"
  /** The line of the text where the record begins, from 1; 0 for a record that was not read from text. */
  readonly line: number
  /** The name of the entry. */
  readonly dn: string
  /** Controls for the request. */
  readonly controls: ReadonlyArray<LdapControl.LdapControl>
  /** The changes, in order. */
  readonly changes: ReadonlyArray<LdapModification>
}

/**
 * An entry to rename or to move.
 *
 * @category models
 * @since 0.1.0
 */
export interface ModifyDn {
  readonly _tag: "ModifyDn"
  /** The line of the text where the record begins, from 1; 0 for a record that was not read from text. */
  readonly line: number
  /** The current name of the entry. */
  readonly dn: string
  /** Controls for the request. */
  readonly controls: ReadonlyArray<LdapControl.LdapControl>
  /** The new RDN. */
  readonly newRdn: string
  /** Whether the values of the old RDN are deleted. */
  readonly deleteOldRdn: boolean
  /** The name of the new parent. Without it, the entry stays below its parent. */
  readonly newSuperior?: string | undefined
}

/**
 * Any record of LDIF.
 *
 * @category models
 * @since 0.1.0
 */
export type LdifRecord = Entry | Add | Delete | Modify | ModifyDn
