/**
 * The entry of the user that the session is bound as: the bind DN, or the entry in the server's answer to Who am I? (RFC 4532). Active
 * Directory answers `u:DOMAIN\\login`, and Samba doesn't answer, so there the entry is searched for by the login or the user principal
 * name.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { LdapClient } from "../../client/LdapClient.ts"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import * as LdapFilter from "../../model/filter/LdapFilter.ts"
import type { LdapError } from "../../model/LdapError.ts"
import * as LdapExtended from "../../protocol/LdapExtended.ts"
import { UsageError } from "../CliFailure.ts"

/** `identity` is the bind DN or user name of the settings. */
export const ownEntry = Effect.fnUntraced(function*(
  client: LdapClient,
  identity: string | undefined
): Effect.fn.Return<string, LdapError | UsageError> {
  if (identity !== undefined && isDn(identity)) return identity
  const answer = yield* Effect.map(client.extended(LdapExtended.whoAmI), ({ answer }) => answer).pipe(
    Effect.catchReason("LdapError", "ProtocolError", () => Effect.succeed(""))
  )
  if (answer.startsWith("dn:") && answer !== "dn:") return answer.slice("dn:".length)
  const name = answer.startsWith("u:") ? answer.slice("u:".length) : identity
  const context = (yield* client.rootDse).get("defaultNamingContext")
  if (name !== undefined && context !== undefined) {
    const login = name.slice(name.indexOf("\\") + 1)
    const filter = LdapFilter.or(
      LdapFilter.equals("userPrincipalName", login),
      LdapFilter.equals("sAMAccountName", login.split("@", 1)[0]!)
    )
    const { entries } = yield* client.searchResult({ base: context, filter, attributes: ["1.1"] })
    if (entries.length === 1) return entries[0]!.dn
  }
  return yield* new UsageError({
    detail: `your own entry can't be determined${
      name === undefined ? "" : ` by ${JSON.stringify(name)}`
    }: name the entry whose password to change`
  })
})

const isDn = (name: string): boolean => name !== "" && Result.isSuccess(LdapDn.parse(name))
