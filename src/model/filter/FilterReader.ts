/**
 * The grammar of filters (RFC 4515), read with a cursor.
 *
 * One reader parses plain texts and templates. The values of a template are holes. They are found by position, not by a character,
 * and their content is never parsed, so a value can't become syntax.
 */
import { given, isValue, valueFrom } from "../input/values.ts"
import { Char, compositeTags, hexDigit, isNameCharacter } from "./filterCharacters.ts"
import type { Extensible, FilterValue, LdapFilter } from "./LdapFilterModel.ts"
import { FilterSyntaxError, isAttributeDescription, isDnFlag, isMatchingRule, substringsOf } from "./LdapFilterText.ts"

const filterTags: ReadonlySet<unknown> = new Set([
  "And",
  "Or",
  "Not",
  "Equality",
  "Substrings",
  "GreaterOrEqual",
  "LessOrEqual",
  "Present",
  "Approx",
  "Extensible"
])

/** A filter whose closing parenthesis hasn't been read yet. */
interface Open {
  readonly tag: "And" | "Or" | "Not"
  readonly position: number
  readonly filters: Array<LdapFilter>
}

/**
 * A cursor over the text. Each hole is one NUL in the text. No part of the grammar accepts a NUL, so every scan stops there and
 * checks whether the position is a hole.
 */
export class FilterReader {
  readonly text: string
  readonly holes: ReadonlyMap<number, FilterValue | LdapFilter> | undefined
  readonly maxDepth: number
  readonly written: ReadonlyArray<string> | undefined
  position = 0

  constructor(
    text: string,
    holes: ReadonlyMap<number, FilterValue | LdapFilter> | undefined,
    maxDepth: number,
    written?: ReadonlyArray<string>
  ) {
    this.text = text
    this.holes = holes
    this.maxDepth = maxDepth
    this.written = written
  }

  /** The whole text as one filter. */
  filter(): LdapFilter {
    if (!this.text.isWellFormed())
      this.failAt(this.text.search(loneSurrogate), "a lone surrogate is not a character")
    const open: Array<Open> = []
    for (;;) {
      this.skipSpace()
      let complete = this.start(open)
      while (complete !== undefined) {
        const parent = open[open.length - 1]
        this.skipSpace()
        if (parent === undefined) {
          if (this.position < this.text.length) this.failBehind()
          return complete
        }
        parent.filters.push(complete)
        complete = this.close(open)
      }
    }
  }

  /** Starts the filter at the cursor. Returns the filter if it is complete; otherwise pushes it onto `open`. */
  start(open: Array<Open>): LdapFilter | undefined {
    const at = this.position
    if (open.length >= this.maxDepth) this.fail(`filters nest deeper than ${this.maxDepth}`)
    if (this.holes?.has(at) === true) {
      this.position++
      return this.splice(at)
    }
    if (this.text.charCodeAt(at) !== Char.leftParen) this.fail(`expected a filter, as in (cn=Ada)`)
    this.position++
    this.skipSpace()
    const tag = compositeTags.get(this.text.charCodeAt(this.position))
    if (tag === undefined) return this.item(at)
    this.position++
    open.push({ tag, position: at, filters: [] })
    if (tag === "Not") return undefined
    this.skipSpace()
    return this.text.charCodeAt(this.position) === Char.rightParen ? this.close(open) : undefined
  }

  /** Closes the innermost open filter if its parenthesis is next. Otherwise another filter must follow. */
  close(open: Array<Open>): LdapFilter | undefined {
    const { filters, position, tag } = open[open.length - 1]!
    this.skipSpace()
    const next = this.text.charCodeAt(this.position)
    if (next === Char.rightParen) {
      this.position++
      open.pop()
      return tag === "Not" ? { _tag: "Not", filter: filters[0]! } : { _tag: tag, filters }
    }
    if (tag === "Not") this.fail(`expected ")" after the one filter that "!" takes${this.opened(position)}`)
    if (next !== Char.leftParen && this.holes?.has(this.position) !== true) {
      this.fail(`expected another filter or ")"${this.opened(position)}`)
    }
    return undefined
  }

