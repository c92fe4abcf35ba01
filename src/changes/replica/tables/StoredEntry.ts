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
  const canonical: Array<string> = []
  let attributes = ""
  // The JSON is put together by hand, since its parts are what is hashed too. The record has no prototype.
  for (const description in record) {
    const { json, lower } = nameOf(description)
    const values = record[description]!
    const first = jsonOf(values[0] ?? "")
    if (values.length === 1) {
      attributes += `,${json}:[${first}]`
      canonical.push(`${lower}:${first}`)
    } else {
      const all = values.map(jsonOf)
      attributes += `,${json}:[${all.join(",")}]`
      canonical.push(`${lower}:${all.sort().join(",")}`)
    }
  }
  return {
    dn: escapeNul(dn),
    dnKey: dnKeyOf(dn),
    attributes: `{${attributes.slice(1)}}`,
    hash: hash("sha256", canonical.sort().join("\n"), "base64url")
  }
}

interface Name {
  readonly json: string
  readonly lower: string
}

/** Descriptions as JSON. There are few, unless a server sends ever new ones. */
const names = new Map<string, Name>()
const mostNames = 1_000

const nameOf = (description: string): Name => {
  const before = names.get(description)
  if (before !== undefined) return before
  if (names.size >= mostNames) names.clear()
  const json = JSON.stringify(escapeNul(description))
  const made = { json, lower: json.toLowerCase() }
  names.set(description, made)
  return made
}

const jsonOf = (value: StoredValue): string =>
  JSON.stringify(typeof value === "string" && value.includes("\0") ? withoutNul(value) : value)

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
const withoutNul = (value: string): StoredValue => ({ base64: Buffer.from(value).toString("base64") })

const escapeNul = (text: string): string => text.includes("\0") ? text.replaceAll("\0", "\\00") : text
