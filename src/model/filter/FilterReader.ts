/**
 * The grammar of filters (RFC 4515), read with a cursor.
 *
 * One reader parses plain texts and templates. The values of a template are holes. They are found by position, not by a character,
 * and their content is never parsed, so a value can't become syntax.
 */
import { given, isValue, valueFrom } from "../input/values.ts"
import { Char, compositeTag, hexDigit, isNameCharacter, isSpace } from "./filterCharacters.ts"
import type { Extensible, FilterValue, LdapFilter } from "./LdapFilterModel.ts"
import {
  FilterSyntaxError,
  isAttributeDescription,
  isDnFlag,
  isMatchingRule,
  substringsFrom
} from "./LdapFilterText.ts"
import { giveBack, takeMemory, type ValueMemory } from "./ValueMemory.ts"

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
  readonly outer: Open | undefined
  readonly depth: number
}

/**
 * A cursor over the text. Each hole is one NUL in the text. No part of the grammar accepts a NUL, so every scan stops there and
 * checks whether the position is a hole.
 */
export class FilterReader {
  readonly text: string
  readonly holes: ReadonlyMap<number, FilterValue | LdapFilter> | undefined
  readonly maxDepth: number
  readonly shown: ReadonlyArray<string> | undefined
  readonly memory: ValueMemory
  position = 0

  constructor(
    text: string,
    holes: ReadonlyMap<number, FilterValue | LdapFilter> | undefined,
    maxDepth: number,
    shown?: ReadonlyArray<string>
  ) {
    this.text = text
    this.holes = holes
    this.maxDepth = maxDepth
    this.shown = shown
    this.memory = takeMemory(text)
  }

  /** The whole text as one filter. */
  filter(): LdapFilter {
    const { text } = this
    let open: Open | undefined
    for (;;) {
      const at = this.skipSpace()
      if ((open === undefined ? 0 : open.depth) >= this.maxDepth) this.fail(`filters nest deeper than ${this.maxDepth}`)
      let complete: LdapFilter
      if (text.charCodeAt(at) === Char.leftParen) {
        this.position++
        const tag = compositeTag(text.charCodeAt(this.skipSpace()))
        if (tag === undefined) {
          complete = this.item(at)
        } else {
          this.position++
          open = { tag, position: at, filters: [], outer: open, depth: open === undefined ? 1 : open.depth + 1 }
          if (tag === "Not" || text.charCodeAt(this.skipSpace()) !== Char.rightParen) continue
          this.position++
          complete = { _tag: tag, filters: open.filters }
          open = open.outer
        }
      } else if (this.holes?.has(at) === true) {
        this.position++
        complete = this.splice(at)
      } else this.fail(`expected a filter, as in (cn=Ada)`)
      while (open !== undefined) {
        open.filters.push(complete)
        if (text.charCodeAt(this.skipSpace()) !== Char.rightParen) break
        this.position++
        complete = open.tag === "Not" ? { _tag: "Not", filter: complete } : { _tag: open.tag, filters: open.filters }
        open = open.outer
      }
      if (open === undefined) {
        if (this.position < text.length && this.skipSpace() < text.length) this.failBehind()
        giveBack(this.memory)
        return complete
      }
      this.expectAnother(open)
    }
  }

  /** Another filter must follow in one that is open, since its closing parenthesis doesn't. */
  expectAnother({ position, tag }: Open): void {
    if (tag === "Not") this.fail(`expected ")" after the one filter that "!" takes${this.opened(position)}`)
    if (this.text.charCodeAt(this.position) !== Char.leftParen && this.holes?.has(this.position) !== true) {
      this.fail(`expected another filter or ")"${this.opened(position)}`)
    }
  }

  /** Reads the comparison at the cursor and its closing parenthesis. `at` is the position of the opening one. */
  item(at: number): LdapFilter {
    const { position: start, text } = this
    const attribute = this.name()
    const operator = text.charCodeAt(this.position)
    if (operator === Char.equals) {
      this.checkAttribute(start, attribute)
      this.position++
      return this.equalityOrSubstrings(at, attribute)
    }
    if (operator === Char.colon) return this.extensible(at, start, attribute)
    if (operator === Char.greater || operator === Char.less || operator === Char.tilde) {
      this.checkAttribute(start, attribute)
      if (text.charCodeAt(this.position + 1) !== Char.equals) {
        this.fail(`expected "${String.fromCharCode(operator)}="`)
      }
      this.position += 2
      const value = this.value(at)
      return operator === Char.greater
        ? { _tag: "GreaterOrEqual", attribute, value }
        : operator === Char.less
        ? { _tag: "LessOrEqual", attribute, value }
        : { _tag: "Approx", attribute, value }
    }
    return this.failInName(attribute)
  }

