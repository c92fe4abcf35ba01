/**
 * Codecs for the attribute values that only Active Directory and Samba have.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Guid from "../../model/windows/Guid.ts"
import * as Sid from "../../model/windows/Sid.ts"
import { fromOctets, fromText } from "./syntax.ts"

// ---------------------------------------------------------------------------------------------------------------------
// Identities
// ---------------------------------------------------------------------------------------------------------------------

/**
 * `objectGUID`: 16 bytes as the text that Windows shows, in lower case (MS-DTYP section 2.3.4).
 *
 * **Details**
 *
 * Not in the order of the bytes: `ca3cdbb1…` is `b1db3cca-…`. Braces around what is written are taken off.
 *
 * @category Active Directory
 * @since 0.1.0
 */
export const ObjectGuid = fromOctets(Schema.String, {
  decode: (octets) => Result.mapError(Guid.fromBytes(octets), ({ message }) => message),
  encode: (text) => Result.mapError(Guid.toBytes(text), ({ message }) => message)
})

/**
 * `objectSid`: a security identifier as text, `S-1-5-21-…` (MS-DTYP section 2.4.2).
 *
 * **Details**
 *
 * An authority from 2³² on is written in hexadecimal, as Windows does.
 *
 * @category Active Directory
 * @since 0.1.0
 */
export const ObjectSid = fromOctets(Schema.String, {
  decode: (octets) => Result.mapError(Sid.fromBytes(octets), ({ message }) => message),
  encode: (text) => Result.mapError(Sid.toBytes(text), ({ message }) => message)
})

// ---------------------------------------------------------------------------------------------------------------------
// 64 bits
// ---------------------------------------------------------------------------------------------------------------------

const largest = 2n ** 63n - 1n
const smallest = -(2n ** 63n)

const readLarge = (text: string): Result.Result<bigint, string> => {
  const value = /^-?[0-9]{1,19}$/.test(text) ? BigInt(text) : undefined
  return value === undefined || value > largest || value < smallest
    ? Result.fail("not an integer of 64 bits")
    : Result.succeed(value)
}

/**
 * Large Integer: a signed integer of 64 bits, as in `uSNChanged` (MS-ADTS section 3.1.1.2.2.2.7).
 *
 * @category Active Directory
 * @since 0.1.0
 */
export const LargeInteger = fromText(Schema.BigInt, {
  decode: readLarge,
  encode: (value) =>
    value > largest || value < smallest ? Result.fail("not an integer of 64 bits") : Result.succeed(String(value))
})

/** FILETIME counts from the beginning of 1601; this many units of 100 ns before 1970. */
const epoch = 116_444_736_000_000_000n
const perMilli = 10_000n

/**
 * FILETIME: a point in time in units of 100 ns since 1601, as in `pwdLastSet` and `accountExpires`; none for 0 and
 * 9223372036854775807, which mean never or not set.
 *
 * **Details**
 *
 * A `DateTime.Utc` has milliseconds: what is finer is cut off, so a filter for equality with a time that was read may not
 * find it again. None is written as 0, which has that meaning in all these attributes: an account never expires, isn't
 * locked, must change its password. To have Active Directory set `pwdLastSet` to now, write -1 as {@link LargeInteger}.
 *
 * @category Active Directory
 * @since 0.1.0
 */
export const FileTime = fromText(Schema.Option(Schema.DateTimeUtc), {
  decode: (text) =>
    Result.flatMap(readLarge(text), (units) => {
      if (units === 0n || units === largest) return Result.succeed(Option.none())
      if (units < 0n) return Result.fail("a FILETIME isn't negative")
      const sinceEpoch = units - epoch
      // Division rounds towards zero; a time before 1970 is to lose what is finer than a millisecond as others do.
      const millis = sinceEpoch >= 0n ? sinceEpoch / perMilli : -((-sinceEpoch + perMilli - 1n) / perMilli)
      return Result.succeed(Option.some(DateTime.makeUnsafe(Number(millis))))
    }),
  encode: Option.match({
    onNone: () => Result.succeed("0"),
    onSome: (time) => {
      const units = BigInt(DateTime.toEpochMillis(time)) * perMilli + epoch
      if (units < 0n || units >= largest) return Result.fail("a FILETIME has a year from 1601 to 30828")
      // The very beginning would be never.
      return Result.succeed(units === 0n ? "1" : String(units))
    }
  })
})

/**
 * A span of time in negative units of 100 ns, as in `maxPwdAge` and `lockoutDuration`: a `Duration`, infinite for
 * -9223372036854775808. What is finer than a millisecond is cut off.
 *
 * @category Active Directory
 * @since 0.1.0
 */
export const Interval = fromText(Schema.Duration, {
  decode: (text) =>
    Result.flatMap(readLarge(text), (units) =>
      units === smallest
        ? Result.succeed(Duration.infinity)
        : units > 0n
        ? Result.fail("an interval isn't positive")
        : Result.succeed(Duration.millis(Number(-units / perMilli)))),
  encode: (duration) => {
    if (!Duration.isFinite(duration)) return Result.succeed(String(smallest))
    const units = BigInt(Math.floor(Duration.toMillis(duration))) * perMilli
    return units < 0n || units > largest ?
      Result.fail("an interval is from 0 to 2^63 units of 100 ns") :
      Result.succeed(
        units === 0n ? "0" : `-${units}`
      )
  }
})

