/**
 * Checks the arguments of jobs before anything is sent. A program without types then gets `InvalidRequest`, instead of a defect or an
 * option that is silently ignored. Names, attributes and the options of operations are checked by the code of the operations.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { schemaProblem as notSchema } from "../../model/attribute/equalityRules.ts"
import { isAttributeDescription } from "../../model/filter/LdapFilterText.ts"
import { given } from "../../model/input/values.ts"
import { InvalidRequest, LdapError } from "../../model/LdapError.ts"
import { attributeListProblem, choiceProblem, optionsProblem } from "../../session/input/operationInput.ts"

export type Problem = InvalidRequest | undefined

/** Runs a job if its arguments are valid. The check runs inside the effect, so that nothing is thrown outside of it. */
export const checked = <A, E, R>(
  operation: string,
  problem: () => Problem,
  job: () => Effect.Effect<A, E, R>
): Effect.Effect<A, E | LdapError, R> =>
  Effect.suspend((): Effect.Effect<A, E | LdapError, R> => {
    const reason = problem()
    return reason === undefined ? job() : Effect.fail(new LdapError({ reason, operation }))
  })

/** The same for a job that is a stream. */
export const checkedStream = <A, E, R>(
  operation: string,
  problem: () => Problem,
  job: () => Stream.Stream<A, E, R>
): Stream.Stream<A, E | LdapError, R> =>
  Stream.suspend((): Stream.Stream<A, E | LdapError, R> => {
    const reason = problem()
    return reason === undefined ? job() : Stream.fail(new LdapError({ reason, operation }))
  })

/** Checks an attribute that a job puts into a filter: a search may ask for `*`, but a filter needs a description. */
export const filterAttributeProblem = (field: string, u: unknown): Problem =>
  typeof u === "string" && isAttributeDescription(u)
    ? undefined
    : new InvalidRequest({ field, detail: `${given(u)} was given where an attribute description belongs, as in "cn"` })

/** The same for a list of attributes. */
export const filterAttributesProblem = (field: string, u: unknown): Problem => {
  const problem = attributeListProblem(u, field)
  if (problem !== undefined || u === undefined) return problem
  for (const attribute of u as ReadonlyArray<unknown>) {
    const wrong = filterAttributeProblem(field, attribute)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

/** Checks the options of a job: those of operations, and then its own by their names. */
export const jobOptionsProblem = (
  options: unknown,
  own: Readonly<Record<string, (field: string, u: unknown) => Problem>> = {}
): Problem => {
  const wrong = optionsProblem(options)
  if (wrong !== undefined || options === undefined) return wrong
  const fields = options as Readonly<Record<string, unknown>>
  for (const [field, problem] of Object.entries(own)) {
    const found = fields[field] === undefined ? undefined : problem(field, fields[field])
    if (found !== undefined) return found
  }
  return undefined
}

const invalid = (field: string, detail: string): InvalidRequest => new InvalidRequest({ field, detail })

/** One of a fixed list of texts. */
export const oneOf = (...choices: ReadonlyArray<string>) => (field: string, u: unknown): Problem =>
  choiceProblem(field, u, choices)

/** A whole number from 1, or `Infinity`, since the number of fibers may be unlimited. */
export const countProblem = (field: string, u: unknown): Problem =>
  u === Infinity || (typeof u === "number" && Number.isSafeInteger(u) && u >= 1)
    ? undefined
    : invalid(field, `${given(u)} was given where a whole number from 1 belongs`)

export const functionProblem = (field: string, u: unknown): Problem =>
  typeof u === "function" ? undefined : invalid(field, `${given(u)} was given where a function belongs`)

/** A schema, as `LdapSubschema.read` gives it. */
export const schemaProblem = (field: string, u: unknown): Problem => {
  const detail = notSchema(u)
  return detail === undefined ? undefined : invalid(field, detail)
}
