/**
 * The syntaxes of RFC 4517 as codecs: effect Schemas from the bytes of one attribute value to a value for programs.
 *
 * A value that a codec has written is read back as the same value. The message of a codec says what is wrong and never repeats the
 * value. Decoding an entry adds the attribute and the index.
 *
 * @since 0.1.0
 */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { X509Certificate } from "node:crypto"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import { checkedText, fromOctets, fromText, type ValueSyntax } from "./syntax.ts"

export { GeneralizedTime, UtcTime } from "./LdapSyntaxTime.ts"
export type { ValueSyntax } from "./syntax.ts"

// ---------------------------------------------------------------------------------------------------------------------
// Text
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Directory String: UTF-8 text that isn't empty (RFC 4517 section 3.3.6), the syntax of most attributes.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const DirectoryString = checkedText((text) =>
  text === "" ? "a directory string has at least one character" : undefined
)

/**
 * Any UTF-8 text, including empty text, which some servers store.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const Utf8String = checkedText(() => undefined)

/**
 * IA5 String: ASCII (RFC 4517 section 3.3.15), as in `mail` and `dc`. May be empty.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const Ia5String = checkedText((text) =>
  // oxlint-disable-next-line no-control-regex -- IA5 has the control characters
  /^[\u0000-\u007f]*$/.test(text) ? undefined : "an IA5 string has ASCII characters only"
)

/**
 * Telephone Number: printable characters (RFC 4517 section 3.3.31), by convention as E.123 writes them: `+49 30 1234567`.
 *
 * **Details**
 *
 * Contains at least one character, all of them letters, digits, spaces and `'()+,-./:?=`. Active Directory accepts any text there;
 * use {@link DirectoryString} for it.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const TelephoneNumber = checkedText((text) =>
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
export const Oid = checkedText((text) =>
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
 * One of several texts, as an enumeration. Reading ignores case, as most attributes do. The program gets the text in the spelling
 * of the list.
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
      return literal === undefined ? Result.fail(`not one of ${literals.join(", ")}`) : Result.succeed(literal)
    },
    encode: (literal) => Result.succeed(literal)
  })
}

/**
 * Postal Address: its lines (RFC 4517 section 3.3.28). In the directory they are separated by `$`.
 *
 * **Details**
 *
 * In the directory, a dollar sign in a line is written `\24` and a backslash `\5C`. Servers accept other uses of the backslash;
 * these are read unchanged. An address has at least one line. Lines may be empty: the grammar forbids that, but real directories
 * have such addresses.
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
 * Boolean: `TRUE` or `FALSE` (RFC 4517 section 3.3.3). Lower case is read too, since 389-ds may send it.
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
 * An integer (RFC 4517 section 3.3.16) within a range, as a number.
 *
 * **Details**
 *
 * Both limits are part of the range. Default: `Number.MIN_SAFE_INTEGER` to `Number.MAX_SAFE_INTEGER`, the integers that a number
 * holds exactly. For larger ones use {@link BigInteger}.
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
    // Adding zero turns -0 into 0, since an attribute value has no -0.
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
 * An integer of any size, as a bigint. Values of more than 10,000 digits are refused, since parsing them takes long.
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
 * Bit String (RFC 4517 section 3.3.2), as in `x500UniqueIdentifier`: its bits as zeros and ones. `'0101'B` in the directory is
 * `0101` in the program.
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
 * A Schema for distinguished names: any {@link LdapDn.LdapDn}, compared as `LdapDn.isEqual` does.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DnFromSelf = Schema.declare<LdapDn.LdapDn>(LdapDn.isLdapDn, {
  expected: "LdapDn",
  toEquivalence: () => (self, that) => LdapDn.isEqual(self, that)
})

/**
 * DN (RFC 4517 section 3.3.9), as in `member` and `manager`. Reads names as servers write them, which is more than RFC 4514 allows:
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
 * The value is a view into the message of the entry. Copy it if you keep it for long, since a view keeps the whole message in
 * memory.
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
 * Servers return a hash, or no value at all. Use the codec in a `writeOnly` field.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const Password = fromText(Schema.Redacted(Schema.String), {
  decode: (text) => Result.succeed(Redacted.make(text)),
  encode: (password) => Result.succeed(Redacted.value(password))
})

/**
 * JPEG (RFC 4517 section 3.3.17), as in `jpegPhoto`: bytes that begin with the JPEG signature. If the directory has other formats
 * in this attribute, use {@link Octets}.
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
 * An X.509 certificate (RFC 4523), as in `userCertificate;binary`: Node's `X509Certificate`. Reads DER. Fails for certificates that
 * Node can't parse.
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
        // Copied, since a view would keep the whole message in memory. Only DER is accepted: Node also parses PEM, which
        // directories don't store.
        try: () => octets[0] === 0x30 ? new X509Certificate(Buffer.from(octets)) : undefined,
        catch: () => "not an X.509 certificate"
      }).pipe(Result.flatMap((certificate) =>
        certificate === undefined ? Result.fail("not an X.509 certificate") : Result.succeed(certificate)
      )),
    encode: (certificate) => Result.succeed(certificate.raw)
  }
)
