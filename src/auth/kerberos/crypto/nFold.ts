/**
 * n-fold (RFC 3961 section 5.1): stretches or shrinks a constant to a number of bytes. Every bit of the constant affects the
 * result. Pure.
 */

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))

export const nFold = (input: Uint8Array, bytes: number): Buffer => {
  const bits = input.length * 8
  const total = (input.length * bytes) / gcd(input.length, bytes)
  const folded = new Array<number>(bytes).fill(0)
  // Copies of the input are added in ones' complement. Each is rotated to the right by 13 bits more than the previous one.
  for (let at = 0; at < total; at++) {
    const rotation = 13 * Math.floor(at / input.length)
    let value = 0
    for (let bit = 0; bit < 8; bit++) {
      const from = (((at % input.length) * 8 + bit - rotation) % bits + bits) % bits
      value = (value << 1) | ((input[from >> 3]! >> (7 - (from & 7))) & 1)
    }
    folded[at % bytes]! += value
  }
  let carry = 0
  do {
    for (let i = bytes - 1; i >= 0; i--) {
      const sum = folded[i]! + carry
      folded[i] = sum & 0xff
      carry = sum >> 8
    }
  } while (carry > 0)
  return Buffer.from(folded)
}
