/**
 * Splits LDIF text (RFC 2849, notes 2 to 4) into lines. The text comes in pieces of any size. It unfolds lines, removes comments
 * and counts lines. LdifRecord.ts parses the lines.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import { isUtf8 } from "node:buffer"
import type { Entry } from "./LdifModel.ts"
import { PlainEntries } from "./PlainEntries.ts"

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

/** A line after unfolding: a part of a text, which is cut out only where it must be. An empty line ends a record. */
export class LdifLine {
  readonly source: string
  readonly start: number
  readonly end: number
  /** The number of its first line in the text, from 1. */
  readonly line: number
  /** Whether the text is known to be ASCII without NUL and carriage returns, so that it needs no further check. */
  readonly isPlain: boolean
  /** The content of the file at the URL of the line, if `decode` has read one. */
  readonly file: Uint8Array | undefined

  constructor(source: string, start: number, end: number, line: number, isPlain: boolean, file?: Uint8Array) {
    this.source = source
    this.start = start
    this.end = end
    this.line = line
    this.isPlain = isPlain
    this.file = file
  }

  get text(): string {
    return this.source.slice(this.start, this.end)
  }

  get length(): number {
    return this.end - this.start
  }

  withFile(file: Uint8Array | undefined): LdifLine {
    return new LdifLine(this.source, this.start, this.end, this.line, this.isPlain, file)
  }
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
  /** The length of pieces up to which no entry in them can exceed a limit. From longer ones entries aren't read at once. */
  readonly entriesUpTo: number
}

/**
 * Assembles lines. Throws {@link LdifSyntaxError} if there is no line to continue, or a line is too long or isn't UTF-8.
 *
 * @internal
 */
export class LineReader {
  readonly #options: LineOptions
  readonly #onLine: (line: LdifLine) => void
  readonly #onEntry: ((entry: Entry) => void) | undefined
  /** The number of complete lines. */
  #ended = 0
  /**
   * The pieces of the incomplete line, and their total length. They are joined once: repeated concatenation would make deep ropes.
   */
  #open: Array<string> = []
  #openLength = 0
  #openIsPlain = true
  /** The line that the next lines may continue. `undefined` if no line can be continued. */
  #pending: LdifLine | undefined
  /** The line and what continues it, if more than one line of the text, and whether all of it is plain. */
  #parts: Array<string> | undefined
  #isPlain = true
  /** The length of the line with what continues it. */
  #length = 0

  /** `onEntry`, if given, is called with each entry that could be read at once, and `onLine` with each complete line of all else. */
  constructor(options: LineOptions, onLine: (line: LdifLine) => void, onEntry: ((entry: Entry) => void) | undefined) {
    this.#options = options
    this.#onLine = onLine
    this.#onEntry = onEntry
  }

  /** The number of the line that is being read. */
  get line(): number {
    return this.#ended + 1
  }

