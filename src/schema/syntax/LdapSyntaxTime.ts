/**
 * Points in time as attribute values: Generalized Time and UTC Time (RFC 4517 sections 3.3.13 and 3.3.34).
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { fromText } from "./syntax.ts"

/**
 * Generalized Time, as in `createTimestamp`: `20240229120000Z`, `2024022912.5Z`, `20240229130000+0100`.
 *
 * **Details**
 *
 * Reads all forms of RFC 4517 section 3.3.13. Minutes and seconds may be missing. A fraction (after `.` or `,`) belongs to the last
 * unit that is present. The zone is `Z` or an offset. A `DateTime.Utc` has milliseconds, so the rest is cut off, towards the past.
 * A leap second (`60`, which the grammar allows in every minute) is read as the first second of the next minute, since neither Unix
 * time nor `DateTime` has leap seconds.
 *
 * Writes seconds, a fraction if it isn't zero, and `Z`. Years must be from 0000 to 9999.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const GeneralizedTime = fromText(Schema.DateTimeUtc, {
  decode: (text) => Result.map(readGeneralizedTime(text), DateTime.makeUnsafe),
  encode: (time) => writeGeneralizedTime(DateTime.toEpochMillis(time))
})

/**
 * UTC Time, the older form with two digits of the year: `240229120000Z`.
 *
 * **Details**
 *
 * Years 50 to 99 are in the 20th century, years 00 to 49 in the 21st, as in X.509. Seconds may be missing. A value without a zone
 * is in the server's local time, which a client can't know, so it is refused. Writes whole seconds, for the years 1950 to 2049;
 * milliseconds are cut off.
 *
 * @category syntaxes
 * @since 0.1.0
 */
export const UtcTime = fromText(Schema.DateTimeUtc, {
  decode: (text) => Result.map(readUtcTime(text), DateTime.makeUnsafe),
  encode: (time) => writeUtcTime(DateTime.toEpochMillis(time))
})

// ---------------------------------------------------------------------------------------------------------------------
// Reading
// ---------------------------------------------------------------------------------------------------------------------

const minute = 60_000
const hour = 60 * minute

const zone = "(?:Z|(?<sign>[+-])(?<zoneHour>[01][0-9]|2[0-3])(?<zoneMinute>[0-5][0-9])?)"
const generalized = new RegExp(
  `^(?<year>[0-9]{4})(?<month>[0-9]{2})(?<day>[0-9]{2})(?<hour>[01][0-9]|2[0-3])` +
    `(?:(?<minute>[0-5][0-9])(?<second>[0-5][0-9]|60)?)?(?:[.,](?<fraction>[0-9]+))?${zone}$`
)
const utc = new RegExp(
  `^(?<year>[0-9]{2})(?<month>[0-9]{2})(?<day>[0-9]{2})(?<hour>[01][0-9]|2[0-3])(?<minute>[0-5][0-9])` +
    `(?<second>[0-5][0-9])?${zone}$`
)

/** Milliseconds since 1970. @internal */
export const readGeneralizedTime = (text: string): Result.Result<number, string> => {
  const parts = generalized.exec(text)?.groups
  if (parts === undefined) return Result.fail("not a Generalized Time (YYYYMMDDhh[mm[ss]][.f] and Z or an offset)")
  const unit = parts["minute"] === undefined ? hour : parts["second"] === undefined ? minute : 1000
  return Result.map(
    instant(Number(parts["year"]), parts),
    (millis) => millis + (parts["fraction"] === undefined ? 0 : fractionOf(parts["fraction"], unit))
  )
}

/** Milliseconds since 1970. @internal */
export const readUtcTime = (text: string): Result.Result<number, string> => {
  const parts = utc.exec(text)?.groups
  if (parts === undefined) {
    return Result.fail(
      /^[0-9]{10}([0-9]{2})?$/.test(text)
        ? "a UTC Time without a zone, which is in the server's local time"
        : "not a UTC Time (YYMMDDhhmm[ss] and Z or an offset)"
    )
  }
  const year = Number(parts["year"])
  return instant(year + (year < 50 ? 2000 : 1900), parts)
}

const instant = (year: number, parts: Record<string, string | undefined>): Result.Result<number, string> => {
  const number = (name: string): number => Number(parts[name] ?? 0)
  const date = new Date(0)
  // Not Date.UTC: it reads the years 0 to 99 as 1900 to 1999.
  date.setUTCFullYear(year, number("month") - 1, number("day"))
  if (date.getUTCMonth() !== number("month") - 1 || date.getUTCDate() !== number("day")) {
    return Result.fail("no such day in the calendar")
  }
  const offset = (number("zoneHour") * hour + number("zoneMinute") * minute) * (parts["sign"] === "-" ? -1 : 1)
  return Result.succeed(
    date.getTime() + number("hour") * hour + number("minute") * minute + number("second") * 1000 - offset
  )
}

/** How many milliseconds a fraction of a unit has, exactly. Digits past the thirtieth are ignored: no clock is that precise. */
const fractionOf = (digits: string, unit: number): number => {
  const kept = digits.slice(0, 30)
  return Number(BigInt(kept) * BigInt(unit) / 10n ** BigInt(kept.length))
}

// ---------------------------------------------------------------------------------------------------------------------
// Writing
// ---------------------------------------------------------------------------------------------------------------------

const firstYear = new Date("0000-01-01T00:00:00Z").getTime()
const afterLastYear = new Date("+010000-01-01T00:00:00Z").getTime()

/** @internal */
export const writeGeneralizedTime = (millis: number): Result.Result<string, string> => {
  if (millis < firstYear || millis >= afterLastYear)
    return Result.fail("a Generalized Time has a year from 0000 to 9999")
  const [date, fraction = ""] = new Date(millis).toISOString().slice(0, -1).split(".")
  const digits = fraction.replace(/0+$/, "")
  return Result.succeed(`${date!.replace(/[-T:]/g, "")}${digits === "" ? "" : `.${digits}`}Z`)
}

const writeUtcTime = (millis: number): Result.Result<string, string> => {
  const year = new Date(millis).getUTCFullYear()
  return year < 1950 || year > 2049
    ? Result.fail("a UTC Time has a year from 1950 to 2049")
    : Result.succeed(`${new Date(millis).toISOString().slice(2, 19).replace(/[-T:]/g, "")}Z`)
}
