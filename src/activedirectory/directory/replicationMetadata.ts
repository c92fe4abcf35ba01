/**
 * Replication metadata: for each attribute, the change and the controller that its value comes from (`replPropertyMetaData`, MS-DRSR
 * section 5.159), and how far a replica has followed the others (`replUpToDateVector`, MS-DRSR section 5.165).
 *
 * @since 0.2.0
 */
import type * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import { toDateTime } from "../../model/windows/FileTime.ts"
import type { WindowsValueError } from "../../model/windows/WindowsValueError.ts"
import { type ByteCursor, readWhole } from "../ByteCursor.ts"

/**
 * The last change of one attribute of an entry.
 *
 * @category models
 * @since 0.2.0
 */
export interface AttributeChange {
  /** The attribute as a number (ATTRTYP, MS-DRSR section 5.14); {@link attributeOid} gives its object identifier. */
  readonly attribute: number
  /** How often it has changed. */
  readonly version: number
  /** The time of the change, by the clock of the controller that made it; `undefined` for 0. */
  readonly time: DateTime.Utc | undefined
  /** The controller that made the change, by its invocation id. */
  readonly invocation: string
  /** The number of the change on that controller. */
  readonly originatingUsn: bigint
  /** The number of the change on the controller that was read from. */
  readonly localUsn: bigint
}

/**
 * How far a replica has followed one controller.
 *
 * @category models
 * @since 0.2.0
 */
export interface ReplicaCursor {
  /** The invocation id of the other domain controller's database, as the text of a GUID. */
  readonly invocation: string
  /** The replica has all changes of that controller up to this number. */
  readonly usn: bigint
  /** When replication last succeeded; `undefined` if the server doesn't say. */
  readonly time: DateTime.Utc | undefined
}

/** DSTIME: whole seconds since 1601. */
const secondsTime = (seconds: bigint): DateTime.Utc | undefined =>
  Result.getOrUndefined(toDateTime(seconds * 10_000_000n))

/** By MS-DRSR a cursor has seconds too, but Samba writes FILETIME. A number this large can't be seconds of this era. */
const cursorTime = (value: bigint): DateTime.Utc | undefined =>
  value < 2n ** 40n ? secondsTime(value) : Result.getOrUndefined(toDateTime(value))

/** Reads an array of elements of one size. The count is checked against the bytes before anything is allocated. */
const elements = <A>(cursor: ByteCursor, size: number, read: () => A): ReadonlyArray<A> => {
  const count = cursor.uint32()
  cursor.uint32()
  if (count * size !== cursor.left) return cursor.fail(`${count} elements of ${size} bytes don't fill it`)
  return Array.from({ length: count }, read)
}

/**
 * For each attribute, the change that gave it its value, from `replPropertyMetaData`.
 *
 * @category replication
 * @since 0.2.0
 */
export const attributeChanges = (
  bytes: Uint8Array
): Result.Result<ReadonlyArray<AttributeChange>, WindowsValueError> =>
  readWhole(bytes, "replPropertyMetaData", (cursor) => {
    const version = cursor.uint32()
    if (version !== 1) return cursor.fail(`it has the unknown version ${version}`)
    cursor.uint32()
    return elements(cursor, 48, () => ({
      attribute: cursor.uint32(),
      version: cursor.uint32(),
      time: secondsTime(cursor.uint64()),
      invocation: cursor.guid(),
      originatingUsn: cursor.uint64(),
      localUsn: cursor.uint64()
    }))
  })

/**
 * How far a replica of a naming context has followed the others, from `replUpToDateVector`. Both versions of its format are read; only the
 * second one has times.
 *
 * @category replication
 * @since 0.2.0
 */
export const replicaCursors = (bytes: Uint8Array): Result.Result<ReadonlyArray<ReplicaCursor>, WindowsValueError> =>
  readWhole(bytes, "replUpToDateVector", (cursor) => {
    const version = cursor.uint32()
    if (version !== 1 && version !== 2) return cursor.fail(`it has the unknown version ${version}`)
    cursor.uint32()
    return elements(cursor, version === 1 ? 24 : 32, () => ({
      invocation: cursor.guid(),
      usn: cursor.uint64(),
      time: version === 1 ? undefined : cursorTime(cursor.uint64())
    }))
  })

/** The prefixes that every forest has (MS-DRSR section 5.16.4): the object identifier before the last number, by the upper 16 bits. */
const prefixes = new Map<number, string>([
  [0x00, "2.5.4"],
  [0x02, "1.2.840.113556.1.2"],
  [0x03, "1.2.840.113556.1.3"],
  [0x09, "1.2.840.113556.1.4"],
  [0x14, "2.16.840.1.113730.3"],
  [0x15, "0.9.2342.19200300.100.1"],
  [0x16, "2.16.840.1.113730.3.1"],
  [0x18, "2.5.21"],
  [0x19, "2.5.18"],
  [0x1a, "2.5.20"],
  [0x1b, "1.3.6.1.4.1.1466.101.119"],
  [0x1d, "1.3.6.1.4.1.250.1"],
  [0x1e, "1.2.840.113549.1.9"],
  [0x1f, "0.9.2342.19200300.100.4"]
])

/**
 * The object identifier of an attribute by its number, for the prefixes that every forest has; `undefined` for those of schema extensions.
 *
 * @category replication
 * @since 0.2.0
 */
export const attributeOid = (attribute: number): string | undefined => {
  const prefix = prefixes.get(attribute >>> 16)
  const last = attribute & 0xffff
  return prefix === undefined || last >= 0x4000 ? undefined : `${prefix}.${last}`
}
