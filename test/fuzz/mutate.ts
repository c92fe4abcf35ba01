/**
 * Damages bytes as a broken or hostile peer might, with a seeded random number generator, so that every round can be repeated.
 */

/** Numbers from 0 to 2^32 - 1 (mulberry32). */
export type Random = () => number

export const random = (seed: number): Random => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
}

export const below = (random: Random, limit: number): number => random() % limit

export const pick = <A>(random: Random, choices: ReadonlyArray<A>): A => choices[below(random, choices.length)]!

/** Bytes that have a large effect: tags, lengths, limits of ranges. */
const telling = [
  0,
  1,
  2,
  4,
  5,
  0x0a,
  0x30,
  0x31,
  0x64,
  0x65,
  0x78,
  0x7f,
  0x80,
  0x81,
  0x84,
  0x8a,
  0xa0,
  0xa3,
  0xfe,
  0xff
]

/** Applies one kind of damage. */
const damage = (random: Random, octets: Buffer): Buffer => {
  const at = below(random, octets.length + 1)
  const copy = Buffer.from(octets)
  switch (below(random, 9)) {
    case 0:
      if (at < copy.length) copy[at] = pick(random, telling)
      return copy
    case 1:
      if (at < copy.length) copy[at] = copy[at]! ^ (1 << below(random, 8))
      return copy
    case 2:
      return copy.subarray(0, at)
    case 3:
      return Buffer.concat([copy.subarray(0, at), Buffer.from([pick(random, telling)]), copy.subarray(at)])
    case 4:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1 + below(random, 8))])
    case 5: {
      // Copies a piece to another position.
      const from = below(random, octets.length + 1)
      const piece = copy.subarray(from, from + below(random, 32))
      return Buffer.concat([copy.subarray(0, at), piece, copy.subarray(at)])
    }
    case 6:
      for (let i = at; i < Math.min(copy.length, at + below(random, 16)); i++) copy[i] = below(random, 256)
      return copy
    case 7: {
      // Makes an element longer or shorter than its length says.
      if (at < copy.length) copy[at] = (copy[at]! + pick(random, [1, 255, 2, 254, 127])) & 0xff
      return copy
    }
    default:
      return Buffer.concat([copy, Buffer.from(Array.from({ length: below(random, 16) }, () => below(random, 256)))])
  }
}

export const mutate = (random: Random, octets: Buffer): Buffer => {
  let mutated = octets
  for (let i = 1 + below(random, 3); i > 0; i--) mutated = damage(random, mutated)
  return mutated
}

/** Splits the bytes into pieces. */
export const chunks = (random: Random, octets: Buffer): ReadonlyArray<Buffer> => {
  const most = pick(random, [1, 3, 17, 400, octets.length + 1])
  const pieces: Array<Buffer> = []
  for (let at = 0; at < octets.length;) {
    const next = at + 1 + below(random, most)
    pieces.push(octets.subarray(at, next))
    at = next
  }
  return pieces
}