// ---------------------------------------------------------------------------------------------------------------------
// Accounts
// ---------------------------------------------------------------------------------------------------------------------

/** The flags of `userAccountControl` (MS-ADTS section 2.2.16 and MS-SAMR), by the names of Microsoft's documentation. */
const flags = {
  script: 0x1,
  accountDisable: 0x2,
  homeDirRequired: 0x8,
  lockout: 0x10,
  passwordNotRequired: 0x20,
  passwordCantChange: 0x40,
  encryptedTextPasswordAllowed: 0x80,
  tempDuplicateAccount: 0x100,
  normalAccount: 0x200,
  interdomainTrustAccount: 0x800,
  workstationTrustAccount: 0x1000,
  serverTrustAccount: 0x2000,
  dontExpirePassword: 0x10000,
  mnsLogonAccount: 0x20000,
  smartcardRequired: 0x40000,
  trustedForDelegation: 0x80000,
  notDelegated: 0x100000,
  useDesKeyOnly: 0x200000,
  dontRequirePreauth: 0x400000,
  passwordExpired: 0x800000,
  trustedToAuthForDelegation: 0x1000000,
  noAuthDataRequired: 0x2000000,
  partialSecretsAccount: 0x4000000
} as const

/**
 * The name of a flag of {@link AccountControl}: `accountDisable`, `dontExpirePassword` …
 *
 * @category Active Directory
 * @since 0.1.0
 */
export type AccountFlag = keyof typeof flags

/**
 * The flags of an account, as `userAccountControl` has them: a value that never changes, equal to others with the same
 * bits. Bits that have no name here are kept.
 *
 * **Example**
 *
 * ```ts
 * import { LdapSchema } from "effect-ldap"
 *
 * const enabled = LdapSchema.AccountControl.of("normalAccount", "dontExpirePassword")
 * enabled.with("accountDisable").has("accountDisable") // true
 * ```
 *
 * @category Active Directory
 * @since 0.1.0
 */
export class AccountControl extends Data.Class<{ readonly bits: number }> {
  static of(...names: ReadonlyArray<AccountFlag>): AccountControl {
    return new AccountControl({ bits: 0 }).with(...names)
  }

  has(name: AccountFlag): boolean {
    return (this.bits & flags[name]) !== 0
  }

  with(...names: ReadonlyArray<AccountFlag>): AccountControl {
    return new AccountControl({ bits: names.reduce((bits, name) => (bits | flags[name]) >>> 0, this.bits) })
  }

  without(...names: ReadonlyArray<AccountFlag>): AccountControl {
    return new AccountControl({ bits: names.reduce((bits, name) => (bits & ~flags[name]) >>> 0, this.bits) })
  }

  /** The flags that are set, in the order of their bits. */
  get flags(): ReadonlyArray<AccountFlag> {
    // The keys of a record of these names are these names.
    return (Object.keys(flags) as Array<AccountFlag>).filter((name) => this.has(name))
  }

  toJSON(): unknown {
    return { bits: this.bits, flags: this.flags }
  }
}

/**
 * `userAccountControl`: an {@link AccountControl}. To search for a flag, use `LdapFilter.bitAnd`.
 *
 * @category Active Directory
 * @since 0.1.0
 */
export const UserAccountControl = fromText(
  Schema.declare<AccountControl>((u) => u instanceof AccountControl, { expected: "AccountControl" }),
  {
    decode: (text) => {
      // Active Directory has a signed integer of 32 bits there.
      const value = /^-?[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN
      return value >= -(2 ** 31) && value < 2 ** 31
        ? Result.succeed(new AccountControl({ bits: value >>> 0 }))
        : Result.fail("not an integer of 32 bits")
    },
    encode: ({ bits }) =>
      Number.isInteger(bits) && bits >= 0 && bits < 2 ** 32
        ? Result.succeed(String(bits | 0))
        : Result.fail("account flags are 32 bits")
  }
)

/**
 * `unicodePwd`: a new password, in quotation marks and UTF-16 as Active Directory wants it (MS-ADTS section 3.1.1.3.1.5).
 *
 * **Details**
 *
 * Can only be written, as the server never shows it: use it in a `writeOnly` field. The server takes it over TLS or an
 * encrypted connection only. To set a password is a replace; to change one with the old password, delete the old value
 * and add the new one in one modify request.
 *
 * @category Active Directory
 * @since 0.1.0
 */
export const UnicodePassword = fromOctets(Schema.Redacted(Schema.String), {
  decode: () => Result.fail("unicodePwd can't be read"),
  encode: (password) => Result.succeed(Buffer.from(`"${Redacted.value(password)}"`, "utf16le"))
})
