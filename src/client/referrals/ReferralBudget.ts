/**
 * Limits the cost of the referrals of one operation. The server decides how many references it sends, and each may lead to more.
 */
import * as Duration from "effect/Duration"

export interface BudgetOptions {
  readonly maxRequests: number
  readonly maxServers: number
  readonly limitMillis: number
}

export class ReferralBudget {
  readonly #options: BudgetOptions
  readonly #servers = new Set<string>()
  #requests = 0
  /** Milliseconds for which the operation waited for the servers that it was referred to. */
  spentMillis = 0
  /** Why the budget is exhausted. */
  refusal: string | undefined = undefined

  constructor(options: BudgetOptions) {
    this.#options = options
  }

  get isSpent(): boolean {
    return this.refusal !== undefined
  }

  /** Subtracts one request to a server from the budget. */
  take(server: string): boolean {
    const { limitMillis, maxRequests, maxServers } = this.#options
    if (this.#requests >= maxRequests) {
      return this.#refuse(`it took more than ${maxRequests} requests; raise maxRequests if that may be`)
    }
    if (!this.#servers.has(server) && this.#servers.size >= maxServers) {
      return this.#refuse(`it leads to more than ${maxServers} servers; raise maxServers if that may be`)
    }
    if (this.spentMillis >= limitMillis) {
      const limit = Duration.format(Duration.millis(limitMillis))
      return this.#refuse(`it took longer than ${limit}; raise timeLimit if that may be`)
    }
    this.#requests++
    this.#servers.add(server)
    return true
  }

  #refuse(detail: string): boolean {
    this.refusal = `the referrals have no end: ${detail}`
    return false
  }
}
