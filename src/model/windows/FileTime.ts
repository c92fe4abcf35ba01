/**
 * FILETIME, Windows' points in time (MS-DTYP section 2.3.3): units of 100 ns since the beginning of 1601, as a number or as the
 * text of an attribute. Intervals are negative numbers of such units.
 *
 * @since 0.2.0
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { WindowsValueError } from "./WindowsValueError.ts"

const largest = 2n ** 63n - 1n
const smallest = -(2n ** 63n)

/** The number of units from 1601 to 1970. */
const epoch = 116_444_736_000_000_000n
const perMilli = 10_000n

const wrong = (expected: string, detail: string): Result.Result<never, WindowsValueError> =>
  Result.fail(new WindowsValueError({ expected, detail }))

/**
 * Parses a signed integer of 64 bits (MS-ADTS section 3.1.1.2.2.2.7).
 *
 * @category conversions
 * @since 0.2.0
 */
export const largeIntegerFromText = (text: string): Result.Result<bigint, WindowsValueError> => {
  const value = typeof text === "string" && /^-?[0-9]{1,19}$/.test(text) ? BigInt(text) : undefined
  return value === undefined || value > largest || value < smallest
    ? wrong("large integer", "not an integer of 64 bits")
    : Result.succeed(value)
}

/**
 * Whether a number fits into 64 bits.
 *
 * @category guards
 * @since 0.2.0
 */
export const isLargeInteger = (value: bigint): boolean =>
  typeof value === "bigint" && value <= largest && value >= smallest

/**
 * 9223372036854775807: an account with this `accountExpires` never expires. There, 0 means the same.
 *
 * @category special values
 * @since 0.2.0
 */
export const never: bigint = largest

/**
 * 0: the account has never logged on (`lastLogonTimestamp`), isn't locked (`lockoutTime`), must change its password (`pwdLastSet`),
 * or never expires (`accountExpires`).
 *
 * @category special values
 * @since 0.2.0
 */
export const zero: bigint = 0n

/**
 * -1: the server writes the current time. Only for writing, and only for `pwdLastSet`: it ends "must change the password".
 *
 * @category special values
 * @since 0.2.0
 */
export const now: bigint = -1n

/**
 * The meaning of a FILETIME: a point in time, or one of the special values.
 *
 * @category models
 * @since 0.2.0
 */
export type FileTimeValue = DateTime.Utc | "zero" | "never" | "now"

/**
 * Converts a FILETIME to a point in time.
 *
 * **Details**
 *
 * A `DateTime.Utc` has milliseconds, so the rest is cut off. Fails for the special values 0 and {@link never} and for negative
 * numbers; {@link valueOf} accepts them too.
 *
 * @category conversions
 * @since 0.2.0
 */
export const toDateTime = (units: bigint): Result.Result<DateTime.Utc, WindowsValueError> => {
  if (!isLargeInteger(units) || units <= 0n || units === largest) {
    return wrong(
      "FILETIME",
      units === 0n || units === largest ? "this is a special value, not a time" : "it must not be negative"
    )
  }
  const sinceEpoch = units - epoch
  // Division rounds towards zero. A time before 1970 must be cut off in the same direction as later times.
  const millis = sinceEpoch >= 0n ? sinceEpoch / perMilli : -((-sinceEpoch + perMilli - 1n) / perMilli)
  return Result.succeed(DateTime.makeUnsafe(Number(millis)))
}

/**
 * Converts a point in time to a FILETIME, for an attribute or a filter: `String` makes its text.
 *
 * **Example**
 *
 * ```ts
 * import { ActiveDirectoryTime, LdapFilter } from "effect-ldap"
 * import { DateTime, Result } from "effect"
 *
 * const expiredBefore = (time: DateTime.DateTime) =>
 *   Result.map(ActiveDirectoryTime.fromDateTime(time), (units) =>
 *     LdapFilter.and(LdapFilter.greaterOrEqual("accountExpires", "1"), LdapFilter.lessOrEqual("accountExpires", String(units))))
 * ```
 *
 * @category conversions
 * @since 0.2.0
 */
export const fromDateTime = (time: DateTime.DateTime): Result.Result<bigint, WindowsValueError> => {
  if (!DateTime.isDateTime(time)) return wrong("FILETIME", "it must be a DateTime")
  const units = BigInt(DateTime.toEpochMillis(time)) * perMilli + epoch
  if (units < 0n || units >= largest) return wrong("FILETIME", "its year must be from 1601 to 30828")
  // The first moment of 1601 would be the special value 0.
  return Result.succeed(units === 0n ? 1n : units)
}

/**
 * Converts a FILETIME to its meaning, including the special values.
 *
 * @category conversions
 * @since 0.2.0
 */
export const valueOf = (units: bigint): Result.Result<FileTimeValue, WindowsValueError> =>
  units === zero
    ? Result.succeed("zero")
    : units === never
    ? Result.succeed("never")
    : units === now
    ? Result.succeed("now")
    : toDateTime(units)

/**
 * Converts a {@link FileTimeValue} to its number.
 *
 * @category conversions
 * @since 0.2.0
 */
export const ofValue = (value: FileTimeValue): Result.Result<bigint, WindowsValueError> =>
  value === "zero"
    ? Result.succeed(zero)
    : value === "never"
    ? Result.succeed(never)
    : value === "now"
    ? Result.succeed(now)
    : fromDateTime(value)

/**
 * Converts an interval to a span of time, as for `maxPwdAge` and `msDS-LockoutDuration`. -9223372036854775808 is infinite.
 * Fractions of a millisecond are cut off.
 *
 * @category intervals
 * @since 0.2.0
 */
export const toDuration = (units: bigint): Result.Result<Duration.Duration, WindowsValueError> =>
  units === smallest
    ? Result.succeed(Duration.infinity)
    : !isLargeInteger(units) || units > 0n
    ? wrong("interval", "it isn't positive")
    : Result.succeed(Duration.millis(Number(-units / perMilli)))

/**
 * Converts a span of time to an interval: a negative number, or 0.
 *
 * @category intervals
 * @since 0.2.0
 */
export const fromDuration = (input: Duration.Input): Result.Result<bigint, WindowsValueError> => {
  const given = Duration.fromInput(input)
  if (Option.isNone(given)) return wrong("interval", "a span of time belongs there")
  const duration = given.value
  if (!Duration.isFinite(duration)) return Result.succeed(smallest)
  const millis = Duration.toMillis(duration)
  const units = millis >= 0 && millis <= Number.MAX_SAFE_INTEGER ? BigInt(Math.floor(millis)) * perMilli : -1n
  return units < 0n || units > largest
    ? wrong("interval", "an interval must be from 0 to 2^63 units of 100 ns")
    : Result.succeed(-units)
}