  /** Reads the comparison at the cursor and its closing parenthesis. `at` is the position of the opening one. */
  item(at: number): LdapFilter {
    const start = this.position
    const attribute = this.name()
    if (this.text.charCodeAt(this.position) === Char.equals) {
      this.checkAttribute(start, attribute)
      this.position++
      return this.equalityOrSubstrings(at, attribute)
    }
    const operator = this.text[this.position]
    if (operator === ":") return this.extensible(at, start, attribute)
    if (operator !== undefined && "<>~".includes(operator)) {
      this.checkAttribute(start, attribute)
      if (this.text.charCodeAt(this.position + 1) !== Char.equals) this.fail(`expected "${operator}="`)
      this.position += 2
      const value = this.value(at)
      return operator === ">"
        ? { _tag: "GreaterOrEqual", attribute, value }
        : operator === "<"
        ? { _tag: "LessOrEqual", attribute, value }
        : { _tag: "Approx", attribute, value }
    }
    return this.failInName(attribute)
  }

  equalityOrSubstrings(at: number, attribute: string): LdapFilter {
    if (this.text.startsWith("*)", this.position)) {
      this.position += 2
      return { _tag: "Present", attribute }
    }
    const first = this.octets(at)
    if (this.text.charCodeAt(this.position) === Char.rightParen) {
      this.position++
      return { _tag: "Equality", attribute, value: first }
    }
    const parts = [first]
    while (this.text.charCodeAt(this.position) === Char.asterisk) {
      const start = ++this.position
      parts.push(this.octets(at))
      if (this.position === start && this.text.charCodeAt(start) === Char.asterisk) {
        this.fail(`there is nothing between two "*"; write one "*", or \\2a for an asterisk in the value`)
      }
    }
    this.position++
    return substringsOf(attribute, parts)
  }

  /** The rest of an extensible match: `:dn`, a matching rule, `:=` and the value (RFC 4515 section 3, «extensible»). */
  extensible(at: number, start: number, attribute: string): Extensible {
    if (attribute !== "") this.checkAttribute(start, attribute)
    let dnAttributes = false
    let rule: string | undefined
    while (this.text.charCodeAt(++this.position) !== Char.equals) {
      const nameStart = this.position
      const name = this.name()
      if (this.text.charCodeAt(this.position) !== Char.colon) this.failInName(name)
      if (rule !== undefined) this.failAt(nameStart, `expected "=": the matching rule is the last name before ":="`)
      if (!dnAttributes && isDnFlag(name)) {
        dnAttributes = true
      } else if (isMatchingRule(name)) {
        rule = name
      } else {
        this.failAt(nameStart, name === "" ? `expected a matching rule or "="` : `"${name}" is not a matching rule`)
      }
    }
    if (rule === undefined && attribute === "") {
      this.failAt(start, `expected an attribute or a matching rule, as in (cn:=Ada) or (:caseExactMatch:=Ada)`)
    }
    this.position++
    const value = this.value(at)
    return {
      _tag: "Extensible",
      ...(rule === undefined ? undefined : { rule }),
      ...(attribute === "" ? undefined : { attribute }),
      value,
      dnAttributes
    }
  }

  /** Reads characters of names, numeric OIDs and options. The caller checks whether they form a valid name. */
  name(): string {
    const { position: start, text } = this
    let end = start
    while (isNameCharacter(text.charCodeAt(end))) end++
    this.position = end
    return text.slice(start, end)
  }

  /** Reads a value that can't contain an asterisk, and the closing parenthesis after it. */
  value(at: number): Uint8Array {
    const value = this.octets(at)
    if (this.text.charCodeAt(this.position) === Char.asterisk) {
      this.fail(`"*" has a meaning with "=" only; write \\2a for an asterisk in the value`)
    }
    this.position++
    return value
  }

  /** Reads the bytes up to the next `*` or `)`, and leaves the cursor there. */
  octets(at: number): Uint8Array {
    const { position, text } = this
    const end = plainEnd(text, position)
    const next = text.charCodeAt(end)
    // Most values are ASCII without escapes.
    if (next === Char.rightParen || next === Char.asterisk) {
      this.position = end
      return asciiOctets(text, position, end)
    }
    const chunks: Array<Uint8Array> = []
    let start = this.position
    const flush = (): void => {
      if (this.position > start) chunks.push(Buffer.from(this.text.slice(start, this.position)))
    }
    while (this.position < this.text.length) {
      switch (this.text.charCodeAt(this.position)) {
        case Char.rightParen:
        case Char.asterisk: {
          flush()
          return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
        }
        case Char.leftParen:
          return this.fail(`a value can't contain "("; write \\28, or close the filter with ")" before it`)
        case Char.backslash: {
          flush()
          chunks.push(this.escapes())
          start = this.position
          break
        }
        case Char.nul: {
          flush()
          chunks.push(this.interpolated())
          start = this.position
          break
        }
        default:
          this.position++
      }
    }
    return this.fail(`expected ")"${this.opened(at)}`)
  }

