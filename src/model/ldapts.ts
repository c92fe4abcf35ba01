/**
 * Values of ldapts, taken where ours are, so that a program can move over piece by piece. What they put on the wire is what
 * they mean: a filter or control is written with ldapts' own writer and read back as one of ours.
 */
import { Attribute, BerWriter, Change, Control, type DN, Filter } from "ldapts"
import { BerReader, Tag } from "../ber/BerReader.ts"
import { LdapControl } from "./control/LdapControl.ts"
import type { LdapDn } from "./dn/LdapDn.ts"
import { attributesFrom, type AttributesInput, type LdapAttribute } from "./entry/LdapEntry.ts"
import * as LdapFilter from "./filter/LdapFilter.ts"
import type { LdapModification } from "./LdapModification.ts"

/** A distinguished name. Text goes to the server as it is: Active Directory also takes `<GUID=…>` and `<SID=…>`. */
export type DnInput = string | LdapDn | DN

export type ControlInput = LdapControl | Control

export type ModificationInput = LdapModification | Change

export type EntryAttributesInput = AttributesInput | ReadonlyArray<Attribute>

export const dnFrom = (dn: DnInput): string => (typeof dn === "string" ? dn : dn.toString())

/** Throws `BerError` for a filter that LDAP doesn't have. */
export const filterFrom = (filter: Filter): LdapFilter.LdapFilter => LdapFilter.decode(written(filter))

export const isFilter = (u: unknown): u is Filter => u instanceof Filter

export const controlFrom = (control: ControlInput): LdapControl => {
  if (!(control instanceof Control)) return control
  const content = written(control).sequence()
  const oid = content.text()
  const critical = content.peek() === Tag.boolean && content.boolean()
  return new LdapControl({ oid, critical, value: content.done ? undefined : content.octets() })
}

export const modificationFrom = (change: ModificationInput): LdapModification => {
  if (!(change instanceof Change)) return change
  const { description, values } = attributeFrom(change.modification)
  return { operation: change.operation, attribute: description, values }
}

export const entryAttributesFrom = (attributes: EntryAttributesInput): ReadonlyArray<LdapAttribute> =>
  Array.isArray(attributes)
    ? (attributes as ReadonlyArray<LdapAttribute | Attribute>).map((attribute) =>
      attribute instanceof Attribute ? attributeFrom(attribute) : attribute
    )
    : attributesFrom(attributes as AttributesInput)

const attributeFrom = ({ type, values }: Attribute): LdapAttribute => ({
  description: type,
  values: values.map((value) => (typeof value === "string" ? Buffer.from(value) : value))
})

const written = (value: Filter | Control): BerReader => {
  const writer = new BerWriter()
  value.write(writer)
  return new BerReader(writer.buffer)
}
