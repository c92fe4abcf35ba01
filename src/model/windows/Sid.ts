/**
 * Converts security identifiers (MS-DTYP section 2.4.2) between bytes, as directories store them, and text, `S-1-5-21-…`. In a
 * program a SID is always its text, in the form of {@link fromBytes}.
 *
 * @since 0.2.0
 */
import * as Result from "effect/Result"
import { WindowsValueError } from "./WindowsValueError.ts"

const maxSubAuthorities = 15
const maxAuthority = 2n ** 48n

const wrong = (detail: string): Result.Result<never, WindowsValueError> =>
  Result.fail(new WindowsValueError({ expected: "security identifier (SID)", detail }))

/**
 * Converts the bytes of `objectSid`, `tokenGroups` or `sIDHistory` to the text of a SID.
 *
 * **Details**
 *
 * The bytes must be exactly one SID. An authority of 2³² or more is written in hexadecimal, as Windows does.
 *
 * **Example**
 *
 * ```ts
 * import { ActiveDirectorySid, type LdapEntry } from "effect-ldap"
 *
 * const sids = (user: LdapEntry.LdapEntry) => user.getAllBytes("tokenGroups").map(ActiveDirectorySid.fromBytes)
 * ```
 *
 * @category conversions
 * @since 0.2.0
 */
export const fromBytes = (bytes: Uint8Array): Result.Result<string, WindowsValueError> => {
  if (!(bytes instanceof Uint8Array)) return wrong("expected bytes")
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = view[1] ?? 0
  if (view[0] !== 1) return wrong("its first byte, the revision, must be 1")
  if (count > maxSubAuthorities) return wrong(`it can have at most ${maxSubAuthorities} subauthorities`)
  if (view.length !== 8 + 4 * count) return wrong(`with ${count} subauthorities it must have ${8 + 4 * count} bytes`)
  const parts = Array.from({ length: count }, (_, i) => view.readUInt32LE(8 + 4 * i))
  return Result.succeed(["S-1", authorityText(BigInt(view.readUIntBE(2, 6))), ...parts].join("-"))
}

const authorityText = (authority: bigint): string =>
  authority < 2n ** 32n ? String(authority) : `0x${authority.toString(16).padStart(12, "0").toUpperCase()}`

/**
 * Converts the text of a SID to bytes, as a value of a filter or of an attribute.
 *
 * **Details**
 *
 * An authority may be decimal or hexadecimal (`0x…`).
 *
 * @category conversions
 * @since 0.2.0
 */
export const toBytes = (sid: string): Result.Result<Uint8Array, WindowsValueError> => {
  const parts = typeof sid === "string" ? /^S-1-(0x[0-9a-f]{1,12}|[0-9]{1,15})((?:-[0-9]{1,10})*)$/i.exec(sid) : null
  if (parts === null) return wrong("its text must have the form S-1-…")
  const authority = BigInt(parts[1]!)
  const subAuthorities = parts[2]!.split("-").slice(1).map(Number)
  if (
    authority >= maxAuthority || subAuthorities.length > maxSubAuthorities ||
    subAuthorities.some((part) => part >= 2 ** 32)
  ) {
    return wrong("a number of the security identifier is out of range")
  }
  const bytes = Buffer.alloc(8 + 4 * subAuthorities.length)
  bytes[0] = 1
  bytes[1] = subAuthorities.length
  bytes.writeUIntBE(Number(authority), 2, 6)
  for (const [i, part] of subAuthorities.entries()) bytes.writeUInt32LE(part, 8 + 4 * i)
  return Result.succeed(bytes)
}

/**
 * Converts a SID to the form of {@link fromBytes}, for comparison: capitals, no leading zeros.
 *
 * @category conversions
 * @since 0.2.0
 */
export const normalize = (sid: string): Result.Result<string, WindowsValueError> =>
  Result.flatMap(toBytes(sid), fromBytes)

/**
 * Whether the text is a SID.
 *
 * @category guards
 * @since 0.2.0
 */
export const isSid = (text: unknown): text is string => typeof text === "string" && Result.isSuccess(toBytes(text))

/**
 * The last number of a SID, the relative identifier (RID): 513 in the SID of a domain's group Domain Users.
 *
 * @category parts
 * @since 0.2.0
 */
export const ridOf = (sid: string): Result.Result<number, WindowsValueError> =>
  Result.flatMap(normalize(sid), (text) => {
    const parts = text.split("-")
    return parts.length < 4 ? wrong("it has no relative identifier") : Result.succeed(Number(parts.at(-1)))
  })

/**
 * A SID without its last number: the domain of an account's or group's SID, `S-1-5-21-…`.
 *
 * **Details**
 *
 * For a SID outside of any domain, the last number is removed too: the result for `S-1-5-32-544` is `S-1-5-32`.
 *
 * @category parts
 * @since 0.2.0
 */
export const domainOf = (sid: string): Result.Result<string, WindowsValueError> =>
  Result.flatMap(normalize(sid), (text) => {
    const parts = text.split("-")
    return parts.length < 4
      ? wrong("it has no relative identifier")
      : Result.succeed(parts.slice(0, -1).join("-"))
  })

/**
 * The SID of an account or group of a domain: the SID of the domain and a relative identifier, such as a `primaryGroupID`.
 *
 * **Example**
 *
 * ```ts
 * import { ActiveDirectorySid } from "effect-ldap"
 *
 * ActiveDirectorySid.withRid("S-1-5-21-1-2-3", 513) // Result.succeed("S-1-5-21-1-2-3-513"): Domain Users
 * ```
 *
 * @category parts
 * @since 0.2.0
 */
export const withRid = (domain: string, rid: number): Result.Result<string, WindowsValueError> =>
  !Number.isInteger(rid) || rid < 0 || rid >= 2 ** 32
    ? wrong("a relative identifier must be an integer from 0 to 4294967295")
    : Result.flatMap(normalize(domain), (text) => normalize(`${text}-${rid}`))
