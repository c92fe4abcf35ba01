/**
 * Parses filters from text (RFC 4515), with and without their outer parentheses, and templates. FilterReader.ts has the grammar.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import { given } from "../input/values.ts"
import { FilterReader } from "./FilterReader.ts"
import type { FilterValue, LdapFilter } from "./LdapFilterModel.ts"
import { defaultMaxDepth, FilterSyntaxError } from "./LdapFilterText.ts"

/**
 * Parses the text form of a filter (RFC 4515).
 *
 * **Details**
 *
 * Values are bytes: `\c3\a9` is the letter é, `\ff` is the single byte 255, and literal text is encoded as UTF-8. White space
 * around filters is accepted in more places than in OpenLDAP, also over several lines: `(& (a=b) (c=d) )`. Inside a comparison it
 * is not skipped: `(cn= x)` looks for a value that starts with a space. Empty substrings (`(cn=a**b)`) are refused. Some products
 * write filters without outer parentheses in their settings (`cn=Ada`, `&(cn=Ada)(sn=King)`). These are refused unless `lenient` is
 * true.
 *
 * `maxDepth` (default 100) limits nesting: a comparison alone has depth 1, and `&`, `|` and `!` each add 1. Parsing is pure. It
 * takes time in proportion to the length of the text, and no stack, however deep the filter nests.
 *
 * **Example**
 *
 * ```ts
 * import { LdapFilter } from "effect-ldap"
 *
 * const filter = LdapFilter.parse("(&(objectClass=person)(cn=Ada*))")
 * ```
 *
 * @category parsing
 * @since 0.1.0
 */
export const parse = (
  text: string,
  options?: { readonly maxDepth?: number | undefined; readonly lenient?: boolean | undefined }
): Result.Result<LdapFilter, FilterSyntaxError> => {
  if (typeof text !== "string") {
    return Result.fail(
      new FilterSyntaxError({ position: 0, detail: `${given(text)} is not the text of a filter`, filter: "" })
    )
  }
  const maxDepth = options?.maxDepth ?? defaultMaxDepth
  if (text.startsWith("(")) return read(text, maxDepth)
  const [whole] = inParentheses([text])
  if (whole === text) return read(text, maxDepth)
  const wrapped = read(whole!, maxDepth)
  if (options?.lenient === true) return Result.mapError(wrapped, (error) => withoutParentheses(error, text))
  const strict = read(text, maxDepth)
  return Result.isFailure(strict) && Result.isSuccess(wrapped)
    ? Result.fail(
      new FilterSyntaxError({
        position: strict.failure.position,
        detail: `${strict.failure.detail}: ${missingParentheses}`,
        filter: text
      })
    )
    : strict
}

/** @internal */
export const missingParentheses = "the parentheses around it are missing; { lenient: true } accepts that"

const read = (text: string, maxDepth: number): Result.Result<LdapFilter, FilterSyntaxError> => {
  try {
    return Result.succeed(new FilterReader(text, undefined, maxDepth).filter())
  } catch (error) {
    if (error instanceof FilterSyntaxError) return Result.fail(error)
    throw error
  }
}

/** Adds parentheses around the text, if it has none and isn't empty. Returns the pieces. @internal */
export const inParentheses = (pieces: ReadonlyArray<string>): ReadonlyArray<string> => {
  const first = (pieces[0] ?? "").trimStart()
  if (first.startsWith("(") || (first === "" && pieces.length < 2)) return pieces
  const opened = [`(${first}`, ...pieces.slice(1)]
  opened.push(`${opened.pop()!.trimEnd()})`)
  return opened
}

/** The error with its position in the original text, without the added parentheses. */
const withoutParentheses = ({ detail, position }: FilterSyntaxError, text: string): FilterSyntaxError => {
  const skipped = text.length - text.trimStart().length
  return new FilterSyntaxError({
    detail,
    position: Math.min(text.length, Math.max(0, position - 1 + skipped)),
    filter: text
  })
}

/**
 * Parses a template whose values are holes. `written` says how errors show a hole; default `${…}`. If it throws, the program that
 * contains the template has a bug.
 *
 * @internal
 */
export const parseTemplate = (
  literals: ReadonlyArray<string>,
  values: ReadonlyArray<FilterValue | LdapFilter>,
  written?: ReadonlyArray<string>
): LdapFilter => {
  const holes = new Map<number, FilterValue | LdapFilter>()
  let position = 0
  for (let i = 0; i < values.length; i++) {
    position += literals[i]!.length
    holes.set(position++, values[i]!)
  }
  return new FilterReader(literals.join("\0"), holes, defaultMaxDepth, written).filter()
}