  /** Reads an escape and all escapes that follow directly. */
  escapes(): Uint8Array {
    const octets: Array<number> = []
    while (this.text.charCodeAt(this.position) === Char.backslash) {
      const high = hexDigit(this.text.charCodeAt(this.position + 1))
      const low = hexDigit(this.text.charCodeAt(this.position + 2))
      if (high < 0 || low < 0) {
        this.fail(`"\\" takes two hexadecimal digits, as in \\2a; write \\5c for a backslash in the value`)
      }
      octets.push(high * 16 + low)
      this.position += 3
    }
    return Buffer.from(octets)
  }

  /** The value that was interpolated at the cursor. */
  interpolated(): Uint8Array {
    const at = this.position
    if (this.holes?.has(at) !== true) this.fail("a value can't contain a NUL; write \\00")
    const value: unknown = this.holes?.get(at)
    if (isValue(value)) {
      this.position++
      return valueFrom(value)
    }
    return this.fail(`${describe(value)} can't be a value; expected text, bytes, a number, a boolean or a name`)
  }

  /** The filter that was interpolated at `at`, in the position of a whole filter. */
  splice(at: number): LdapFilter {
    const value = this.holes?.get(at)
    if (isFilter(value)) return value
    return this.failAt(at, `${describe(value)} can't be used as a filter; write a value as in (cn=${this.hole(at)})`)
  }

  skipSpace(): void {
    for (;;) {
      const char = this.text.charCodeAt(this.position)
      if (char !== Char.space && char !== Char.lineFeed && char !== Char.tab && char !== Char.carriageReturn) return
      this.position++
    }
  }

  checkAttribute(start: number, attribute: string): void {
    if (isAttributeDescription(attribute)) return
    this.failAt(start, attribute === "" ? "expected an attribute" : `"${attribute}" is not an attribute description`)
  }

  failInName(name: string): never {
    if (this.holes?.has(this.position) === true) {
      return this.fail("a value can't be used as a name, an operator or a filter in parentheses")
    }
    const next = this.text.charCodeAt(this.position)
    if (next === Char.leftParen) return this.fail(`expected an attribute; filters are combined by "&", "|" or "!"`)
    return name === "" && next !== Char.equals
      ? this.fail("expected an attribute, as in (cn=Ada)")
      : this.fail("expected an operator: =, >=, <=, ~= or :=")
  }

  failBehind(): never {
    return this.fail(
      this.text.charCodeAt(this.position) === Char.rightParen
        ? `this ")" closes nothing; write \\29 for one in a value`
        : "the filter ends before this; combine filters as in (&(cn=Ada)(sn=King))"
    )
  }

  opened(position: number): string {
    return ` for the "(" at position ${this.displayed(position)}`
  }

  fail(detail: string): never {
    return this.failAt(this.position, detail)
  }

  failAt(position: number, detail: string): never {
    throw new FilterSyntaxError({
      position: this.displayed(position),
      detail,
      filter: this.holes === undefined
        ? this.text
        : this.text.replace(/\0/g, (nul, at: number) => (this.holes?.has(at) === true ? this.hole(at) : nul))
    })
  }

  /** How the hole at a position is shown in errors. */
  hole(position: number): string {
    if (this.written === undefined) return "${…}"
    let index = 0
    for (const at of this.holes?.keys() ?? []) if (at < position) index++
    return this.written[index] ?? "${…}"
  }

  /** Converts a position to one in the displayed text, where a hole has more than one character. */
  displayed(position: number): number {
    let shown = position
    for (const at of this.holes?.keys() ?? []) if (at < position) shown += this.hole(at).length - 1
    return shown
  }
}

/** The end of the characters of a value that stand for themselves as one byte. */
const plainEnd = (text: string, start: number): number => {
  for (let at = start; at < text.length; at++) {
    const char = text.charCodeAt(at)
    const isSpecial = char === Char.rightParen || char === Char.asterisk || char === Char.leftParen ||
      char === Char.backslash || char === Char.nul || char > Char.lastAscii
    if (isSpecial) return at
  }
  return text.length
}

/** For a few bytes, a loop is faster than a call of the runtime. */
const asciiOctets = (text: string, start: number, end: number): Uint8Array => {
  const octets = Buffer.allocUnsafe(end - start)
  for (let i = 0; i < octets.length; i++) octets[i] = text.charCodeAt(start + i)
  return octets
}

const loneSurrogate = /\p{Surrogate}/u

const isFilter = (u: unknown): u is LdapFilter =>
  typeof u === "object" && u !== null && "_tag" in u && filterTags.has(u._tag)

const describe = (value: unknown): string => isFilter(value) ? "a filter" : given(value)
