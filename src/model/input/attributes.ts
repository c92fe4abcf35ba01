/**
 * Checks attributes, changes and names before they are encoded: programs without types, and data that doesn't match its type, may
 * pass anything. Without the check a server might apply only a part of the request, or end the connection.
 */
import { InvalidRequest } from "../InvalidRequest.ts"
import { given, isName, isValue } from "./values.ts"

type Problem = InvalidRequest | undefined

const invalid = (field: string, detail: string): InvalidRequest => new InvalidRequest({ field, detail })

/** Checks a distinguished name: text, or a name as a value. */
export const nameProblem = (field: string, u: unknown): Problem =>
  (typeof u === "string" && u.isWellFormed()) || isName(u)
    ? undefined
    : invalid(field, `${given(u)} was given where a distinguished name belongs, as text or as an LdapDn`)

/** Checks one value. */
export const valueProblem = (field: string, u: unknown): Problem =>
  isValue(u) ? undefined : invalid(field, `${given(u)} was given where a value belongs${adviceFor(u)}`)

/** Checks an attribute description. The server decides whether the attribute exists. */
export const descriptionProblem = (field: string, u: unknown): Problem =>
  typeof u === "string" && u.isWellFormed()
    ? undefined
    : invalid(field, `${given(u)} was given where an attribute description belongs, as in "cn" or "cn;lang-de"`)

/** Checks the attributes of an entry: by their descriptions, or as a list of `LdapAttribute`. */
export const attributesProblem = (u: unknown, field = "attributes"): Problem => {
  if (Array.isArray(u)) {
    for (const attribute of u as ReadonlyArray<unknown>) {
      const problem = attributeProblem(field, attribute)
      if (problem !== undefined) return problem
    }
    return undefined
  }
  if (!isPlain(u)) return invalid(field, `${given(u)} was given where values by their attributes belong`)
  for (const [description, values] of Object.entries(u)) {
    const problem = descriptionProblem(field, description) ?? valuesProblem(`${field}.${description}`, values)
    if (problem !== undefined) return problem
  }
  return undefined
}

/** Checks an attribute as a value; ldapts calls its description `type`. */
const attributeProblem = (field: string, u: unknown): Problem => {
  if (typeof u !== "object" || u === null) return invalid(field, `${given(u)} was given where an attribute belongs`)
  const description = "description" in u ? u.description : "type" in u ? u.type : undefined
  return descriptionProblem(field, description) ??
    octetsProblem(`${field}.${String(description)}`, "values" in u ? u.values : undefined)
}

/** Checks values that are bytes already, or text. */
const octetsProblem = (field: string, u: unknown): Problem => {
  if (!Array.isArray(u)) return invalid(field, `${given(u)} was given where an array of values belongs`)
  const wrong = (u as ReadonlyArray<unknown>).findIndex((value) =>
    !(typeof value === "string" && value.isWellFormed()) && !(value instanceof Uint8Array)
  )
  return wrong < 0
    ? undefined
    : invalid(field, `${given(u[wrong])} was given where bytes or text belong${adviceFor(u[wrong])}`)
}

/** Checks a value or an array of values. */
export const valuesProblem = (field: string, u: unknown): Problem => {
  if (Array.isArray(u)) return listProblem(field, u)
  return isValue(u)
    ? undefined
    : invalid(field, `${given(u)} was given where a value or an array of them belongs${adviceFor(u)}`)
}

const listProblem = (field: string, u: unknown): Problem => {
  if (!Array.isArray(u)) return invalid(field, `${given(u)} was given where an array of values belongs`)
  for (const value of u as ReadonlyArray<unknown>) {
    const problem = valueProblem(field, value)
    if (problem !== undefined) return problem
  }
  return undefined
}

const operations: ReadonlySet<unknown> = new Set(["add", "delete", "replace", "increment"])

/** Checks one modification or a list of them; a change of ldapts has its attribute in `modification`. */
export const modificationsProblem = (u: unknown): Problem => {
  const list: ReadonlyArray<unknown> = Array.isArray(u) ? u : [u]
  for (const change of list) {
    const problem = modificationProblem(change)
    if (problem !== undefined) return problem
  }
  return undefined
}

const modificationProblem = (u: unknown): Problem => {
  if (typeof u !== "object" || u === null)
    return invalid("changes", `${given(u)} was given where a modification belongs`)
  if (!("operation" in u) || !operations.has(u.operation)) {
    return invalid(
      "changes",
      `a modification's operation is "add", "delete", "replace" or "increment"; it has ${
        given("operation" in u ? u.operation : undefined)
      }`
    )
  }
  if ("modification" in u) return attributeProblem("changes", u.modification)
  const attribute = "attribute" in u ? u.attribute : undefined
  return descriptionProblem("changes", attribute) ??
    octetsProblem(`changes.${String(attribute)}`, "values" in u ? u.values : undefined)
}

const isPlain = (u: unknown): u is object =>
  typeof u === "object" && u !== null && !(Symbol.iterator in u) && !(u instanceof Date) && !isName(u)

const adviceFor = (u: unknown): string => {
  if (u === undefined || u === null) return "; leave the attribute out, or give [] for one without values"
  if (u instanceof Date) return "; encode it by LdapSchema.GeneralizedTime or LdapSchema.FileTime"
  if (typeof u === "number") return Number.isFinite(u) ? "; give a bigint or text" : ""
  return Array.isArray(u) ? "; it can't be a list of lists" : ""
}
