/**
 * Names of users in the form that mechanisms need: the user that authenticates (authentication identity), and the user to act as
 * (authorization identity, RFC 4422 section 3.4.1; in LDAP `dn:` and a DN, or `u:` and a name, RFC 4513 section 5.2.1.8).
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { InvalidRequest } from "../model/LdapError.ts"
import { saslPrep } from "./saslPrep.ts"

const invalid = (field: string, detail: string) => Effect.fail(new InvalidRequest({ field, detail }))

/** A user name unchanged. */
export const userName = (text: string, field = "username"): Effect.Effect<string, InvalidRequest> =>
  text === ""
    ? invalid(field, "it is empty")
    : text.includes("\0")
    ? invalid(field, "it contains a NUL")
    : text.isWellFormed()
    ? Effect.succeed(text)
    : invalid(field, "it contains a lone surrogate")

/** A user name as a query string of SASLprep. */
export const preparedUserName = (text: string): Effect.Effect<string, InvalidRequest> => {
  const prepared = saslPrep(text, "query")
  return Result.isFailure(prepared) ? invalid("username", prepared.failure.detail) : userName(prepared.success)
}

/** An authorization identity, unchanged. If it is `undefined`, the server uses the user's own identity. */
export const authorizationId = (text: string | undefined): Effect.Effect<string | undefined, InvalidRequest> =>
  text === undefined || text === "" ? Effect.succeed(undefined) : userName(text, "authzId")

/** A name within a comma-separated message (`saslname`, RFC 5801 section 4). */
export const saslName = (text: string): string => text.replaceAll("=", "=3D").replaceAll(",", "=2C")

/** The start of the messages of GS2 mechanisms: the channel binding flag, and the authorization identity (RFC 5801 section 4). */
export const gs2Header = (channelBinding: string, authzId: string | undefined): string =>
  `${channelBinding},${authzId === undefined ? "" : `a=${saslName(authzId)}`},`
