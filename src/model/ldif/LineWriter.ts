/**
 * Collects the lines of a record as bytes, folds them, and makes one string of all. That takes half of the time of a string for each
 * value and each line. LdifText.ts decides what the lines are.
 */

const smallest = 4096

/** A writer that has grown beyond this for a record with large values doesn't keep that memory. */
const largest = 64 * 1024

/** @internal */
export class LineWriter {
  /** The maximum length of a line. */
  readonly #width: number
  #bytes = Buffer.allocUnsafeSlow(smallest)
  #end = 0

  constructor(width: number) {
    this.#width = width
  }

  /** Forgets what a record wrote that failed. */
  clear(): void {
    this.#end = 0
  }

  /** Writes a line of ASCII text. */
  line(text: string): void {
    this.#reserve(text.length + 1)
    const start = this.#end
    this.#end += this.#bytes.write(text, start, "latin1")
    this.#endLine(start)
  }

  /** Writes a name and a value: as text if it is safe, otherwise in base64. */
  field(name: string, value: Uint8Array, inBase64: boolean): void {
    if (value.length === 0) return this.line(`${name}:`)
    if (inBase64 || !isSafe(value)) return this.line(`${name}:: ${base64(value)}`)
    this.#reserve(name.length + value.length + 3)
    const bytes = this.#bytes
    const start = this.#end
    let end = start
    for (let i = 0; i < name.length; i++) bytes[end++] = name.charCodeAt(i)
    bytes[end++] = colon
    bytes[end++] = space
    if (value.length > short) bytes.set(value, end)
    else for (let i = 0; i < value.length; i++) bytes[end + i] = value[i]!
    this.#end = end + value.length
    this.#endLine(start)
  }

  /** All lines, each with its end. The writer is empty afterwards. */
  take(): string {
    const text = this.#bytes.toString("latin1", 0, this.#end)
    this.#end = 0
    if (this.#bytes.length > largest) this.#bytes = Buffer.allocUnsafeSlow(smallest)
    return text
  }

  /** Ends the line that begins at `start`, and folds it. */
  #endLine(start: number): void {
    const length = this.#end - start
    if (length > this.#width) {
      const lines: Array<string> = []
      foldInto(lines, this.#bytes.toString("latin1", start, this.#end), this.#width)
      const folded = lines.join("\n")
      this.#end = start
      this.#reserve(folded.length + 1)
      this.#end += this.#bytes.write(folded, start, "latin1")
    }
    this.#bytes[this.#end++] = lineFeed
  }

  /** Makes space for that many bytes, and the end of a line. */
  #reserve(length: number): void {
    const wanted = this.#end + length + 1
    if (wanted <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.#bytes.length))
    this.#bytes.copy(larger, 0, 0, this.#end)
    this.#bytes = larger
  }
}

const lineFeed = 0x0a
const space = 0x20
const colon = 0x3a
const lessThan = 0x3c

/** Up to this length a loop is faster than a call of the runtime. */
const short = 200

/**
 * A SAFE-STRING of RFC 2849 that doesn't end with a space. Control characters are not allowed either, since readers can't see them.
 */
const isSafe = (value: Uint8Array): boolean => {
  const first = value[0]
  if (first === space || first === colon || first === lessThan || value[value.length - 1] === space) return false
  for (let i = 0; i < value.length; i++) {
    const octet = value[i]!
    if (octet < space || octet > 0x7e) return false
  }
  return true
}

const base64 = (value: Uint8Array): string =>
  Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64")

/**
 * Adds the lines of a field, or of a comment.
 *
 * @internal
 */
export const foldInto = (lines: Array<string>, text: string, width: number): void => {
  if (text.length <= width) return void lines.push(text)
  lines.push(text.slice(0, width))
  for (let at = width; at < text.length; at += width - 1) lines.push(` ${text.slice(at, at + width - 1)}`)
}
