/**
 * The server's side of SASL binds (RFC 4513 section 5.2): EXTERNAL (RFC 4422 appendix A), PLAIN (RFC 4616) and ANONYMOUS in one
 * step, SCRAM (RFC 5802, RFC 7677) in two, by ScramConversation.ts.
 *
 * A user name is the `uid` of one entry, or the value of the administrator's RDN.
 */
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import { anonymous, type DirectoryState, parseDn, type Requester } from "../directory/DirectoryState.ts"
import { answer, success } from "../operations/directoryResult.ts"
import { identify, isAdministratorName, mayActAs, userEntry } from "./identities.ts"
import type { BindOutcome, PasswordCheck } from "./passwordCheck.ts"
import { ScramConversation, type ScramHash, scramHashes } from "./ScramConversation.ts"

/** The mechanisms on all connections. EXTERNAL is offered only where a layer below LDAP names the client. */
export const saslMechanisms: ReadonlyArray<string> = [
  "PLAIN",
  "ANONYMOUS",
  ...[...scramHashes.keys()].map((hash) => `SCRAM-${hash}`)
]

/** A conversation that waits for the client's next message. */
export interface Conversation {
  readonly mechanism: string
  readonly scram: ScramConversation
}

export interface SaslOutcome extends BindOutcome {
  readonly serverCredentials?: Uint8Array | undefined
  /** Set if the client has to send another message. */
  readonly conversation?: Conversation | undefined
}

export interface SaslRequest {
  readonly state: DirectoryState
  readonly mechanism: string
  readonly credentials: Uint8Array | undefined
  /** The client's name from a layer below LDAP, which EXTERNAL binds. */
  readonly external: string | undefined
  readonly conversation: Conversation | undefined
  readonly check: PasswordCheck
}

const refuse = (code: number, diagnosticMessage = ""): SaslOutcome => ({
  result: answer(code, diagnosticMessage),
  requester: anonymous
})

const wrong = refuse(LdapResultCode.invalidCredentials)

export const saslBind = (request: SaslRequest): SaslOutcome => {
  const { check, conversation, credentials, external, mechanism, state } = request
  const given = Buffer.from(credentials ?? [])
  const name = mechanism.toUpperCase()
  switch (name) {
    case "EXTERNAL": {
      if (external === undefined) {
        return refuse(LdapResultCode.inappropriateAuthentication, "no layer below LDAP has authenticated the client")
      }
      const dn = parseDn(external)
      return dn === undefined ? wrong : authorized(state, { dn: state.tree.find(dn)?.dn ?? dn }, given.toString("utf8"))
    }
    case "ANONYMOUS":
      return state.allowAnonymous
        ? { result: success, requester: anonymous }
        : refuse(LdapResultCode.inappropriateAuthentication, "anonymous bind disallowed")
    case "PLAIN": {
      const [authzId, user, password, ...rest] = given.toString("latin1").split("\0")
      if (authzId === undefined || user === undefined || password === undefined || rest.length > 0) return wrong
      const outcome = check.verify(nameOf(state, utf8(user)), Buffer.from(password, "latin1"))
      return outcome.result.code === LdapResultCode.success
        ? { ...outcome, ...authorized(state, outcome.requester, utf8(authzId)) }
        : outcome
    }
    default: {
      const hash = /^SCRAM-(SHA-\d+)$/.exec(name)?.[1]
      if (hash === undefined || !isHash(hash)) {
        return refuse(LdapResultCode.authMethodNotSupported, "SASL mechanism not supported")
      }
      return scram(request, name, hash, conversation?.mechanism === name ? conversation : undefined, given)
    }
  }
}

const isHash = (text: string): text is ScramHash => [...scramHashes.keys()].some((hash) => hash === text)

const scram = (
  { check, state }: SaslRequest,
  mechanism: string,
  hash: ScramHash,
  conversation: Conversation | undefined,
  given: Buffer
): SaslOutcome => {
  if (conversation === undefined) {
    const begun = ScramConversation.begin(hash, given, (user) => check.clearText(nameOf(state, user)))
    return begun === undefined ? wrong : {
      result: answer(LdapResultCode.saslBindInProgress),
      requester: anonymous,
      serverCredentials: begun.first,
      conversation: { mechanism, scram: begun.conversation }
    }
  }
  const { authzId, user } = conversation.scram
  const signature = conversation.scram.finish(given)
  const outcome = check.judge(nameOf(state, user), signature !== undefined)
  if (outcome.result.code !== LdapResultCode.success) return outcome
  return { ...outcome, ...authorized(state, outcome.requester, authzId), serverCredentials: signature }
}

const utf8 = (latin1: string): string => Buffer.from(latin1, "latin1").toString("utf8")

/** The name of the entry of a user. The form `dn:` and a name is accepted too. */
const nameOf = (state: DirectoryState, user: string) =>
  userEntry(state, user)?.dn ??
    (isAdministratorName(state, user)
      ? state.administrator.dn
      : identify(state, user.startsWith("dn:") ? user : "")?.dn)

/** The identity of the connection, if the authenticated identity may act as the requested one. */
const authorized = (state: DirectoryState, requester: Requester, authzId: string): SaslOutcome => {
  if (authzId === "") return { result: success, requester }
  const asked = identify(state, authzId) ?? identify(state, `u:${authzId}`)
  return asked !== undefined && mayActAs(state, requester, asked) ? { result: success, requester: asked } : wrong
}
