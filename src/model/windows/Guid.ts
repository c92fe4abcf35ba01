/**
 * GUIDs (MS-DTYP section 2.3.4), the 16 bytes of `objectGUID`, in both byte orders.
 *
 * Windows stores the first three groups with the least significant byte first. A UUID of RFC 9562, such as OpenLDAP's `entryUUID`,
 * has its bytes in the order of its text. In a program a GUID is always its text, in lower case and without braces.
 *
 * @since 0.2.0
 */
import * as Result from "effect/Result"
import { WindowsValueError } from "./WindowsValueError.ts"

/**
 * The order of the bytes. `windows` is used in `objectGUID`, `schemaIDGUID` and security descriptors. `rfc` is the order of the
 * text (`entryUUID`, other systems).
 *
 * @category models
 * @since 0.2.0
 */
export type GuidByteOrder = "windows" | "rfc"

const windowsOrder = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]

const wrong = (detail: string): Result.Result<never, WindowsValueError> =>
  Result.fail(new WindowsValueError({ expected: "GUID", detail }))

/** Another word must not be taken for one of them: the bytes would be those of another GUID. */
const isOrder = (order: unknown): order is GuidByteOrder => order === "windows" || order === "rfc"
const noSuchOrder = "the order of its bytes is \"windows\" or \"rfc\""

/** Each order is its own inverse. */
const ordered = (bytes: Uint8Array, order: GuidByteOrder): Buffer =>
  Buffer.from(order === "windows" ? windowsOrder.map((at) => bytes[at]!) : bytes)

/**
 * Converts the 16 bytes of a GUID to its text: `b1db3cca-…`.
 *
 * **Details**
 *
 * The default byte order is that of Windows: the bytes `ca3cdbb1…` are `b1db3cca-…`.
 *
 * @category conversions
 * @since 0.2.0
 */
export const fromBytes = (
  bytes: Uint8Array,
  order: GuidByteOrder = "windows"
): Result.Result<string, WindowsValueError> => {
  if (!(bytes instanceof Uint8Array) || bytes.length !== 16) return wrong("a GUID must have 16 bytes")
  if (!isOrder(order)) return wrong(noSuchOrder)
  const hex = ordered(bytes, order).toString("hex")
  return Result.succeed(
    [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-")
  )
}

/**
 * Converts the text of a GUID to its 16 bytes. The text may be in upper case and in braces. The default byte order is that of
 * Windows.
 *
 * @category conversions
 * @since 0.2.0
 */
export const toBytes = (
  guid: string,
  order: GuidByteOrder = "windows"
): Result.Result<Uint8Array, WindowsValueError> =>
  isOrder(order)
    ? Result.map(normalize(guid), (text) => ordered(Buffer.from(text.replaceAll("-", ""), "hex"), order))
    : wrong(noSuchOrder)

/**
 * Converts a GUID to lower case and removes braces.
 *
 * @category conversions
 * @since 0.2.0
 */
export const normalize = (guid: string): Result.Result<string, WindowsValueError> => {
  const text = typeof guid === "string" ? /^\{(.*)\}$/s.exec(guid)?.[1] ?? guid : ""
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)
    ? Result.succeed(text.toLowerCase())
    : wrong("its text must have the form 01234567-89ab-cdef-0123-456789abcdef")
}

/**
 * Whether the text is a GUID.
 *
 * @category guards
 * @since 0.2.0
 */
export const isGuid = (text: unknown): text is string => typeof text === "string" && Result.isSuccess(normalize(text))
