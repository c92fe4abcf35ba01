/** Compare (RFC 4511 section 4.10): as a boolean, or with the server's whole result. */
import * as Effect from "effect/Effect"
import { valueFrom, type ValueInput } from "../../../model/entry/LdapEntry.ts"
import { fromResult } from "../../../model/LdapError.ts"
import { LdapResultCode } from "../../../model/LdapResultCode.ts"
import { dnFrom, type DnInput } from "../../../model/ldapts.ts"
import type { CompareResult, OperationOptions } from "../../LdapOperations.ts"
import type { Call } from "../Call.ts"

export const compare = (
  dn: DnInput,
  attribute: string,
  value: ValueInput,
  options?: OperationOptions
): Call<boolean> => {
  const whole = compareResult(dn, attribute, value, options)
  return {
    ...whole,
    outcome: (matched) => ({ code: matched ? LdapResultCode.compareTrue : LdapResultCode.compareFalse }),
    run: (on) => on.compare(dn, attribute, value, options),
    over: (requester) => Effect.map(whole.over(requester), ({ matched }) => matched),
    target: {
      _tag: "Entry",
      dn,
      referrals: options?.referrals,
      at: (dn, referrals) => compare(dn, attribute, value, { ...options, referrals })
    }
  }
}

export const compareResult = (
  dn: DnInput,
  attribute: string,
  value: ValueInput,
  options?: OperationOptions
): Call<CompareResult> => ({
  name: "compare",
  kind: "read",
  isStream: false,
  describe: () => ({ dn: dnFrom(dn), attribute }),
  outcome: ({ result: { code } }) => ({ code }),
  run: (on) => on.compareResult(dn, attribute, value, options),
  over: (requester) =>
    Effect.suspend(() => {
      const context = { operation: "compare", dn: dnFrom(dn) }
      return Effect.flatMap(
        requester.result({
          ...context,
          request: { _tag: "CompareRequest", dn: context.dn, attribute, value: valueFrom(value) },
          expects: "CompareResponse"
        }, options),
        (result) =>
          result.code === LdapResultCode.compareTrue || result.code === LdapResultCode.compareFalse
            ? Effect.succeed({ matched: result.code === LdapResultCode.compareTrue, result })
            : Effect.fail(requester.error(context, fromResult(result)))
      )
    }),
  target: {
    _tag: "Entry",
    dn,
    referrals: options?.referrals,
    at: (dn, referrals) => compareResult(dn, attribute, value, { ...options, referrals })
  }
})
