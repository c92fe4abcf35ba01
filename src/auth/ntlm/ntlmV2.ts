/** The arithmetic of NTLM version 2 ([MS-NLMP] sections 3.3.2 and 3.4.5). Older versions are not supported. Pure. */
import { hmac, md5 } from "../crypto/hashing.ts"
import { md4 } from "../crypto/md4.ts"
import { rc4 } from "../crypto/Rc4.ts"

/** Converts letter by letter, since Windows doesn't change letters whose upper case has several characters. */
const upperCase = (text: string): string =>
  Array.from(text, (letter) => {
    const upper = letter.toUpperCase()
    return upper.length === letter.length ? upper : letter
  }).join("")

/** NTOWFv2: the server's form of the password, for this user and domain. `password` is UTF-16. */
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
  /** The pairs of the server and of this side, with the end marker. */
  readonly targetInfo: Uint8Array
}

/** The proof of knowing the password, and the session key that results from it. */
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

/** The session key that the client chose, encrypted for the server. */
export const encryptSessionKey = (sessionBaseKey: Uint8Array, exported: Uint8Array): Buffer =>
  rc4(sessionBaseKey, exported)

/** The direction of messages. */
export type Direction = "client-to-server" | "server-to-client"

/** The keys of one direction, for signatures and for encryption with 128 bits (sections 3.4.5.2 and 3.4.5.3). */
export const keysOf = (exported: Uint8Array, direction: Direction) => {
  const key = (kind: string) => md5(exported, Buffer.from(`session key to ${direction} ${kind} key magic constant\0`))
  return { signing: key("signing"), sealing: key("sealing") }
}
