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
  const record = entry.toRecord({ binary: "base64" })
  const { descriptions, keys, labels, order } = shapeOf(entry.descriptions)
  // The JSON is put together from parts, since its parts are what is hashed too.
  const count = descriptions.length
  const parts = new Array<string>(2 * count)
  const values = new Array<string>(count)
  for (let at = 0; at < count; at++) {
    const given = record[descriptions[at]!]!
    const json = JSON.stringify(given)
    const stored = json.includes(escapedNul) ? given.map(withoutNul) : given
    parts[2 * at] = keys[at]!
    parts[2 * at + 1] = stored === given ? json : JSON.stringify(stored)
    values[at] = stored.length < 2 ? parts[2 * at + 1]! : inOrder(stored)
  }
  let hashed = ""
  for (const at of order) hashed += labels[at]! + values[at]!
  return {
    dn: escapeNul(dn),
    dnKey: dnKeyOf(dn),
    attributes: count === 0 ? "{}" : `${parts.join("")}}`,
    hash: hash("sha256", hashed, "base64url")
  }
}

/** What the rows of entries with the same attributes have in common. */
interface Shape {
  readonly descriptions: ReadonlyArray<string>
  /** What precedes the values of an attribute in the JSON of the entry. */
  readonly keys: ReadonlyArray<string>
  /** What precedes the values of an attribute in the text that is hashed. */
  readonly labels: ReadonlyArray<string>
  /** The places of the attributes in the order in which they are hashed. */
  readonly order: ReadonlyArray<number>
}

/** Entries that follow one another mostly have the same attributes, and share the list of their names. */
let lastShape: Shape = { descriptions: [], keys: [], labels: [], order: [] }

const shapeOf = (descriptions: ReadonlyArray<string>): Shape => {
  if (descriptions === lastShape.descriptions) return lastShape
  const names = descriptions.map((description) => JSON.stringify(escapeNul(description)))
  const labels = names.map((name) => `\n${name.toLowerCase()}:`)
  return (lastShape = {
    descriptions,
    keys: names.map((name, at) => `${at === 0 ? "{" : ","}${name}:`),
    labels,
    order: [...labels.keys()].sort((a, b) => labels[a]! < labels[b]! ? -1 : 1)
  })
}

/** Values without regard to their order. */
const inOrder = (values: ReadonlyArray<StoredValue>): string =>
  values.map((value) => JSON.stringify(value)).sort().join(",")

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
const withoutNul = (value: StoredValue): StoredValue =>
  typeof value === "string" && value.includes("\0") ? { base64: Buffer.from(value).toString("base64") } : value

const escapeNul = (text: string): string => text.includes("\0") ? text.replaceAll("\0", "\\00") : text
