/** The supported encryption types, by number and by name, and the default choice. */
import { aes128Sha1, aes256Sha1 } from "./aesSha1.ts"
import { aes128Sha2, aes256Sha2 } from "./aesSha2.ts"
import type { EncryptionType, EncryptionTypeName } from "./EncryptionType.ts"
import { rc4Hmac } from "./rc4Hmac.ts"

/** In order of preference. */
const all: ReadonlyArray<EncryptionType> = [aes256Sha2, aes128Sha2, aes256Sha1, aes128Sha1, rc4Hmac]

/** rc4-hmac is not a default: a program must name it. */
export const defaultEncryptionTypes: ReadonlyArray<EncryptionTypeName> = all
  .filter((type) => type !== rc4Hmac)
  .map(({ name }) => name)

export const byId = (id: number): EncryptionType | undefined => all.find((type) => type.id === id)

/** The types with these names, in order of preference, whatever the order of the names. */
export const byNames = (names: ReadonlyArray<EncryptionTypeName>): ReadonlyArray<EncryptionType> =>
  all.filter(({ name }) => names.includes(name))

/** The name of a type, for errors. Unsupported types have one too. */
export const describeType = (id: number): string => byId(id)?.name ?? olderNames.get(id) ?? `encryption type ${id}`

/** The names of unsupported types, and of rc4-hmac, which is supported only if a program names it. */
const olderNames = new Map([
  [1, "des-cbc-crc"],
  [3, "des-cbc-md5"],
  [16, "des3-cbc-sha1"],
  [23, "rc4-hmac"],
  [24, "rc4-hmac-exp"],
  [25, "camellia128-cts-cmac"],
  [26, "camellia256-cts-cmac"]
])
