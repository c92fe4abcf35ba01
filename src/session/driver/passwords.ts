/**
 * Which requests carry a password as it is, besides a bind: those, too, must not cross a network in clear text.
 */
import type { LdapAttribute } from "../../model/entry/LdapEntry.ts"
import { passwordModify } from "../../protocol/LdapExtended.ts"
import type { RequestOperation } from "../../protocol/LdapMessage.ts"

/** Attributes that hold passwords, by their names and object identifiers (RFC 4519 section 2.41; Active Directory's). */
const passwordAttributes = new Set(["userpassword", "2.5.4.35", "unicodepwd", "1.2.840.113556.1.4.90"])

export const carriesPassword = (request: RequestOperation): boolean => {
  switch (request._tag) {
    case "ExtendedRequest":
      return request.oid === passwordModify.oid
    case "AddRequest":
      return request.attributes.some(hasPassword)
    case "ModifyRequest":
      return request.changes.some(({ attribute, values }) => hasPassword({ description: attribute, values }))
    case "CompareRequest":
      return hasPassword({ description: request.attribute, values: [request.value] })
    default:
      return false
  }
}

const hasPassword = ({ description, values }: LdapAttribute): boolean =>
  passwordAttributes.has(description.split(";", 1)[0]!.toLowerCase()) && values.some((value) => !isHash(value))

/** A value that begins with the name of a hash, as in `{SSHA}…`, is no password (RFC 2307 section 5.3). */
const isHash = (value: Uint8Array): boolean => {
  const scheme = /^\{([^}]{1,32})\}/.exec(Buffer.from(value.subarray(0, 34)).toString("latin1"))?.[1]
  return scheme !== undefined && scheme.toUpperCase() !== "CLEARTEXT"
}
