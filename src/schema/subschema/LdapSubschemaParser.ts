/**
 * Reads the definitions of RFC 4512 section 4.1, as servers write them.
 *
 * It reads the whole grammar, and the deviations of real servers: object identifiers in quotation marks (Active Directory's `SYNTAX
 * '1.2.3'`), names instead of object identifiers and underscores in names (389-ds), keywords in any order and case, lists without
 * dollar signs or without spaces around parentheses, empty lists, apostrophes within quoted text, unknown words, and text after the
 * last parenthesis.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import {
  type AttributeType,
  type AttributeUsage,
  type Definition,
  DefinitionSyntaxError,
  type DitContentRule,
  type DitStructureRule,
  type MatchingRule,
  type MatchingRuleUse,
  type NameForm,
  type ObjectClass,
  type SyntaxDescription
} from "./LdapSubschemaModel.ts"

/**
 * Reads an attribute type (RFC 4512 section 4.1.2).
 *
 * @category parsing
 * @since 0.1.0
 */
export const parseAttributeType = (text: string): Result.Result<AttributeType, DefinitionSyntaxError> =>
  Result.map(read(text), (parts) => {
    // Any number of digits: eDirectory sends {4294967295}. Other servers put blanks around the braces, or a name in place of the
    // syntax.
    const syntax = /^([^{]*)(?:\{([0-9]*)\}?)?/.exec(parts.word("SYNTAX") ?? "")
    const length = syntax?.[2] === undefined || syntax[2] === "" ? undefined : Number(syntax[2])
    return {
      _tag: "AttributeType",
      ...parts.definition,
      superior: parts.word("SUP"),
      equality: parts.word("EQUALITY"),
      ordering: parts.word("ORDERING"),
      substring: parts.word("SUBSTR"),
      syntax: syntax?.[1] === "" ? undefined : syntax?.[1],
      // A larger number isn't exact, and no value is that long.
      length: length !== undefined && Number.isSafeInteger(length) ? length : undefined,
      singleValue: parts.has("SINGLE-VALUE"),
      collective: parts.has("COLLECTIVE"),
      noUserModification: parts.has("NO-USER-MODIFICATION"),
      usage: usages.get(parts.word("USAGE")?.toLowerCase() ?? "") ?? "userApplications"
    }
  })

const usages = new Map<string, AttributeUsage>(
  (["userApplications", "directoryOperation", "distributedOperation", "dSAOperation"] as const).map((usage) => [
    usage.toLowerCase(),
    usage
  ])
)

/**
 * Reads an object class (section 4.1.1).
 *
 * @category parsing
 * @since 0.1.0
 */
export const parseObjectClass = (text: string): Result.Result<ObjectClass, DefinitionSyntaxError> =>
  Result.map(read(text), (parts) => ({
    _tag: "ObjectClass",
    ...parts.definition,
    superiors: parts.list("SUP"),
    kind: parts.has("ABSTRACT") ? "abstract" : parts.has("AUXILIARY") ? "auxiliary" : "structural",
    must: parts.list("MUST"),
    may: parts.list("MAY")
  }))

/**
 * Reads a matching rule (section 4.1.3).
 *
 * @category parsing
 * @since 0.1.0
 */
export const parseMatchingRule = (text: string): Result.Result<MatchingRule, DefinitionSyntaxError> =>
  Result.map(read(text), (parts) => ({ _tag: "MatchingRule", ...parts.definition, syntax: parts.word("SYNTAX") }))

/**
 * Reads the uses of a matching rule (section 4.1.4).
 *
 * @category parsing
 * @since 0.1.0
 */
export const parseMatchingRuleUse = (text: string): Result.Result<MatchingRuleUse, DefinitionSyntaxError> =>
  Result.map(read(text), (parts) => ({ _tag: "MatchingRuleUse", ...parts.definition, applies: parts.list("APPLIES") }))

/**
 * Reads a syntax (section 4.1.5).
 *
 * @category parsing
 * @since 0.1.0
 */
export const parseSyntax = (text: string): Result.Result<SyntaxDescription, DefinitionSyntaxError> =>
  Result.map(read(text), (parts) => ({ _tag: "SyntaxDescription", ...parts.definition }))

/**
 * Reads a DIT content rule (section 4.1.6).
 *
 * @category parsing
 * @since 0.1.0
 */
export const parseDitContentRule = (text: string): Result.Result<DitContentRule, DefinitionSyntaxError> =>
  Result.map(read(text), (parts) => ({
    _tag: "DitContentRule",
    ...parts.definition,
    auxiliaries: parts.list("AUX"),
    must: parts.list("MUST"),
    may: parts.list("MAY"),
    not: parts.list("NOT")
  }))

/**
 * Reads a DIT structure rule (section 4.1.7.1).
 *
 * @category parsing
 * @since 0.1.0
 */
export const parseDitStructureRule = (text: string): Result.Result<DitStructureRule, DefinitionSyntaxError> =>
  Result.map(read(text), (parts) => ({
    _tag: "DitStructureRule",
    ...parts.definition,
    form: parts.word("FORM"),
    superiors: parts.list("SUP")
  }))

/**
 * Reads a name form (section 4.1.7.2).
 *
 * @category parsing
 * @since 0.1.0
 */
export const parseNameForm = (text: string): Result.Result<NameForm, DefinitionSyntaxError> =>
  Result.map(read(text), (parts) => ({
    _tag: "NameForm",
    ...parts.definition,
    objectClass: parts.word("OC"),
    must: parts.list("MUST"),
    may: parts.list("MAY")
  }))

// ---------------------------------------------------------------------------------------------------------------------
// Grammar
// ---------------------------------------------------------------------------------------------------------------------

/** A parsed definition: keywords in upper case, each with its values. */
interface Parts {
  readonly definition: Definition
  readonly has: (keyword: string) => boolean
  readonly word: (keyword: string) => string | undefined
  readonly list: (keyword: string) => ReadonlyArray<string>
}

/** Keywords without a value. Any other keyword has a value or a list. */
const flags = new Set([
  "OBSOLETE",
  "SINGLE-VALUE",
  "COLLECTIVE",
  "NO-USER-MODIFICATION",
  "ABSTRACT",
  "STRUCTURAL",
  "AUXILIARY"
])

/** Keywords that have a value or a list. Other words are ignored unless they are extensions. */
const valued = new Set([
  "NAME",
  "DESC",
  "SUP",
  "EQUALITY",
  "ORDERING",
  "SUBSTR",
  "SYNTAX",
  "USAGE",
  "MUST",
  "MAY",
  "APPLIES",
  "AUX",
  "NOT",
  "FORM",
  "OC"
])

const noValues: ReadonlyArray<string> = []

const read = (text: string): Result.Result<Parts, DefinitionSyntaxError> => {
  if (typeof text !== "string") {
    return Result.fail(new DefinitionSyntaxError({ text: "", position: 0, detail: "no text was given" }))
  }
  const tokens = tokensOf(text)
  if (Result.isFailure(tokens)) return Result.fail(tokens.failure)
  const reader = new TokenReader(text, tokens.success)
  return Result.gen(function*() {
    yield* reader.expect("open")
    const oid = yield* reader.value()
    const parts = new Map<string, ReadonlyArray<string>>()
    while (reader.kind !== "close") {
      const keyword = (yield* reader.expect("word")).toUpperCase()
      const isValued = valued.has(keyword) || keyword.startsWith("X-")
      // An unknown keyword has a value if the next token can't be a keyword.
      const values = isValued || (!flags.has(keyword) && (reader.kind === "quoted" || reader.kind === "open"))
        ? yield* reader.values()
        : noValues
      // `SYNTAX 1.2.3 {64}`: here a space separates the length.
      const length = keyword === "SYNTAX" && reader.length !== undefined ? reader.takeLength() : ""
      if (!parts.has(keyword)) parts.set(keyword, length === "" ? values : [`${values[0]}${length}`])
    }
    const list = (keyword: string) => parts.get(keyword) ?? noValues
    const description = parts.get("DESC")?.[0]
    return {
      definition: {
        oid,
        names: list("NAME"),
        description: description === "" ? undefined : description,
        obsolete: parts.has("OBSOLETE"),
        extensions: new Map(Array.from(parts).filter(([keyword]) => keyword.startsWith("X-")))
      },
      has: (keyword: string) => parts.has(keyword),
      word: (keyword: string) => parts.get(keyword)?.[0],
      list
    }
  })
}

interface Token {
  readonly kind: "open" | "close" | "dollar" | "word" | "quoted" | "end"
  readonly text: string
  readonly position: number
}

class TokenReader {
  readonly #text: string
  readonly #tokens: ReadonlyArray<Token>
  #at = 0

  constructor(text: string, tokens: ReadonlyArray<Token>) {
    this.#text = text
    this.#tokens = tokens
  }

  get kind(): Token["kind"] {
    return this.#peek.kind
  }

  /** The last token marks the end. It is never consumed. */
  get #peek(): Token {
    return this.#tokens[this.#at]!
  }

  /** A length in braces, separated by a space. */
  get length(): string | undefined {
    const { kind, text } = this.#peek
    return kind === "word" && /^\{[0-9]*\}$/.test(text) ? text : undefined
  }

  takeLength(): string {
    return this.#tokens[this.#at++]!.text
  }

  fail(detail: string): Result.Result<never, DefinitionSyntaxError> {
    return Result.fail(new DefinitionSyntaxError({ text: this.#text, position: this.#peek.position, detail }))
  }

  expect(kind: "open" | "word"): Result.Result<string, DefinitionSyntaxError> {
    if (this.kind !== kind)
      return this.fail(kind === "open" ? "a definition begins with (" : "a keyword is missing here")
    return Result.succeed(this.#tokens[this.#at++]!.text)
  }

  value(): Result.Result<string, DefinitionSyntaxError> {
    return this.kind === "word" || this.kind === "quoted"
      ? Result.succeed(this.#tokens[this.#at++]!.text)
      : this.fail("a value is missing here")
  }

  /** Reads one value or a list in parentheses, also the integer list of DIT structure rules. */
  values(): Result.Result<ReadonlyArray<string>, DefinitionSyntaxError> {
    if (this.kind !== "open") return Result.map(this.value(), (value) => [value])
    this.#at++
    const values: Array<string> = []
    for (;;) {
      const token = this.#peek
      if (token.kind === "open" || token.kind === "end") return this.fail("a list has no closing parenthesis")
      this.#at++
      if (token.kind === "close") return Result.succeed(values)
      if (token.kind !== "dollar") values.push(token.text)
    }
  }
}

const token = /[ \t\r\n]*(?:(?<punctuation>[()$])|'(?<quoted>(?:[^']|'(?![\s)$]|$))*)'|(?<word>[^\s()$']+))/y
const kinds = { "(": "open", ")": "close", "$": "dollar" } as const

/** The maximum length of a definition. A class of Active Directory has some 20,000 characters, and more with extensions. */
const maxLength = 500_000

/** The tokens up to the closing parenthesis of the definition. */
const tokensOf = (text: string): Result.Result<ReadonlyArray<Token>, DefinitionSyntaxError> => {
  if (text.length > maxLength) {
    const detail = `longer than ${maxLength} characters`
    return Result.fail(new DefinitionSyntaxError({ text: text.slice(0, 80), position: 0, detail }))
  }
  const tokens: Array<Token> = []
  let depth = 0
  let position = 0
  for (;;) {
    token.lastIndex = position
    const match = token.exec(text)
    if (match === null) break
    const { punctuation, quoted, word = "" } = match.groups ?? {}
    position = token.lastIndex
    if (punctuation !== undefined) {
      // The pattern has exactly these three groups.
      const kind = kinds[punctuation as keyof typeof kinds]
      tokens.push({ kind, text: punctuation, position: position - 1 })
      depth += kind === "open" ? 1 : kind === "close" ? -1 : 0
      if (kind === "close" && depth <= 0) break
    } else if (quoted !== undefined) {
      tokens.push({ kind: "quoted", text: unescape(quoted), position: position - quoted.length - 2 })
    } else {
      tokens.push({ kind: "word", text: word, position: position - word.length })
    }
  }
  if (depth > 0 || tokens.length === 0) {
    const detail = text.slice(position).trimStart().startsWith("'")
      ? "quoted text has no closing quotation mark"
      : "the definition has no closing parenthesis"
    return Result.fail(new DefinitionSyntaxError({ text, position, detail }))
  }
  tokens.push({ kind: "end", text: "", position })
  return Result.succeed(tokens)
}

/** Decodes the two escapes of qdstring. Other backslashes are kept. */
const unescape = (text: string): string => text.replace(/\\(27|5c)/gi, (_, code) => (code === "27" ? "'" : "\\"))
