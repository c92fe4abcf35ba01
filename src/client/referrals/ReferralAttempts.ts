/**
 * The URLs of one referral, which of them may be tried, and the outcome of each. All referrals of one operation share a budget.
 */
import * as Result from "effect/Result"
import { LdapError, ReferralFailed } from "../../model/LdapError.ts"
import type * as LdapUrl from "../../model/url/LdapUrl.ts"
import type { ReferralBudget } from "./ReferralBudget.ts"
import { readTarget, serverKey } from "./referralTargets.ts"

/** The servers that an operation has visited, and the number of referrals that it has followed. */
export interface Trail {
  readonly hops: number
  readonly path: ReadonlySet<string>
}

/** The limits of the attempts. */
export interface Permission {
  readonly maxHops: number
  readonly allow: (server: LdapUrl.LdapUrl) => boolean
}

export interface Target {
  readonly url: LdapUrl.LdapUrl
  readonly key: string
  readonly trail: Trail
}

/** Limits for the message: the number of reasons and the length of each, since the server decides how many there are. */
const mostReasons = 5
const mostCharacters = 300

export class ReferralAttempts {
  readonly #permission: Permission
  readonly #budget: ReferralBudget
  readonly #context: { readonly operation: string; readonly server: string; readonly dn: string }
  readonly #urls: ReadonlyArray<string>
  readonly #trail: Trail
  readonly #said: Array<string> = []
  #refused = 0
  #cause: LdapError | undefined

  constructor(
    permission: Permission,
    budget: ReferralBudget,
    context: { readonly operation: string; readonly server: string; readonly dn: string },
    urls: ReadonlyArray<string>,
    trail: Trail
  ) {
    this.#permission = permission
    this.#budget = budget
    this.#context = context
    this.#urls = urls
    this.#trail = trail
  }

  /** The next URL that may be tried, from the one at `from`; `requestKey` identifies the request that would be sent there. */
  next(
    from: number,
    requestKey: (url: LdapUrl.LdapUrl) => string
  ): { readonly target: Target; readonly after: number } | undefined {
    for (let i = from; i < this.#urls.length && !this.#budget.isSpent; i++) {
      const target = this.#targetOf(this.#urls[i]!, requestKey)
      if (target !== undefined) return { target, after: i + 1 }
    }
    return undefined
  }

  failed(url: LdapUrl.LdapUrl, cause: LdapError): void {
    this.#cause = cause
    this.#refuse(`${url.toString()}: ${cause.message}`)
  }

  get error(): LdapError {
    const more = this.#refused - this.#said.length
    const reasons = more === 0 ? this.#said : [...this.#said, `and ${more} more`]
    const detail = this.#budget.refusal ?? (reasons.length === 0 ? "the referral names no server" : reasons.join("; "))
    return new LdapError({
      ...this.#context,
      reason: new ReferralFailed({ detail, urls: this.#urls, cause: this.#cause })
    })
  }

  #targetOf(text: string, requestKey: (url: LdapUrl.LdapUrl) => string): Target | undefined {
    const { hops, path } = this.#trail
    const { allow, maxHops } = this.#permission
    const read = readTarget(text)
    if (Result.isFailure(read)) return this.#refuse(read.failure)
    const url = read.success
    const server = serverKey(url)
    const key = `${server} ${requestKey(url)}`
    if (path.has(key)) return this.#refuse(`${url.toString()} is where it came from: the referrals go in a circle`)
    if (hops >= maxHops) return this.#refuse(`${url.toString()} would be one more than ${hops} referrals`)
    if (!allow(url)) return this.#refuse(`${url.toString()} is not allowed`)
    return this.#budget.take(server)
      ? { url, key, trail: { hops: hops + 1, path: new Set(path).add(key) } }
      : undefined
  }

  #refuse(detail: string): undefined {
    this.#refused++
    if (this.#said.length >= mostReasons) return
    this.#said.push(detail.length > mostCharacters ? `${detail.slice(0, mostCharacters)}…` : detail)
  }
}
