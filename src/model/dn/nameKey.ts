/**
 * Keys of names that are given as text. Equal names have the same key.
 */
import * as Result from "effect/Result"
import * as LdapDn from "./LdapDn.ts"

/** The key of a name. If the text is not a name by RFC 4514, such as `<GUID=…>`, it is compared ignoring case. */
export const nameKey = (name: string): string =>
  Result.match(LdapDn.parse(name, { lenient: true }), {
    onSuccess: LdapDn.normalize,
    onFailure: () => name.toLowerCase()
  })
