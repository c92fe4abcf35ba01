/**
 * Splits text at its placeholders: filters and names in settings. The text between the placeholders is read by the grammar of
 * filters or names; the values that replace the placeholders are never parsed.
 */

/**
 * How placeholders are written: `{{login}}`, `${login}`, `{0}` for the first, or `%s`.
 *
 * **Details**
 *
 * `{0}` is the first of the names that the program gives, `{1}` the second. If the program gives one name, every `%s` stands for it; if
 * it gives several, each `%s` stands for the next one. In this style `%%` is a `%`.
 *
 * @category models
 * @since 0.2.0
 */
export type TemplateStyle = "{{x}}" | "${x}" | "{0}" | "%s"

/**
 * Options of templates.
 *
 * @category models
 * @since 0.2.0
 */
export interface TemplateOptions<Name extends string> {
  /** The names of the placeholders that the text must have. Default: it may have any, in a style that names them. */
  readonly placeholders?: ReadonlyArray<Name> | undefined
  /** Names of placeholders that the text may have. Default none. */
  readonly optional?: ReadonlyArray<Name> | undefined
  /** Default `{{x}}`. */
  readonly style?: TemplateStyle | undefined
  /** Whether the text is read leniently, as `parse` does with the same option. Default false. */
  readonly lenient?: boolean | undefined
}

/** Text around placeholders: one literal more than there are names. */
export interface Pieces<Name extends string> {
  readonly literals: ReadonlyArray<string>
  readonly names: ReadonlyArray<Name>
  /** The placeholders as the text has them, for errors. */
  readonly written: ReadonlyArray<string>
}

/** Why a text can't be split. */
export interface TemplateMistake {
  readonly position: number
  readonly detail: string
}

interface Style {
  readonly placeholder: RegExp
  /** Characters that look like a broken placeholder. */
  readonly leftover: RegExp
  readonly write: (name: string, index: number) => string
}

const styles: Readonly<Record<TemplateStyle, Style>> = {
  "{{x}}": {
    placeholder: /\{\{[ \t]*([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*\}\}/g,
    leftover: /\{\{|\}\}/,
    write: (name) => `{{${name}}}`
  },
  "${x}": {
    placeholder: /\$\{[ \t]*([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*\}/g,
    leftover: /\$\{/,
    write: (name) => `\${${name}}`
  },
  "{0}": { placeholder: /\{([0-9]{1,4})\}/g, leftover: /[{}]/, write: (_, index) => `{${index}}` },
  "%s": { placeholder: /%([s%])/g, leftover: /%/, write: () => "%s" }
}

/** The styles, to check the option of programs without types. */
const isStyle = (u: unknown): u is TemplateStyle => typeof u === "string" && Object.hasOwn(styles, u)

export const cut = <Name extends string>(
  text: unknown,
  options: TemplateOptions<Name> | undefined
): Pieces<Name> | TemplateMistake => {
  if (typeof text !== "string") return { position: 0, detail: "a template is text" }
  const { optional = [], placeholders, style = "{{x}}" }: Readonly<Record<string, unknown>> = { ...options }
  if (!isListOfNames(placeholders ?? []) || !isListOfNames(optional))
    return { position: 0, detail: "the placeholders of a template are an array of names" }
  if (!isStyle(style))
    return { position: 0, detail: `the style of placeholders is one of ${Object.keys(styles).join(", ")}` }
  const { leftover, placeholder, write } = styles[style]
  const isOpen = placeholders === undefined
  if (isOpen && (style === "{0}" || style === "%s"))
    return { position: 0, detail: `placeholders like ${style} have no names, so the option placeholders gives them` }
  const required = (placeholders ?? []) as ReadonlyArray<Name>
  const known = [...required, ...(optional as ReadonlyArray<Name>)]
  const list = known.length === 0 ? "none" : known.map(write).join(", ")
  const literals: Array<string> = [""]
  const names: Array<Name> = []
  const written: Array<string> = []
  const addLiteral = (literal: string, at: number): TemplateMistake | undefined => {
    literals[literals.length - 1] += literal
    const wrong = literal.search(leftover)
    return wrong < 0
      ? undefined
      : { position: at + wrong, detail: `this is no placeholder${isOpen ? "" : `; known are ${list}`}` }
  }
  let end = 0
  for (const match of text.matchAll(placeholder)) {
    const mistake = addLiteral(text.slice(end, match.index), end)
    if (mistake !== undefined) return mistake
    end = match.index + match[0].length
    if (match[0] === "%%") {
      literals[literals.length - 1] += "%"
      continue
    }
    const name = isOpen ? (match[1] as Name) : nameOf(style, match[1]!, known, names.length)
    if (name === undefined) {
      return { position: match.index, detail: `there is no placeholder ${match[0]}; known are ${list}` }
    }
    names.push(name)
    written.push(match[0])
    literals.push("")
  }
  const mistake = addLiteral(text.slice(end), end)
  if (mistake !== undefined) return mistake
  const missing = required.findIndex((name) => !names.includes(name))
  return missing < 0
    ? { literals, names, written }
    : { position: text.length, detail: `the placeholder ${write(required[missing]!, missing)} is missing` }
}

const isListOfNames = (u: unknown): boolean =>
  Array.isArray(u) && (u as ReadonlyArray<unknown>).every((name) => typeof name === "string")

const nameOf = <Name extends string>(
  style: TemplateStyle,
  written: string,
  known: ReadonlyArray<Name>,
  count: number
): Name | undefined => {
  switch (style) {
    case "{0}":
      return known[Number(written)]
    case "%s":
      return known.length === 1 ? known[0] : known[count]
    default:
      return known.find((name) => name === written)
  }
}
