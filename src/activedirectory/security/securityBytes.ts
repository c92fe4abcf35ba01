/**
 * Converts security descriptors to bytes and back, in the self-relative form of `nTSecurityDescriptor` (MS-DTYP sections 2.4.4 to 2.4.6).
 *
 * Offsets and sizes come from peers. Each is checked against the number of bytes, and every entry takes at least eight bytes, so time and
 * memory are bounded by the size of the input.
 */
import * as Result from "effect/Result"
import * as Guid from "../../model/windows/Guid.ts"
import * as Sid from "../../model/windows/Sid.ts"
import { WindowsValueError } from "../../model/windows/WindowsValueError.ts"
import {
  type AccessControlList,
  aceTypes,
  aceTypesByNumber,
  type Entry,
  isObjectType,
  type SecurityDescriptor
} from "./securityModel.ts"

/** Two lists of 65,535 bytes and two SIDs of 68 are less than this. */
export const maxBytes = 256 * 1024

const daclPresent = 0x0004
const saclPresent = 0x0010
const selfRelative = 0x8000
/** These bits are computed from the descriptor. */
const derived = daclPresent | saclPresent | selfRelative

const headerLength = 20
const guidLength = 16
const objectTypePresent = 1
const inheritedObjectTypePresent = 2

const fail = (detail: string, position?: number): never => {
  throw new WindowsValueError({ expected: "security descriptor", detail, position })
}

/** Turns what {@link fail} throws into a failure; anything else is a defect of this file. */
const attempt = <A>(body: () => A): Result.Result<A, WindowsValueError> => {
  try {
    return Result.succeed(body())
  } catch (error) {
    if (error instanceof WindowsValueError) return Result.fail(error)
    throw error
  }
}

/** The value of a conversion, or its failure with the position. */
const valid = <A>(result: Result.Result<A, WindowsValueError>, position?: number): A =>
  Result.isSuccess(result) ? result.success : fail(result.failure.message, position)

// ---------------------------------------------------------------------------------------------------------------------
// Reading
// ---------------------------------------------------------------------------------------------------------------------

export const readDescriptor = (octets: Uint8Array): Result.Result<SecurityDescriptor, WindowsValueError> =>
  attempt(() => {
    if (!(octets instanceof Uint8Array)) return fail("bytes belong there")
    if (octets.length > maxBytes) return fail(`it has more than ${maxBytes} bytes`)
    if (octets.length < headerLength) return fail(`it has at least ${headerLength} bytes`)
    const bytes = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
    if (bytes[0] !== 1) return fail("its revision is 1", 0)
    const control = bytes.readUInt16LE(2)
    if ((control & selfRelative) === 0) return fail("it is not in the self-relative form", 2)
    const list = (present: number, at: number): AccessControlList | null | undefined => {
      if ((control & present) === 0) return undefined
      const offset = bytes.readUInt32LE(at)
      return offset === 0 ? null : readList(bytes, offset)
    }
    const sid = (at: number): string | undefined => {
      const offset = bytes.readUInt32LE(at)
      return offset === 0 ? undefined : readSid(bytes, offset, bytes.length).sid
    }
    return {
      owner: sid(4),
      group: sid(8),
      control: control & ~derived,
      resourceManagerControl: bytes[1]!,
      dacl: list(daclPresent, 16),
      sacl: list(saclPresent, 12)
    }
  })

/** The SID that starts at an offset, and its end, which must not be beyond `end`. */
const readSid = (bytes: Buffer, offset: number, end: number): { readonly sid: string; readonly end: number } => {
  if (offset + 8 > end) return fail("a SID ends too early", offset)
  const length = 8 + 4 * bytes[offset + 1]!
  if (offset + length > end) return fail("a SID ends too early", offset)
  return { sid: valid(Sid.fromBytes(bytes.subarray(offset, offset + length)), offset), end: offset + length }
}

const readList = (bytes: Buffer, offset: number): AccessControlList => {
  if (offset < headerLength || offset + 8 > bytes.length) return fail("a list is outside of it", offset)
  const size = bytes.readUInt16LE(offset + 2)
  const count = bytes.readUInt16LE(offset + 4)
  const end = offset + size
  if (size < 8 || end > bytes.length) return fail("the size of a list is wrong", offset + 2)
  const revision = bytes[offset]!
  if (revision < 2 || revision > 4) return fail("the revision of a list is 2 to 4", offset)
  const entries: Array<Entry> = []
  let at = offset + 8
  for (let i = 0; i < count; i++) {
    if (at + 4 > end) return fail("a list has fewer entries than it says", at)
    const length = bytes.readUInt16LE(at + 2)
    if (length < 8 || length % 4 !== 0 || at + length > end) return fail("the size of an entry is wrong", at + 2)
    entries.push(readEntry(bytes, at, at + length))
    at += length
  }
  return { revision, entries }
}

