/**
 * Binds (RFC 4511 section 4.2): simple binds here, SASL binds in saslBind.ts. PasswordCheck compares passwords.
 */
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { BindRequest, ResultFields } from "../../protocol/LdapMessage.ts"
import { anonymous, type DirectoryState } from "../directory/DirectoryState.ts"
import { answer, invalidDn, success } from "../operations/directoryResult.ts"
import { PasswordCheck } from "./passwordCheck.ts"
import { type Conversation, saslBind, type SaslOutcome } from "./saslBind.ts"

/** The facts of a connection that a bind needs. */
export interface BindContext {
  readonly state: DirectoryState
  /** The client's name from a layer below LDAP, for SASL EXTERNAL. */
  readonly external: string | undefined
  /** The SASL conversation that the previous bind began. */
  readonly conversation: Conversation | undefined
  readonly now: number
}

const refused = (result: ResultFields): SaslOutcome => ({ result, requester: anonymous })

export const bind = ({ conversation, external, now, state }: BindContext, request: BindRequest): SaslOutcome => {
  if (request.version !== 3) {
    return refused(answer(LdapResultCode.protocolError, "requested protocol version not supported"))
  }
  const dn = state.readName(request.name)
  if (dn === undefined) return refused(invalidDn)
  const { authentication } = request
  const check = new PasswordCheck(state, now)
  if (authentication._tag === "Sasl") {
    const { credentials, mechanism } = authentication
    return saslBind({ state, mechanism, credentials, external, conversation, check })
  }
  const { password } = authentication
  if (dn.rdns.length === 0) {
    if (password.length > 0) return refused(answer(LdapResultCode.invalidCredentials))
    return state.allowAnonymous
      ? { result: success, requester: anonymous }
      : refused(answer(LdapResultCode.inappropriateAuthentication, "anonymous bind disallowed"))
  }
  if (password.length === 0) {
    return refused(
      answer(LdapResultCode.unwillingToPerform, "unauthenticated bind (DN with no password) disallowed")
    )
  }
  return check.verify(dn, password)
}
