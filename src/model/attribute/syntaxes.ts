/**
 * The syntaxes of attribute values (RFC 4517 section 3.3, RFC 2307 section 2.4, RFC 4523): whether bytes are a value of a
 * syntax, as slapd judges it. Pure and synchronous.
 *
 * Of a distinguished name only the form is checked. The caller checks with the schema whether its types are known.
 */
import * as Result from "effect/Result"
import { isAscii, isUtf8 } from "node:buffer"
import { BerReader, Tag } from "../../ber/BerReader.ts"
import * as LdapDn from "../dn/LdapDn.ts"
import { normalize } from "./matchingRules.ts"

/**
 * Whether a value conforms to a syntax. The syntax is the last number of its object identifier below
 * 1.3.6.1.4.1.1466.115.121.1, or its whole object identifier. `undefined` where slapd has no check for a syntax: no attribute can
 * have such values, but a name may be made of them.
 */
export const isOfSyntax = (syntax: string, value: Uint8Array): boolean | undefined =>
  checks.get(syntax)?.(Buffer.from(value.buffer, value.byteOffset, value.byteLength))

/** The syntaxes whose values are transferred with the option `binary` (RFC 4522, RFC 4523 section 2). */
export const binarySyntaxes: ReadonlySet<string> = new Set(["8", "9", "10", "49"])

type Check = (bytes: Buffer) => boolean

const matching = (pattern: RegExp): Check => (bytes) => pattern.test(bytes.toString("latin1"))

/** Any bytes, also none. */
const anything: Check = () => true

/** slapd accepts empty lines of a Postal Address, although RFC 4517 section 3.3.28 doesn't allow them. */
const postalAddress: Check = (bytes) => isUtf8(bytes) && !/\\(?!24|5c)/i.test(bytes.toString("latin1"))

/** Values of Printable String, separated by `$`. */
const printables = matching(/^[A-Za-z0-9'()+,\-./:? =]+(?:\$[A-Za-z0-9'()+,\-./:? =]+)*$/)

const printable = matching(/^[A-Za-z0-9'()+,\-./:? =]+$/)

/** Ways of delivery, separated by `$` (RFC 4517 section 3.3.5). */
const deliveryMethods: Check = (bytes) =>
  bytes.toString("latin1").split("$").every((part, i, all) => {
    // slapd accepts spaces around each `$`, but not around the whole.
    const inner = i === 0 ? part : part.replace(/^ +/, "")
    return methods.has((i === all.length - 1 ? inner : inner.replace(/ +$/, "")).toLowerCase())
  })

const methods: ReadonlySet<string> = new Set([
  "any",
  "mhs",
  "physical",
  "telex",
  "teletex",
  "g3fax",
  "g4fax",
  "ia5",
  "videotex",
  "telephone"
])

const bitString = /^'[01]*'B$/

/** A value of Name and Optional UID (RFC 4517 section 3.3.21) without the optional bit string after the name. */
export const withoutUid = (text: string): string => {
  const at = text.endsWith("'B") ? text.lastIndexOf("#") : -1
  return at >= 0 && bitString.test(text.slice(at + 1)) ? text.slice(0, at) : text
}

const isName = (text: string): boolean => Result.isSuccess(LdapDn.parse(text, { lenient: true }))

/** slapd checks only the tag of a Certificate Pair. */
const beginsAsSequence: Check = (bytes) => bytes.length > 1 && bytes[0] === Tag.sequence

const isBer = (read: () => void): boolean => Result.isSuccess(Result.try(read))

/** The order of elements of a Certificate (RFC 5280 section 4.1), without checks of the names and the key. */
const certificate: Check = (bytes) =>
  isBer(() => {
    const reader = new BerReader(bytes)
    const all = reader.sequence()
    const body = all.sequence()
    if (body.peek() === 0xa0) body.skip()
    body.octets(0x02)
    for (let i = 0; i < 5; i++) body.sequence()
    for (const tag of [0x81, 0x82, 0xa3]) if (body.peek() === tag) body.skip()
    body.expectEnd()
    all.sequence()
    all.octets(0x03)
    all.expectEnd()
    // slapd ignores a single byte after a certificate.
    if (reader.end - reader.position > 1) reader.expectEnd()
  })

/** The order of elements of a CertificateList (RFC 5280 section 5.1). */
const certificateList: Check = (bytes) =>
  isBer(() => {
    const reader = new BerReader(bytes)
    const all = reader.sequence()
    const body = all.sequence()
    if (body.peek() === 0x02) body.skip()
    body.sequence()
    body.sequence()
    const time = body.peek()
    if (time !== 0x17 && time !== 0x18) throw new RangeError("thisUpdate is missing")
    body.skip()
    if (body.peek() === 0x17 || body.peek() === 0x18) body.skip()
    for (const tag of [Tag.sequence, 0xa0]) if (body.peek() === tag) body.skip()
    body.expectEnd()
    all.sequence()
    all.octets(0x03)
    // slapd ignores bytes after the list.
    all.expectEnd()
  })

const checks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ["4", anything],
  ["5", anything],
  ["6", matching(bitString)],
  ["7", matching(/^(?:TRUE|FALSE)$/)],
  ["8", certificate],
  ["9", certificateList],
  ["10", beginsAsSequence],
  ["11", matching(/^[A-Za-z0-9'()+,\-./:? =]{2}$/)],
  ["12", (bytes) => isName(bytes.toString("utf8"))],
  ["14", deliveryMethods],
  ["15", (bytes) => bytes.length > 0 && isUtf8(bytes)],
  ["22", printables],
  ["24", (bytes) => normalize("time", bytes) !== undefined],
  ["26", isAscii],
  ["27", matching(/^(?:0|-?[1-9]\d*)$/)],
  ["28", anything],
  ["34", (bytes) => isName(withoutUid(bytes.toString("utf8")))],
  ["36", matching(/^[\d ]+$/)],
  ["38", matching(/^(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))*$/)],
  ["39", isAscii],
  ["40", anything],
  ["41", postalAddress],
  ["44", printable],
  ["49", anything],
  ["50", printable],
  ["52", printables],
  ["1.3.6.1.1.1.0.0", matching(/^\([A-Za-z0-9.-]*,[A-Za-z0-9.-]*,[A-Za-z0-9.-]*\)$/)],
  ["1.3.6.1.1.1.0.1", matching(/^[A-Za-z0-9.-]*=[A-Za-z0-9.-]*:[A-Za-z0-9'()+,\-./:? =]*$/)],
  ["1.3.6.1.1.16.1", (bytes) => normalize("uuid", bytes) !== undefined]
])
