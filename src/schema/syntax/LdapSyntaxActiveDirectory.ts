/**
 * Codecs for the identities, numbers and times that only Active Directory and Samba have. LdapSyntaxAccounts.ts has those of accounts and
 * groups.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as FileTimes from "../../model/windows/FileTime.ts"
import * as Guid from "../../model/windows/Guid.ts"
import * as Sid from "../../model/windows/Sid.ts"
import type { WindowsValueError } from "../../model/windows/WindowsValueError.ts"
import { fromOctets, fromText } from "./syntax.ts"

/** Converts the failure of a conversion to the message of a codec. */
const said = <A>(result: Result.Result<A, WindowsValueError>): Result.Result<A, string> =>
  Result.mapError(result, ({ message }) => message)

// ---------------------------------------------------------------------------------------------------------------------
// Identities
// ---------------------------------------------------------------------------------------------------------------------

/**
 * `objectGUID`: 16 bytes as the text that Windows shows, in lower case (MS-DTYP section 2.3.4).
 *
 * **Details**
 *
 * The text doesn't have the order of the bytes: the bytes `ca3cdbb1…` are `b1db3cca-…`. Braces around the text are accepted and
 * removed.
 *
 * @category Active Directory
 * @since 0.1.0
 */
export const ObjectGuid = fromOctets(Schema.String, {
  decode: (octets) => said(Guid.fromBytes(octets)),
  encode: (text) => said(Guid.toBytes(text))
})

/**
 * `objectSid`: a security identifier as text, `S-1-5-21-…` (MS-DTYP section 2.4.2).
 *
 * **Details**
 *
 * An identifier authority of 2³² or more is written in hexadecimal, as Windows does.
 *
 * @category Active Directory
 * @since 0.1.0
 */
export const ObjectSid = fromOctets(Schema.String, {
  decode: (octets) => said(Sid.fromBytes(octets)),
  encode: (text) => said(Sid.toBytes(text))
})

// ---------------------------------------------------------------------------------------------------------------------
// 64 bits
// ---------------------------------------------------------------------------------------------------------------------

const readLarge = (text: string): Result.Result<bigint, string> => said(FileTimes.largeIntegerFromText(text))

/**
 * Large Integer: a signed integer of 64 bits, as in `uSNChanged` (MS-ADTS section 3.1.1.2.2.2.7).
 *
 * @category Active Directory
 * @since 0.1.0
 */
export const LargeInteger = fromText(Schema.BigInt, {
  decode: readLarge,
  encode: (value) =>
    FileTimes.isLargeInteger(value) ? Result.succeed(String(value)) : Result.fail("not an integer of 64 bits")
})

/**
 * FILETIME: a point in time in units of 100 ns since 1601, as in `pwdLastSet` and `accountExpires`. The values 0 and
 * 9223372036854775807 mean "never" or "not set"; they are read as none.
 *
 * **Details**
 *
 * A `DateTime.Utc` has milliseconds, so the rest is cut off. A filter for equality with a time that was read may therefore not
 * match the entry. None is written as 0, which means in these attributes: the account never expires (`accountExpires`), isn't
 * locked (`lockoutTime`), must change its password (`pwdLastSet`). To have Active Directory set `pwdLastSet` to now, write -1 as
 * {@link LargeInteger}.
 *
 * @category Active Directory
 * @since 0.1.0
 */
export const FileTime = fromText(Schema.Option(Schema.DateTimeUtc), {
  decode: (text) =>
    Result.flatMap(readLarge(text), (units) =>
      units === FileTimes.zero || units === FileTimes.never
        ? Result.succeed(Option.none())
        : Result.map(said(FileTimes.toDateTime(units)), Option.some)),
  encode: Option.match({
    onNone: () => Result.succeed("0"),
    onSome: (time) => Result.map(said(FileTimes.fromDateTime(time)), String)
  })
})

/**
 * FILETIME that keeps its special values apart: a point in time, `"zero"` (0), `"never"` (9223372036854775807) or `"now"` (-1).
 * `"now"` can only be written; the server then sets `pwdLastSet` to the present time.
 *
 * **Details**
 *
 * Use {@link FileTime} where 0 and never mean the same, as in `accountExpires`. Use this codec to write `"now"`, or to write a
 * value back unchanged.
 *
 * @category Active Directory
 * @since 0.2.0
 */
export const FileTimeValue = fromText(
  Schema.Union([Schema.DateTimeUtc, Schema.Literals(["zero", "never", "now"])]),
  {
    decode: (text) => Result.flatMap(readLarge(text), (units) => said(FileTimes.valueOf(units))),
    encode: (value) => Result.map(said(FileTimes.ofValue(value)), String)
  }
)

/**
 * A span of time in negative units of 100 ns, as in `maxPwdAge` and `lockoutDuration`. It is read as a `Duration`;
 * -9223372036854775808 is infinite. Fractions of a millisecond are cut off.
 *
 * @category Active Directory
 * @since 0.1.0
 */
export const Interval = fromText(Schema.Duration, {
  decode: (text) => Result.flatMap(readLarge(text), (units) => said(FileTimes.toDuration(units))),
  encode: (duration) => Result.map(said(FileTimes.fromDuration(duration)), String)
})

export * from "./LdapSyntaxAccounts.ts"
