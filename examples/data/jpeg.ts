/**
 * Portraits as JPEG files of about 200 bytes: five by five grey squares, mirrored, different for each seed. The
 * encoder supports only that: baseline, one component, every block of one colour.
 */

/** The next number of a sequence, from 0 to below 1. */
export type Random = () => number

/** Squares across and down; each is one block of 8 by 8 pixels. */
const side = 5

export const portrait = (random: Random): Uint8Array => {
  const shades: Array<number> = []
  const [ground, figure] = [200 + Math.floor(random() * 56), Math.floor(random() * 100)]
  for (let row = 0; row < side; row++) {
    const left = Array.from({ length: 3 }, () => random() < 0.5 ? figure : ground)
    shades.push(...left, left[1] ?? ground, left[0] ?? ground)
  }
  return Buffer.concat([
    segment(0xd8),
    segment(0xe0, Buffer.from("JFIF\0"), [1, 1, 0, 0, 1, 0, 1, 0, 0]),
    // All coefficients are divided by 8, so that a block's first one is its shade less 128.
    segment(0xdb, [0], new Array<number>(64).fill(8)),
    segment(0xc0, [8, 0, side * 8, 0, side * 8, 1, 1, 0x11, 0]),
    // The lengths of the codes, then their meanings: the size of a difference; the end of a block.
    segment(0xc4, [0x00, 0, 1, 5, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    segment(0xc4, [0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0]),
    segment(0xda, [1, 1, 0x00, 0, 63, 0]),
    scan(shades),
    segment(0xd9)
  ])
}

const segment = (marker: number, ...parts: ReadonlyArray<Uint8Array | ReadonlyArray<number>>): Buffer => {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)))
  if (parts.length === 0) return Buffer.from([0xff, marker])
  return Buffer.concat([Buffer.from([0xff, marker, (content.length + 2) >> 8, (content.length + 2) & 0xff]), content])
}

/** The codes of the sizes 0 to 9, as the table above makes them. */
const sizeCodes = ["00", "010", "011", "100", "101", "110", "1110", "11110", "111110", "1111110"]

const scan = (shades: ReadonlyArray<number>): Buffer => {
  let bits = ""
  let before = 0
  for (const shade of shades) {
    const difference = shade - 128 - before
    before = shade - 128
    const size = difference === 0 ? 0 : Math.floor(Math.log2(Math.abs(difference))) + 1
    const value = difference < 0 ? difference + 2 ** size - 1 : difference
    // A block ends right after its first coefficient.
    bits += `${sizeCodes[size]}${size === 0 ? "" : value.toString(2).padStart(size, "0")}0`
  }
  const octets: Array<number> = []
  for (let at = 0; at < bits.length; at += 8) {
    const octet = Number.parseInt(bits.slice(at, at + 8).padEnd(8, "1"), 2)
    octets.push(octet)
    // A zero after a 0xff byte distinguishes it from a marker.
    if (octet === 0xff) octets.push(0)
  }
  return Buffer.from(octets)
}
