/**
 * Simple binds (RFC 4513 section 5.1): whether a password is the one of an entry. Passwords are in clear text, or
 * hashed in the ways that RFC 2307 and slapd write: `{SHA}`, `{SSHA}`, `{CLEARTEXT}`.
 */
import { createHash } from "node:crypto"
import { LdapResultCode } from "../model/LdapResultCode.ts"
import type { BindRequest, ResultFields } from "../protocol/LdapMessage.ts"
import { answer, invalidDn, success } from "./directoryResult.ts"
import { anonymous, type DirectoryState, parseDn, type Requester } from "./DirectoryState.ts"

/** What a bind comes to: the answer, and who the connection belongs to from now on. */
export interface BindOutcome {
  readonly result: ResultFields
  readonly requester: Requester
}

const refused = (result: ResultFields): BindOutcome => ({ result, requester: anonymous })

export const bind = (state: DirectoryState, request: BindRequest): BindOutcome => {
  if (request.version !== 3) {
    return refused(answer(LdapResultCode.protocolError, "requested protocol version not supported"))
  }
  const dn = parseDn(request.name)
  if (dn === undefined) return refused(invalidDn)
  const { authentication } = request
  if (authentication._tag === "Sasl") {
    return refused(answer(LdapResultCode.authMethodNotSupported, "no SASL mechanism available"))
  }
  const { password } = authentication
  const wrong = refused(answer(LdapResultCode.invalidCredentials))
  if (dn.rdns.length === 0) {
    if (password.length > 0) return wrong
    return state.allowAnonymous
      ? { result: success, requester: anonymous }
      : refused(answer(LdapResultCode.inappropriateAuthentication, "anonymous bind disallowed"))
  }
  if (password.length === 0) {
    return refused(
      answer(LdapResultCode.unwillingToPerform, "unauthenticated bind (DN with no password) disallowed")
    )
  }
  const { administrator, tree } = state
  const entry = tree.find(dn)
  if (
    dn.key === administrator.dn.key && administrator.password !== undefined &&
    Buffer.compare(administrator.password, password) === 0
  ) {
    return { result: success, requester: { dn: administrator.dn } }
  }
  // Nobody learns from the answer whether it was the name that was wrong.
  return entry?.values("userpassword").some((stored) => isPassword(stored, password)) === true
    ? { result: success, requester: { dn: entry.dn } }
    : wrong
}

/** Whether `given` is the password that is stored, in whatever form. */
export const isPassword = (stored: Uint8Array, given: Uint8Array): boolean => {
  const scheme = /^\{([A-Za-z0-9-]+)\}(.*)$/s.exec(Buffer.from(stored).toString("latin1"))
  if (scheme === null) return Buffer.compare(stored, given) === 0
  const [, name = "", rest = ""] = scheme
  switch (name.toUpperCase()) {
    case "CLEARTEXT":
      return Buffer.compare(Buffer.from(rest, "latin1"), given) === 0
    case "SHA":
    case "SSHA": {
      const digest = Buffer.from(rest, "base64")
      const hash = createHash("sha1").update(given).update(digest.subarray(20)).digest()
      return digest.length >= 20 && (name.toUpperCase() === "SSHA" || digest.length === 20) &&
        Buffer.compare(hash, digest.subarray(0, 20)) === 0
    }
    default:
      return false
  }
}
