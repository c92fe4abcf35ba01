/**
 * The names with which users bind without a search: made from the login that was typed, by a pattern of the program's settings. No text
 * that is typed can result in a name outside that pattern.
 */
import * as Result from "effect/Result"
import type { DnTemplate } from "../../model/dn/LdapDn.ts"
import * as LdapFilter from "../../model/filter/LdapFilter.ts"
import { given } from "../../model/input/values.ts"
import { InvalidRequest } from "../../model/InvalidRequest.ts"

/**
 * The name with which a user binds.
 *
 * **Details**
 *
 * Either a DN, by a template with the placeholder `login` (`LdapDn.template`), which escapes the login. Or a name that only Active
 * Directory and Samba accept; the entry is then searched for. A user principal name (UPN) has the suffix `upn`: `{ upn: "example.org" }`
 * gives `ada@example.org`. The older form has a `domain`: `{ domain: "EXAMPLE" }` gives `EXAMPLE\ada`. Several suffixes or domains may be
 * given. A login may be typed with any of them, but with no others; a login without one gets the first. A login with characters that an
 * account can't have (`/`, `\`, `=`, `,` …) is refused, since a domain controller would read it as another kind of name.
 *
 * @category models
 * @since 0.2.0
 */
export type BindAs =
  | DnTemplate<"login">
  | { readonly upn: string | ReadonlyArray<string> }
  | { readonly domain: string | ReadonlyArray<string> }

/** A name for a bind, and how the entry of its user is found. */
export type BindName =
  | { readonly _tag: "Dn"; readonly name: string }
  | { readonly _tag: "Account"; readonly name: string; readonly filter: LdapFilter.LdapFilter }

/** `undefined` for a login that can't be an account. */
export const bindNameOf = (bindAs: BindAs, login: string): BindName | undefined => {
  if (login === "") return undefined
  if ("dn" in bindAs) {
    const dn = bindAs.dn({ login })
    return Result.isSuccess(dn) ? { _tag: "Dn", name: dn.success.toString() } : undefined
  }
  if ("upn" in bindAs) {
    const parts = partsOf(login, "@")
    const [account = "", suffix] = parts
    const domain = chosen(bindAs.upn, suffix)
    if (parts.length > 2 || domain === undefined || !isAccount(account)) return undefined
    const name = `${account}@${domain}`
    // A name without an entry of its own is the implicit name of the account in the domain (MS-ADTS 5.1.1.1.1).
    const filter = LdapFilter.and(
      isUser,
      LdapFilter.or(LdapFilter.equals("userPrincipalName", name), LdapFilter.equals("sAMAccountName", account))
    )
    return { _tag: "Account", name, filter }
  }
  const parts = partsOf(login, "\\").reverse()
  const [account = "", prefix] = parts
  const domain = chosen(bindAs.domain, prefix)
  if (parts.length > 2 || domain === undefined || !isAccount(account)) return undefined
  const filter = LdapFilter.and(isUser, LdapFilter.equals("sAMAccountName", account))
  return { _tag: "Account", name: `${domain}\\${account}`, filter }
}

/** Groups are excluded: a group of the user may have the name that was typed, and its SID is one of the session's too. */
const isUser = LdapFilter.equals("objectClass", "user")

const partsOf = (login: string, separator: string): Array<string> => login.split(separator)

const listOf = (names: string | ReadonlyArray<string>): ReadonlyArray<string> =>
  typeof names === "string" ? [names] : names

/** The domain that was typed, in the spelling of the settings, or the first domain. */
const chosen = (names: string | ReadonlyArray<string>, typed: string | undefined): string | undefined => {
  const list = listOf(names)
  return typed === undefined ? list[0] : list.find((name) => name.toLowerCase() === typed.toLowerCase())
}

/** Excludes the characters of other kinds of names: DNs, canonical names, service names, SIDs in brackets. */
const isAccount = (account: string): boolean =>
  // eslint-disable-next-line no-control-regex
  account !== "" && !/["/\\[\]:;|=,*?<>@\u0000-\u001f\u007f]/.test(account)

/** Checks the setting. */
export const bindAsProblem = (u: unknown): InvalidRequest | undefined => {
  const invalid = (detail: string) => new InvalidRequest({ field: "bindAs", detail })
  if (typeof u !== "object" || u === null)
    return invalid(`${given(u)} was given where a template of LdapDn, { upn } or { domain } belongs`)
  if ("dn" in u && typeof u.dn === "function") return undefined
  const names: unknown = "upn" in u ? u.upn : "domain" in u ? u.domain : undefined
  const list: ReadonlyArray<unknown> = Array.isArray(names) ? names : [names]
  return list.length > 0 && list.every((name) => typeof name === "string" && isDomain(name))
    ? undefined
    : invalid("a template of LdapDn, { upn: \"example.org\" } or { domain: \"EXAMPLE\" } belongs there")
}

const isDomain = (name: string): boolean => /^[^\s"/\\[\]:;|=,*?<>@]+$/.test(name) && name.isWellFormed()
