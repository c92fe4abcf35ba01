/**
 * RC4, which OpenSSL 3 no longer provides. NTLM needs it, and so does rc4-hmac if a program selects it. The state continues from
 * call to call, so both sides must process the same bytes in the same order.
 */
export class Rc4 {
  readonly #state = new Uint8Array(256)
  #i = 0
  #j = 0

  constructor(key: Uint8Array) {
    const state = this.#state
    for (let i = 0; i < 256; i++) state[i] = i
    for (let i = 0, j = 0; i < 256; i++) {
      const value = state[i]!
      j = (j + value + key[i % key.length]!) & 0xff
      state[i] = state[j]!
      state[j] = value
    }
  }

  /** Encrypts and decrypts; both are the same operation. */
  apply(input: Uint8Array): Buffer {
    const state = this.#state
    const output = Buffer.allocUnsafe(input.length)
    let i = this.#i
    let j = this.#j
    for (let at = 0; at < input.length; at++) {
      i = (i + 1) & 0xff
      const a = state[i]!
      j = (j + a) & 0xff
      const b = state[j]!
      state[i] = b
      state[j] = a
      output[at] = input[at]! ^ state[(a + b) & 0xff]!
    }
    this.#i = i
    this.#j = j
    return output
  }
}

/** Encrypts one message under its own key. */
export const rc4 = (key: Uint8Array, input: Uint8Array): Buffer => new Rc4(key).apply(input)
