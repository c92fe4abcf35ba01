/** The base of a search that was given none. */
import * as Effect from "effect/Effect"
import type { LdapClient } from "../../client/LdapClient.ts"
import type { LdapError } from "../../model/LdapError.ts"
import { UsageError } from "../CliFailure.ts"

/** The base that was given, or the naming context of the server: its default one, or the only one. */
export const baseOf = Effect.fnUntraced(function*(
  { base, client }: { readonly client: Pick<LdapClient, "rootDse">; readonly base: string | undefined },
  given?: string
): Effect.fn.Return<string, LdapError | UsageError> {
  const chosen = given ?? base
  if (chosen !== undefined) return chosen
  const rootDse = yield* client.rootDse
  const contexts = rootDse.getAll("namingContexts")
  const standard = rootDse.get("defaultNamingContext") ?? (contexts.length === 1 ? contexts[0] : undefined)
  if (standard !== undefined) return standard
  return yield* new UsageError({
    detail: contexts.length === 0
      ? "the server names no naming context: give --base"
      : `the server has several naming contexts: give --base with one of ${
        contexts.map((dn) => JSON.stringify(dn)).join(", ")
      }`
  })
})
