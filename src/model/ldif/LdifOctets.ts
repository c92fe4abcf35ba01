/**
 * Detects the encoding of LDIF text: UTF-8 as in RFC 2849, or UTF-16, recognised by its first two bytes. LdifLines.ts and
 * LdifRecord.ts parse lines and fields.
 */
import { TextDecoder } from "node:util"
import { LdifSyntaxError } from "./LdifLines.ts"

/** How much text is processed at a time. The records in it are in memory together. */
const pieceLength = 64 * 1024

/**
 * A text in pieces.
 *
 * @internal
 */
export function* textPieces(text: string): Generator<string> {
  for (let start = 0; start < text.length; start += pieceLength) yield text.slice(start, start + pieceLength)
}

/**
 * Converts input to UTF-8 bytes, each as one character (latin1). The input is UTF-8, strings, or UTF-16, which some Windows editors
 * write. Throws {@link LdifSyntaxError} for invalid UTF-16.
 *
 * @internal
 */
export class Octets {
  /** The line that is being read, for errors. */
  readonly #line: () => number
  /** A high surrogate whose low surrogate may be at the start of the next string. */
  #half = ""
  /** The first bytes, until there are enough of them to detect the encoding. */
  #start: Buffer | undefined = Buffer.alloc(0)
  #utf16: TextDecoder | undefined

  constructor(line: () => number) {
    this.#line = line
  }

  /** Returns bytes that are still held back at the end of the text. */
  end(): string {
    const begun = this.#start ?? Buffer.alloc(0)
    this.#start = undefined
    const start = this.#utf16 === undefined ? begun.toString("latin1") : this.#fromText(this.#decoded(begun, false))
    return start + this.#takeHalf()
  }

  *pieces(chunk: Iterable<Uint8Array | string>): Generator<string> {
    for (const text of chunk) {
      if (typeof text === "string") {
        // Strings need no detection of an encoding.
        if (this.#start !== undefined) yield this.end()
        for (const piece of textPieces(text)) yield this.#fromText(piece)
      } else {
        const octets = this.#afterStart(Buffer.from(text.buffer, text.byteOffset, text.length))
        for (let start = 0; start < octets.length; start += pieceLength) {
          const piece = octets.subarray(start, start + pieceLength)
          yield this.#utf16 === undefined
            ? this.#takeHalf() + piece.toString("latin1")
            : this.#fromText(this.#decoded(piece, true))
        }
      }
    }
  }

  /** The bytes that can be parsed. None until the encoding is known. */
  #afterStart(octets: Buffer): Buffer {
    if (this.#start === undefined) return octets
    const start = this.#start.length === 0 ? octets : Buffer.concat([this.#start, octets])
    if (start.length < 2) {
      this.#start = Buffer.from(start)
      return Buffer.alloc(0)
    }
    this.#start = undefined
    const encoding = utf16Of(start)
    if (encoding !== undefined) this.#utf16 = new TextDecoder(encoding, { fatal: true })
    return start
  }

  #decoded(octets: Buffer, isMore: boolean): string {
    try {
      return this.#utf16!.decode(octets, { stream: isMore })
    } catch {
      throw new LdifSyntaxError({ line: this.#line(), detail: "not UTF-16, although the text began as UTF-16" })
    }
  }

  #takeHalf(): string {
    const half = this.#half
    this.#half = ""
    return half === "" ? "" : notUtf8
  }

  #fromText(text: string): string {
    // oxlint-disable-next-line no-control-regex -- the range of ASCII
    if (this.#half === "" && !/[^\x00-\x7f]/.test(text)) return text
    const whole = this.#half + text
    const last = whole.charCodeAt(whole.length - 1)
    const isHalf = last >= 0xd800 && last <= 0xdbff
    this.#half = isHalf ? whole.slice(-1) : ""
    return octetsOf(isHalf ? whole.slice(0, -1) : whole)
  }
}

const octetsOf = (text: string): string =>
  text.isWellFormed()
    ? Buffer.from(text).toString("latin1")
    : text.split(/\p{Surrogate}/u).map(octetsOf).join(notUtf8)

/** Replaces a lone surrogate. These bytes aren't UTF-8, so the line is refused. */
const notUtf8 = "\xed\xa0\x80"

/** The encoding of text that begins with an ASCII character or a byte order mark; `undefined` for UTF-8. */
const utf16Of = (start: Buffer): "utf-16le" | "utf-16be" | undefined => {
  const [first, second] = start
  if ((first === 0xff && second === 0xfe) || (first !== 0 && second === 0)) return "utf-16le"
  return (first === 0xfe && second === 0xff) || (first === 0 && second !== 0) ? "utf-16be" : undefined
}
