/**
 * Converts the options of `LdapTls` to those of Node, and checks the server after the handshake.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Net from "node:net"
import type * as Tls from "node:tls"
import { nodeCrypto } from "../../auth/crypto/nodeCrypto.ts"
import { detached } from "../detached.ts"
import { authoritiesOf } from "./authorities.ts"
import { type PeerCertificate, publicKeyFingerprint, type Secret, type TlsOptions, type TlsSession } from "./LdapTls.ts"
import { nodeTls } from "./nodeTls.ts"
import { ResumableSessions, Resumption } from "./resumption.ts"

/** Options that have been checked, for one handshake. */
export interface Prepared {
  /** The options for `tls.connect`, except the socket. */
  readonly node: Tls.ConnectionOptions
  /** Accepts the server, or fails with the reason for refusing it. `undefined` if Node's verification is all that was asked for. */
  readonly judge: ((negotiated: () => TlsSession) => Effect.Effect<void, Refusal>) | undefined
  /** The server's certificate (DER), if the check of its name has seen it. */
  readonly certificate: () => Uint8Array | undefined
  /** `undefined` if no session is to be resumed. */
  readonly resumption: Resumption | undefined
}

export interface Refusal {
  readonly detail: string
  readonly cause?: unknown
}

/**
 * Converts options to those of Node and checks them as far as possible without a server. Throws the errors of Node, for instance
 * for an unreadable key.
 */
export const prepare = (given: TlsOptions, host: string): Prepared => {
  // Options may be getters; their values are read once for this handshake.
  const options = { ...given }
  const { caFile: _3, key: _, passphrase: _1, pfx: _2, pinnedFingerprints, resume, verifyPeer, ...others } = options
  const pins = pinnedFingerprints?.map((text) => {
    const octets = octetsOfFingerprint(text)
    if (octets === undefined) throw new Error(`"${text}" is not a SHA-256 fingerprint in hexadecimal or Base64`)
    return octets
  })
  const name = withoutRootDot(options.servername ?? host)
  const checkServerIdentity = options.checkServerIdentity ?? nodeTls().checkServerIdentity
  const { context, sessions } = keptFor(given, options)
  // Set explicitly: otherwise an environment variable of Node could turn the verification off.
  const rejectUnauthorized = options.rejectUnauthorized ?? true
  let certificate: Uint8Array | undefined
  const identify = (hostname: string, peer: Tls.PeerCertificate): Error | undefined => {
    certificate = peer.raw
    resumption?.identified(peer)
    return checkServerIdentity(hostname, peer)
  }
  // Without verification nothing is known of the server of an earlier connection.
  const resumption = resume === true && rejectUnauthorized
    ? new Resumption(sessions, name, (peer) => identify(name, peer))
    : undefined
  return {
    node: {
      ...others,
      secureContext: context,
      checkServerIdentity: identify,
      // The name (or address) that must be in the certificate. Addresses are never sent (RFC 6066 section 3).
      host: name,
      servername: Net.isIP(name) === 0 ? name : "",
      rejectUnauthorized
    },
    judge: pins === undefined && verifyPeer === undefined ? undefined : (negotiated) =>
      Effect.andThen(
        pins === undefined ? Effect.void : matchPins(pins, negotiated().peer),
        verifyPeer === undefined ? Effect.void : askHook(verifyPeer, negotiated())
      ),
    certificate: () => certificate,
    resumption
  }
}

/**
 * Removes the final dot of a fully qualified name, which only DNS uses. Certificates and SNI don't have it (RFC 6066 section 3).
 */
export const withoutRootDot = (host: string): string => host.length > 1 && host.endsWith(".") ? host.slice(0, -1) : host

/** The context made from an options object, and the values of the options at that time. */
interface Kept {
  readonly options: TlsOptions
  /** The authorities of Node. A program may change them. */
  readonly authorities: ReadonlyArray<string> | undefined
  /** The content of the files of `caFile`. */
  readonly files: string
  readonly context: Tls.SecureContext
  /** Sessions that were verified with these options. New options have none, so other authorities or pins never resume them. */
  readonly sessions: ResumableSessions
}

/**
 * With many authorities, parsing certificates and keys takes longer than the rest of a handshake, and allocates memory each time.
 * So options are parsed once, and the context lives as long as the options object.
 */
const contexts = new WeakMap<TlsOptions, Kept>()

