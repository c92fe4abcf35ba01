/**
 * An entry as a row: its attributes as JSON without loss, a hash that is the same for equal attributes, and its DN as a key by which the
 * entries below another one are a range. Pure.
 */
import * as Result from "effect/Result"
import { hash } from "node:crypto"
import * as LdapDn from "../../../model/dn/LdapDn.ts"
import * as LdapEntry from "../../../model/entry/LdapEntry.ts"

/** A value of an attribute in JSON: text where the bytes are text, base64 where they are not. */
export type StoredValue = string | { readonly base64: string }

/** The attributes of an entry in JSON, by their descriptions as the server wrote them. */
export type StoredAttributes = Readonly<Record<string, ReadonlyArray<StoredValue>>>

/** What is stored of an entry, beside its UUID and version. */
export interface StoredEntry {
  readonly dn: string
  readonly dnKey: string
  /** JSON of {@link StoredAttributes}. */
  readonly attributes: string
  readonly hash: string
}

export const storedFrom = (dn: string, entry: LdapEntry.LdapEntry): StoredEntry => {
  let record: StoredAttributes = entry.toRecord({ binary: "base64" })
  let attributes = JSON.stringify(record)
  if (attributes.includes(escapedNul)) {
    record = withoutNul(record)
    attributes = JSON.stringify(record)
  }
  return { dn: escapeNul(dn), dnKey: dnKeyOf(dn), attributes, hash: hashOf(entry.descriptions, record) }
}

/** The same for the same attributes, in whatever order and case of their names the server sends them. */
const hashOf = (descriptions: ReadonlyArray<string>, record: StoredAttributes): string => {
  const { hashed, sorted } = namesOf(descriptions)
  const values = sorted.map((name) => inOrder(record[name]!))
  return hash("sha256", hashed + JSON.stringify(values), "base64url")
}

/** The names of the attributes of an entry, in the order in which they are hashed. */
interface Names {
  readonly descriptions: ReadonlyArray<string>
  readonly sorted: ReadonlyArray<string>
  /** In lower case, as one text. */
  readonly hashed: string
}

/** Entries that follow one another mostly have the same attributes, and share the list of their names. */
let lastNames: Names = { descriptions: [], sorted: [], hashed: "[]" }

const namesOf = (descriptions: ReadonlyArray<string>): Names => {
  if (descriptions === lastNames.descriptions) return lastNames
  const names = descriptions.map((description) => escapeNul(description))
  const lower = new Map(names.map((name) => [name, name.toLowerCase()]))
  const sorted = names.toSorted((a, b) => lower.get(a)! < lower.get(b)! ? -1 : 1)
  return (lastNames = { descriptions, sorted, hashed: JSON.stringify(sorted.map((name) => lower.get(name))) })
}

/** Values without regard to their order. */
const inOrder = (values: ReadonlyArray<StoredValue>): ReadonlyArray<StoredValue> =>
  values.length < 2
    ? values
    : values.every((value) => typeof value === "string")
    ? values.toSorted()
    : values.toSorted((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)

/** How JSON has NUL. Text may have these characters without being it. */
const escapedNul = "\\u0000"

/** The entry of a row. Databases give JSON as text, or parsed. */
export const entryFrom = (dn: string, attributes: unknown): LdapEntry.LdapEntry => {
  const record = (typeof attributes === "string" ? JSON.parse(attributes) : attributes) as StoredAttributes
  return LdapEntry.make(
    dn,
    Object.entries(record).map(([description, values]) => ({
      description,
      values: values.map((value) => Buffer.from(...encodingOf(value)))
    }))
  )
}

const encodingOf = (value: StoredValue): [string, "utf8" | "base64"] =>
  typeof value === "string" ? [value, "utf8"] : [value.base64, "base64"]

/**
 * A DN as a key: the parts from the top down, in the form in which equal names are equal, each with a comma behind it. So the keys of
 * the entries below another one begin with its key, and in the order of bytes they are a range. A name that can't be parsed, which no
 * correct server sends, is a key of its own.
 */
export const dnKeyOf = (dn: string): string => {
  // Names that follow one another are mostly below the same entry, whose key is known then.
  const comma = dn.indexOf(",")
  if (comma <= 0 || dn.includes("\\") || dn.includes("\"")) return escapeNul(parsedKeyOf(dn) ?? `?${dn},`)
  const parent = dn.slice(comma + 1)
  if (parent !== lastParent) [lastParent, lastKey] = [parent, parsedKeyOf(parent)]
  const own = lastKey === undefined ? undefined : parsedKeyOf(dn.slice(0, comma))
  return escapeNul(own === undefined ? `?${dn},` : `${lastKey}${own}`)
}

let lastParent: string | undefined
let lastKey: string | undefined

const parsedKeyOf = (dn: string): string | undefined => {
  const parsed = LdapDn.parse(dn)
  return Result.isSuccess(parsed) ? parsed.success.rdns.map((rdn) => `${rdn.key},`).reverse().join("") : undefined
}

/** The DN of an entry after the entry above it, `from`, was moved to `to`; unchanged if it isn't below `from`. */
export const movedDn = (dn: string, from: string, to: string): string => {
  const [entry, old, moved] = [LdapDn.parse(dn), LdapDn.parse(from), LdapDn.parse(to)]
  if (Result.isFailure(entry) || Result.isFailure(old) || Result.isFailure(moved)) return dn
  const relative = LdapDn.relativeTo(entry.success, old.success)
  return relative === undefined ? dn : LdapDn.format(LdapDn.concat(relative, moved.success))
}

/** jsonb of PostgreSQL and text of SQLite can't hold NUL. */
const withoutNul = (record: StoredAttributes): StoredAttributes =>
  // Object.fromEntries sets own properties only, whatever their names.
  Object.fromEntries(
    Object.entries(record).map(([name, values]) => [
      escapeNul(name),
      values.map((value) =>
        typeof value === "string" && value.includes("\0") ? { base64: Buffer.from(value).toString("base64") } : value
      )
    ])
  )

const escapeNul = (text: string): string => text.includes("\0") ? text.replaceAll("\0", "\\00") : text
