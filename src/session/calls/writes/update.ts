/**
 * What add, modify, delete and rename have in common: one request about one entry, whose response is a result.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { fromResult, InvalidRequest, type LdapError, type LdapResult } from "../../../model/LdapError.ts"
import { dnFrom, type DnInput } from "../../../model/ldapts.ts"
import { messageOf } from "../../../model/messageOf.ts"
import type { RequestOperation } from "../../../protocol/LdapMessage.ts"
import type { Description, Outcome } from "../../../telemetry/Tracing.ts"
import type { LdapOperations, OperationOptions, ReferralPolicy } from "../../LdapOperations.ts"
import type { Call, EntryTarget } from "../Call.ts"
import { failed } from "../oneRequest.ts"
import type { Done, Requester, ResultRequest, Started } from "../Requester.ts"

/**
 * A class for each of them, since programs may make many: the functions of a literal would be made for each call, and take as much memory
 * as the rest of it.
 */
export abstract class Update implements Call<LdapResult> {
  readonly kind = "write"
  readonly isStream = false
  readonly dn: DnInput
  readonly options: OperationOptions | undefined

  constructor(dn: DnInput, options: OperationOptions | undefined) {
    this.dn = dn
    this.options = options
  }

  abstract get name(): string

  /** The type of the response. */
  abstract get expects(): ResultRequest["expects"]

  /** Built when the call runs, so that invalid arguments are a failure of the operation. */
  abstract request(): RequestOperation

  abstract run(on: LdapOperations): Effect.Effect<LdapResult, LdapError>

  /** The same update of another entry, with another policy. */
  abstract at(dn: DnInput, referrals: ReferralPolicy): Call<LdapResult>

  describe(): Description {
    return { dn: dnFrom(this.dn) }
  }

  outcome(result: LdapResult): Outcome {
    return codeOf(result)
  }

  over(requester: Requester): Effect.Effect<LdapResult, LdapError> {
    return Effect.callback((resume) => this.start(requester, resume).leave)
  }

  start(requester: Requester, done: Done<LdapResult>): Started {
    const { expects, name, options } = this
    const dn = dnFrom(this.dn)
    let request: RequestOperation
    try {
      request = this.request()
    } catch (cause) {
      // Values of ldapts are written by their own code, which throws as it likes.
      const reason = new InvalidRequest({ field: "request", detail: messageOf(cause) })
      return failed(requester.error({ operation: name, dn }, reason), done)
    }
    return requester.startResult({ operation: name, dn, request, expects }, options, (exit) =>
      done(
        Exit.isFailure(exit) || exit.value.code === 0
          ? exit
          : Exit.fail(requester.error({ operation: name, dn }, fromResult(exit.value)))
      ))
  }

  get target(): EntryTarget<Call<LdapResult>> {
    return { _tag: "Entry", dn: this.dn, referrals: this.options?.referrals, at: (...to) => this.at(...to) }
  }
}

export const codeOf = ({ code }: LdapResult) => ({ code })
