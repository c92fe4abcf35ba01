/** Lookup: a search for one entry by its name. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { LdapEntry } from "../../../model/entry/LdapEntry.ts"
import { LdapError, type LdapResult, type ServerReason } from "../../../model/LdapError.ts"
import type { DnInput } from "../../../model/ldapts.ts"
import type { LookupOptions, LookupResult, SearchOptions } from "../../LdapOperations.ts"
import type { Call } from "../Call.ts"
import type { Collected } from "../Requester.ts"
import { describeSearch, requestOf } from "./search.ts"

export const lookup = (dn: DnInput, options?: LookupOptions): Call<Option.Option<LdapEntry>> =>
  lookupBy(dn, options, {
    give: (entry) => entry,
    entryOf: (entry) => entry,
    run: (on) => on.lookup(dn, options),
    at: lookup
  })

export const lookupResult = (dn: DnInput, options?: LookupOptions): Call<LookupResult> =>
  lookupBy(dn, options, {
    give: (entry, result) => ({ entry, result }),
    entryOf: ({ entry }) => entry,
    run: (on) => on.lookupResult(dn, options),
    at: lookupResult
  })

/** The two forms of a lookup's answer. */
interface Way<A> {
  readonly give: (entry: Option.Option<LdapEntry>, result: LdapResult) => A
  readonly entryOf: (answer: A) => Option.Option<LdapEntry>
  readonly run: Call<A>["run"]
  readonly at: (dn: DnInput, options?: LookupOptions) => Call<A>
}

const lookupBy = <A>(
  dn: DnInput,
  options: LookupOptions | undefined,
  { at, entryOf, give, run }: Way<A>
): Call<A> => ({
  name: "search",
  kind: "read",
  isStream: false,
  describe: () => describeSearch(searchOf(dn, options)),
  outcome: (answer) => ({ entries: Option.isSome(entryOf(answer)) ? 1 : 0 }),
  run,
  over: (requester) =>
    Effect.suspend(() => {
      const search = searchOf(dn, options)
      const shaped = requestOf(requester, search)
      if (shaped instanceof LdapError) return Effect.fail(shaped)
      const found: Collected = { entries: [], references: [] }
      return Effect.matchEffect(requester.collect(shaped, search, found), {
        onFailure: (error) =>
          error.reason._tag === "NoSuchObject"
            ? Effect.succeed(give(Option.none(), resultOf(error.reason)))
            : Effect.fail(error),
        onSuccess: (result) => Effect.succeed(give(Option.fromUndefinedOr(found.entries[0]), result))
      })
    }),
  target: {
    _tag: "Entry",
    dn,
    referrals: options?.referrals,
    at: (dn, referrals) => at(dn, { ...options, referrals })
  }
})

const searchOf = (base: DnInput, options: LookupOptions | undefined): SearchOptions => ({
  ...options,
  base,
  scope: "base"
})

/** The server's result, taken from the error. */
const resultOf = ({ code, controls, diagnosticMessage, matchedDn, referrals }: ServerReason): LdapResult => ({
  code,
  matchedDn,
  diagnosticMessage,
  referrals,
  controls
})
