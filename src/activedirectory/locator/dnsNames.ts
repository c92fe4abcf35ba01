/**
 * Reads names as DNS writes them (RFC 1035 section 4.1.4), with pointers to earlier names. A pointer must point backwards, so that every
 * chain of pointers ends. A name has at most 255 bytes.
 */
import type { ByteCursor } from "../ByteCursor.ts"

const maxName = 255

export const readName = (cursor: ByteCursor): string => {
  const labels: Array<string> = []
  let length = 0
  const { bytes } = cursor
  let at = cursor.position
  /** The next pointer must point before this offset. */
  let before = at
  let end: number | undefined
  for (;;) {
    const first = bytes[at]
    if (first === undefined) return cursor.fail("a name ends too early")
    if (first === 0) break
    if ((first & 0xc0) === 0xc0) {
      const low = bytes[at + 1]
      if (low === undefined) return cursor.fail("a name ends too early")
      end ??= at + 2
      const target = ((first & 0x3f) << 8) | low
      if (target >= before) return cursor.fail("a name points forward")
      before = target
      at = target
      continue
    }
    if ((first & 0xc0) !== 0) return cursor.fail("a label of an unknown kind")
    length += first + 1
    if (length > maxName) return cursor.fail(`a name has at most ${maxName} bytes`)
    if (at + 1 + first > bytes.length) return cursor.fail("a name ends too early")
    labels.push(bytes.subarray(at + 1, at + 1 + first).toString("utf8"))
    at += 1 + first
  }
  cursor.position = end ?? at + 1
  return labels.join(".")
}
