/**
 * Computes the request that a referral stands for (RFC 4511 sections 4.1.10 and 4.5.3, RFC 4516) from the text of its URL and the original
 * request.
 */
import * as Result from "effect/Result"
import { nameKey } from "../../model/dn/nameKey.ts"
import * as LdapFilter from "../../model/filter/LdapFilter.ts"
import { dnFrom, type DnInput } from "../../model/ldapts.ts"
import * as LdapUrl from "../../model/url/LdapUrl.ts"
import type { SearchOptions } from "../../session/LdapSession.ts"

/** The URL, if it can be followed; otherwise the reason why it can't. */
export const readTarget = (text: string): Result.Result<LdapUrl.LdapUrl, string> => {
  const parsed = LdapUrl.parse(text)
  if (Result.isFailure(parsed)) return Result.fail(parsed.failure.message)
  const url = parsed.success
  const refuse = (detail: string) => Result.fail(`${url.toString()} ${detail}`)
  // A server must not choose a socket of this machine.
  if (url.scheme === "ldapi") return refuse("is a socket of this machine")
  if (url.host === undefined) return refuse("names no server")
  if (!hostPattern.test(url.host)) return refuse("names a host that can't be one")
  const search = LdapUrl.search(url)
  return Result.isFailure(search) ? Result.fail(search.failure.message) : Result.succeed(url)
}

/** Accepts names in any script (RFC 5890) and addresses; refuses spaces, control characters and delimiters. */
const hostPattern = /^(?:[\p{L}\p{M}\p{N}._-]{1,255}|[\da-f:]{2,39}(?:\d{1,3}(?:\.\d{1,3}){3})?(?:%[\w.-]{1,32})?)$/iu

/** The key of a server, by which it is told apart from others. */
export const serverKey = (url: LdapUrl.LdapUrl): string =>
  LdapUrl.server(
    LdapUrl.make({ scheme: url.scheme, host: url.host?.toLowerCase().replace(/\.$/, ""), port: LdapUrl.port(url) })
  )

/** The keys of a client's servers, from its name for them: one URL, or several separated by spaces. */
export const serverKeys = (name: string): ReadonlyArray<string> =>
  name.split(" ").map((text) =>
    Result.match(LdapUrl.parse(text), { onFailure: () => text.toLowerCase(), onSuccess: serverKey })
  )

/** Names that are equal have the same key. */
export const dnKey = (dn: DnInput): string => nameKey(dnFrom(dn))

/** The name of the URL if it has one, otherwise that of the request. */
export const targetDn = (url: LdapUrl.LdapUrl, dn: DnInput): DnInput => (url.dn === "" ? dn : url.dn)

/** The same search at the target: name, scope and filter come from the URL if it has them, everything else from the request. */
export const targetSearch = (url: LdapUrl.LdapUrl, search: SearchOptions): SearchOptions => ({
  ...search,
  base: targetDn(url, search.base),
  scope: url.scope ?? search.scope,
  filter: url.filter ?? search.filter
})

/** Searches with the same key have the same result on the same server. */
export const searchKey = ({ base, filter, scope = "subtree" }: SearchOptions): string =>
  `${dnKey(base)}?${scope}?${filterKey(filter)}`

const filterKey = (filter: SearchOptions["filter"]): string =>
  filter === undefined
    ? ""
    : Result.match(LdapFilter.from(filter), { onFailure: ({ message }) => message, onSuccess: LdapFilter.format })
