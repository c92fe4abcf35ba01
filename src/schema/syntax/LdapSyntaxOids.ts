/**
 * Which codec reads the values of which syntax (RFC 4517 section 3.3, RFC 4523, RFC 4530, and MS-ADTS 3.1.1.2.2.2).
 *
 * Some servers are more lenient than a codec, for instance with telephone numbers. In such cases the table has a lenient codec,
 * since it is used for generated classes, whose data hasn't been checked yet.
 */
import type * as Schema from "effect/Schema"
import * as Syntax from "./LdapSyntax.ts"
import * as ActiveDirectory from "./LdapSyntaxActiveDirectory.ts"

/** A codec for validating values, and the name of the codec in LdapSchema that programs use. */
export interface NamedSyntax {
  readonly name: string
  readonly codec: Schema.ConstraintCodec<unknown, Uint8Array>
}

const rfc = "1.3.6.1.4.1.1466.115.121.1."

const byOid = new Map<string, NamedSyntax>([
  [`${rfc}6`, { name: "BitString", codec: Syntax.BitString }],
  [`${rfc}7`, { name: "Boolean", codec: Syntax.Boolean }],
  // Country String, Directory String, Numeric String, Printable String, Telephone Number, Other Mailbox
  [`${rfc}11`, { name: "DirectoryString", codec: Syntax.DirectoryString }],
  [`${rfc}15`, { name: "DirectoryString", codec: Syntax.DirectoryString }],
  [`${rfc}36`, { name: "DirectoryString", codec: Syntax.DirectoryString }],
  [`${rfc}44`, { name: "DirectoryString", codec: Syntax.DirectoryString }],
  [`${rfc}50`, { name: "DirectoryString", codec: Syntax.DirectoryString }],
  [`${rfc}39`, { name: "DirectoryString", codec: Syntax.DirectoryString }],
  [`${rfc}12`, { name: "Dn", codec: Syntax.Dn }],
  [`${rfc}24`, { name: "GeneralizedTime", codec: Syntax.GeneralizedTime }],
  [`${rfc}26`, { name: "Utf8String", codec: Syntax.Utf8String }],
  // The syntax allows any integer. Programs nearly always need a number.
  [`${rfc}27`, { name: "Integer", codec: Syntax.BigInteger }],
  // Directories often store other formats here than JPEG, or certificates that Node can't parse.
  [`${rfc}28`, { name: "Octets", codec: Syntax.Octets }],
  [`${rfc}8`, { name: "Octets", codec: Syntax.Octets }],
  [`${rfc}38`, { name: "Oid", codec: Syntax.Oid }],
  [`${rfc}41`, { name: "PostalAddress", codec: Syntax.PostalAddress }],
  [`${rfc}53`, { name: "UtcTime", codec: Syntax.UtcTime }],
  ["1.3.6.1.1.16.1", { name: "Uuid", codec: Syntax.Uuid }],
  ["1.2.840.113556.1.4.906", { name: "LargeInteger", codec: ActiveDirectory.LargeInteger }],
  ["1.2.840.113556.1.4.905", { name: "Utf8String", codec: Syntax.Utf8String }]
])

const octets: NamedSyntax = { name: "Octets", codec: Syntax.Octets }
const text: NamedSyntax = { name: "Utf8String", codec: Syntax.Utf8String }

/** Syntaxes of RFC 4517 and 4523 that are text and have no codec here. */
const textual = new Set(["3", "14", "16", "17", "21", "22", "25", "30", "31", "34", "35", "37", "51", "52", "54", "58"])

/** The codec for a syntax. Unknown syntaxes are read as bytes. */
export const syntaxOf = (oid: string | undefined): NamedSyntax =>
  oid === undefined
    ? octets
    : byOid.get(oid) ?? (oid.startsWith(rfc) && textual.has(oid.slice(rfc.length)) ? text : octets)
