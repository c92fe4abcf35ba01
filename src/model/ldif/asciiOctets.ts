/**
 * Bytes of ASCII text, as parts of one block. Values are short: to ask the runtime for the bytes of each takes twice as long.
 */

/** As large as the blocks that Node shares among small buffers. */
const blockSize = 8192

/** Up to this length a loop is faster than a call of the runtime. */
const short = 200

let block = Buffer.allocUnsafeSlow(0)
let used = 0

/** The bytes of a part of a text, whose characters must be ASCII. @internal */
export const asciiOctets = (text: string, start: number, end: number): Buffer => {
  const length = end - start
  if (length > short) return Buffer.from(text.slice(start, end), "latin1")
  if (used + length > block.length) {
    block = Buffer.allocUnsafeSlow(blockSize)
    used = 0
  }
  const from = used
  for (let i = 0; i < length; i++) block[from + i] = text.charCodeAt(start + i)
  used += length
  return block.subarray(from, used)
}
