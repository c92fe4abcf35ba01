/**
 * Accepts values of ldapts in the place of this library's own, so that a program can migrate step by step.
 *
 * They are recognised by their shape, from any version or copy of ldapts; plain objects of the same shape are accepted too. ldapts
 * itself isn't imported. A filter or control that has a method `write` encodes itself, and the result is decoded by this library.
 */
import { BerReader, Tag } from "../ber/BerReader.ts"
import { LdapControl } from "./control/controls.ts"
import type { LdapDn } from "./dn/LdapDn.ts"
import { attributesFrom, type AttributesInput, type LdapAttribute } from "./entry/LdapEntry.ts"
import type { LdapModification } from "./LdapModification.ts"
import { type LdaptsWriter, makeLdaptsWriter } from "./LdaptsWriter.ts"

/** A distinguished name of ldapts (`DN`). */
export interface LdaptsDn {
  /** The RDNs. Only their presence matters; the text of the name is used. */
  getRDNs(): ReadonlyArray<object>
  toString(): string
}

/** A control of ldapts (`Control` and its subclasses), or a plain object with a value in bytes. */
export interface LdaptsControl {
  /** The object identifier. */
  readonly type: string
  /** Whether the server must support the control. Default false. */
  readonly critical?: boolean | undefined
  /** Writes the value of the control in BER. */
  write?(writer: LdaptsWriter): void
}

/** An attribute of ldapts (`Attribute`). */
export interface LdaptsAttribute {
  /** The attribute description. */
  readonly type: string
  /** The values. */
  readonly values: ReadonlyArray<Uint8Array | string>
}

/** A change of ldapts (`Change`). */
export interface LdaptsChange {
  /** The kind of change. */
  readonly operation: "add" | "delete" | "replace"
  /** The attribute with the values of the change. */
  readonly modification: LdaptsAttribute
}

/** A distinguished name. Text goes to the server as it is: Active Directory also takes `<GUID=…>` and `<SID=…>`. */
export type DnInput = string | LdapDn | LdaptsDn

/** A control of this library, or of ldapts. */
export type ControlInput = LdapControl | LdaptsControl

/** A modification of this library, or of ldapts. */
export type ModificationInput = LdapModification | LdaptsChange

/** Attributes for a new entry: by their descriptions, or as objects of ldapts. */
export type EntryAttributesInput = AttributesInput | ReadonlyArray<LdaptsAttribute>

export const dnFrom = (dn: DnInput): string => (typeof dn === "string" ? dn : dn.toString())

/** Throws what `write` of the control throws, and a `BerError` for what isn't a control. */
export const controlFrom = (control: ControlInput): LdapControl => {
  if (!("type" in control)) return control
  if (control.write === undefined) return plainControl(control)
  const writer = makeLdaptsWriter()
  control.write(writer)
  const content = new BerReader(writer.buffer).sequence()
  const oid = content.text()
  const critical = content.peek() === Tag.boolean && content.boolean()
  return new LdapControl({ oid, critical, value: content.done ? undefined : content.octets() })
}

const plainControl = ({ critical = false, type, ...rest }: LdaptsControl): LdapControl => {
  const value = "value" in rest ? rest.value : undefined
  if (value !== undefined && !(value instanceof Uint8Array)) {
    throw new TypeError(`the value of the control ${type} is not in bytes, and it can't write itself`)
  }
  return new LdapControl({ oid: type, critical, value })
}

export const modificationFrom = (change: ModificationInput): LdapModification => {
  if (!("modification" in change)) return change
  const { description, values } = attributeFrom(change.modification)
  return { operation: change.operation, attribute: description, values }
}

export const entryAttributesFrom = (attributes: EntryAttributesInput): ReadonlyArray<LdapAttribute> =>
  Array.isArray(attributes)
    ? (attributes as ReadonlyArray<LdapAttribute | LdaptsAttribute>).map((attribute) =>
      "type" in attribute ? attributeFrom(attribute) : attribute
    )
    : attributesFrom(attributes as AttributesInput)

const attributeFrom = (attribute: LdaptsAttribute): LdapAttribute => ({
  description: attribute.type,
  values: valuesOf(attribute).map((value) => (typeof value === "string" ? Buffer.from(value) : value))
})

/** An attribute of ldapjs has the same shape, but its `values` are text, in which bytes that aren't UTF-8 are lost. */
const valuesOf = (attribute: LdaptsAttribute): ReadonlyArray<Uint8Array | string> =>
  Object.prototype.toString.call(attribute) === "[object LdapAttribute]" && "buffers" in attribute
    ? attribute.buffers as ReadonlyArray<Uint8Array>
    : attribute.values
