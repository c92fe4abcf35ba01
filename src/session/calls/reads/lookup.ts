/** Lookup: a search for one entry by its name. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { LdapEntry } from "../../../model/entry/LdapEntry.ts"
import type { LdapError, LdapResult, ServerReason } from "../../../model/LdapError.ts"
import type { DnInput } from "../../../model/ldapts.ts"
import type { Description, Outcome } from "../../../telemetry/Tracing.ts"
import type { LdapOperations, LookupOptions, LookupResult, SearchOptions } from "../../LdapOperations.ts"
import type { Call, EntryTarget, Start } from "../Call.ts"
import type { Collected, Done, Requester, Started } from "../Requester.ts"
import { type Answers, collectWithState, describeSearch, keepsState, startCollecting } from "./search.ts"

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

/** A class, since programs make many lookups: the functions of a literal would be made for each, and take as much memory as the rest of it. */
class Lookup<A> implements Call<A>, Answers<A> {
  readonly name = "search"
  readonly kind = "read"
  readonly isStream = false
  readonly keepsState: boolean
  readonly #way: Way<A>
  readonly #dn: DnInput
  readonly #options: LookupOptions | undefined
  readonly #search: SearchOptions

  constructor(way: Way<A>, dn: DnInput, options: LookupOptions | undefined) {
    this.#way = way
    this.#dn = dn
    this.#options = options
    this.#search = { ...options, base: dn, scope: "base" }
    this.keepsState = keepsState(this.#search)
  }

  describe(): Description {
    return describeSearch(this.#search)
  }

  outcome(answer: A): Outcome {
    return { entries: Option.isSome(this.#way.entryOf(answer)) ? 1 : 0 }
  }

  run(on: LdapOperations): Effect.Effect<A, LdapError> {
    return this.#way.run(on, this.#dn, this.#options)
  }

  over(requester: Requester): Effect.Effect<A, LdapError> {
    return this.keepsState
      ? collectWithState(requester, this.#search, this)
      : Effect.callback((resume) => this.#start(requester, resume).leave)
  }

  get start(): Start<A> | undefined {
    // oxlint-disable-next-line typescript/unbound-method -- it is called as a method of this object
    return this.keepsState ? undefined : this.#start
  }

  #start(requester: Requester, done: Done<A>): Started {
    return startCollecting(requester, this.#search, this, done)
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
