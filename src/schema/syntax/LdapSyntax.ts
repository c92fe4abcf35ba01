/**
 * The syntaxes of RFC 4517 as codecs: effect Schemas from the bytes of one attribute value to a value for programs.
 *
 * A codec reads back what it has written as the same value. The message of a codec says what is wrong and never repeats the value;
 * the decoding of the entry adds the attribute and the index.
 *
 * @since 0.1.0
 */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { X509Certificate } from "node:crypto"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import { fromOctets, fromText, type ValueSyntax } from "./syntax.ts"

export { GeneralizedTime, UtcTime } from "./LdapSyntaxTime.ts"
export type { ValueSyntax } from "./syntax.ts"

// ---------------------------------------------------------------------------------------------------------------------
// Text
// ---------------------------------------------------------------------------------------------------------------------

const text = (check: (text: string) => string | undefined): ValueSyntax<Schema.String> => {
  const checked = (text: string): Result.Result<string, string> => {
    const wrong = check(text)
    return wrong === undefined ? Result.succeed(text) : Result.fail(wrong)
  }
  return fromText(Schema.String, { decode: checked, encode: checked })
}

/**
 * Directory String: UTF-8 text that isn't empty (RFC 4517 section 3.3.6), the syntax of most attributes.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const DirectoryString = text((text) => text === "" ? "a directory string has at least one character" : undefined)

/**
 * Any UTF-8 text, also empty text, which some servers have as values.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const Utf8String = text(() => undefined)

/**
 * IA5 String: ASCII (RFC 4517 section 3.3.15), as in `mail` and `dc`. May be empty.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const Ia5String = text((text) =>
  // oxlint-disable-next-line no-control-regex -- IA5 has the control characters
  /^[\u0000-\u007f]*$/.test(text) ? undefined : "an IA5 string has ASCII characters only"
)

/**
 * Telephone Number: printable characters (RFC 4517 section 3.3.31), by convention as E.123 writes them: `+49 30 1234567`.
 *
 * **Details**
 *
 * At least one of letters, digits, space and `'()+,-./:?=`. Active Directory takes any text there; use
 * {@link DirectoryString} for it.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const TelephoneNumber = text((text) =>
  /^[A-Za-z0-9'()+,\-./:?= ]+$/.test(text)
    ? undefined
    : "a telephone number has letters, digits, spaces and '()+,-./:?="
)

/**
 * Object identifier: numbers with dots, or a name (RFC 4512 section 1.4), as in `objectClass`.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const Oid = text((text) =>
  /^(?:[A-Za-z][A-Za-z0-9-]*|(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+)$/.test(text)
    ? undefined
    : "neither a name nor an object identifier"
)

/**
 * UUID as text (RFC 4530), as in `entryUUID`: a string in lower case. Active Directory's `objectGUID` is not one of these.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const Uuid = fromText(Schema.String, {
  decode: (text) => uuid(text),
  encode: (text) => uuid(text)
})

const uuid = (text: string): Result.Result<string, string> =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text)
    ? Result.succeed(text.toLowerCase())
    : Result.fail("not a UUID")

/**
 * One of several texts, as an enumeration. Reading ignores case, as most attributes do; the program gets the text as it is
 * listed.
 *
 * **Example**
 *
 * ```ts
 * import { LdapSchema } from "effect-ldap"
 *
 * const EmployeeType = LdapSchema.Literals(["employee", "contractor"])
 * ```
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const Literals = <const L extends ReadonlyArray<string>>(literals: L): ValueSyntax<Schema.Literals<L>> => {
  const byText = new Map<string, L[number]>()
  for (const literal of literals.toReversed()) byText.set(literal.toLowerCase(), literal)
  for (const literal of literals) byText.set(literal, literal)
  return fromText<Schema.Literals<L>>(Schema.Literals(literals), {
    decode: (text) => {
      const literal = byText.get(text) ?? byText.get(text.toLowerCase())
      return literal === undefined ? Result.fail(`none of ${literals.join(", ")}`) : Result.succeed(literal)
    },
    encode: (literal) => Result.succeed(literal)
  })
}

/**
 * Postal Address: its lines (RFC 4517 section 3.3.28), between which the directory has `$`.
 *
 * **Details**
 *
 * A dollar sign and a backslash in a line are `\24` and `\5C` in the directory. Other backslashes, which servers let
 * through, are read as they are. At least one line; lines may be empty, though the grammar doesn't have that, since
 * addresses in directories do.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const PostalAddress = fromText(Schema.Array(Schema.String), {
  decode: (text) =>
    Result.succeed(
      text.split("$").map((line) => line.replace(/\\(24|5c)/gi, (_, code) => (code === "24" ? "$" : "\\")))
    ),
  encode: (lines) =>
    lines.length === 0
      ? Result.fail("a postal address has at least one line")
      : Result.succeed(lines.map((line) => line.replaceAll("\\", "\\5C").replaceAll("$", "\\24")).join("$"))
})

// ---------------------------------------------------------------------------------------------------------------------
// Booleans, numbers, bits
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Boolean: `TRUE` or `FALSE` (RFC 4517 section 3.3.3). Lower case, which 389-ds may send, is read too.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const Boolean = fromText(Schema.Boolean, {
  decode: (text) => {
    const upper = text.toUpperCase()
    return upper === "TRUE" || upper === "FALSE"
      ? Result.succeed(upper === "TRUE")
      : Result.fail("neither TRUE nor FALSE")
  },
  encode: (value) => Result.succeed(value ? "TRUE" : "FALSE")
})

const decimal = /^(?:0|-?[1-9][0-9]*)$/

/**
 * An integer (RFC 4517 section 3.3.16) of a range, as a number.
 *
 * **Details**
 *
 * Both ends belong to the range. By default it is what a number holds exactly, `Number.MIN_SAFE_INTEGER` to
 * `Number.MAX_SAFE_INTEGER`; {@link BigInteger} has all integers.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const integer = (
  range: { readonly minimum?: number | undefined; readonly maximum?: number | undefined } = {}
): ValueSyntax<Schema.Number> => {
  const minimum = Math.max(range.minimum ?? Number.MIN_SAFE_INTEGER, Number.MIN_SAFE_INTEGER)
  const maximum = Math.min(range.maximum ?? Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  const inRange = (value: number): Result.Result<number, string> =>
    Number.isInteger(value) && value >= minimum && value <= maximum
      ? Result.succeed(value)
      : Result.fail(`not an integer from ${minimum} to ${maximum}`)
  return fromText(Schema.Number, {
    decode: (text) => decimal.test(text) ? inRange(Number(text)) : Result.fail("not an integer"),
    // Adding zero makes -0, which has no other form here, 0.
    encode: (value) => Result.map(inRange(value), (value) => String(value + 0))
  })
}

/**
 * An integer that a number holds exactly; see {@link integer}.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const Integer = integer()

const maxDigits = 10_000

/**
 * An integer of any size as a bigint. More than 10,000 digits, which take a server's care to read, are refused.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const BigInteger = fromText(Schema.BigInt, {
  decode: (text) =>
    text.length <= maxDigits && decimal.test(text)
      ? Result.succeed(BigInt(text))
      : Result.fail(text.length > maxDigits ? `an integer of more than ${maxDigits} digits` : "not an integer"),
  encode: (value) => Result.succeed(String(value))
})

/**
 * Bit String (RFC 4517 section 3.3.2), as in `x500UniqueIdentifier`: its bits as zeros and ones. The directory has
 * `'0101'B` where the program has `0101`.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const BitString = fromText(Schema.String, {
  decode: (text) => {
    const bits = /^'([01]*)'B$/.exec(text)?.[1]
    return bits === undefined ? Result.fail("not a bit string ('0101'B)") : Result.succeed(bits)
  },
  encode: (bits) => /^[01]*$/.test(bits) ? Result.succeed(`'${bits}'B`) : Result.fail("a bit string has zeros and ones")
})

// ---------------------------------------------------------------------------------------------------------------------
// Names
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Distinguished names as schema: any {@link LdapDn.LdapDn}, compared as `LdapDn.isEqual` does.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DnFromSelf = Schema.declare<LdapDn.LdapDn>(LdapDn.isLdapDn, {
  expected: "LdapDn",
  toEquivalence: () => (self, that) => LdapDn.isEqual(self, that)
})

/**
 * DN (RFC 4517 section 3.3.9), as in `member` and `manager`. Reads what servers write, which is more than RFC 4514 has:
 * see `lenient` of `LdapDn.parse`.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const Dn = fromText(DnFromSelf, {
  decode: (text) =>
    Result.mapError(
      LdapDn.parse(text, { lenient: true }),
      ({ detail, position }) => `not a distinguished name: ${detail}, at position ${position}`
    ),
  encode: (dn) => Result.succeed(dn.toString())
})

// ---------------------------------------------------------------------------------------------------------------------
// Bytes
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Unchanged bytes.
 *
 * **Details**
 *
 * The value is a view into the message of the entry: copy it to keep it for long.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const Octets = fromOctets(Schema.Uint8Array, { decode: Result.succeed, encode: Result.succeed })

/**
 * A password for the server, in `userPassword` (RFC 4519 section 2.41): `Redacted` text.
 *
 * **Details**
 *
 * Servers return a hash, if they return it at all: use it in a `writeOnly` field.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const Password = fromText(Schema.Redacted(Schema.String), {
  decode: (text) => Result.succeed(Redacted.make(text)),
  encode: (password) => Result.succeed(Redacted.value(password))
})

/**
 * JPEG (RFC 4517 section 3.3.17), as in `jpegPhoto`: bytes that begin as JPEG does. Use {@link Octets} for directories with other
 * formats in this attribute.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const Jpeg = fromOctets(Schema.Uint8Array, {
  decode: (octets) => jpeg(octets),
  encode: (octets) => jpeg(octets)
})

const jpeg = (octets: Uint8Array): Result.Result<Uint8Array, string> =>
  octets[0] === 0xff && octets[1] === 0xd8 && octets[2] === 0xff
    ? Result.succeed(octets)
    : Result.fail("not JPEG, which begins with FF D8 FF")

/**
 * An X.509 certificate (RFC 4523), as in `userCertificate;binary`: Node's `X509Certificate`. Reads DER; what Node can't
 * read is refused.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const Certificate = fromOctets(
  Schema.instanceOf(X509Certificate, {
    expected: "X509Certificate",
    toEquivalence: () => (self, that) => self.raw.equals(that.raw)
  }),
  {
    decode: (octets) =>
      Result.try({
        // A view into a message would keep it in memory, and Node reads PEM too, which a directory doesn't have.
        try: () => octets[0] === 0x30 ? new X509Certificate(Buffer.from(octets)) : undefined,
        catch: () => "not an X.509 certificate"
      }).pipe(Result.flatMap((certificate) =>
        certificate === undefined ? Result.fail("not an X.509 certificate") : Result.succeed(certificate)
      )),
    encode: (certificate) => Result.succeed(certificate.raw)
  }
)
