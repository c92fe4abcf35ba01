/**
 * Filters from settings, with placeholders for values that are known later. LdapFilterParser.ts reads the text.
 *
 * @since 0.2.0
 */
import * as Result from "effect/Result"
import { cut, type TemplateOptions } from "../input/template.ts"
import { isValue } from "../input/values.ts"
import type { FilterValue, LdapFilter } from "./LdapFilterModel.ts"
import { inParentheses, missingParentheses, parseTemplate } from "./LdapFilterParser.ts"
import { FilterSyntaxError } from "./LdapFilterText.ts"

/**
 * A filter with placeholders for values. It never changes, so fibers may share it.
 *
 * @category models
 * @since 0.2.0
 */
export interface FilterTemplate<out Name extends string> {
  readonly _tag: "FilterTemplate"
  /** The template as it was given. */
  readonly text: string
  /**
   * The filter with these values. A value can't become syntax. If a value is invalid (for instance `undefined` from a program
   * without type checks), the search that uses the filter fails with `InvalidRequest`, and no request is sent.
   */
  readonly filter: (values: Readonly<Record<Name, FilterValue>>) => LdapFilter
}

/**
 * Parses a filter with placeholders in its values, for instance from a setting.
 *
 * **Details**
 *
 * A placeholder stands for a value or a part of one. Its value is never parsed: `*` in it is an asterisk, and `)` a parenthesis.
 * The rest is RFC 4515, as `parse` accepts it. Fails if the text isn't a filter, if it has a placeholder that `placeholders`
 * doesn't list, or if a listed placeholder is missing. The last check matters: a login filter without the login would find the same
 * user for every login. Without `placeholders`, any placeholders are allowed.
 *
 * **Example**
 *
 * ```ts
 * import { LdapFilter } from "effect-ldap"
 * import { Result } from "effect"
 *
 * // LDAP_FILTER=(&(objectClass=person)(|(uid={{login}})(mail={{login}})))
 * const template = LdapFilter.template("(&(objectClass=person)(|(uid={{login}})(mail={{login}})))", {
 *   placeholders: ["login"]
 * })
 * const filter = Result.map(template, (template) => template.filter({ login: "*)(uid=*" }))
 *
 * // Other products': (uid=%s), (uid={0}), (uid=${login})
 * LdapFilter.template("uid=%s", { placeholders: ["login"], style: "%s", lenient: true })
 * ```
 *
 * @category parsing
 * @since 0.2.0
 */
export const template = <const Name extends string>(
  text: string,
  options?: TemplateOptions<Name>
): Result.Result<FilterTemplate<Name>, FilterSyntaxError> => {
  const pieces = cut(text, options)
  if ("detail" in pieces)
    return Result.fail(new FilterSyntaxError({ ...pieces, filter: typeof text === "string" ? text : "" }))
  const { names, written } = pieces
  const lenient = inParentheses(pieces.literals)
  const literals = options?.lenient === true ? lenient : pieces.literals
  const filled = (values: ReadonlyArray<FilterValue>) => parseTemplate(literals, values, written)
  // The example value isn't empty, so that no part is left out. If the template can be parsed with it, it can be parsed with any
  // value.
  const tried = (literals: ReadonlyArray<string>) =>
    Result.try({ try: () => parseTemplate(literals, names.map(() => "x"), written), catch: asSyntaxError })
  const read = tried(literals)
  if (Result.isFailure(read)) {
    const { detail, filter, position } = read.failure
    return Result.fail(
      literals !== lenient && Result.isSuccess(tried(lenient))
        ? new FilterSyntaxError({ filter, position, detail: `${detail}: ${missingParentheses}` })
        : read.failure
    )
  }
  return Result.succeed(
    {
      _tag: "FilterTemplate",
      text,
      filter: (values) => {
        const given: Readonly<Record<string, unknown>> = values ?? {}
        const wrong = names.find((name) => !isValue(given[name]))
        return wrong === undefined
          ? filled(names.map((name) => values[name]))
          // `validate` and every request refuse this value, and say what was given.
          : { _tag: "Equality", attribute: wrong, value: given[wrong] as Uint8Array }
      }
    }
  )
}

const asSyntaxError = (error: unknown): FilterSyntaxError => {
  if (error instanceof FilterSyntaxError) return error
  throw error
}
