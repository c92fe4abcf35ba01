/**
 * MD4 (RFC 1320), which OpenSSL 3 no longer provides. NTLM and rc4-hmac hash passwords with it. It is broken, so don't use it for
 * anything else. Pure.
 */

const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by))

/** For each of the three rounds: the constant to add, the rotation of each of four steps, and the order of the words. */
const rounds = [
  { constant: 0, shifts: [3, 7, 11, 19], words: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] },
  { constant: 0x5a827999, shifts: [3, 5, 9, 13], words: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15] },
  { constant: 0x6ed9eba1, shifts: [3, 9, 11, 15], words: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15] }
] as const

const mix = (round: number, x: number, y: number, z: number): number =>
  round === 0 ? (x & y) | (~x & z) : round === 1 ? (x & y) | (x & z) | (y & z) : x ^ y ^ z

/** The digest of 16 bytes. */
export const md4 = (message: Uint8Array): Buffer => {
  const padded = Buffer.alloc((Math.floor((message.length + 8) / 64) + 1) * 64)
  padded.set(message)
  padded[message.length] = 0x80
  padded.writeUInt32LE((message.length * 8) >>> 0, padded.length - 8)
  padded.writeUInt32LE(Math.floor(message.length / 0x2000_0000), padded.length - 4)
  let [a, b, c, d] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]
  for (let start = 0; start < padded.length; start += 64) {
    const before = [a, b, c, d] as const
    for (const [round, { constant, shifts, words }] of rounds.entries()) {
      for (const [step, word] of words.entries()) {
        const sum = (a + mix(round, b, c, d) + padded.readUInt32LE(start + word * 4) + constant) | 0
        ;[a, b, c, d] = [d, rotate(sum, shifts[step % 4]!), b, c]
      }
    }
    a = (a + before[0]) | 0
    b = (b + before[1]) | 0
    c = (c + before[2]) | 0
    d = (d + before[3]) | 0
  }
  padded.fill(0)
  const digest = Buffer.alloc(16)
  for (const [i, word] of [a, b, c, d].entries()) digest.writeInt32LE(word | 0, i * 4)
  return digest
}
