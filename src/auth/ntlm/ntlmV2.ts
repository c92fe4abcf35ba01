/** The arithmetic of NTLM version 2 ([MS-NLMP] section 3.3.2 and 3.4.5). There is none of the older versions here. Pure. */
import { hmac, md5 } from "../crypto/hashing.ts"
import { md4 } from "../crypto/md4.ts"
import { rc4 } from "../crypto/Rc4.ts"

/** Letter by letter, since Windows keeps letters whose capital is more than one. */
const upperCase = (text: string): string =>
  Array.from(text, (letter) => {
    const upper = letter.toUpperCase()
    return upper.length === letter.length ? upper : letter
  }).join("")

/** NTOWFv2: what the server has of the password, for this user and domain. `password` is UTF-16. */
export const ntowf = (password: Uint8Array, user: string, domain: string): Buffer => {
  const hash = md4(password)
  const key = hmac("md5", hash, Buffer.from(upperCase(user) + domain, "utf16le"))
  hash.fill(0)
  return key
}

export interface ResponseInput {
  readonly key: Uint8Array
  readonly serverChallenge: Uint8Array
  readonly clientChallenge: Uint8Array
  /** A FILETIME. */
  readonly timestamp: Uint8Array
  /** The pairs of the server and of this side, with their end. */
  readonly targetInfo: Uint8Array
}

/** The proof of knowing the password, and the key of the session that follows from it. */
export const respond = ({ clientChallenge, key, serverChallenge, targetInfo, timestamp }: ResponseInput) => {
  const temporary = Buffer.concat([
    Buffer.from([1, 1, 0, 0, 0, 0, 0, 0]),
    timestamp,
    clientChallenge,
    Buffer.alloc(4),
    targetInfo,
    Buffer.alloc(4)
  ])
  const proof = hmac("md5", key, serverChallenge, temporary)
  return { response: Buffer.concat([proof, temporary]), sessionBaseKey: hmac("md5", key, proof) }
}

/** The session key that the client chose, for the server alone. */
export const encryptSessionKey = (sessionBaseKey: Uint8Array, exported: Uint8Array): Buffer =>
  rc4(sessionBaseKey, exported)

/** Which way messages go. */
export type Direction = "client-to-server" | "server-to-client"

/** Keys of one direction, for signatures and for encryption with 128 bits (sections 3.4.5.2 and 3.4.5.3). */
export const keysOf = (exported: Uint8Array, direction: Direction) => {
  const key = (kind: string) => md5(exported, Buffer.from(`session key to ${direction} ${kind} key magic constant\0`))
  return { signing: key("signing"), sealing: key("sealing") }
}
