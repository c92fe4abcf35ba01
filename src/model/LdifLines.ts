/**
 * The lines of LDIF text (RFC 2849, notes 2 to 4): folded lines are put together, comments left out, and the lines
 * counted. What the lines say is the business of LdifRecord.ts.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"

/**
 * Text that is not LDIF.
 *
 * @category errors
 * @since 0.1.0
 */
export class LdifSyntaxError extends Data.TaggedError("LdifSyntaxError")<{
  /** The line of the text, counted from 1; of a folded line, the first. */
  readonly line: number
  /** What is wrong there. */
  readonly detail: string
}> {
  override get message(): string {
    return `not LDIF, in line ${this.line}: ${this.detail}`
  }
}

/** A line after unfolding. An empty one ends a record. */
export interface LdifLine {
  readonly text: string
  /** The number of its first line in the text, from 1. */
  readonly line: number
}

/**
 * Goes through the lines of a text. Throws {@link LdifSyntaxError} where a line continues nothing.
 *
 * @internal
 */
export function* ldifLines(text: string): Generator<LdifLine> {
  let first = 1
  // Parts of a long value are joined once: adding to a string line by line makes a rope as deep as the value is long.
  let parts: Array<string> = []
  let line = 0
  for (let start = 0; start < text.length;) {
    let end = text.indexOf("\n", start)
    const next = end < 0 ? text.length : end + 1
    if (end < 0) end = text.length
    if (end > start && text.charCodeAt(end - 1) === 0x0d) end--
    line++
    if (end > start && text.charCodeAt(start) === 0x20) {
      if (parts.length === 0) {
        throw new LdifSyntaxError({
          line,
          detail: "a line that begins with a space continues a line, and there is none"
        })
      }
      parts.push(text.slice(start + 1, end))
    } else {
      if (parts.length > 0 && !parts[0]!.startsWith("#")) yield { text: joined(parts), line: first }
      first = line
      parts = end > start ? [text.slice(start, end)] : []
      if (end === start) yield { text: "", line }
    }
    start = next
  }
  if (parts.length > 0 && !parts[0]!.startsWith("#")) yield { text: joined(parts), line: first }
}

const joined = (parts: ReadonlyArray<string>): string => parts.length === 1 ? parts[0]! : parts.join("")
