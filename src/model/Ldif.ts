/**
 * LDIF (RFC 2849): directory entries, and changes to them, as text.
 *
 * The two directions and the constructors of records are here; lines are read by LdifLines.ts, and records from lines
 * by LdifRecord.ts. Nothing is fetched: values that are given as URLs are refused.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type { LdapControl } from "./LdapControl.ts"
import { attributesFrom, type AttributesInput, LdapEntry } from "./LdapEntry.ts"
import type { LdapModification } from "./LdapModification.ts"
import { type LdifLine, ldifLines, LdifSyntaxError } from "./LdifLines.ts"
import {
  type Add,
  type Delete,
  type Entry,
  isDescription,
  isOid,
  type LdifRecord,
  type Modify,
  type ModifyDn,
  readRecord,
  readVersion
} from "./LdifRecord.ts"

export { type Add, type Delete, type Entry, type LdifRecord, LdifSyntaxError, type Modify, type ModifyDn }

// ---------------------------------------------------------------------------------------------------------------------
// Constructors
// ---------------------------------------------------------------------------------------------------------------------

/** What a change record may carry besides the change. */
interface ChangeOptions {
  readonly controls?: ReadonlyArray<LdapControl> | undefined
}

/**
 * A record of an entry.
 *
 * @category constructors
 * @since 0.1.0
 */
export const entry = (dn: string, attributes: AttributesInput): Entry => ({
  _tag: "Entry",
  line: 0,
  dn,
  attributes: attributesFrom(attributes)
})

/**
 * A record that adds an entry.
 *
 * @category constructors
 * @since 0.1.0
 */
export const add = (dn: string, attributes: AttributesInput, options?: ChangeOptions): Add => ({
  _tag: "Add",
  line: 0,
  dn,
  controls: options?.controls ?? [],
  attributes: attributesFrom(attributes)
})

/**
 * A record that deletes an entry. Also exported as `delete`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const remove = (dn: string, options?: ChangeOptions): Delete => ({
  _tag: "Delete",
  line: 0,
  dn,
  controls: options?.controls ?? []
})

export {
  /**
   * Another name of {@link remove}.
   *
   * @category constructors
   * @since 0.1.0
   */
  remove as delete
}

/**
 * A record that modifies an entry.
 *
 * @category constructors
 * @since 0.1.0
 */
export const modify = (dn: string, changes: ReadonlyArray<LdapModification>, options?: ChangeOptions): Modify => ({
  _tag: "Modify",
  line: 0,
  dn,
  controls: options?.controls ?? [],
  changes
})

/**
 * A record that renames or moves an entry. The values of the old RDN are deleted unless `deleteOldRdn` is false.
 *
 * @category constructors
 * @since 0.1.0
 */
export const modifyDn = (
  dn: string,
  options: ChangeOptions & {
    readonly newRdn: string
    readonly deleteOldRdn?: boolean | undefined
    readonly newSuperior?: string | undefined
  }
): ModifyDn => ({
  _tag: "ModifyDn",
  line: 0,
  dn,
  controls: options.controls ?? [],
  newRdn: options.newRdn,
  deleteOldRdn: options.deleteOldRdn ?? true,
  ...(options.newSuperior === undefined ? {} : { newSuperior: options.newSuperior })
})

// ---------------------------------------------------------------------------------------------------------------------
// Reading
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Reads all records of a text, in time that grows with its length and no faster.
 *
 * **Details**
 *
 * Names are left as they are (`dn: cn=Ada, dc=example`): the server judges them. Values become octets. The values of an
 * attribute are put together, whatever case its description is written in. A first line `version: 1` may be missing.
 *
 * Files stray from RFC 2849 in ways that everyone reads, and so are read here: values that are not ASCII but not in
 * base64, a last change without its `-`, an entry without attributes, a modify record without changes, entries and
 * changes in one text, underscores in descriptions, spaces after a `-`, a byte order mark. With `strict` they are
 * refused. Refused always: values at a URL (`:<`), which this module doesn't read, NUL and carriage returns within
 * values, base64 with anything else in it.
 *
 * **Example**
 *
 * ```ts
 * import { Ldif } from "effect-ldap"
 *
 * Ldif.parse("version: 1\ndn: uid=ada,dc=example\nobjectClass: account\nuid: ada\n")
 * ```
 *
 * @category parsing
 * @since 0.1.0
 */
export const parse = (
  text: string,
  options?: { readonly strict?: boolean | undefined }
): Result.Result<ReadonlyArray<LdifRecord>, LdifSyntaxError> => {
  try {
    const strict = options?.strict ?? false
    const start = !strict && text.startsWith("\ufeff") ? 1 : 0
    return Result.succeed(Array.from(readRecords(ldifLines(text.slice(start)), strict)))
  } catch (error) {
    if (error instanceof LdifSyntaxError) return Result.fail(error)
    throw error
  }
}

/** Gathers the lines of one record after another. */
function* readRecords(lines: Iterable<LdifLine>, strict: boolean): Generator<LdifRecord> {
  let record: Array<LdifLine> = []
  let seen: LdifRecord | undefined
  let begun = false
  const finish = (): LdifRecord => {
    const read = readRecord(record, strict)
    if (strict && seen !== undefined && (seen._tag === "Entry") !== (read._tag === "Entry")) {
      throw new LdifSyntaxError({ line: read.line, detail: "entries and changes are not in one text" })
    }
    record = []
    return (seen = read)
  }
  for (const line of lines) {
    if (line.text === "") {
      if (record.length > 0) yield finish()
      continue
    }
    if (!begun) {
      begun = true
      const version = readVersion(line)
      if (version !== undefined) {
        if (version === "1") continue
        throw new LdifSyntaxError({ line: line.line, detail: `version "${version}" is not known, only 1 is` })
      }
    }
    record.push(line)
  }
  if (record.length > 0) yield finish()
}

