/**
 * Keys of names that are given as text: equal names share them.
 */
import * as Result from "effect/Result"
import * as LdapDn from "./LdapDn.ts"

/** Names that are equal have the same key. A text that is no name by RFC 4514, such as `<GUID=…>`, is compared without regard to case. */
export const nameKey = (name: string): string =>
  Result.match(LdapDn.parse(name, { lenient: true }), {
    onSuccess: LdapDn.normalize,
    onFailure: () => name.toLowerCase()
  })
