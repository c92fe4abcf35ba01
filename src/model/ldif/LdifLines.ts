/**
 * Splits LDIF text (RFC 2849, notes 2 to 4) into lines. The text comes in pieces of any size. It unfolds lines, removes comments
 * and counts lines. LdifRecord.ts parses the lines.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import { isUtf8 } from "node:buffer"

/**
 * Text that is not LDIF.
 *
 * @category errors
 * @since 0.1.0
 */
export class LdifSyntaxError extends Data.TaggedError("LdifSyntaxError")<{
  /** The line of the text, from 1. For a folded line, its first line. */
  readonly line: number
  /** What is wrong there. */
  readonly detail: string
}> {
  override get message(): string {
    return `not LDIF, in line ${this.line}: ${this.detail}`
  }
}

/** A line after unfolding. An empty line ends a record. */
export interface LdifLine {
  readonly text: string
  /** The number of its first line in the text, from 1. */
  readonly line: number
  /** The content of the file at the URL of the line, if `decode` has read one. */
  readonly file?: Uint8Array | undefined
}

/** @internal */
export interface LineOptions {
  /**
   * Whether the pieces are bytes, each as one character (latin1). A piece may then end within a character or a line end, so a line
   * is decoded as UTF-8 when it is complete.
   */
  readonly octets: boolean
  /** Whether to remove a byte order mark at the start of any line. In concatenated files, each file has one. */
  readonly skipMark: boolean
  /** The maximum length of a line, without line ends and the spaces of folding. */
  readonly maxLength: number
}

/**
 * Assembles lines. Throws {@link LdifSyntaxError} if there is no line to continue, or a line is too long or isn't UTF-8.
 *
 * @internal
 */
export class LineReader {
  readonly #options: LineOptions
  /** The number of complete lines. */
  #ended = 0
  /**
   * The pieces of the incomplete line, and their total length. They are joined once: repeated concatenation would make deep ropes.
   */
  #open: Array<string> = []
  #openLength = 0
  /**
   * The parts of the line that the next lines may continue, their total length, and its number. Empty if no line can be continued.
   */
  #parts: Array<string> = []
  #length = 0
  #first = 1

  constructor(options: LineOptions) {
    this.#options = options
  }

  /** The number of the line that is being read. */
  get line(): number {
    return this.#ended + 1
  }

  /** Returns the lines that this piece completes. */
  *push(piece: string): Generator<LdifLine> {
    let start = 0
    for (let end = piece.indexOf("\n"); end >= 0; end = piece.indexOf("\n", start)) {
      const before = this.#endLine(this.#grown(piece, start, end))
      start = end + 1
      if (before !== undefined) yield before
      if (this.#parts.length === 0) yield { text: "", line: this.#ended }
    }
    if (start < piece.length) this.#open.push(this.#grown(piece, start, piece.length))
  }

  /** Returns the remaining lines, at the end of the text. */
  *end(): Generator<LdifLine> {
    const before = this.#open.length > 0 ? this.#endLine("") : undefined
    if (before !== undefined) yield before
    const last = this.#take()
    if (last !== undefined) yield last
  }

  /** Adds a piece to the open line. Throws if the line becomes too long. */
  #grown(piece: string, start: number, end: number): string {
    this.#openLength += end - start
    const continues = this.#open.length === 0 ? piece[start] === " " : this.#open[0]!.startsWith(" ")
    if (this.#openLength + (continues ? this.#length - 1 : 0) > this.#options.maxLength) {
      const line = continues && this.#parts.length > 0 ? this.#first : this.#ended + 1
      throw new LdifSyntaxError({ line, detail: `the line is longer than the limit of ${this.#options.maxLength}` })
    }
    return piece.slice(start, end)
  }

  /** Completes the open line with its last piece. Returns the previous line if that is complete now. */
  #endLine(last: string): LdifLine | undefined {
    let text = last
    if (this.#open.length > 0) {
      this.#open.push(last)
      text = joined(this.#open)
      this.#open = []
    }
    this.#openLength = 0
    this.#ended++
    if (text.endsWith("\r")) text = text.slice(0, -1)
    if (this.#options.skipMark) {
      const mark = this.#options.octets ? "\xef\xbb\xbf" : "\ufeff"
      if (text.startsWith(mark)) text = text.slice(mark.length)
    }
    if (text.startsWith(" ")) {
      if (this.#parts.length === 0) {
        const detail = "the line begins with a space, but there is no line that it could continue"
        throw new LdifSyntaxError({ line: this.#ended, detail })
      }
      if (!isComment(this.#parts)) {
        this.#parts.push(text.slice(1))
        this.#length += text.length - 1
      }
      return undefined
    }
    const before = this.#take()
    this.#first = this.#ended
    this.#parts = text === "" ? [] : [text]
    this.#length = text.length
    return before
  }

  #take(): LdifLine | undefined {
    const parts = this.#parts
    this.#parts = []
    this.#length = 0
    return parts.length === 0 || isComment(parts)
      ? undefined
      : { text: this.#decoded(joined(parts)), line: this.#first }
  }

  #decoded(text: string): string {
    // oxlint-disable-next-line no-control-regex -- the range of ASCII
    if (!/[^\x00-\x7f]/.test(text)) return text
    const octets = this.#options.octets ? Buffer.from(text, "latin1") : undefined
    if (octets === undefined ? text.isWellFormed() : isUtf8(octets)) return octets?.toString("utf8") ?? text
    throw new LdifSyntaxError({ line: this.#first, detail: "not UTF-8; a value that isn't text must be in base64" })
  }
}

const isComment = (parts: ReadonlyArray<string>): boolean => parts[0]!.startsWith("#")

const joined = (parts: ReadonlyArray<string>): string => parts.length === 1 ? parts[0]! : parts.join("")
