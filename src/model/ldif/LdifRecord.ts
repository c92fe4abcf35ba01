/**
 * Parses a record of LDIF (RFC 2849) from its lines. LdifReader.ts supplies the lines; LdifText.ts writes records.
 *
 * @since 0.1.0
 */
import { isUtf8 } from "node:buffer"
import * as LdapControl from "../control/controls.ts"
import type { LdapAttribute } from "../entry/LdapEntry.ts"
import type { LdapModification } from "../LdapModification.ts"
import { asciiOctets } from "./asciiOctets.ts"
import { AttributeList } from "./AttributeList.ts"
import { base64Octets } from "./base64Octets.ts"
import { dnName, expectAfter, expectedName, isOid, type Name, nameOf } from "./LdifDescriptions.ts"
import { LdifLine, LdifSyntaxError } from "./LdifLines.ts"
import type { LdifRecord, ModifyDn } from "./LdifModel.ts"
import { NewEntry } from "./newObjects.ts"

export type { Add, Delete, Entry, LdifRecord, Modify, ModifyDn } from "./LdifModel.ts"

/**
 * Parses the record in the lines, of which there must be at least one. Throws {@link LdifSyntaxError}.
 *
 * @internal
 */
export const readRecord = (lines: ReadonlyArray<LdifLine>, strict: boolean): LdifRecord =>
  new RecordReader(lines, strict).record()

/**
 * The number in the `version:` line that the text may begin with, or `undefined` for any other line.
 *
 * @internal
 */
export const readVersion = (line: LdifLine): string | undefined => {
  const spec = startsWithV(line) && /^version:/i.test(line.text) ? valueSpec(line, line.start + 7, false) : undefined
  return spec?.toString("utf8").trimEnd()
}

/** Most lines don't, and needn't be cut out. */
const startsWithV = ({ source, start }: LdifLine): boolean => (source.charCodeAt(start) | 0x20) === 0x76

/**
 * The URL from which the value of the line must be read, or `undefined`. Only attributes and controls may have such values.
 *
 * @internal
 */
export const valueUrl = ({ text }: LdifLine): string | undefined => {
  const colon = text.indexOf(":")
  const name = text.slice(0, Math.max(0, colon)).toLowerCase()
  if (withoutUrls.has(name)) return undefined
  const at = name === "control" ? text.indexOf(":", colon + 1) : colon
  return at >= 0 && text[at + 1] === "<" ? text.slice(at + 2).trim() : undefined
}

/** Fields of records that are not attributes. RFC 2849 allows no URLs for them. */
const withoutUrls = new Set([
  "version",
  "dn",
  "changetype",
  "newrdn",
  "deleteoldrdn",
  "newsuperior",
  "add",
  "delete",
  "replace",
  "increment"
])

/** A parsed line. */
interface Field {
  readonly line: number
  readonly name: Name
  readonly value: Buffer
  readonly from: LdifLine
}

class RecordReader {
  readonly #lines: ReadonlyArray<LdifLine>
  readonly #strict: boolean
  #next = 0
  /** The name of the line that was read last. */
  #name = dnName

  constructor(lines: ReadonlyArray<LdifLine>, strict: boolean) {
    this.#lines = lines
    this.#strict = strict
  }

