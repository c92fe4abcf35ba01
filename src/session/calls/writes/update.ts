/**
 * What add, modify, delete and rename have in common: one request about one entry, whose response is a result.
 */
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import { fromResult, InvalidRequest, type LdapResult } from "../../../model/LdapError.ts"
import { dnFrom, type DnInput } from "../../../model/ldapts.ts"
import { messageOf } from "../../../model/messageOf.ts"
import type { RequestOperation } from "../../../protocol/LdapMessage.ts"
import type { OperationOptions, ReferralPolicy } from "../../LdapOperations.ts"
import type { Call } from "../Call.ts"
import { failed, oneRequest } from "../oneRequest.ts"
import type { ResultRequest } from "../Requester.ts"

interface Update extends Pick<ResultRequest, "expects"> {
  readonly name: string
  /** Built when the call runs, so that invalid arguments are a failure of the operation. */
  readonly request: () => RequestOperation
  readonly dn: DnInput
  readonly options: OperationOptions | undefined
  readonly run: Call<LdapResult>["run"]
  /** The same update of another entry, with another policy. */
  readonly at: (dn: DnInput, referrals: ReferralPolicy) => Call<LdapResult>
}

export const update = ({ at, dn, expects, name, options, request, run }: Update): Call<LdapResult> => ({
  name,
  kind: "write",
  isStream: false,
  describe: () => ({ dn: dnFrom(dn) }),
  outcome: codeOf,
  run,
  ...oneRequest((requester, done) => {
    const context = { operation: name, dn: dnFrom(dn) }
    const shaped = Result.try({
      try: request,
      // Values of ldapts are written by their own code, which throws as it likes.
      catch: (cause) => new InvalidRequest({ field: "request", detail: messageOf(cause) })
    })
    if (Result.isFailure(shaped)) return failed(requester.error(context, shaped.failure), done)
    return requester.startResult(
      { ...context, request: shaped.success, expects },
      options,
      (exit) =>
        done(
          Exit.isFailure(exit) || exit.value.code === 0
            ? exit
            : Exit.fail(requester.error(context, fromResult(exit.value)))
        )
    )
  }),
  target: { _tag: "Entry", dn, referrals: options?.referrals, at }
})

export const codeOf = ({ code }: LdapResult) => ({ code })
