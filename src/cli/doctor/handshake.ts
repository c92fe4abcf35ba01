/**
 * A TLS handshake for examination: it accepts every certificate, since `check` must see what is wrong with it. The only request that is
 * sent is StartTLS. Sessions use connection/tls, which refuses bad certificates.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { connect as connectTcp, isIP, type Socket } from "node:net"
import * as Tls from "node:tls"
import { authoritiesOf } from "../../connection/tls/authorities.ts"
import { messageOf } from "../../model/messageOf.ts"
import { encode } from "../../protocol/encode.ts"
import * as LdapExtended from "../../protocol/LdapExtended.ts"
import { LdapParser } from "../../protocol/LdapParser.ts"
import type { Patient } from "./Patient.ts"

/** The result of a handshake. */
export interface Handshake {
  readonly protocol: string
  readonly cipher: string
  /** Why the chain isn't trusted, as OpenSSL's error code; `undefined` if it is trusted. */
  readonly problem: string | undefined
  /** Why the certificate doesn't match the host name; `undefined` if it does. */
  readonly nameProblem: string | undefined
  /** The chain, in the order in which the server sent it: its own certificate first. */
  readonly chain: ReadonlyArray<Tls.DetailedPeerCertificate>
}

/** The TLS versions and ciphers to offer. */
interface Offer {
  readonly minVersion?: Tls.SecureVersion
  readonly maxVersion?: Tls.SecureVersion
  readonly ciphers?: string
}

/** Connects, starts TLS, and returns what the server showed. */
export const handshake = (patient: Patient, offer: Offer = {}): Effect.Effect<Handshake, string> =>
  Effect.callback<Handshake, string>((resume) => {
    const { address, isLdaps, timeout, tls } = patient
    if (address === undefined) return resume(Effect.fail("a unix socket has no TLS"))
    const { host, port } = address
    const tcp = connectTcp({ host, port })
    let socket: Socket = tcp
    const fail = (problem: string): void => {
      socket.destroy()
      tcp.destroy()
      resume(Effect.fail(problem))
    }
    tcp.setTimeout(timeout, () => fail(`no answer within ${timeout} ms`))
    tcp.on("error", (error) => fail(messageOf(error)))
    tcp.on("end", () => fail("the server closed the connection"))
    const secure = (): void => {
      const servername = tls.servername ?? host
      const { ca } = authorities(patient)
      const upgraded = Tls.connect({
        socket: tcp,
        ...(isIP(servername) === 0 ? { servername } : undefined),
        ...(ca === undefined ? undefined : { ca }),
        rejectUnauthorized: false,
        checkServerIdentity: () => undefined,
        ...offer
      })
      socket = upgraded
      upgraded.on("error", (error) => fail(messageOf(error)))
      upgraded.once("secureConnect", () => {
        const certificate = upgraded.getPeerCertificate(true)
        const seen: Handshake = {
          protocol: upgraded.getProtocol() ?? "unknown",
          cipher: upgraded.getCipher().standardName,
          problem: upgraded.authorized ? undefined : String(upgraded.authorizationError),
          nameProblem: Tls.checkServerIdentity(servername, certificate)?.message,
          chain: chainOf(certificate)
        }
        upgraded.destroy()
        resume(Effect.succeed(seen))
      })
    }
    tcp.once("connect", () => isLdaps ? secure() : requestTls(tcp, secure, fail))
    return Effect.sync(() => {
      socket.destroy()
      tcp.destroy()
    })
  })

/** The authorities of the settings. A file that can't be read is ignored here, since opening the session reports it. */
const authorities = ({ tls }: Patient): { readonly ca: Tls.ConnectionOptions["ca"] } => {
  try {
    return { ca: authoritiesOf(tls).ca }
  } catch {
    return { ca: undefined }
  }
}

/** StartTLS (RFC 4511 section 4.14). */
const requestTls = (tcp: Socket, secure: () => void, fail: (problem: string) => void): void => {
  const parser = new LdapParser()
  const read = (octets: Buffer): void => {
    const problem = parser.push(octets, ({ operation }) => {
      if (operation._tag !== "ExtendedResponse") return fail("the server answers StartTLS with something else")
      const { code, diagnosticMessage } = operation.result
      if (code !== 0)
        return fail(
          `the server refuses StartTLS with ${code}${diagnosticMessage === "" ? "" : `: ${diagnosticMessage}`}`
        )
      tcp.off("data", read)
      secure()
    }, true)
    if (problem !== undefined) fail("the server doesn't speak LDAP on this port")
  }
  tcp.on("data", read)
  tcp.write(
    encode({ messageId: 1, operation: { _tag: "ExtendedRequest", oid: LdapExtended.startTls.oid }, controls: [] })
  )
}

const chainOf = (certificate: Tls.DetailedPeerCertificate): ReadonlyArray<Tls.DetailedPeerCertificate> => {
  const chain: Array<Tls.DetailedPeerCertificate> = []
  const seen = new Set<string>()
  for (
    let next: Tls.DetailedPeerCertificate | undefined = certificate;
    next?.raw !== undefined;
    next = next.issuerCertificate
  ) {
    if (seen.has(next.fingerprint256) || chain.length >= 10) break
    seen.add(next.fingerprint256)
    chain.push(next)
  }
  return chain
}

/** Whether the server accepts exactly one version. Old versions need ciphers that OpenSSL disables by default. */
export const acceptsVersion = (patient: Patient, version: Tls.SecureVersion): Effect.Effect<boolean> =>
  Effect.map(
    Effect.result(handshake(patient, {
      minVersion: version,
      maxVersion: version,
      ...(version === "TLSv1" || version === "TLSv1.1" ? { ciphers: "DEFAULT:@SECLEVEL=0" } : undefined)
    })),
    Result.isSuccess
  )