// ---------------------------------------------------------------------------------------------------------------------
// Writing
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Writes records, and entries as a server returned them.
 *
 * **Details**
 *
 * Lines are folded at `width` octets (76 unless given; `Infinity` leaves them whole), end with a line feed, and are
 * ASCII: values that RFC 2849 doesn't allow as text, or that end with a space, are in base64. The first line is
 * `version: 1`.
 *
 * LDIF can write any value but not any attribute description. A record with one that has other characters than
 * descriptions have (a hostile server may send line feeds), or an entry with an attribute `changetype`, is left out
 * whole, and a comment in its place says so. Neither can it write an attribute that has no values (as `typesOnly` gives
 * them): such an attribute is left out.
 *
 * **Example**
 *
 * ```ts
 * import { LdapModification, Ldif } from "effect-ldap"
 *
 * Ldif.format([Ldif.modify("uid=ada,dc=example", [LdapModification.replace("mail", "ada@example.org")])])
 * ```
 *
 * @category formatting
 * @since 0.1.0
 */
export const format = (
  records: Iterable<LdifRecord | LdapEntry>,
  options?: { readonly width?: number | undefined }
): string => {
  const wanted = Math.floor(options?.width ?? 76)
  // A continuation line takes a space and something more.
  const width = wanted >= 2 ? wanted : 2
  const lines: Array<string> = ["version: 1"]
  for (const record of records) {
    lines.push("")
    const problem = unwritable(record)
    const fields = problem === undefined
      ? fieldsOf(record)
      : [`# left out: the record of ${quoted(record.dn)}, since LDIF can't write ${quoted(problem)} as a name`]
    for (const field of fields) foldInto(lines, field, width)
  }
  lines.push("")
  return lines.join("\n")
}

/** Text for a comment: in one line, and ASCII. */
const quoted = (text: string): string =>
  JSON.stringify(text).replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** What begins a line of a record and isn't an attribute: an entry that has it would be read as something else. */
const keywords = new Set(["dn", "control", "changetype"])

/** The first attribute description, or control, that has no place in LDIF. */
const unwritable = (record: LdifRecord | LdapEntry): string | undefined => {
  if (record instanceof LdapEntry || record._tag === "Entry" || record._tag === "Add") {
    for (const { description } of record.attributes) {
      if (!isDescription(description) || keywords.has(description.toLowerCase())) return description
    }
  } else if (record._tag === "Modify") {
    for (const { attribute } of record.changes) if (!isDescription(attribute)) return attribute
  }
  const controls = record instanceof LdapEntry || record._tag === "Entry" ? [] : record.controls
  return controls.find(({ oid }) => !isOid(oid))?.oid
}

function* fieldsOf(record: LdifRecord | LdapEntry): Generator<string, void> {
  yield field("dn", record.dn)
  if (record instanceof LdapEntry || record._tag === "Entry") return yield* valuesOf(record.attributes)
  for (const { critical, oid, value } of record.controls) {
    yield field(`control: ${oid}${critical ? " true" : ""}`, value)
  }
  switch (record._tag) {
    case "Add":
      yield "changetype: add"
      return yield* valuesOf(record.attributes)
    case "Delete":
      yield "changetype: delete"
      return
    case "Modify":
      yield "changetype: modify"
      for (const { attribute, operation, values } of record.changes) {
        yield `${operation}: ${attribute}`
        for (const value of values) yield field(attribute, value)
        yield "-"
      }
      return
    case "ModifyDn":
      yield "changetype: moddn"
      yield field("newrdn", record.newRdn)
      yield `deleteoldrdn: ${record.deleteOldRdn ? 1 : 0}`
      if (record.newSuperior !== undefined) yield field("newsuperior", record.newSuperior)
  }
}

function* valuesOf(attributes: Entry["attributes"]): Generator<string, void> {
  for (const { description, values } of attributes) for (const value of values) yield field(description, value)
}

/** A name and its value; of a control, there may be none. */
const field = (name: string, value: string | Uint8Array | undefined): string => {
  if (value === undefined) return name
  const octets = typeof value === "string"
    ? Buffer.from(value)
    : Buffer.from(value.buffer, value.byteOffset, value.length)
  const text = octets.toString("latin1")
  if (text === "") return `${name}:`
  return isSafe(text) ? `${name}: ${text}` : `${name}:: ${octets.toString("base64")}`
}

/** A SAFE-STRING of RFC 2849 that doesn't end with a space. Other controls than the forbidden ones are hard to see. */
const isSafe = (text: string): boolean => !/[^\x20-\x7e]/.test(text) && !/^[ :<]/.test(text) && !text.endsWith(" ")

const foldInto = (lines: Array<string>, text: string, width: number): void => {
  if (text.length <= width) return void lines.push(text)
  lines.push(text.slice(0, width))
  for (let at = width; at < text.length; at += width - 1) lines.push(` ${text.slice(at, at + width - 1)}`)
}
