/**
 * The text of LDIF records (RFC 2849): what `format` and `encode` write.
 *
 * @since 0.1.0
 */
import { type LdapAttribute, LdapEntry } from "../entry/LdapEntry.ts"
import { isOid, nameOf } from "./LdifDescriptions.ts"
import type { Entry, LdifRecord } from "./LdifRecord.ts"
import { LineWriter } from "./LineWriter.ts"

/** @internal */
export interface WidthOption {
  /** The maximum number of bytes in a line. `Infinity` means no folding. Default 76, minimum 2. */
  readonly width?: number | undefined
  /** Attributes whose values are always written in base64, by their descriptions. Default: none. */
  readonly inBase64?: ((description: string) => boolean) | undefined
  /**
   * Whether to write a line for an attribute without values, as `typesOnly` returns it. No LDIF reader accepts such lines. Default
   * false.
   */
  readonly withoutValues?: boolean | undefined
}

/** @internal */
export const versionLine = "version: 1\n"

/**
 * The text of a record, with a blank line before it.
 *
 * @internal
 */
export const recordWriter = (options: WidthOption | undefined): (record: LdifRecord | LdapEntry) => string => {
  const wanted = Math.floor(options?.width ?? 76)
  // A continuation line has a space and at least one more byte.
  const width = wanted >= 2 ? wanted : 2
  const writer = new LineWriter(width)
  return (record) => {
    writer.clear()
    writer.line("")
    const problem = unwritable(record)
    if (problem === undefined) writeFields(record, options, writer)
    else writer.line(`# left out: the record of ${quoted(record.dn)}, since LDIF can't write ${problem}`)
    return writer.take()
  }
}

/** Text for a comment: ASCII in one line. */
const quoted = (text: string): string =>
  JSON.stringify(text).replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** Names of fields that aren't attributes. An entry with an attribute of such a name would be read as another kind of record. */
const keywords = new Set(["dn", "changetype"])

/** Names that aren't read as attributes if they come directly after `dn:`. */
const firstKeywords = new Set(["control", "add", "delete", "replace", "increment", "newrdn"])

const isFirstKeyword = ({ description }: LdapAttribute): boolean => firstKeywords.has(nameOf(description).lower)

/** The attributes of an entry in an order that a reader understands; `undefined` if no order works. */
const readableOrder = (
  attributes: ReadonlyArray<LdapAttribute>,
  options?: WidthOption
): ReadonlyArray<LdapAttribute> | undefined => {
  const written = options?.withoutValues === true ? attributes : attributes.filter(({ values }) => values.length > 0)
  if (written.length === 0 || !isFirstKeyword(written[0]!)) return written
  const at = written.findIndex((attribute) => !isFirstKeyword(attribute))
  return at < 0 ? undefined : [written[at]!, ...written.slice(0, at), ...written.slice(at + 1)]
}

/** The part of a record that LDIF can't express: text without a UTF-8 form, or an invalid attribute description. */
const unwritable = (record: LdifRecord | LdapEntry): string | undefined => {
  const halved = illFormed(record)
  if (halved !== undefined) return `${quoted(halved)}, which has a lone surrogate`
  const name = unwritableName(record)
  return name === undefined ? undefined : `${quoted(name)} as a name`
}

/** A name with a lone surrogate, or such a value that a program without type checks gave as text instead of bytes. */
const illFormed = (record: LdifRecord | LdapEntry): string | undefined => {
  if (!record.dn.isWellFormed()) return record.dn
  if (record instanceof LdapEntry) return undefined
  if (record._tag === "ModifyDn") {
    return [record.newRdn, record.newSuperior ?? ""].find((text) => !text.isWellFormed())
  }
  const valued = record._tag === "Modify" ? record.changes : record._tag === "Delete" ? [] : record.attributes
  for (const { values } of valued) {
    for (const value of values as ReadonlyArray<unknown>) {
      if (typeof value === "string" && !value.isWellFormed()) return value
    }
  }
  return undefined
}

/** The first attribute description, or control, that LDIF can't express. */
const unwritableName = (record: LdifRecord | LdapEntry): string | undefined => {
  if (record instanceof LdapEntry || record._tag === "Entry" || record._tag === "Add") {
    for (const { description } of record.attributes) {
      const { isDescription, lower } = nameOf(description)
      if (!isDescription || keywords.has(lower)) return description
    }
    const isContent = record instanceof LdapEntry || record._tag === "Entry"
    if (isContent && readableOrder(record.attributes) === undefined)
      return record.attributes.find(isFirstKeyword)?.description
  } else if (record._tag === "Modify") {
    for (const { attribute } of record.changes) if (!nameOf(attribute).isDescription) return attribute
  }
  const controls = record instanceof LdapEntry || record._tag === "Entry" ? [] : record.controls
  return controls.find(({ oid }) => !isOid(oid))?.oid
}

/** Writes the lines of a record. */
const writeFields = (record: LdifRecord | LdapEntry, options: WidthOption | undefined, writer: LineWriter): void => {
  writeField(writer, "dn", record.dn)
  if (record instanceof LdapEntry || record._tag === "Entry") {
    return writeValues(readableOrder(record.attributes, options) ?? [], options, writer)
  }
  for (const { critical, oid, value } of record.controls) {
    writeField(writer, `control: ${oid}${critical ? " true" : ""}`, value)
  }
  switch (record._tag) {
    case "Add":
      writer.line("changetype: add")
      return writeValues(record.attributes, undefined, writer)
    case "Delete":
      return writer.line("changetype: delete")
    case "Modify":
      writer.line("changetype: modify")
      for (const { attribute, operation, values } of record.changes) {
        writer.line(`${operation}: ${attribute}`)
        for (const value of values) writeField(writer, attribute, value)
        writer.line("-")
      }
      return
    case "ModifyDn":
      writer.line("changetype: moddn")
      writeField(writer, "newrdn", record.newRdn)
      writer.line(`deleteoldrdn: ${record.deleteOldRdn ? 1 : 0}`)
      if (record.newSuperior !== undefined) writeField(writer, "newsuperior", record.newSuperior)
  }
}

const writeValues = (
  attributes: Entry["attributes"],
  options: WidthOption | undefined,
  writer: LineWriter
): void => {
  for (const { description, values } of attributes) {
    const inBase64 = options?.inBase64?.(description) ?? false
    if (values.length === 0) writer.line(`${description}:`)
    for (const value of values) writeField(writer, description, value, inBase64)
  }
}

/** Writes a name and its value. A control may have no value. A program without type checks may give text in place of bytes. */
const writeField = (
  writer: LineWriter,
  name: string,
  value: string | Uint8Array | undefined,
  inBase64: boolean = false
): void =>
  value === undefined
    ? writer.line(name)
    : writer.field(name, typeof value === "string" ? Buffer.from(value) : value, inBase64)
