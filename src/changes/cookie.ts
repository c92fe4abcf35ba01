/**
 * Converts cookies to text and back: the version of the format, the source and its state, and a digest of each part of the request. The
 * digests show which part has changed. They are used instead of the filters, which may contain names of people and would be copied into
 * another store.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import { CookieMismatch, CookieUnreadable } from "./ChangesError.ts"
import type { View } from "./ChangesOptions.ts"
import { type ChangesCookie, ChangesSource } from "./LdapChange.ts"

/** The state that a source keeps between runs: plain JSON. */
export type SourceState = Schema.Json

const version = 1
const prefix = "effect-ldap-changes:"

/** No source writes longer text than this. */
const mostCharacters = 65_536

const Content = Schema.Struct({
  source: ChangesSource,
  view: Schema.Struct({ base: Schema.String, scope: Schema.String, filter: Schema.String, attributes: Schema.String }),
  state: Schema.Json
})

const decodeContent = Schema.decodeUnknownResult(Schema.fromJsonString(Content))

const parts = ["base", "scope", "filter", "attributes"] as const

const digest = (text: string): string => createHash("sha256").update(text).digest("base64url").slice(0, 16)

const digests = (view: View): Readonly<Record<(typeof parts)[number], string>> => ({
  base: digest(view.baseKey),
  scope: view.scope,
  filter: digest(view.filterText),
  attributes: digest(JSON.stringify([...new Set(view.attributes.map((name) => name.toLowerCase()))].sort()))
})

/** Makes the cookies of one view. */
export const cookiesOf = (view: View): (source: ChangesSource, state: SourceState) => ChangesCookie => {
  const described = digests(view)
  return (source, state) =>
    // The text has the form that the schema of cookies demands.
    `${prefix}${version}:${
      Buffer.from(JSON.stringify({ source, view: described, state })).toString("base64url")
    }` as ChangesCookie
}

/** The source and its state from a cookie for this view. */
export const readCookie = (
  cookie: unknown,
  view: View,
  source: ChangesSource | "auto"
): Result.Result<
  { readonly source: ChangesSource; readonly state: SourceState },
  CookieMismatch | CookieUnreadable
> => {
  const unreadable = (detail: string) => Result.fail(new CookieUnreadable({ detail }))
  if (typeof cookie !== "string" || !cookie.startsWith(prefix) || cookie.length > mostCharacters) {
    return unreadable("it isn't one of LdapChanges")
  }
  const [, given, body] = /^([0-9]+):([A-Za-z0-9_-]+)$/.exec(cookie.slice(prefix.length)) ?? []
  if (given === undefined || body === undefined) return unreadable("it is cut off or altered")
  if (Number(given) !== version) return unreadable(`it has version ${given}, and this library reads version ${version}`)
  const content = decodeContent(Buffer.from(body, "base64url").toString("utf8"))
  if (Result.isFailure(content)) return unreadable("its content is altered")
  const { source: its, state, view: described } = content.success
  const wanted = digests(view)
  const differs: Array<CookieMismatch["differs"][number]> = parts.filter((part) => described[part] !== wanted[part])
  if (source !== "auto" && source !== its) differs.unshift("source")
  return differs.length > 0 ? Result.fail(new CookieMismatch({ differs })) : Result.succeed({ source: its, state })
}
