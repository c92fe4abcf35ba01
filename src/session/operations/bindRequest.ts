/** What all binds share: the request (RFC 4511 section 4.2), the context for error messages, and the time limit. */
import type { LdapControl } from "../../model/control/LdapControl.ts"
import { RequestTimeout } from "../../model/LdapError.ts"
import type { BindRequest } from "../../protocol/LdapMessage.ts"
import type { Request } from "./request.ts"

export interface BindOptions {
  readonly controls: ReadonlyArray<LdapControl>
  /** For the whole bind: the credentials, the wait for the connection, and the response. */
  readonly timeoutMillis: number
  /** What is left of it when the credentials are there; by default all of it. */
  readonly remainingMillis?: number | undefined
}

export interface BindContext {
  readonly operation: "bind"
  readonly dn: string
}

/** A bind request. */
export const bindRequest = (
  context: BindContext,
  { controls, remainingMillis, timeoutMillis }: BindOptions,
  authentication: BindRequest["authentication"]
): Request<"BindResponse"> => ({
  ...context,
  request: { _tag: "BindRequest", version: 3, name: context.dn, authentication },
  controls,
  expects: "BindResponse",
  timeoutMillis,
  remainingMillis
})

export const credentialsTimeout = (afterMillis: number): RequestTimeout =>
  new RequestTimeout({ afterMillis, inDoubt: false, detail: "the effect that gives the password did not end" })
