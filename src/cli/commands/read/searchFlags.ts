/** The flags of a search, and the search that they describe. */
import type * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as LdapFilter from "../../../model/filter/LdapFilter.ts"
import type { SearchOptions } from "../../../session/LdapSession.ts"
import { UsageError } from "../../CliFailure.ts"
import { isGiven, optional } from "../../settings/connectionFlags.ts"

export const searchFlags = {
  base: optional(
    Flag.String("base").pipe(
      Flag.withAlias("b"),
      Flag.withMetavar("DN"),
      Flag.withDescription("Where to search; default LDAP_BASE, or the server's naming context")
    )
  ),
  scope: Flag.ChoiceWithValue("scope", [
    ["sub", "subtree"],
    ["base", "base"],
    ["one", "one"],
    ["children", "subordinates"],
    ["subtree", "subtree"],
    ["subordinates", "subordinates"]
  ]).pipe(
    Flag.withAlias("s"),
    Flag.withDescription("base, one, sub (or subtree), children (or subordinates); default sub"),
    Flag.withDefault("subtree" as const)
  ),
  all: isGiven(
    Flag.Boolean("all").pipe(Flag.withDescription("All entries and all values, by paged results and range retrieval"))
  ),
  pageSize: optional(
    Flag.Int("page-size").pipe(Flag.withDescription("Entries per page, for --all, which it includes; default 500"))
  ),
  limit: optional(
    Flag.Int("limit").pipe(Flag.withAlias("z"), Flag.withDescription("Stop after this number of entries"))
  ),
  typesOnly: isGiven(
    Flag.Boolean("types-only").pipe(
      Flag.withAlias("A"),
      Flag.withDescription("Only the names of attributes, without values")
    )
  ),
  deref: Flag.Literals("deref", ["never", "searching", "finding", "always"]).pipe(
    Flag.withDescription("When to follow aliases"),
    Flag.withDefault("never" as const)
  ),
  set: optional(
    Flag.KeyValuePair("set").pipe(
      Flag.withDescription("A value for a placeholder of the filter: (uid={{login}}) with --set login=ada")
    )
  )
}

export type SearchFlags = Command.Command.Config.Infer<typeof searchFlags>

/** A filter: text, or a template. The values of its placeholders are never read as syntax. */
export const filterOf = (
  text: string | undefined,
  set: Readonly<Record<string, string>> | undefined
): Effect.Effect<LdapFilter.LdapFilter, UsageError> =>
  Effect.fromResult(Result.mapError(
    text === undefined
      ? Result.succeed(LdapFilter.present("objectClass"))
      : set === undefined
      ? LdapFilter.parse(inParentheses(text))
      : Result.map(
        LdapFilter.template(inParentheses(text), { placeholders: Object.keys(set) }),
        (template) => template.filter(set)
      ),
    ({ message }) =>
      new UsageError({
        detail: text !== undefined && /^[a-z][\w-]*$/i.test(text) ? `${message}\nIs (uid=${text}) meant?` : message
      })
  ))

/** `uid=ada` is read as `(uid=ada)`, as `ldapsearch` does. */
const inParentheses = (text: string): string => /^\s*\(/.test(text) ? text : `(${text})`

/** The options of a search. */
export const optionsOf = (
  flags: SearchFlags,
  search: { readonly base: string; readonly filter: LdapFilter.LdapFilter; readonly attributes: ReadonlyArray<string> }
): SearchOptions => ({
  ...search,
  attributes: search.attributes.length === 0 ? undefined : search.attributes,
  scope: flags.scope,
  typesOnly: flags.typesOnly,
  derefAliases: flags.deref,
  ...(flags.all ? { pageSize: flags.pageSize ?? 500, ranges: "all" as const } : undefined)
})
