/**
 * Keys of names that are given as text. Equal names have the same key.
 */
import * as Result from "effect/Result"
import * as LdapDn from "./LdapDn.ts"

/** The key of a name. If the text is not a name by RFC 4514, such as `<GUID=…>`, it is compared ignoring case. */
export const nameKey = (name: string): string => dnKey(name) ?? name.toLowerCase()

/**
 * The key of a name; `undefined` if the text is not a name. The members of a group mostly have the same parent, whose key is
 * computed once: that halves the time.
 */
export const dnKey = (name: string): string | undefined => {
  const comma = name.indexOf(",")
  const own = name.slice(0, Math.max(0, comma))
  // After a backslash or a quotation mark, a comma can be part of a value. A semicolon separates RDNs too.
  const isSimple = own !== "" && !/[\\";]/.test(own)
  const parent = lastParent
  if (
    isSimple && parent !== undefined && name.length - comma - 1 === parent.text.length && name.endsWith(parent.text)
  ) {
    const [rdn] = rdnsOf(own) ?? []
    if (rdn !== undefined) return `${rdn.key},${parent.key}`
  }
  const rdns = rdnsOf(name)
  if (rdns === undefined) return undefined
  const keys = rdns.map(({ key }) => key)
  if (isSimple && keys.length > 1) lastParent = { text: name.slice(comma + 1), key: keys.slice(1).join(",") }
  return keys.join(",")
}

let lastParent: { readonly text: string; readonly key: string } | undefined

const rdnsOf = (name: string): ReadonlyArray<LdapDn.Rdn> | undefined => {
  const dn = LdapDn.parse(name, { lenient: true })
  return Result.isSuccess(dn) ? dn.success.rdns : undefined
}
