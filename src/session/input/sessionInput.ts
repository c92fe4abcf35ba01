/**
 * Checks the settings of a session before a connection is opened; most often an environment variable isn't set.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { given } from "../../model/input/values.ts"
import { InvalidRequest } from "../../model/InvalidRequest.ts"
import { controlsProblem, durationProblem } from "./operationInput.ts"

type Problem = InvalidRequest | undefined

const invalid = (field: string, detail: string): InvalidRequest => new InvalidRequest({ field, detail })

/** Checks that the URL of a server is text. Its content is checked where it is parsed. */
export const urlProblem = (u: unknown): Problem =>
  typeof u === "string" && u.trim() !== ""
    ? undefined
    : invalid(
      "url",
      `it is not set: ${given(u)} was given where the URL of a server belongs, as in ldaps://ldap.example.org`
    )

/** Checks the credentials. The password of an effect is checked when the effect has run. */
export const authProblem = (u: unknown): Problem => {
  if (typeof u !== "object" || u === null || !("_tag" in u)) {
    return invalid("auth", `${given(u)} was given; make it with LdapAuth`)
  }
  switch (u._tag) {
    case "Anonymous":
      return undefined
    case "Simple": {
      const dn: unknown = "dn" in u ? u.dn : undefined
      if (typeof dn !== "string") return invalid("dn", `the bind DN is not set: ${given(dn)} was given`)
      if (!dn.isWellFormed()) return invalid("dn", `${given(dn)} was given where a bind DN belongs`)
      const password: unknown = "password" in u ? u.password : undefined
      return Effect.isEffect(password) && !Redacted.isRedacted(password) ? undefined : passwordProblem(password)
    }
    case "Sasl": {
      const mechanism: unknown = "mechanism" in u ? u.mechanism : undefined
      return typeof mechanism === "object" && mechanism !== null && "name" in mechanism &&
          typeof mechanism.name === "string" && "start" in mechanism && typeof mechanism.start === "function"
        ? undefined
        : invalid("mechanism", `${given(mechanism)} was given where a mechanism of LdapSasl belongs`)
    }
    default:
      return invalid("auth", "it is none of LdapAuth")
  }
}

/** Checks a password. The error contains no part of it. */
export const passwordProblem = (u: unknown): Problem => {
  if (!Redacted.isRedacted(u))
    return invalid("password", `the password is not set: ${given(u)} was given; make it with Redacted.make`)
  const value = Redacted.value(u)
  if (typeof value === "string" && !value.isWellFormed()) return invalid("password", `${given(value)} was given`)
  return typeof value === "string" || value instanceof Uint8Array
    ? undefined
    : invalid("password", `the password is not set: ${given(value)} was given`)
}

const durations = ["connectTimeout", "tlsTimeout", "writeTimeout", "requestTimeout", "closeTimeout"] as const

const bytesProblem = (field: string, u: unknown): Problem =>
  u === undefined || (typeof u === "number" && u > 0)
    ? undefined
    : invalid(field, `${given(u)} was given where a number of bytes belongs`)

export const sessionProblem = (options: unknown): Problem => {
  if (typeof options !== "object" || options === null) return invalid("config", `${given(options)} was given`)
  const fields = options as Readonly<Record<string, unknown>>
  const { auth, bindControls, maxMessageSize, maxUnread, pagedSearches, tls } = fields
  for (const field of durations) {
    const wrong = durationProblem(field, fields[field])
    if (wrong !== undefined) return wrong
  }
  const wrongBytes = bytesProblem("maxMessageSize", maxMessageSize) ?? bytesProblem("maxUnread", maxUnread)
  if (wrongBytes !== undefined) return wrongBytes
  if (
    pagedSearches !== undefined && pagedSearches !== Infinity &&
    !(Number.isInteger(pagedSearches) && Number(pagedSearches) > 0)
  ) {
    return invalid("pagedSearches", `${given(pagedSearches)} was given where a number of searches belongs, 1 at least`)
  }
  if (tls !== undefined && (typeof tls !== "object" || tls === null)) return invalid("tls", `${given(tls)} was given`)
  return (auth === undefined ? undefined : authProblem(auth)) ?? controlsProblem("bindControls", bindControls)
}
