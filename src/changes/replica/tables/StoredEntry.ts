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
  const attributes = Object.create(null) as Record<string, ReadonlyArray<StoredValue>>
  const canonical: Array<string> = []
  for (const [description, values] of Object.entries(record)) {
    const safe = values.some(hasNul) ? values.map(withoutNul) : values
    attributes[escapeNul(description)] = safe
    const texts = safe.map((value) => typeof value === "string" ? `t${value}` : `b${value.base64}`)
    canonical.push(JSON.stringify([description.toLowerCase(), ...(texts.length > 1 ? texts.sort() : texts)]))
  }
  return {
    dn: escapeNul(dn),
    dnKey: dnKeyOf(dn),
    attributes: JSON.stringify(attributes),
    hash: hash("sha256", canonical.sort().join("\n"), "base64url")
  }
}

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
  const parsed = LdapDn.parse(dn)
  const key = Result.isSuccess(parsed)
    ? parsed.success.rdns.map((rdn) => `${rdn.key},`).reverse().join("")
    : `?${dn},`
  return escapeNul(key)
}

/** The DN of an entry after the entry above it, `from`, was moved to `to`; unchanged if it isn't below `from`. */
export const movedDn = (dn: string, from: string, to: string): string => {
  const [entry, old, moved] = [LdapDn.parse(dn), LdapDn.parse(from), LdapDn.parse(to)]
  if (Result.isFailure(entry) || Result.isFailure(old) || Result.isFailure(moved)) return dn
  const relative = LdapDn.relativeTo(entry.success, old.success)
  return relative === undefined ? dn : LdapDn.format(LdapDn.concat(relative, moved.success))
}

/** jsonb of PostgreSQL and text of SQLite can't hold NUL. */
const hasNul = (value: StoredValue): boolean => typeof value === "string" && value.includes("\0")

const withoutNul = (value: StoredValue): StoredValue =>
  typeof value === "string" && value.includes("\0") ? { base64: Buffer.from(value).toString("base64") } : value

const escapeNul = (text: string): string => text.includes("\0") ? text.replaceAll("\0", "\\00") : text
