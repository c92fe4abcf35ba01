/**
 * TLS of a connection (RFC 4513 section 3): what may be asked of it, and what came of the asking.
 *
 * Certificates are verified, and must name the server, whatever the environment says; nothing older than TLS 1.2 is spoken.
 * What is said here goes for ldaps and StartTLS alike.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { createHash, X509Certificate } from "node:crypto"
import type * as Tls from "node:tls"

// ---------------------------------------------------------------------------------------------------------------------
// Models
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Options of Node that are not taken: those that the session sets itself, and those that could break a promise.
 *
 * @category models
 * @since 0.2.0
 */
export type Withheld =
  | "host"
  | "isServer"
  | "key"
  | "lookup"
  | "minVersion"
  | "passphrase"
  | "path"
  | "pfx"
  | "port"
  | "requestCert"
  | "secureContext"
  | "secureProtocol"
  | "server"
  | "session"
  | "socket"
  | "timeout"

/** A secret as it is, or redacted. */
export type Secret<A> = A | Redacted.Redacted<A>

/**
 * What may be asked of TLS. The options that aren't described here are Node's own (`tls.connect`): `ciphers`, `maxVersion`,
 * `ecdhCurve`, `sigalgs`, `crl`, `ALPNProtocols` …
 *
 * **Details**
 *
 * Options that can't be used fail before anything is sent, with `ConnectFailed` of kind `tls`; so does a server that is refused.
 *
 * Certificates and keys are read once for an object of options, and kept for as long as it lives. A certificate that was renewed
 * is seen when the options are other ones, or have it in the place of the old one; octets that were changed in place are not.
 *
 * **Example**
 *
 * ```ts
 * import { LdapAuth, LdapSasl, LdapSession } from "effect-ldap"
 * import { Redacted } from "effect"
 * import { readFileSync } from "node:fs"
 *
 * // Who we are is what our certificate says.
 * const session = LdapSession.make({
 *   url: "ldaps://ldap.example.org",
 *   tls: {
 *     ca: readFileSync("/etc/ssl/our-authorities.pem"),
 *     cert: readFileSync("/etc/ssl/service.crt"),
 *     key: Redacted.make(readFileSync("/etc/ssl/service.key", "utf8"))
 *   },
 *   auth: LdapAuth.sasl(LdapSasl.external())
 * })
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface TlsOptions extends Omit<Tls.ConnectionOptions, Withheld> {
  /**
   * Authorities to trust instead of those of Node, in PEM; one text may hold many. For some more than those of Node, add
   * `tls.rootCertificates`.
   */
  readonly ca?: Tls.ConnectionOptions["ca"]
  /**
   * Paths of files with authorities to trust, in PEM; they are added to those of `ca`, and instead of those of Node. Read at each
   * connection, so that a file that was renewed counts.
   */
  readonly caFile?: string | ReadonlyArray<string> | undefined
  /** The client's certificate in PEM, with those between it and an authority that the server knows. */
  readonly cert?: Tls.ConnectionOptions["cert"]
  /** Its private key in PEM. */
  readonly key?: Secret<string> | Secret<Buffer> | undefined
  /** Certificate and key together, as PKCS #12. */
  readonly pfx?: Secret<string> | Secret<Buffer> | undefined
  /** What `key` or `pfx` is encrypted with. */
  readonly passphrase?: Secret<string> | undefined
  /** The name that the server is asked for, and that its certificate must carry. Default: the host of the URL. */
  readonly servername?: string | undefined
  /** Default `TLSv1.2`. */
  readonly minVersion?: Tls.SecureVersion | undefined
  /**
   * Fingerprints of which the server's certificate must have one: SHA-256 of the certificate, or of its public key
   * (SubjectPublicKeyInfo), which stays the same when a certificate is renewed. In hexadecimal with or without colons, as
   * OpenSSL prints them, or in Base64, as in `sha256//…` of curl. {@link certificateFingerprint} and {@link
   * publicKeyFingerprint} make them.
   *
   * **Details**
   *
   * They come on top of the verification. A certificate that nobody has signed can be pinned with `rejectUnauthorized: false`:
   * then the fingerprint alone says who the server is. Certificates of authorities are not looked at, and an empty list refuses
   * everybody.
   */
  readonly pinnedFingerprints?: ReadonlyArray<string> | undefined
  /**
   * The last word on the server, after everything else has accepted it and before anything is sent. A failure refuses it, and
   * is the reason in the error; a defect refuses it too. The time it takes counts for `connectTimeout`.
   *
   * **Example**
   *
   * ```ts
   * import { LdapSession } from "effect-ldap"
   * import { Effect } from "effect"
   *
   * const session = LdapSession.make({
   *   url: "ldaps://ldap.example.org",
   *   tls: {
   *     verifyPeer: ({ peer }) =>
   *       peer?.issuer === "CN=Our Servers,O=Example" ? Effect.void : Effect.fail("another authority than ours signed it")
   *   }
   * })
   * ```
   */
  readonly verifyPeer?: ((negotiated: TlsSession) => Effect.Effect<void, string | Error>) | undefined
  /**
   * Whether the certificate is verified. Without it, and without `pinnedFingerprints` or `verifyPeer`, anybody can be the
   * server. Default true, whatever the environment says.
   */
  readonly rejectUnauthorized?: boolean | undefined
}

