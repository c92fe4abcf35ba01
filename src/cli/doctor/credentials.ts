/**
 * Binds: tests the credentials, and finds out what the server demands of a bind: signing or TLS, and channel binding.
 *
 * To find the demands, the command binds with a DN that can't exist and a password that is not a secret. The server's answer shows whether
 * it would check a password on such a connection. This refused bind appears in the server's log.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as LdapAuth from "../../auth/LdapAuth.ts"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import type { LdapErrorReason } from "../../model/LdapError.ts"
import * as LdapRootDse from "../../model/LdapRootDse.ts"
import * as LdapExtended from "../../protocol/LdapExtended.ts"
import { failure, type Finding, ok, warning } from "./Finding.ts"
import { isSecured, openSession, type Patient } from "./Patient.ts"
import { isActiveDirectory } from "./rootDse.ts"

/** The credentials of the settings. */
export const examineBind = Effect.fnUntraced(function*(patient: Patient): Effect.fn.Return<ReadonlyArray<Finding>> {
  if (patient.settings.auth === undefined) return [ok("bind", "no credentials given, so none were tried")]
  const who = yield* Effect.result(Effect.scoped(Effect.gen(function*() {
    const session = yield* openSession(patient)
    const answer = yield* Effect.result(session.extended(LdapExtended.whoAmI))
    return { answer: Result.isSuccess(answer) ? answer.success.answer : "", protection: yield* session.protection }
  })))
  if (Result.isFailure(who)) return [failure("bind", who.failure.message, adviceFor(who.failure.reason))]
  const { answer, protection } = who.success
  const { auth } = patient.settings
  // Samba doesn't support Who am I?
  const name = answer !== "" ? answer : auth._tag === "Simple" ? auth.dn : ""
  return [
    ok("bind", name === "" ? "accepted" : `accepted as ${name}`),
    ...(protection === "none"
      ? [
        warning(
          "bind",
          "the password crossed the network in clear text",
          "Use ldaps://, --start-tls or --auth kerberos."
        )
      ]
      : [])
  ]
})

const adviceFor = (reason: LdapErrorReason): string => {
  switch (reason._tag) {
    case "InvalidCredentials":
      return "Check the bind DN and the password; effect-ldap login, with other credentials, says more about an account."
    case "StrongerAuthRequired":
    case "ConfidentialityRequired":
    case "InsecureAuth":
      return "Use ldaps://, --start-tls or --auth kerberos."
    case "InvalidDnSyntax":
    case "NoSuchObject":
      return "Check the bind DN: in Active Directory it may be user@domain."
    case "AuthMethodNotSupported":
    case "InappropriateAuthentication":
      return "Choose another way with --auth: effect-ldap lookup \"\" supportedSASLMechanisms prints what the server has."
    case "KerberosFailed":
      return "--kdc, --service and --keytab say where tickets come from, and what the server is called."
    default:
      return "See the message."
  }
}

const nameOfNone = (): string => `cn=effect-ldap-check-${crypto.randomUUID()}`
const noSecret = Redacted.make("no-secret")

/** Whether the server accepts passwords in clear text, and whether it demands signing or TLS. */
export const examineSigning = Effect.fnUntraced(function*(patient: Patient): Effect.fn.Return<ReadonlyArray<Finding>> {
  if (isSecured(patient) || patient.address === undefined) return []
  const answer = yield* Effect.result(
    Effect.scoped(openSession(patient, { auth: LdapAuth.simple(nameOfNone(), noSecret), allowInsecureAuth: true }))
  )
  const reason = Result.isFailure(answer) ? answer.failure.reason : undefined
  switch (reason?._tag) {
    case "StrongerAuthRequired":
      return [
        ok("signing", "demanded: a simple bind needs ldaps:// or --start-tls, and --auth kerberos signs by itself")
      ]
    case "ConfidentialityRequired":
      return [ok("signing", "the server demands TLS or a security layer before a bind")]
    case undefined:
      return [
        failure(
          "signing",
          "the server accepted a bind with a name that doesn't exist",
          "Check the server's access control."
        )
      ]
    case "InvalidCredentials":
    case "NoSuchObject":
      return [
        warning(
          "signing",
          "not demanded: the server accepts passwords in clear text",
          "Let the server demand TLS or signing."
        )
      ]
    default:
      return [ok("signing", `unknown: ${Result.isFailure(answer) ? answer.failure.message : ""}`)]
  }
})

/** Whether a domain controller demands channel binding. It answers that before it looks at the account ([MS-NLMP], EPA). */
export const examineChannelBinding = Effect.fnUntraced(function*(
  patient: Patient,
  rootDse: LdapEntry
): Effect.fn.Return<ReadonlyArray<Finding>> {
  if (!isSecured(patient) || !isActiveDirectory(rootDse) || !LdapRootDse.supportsSasl(rootDse, "GSS-SPNEGO")) return []
  const auth = LdapAuth.ntlm({ username: "effect-ldap-check", password: noSecret, channelBinding: false })
  const answer = yield* Effect.result(Effect.scoped(openSession(patient, { auth })))
  const message = Result.isFailure(answer) ? answer.failure.message : ""
  return [
    /80090346/.test(message)
      ? ok("channel binding", "demanded: --auth kerberos and ntlm support it")
      : Result.isFailure(answer) && answer.failure.reason._tag === "InvalidCredentials"
      ? warning(
        "channel binding",
        "not demanded",
        "Set LdapEnforceChannelBinding at the domain controller against relayed logins."
      )
      : ok("channel binding", `unknown: ${message}`)
  ]
})
