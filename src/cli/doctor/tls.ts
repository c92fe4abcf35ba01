/** TLS: versions, certificates, names and expiry, and the authority that `--ca` needs. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Tls from "node:tls"
import { failure, type Finding, ok, warning } from "./Finding.ts"
import { acceptsVersion, type Handshake, handshake } from "./handshake.ts"
import { isSecured, type Patient } from "./Patient.ts"

export const examineTls = Effect.fnUntraced(function*(patient: Patient): Effect.fn.Return<ReadonlyArray<Finding>> {
  if (patient.address === undefined) return [ok("TLS", "a unix socket doesn't leave this machine")]
  const seen = yield* Effect.result(handshake(patient))
  if (Result.isFailure(seen)) {
    return isSecured(patient)
      ? [failure(
        "TLS",
        seen.failure,
        patient.isLdaps
          ? "Does the server speak TLS on this port? With ldap:// and --start-tls TLS begins later."
          : "Use ldaps://, or let the server offer StartTLS."
      )]
      : [warning("StartTLS", `not offered: ${seen.failure}`, "Passwords need ldaps://, StartTLS, or --auth kerberos.")]
  }
  const findings: Array<Finding> = []
  if (!isSecured(patient)) {
    findings.push(warning("StartTLS", "offered, and not used", "Give --start-tls, or use ldaps://."))
  }
  findings.push(ok("TLS", `${seen.success.protocol} with ${seen.success.cipher}`))
  findings.push(...yield* versions(patient))
  const now = yield* Clock.currentTimeMillis
  findings.push(...certificates(seen.success, now, patient))
  // If the settings don't use TLS, its problems are only warnings.
  return isSecured(patient) ? findings : findings.map(softened)
})

const softened = (finding: Finding): Finding =>
  finding.status === "failure" ? { ...finding, status: "warning" } : finding

const versions = Effect.fnUntraced(function*(patient: Patient) {
  const all = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const
  const accepted = yield* Effect.forEach(all, (version) => acceptsVersion(patient, version), { concurrency: 2 })
  const names = all.filter((_, i) => accepted[i])
  const old = names.filter((name) => name === "TLSv1" || name === "TLSv1.1")
  return [
    old.length > 0
      ? warning(
        "TLS versions",
        names.join(", "),
        `Switch ${old.join(" and ")} off at the server (RFC 8996); this client never uses them.`
      )
      : ok("TLS versions", names.join(", "))
  ]
})

const day = 24 * 60 * 60 * 1000

/** In Node's types two of the three times are text. */
const certificates = (
  { chain, nameProblem, problem }: Handshake,
  now: number,
  patient: Patient
): ReadonlyArray<Finding> => {
  const findings: Array<Finding> = []
  const [own] = chain
  if (own === undefined) return [failure("certificate", "the server sends none", "Give the server a certificate.")]
  for (const [i, certificate] of chain.entries()) {
    const what = i === 0 ? "certificate" : "authority"
    const until = Date.parse(certificate.valid_to)
    const days = Math.floor((until - now) / day)
    const said = `${nameOf(certificate.subject)}, signed by ${nameOf(certificate.issuer)}, valid until ${
      new Date(until).toISOString().slice(0, 10)
    }`
    if (Date.parse(certificate.valid_from) > now) {
      findings.push(failure(what, `${said}; not valid yet`, "Check the clocks of this machine and of the authority."))
    } else if (until < now) {
      findings.push(failure(what, `${said}; expired`, "Renew it."))
    } else if (days < 30) findings.push(warning(what, `${said}; ${days} days left`, "Renew it."))
    else findings.push(ok(what, said))
  }
  findings.push(
    nameProblem === undefined
      ? ok(
        "name",
        `the certificate names ${patient.tls.servername ?? patient.address?.host}; it has ${
          own.subjectaltname ?? nameOf(own.subject)
        }`
      )
      : failure(
        "name",
        nameProblem,
        "Use a host that the certificate names in the URL, or get a certificate that names this one."
      )
  )
  if (problem !== undefined) findings.push(untrusted(problem, chain, patient))
  else findings.push(
      ok(
        "trust",
        patient.tls.ca === undefined ? "an authority of the system signed it" : "an authority of --ca signed it"
      )
    )
  return findings
}

/** Which certificate `ca` needs. */
const untrusted = (
  problem: string,
  chain: ReadonlyArray<Tls.DetailedPeerCertificate>,
  { tls }: Patient
): Finding => {
  const last = chain[chain.length - 1]!
  const authority = nameOf(last.issuer)
  const isSelfSigned = authority === nameOf(last.subject)
  const missing = isSelfSigned && chain.length === 1
    ? "the certificate is signed by itself: put it into the file of --ca, if you know that it is the right one"
    : isSelfSigned
    ? `the authority ${authority} isn't trusted: put its certificate into the file of --ca`
    : `the certificate of ${authority} is missing: put it into the file of --ca, or let the server send it with its own`
  switch (problem) {
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
      return failure("trust", problem, "See the dates above.")
    default:
      return failure(
        "trust",
        `${problem}: ${tls.ca === undefined ? "no authority of the system" : "no authority of --ca"} signed it`,
        `${missing[0]!.toUpperCase()}${missing.slice(1)}.`
      )
  }
}

/** A name in a form that is close to LDAP's, for people. */
const nameOf = (name: Tls.Certificate | undefined): string =>
  Object.entries(name ?? {}).map(([type, value]) => `${type}=${String(value)}`).join(", ") || "(no name)"
