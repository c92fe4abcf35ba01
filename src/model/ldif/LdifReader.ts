/**
 * Parses records from pieces of LDIF text. It collects lines (LdifLines.ts) up to a blank one and makes a record of them
 * (LdifRecord.ts). `parse` and `decode` both use it.
 *
 * @since 0.1.0
 */
import { type LdifLine, LdifSyntaxError, LineReader } from "./LdifLines.ts"
import type { Entry } from "./LdifModel.ts"
import { type LdifRecord, readRecord, readVersion } from "./LdifRecord.ts"

/** @internal */
export interface ReaderOptions {
  readonly strict: boolean
  /** See `LineOptions`. */
  readonly octets: boolean
  readonly maxLineLength: number
  readonly maxRecordSize: number
}

/** What a line counts in addition to its characters, so that many empty lines can't take more memory than a long one. */
const lineCost = 64

/**
 * Throws {@link LdifSyntaxError}. After that it can't be used any more.
 *
 * @internal
 */
export class LdifReader {
  readonly #options: ReaderOptions
  readonly #onRecord: (lines: ReadonlyArray<LdifLine>) => void
  readonly #lines: LineReader
  #record: Array<LdifLine> = []
  #size = 0
  #begun = false
  #kind: "entries" | "changes" | undefined

  /**
   * `onEntry` is called with each entry that could be read at once, `onRecord` with the lines of each other record. If `onEntry` isn't
   * given, or the syntax is strict, all are others.
   */
  constructor(
    options: ReaderOptions,
    onRecord: (lines: ReadonlyArray<LdifLine>) => void,
    onEntry: ((entry: Entry) => void) | undefined
  ) {
    this.#options = options
    this.#onRecord = onRecord
    this.#lines = new LineReader(
      {
        octets: options.octets,
        skipMark: !options.strict,
        maxLength: options.maxLineLength,
        entriesUpTo: Math.min(options.maxLineLength, options.maxRecordSize / (1 + lineCost))
      },
      (line) => line.length === 0 ? this.#give() : this.#add(line),
      options.strict ? undefined : onEntry
    )
  }

  /** The number of the line that is being read. */
  get line(): number {
    return this.#lines.line
  }

  push(piece: string): void {
    this.#lines.push(piece)
  }

  /** Ends the text. */
  end(): void {
    this.#lines.end()
    this.#give()
  }

  /** Parses the record of these lines. Records must be parsed in their order. */
  read(lines: ReadonlyArray<LdifLine>): LdifRecord {
    const record = readRecord(lines, this.#options.strict)
    const kind = record._tag === "Entry" ? "entries" : "changes"
    if (this.#options.strict && this.#kind !== undefined && this.#kind !== kind) {
      throw new LdifSyntaxError({ line: record.line, detail: "entries and changes must not be mixed in one text" })
    }
    this.#kind = kind
    return record
  }

  #add(line: LdifLine): void {
    // In concatenated files, each file has a version line.
    if (!this.#begun || (this.#record.length === 0 && !this.#options.strict)) {
      this.#begun = true
      const version = readVersion(line)
      if (version === "1") return
      if (version !== undefined) {
        throw new LdifSyntaxError({ line: line.line, detail: `version "${version}" is not known, only 1 is` })
      }
    }
    this.#record.push(line)
    this.#size += line.length + lineCost
    if (this.#size > this.#options.maxRecordSize) {
      const detail = `the record is larger than the limit of ${this.#options.maxRecordSize}`
      throw new LdifSyntaxError({ line: this.#record[0]!.line, detail })
    }
  }

  /** Gives out the lines of a record, if there are any. */
  #give(): void {
    if (this.#record.length === 0) return
    const lines = this.#record
    this.#record = []
    this.#size = 0
    this.#onRecord(lines)
  }
}
