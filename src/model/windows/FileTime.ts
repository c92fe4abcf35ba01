/**
 * FILETIME, the point in time of Windows (MS-DTYP section 2.3.3): units of 100 ns since the beginning of 1601, as a number or as the text of
 * an attribute; and intervals, which are negative numbers of such units.
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

/** This many units before 1970. */
const epoch = 116_444_736_000_000_000n
const perMilli = 10_000n

const wrong = (expected: string, detail: string): Result.Result<never, WindowsValueError> =>
  Result.fail(new WindowsValueError({ expected, detail }))

/**
 * A signed integer of 64 bits from text (MS-ADTS section 3.1.1.2.2.2.7).
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
 * Whether a number has 64 bits.
 *
 * @category guards
 * @since 0.2.0
 */
export const isLargeInteger = (value: bigint): boolean =>
  typeof value === "bigint" && value <= largest && value >= smallest

/**
 * 9223372036854775807: an account with this `accountExpires` never expires. 0 means the same there.
 *
 * @category special values
 * @since 0.2.0
 */
export const never: bigint = largest

/**
 * 0: never logged on (`lastLogonTimestamp`), not locked (`lockoutTime`), must change the password (`pwdLastSet`), never expires
 * (`accountExpires`).
 *
 * @category special values
 * @since 0.2.0
 */
export const zero: bigint = 0n

/**
 * -1: has the server write the present moment. Only to be written, and only to `pwdLastSet`: it ends "must change the password".
 *
 * @category special values
 * @since 0.2.0
 */
export const now: bigint = -1n

/**
 * A FILETIME as what it means: a point in time, or one of the special values.
 *
 * @category models
 * @since 0.2.0
 */
export type FileTimeValue = DateTime.Utc | "zero" | "never" | "now"

/**
 * The point in time of a FILETIME.
 *
 * **Details**
 *
 * A `DateTime.Utc` has milliseconds: what is finer is cut off. Fails for the special values 0 and {@link never} and for negative numbers;
 * {@link valueOf} reads them too.
 *
 * @category conversions
 * @since 0.2.0
 */
export const toDateTime = (units: bigint): Result.Result<DateTime.Utc, WindowsValueError> => {
  if (!isLargeInteger(units) || units <= 0n || units === largest) {
    return wrong("FILETIME", units === 0n || units === largest ? "a special value and no time" : "it is not negative")
  }
  const sinceEpoch = units - epoch
  // Division rounds towards zero; a time before 1970 is to lose what is finer than a millisecond as others do.
  const millis = sinceEpoch >= 0n ? sinceEpoch / perMilli : -((-sinceEpoch + perMilli - 1n) / perMilli)
  return Result.succeed(DateTime.makeUnsafe(Number(millis)))
}

/**
 * The FILETIME of a point in time, for an attribute or a filter: `String` makes its text.
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
  if (!DateTime.isDateTime(time)) return wrong("FILETIME", "a DateTime belongs there")
  const units = BigInt(DateTime.toEpochMillis(time)) * perMilli + epoch
  if (units < 0n || units >= largest) return wrong("FILETIME", "it has a year from 1601 to 30828")
  // The very beginning would be a special value.
  return Result.succeed(units === 0n ? 1n : units)
}

/**
 * What a FILETIME means, special values included.
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
 * The number of a {@link FileTimeValue}.
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
 * The span of time of an interval, as in `maxPwdAge` and `msDS-LockoutDuration`: infinite for -9223372036854775808. What is finer than a
 * millisecond is cut off.
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
 * The interval of a span of time: a negative number, or 0.
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
    ? wrong("interval", "an interval is from 0 to 2^63 units of 100 ns")
    : Result.succeed(-units)
}
