/** Groups that keep the name of an entry that is gone, since few servers look after them (referential integrity). */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import type { LdapClient } from "../../../client/LdapClient.ts"
import * as LdapDn from "../../../model/dn/LdapDn.ts"
import * as LdapFilter from "../../../model/filter/LdapFilter.ts"
import { say } from "../../output/standardOutput.ts"

/** So many groups are named. */
const shown = 5

/**
 * Says which groups still list a name, after the entry was renamed or deleted. One small search in the naming context of the name; if
 * that fails or takes too long, nothing is said, since the command has done its work.
 */
export const noteStillListed = (
  client: Pick<LdapClient, "rootDse" | "search">,
  dn: string
): Effect.Effect<void, never, Stdio.Stdio> =>
  Effect.gen(function*() {
    const base = contextOf(dn, (yield* client.rootDse).getAll("namingContexts"))
    if (base === undefined) return
    const groups = yield* client.search({
      base,
      filter: LdapFilter.or(LdapFilter.equals("member", dn), LdapFilter.equals("uniqueMember", dn)),
      attributes: ["1.1"],
      sizeLimit: shown + 1
    }).pipe(Stream.take(shown + 1), Stream.runCollect)
    if (groups.length === 0) return
    const names = groups.slice(0, shown).map((group) => group.dn).join("; ")
    const more = groups.length > shown ? "; …" : ""
    const count = groups.length > shown ? `more than ${shown}` : groups.length
    yield* say(`${dn} is still listed in ${count} group${groups.length === 1 ? "" : "s"}: ${names}${more}`)
  }).pipe(Effect.timeoutOption("5 seconds"), Effect.catch(() => Effect.succeed(Option.none())), Effect.asVoid)

/** The naming context that a name is in: the longest one. */
const contextOf = (dn: string, contexts: ReadonlyArray<string>): string | undefined => {
  const parsed = Result.getOrUndefined(LdapDn.parse(dn))
  if (parsed === undefined) return undefined
  return contexts.filter((context) => {
    const base = Result.getOrUndefined(LdapDn.parse(context))
    return base !== undefined && LdapDn.relativeTo(parsed, base) !== undefined
  }).sort((a, b) => b.length - a.length)[0]
}
