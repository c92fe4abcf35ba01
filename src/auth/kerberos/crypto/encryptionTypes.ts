/** The encryption types that exist here, by number and by name, and which of them are used unless a program says otherwise. */
import { aes128Sha1, aes256Sha1 } from "./aesSha1.ts"
import { aes128Sha2, aes256Sha2 } from "./aesSha2.ts"
import type { EncryptionType, EncryptionTypeName } from "./EncryptionType.ts"
import { rc4Hmac } from "./rc4Hmac.ts"

/** The best first. */
const all: ReadonlyArray<EncryptionType> = [aes256Sha2, aes128Sha2, aes256Sha1, aes128Sha1, rc4Hmac]

/** rc4-hmac is not among them: it has to be asked for. */
export const defaultEncryptionTypes: ReadonlyArray<EncryptionTypeName> = all
  .filter((type) => type !== rc4Hmac)
  .map(({ name }) => name)

export const byId = (id: number): EncryptionType | undefined => all.find((type) => type.id === id)

/** Those with these names, the best first, whatever the order of the names. */
export const byNames = (names: ReadonlyArray<EncryptionTypeName>): ReadonlyArray<EncryptionType> =>
  all.filter(({ name }) => names.includes(name))

/** A type by its number, or by what krb5.conf may call it. */
export const describeType = (id: number): string => byId(id)?.name ?? olderNames.get(id) ?? `encryption type ${id}`

/** Types that are not supported, for errors. */
const olderNames = new Map([
  [1, "des-cbc-crc"],
  [3, "des-cbc-md5"],
  [16, "des3-cbc-sha1"],
  [23, "rc4-hmac"],
  [24, "rc4-hmac-exp"],
  [25, "camellia128-cts-cmac"],
  [26, "camellia256-cts-cmac"]
])
