/** Compare (RFC 4511 section 4.10): as a boolean, or with the server's whole result. */
import * as Exit from "effect/Exit"
import { valueFrom, type ValueInput } from "../../../model/entry/LdapEntry.ts"
import { fromResult } from "../../../model/LdapError.ts"
import { LdapResultCode } from "../../../model/LdapResultCode.ts"
import { dnFrom, type DnInput } from "../../../model/ldapts.ts"
import type { CompareResult, OperationOptions } from "../../LdapOperations.ts"
import type { Call, Start } from "../Call.ts"
import { oneRequest } from "../oneRequest.ts"

export const compare = (
  dn: DnInput,
  attribute: string,
  value: ValueInput,
  options?: OperationOptions
): Call<boolean> => {
  const start = startOf(dn, attribute, value, options)
  return {
    ...common(dn, attribute),
    outcome: (matched) => ({ code: matched ? LdapResultCode.compareTrue : LdapResultCode.compareFalse }),
    run: (on) => on.compare(dn, attribute, value, options),
    ...oneRequest((requester, done) => start(requester, (exit) => done(Exit.map(exit, ({ matched }) => matched)))),
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
  ...common(dn, attribute),
  outcome: ({ result: { code } }) => ({ code }),
  run: (on) => on.compareResult(dn, attribute, value, options),
  ...oneRequest(startOf(dn, attribute, value, options)),
  target: {
    _tag: "Entry",
    dn,
    referrals: options?.referrals,
    at: (dn, referrals) => compareResult(dn, attribute, value, { ...options, referrals })
  }
})

const common = (dn: DnInput, attribute: string) => ({
  name: "compare",
  kind: "read" as const,
  isStream: false as const,
  describe: () => ({ dn: dnFrom(dn), attribute })
})

const startOf = (
  dn: DnInput,
  attribute: string,
  value: ValueInput,
  options: OperationOptions | undefined
): Start<CompareResult> =>
(requester, done) => {
  const context = { operation: "compare", dn: dnFrom(dn) }
  return requester.startResult(
    {
      ...context,
      request: { _tag: "CompareRequest", dn: context.dn, attribute, value: valueFrom(value) },
      expects: "CompareResponse"
    },
    options,
    (exit) => {
      if (Exit.isFailure(exit)) return done(Exit.failCause(exit.cause))
      const { code } = exit.value
      const matched = code === LdapResultCode.compareTrue
      done(
        matched || code === LdapResultCode.compareFalse
          ? Exit.succeed({ matched, result: exit.value })
          : Exit.fail(requester.error(context, fromResult(exit.value)))
      )
    }
  )
}
