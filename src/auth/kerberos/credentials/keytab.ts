/**
 * Parses keytab files (MIT's format, version 2, which all implementations write): long-term keys of principals. It takes bytes; the
 * caller reads the file. Pure.
 */
import type * as Result from "effect/Result"
import type { KerberosKey } from "../crypto/EncryptionType.ts"
import { byId } from "../crypto/encryptionTypes.ts"
import { ByteReader, reading } from "./ByteReader.ts"

export interface KeytabEntry {
  readonly components: ReadonlyArray<string>
  readonly realm: string
  readonly version: number
  /** `undefined` for an encryption type that is not supported. */
  readonly key: KerberosKey | undefined
  readonly encryptionType: number
}

export const readKeytab = (bytes: Uint8Array): Result.Result<ReadonlyArray<KeytabEntry>, string> =>
  reading(bytes, (file) => {
    const version = file.uint16()
    if (version !== 0x0502) throw new RangeError("it is not a keytab of version 2")
    const entries: Array<KeytabEntry> = []
    while (!file.done) {
      const size = file.int32()
      // Zero marks the end. A negative size is a hole where an entry was removed.
      if (size === 0) break
      const content = file.take(Math.abs(size))
      if (size > 0) entries.push(readEntry(new ByteReader(content)))
    }
    return entries
  })

const readEntry = (entry: ByteReader): KeytabEntry => {
  const count = entry.uint16()
  const text = () => entry.take(entry.uint16()).toString()
  const realm = text()
  const components = Array.from({ length: count }, text)
  // The type of the name, and the time when the entry was written.
  entry.take(8)
  const shortVersion = entry.take(1)[0]!
  const encryptionType = entry.uint16()
  const bytes = entry.take(entry.uint16())
  const longVersion = entry.rest >= 4 ? entry.uint32() : 0
  const type = byId(encryptionType)
  if (type !== undefined && bytes.length !== type.keyBytes)
    throw new RangeError(`a key of ${type.name} has a wrong length`)
  return {
    components,
    realm,
    version: longVersion === 0 ? shortVersion : longVersion,
    key: type?.key(bytes),
    encryptionType
  }
}
