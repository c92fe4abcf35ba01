/** Lookup: a search for one entry by its name. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import { LdapError, type LdapResult, type ServerReason } from "../../model/LdapError.ts"
import type { DnInput } from "../../model/ldapts.ts"
import type { LookupOptions, LookupResult, SearchOptions } from "../LdapOperations.ts"
import type { Call } from "./Call.ts"
import type { Collected } from "./Requester.ts"
import { describeSearch, requestOf } from "./search.ts"

export const lookup = (dn: DnInput, options?: LookupOptions): Call<Option.Option<LdapEntry>> => {
  const whole = lookupResult(dn, options)
  return {
    ...whole,
    outcome: (entry) => ({ entries: Option.isSome(entry) ? 1 : 0 }),
    run: (on) => on.lookup(dn, options),
    over: (requester) => Effect.map(whole.over(requester), ({ entry }) => entry),
    target: {
      _tag: "Entry",
      dn,
      referrals: options?.referrals,
      at: (dn, referrals) => lookup(dn, { ...options, referrals })
    }
  }
}

export const lookupResult = (dn: DnInput, options?: LookupOptions): Call<LookupResult> => ({
  name: "search",
  kind: "read",
  isStream: false,
  describe: () => describeSearch(searchOf(dn, options)),
  outcome: ({ entry }) => ({ entries: Option.isSome(entry) ? 1 : 0 }),
  run: (on) => on.lookupResult(dn, options),
  over: (requester) =>
    Effect.suspend(() => {
      const search = searchOf(dn, options)
      const shaped = requestOf(requester, search)
      if (shaped instanceof LdapError) return Effect.fail(shaped)
      const found: Collected = { entries: [], references: [] }
      return Effect.matchEffect(requester.collect(shaped, search, found), {
        onFailure: (error) =>
          error.reason._tag === "NoSuchObject"
            ? Effect.succeed({ entry: Option.none(), result: resultOf(error.reason) })
            : Effect.fail(error),
        onSuccess: (result) => Effect.succeed({ entry: Option.fromUndefinedOr(found.entries[0]), result })
      })
    }),
  target: {
    _tag: "Entry",
    dn,
    referrals: options?.referrals,
    at: (dn, referrals) => lookupResult(dn, { ...options, referrals })
  }
})

const searchOf = (base: DnInput, options: LookupOptions | undefined): SearchOptions => ({
  ...options,
  base,
  scope: "base"
})

/** What the server said, as the error has it. */
const resultOf = ({ code, controls, diagnosticMessage, matchedDn, referrals }: ServerReason): LdapResult => ({
  code,
  matchedDn,
  diagnosticMessage,
  referrals,
  controls
})
