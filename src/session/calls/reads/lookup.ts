/** Lookup: a search for one entry by its name. */
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { LdapEntry } from "../../../model/entry/LdapEntry.ts"
import type { LdapError, LdapResult, ServerReason } from "../../../model/LdapError.ts"
import type { DnInput } from "../../../model/ldapts.ts"
import type { LookupOptions, LookupResult, SearchOptions } from "../../LdapOperations.ts"
import type { Call } from "../Call.ts"
import { collecting, describeSearch, keepsState } from "./search.ts"

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
): Call<A> => {
  const search: SearchOptions = { ...options, base: dn, scope: "base" }
  return {
    name: "search",
    kind: "read",
    isStream: false,
    keepsState: keepsState(search),
    describe: () => describeSearch(search),
    outcome: (answer) => ({ entries: Option.isSome(entryOf(answer)) ? 1 : 0 }),
    run,
    ...collecting(search, {
      succeeded: (result, { entries }) => Exit.succeed(give(Option.fromUndefinedOr(entries[0]), result)),
      failed: (error): Exit.Exit<A, LdapError> =>
        error.reason._tag === "NoSuchObject"
          ? Exit.succeed(give(Option.none(), resultOf(error.reason)))
          : Exit.fail(error)
    }),
    target: {
      _tag: "Entry",
      dn,
      referrals: options?.referrals,
      at: (dn, referrals) => at(dn, { ...options, referrals })
    }
  }
}

/** The server's result, taken from the error. */
const resultOf = ({ code, controls, diagnosticMessage, matchedDn, referrals }: ServerReason): LdapResult => ({
  code,
  matchedDn,
  diagnosticMessage,
  referrals,
  controls
})
