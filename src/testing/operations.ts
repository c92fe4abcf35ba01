/**
 * The operations that have one answer, each carried out in one synchronous step, and the kinds of their answers.
 * Searches are served by DirectoryServer.ts, since they go on for a while; binds too, since they change the
 * connection.
 */
import type { RequestOperation, ResponseOperation, ResultFields } from "../protocol/LdapMessage.ts"
import { compare } from "./comparison.ts"
import type { DirectoryState, Requester } from "./DirectoryState.ts"
import * as Updates from "./updates.ts"

/** A request that is answered at once. */
export type OneStep = Extract<
  RequestOperation,
  { readonly _tag: "AddRequest" | "ModifyRequest" | "DeleteRequest" | "ModifyDnRequest" | "CompareRequest" }
>

/** Carries a request out. `now` is the Clock's time in milliseconds. */
export const carryOut = (
  state: DirectoryState,
  request: OneStep,
  requester: Requester,
  now: number
): ResponseOperation => {
  switch (request._tag) {
    case "AddRequest":
      return { _tag: "AddResponse", result: Updates.add({ state, request, requester, now }) }
    case "ModifyRequest":
      return { _tag: "ModifyResponse", result: Updates.modify({ state, request, requester, now }) }
    case "DeleteRequest":
      return { _tag: "DeleteResponse", result: Updates.remove({ state, request, requester, now }) }
    case "ModifyDnRequest":
      return { _tag: "ModifyDnResponse", result: Updates.modifyDn({ state, request, requester, now }) }
    case "CompareRequest":
      return { _tag: "CompareResponse", result: compare(state, request, requester) }
  }
}

/** The response of the kind that belongs to a request; `undefined` for those that have none. */
export const responseTo = (request: RequestOperation, result: ResultFields): ResponseOperation | undefined => {
  switch (request._tag) {
    case "BindRequest":
      return { _tag: "BindResponse", result }
    case "SearchRequest":
      return { _tag: "SearchResultDone", result }
    case "ModifyRequest":
      return { _tag: "ModifyResponse", result }
    case "AddRequest":
      return { _tag: "AddResponse", result }
    case "DeleteRequest":
      return { _tag: "DeleteResponse", result }
    case "ModifyDnRequest":
      return { _tag: "ModifyDnResponse", result }
    case "CompareRequest":
      return { _tag: "CompareResponse", result }
    case "ExtendedRequest":
      return { _tag: "ExtendedResponse", result }
    case "AbandonRequest":
    case "UnbindRequest":
      return undefined
  }
}