  record(): LdifRecord {
    const first = this.#field()
    const line = first.line
    if (first.name.lower !== "dn") fail(line, `a record must begin with "dn:", found "${first.name.text}:"`)
    const dn = text(first)
    const controls: Array<LdapControl.LdapControl> = []
    const second = this.#peekName()
    // Most records are entries, whose second line is an attribute.
    if (second !== "" && !secondKeywords.has(second)) {
      return new NewEntry(line, dn, this.#attributes())
    }
    if (this.#hasControls()) { while (this.#peekName() === "control") controls.push(this.#control()) }
    if (this.#peekName() !== "changetype") {
      if (controls.length > 0) fail(this.#line(), `expected "changetype:" after the controls`)
      if (this.#done) this.#deviates("the entry has no attributes")
      this.#checkIsNoChange()
      return { _tag: "Entry", line, dn, attributes: this.#attributes() }
    }
    const type = this.#field()
    const record = { line, dn, controls }
    switch (text(type).trimEnd().toLowerCase()) {
      case "add": {
        if (this.#done) fail(type.line, "the entry to add has no attributes")
        return { _tag: "Add", ...record, attributes: this.#attributes() }
      }
      case "delete": {
        this.#expectEnd(`nothing follows "changetype: delete"`)
        return { _tag: "Delete", ...record }
      }
      case "modify": {
        if (this.#done) this.#deviates("the modify record has no changes")
        return { _tag: "Modify", ...record, changes: this.#changes() }
      }
      case "modrdn":
      case "moddn":
        return { _tag: "ModifyDn", ...record, ...this.#newName() }
      default:
        return fail(type.line, `unknown changetype "${text(type)}"`)
    }
  }

  /**
   * Whether the lines named `control` are controls. An entry may have an attribute of that name. The lines are attributes if no
   * `changetype:` follows and the first of them can't be a control.
   */
  #hasControls(): boolean {
    let at = this.#next
    while (this.#nameAt(at) === "control") at++
    return this.#nameAt(at) === "changetype" || controlSpec.test(this.#lines[this.#next]?.text ?? "")
  }

  /**
   * `ldapmodify` reads a record without `changetype:` as a modify record. As an entry, it would have attributes called `replace`
   * and `add`.
   */
  #checkIsNoChange(): void {
    const head = this.#lines[this.#next]
    const name = this.#peekName()
    if (head === undefined) return
    if (name === "newrdn") fail(head.line, `"changetype: modrdn" is missing before "newrdn:"`)
    if (!changeNames.has(name)) return
    const attribute = head.text.slice(name.length + 1).trim().toLowerCase()
    const isChange = this.#next + 1 === this.#lines.length || isDash(this.#lines[this.#next + 1]!) ||
      this.#nameAt(this.#next + 1) === attribute
    if (isChange) fail(head.line, `"changetype: modify" is missing before "${name}:"`)
  }

  /** Reads all attributes to the end of the record. The values of each description are collected. */
  #attributes(): ReadonlyArray<LdapAttribute> {
    const attributes = new AttributeList()
    while (!this.#done) {
      const line = this.#lines[this.#next]!
      if (isDash(line)) {
        fail(line.line, `there is no change that "-" could end: "changetype: modify" is missing after "dn:"`)
      }
      const name = this.#fieldName(line)
      const value = this.#value(line, name)
      const key = name.lower
      if (key === "dn") fail(line.line, `a second "dn:" in one record: a blank line is missing before it`)
      if (key === "changetype")
        fail(line.line, `"changetype:" must come directly after "dn:" and the controls, not after attributes`)
      attributes.add(name, value)
    }
    return attributes.all
  }

  #changes(): ReadonlyArray<LdapModification> {
    const changes: Array<LdapModification> = []
    while (!this.#done) {
      const head = this.#field()
      const operation = head.name.lower
      if (operation === "dn") return fail(head.line, `a second "dn:" in one record: a blank line is missing before it`)
      if (operation !== "add" && operation !== "delete" && operation !== "replace" && operation !== "increment") {
        return fail(head.line, `expected "add:", "delete:", "replace:" or "increment:", found "${head.name.text}:"`)
      }
      const attribute = text(head).trimEnd()
      const { lower } = this.#description(attribute, head.line)
      const values: Array<Uint8Array> = []
      while (!this.#done && !this.#atDash()) {
        const { line, name, value } = this.#field()
        if (name.lower !== lower) {
          fail(line, `expected a value of "${attribute}" or "-", found "${name.text}:"`)
        }
        values.push(value)
      }
      if (values.length === 0 && (operation === "add" || operation === "increment")) {
        fail(head.line, `"${operation}:" takes values`)
      }
      if (this.#done) this.#deviates(`the change has no "-" at its end`)
      else this.#next++
      changes.push({ operation, attribute, values })
    }
    return changes
  }

  #newName(): Pick<ModifyDn, "newRdn" | "deleteOldRdn" | "newSuperior"> {
    const newRdn = text(this.#named("newrdn"))
    const flag = this.#named("deleteoldrdn")
    const digit = text(flag).trimEnd()
    if (digit !== "0" && digit !== "1") fail(flag.line, `deleteoldrdn must be 0 or 1, found "${digit}"`)
    const newName = { newRdn, deleteOldRdn: digit === "1" }
    if (this.#done) return newName
    const newSuperior = text(this.#named("newsuperior"))
    this.#expectEnd(`nothing follows "newsuperior:"`)
    return { ...newName, newSuperior }
  }

  /** `control: oid [true|false] [: value]`. */
  #control(): LdapControl.LdapControl {
    const field = this.#field()
    const spec = text(field)
    const colon = spec.indexOf(":")
    const words = (colon < 0 ? spec : spec.slice(0, colon)).trimEnd().split(/ +/)
    const [oid = "", criticality = "false"] = words
    if (!isOid(oid)) fail(field.line, `"${oid}" is not the object identifier of a control`)
    if (words.length > 2 || (criticality !== "true" && criticality !== "false")) {
      fail(field.line, `the criticality of a control must be "true" or "false", found "${words.slice(1).join(" ")}"`)
    }
    const value = colon < 0
      ? undefined
      : valueSpec(new LdifLine(spec, 0, spec.length, field.line, false, field.from.file), colon, this.#strict)
    return LdapControl.make(oid, { critical: criticality === "true", value })
  }

  #named(name: string): Field {
    if (this.#done) fail(this.#line(), `expected "${name}:", found the end of the record`)
    const field = this.#field()
    return field.name.lower === name ? field : fail(field.line, `expected "${name}:", found "${field.name.text}:"`)
  }

  #field(): Field {
    const line = this.#lines[this.#next]!
    const name = this.#fieldName(line)
    return { line: line.line, name, value: this.#value(line, name), from: line }
  }

  /** The value of the next line, which has this name. Moves on to the line after it. */
  #value(line: LdifLine, name: Name): Buffer {
    this.#next++
    return valueSpec(line, line.start + name.text.length, this.#strict)
  }

  /** The name of a line, up to its colon. */
  #fieldName(line: LdifLine): Name {
    const last = this.#name
    const expected = expectedName(line.source, line.start, line.end, last)
    if (expected !== undefined && (expected.isStrict || !this.#strict)) return (this.#name = expected)
    const { text } = line
    const colon = text.indexOf(":")
    if (colon < 0) fail(line.line, `no colon in "${shortened(text)}"`)
    const name = this.#description(text.slice(0, colon), line.line)
    expectAfter(last, name)
    return (this.#name = name)
  }

  #description(text: string, line: number): Name {
    const name = nameOf(text)
    return (this.#strict ? name.isStrict : name.isDescription)
      ? name
      : fail(line, `"${shortened(text)}" is not an attribute description`)
  }

  /** The name of the next line in lower case, or the empty string. */
  #peekName(): string {
    return this.#nameAt(this.#next)
  }

  #nameAt(at: number): string {
    const line = this.#lines[at]
    if (line === undefined) return ""
    const expected = expectedName(line.source, line.start, line.end, this.#name)
    if (expected !== undefined) return expected.lower
    const { text } = line
    return text.slice(0, Math.max(0, text.indexOf(":"))).toLowerCase()
  }

  #atDash(): boolean {
    const line = this.#lines[this.#next]!
    return isDash(line) && (!this.#strict || line.length === 1)
  }

  get #done(): boolean {
    return this.#next >= this.#lines.length
  }

  /** The current line, or the last one at the end of the record. */
  #line(): number {
    return (this.#lines[this.#next] ?? this.#lines[this.#lines.length - 1]!).line
  }

  #expectEnd(detail: string): void {
    if (!this.#done) fail(this.#line(), detail)
  }

  /** Refuses a deviation from RFC 2849 that occurs in real files, if `strict` is set. */
  #deviates(detail: string): void {
    if (this.#strict) fail(this.#line(), detail)
  }
}

/** The words that can start a change. */
const changeNames = new Set(["add", "delete", "replace", "increment"])

/** The names after which a record may be another kind than an entry, or a mistake. */
const secondKeywords = new Set(["control", "changetype", "newrdn", ...changeNames])

/** A line that can be a control: an object identifier, optionally with a criticality. */
const controlSpec = /^control: *[0-9]+(?:\.[0-9]+)*(?: +(?:true|false))? *(?::|$)/i

const isDash = (line: LdifLine): boolean => line.source.charCodeAt(line.start) === dash && line.text.trimEnd() === "-"

const dash = 0x2d

const fail = (line: number, detail: string): never => {
  throw new LdifSyntaxError({ line, detail })
}

/** The value after the colon: text, or base64 after a second colon. */
const valueSpec = (line: LdifLine, colon: number, strict: boolean): Buffer => {
  const { end, source } = line
  // What follows the end of a line is a line feed, or nothing.
  const kind = source.charCodeAt(colon + 1)
  let start = kind === 0x3a || kind === 0x3c ? colon + 2 : colon + 1
  // RFC 2849 allows only spaces here.
  while (source.charCodeAt(start) === 0x20 || (!strict && source.charCodeAt(start) === 0x09)) start++
  if (kind === 0x3c) {
    if (line.file !== undefined) return Buffer.from(line.file.buffer, line.file.byteOffset, line.file.length)
    fail(line.line, `the value is at ${shortened(source.slice(start, end))}, and values are not read from URLs`)
  }
  if (kind !== 0x3a && line.isPlain) {
    if (strict) checkStart(line, source.charCodeAt(start))
    return asciiOctets(source, start, end)
  }
  const value = source.slice(start, end)
  if (kind === 0x3a) {
    return base64Octets(value) ?? fail(line.line, `"${shortened(value)}" is not base64`)
  }
  if (/[\0\r]/.test(value)) fail(line.line, "a value with NUL or a carriage return must be in base64")
  if (strict) {
    checkStart(line, value.charCodeAt(0))
    // oxlint-disable-next-line no-control-regex -- the range of SAFE-CHAR
    if (/[^\x01-\x7f]/.test(value)) fail(line.line, "a value that is not ASCII must be in base64")
  }
  return Buffer.from(value)
}

/** RFC 2849 takes no text as a value whose first character has a meaning there. */
const checkStart = (line: LdifLine, first: number): void => {
  if (first === 0x3a || first === 0x3c) {
    fail(line.line, `a value that begins with "${String.fromCharCode(first)}" must be in base64`)
  }
}

const text = ({ line, name, value }: Field): string =>
  isUtf8(value) ? value.toString("utf8") : fail(line, `the value of "${name.text}" is not UTF-8`)

const shortened = (text: string): string => text.length > 60 ? `${text.slice(0, 60)}…` : text
