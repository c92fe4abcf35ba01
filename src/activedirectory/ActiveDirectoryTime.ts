/**
 * FILETIME and intervals: converts Active Directory's numbers of 100 ns since 1601 to effect's `DateTime` and `Duration`, and back.
 *
 * The conversions are in model/windows/FileTime.ts. Codecs of typed fields are `LdapSchema.FileTime`, `FileTimeValue` and `Interval`;
 * `whenCreated` and `whenChanged` are `LdapSchema.GeneralizedTime`.
 *
 * @since 0.2.0
 */
export {
  type FileTimeValue,
  fromDateTime,
  fromDuration,
  largeIntegerFromText,
  never,
  now,
  ofValue,
  toDateTime,
  toDuration,
  valueOf,
  zero
} from "../model/windows/FileTime.ts"
export { WindowsValueError } from "../model/windows/WindowsValueError.ts"
