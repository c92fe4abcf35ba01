/** The base of a search for which none was given. */
import * as Effect from "effect/Effect"
import type { LdapClient } from "../../client/LdapClient.ts"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import type { LdapError } from "../../model/LdapError.ts"
import { UsageError } from "../CliFailure.ts"

/** The given base, or the naming context of the server: its default one, or the only one. */
export const baseOf = Effect.fnUntraced(function*(
  { base, client }: { readonly client: Pick<LdapClient, "rootDse">; readonly base: string | undefined },
  given?: string
): Effect.fn.Return<string, LdapError | UsageError> {
  const chosen = given ?? base
  if (chosen !== undefined) return chosen
  const rootDse = yield* client.rootDse
  const contexts = contextsOf(rootDse)
  if (contexts.length === 1) return contexts[0]!
  return yield* new UsageError({
    detail: contexts.length === 0
      ? "the server names no naming context: give --base"
      : `the server has several naming contexts: give --base with one of ${
        contexts.map((dn) => JSON.stringify(dn)).join(", ")
      }`
  })
})

/**
 * Naming contexts in which servers keep data about themselves. 389 Directory Server may name its change log as the default naming context.
 */
const ownDirectory = /^cn=(?:changelog|accesslog|config|monitor|schema)$/i

/** The naming contexts with data: only the default one if the server names it, otherwise all. */
export const contextsOf = (rootDse: LdapEntry): ReadonlyArray<string> => {
  const hasData = (dn: string): boolean => dn !== "" && !ownDirectory.test(dn)
  const standard = rootDse.getAll("defaultNamingContext").filter(hasData)
  return standard.length > 0 ? standard : rootDse.getAll("namingContexts").filter(hasData)
}
