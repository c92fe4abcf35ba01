/**
 * Checks the arguments of operations before they are used: programs without types, and settings that aren't set, can pass anything.
 * model/input checks values and names; filters, limits and all costly checks are made where requests are built.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import {
  attributesProblem,
  descriptionProblem,
  modificationsProblem,
  nameProblem,
  valueProblem
} from "../../model/input/attributes.ts"
import { given, hasText, isName } from "../../model/input/values.ts"
import { InvalidRequest } from "../../model/InvalidRequest.ts"
import { derefAliases, scopes } from "../../protocol/LdapMessage.ts"

type Problem = InvalidRequest | undefined

/** Objects by their fields, of any kind. */
type Fields = Readonly<Record<string, unknown>>

const invalid = (field: string, detail: string): InvalidRequest => new InvalidRequest({ field, detail })

const isObject = (u: unknown): u is Fields => typeof u === "object" && u !== null && !Array.isArray(u)

/** Whether something can be options: a `Date`, a `Map`, an effect or a name in their place is a mistake. */
const isOptions = (u: unknown): u is Fields =>
  isObject(u) && Object.prototype.toString.call(u) === "[object Object]" && !(Symbol.iterator in u) &&
  !Effect.isEffect(u) && !Redacted.isRedacted(u) && !isName(u)

// ---------------------------------------------------------------------------------------------------------------------
// Parts
// ---------------------------------------------------------------------------------------------------------------------

export const booleanProblem = (field: string, u: unknown): Problem =>
  u === undefined || typeof u === "boolean" ? undefined : invalid(field, `${given(u)} is neither true nor false`)

/** The range is checked where the request is built. */
const numberProblem = (field: string, u: unknown): Problem =>
  u === undefined || typeof u === "number" ? undefined : invalid(field, `${given(u)} was given where a number belongs`)

export const choiceProblem = (field: string, u: unknown, choices: ReadonlyArray<string>): Problem =>
  u === undefined || choices.some((choice) => choice === u)
    ? undefined
    : invalid(field, `${given(u)} was given where one of ${choices.join(", ")} belongs`)

/** Checks a time limit; NaN is invalid. */
export const durationProblem = (field: string, u: unknown): Problem => {
  if (u === undefined) return undefined
  // For effect any object is a duration, of 0 where it has no unit, and NaN is 0 too.
  const duration = isDurationLike(u) ? Duration.fromInput(u as Duration.Input) : Option.none()
  return Option.isSome(duration) && Duration.toMillis(duration.value) >= 0
    ? undefined
    : invalid(field, `${given(u)} is no duration, as in "10 seconds" or 500 (milliseconds)`)
}

const units = ["weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds", "nanoseconds"] as const

const isDurationLike = (u: unknown): boolean => {
  const isNumber = (n: unknown) => typeof n === "number" && !Number.isNaN(n)
  if (typeof u === "number") return isNumber(u)
  if (Array.isArray(u)) return u.every(isNumber)
  if (!isObject(u) || Duration.isDuration(u)) return true
  const times = units.map((unit) => u[unit]).filter((time) => time !== undefined)
  return times.length > 0 && times.every(isNumber)
}

/** Checks a list of controls; those of ldapts call their object identifier `type`. */
export const controlsProblem = (field: string, u: unknown): Problem => {
  if (u === undefined) return undefined
  if (!Array.isArray(u)) return invalid(field, `${given(u)} was given where an array of controls belongs`)
  for (const control of u as ReadonlyArray<unknown>) {
    const problem = controlProblem(field, control)
    if (problem !== undefined) return problem
  }
  return undefined
}

const controlProblem = (field: string, u: unknown): Problem => {
  if (!isObject(u)) return invalid(field, `${given(u)} was given where a control belongs`)
  const isOfLdapts = "type" in u
  const oid = isOfLdapts ? u["type"] : u["oid"]
  if (!isOid(oid)) return invalid(field, `a control has an object identifier, as in 1.2.3; this one has ${given(oid)}`)
  const wrong = booleanProblem(field, u["critical"])
  if (wrong !== undefined) return wrong
  const write = isOfLdapts ? u["write"] : undefined
  if (write === undefined) return octetsProblem(field, u["value"])
  // A control of ldapts that writes itself may keep its value in any form.
  return typeof write === "function" ? undefined : invalid(field, `${given(write)} was given where a function belongs`)
}

const octetsProblem = (field: string, u: unknown): Problem =>
  u === undefined || u instanceof Uint8Array ? undefined : invalid(field, `${given(u)} was given where bytes belong`)

const isOid = (u: unknown): u is string => typeof u === "string" && /^[0-9]+(?:\.[0-9]+)*$/.test(u)

export const attributeListProblem = (u: unknown, field = "attributes"): Problem => {
  if (u === undefined) return undefined
  if (!Array.isArray(u)) return invalid(field, `${given(u)} was given where an array of descriptions belongs`)
  for (const description of u as ReadonlyArray<unknown>) {
    const problem = descriptionProblem(field, description)
    if (problem !== undefined) return problem
  }
  return undefined
}

const referralsProblem = (u: unknown): Problem =>
  u === undefined || u === "ignore" || u === "fail" || (isObject(u) && u["_tag"] === "FollowReferrals")
    ? undefined
    : invalid("referrals", `${given(u)} was given where "ignore", "fail" or LdapReferrals.follow() belongs`)

