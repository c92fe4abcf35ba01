/**
 * Where elements start and end, for code that runs once for every value of every entry: a reader for each value would cost more
 * than the reading. Nothing is checked here. A length that LDAP doesn't allow gives {@link noEnd}; bytes that a
 * {@link BerReader} has accepted have no such length.
 */

/**
 * The end of an element with an invalid length: it lies beyond the input, if that is shorter. It's an integer, since with NaN the
 * engine would do all arithmetic of offsets in floating point, which takes three times as long. Reading beyond the input still
 * gives NaN, so ends are compared in a way that NaN fails.
 */
export const noEnd = 0x7fffffff

/** Where the content of the element at `at` starts. */
export const contentStart = (bytes: Uint8Array, at: number): number => {
  const length = bytes[at + 1]!
  return length < 0x80 ? at + 2 : at + 2 + (length & 0x7f)
}

/** Where the element at `at` ends, and the one after it starts. */
export const elementEnd = (bytes: Uint8Array, at: number): number => {
  const length = bytes[at + 1]!
  return length < 0x80 ? at + 2 + length : longEnd(bytes, at + 2, length & 0x7f)
}

const longEnd = (bytes: Uint8Array, at: number, octets: number): number => {
  if (octets === 0 || octets > 4) return noEnd
  let length = 0
  for (let i = 0; i < octets; i++) length = length * 256 + bytes[at + i]!
  return at + octets + length
}