const keptFor = (given: TlsOptions, options: TlsOptions): Pick<Kept, "context" | "sessions"> => {
  // Read even if the context exists: a secret that was wiped meanwhile must not be used.
  const secrets = {
    key: open<string | Buffer>(options.key),
    pfx: open<string | Buffer>(options.pfx),
    passphrase: open(options.passphrase)
  }
  const { ca, files } = authoritiesOf(options)
  const authorities = ca === undefined ? nodeTls().getCACertificates("default") : undefined
  const kept = contexts.get(given)
  const isKept = kept !== undefined && kept.authorities === authorities && kept.files === files
  if (isKept && isSame(kept.options, options)) return kept
  const context = nodeTls().createSecureContext({
    ...options,
    ca,
    ...secrets,
    // Set explicitly: otherwise a command-line flag of Node could lower it.
    minVersion: options.minVersion ?? "TLSv1.2"
  })
  const made = { options, authorities, files, context, sessions: new ResumableSessions() }
  contexts.set(given, made)
  return made
}

/** Whether the options still have the same values. A program may have changed them, or may use getters. */
const isSame = (before: TlsOptions, now: TlsOptions): boolean => {
  const names = Object.keys(now) as Array<keyof TlsOptions>
  return names.length === Object.keys(before).length && names.every((name) => before[name] === now[name])
}

const open = <A>(secret: Secret<A> | undefined): A | undefined =>
  Redacted.isRedacted(secret) ? Redacted.value(secret) : secret

const matchPins = (
  pins: ReadonlyArray<string>,
  peer: PeerCertificate | undefined
): Effect.Effect<void, Refusal> => {
  if (peer === undefined) return Effect.fail({ detail: "the server has no certificate, but fingerprints are pinned" })
  const shown = [peer.fingerprint, peer.publicKeyFingerprint]
  return shown.some((fingerprint) => pins.includes(fingerprint.replaceAll(":", "").toLowerCase()))
    ? Effect.void
    : Effect.fail({
      detail: `the certificate has none of the pinned fingerprints; its fingerprint is ${shown[0]}, that of its key ${
        shown[1]
      }`
    })
}

const askHook = (
  verifyPeer: NonNullable<TlsOptions["verifyPeer"]>,
  negotiated: TlsSession
): Effect.Effect<void, Refusal> =>
  detached(Effect.suspend(() => verifyPeer(negotiated))).pipe(
    Effect.catchDefect((cause) => Effect.fail(cause instanceof Error ? cause : String(cause))),
    Effect.mapError((reason) => ({
      detail: `tls.verifyPeer refused the server: ${typeof reason === "string" ? reason : reason.message}`,
      cause: typeof reason === "string" ? undefined : reason
    })),
    Effect.asVoid
  )

/** The 32 bytes of a fingerprint in hexadecimal, for every accepted spelling; `undefined` if it isn't a fingerprint. */
const octetsOfFingerprint = (text: string): string | undefined => {
  const bare = text.trim().replace(/^sha-?256(?:\/\/?|:|=)/i, "")
  if (/^(?:[0-9a-f]{2}:){31}[0-9a-f]{2}$|^[0-9a-f]{64}$/i.test(bare)) return bare.replaceAll(":", "").toLowerCase()
  return /^[0-9a-z+/]{43}=$/i.test(bare) ? Buffer.from(bare, "base64").toString("hex") : undefined
}

/**
 * The result of the handshake on a socket. Call it once, after the handshake: Node returns the server's certificate only once, so one
 * that its verification has seen is passed on. The certificate is parsed when the result is first read: parsing takes as long as the rest
 * of opening a session, and few callers need it.
 */
export const negotiatedOn = (socket: Tls.TLSSocket, seen?: Uint8Array, isResumed = false): () => TlsSession => {
  const certificate = seen ?? socket.getPeerX509Certificate()?.raw
  const protocol = socket.getProtocol() ?? "unknown"
  const cipher = socket.getCipher().standardName
  const isVerified = socket.authorized
  let negotiated: TlsSession | undefined
  return () =>
    negotiated ??= {
      protocol,
      cipher,
      isVerified,
      isResumed,
      peer: certificate === undefined ? undefined : readCertificate(certificate)
    }
}

const readCertificate = (raw: Uint8Array): PeerCertificate => {
  const certificate = new (nodeCrypto().X509Certificate)(raw)
  return {
    subject: nameOf(certificate.subject),
    issuer: nameOf(certificate.issuer),
    alternativeNames: certificate.subjectAltName,
    serialNumber: certificate.serialNumber,
    validFrom: certificate.validFromDate,
    validTo: certificate.validToDate,
    fingerprint: certificate.fingerprint256,
    publicKeyFingerprint: publicKeyFingerprint(raw),
    raw
  }
}

/** Node writes a line for each RDN, the first one first, escaped as RFC 2253 says; an empty name has no lines. */
const nameOf = (lines: string | undefined): string =>
  (lines ?? "").split("\n").filter((line) => line !== "").reverse().map((rdn) => rdn.replaceAll(" + ", "+")).join(",")
