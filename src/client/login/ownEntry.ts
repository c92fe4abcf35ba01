/**
 * The entry of the user who has just bound, read on the user's own session. With a name of Active Directory the entry has to be searched
 * for, and it must be the user's: the SIDs of the session prove that.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import { InvalidRequest, LdapError, NoSuchObject } from "../../model/LdapError.ts"
import type { DnInput, LdapOperations } from "../../session/LdapSession.ts"
import type { BindName } from "./bindNames.ts"

export const readOwnEntry = (
  session: Pick<LdapOperations, "lookup" | "searchResult">,
  name: BindName,
  base: DnInput | undefined,
  attributes: ReadonlyArray<string> | undefined
): Effect.Effect<LdapEntry, LdapError> =>
  name._tag === "Dn"
    ? Effect.flatMap(session.lookup(name.name, { attributes, referrals: "ignore" }), (found) =>
      Option.match(found, { onNone: () => unreadable(name.name), onSome: Effect.succeed }))
    : findOwnEntry(session, name, base, attributes)

const unreadable = (dn?: string): Effect.Effect<never, LdapError> =>
  Effect.fail(
    new LdapError({
      reason: new NoSuchObject({
        matchedDn: "",
        diagnosticMessage: "the user has logged in, and may not read the own entry",
        referrals: [],
        controls: []
      }),
      operation: "login",
      dn
    })
  )

const findOwnEntry = Effect.fnUntraced(function*(
  session: Pick<LdapOperations, "lookup" | "searchResult">,
  { filter }: BindName & { readonly _tag: "Account" },
  base: DnInput | undefined,
  attributes: ReadonlyArray<string> | undefined
): Effect.fn.Return<LdapEntry, LdapError> {
  // The SIDs of the session: of the user, and of the user's groups (MS-ADTS 3.1.1.3.2.23).
  const rootDse = Option.getOrUndefined(
    yield* session.lookup("", { attributes: ["tokenGroups", "defaultNamingContext"] })
  )
  const sids = new Set((rootDse?.getAllBytes("tokenGroups") ?? []).map(hex))
  const start = base ?? rootDse?.get("defaultNamingContext")
  if (sids.size === 0 || start === undefined) {
    const detail =
      "the server doesn't say who the session is (tokenGroups of the root DSE), as Active Directory does: " +
      "use a template of the user's DN"
    return yield* new LdapError({ reason: new InvalidRequest({ field: "bindAs", detail }), operation: "login" })
  }
  const { entries } = yield* session.searchResult({
    base: start,
    filter,
    attributes: [...(attributes ?? ["*"]), "objectSid"],
    referrals: "ignore"
  })
  const own = entries.find((entry) => {
    const sid = entry.getBytes("objectSid")
    return sid !== undefined && sids.has(hex(sid))
  })
  return own ?? (yield* unreadable())
})

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString("hex")