// ---------------------------------------------------------------------------------------------------------------------
// Options
// ---------------------------------------------------------------------------------------------------------------------

/** Checks the options of every operation. */
export const optionsProblem = (u: unknown): Problem => {
  if (u === undefined) return undefined
  if (!isOptions(u)) return invalid("options", `${given(u)} was given where options belong`)
  const { cancel, controls, referrals, timeout } = u
  const hasCancel = cancel === undefined || typeof cancel === "boolean" || typeof cancel === "function"
  return controlsProblem("controls", controls) ?? durationProblem("timeout", timeout) ?? referralsProblem(referrals) ??
    (hasCancel ? undefined : invalid("cancel", `${given(cancel)} is neither true, false nor a function`))
}

/** A lookup is a search, and JavaScript may pass it all options of a search. */
const lookupOptionsProblem = (u: unknown): Problem => {
  const wrong = optionsProblem(u)
  if (wrong !== undefined || !isObject(u)) return wrong
  return attributeListProblem(u["attributes"]) ?? booleanProblem("typesOnly", u["typesOnly"]) ??
    choiceProblem("ranges", u["ranges"], ["all"]) ?? choiceProblem("scope", u["scope"], scopes) ??
    choiceProblem("derefAliases", u["derefAliases"], derefAliases) ?? durationProblem("timeLimit", u["timeLimit"]) ??
    numberProblem("sizeLimit", u["sizeLimit"]) ?? numberProblem("pageSize", u["pageSize"])
}

export const searchProblem = (options: unknown): Problem => {
  if (!isObject(options)) return invalid("options", `${given(options)} was given where the options of a search belong`)
  return nameProblem("base", options["base"]) ?? lookupOptionsProblem(options)
}

// ---------------------------------------------------------------------------------------------------------------------
// Operations
// ---------------------------------------------------------------------------------------------------------------------

export const lookupProblem = (dn: unknown, options: unknown): Problem =>
  nameProblem("base", dn) ?? lookupOptionsProblem(options)

export const compareProblem = (dn: unknown, attribute: unknown, value: unknown, options: unknown): Problem =>
  nameProblem("dn", dn) ?? descriptionProblem("attribute", attribute) ?? valueProblem("value", value) ??
    optionsProblem(options)

export const addProblem = (dn: unknown, attributes: unknown, options: unknown): Problem =>
  nameProblem("dn", dn) ?? attributesProblem(attributes) ?? optionsProblem(options)

export const modifyProblem = (dn: unknown, changes: unknown, options: unknown): Problem =>
  nameProblem("dn", dn) ?? modificationsProblem(changes) ?? optionsProblem(options)

export const deleteProblem = (dn: unknown, options: unknown): Problem =>
  nameProblem("dn", dn) ?? optionsProblem(options)

export const renameProblem = (dn: unknown, options: unknown): Problem => {
  if (!isObject(options))
    return invalid("options", `${given(options)} was given where a new RDN or a new superior belongs`)
  const { deleteOldRdn, newRdn, newSuperior } = options
  if (newRdn === undefined && newSuperior === undefined) {
    return invalid("newRdn", "neither a new RDN nor a new superior was given")
  }
  const isRdn = newRdn === undefined || (typeof newRdn === "string" && newRdn.isWellFormed()) || isRdnValue(newRdn)
  return nameProblem("dn", dn) ?? (newRdn === undefined ? ownRdnProblem(String(dn)) : undefined) ??
    (isRdn
      ? undefined
      : invalid("newRdn", `${given(newRdn)} was given where an RDN belongs, as text or by LdapDn.rdn`)) ??
    (newSuperior === undefined ? undefined : nameProblem("newSuperior", newSuperior)) ??
    booleanProblem("deleteOldRdn", deleteOldRdn) ?? optionsProblem(options)
}

/** A move needs the current RDN of the entry. */
const ownRdnProblem = (dn: string): Problem => {
  const name = LdapDn.parse(dn, { lenient: true })
  if (Result.isFailure(name))
    return invalid("newRdn", `give the entry's RDN, which can't be read here: ${name.failure.message}`)
  return name.success.rdns.length === 0 ? invalid("dn", "the root can't be moved") : undefined
}

/** Whether it is an `Rdn`, of this copy of the library or another. */
const isRdnValue = (u: unknown): boolean =>
  isObject(u) && Array.isArray(u["attributes"]) && u["attributes"].length > 0 && !isName(u) && hasText(u)

export const extendedProblem = (args: ReadonlyArray<unknown>): Problem => {
  const [operation, ...rest] = args
  if (typeof operation === "string") {
    const [options] = rest
    if (!isOid(operation))
      return invalid("oid", "an extended operation is named by an object identifier, as in 1.3.6.1.4.1.4203.1.11.3")
    return optionsProblem(options) ?? (isObject(options) ? octetsProblem("value", options["value"]) : undefined)
  }
  return isObject(operation) && isOid(operation["oid"]) && typeof operation["encode"] === "function" &&
      typeof operation["decode"] === "function"
    ? optionsProblem(rest[1])
    : invalid("operation", `${given(operation)} was given where an extended operation or its object identifier belongs`)
}
