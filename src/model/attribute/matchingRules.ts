/**
 * Matching rules (RFC 4517 section 4): when two values of an attribute are equal, and which one comes first.
 *
 * A rule converts a value to a text that equal values share, so values are compared as texts. A value that the rule can't process
 * has no such text. Pure and synchronous.
 */
import { isAscii, isUtf8 } from "node:buffer"
import { dnKey } from "../dn/nameKey.ts"

/** The kinds of values that are compared differently. */
export const matchingRules = [
  "caseIgnore",
  "caseExact",
  "caseIgnoreIA5",
  "caseExactIA5",
  "telephone",
  "integer",
  "dn",
  "octets",
  "boolean",
  "time",
  "uuid",
  "oid"
] as const

export type MatchingRule = (typeof matchingRules)[number]

/** A text that equal values share; `undefined` if the rule can't process the value. */
export const normalize = (rule: MatchingRule, value: Uint8Array): string | undefined => {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (rule === "octets") return bytes.toString("latin1")
  if (!isUtf8(bytes)) return undefined
  const text = bytes.toString("utf8")
  switch (rule) {
    case "caseIgnore":
      return text === "" ? undefined : foldSpaces(prepare(text).toLowerCase())
    case "caseExact":
      return text === "" ? undefined : foldSpaces(prepare(text))
    case "caseIgnoreIA5":
      return isAscii(bytes) ? foldSpaces(text.toLowerCase()) : undefined
    case "caseExactIA5":
      return isAscii(bytes) ? foldSpaces(text) : undefined
    case "telephone":
      return text === "" || !printable.test(text) ? undefined : text.replace(/[ -]/g, "").toLowerCase()
    case "integer":
      return /^(?:0|-?[1-9]\d*)$/.test(text) ? text : undefined
    case "dn":
      return dnKey(text)
    case "boolean":
      return text === "TRUE" || text === "FALSE" ? text : undefined
    case "time":
      return normalizeTime(text)
    case "uuid":
      return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? text.toLowerCase() : undefined
    case "oid":
      return text === "" ? undefined : text.trim().toLowerCase()
  }
}

/**
 * A part of a value, for a substring assertion; `undefined` if the rule doesn't support substrings. Spaces at the ends of a part
 * are kept, since the value may continue there.
 */
export const normalizePart = (rule: MatchingRule, part: Uint8Array): string | undefined => {
  const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength)
  if (!isUtf8(bytes)) return undefined
  const text = bytes.toString("utf8")
  switch (rule) {
    case "caseIgnore":
      return prepare(text).toLowerCase().replace(/ +/g, " ")
    case "caseExact":
      return prepare(text).replace(/ +/g, " ")
    case "caseIgnoreIA5":
      return text.toLowerCase().replace(/ +/g, " ")
    case "caseExactIA5":
      return text.replace(/ +/g, " ")
    case "telephone":
      return text.replace(/[ -]/g, "").toLowerCase()
    default:
      return undefined
  }
}

/** Less than 0 if the first value comes first, 0 if they are equal. Takes results of {@link normalize}. */
export const order = (rule: MatchingRule, a: string, b: string): number => {
  if (rule !== "integer") return a < b ? -1 : a > b ? 1 : 0
  const difference = BigInt(a) - BigInt(b)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** Of a Printable String (RFC 4517 section 3.3.29). */
const printable = /^[A-Za-z0-9'()+,\-./:? =]*$/

const prepare = (text: string): string =>
  /^[\x20-\x7e]*$/.test(text) ? text : text.normalize("NFKC").replace(/\s/gu, " ")

/** Spaces at the ends are ignored, and runs of spaces are one. A value of only spaces is one space. */
const foldSpaces = (text: string): string =>
  text.startsWith(" ") || text.endsWith(" ") || text.includes("  ")
    ? text.split(" ").filter((word) => word !== "").join(" ") || " "
    : text

const timeSyntax = /^(\d{4})(\d\d)(\d\d)(\d\d)(?:(\d\d)(\d\d)?)?(?:[.,](\d+))?(Z|[+-]\d\d(?:\d\d)?)$/

/** Times in different zones and of different precision become comparable: UTC, with 9 digits behind the second. */
const normalizeTime = (text: string): string | undefined => {
  const parts = timeSyntax.exec(text)
  if (parts === null) return undefined
  const [, year, month, day, hour, minute, second, fraction = "", zone = "Z"] = parts
  const sign = zone.startsWith("-") ? -1 : 1
  const offset = zone === "Z" ? 0 : sign * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3, 5)))
  // A fraction belongs to the last unit that is given.
  const unit = second !== undefined ? 1 : minute !== undefined ? 60 : 3600
  const wanted = [
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute ?? 0),
    Number(second ?? 0)
  ] as const
  if (wanted[1] > 11 || wanted[2] < 1 || wanted[2] > 31 || wanted[3] > 23 || wanted[4] > 59 || wanted[5] > 60)
    return undefined
  const nanos = Math.round(Number(`0.${fraction || "0"}`) * unit * 1e9)
  const millis = Date.UTC(...wanted) - offset * 60_000 + Math.floor(nanos / 1e9) * 1000
  return `${new Date(millis).toISOString().slice(0, 19)}.${String(nanos % 1e9).padStart(9, "0")}`
}
