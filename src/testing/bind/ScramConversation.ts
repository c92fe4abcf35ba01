/**
 * The server's side of SCRAM (RFC 5802, RFC 7677), without channel binding. It needs the password in clear text. If there is no
 * such user or password, the conversation continues to its end, so that a client can't learn whether the user exists.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from "node:crypto"

export type ScramHash = "SHA-1" | "SHA-256" | "SHA-512"

/** Node's name of a hash. */
export const scramHashes: ReadonlyMap<ScramHash, string> = new Map([
  ["SHA-1", "sha1"],
  ["SHA-256", "sha256"],
  ["SHA-512", "sha512"]
])

const iterations = 4096

export interface Begun {
  readonly conversation: ScramConversation
  /** The server-first-message. */
  readonly first: Uint8Array
}

const clientFirst = /^([ny]),(?:a=([^,]*))?,n=([^,]+),r=([!-+\--~]+)$/

export class ScramConversation {
  readonly user: string
  /** The authorization identity that the client asks for; empty for the user's own. */
  readonly authzId: string
  readonly #digest: string
  readonly #password: Uint8Array | undefined
  readonly #header: string
  readonly #bare: string
  readonly #nonce: string
  readonly #salt: Buffer
  readonly #first: string

  private constructor(
    digest: string,
    password: Uint8Array | undefined,
    message: { readonly header: string; readonly bare: string; readonly nonce: string },
    who: { readonly user: string; readonly authzId: string }
  ) {
    this.user = who.user
    this.authzId = who.authzId
    this.#digest = digest
    this.#password = password
    this.#header = message.header
    this.#bare = message.bare
    this.#nonce = `${message.nonce}${randomBytes(18).toString("base64")}`
    this.#salt = randomBytes(16)
    this.#first = `r=${this.#nonce},s=${this.#salt.toString("base64")},i=${iterations}`
  }

  /** Reads the client-first-message; `undefined` if it is malformed or asks for channel binding. */
  static begin(
    hash: ScramHash,
    message: Buffer,
    passwordOf: (user: string) => Uint8Array | undefined
  ): Begun | undefined {
    const text = message.toString("utf8")
    const [, flag = "", authzId = "", name = "", nonce = ""] = clientFirst.exec(text) ?? []
    const digest = scramHashes.get(hash)
    if (flag === "" || digest === undefined || message.length > 1024) return undefined
    const user = unescaped(name)
    const bare = `n=${name},r=${nonce}`
    const header = text.slice(0, text.length - bare.length)
    const who = { user, authzId: unescaped(authzId) }
    const conversation = new ScramConversation(digest, passwordOf(user), { header, bare, nonce }, who)
    return { conversation, first: Buffer.from(conversation.#first) }
  }

  /** Reads the client-final-message. Returns the server-final-message, or `undefined` if the proof is wrong. */
  finish(message: Buffer): Uint8Array | undefined {
    const text = message.toString("utf8")
    const [, binding, nonce, proof = ""] = /^c=([^,]*),r=([^,]*),p=([^,]*)$/.exec(text) ?? []
    if (binding !== Buffer.from(this.#header).toString("base64") || nonce !== this.#nonce) return undefined
    const salted = pbkdf2Sync(
      Buffer.from(Buffer.from(this.#password ?? randomBytes(16)).toString("utf8").normalize("NFKC")),
      this.#salt,
      iterations,
      createHash(this.#digest).digest().length,
      this.#digest
    )
    const clientKey = this.#hmac(salted, "Client Key")
    const storedKey = createHash(this.#digest).update(clientKey).digest()
    const withoutProof = text.slice(0, text.lastIndexOf(",p="))
    const all = `${this.#bare},${this.#first},${withoutProof}`
    const expected = this.#hmac(storedKey, all)
    const given = Buffer.from(proof, "base64")
    const wanted = Buffer.from(expected.map((byte, i) => byte ^ (clientKey[i] ?? 0)))
    if (this.#password === undefined || given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
      return undefined
    }
    return Buffer.from(`v=${this.#hmac(this.#hmac(salted, "Server Key"), all).toString("base64")}`)
  }

  #hmac(key: Buffer, text: string): Buffer {
    return createHmac(this.#digest, key).update(text).digest()
  }
}

/** A comma and an equals sign in a name are written as `=2C` and `=3D`. */
const unescaped = (name: string): string => name.replaceAll("=2C", ",").replaceAll("=3D", "=")