  push(piece: string): void {
    // One look at the whole piece is cheaper than one at each line.
    const isPlain = Buffer.byteLength(piece) === piece.length && !piece.includes("\r") && !piece.includes("\0")
    const isSmall = piece.length <= this.#options.entriesUpTo
    const entries = isPlain && isSmall && this.#onEntry !== undefined ? new PlainEntries(piece) : undefined
    let start = this.#readEntries(entries, 0)
    for (let end = piece.indexOf("\n", start); end >= 0; end = piece.indexOf("\n", start)) {
      const isShort = end - start + this.#openLength + this.#length <= this.#options.maxLength
      if (isShort && isPlain && this.#open.length === 0) this.#endLine(piece, start, end, true)
      else this.#endOpenLine(this.#grown(piece, start, end), isPlain)
      start = end + 1
      if (this.#pending === undefined) {
        this.#onLine(new LdifLine("", 0, 0, this.#ended, true))
        start = this.#readEntries(entries, start)
      }
    }
    if (start === piece.length) return
    this.#open.push(this.#grown(piece, start, piece.length))
    this.#openIsPlain &&= isPlain
  }

  /** Reads the entries at this position, if a record can begin there, and returns the position behind them. */
  #readEntries(entries: PlainEntries | undefined, position: number): number {
    if (entries === undefined || this.#pending !== undefined || this.#open.length > 0) return position
    let start = position
    for (;;) {
      const entry = entries.read(start, this.#ended + 1)
      if (entry === undefined) return start
      this.#onEntry!(entry)
      start = entries.position
      this.#ended = entries.line - 1
    }
  }

  /** Ends the text. */
  end(): void {
    if (this.#open.length > 0) this.#endOpenLine("", true)
    this.#give()
  }

  /** Adds a piece to the open line. Throws if the line becomes too long. */
  #grown(piece: string, start: number, end: number): string {
    this.#openLength += end - start
    const first = this.#open.length === 0 ? piece.charCodeAt(start) : this.#open[0]!.charCodeAt(0)
    const continues = first === space
    if (this.#openLength + (continues ? this.#length - 1 : 0) > this.#options.maxLength) {
      const line = continues && this.#pending !== undefined ? this.#pending.line : this.#ended + 1
      throw new LdifSyntaxError({ line, detail: `the line is longer than the limit of ${this.#options.maxLength}` })
    }
    return piece.slice(start, end)
  }

  /** Completes a line that isn't plain, or whose first pieces are open, with its last piece. */
  #endOpenLine(last: string, lastIsPlain: boolean): void {
    let text = last
    let isPlain = lastIsPlain
    if (this.#open.length > 0) {
      this.#open.push(last)
      text = this.#open.join("")
      isPlain &&= this.#openIsPlain
      this.#open = []
      this.#openIsPlain = true
    }
    this.#openLength = 0
    if (!isPlain) text = this.#withoutMarks(text)
    this.#endLine(text, 0, text.length, isPlain)
  }

  /** Takes a complete line of the text. Gives out the line before, if that is complete now. */
  #endLine(source: string, start: number, end: number, isPlain: boolean): void {
    this.#ended++
    // To ask for a character behind the end of a text, such as that of an empty line, makes the runtime slower for all that follow.
    if (end > start && source.charCodeAt(start) === space) {
      this.#continue(source.slice(start + 1, end), isPlain)
    } else {
      this.#give()
      this.#pending = start === end ? undefined : new LdifLine(source, start, end, this.#ended, isPlain)
      this.#length = end - start
    }
  }

  #continue(text: string, isPlain: boolean): void {
    const pending = this.#pending
    if (pending === undefined) {
      const detail = "the line begins with a space, but there is no line that it could continue"
      throw new LdifSyntaxError({ line: this.#ended, detail })
    }
    if (isComment(pending)) return
    if (this.#parts === undefined) {
      this.#parts = [pending.text]
      this.#isPlain = pending.isPlain
    }
    this.#parts.push(text)
    this.#length += text.length
    this.#isPlain &&= isPlain
  }

  /** Removes the carriage return of a line end, and a byte order mark. */
  #withoutMarks(line: string): string {
    const text = line.endsWith("\r") ? line.slice(0, -1) : line
    const mark = this.#options.octets ? "\xef\xbb\xbf" : "\ufeff"
    return this.#options.skipMark && text.startsWith(mark) ? text.slice(mark.length) : text
  }

  #give(): void {
    const pending = this.#pending
    if (pending === undefined) return
    const parts = this.#parts
    this.#pending = undefined
    this.#parts = undefined
    this.#length = 0
    if (isComment(pending)) return
    if (parts === undefined && pending.isPlain) return this.#onLine(pending)
    const isPlain = parts === undefined ? pending.isPlain : this.#isPlain
    const joined = parts === undefined ? pending.text : parts.join("")
    const text = isPlain ? joined : this.#decoded(joined, pending.line)
    this.#onLine(new LdifLine(text, 0, text.length, pending.line, isPlain))
  }

  #decoded(text: string, line: number): string {
    // oxlint-disable-next-line no-control-regex -- the range of ASCII
    if (!/[^\x00-\x7f]/.test(text)) return text
    const octets = this.#options.octets ? Buffer.from(text, "latin1") : undefined
    if (octets === undefined ? text.isWellFormed() : isUtf8(octets)) return octets?.toString("utf8") ?? text
    throw new LdifSyntaxError({ line, detail: "not UTF-8; a value that isn't text must be in base64" })
  }
}

const space = 0x20
const sharp = 0x23

const isComment = ({ source, start }: LdifLine): boolean => source.charCodeAt(start) === sharp
