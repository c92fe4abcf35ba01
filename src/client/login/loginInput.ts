/**
 * Checks the options and the arguments of logins for programs without types: a form may lack a field, and a setting may not be set.
 */
import * as Redacted from "effect/Redacted"
import { nameProblem } from "../../model/input/attributes.ts"
import { given } from "../../model/input/values.ts"
import { InvalidRequest } from "../../model/LdapError.ts"
import { attributeListProblem, booleanProblem } from "../../session/input/operationInput.ts"
import { countProblem, type Problem } from "../jobs/jobInput.ts"
import { bindAsProblem } from "./bindNames.ts"
import { hasGroups, loginGroupsProblem } from "./groupsAndRoles.ts"

/** Checks what was typed. The error contains no part of a password. */
export const credentialsProblem = (login: unknown, password: unknown, options: unknown): Problem => {
  if (typeof login !== "string" || !login.isWellFormed())
    return invalid("login", `${given(login)} was given where the login belongs`)
  const wrong = passwordProblem("password", password)
  if (wrong !== undefined || options === undefined) return wrong
  if (!isObject(options) || Redacted.isRedacted(options))
    return invalid("options", `${given(options)} was given where options belong`)
  const newPassword: unknown = "newPassword" in options ? options.newPassword : undefined
  return newPassword === undefined ? undefined : passwordProblem("newPassword", newPassword)
}

const passwordProblem = (field: string, password: unknown): Problem => {
  if (!Redacted.isRedacted(password)) return invalid(field, `${given(password)} was given; make it with Redacted.make`)
  const value = Redacted.value(password)
  return typeof value === "string" && value.isWellFormed()
    ? undefined
    : invalid(field, `${given(value)} was given where a password belongs`)
}

/** Checks the options. The pool checks its times. */
export const optionsProblem = (options: unknown): Problem => {
  if (!isObject(options)) return invalid("options", `${given(options)} was given where options belong`)
  const fields: Readonly<Record<string, unknown>> = { ...options }
  const { attributes, bindAs, concurrency, groups, passwordPolicy, roles } = fields
  return (bindAs === undefined ? searchProblem(fields) : bindAsProblem(bindAs) ?? directProblem(fields)) ??
    attributeListProblem(attributes) ?? booleanProblem("passwordPolicy", passwordPolicy) ??
    (concurrency === undefined ? undefined : countProblem("concurrency", concurrency)) ??
    loginGroupsProblem(groups, roles)
}

/** The settings with a search for the user. */
const searchProblem = (fields: Readonly<Record<string, unknown>>): Problem => {
  const { base, client, filter, followReferrals, open, uniform } = fields
  if (hasGroups(fields) && !hasMethod(client, "lookup"))
    return invalid("client", "groups and roles need a client or a session with lookup and rootDse")
  return directoryProblem(client, open) ?? filterProblem(filter) ??
    (isTemplate("DnTemplate", base) ? undefined : nameProblem("base", base)) ?? uniformProblem(uniform) ??
    (followReferrals === undefined || isObject(followReferrals)
      ? undefined
      : invalid("followReferrals", `${given(followReferrals)} was given where options belong`))
}

/** The settings of a bind without a search. */
const directProblem = ({ base, client, open, uniform }: Readonly<Record<string, unknown>>): Problem => {
  if (!(open === undefined ? hasMethod(client, "withSession") : isObject(open)))
    return invalid("open", `${given(open)} was given where the settings of a session, or a client, belong`)
  return (base === undefined ? undefined : nameProblem("base", base)) ?? booleanProblem("uniform", uniform)
}

/** Checks the value that an effect of the program has returned as a session. */
export const sessionProblem = (session: unknown): Problem =>
  hasMethod(session, "bind")
    ? undefined
    : invalid("open", `${given(session)} was given where an effect that opens a session belongs`)

const invalid = (field: string, detail: string): InvalidRequest => new InvalidRequest({ field, detail })

const isObject = (u: unknown): u is object => typeof u === "object" && u !== null

const hasMethod = (u: unknown, name: string): boolean =>
  isObject(u) && typeof (u as Readonly<Record<string, unknown>>)[name] === "function"

/** Recognised by the tag: a method `filter` isn't enough, since a `Uint8Array` has one too. */
const isTemplate = (tag: "DnTemplate" | "FilterTemplate", u: unknown): boolean =>
  isObject(u) && "_tag" in u && u._tag === tag

const directoryProblem = (client: unknown, open: unknown): Problem => {
  if (!hasMethod(client, "searchResult"))
    return invalid("client", `${given(client)} was given where a client or a session belongs`)
  return (open === undefined ? hasMethod(client, "withSession") : isObject(open))
    ? undefined
    : invalid("open", `${given(open)} was given where the settings of a session, or an effect that opens one, belong`)
}

const filterProblem = (filter: unknown): Problem =>
  typeof filter === "function" || isTemplate("FilterTemplate", filter)
    ? undefined
    : invalid("filter", `${given(filter)} was given where a template of LdapFilter or a function belongs`)

const uniformProblem = (uniform: unknown): Problem => {
  if (uniform === undefined || typeof uniform === "boolean") return undefined
  return isObject(uniform) && "decoy" in uniform
    ? nameProblem("decoy", uniform.decoy)
    : invalid("uniform", `${given(uniform)} was given where true, false or a decoy belongs`)
}