  equalityOrSubstrings(at: number, attribute: string): LdapFilter {
    const { position, text } = this
    if (text.charCodeAt(position) === Char.asterisk && text.charCodeAt(position + 1) === Char.rightParen) {
      this.position += 2
      return { _tag: "Present", attribute }
    }
    const first = this.octets(at)
    if (this.text.charCodeAt(this.position) === Char.rightParen) {
      this.position++
      return { _tag: "Equality", attribute, value: first }
    }
    const any: Array<Uint8Array> = []
    let last: Uint8Array | undefined
    while (text.charCodeAt(this.position) === Char.asterisk) {
      if (last !== undefined && last.length > 0) any.push(last)
      const start = ++this.position
      last = this.octets(at)
      if (this.position === start && text.charCodeAt(start) === Char.asterisk) {
        this.fail(`there is nothing between two "*"; write one "*", or \\2a for an asterisk in the value`)
      }
    }
    this.position++
    return substringsFrom(
      attribute,
      first.length === 0 ? undefined : first,
      any,
      last === undefined || last.length === 0 ? undefined : last
    )
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
    return rule === undefined
      ? { _tag: "Extensible", attribute, value, dnAttributes }
      : attribute === ""
      ? { _tag: "Extensible", rule, value, dnAttributes }
      : { _tag: "Extensible", rule, attribute, value, dnAttributes }
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

  /** Reads the bytes up to the next `*` or `)`, and leaves the cursor there. `isPart` stops at a hole as well. */
  octets(at: number, isPart: boolean = false): Uint8Array {
    const { memory: { bytes, used }, text } = this
    let { position } = this
    let end = used
    for (;;) {
      const char = text.charCodeAt(position)
      if (char > Char.asterisk && char <= Char.lastAscii && char !== Char.backslash) {
        bytes[end++] = char
        position++
      } else if (char === Char.rightParen || char === Char.asterisk) {
        break
      } else if (char === Char.backslash) {
        const high = hexDigit(text.charCodeAt(position + 1))
        const low = hexDigit(text.charCodeAt(position + 2))
        if (high < 0 || low < 0) {
          this.failAt(
            position,
            `"\\" takes two hexadecimal digits, as in \\2a; write \\5c for a backslash in the value`
          )
        }
        bytes[end++] = high * 16 + low
        position += 3
      } else if (char === Char.leftParen) {
        this.failAt(position, `a value can't contain "("; write \\28, or close the filter with ")" before it`)
      } else if (char === Char.nul) {
        if (isPart) break
        return this.octetsWithHoles(at)
      } else if (char <= Char.lastAscii) {
        bytes[end++] = char
        position++
      } else if (position < text.length) {
        const start = position
        while (text.charCodeAt(position) > Char.lastAscii) position++
        const characters = text.slice(start, position)
        if (!characters.isWellFormed()) this.fail(notACharacter)
        end += bytes.write(characters, end)
      } else {
        this.failAt(position, `expected ")"${this.opened(at)}`)
      }
    }
    this.position = position
    this.memory.used = end
    return bytes.subarray(used, end)
  }

  /** The same for a value with holes. A value that is one hole stays the object that was given. */
  octetsWithHoles(at: number): Uint8Array {
    const parts = [this.octets(at, true)]
    while (this.text.charCodeAt(this.position) === Char.nul) parts.push(this.interpolated(), this.octets(at, true))
    const given = parts.filter(({ length }) => length > 0)
    return given.length === 1 ? given[0]! : Buffer.concat(given)
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

  /** Moves the cursor past white space, and returns its position. */
  skipSpace(): number {
    const { text } = this
    let { position } = this
    while (isSpace(text.charCodeAt(position))) position++
    this.position = position
    return position
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
    // A lone surrogate anywhere in the text is named before other errors.
    const surrogate = this.text.search(loneSurrogate)
    throw new FilterSyntaxError({
      position: this.displayed(surrogate < 0 ? position : surrogate),
      detail: surrogate < 0 ? detail : notACharacter,
      filter: this.holes === undefined
        ? this.text
        : this.text.replace(/\0/g, (nul, at: number) => (this.holes?.has(at) === true ? this.hole(at) : nul))
    })
  }

  /** How the hole at a position is shown in errors. */
  hole(position: number): string {
    if (this.shown === undefined) return "${…}"
    let index = 0
    for (const at of this.holes?.keys() ?? []) if (at < position) index++
    return this.shown[index] ?? "${…}"
  }

  /** Converts a position to one in the displayed text, where a hole has more than one character. */
  displayed(position: number): number {
    let shown = position
    for (const at of this.holes?.keys() ?? []) if (at < position) shown += this.hole(at).length - 1
    return shown
  }
}

const loneSurrogate = /\p{Surrogate}/u
const notACharacter = "a lone surrogate is not a character"

const isFilter = (u: unknown): u is LdapFilter =>
  typeof u === "object" && u !== null && "_tag" in u && filterTags.has(u._tag)

const describe = (value: unknown): string => isFilter(value) ? "a filter" : given(value)
