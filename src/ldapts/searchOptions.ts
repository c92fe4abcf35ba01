/**
 * Converts the search options of ldapts, with its units, defaults and names, to those of a session.
 */
import * as Duration from "effect/Duration"
import * as ldapts from "ldapts"
import type * as LdapSession from "../session/LdapSession.ts"

const scopes = new Map<string, LdapSession.SearchOptions["scope"]>([
  ["base", "base"],
  ["one", "one"],
  ["sub", "subtree"],
  ["children", "subordinates"],
  ["subordinates", "subordinates"]
])

const dereferencing = new Map<string, LdapSession.DerefAliases>([
  ["never", "never"],
  ["search", "searching"],
  ["find", "finding"],
  ["always", "always"]
])

/** Throws for the same options as ldapts. */
export const searchOf = (
  base: ldapts.DN | string,
  options: ldapts.SearchOptions,
  controls: ReadonlyArray<ldapts.Control>
): LdapSession.SearchOptions => {
  if (controls.some(({ type }) => type === ldapts.PagedResultsControl.type)) {
    throw new Error("Should not specify PagedResultsControl")
  }
  const { attributes = [], filter, paged = false, returnAttributeValues = true, sizeLimit = 0, timeLimit = 10 } =
    options
  return {
    base,
    scope: named("scope", scopes, options.scope ?? "sub"),
    derefAliases: named("derefAliases", dereferencing, options.derefAliases ?? "never"),
    filter: typeof filter === "string" ? parenthesised(filter) : filter,
    attributes,
    typesOnly: !returnAttributeValues,
    sizeLimit,
    timeLimit: Duration.seconds(timeLimit),
    pageSize: paged === false ? undefined : paged === true ? 100 : paged.pageSize ?? 100,
    controls
  }
}

const named = <A>(what: string, names: ReadonlyMap<string, A>, name: string): A => {
  const found = names.get(name)
  if (found === undefined) throw new Error(`Invalid search ${what}: ${name}`)
  return found
}

/** ldapts accepts a filter without outer parentheses, and a missing filter. */
const parenthesised = (filter: string): string | undefined =>
  filter === "" ? undefined : filter.startsWith("(") ? filter : `(${filter})`
