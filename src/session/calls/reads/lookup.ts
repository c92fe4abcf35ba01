/** Lookup: a search for one entry by its name. */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { LdapEntry } from "../../../model/entry/LdapEntry.ts"
import type { LdapError, LdapResult, ServerReason } from "../../../model/LdapError.ts"
import type { DnInput } from "../../../model/ldapts.ts"
import type { Outcome } from "../../../telemetry/Tracing.ts"
import type { LdapOperations, LookupOptions, LookupResult } from "../../LdapOperations.ts"
import type { Call, EntryTarget } from "../Call.ts"
import type { Collected } from "../Requester.ts"
import { CollectedSearch } from "./CollectedSearch.ts"

export const lookup = (dn: DnInput, options?: LookupOptions): Call<Option.Option<LdapEntry>> =>
  new Lookup(entryAlone, dn, options)

export const lookupResult = (dn: DnInput, options?: LookupOptions): Call<LookupResult> =>
  new Lookup(withResult, dn, options)

/** The two forms of a lookup's answer. */
interface Way<A> {
  readonly give: (entry: Option.Option<LdapEntry>, result: LdapResult) => A
  readonly entryOf: (answer: A) => Option.Option<LdapEntry>
  readonly run: (on: LdapOperations, dn: DnInput, options?: LookupOptions) => Effect.Effect<A, LdapError>
}

const entryAlone: Way<Option.Option<LdapEntry>> = {
  give: (entry) => entry,
  entryOf: (entry) => entry,
  run: (on, dn, options) => on.lookup(dn, options)
}

const withResult: Way<LookupResult> = {
  give: (entry, result) => ({ entry, result }),
  entryOf: ({ entry }) => entry,
  run: (on, dn, options) => on.lookupResult(dn, options)
}

class Lookup<A> extends CollectedSearch<A> {
  readonly #way: Way<A>
  readonly #dn: DnInput
  readonly #options: LookupOptions | undefined

  constructor(way: Way<A>, dn: DnInput, options: LookupOptions | undefined) {
    super(options === undefined ? { base: dn, scope: "base" } : { ...options, base: dn, scope: "base" })
    this.#way = way
    this.#dn = dn
    this.#options = options
  }

  outcome(answer: A): Outcome {
    return { entries: Option.isSome(this.#way.entryOf(answer)) ? 1 : 0 }
  }

  run(on: LdapOperations): Effect.Effect<A, LdapError> {
    return this.#way.run(on, this.#dn, this.#options)
  }

  succeeded(result: LdapResult, { entries }: Collected): Exit.Exit<A, LdapError> {
    return Exit.succeed(this.#way.give(Option.fromUndefinedOr(entries[0]), result))
  }

  failed(error: LdapError): Exit.Exit<A, LdapError> {
    return error.reason._tag === "NoSuchObject"
      ? Exit.succeed(this.#way.give(Option.none(), resultOf(error.reason)))
      : Exit.fail(error)
  }

  get target(): EntryTarget<Call<A>> {
    const options = this.#options
    return {
      _tag: "Entry",
      dn: this.#dn,
      referrals: options?.referrals,
      at: (dn, referrals) => new Lookup(this.#way, dn, { ...options, referrals })
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