/**
 * What a TLS handshake came to.
 *
 * @category models
 * @since 0.1.0
 */
export interface TlsSession {
  /** As in `TLSv1.3`. */
  readonly protocol: string
  /** The cipher suite by its name of IANA, as in `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string
  /** Whether the certificate was verified; false only with `rejectUnauthorized: false`. */
  readonly isVerified: boolean
  /** The server's certificate; `undefined` where the cipher suite knows none. */
  readonly peer: PeerCertificate | undefined
}

/**
 * What a certificate says.
 *
 * @category models
 * @since 0.1.0
 */
export interface PeerCertificate {
  /** The distinguished name of its owner, as LDAP writes it (RFC 4514). Empty in many that have `alternativeNames`. */
  readonly subject: string
  /** The distinguished name of who signed it. */
  readonly issuer: string
  /** As in `DNS:ldap.example.org, IP Address:192.0.2.7`; `undefined` where there are none. */
  readonly alternativeNames: string | undefined
  /** In hexadecimal. */
  readonly serialNumber: string
  readonly validFrom: Date
  readonly validTo: Date
  /** SHA-256 of the certificate, in hexadecimal with colons. */
  readonly fingerprint: string
  /** SHA-256 of its public key, in hexadecimal with colons. */
  readonly publicKeyFingerprint: string
  /** The certificate itself (DER). */
  readonly raw: Uint8Array
}

// ---------------------------------------------------------------------------------------------------------------------
// Fingerprints
// ---------------------------------------------------------------------------------------------------------------------

/**
 * SHA-256 of a certificate in PEM or DER, as `openssl x509 -noout -fingerprint -sha256` prints it, for `pinnedFingerprints`.
 * Throws on what is no certificate.
 *
 * @category fingerprints
 * @since 0.1.0
 */
export const certificateFingerprint = (certificate: string | Uint8Array): string =>
  new X509Certificate(certificate).fingerprint256

/**
 * SHA-256 of the public key of a certificate in PEM or DER, for `pinnedFingerprints`. It stays the same when the certificate is
 * renewed with the same key. Throws on what is no certificate.
 *
 * @category fingerprints
 * @since 0.1.0
 */
export const publicKeyFingerprint = (certificate: string | Uint8Array): string =>
  sha256(new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" }))

const sha256 = (octets: Uint8Array): string =>
  createHash("sha256").update(octets).digest("hex").toUpperCase().match(/../g)!.join(":")