const readEntry = (bytes: Buffer, start: number, end: number): Entry => {
  const number = bytes[start]!
  const flags = bytes[start + 1]!
  const type = aceTypesByNumber.get(number)
  // A copy, since a view would keep the server's whole message in memory.
  if (type === undefined)
    return { type: "unknown", number, flags, body: Uint8Array.from(bytes.subarray(start + 4, end)) }
  const mask = bytes.readUInt32LE(start + 4)
  let at = start + 8
  let objectType: string | undefined
  let inheritedObjectType: string | undefined
  if (isObjectType(type)) {
    if (at + 4 > end) return fail("an entry ends too early", at)
    const present = bytes.readUInt32LE(at)
    at += 4
    const guid = (flag: number): string | undefined => {
      if ((present & flag) === 0) return undefined
      if (at + guidLength > end) return fail("an entry ends too early", at)
      at += guidLength
      return valid(Guid.fromBytes(bytes.subarray(at - guidLength, at)), at)
    }
    objectType = guid(objectTypePresent)
    inheritedObjectType = guid(inheritedObjectTypePresent)
  }
  const { end: afterSid, sid } = readSid(bytes, at, end)
  return {
    type,
    flags,
    mask,
    sid,
    ...(objectType === undefined ? {} : { objectType }),
    ...(inheritedObjectType === undefined ? {} : { inheritedObjectType }),
    ...(afterSid === end ? {} : { applicationData: Uint8Array.from(bytes.subarray(afterSid, end)) })
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Writing
// ---------------------------------------------------------------------------------------------------------------------

/** The parts in the order of Windows: header, SACL, DACL, owner, group. */
export const writeDescriptor = (descriptor: SecurityDescriptor): Result.Result<Uint8Array, WindowsValueError> =>
  attempt(() => {
    if (typeof descriptor !== "object" || descriptor === null) return fail("a descriptor belongs there")
    const { control, dacl, group, owner, resourceManagerControl, sacl } = descriptor
    const header = Buffer.alloc(headerLength)
    header[0] = 1
    header[1] = uint(resourceManagerControl, 8, "the control byte of resource managers")
    header.writeUInt16LE(
      (uint(control, 16, "control") & ~derived) | selfRelative |
        (dacl === undefined ? 0 : daclPresent) | (sacl === undefined ? 0 : saclPresent),
      2
    )
    const parts: Array<Uint8Array> = [header]
    let length = headerLength
    const append = (part: Uint8Array | undefined, at: number) => {
      if (part === undefined) return
      header.writeUInt32LE(length, at)
      parts.push(part)
      length += part.length
    }
    append(sacl ? writeList(sacl) : undefined, 12)
    append(dacl ? writeList(dacl) : undefined, 16)
    append(owner === undefined ? undefined : valid(Sid.toBytes(owner)), 4)
    append(group === undefined ? undefined : valid(Sid.toBytes(group)), 8)
    return Buffer.concat(parts)
  })

const uint = (value: number, bits: number, what: string): number =>
  Number.isInteger(value) && value >= 0 && value < 2 ** bits ? value : fail(`${what} has ${bits} bits`)

const writeList = ({ entries, revision }: AccessControlList): Uint8Array => {
  if (!isArray(entries)) return fail("a list has an array of entries")
  const written = entries.map(writeEntry)
  const header = Buffer.alloc(8)
  const needsObjects = entries.some(({ type }) => type !== "unknown" && isObjectType(type))
  header[0] = needsObjects ? Math.max(uint(revision, 8, "a revision"), 4) : uint(revision, 8, "a revision")
  if (header[0] < 2 || header[0] > 4) return fail("the revision of a list is 2 to 4")
  const size = written.reduce((sum, { length }) => sum + length, header.length)
  if (size > 0xffff) return fail("a list has at most 65535 bytes, about 1,800 entries; give rights to groups instead")
  header.writeUInt16LE(size, 2)
  header.writeUInt16LE(written.length, 4)
  return Buffer.concat([header, ...written])
}

/** Like `Array.isArray`, but for readonly arrays. */
const isArray = (u: ReadonlyArray<Entry>): boolean => Array.isArray(u)

const writeEntry = (entry: Entry): Uint8Array => {
  const header = Buffer.alloc(4)
  header[1] = uint(entry.flags, 8, "the flags of an entry")
  const parts: Array<Uint8Array> = [header]
  if (entry.type === "unknown") {
    header[0] = uint(entry.number, 8, "the kind of an entry")
    parts.push(bytesOf(entry.body))
  } else {
    const number = aceTypes[entry.type] as number | undefined
    header[0] = number ?? fail("there is no such kind of entry")
    const mask = Buffer.alloc(4)
    mask.writeUInt32LE(uint(entry.mask, 32, "the rights of an entry"))
    parts.push(mask)
    const guids = [entry.objectType, entry.inheritedObjectType]
    if (isObjectType(entry.type)) {
      const present = Buffer.alloc(4)
      present[0] = (guids[0] === undefined ? 0 : objectTypePresent) |
        (guids[1] === undefined ? 0 : inheritedObjectTypePresent)
      parts.push(present, ...guids.flatMap((guid) => (guid === undefined ? [] : [valid(Guid.toBytes(guid))])))
    } else if (guids.some((guid) => guid !== undefined)) {
      return fail("only the kinds of entries with Object have GUIDs")
    }
    parts.push(valid(Sid.toBytes(entry.sid)))
    if (entry.applicationData !== undefined) parts.push(bytesOf(entry.applicationData))
  }
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  if (length < 8) return fail("an entry has at least 8 bytes")
  if (length % 4 !== 0) return fail("the length of an entry is a multiple of four; fill its data up with zeros")
  if (length > 0xffff) return fail("an entry has at most 65535 bytes")
  header.writeUInt16LE(length, 2)
  return Buffer.concat(parts)
}

const bytesOf = (data: unknown): Uint8Array => data instanceof Uint8Array ? data : fail("data of entries are bytes")
