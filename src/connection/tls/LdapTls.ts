/**
 * TLS of a connection (RFC 4513 section 3): its options, and the result of the handshake.
 *
 * By default certificates are verified and must name the server, whatever the environment says. Versions below TLS 1.2 are never
 * used. The options apply to ldaps and StartTLS alike.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Tls from "node:tls"
import { nodeCrypto } from "../../auth/crypto/nodeCrypto.ts"

// ---------------------------------------------------------------------------------------------------------------------
// Models
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Options of Node that are not accepted: the session sets some of them itself, others could break a promise of the session.
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

/** A secret, in clear text or redacted. */
export type Secret<A> = A | Redacted.Redacted<A>

/**
 * Options of TLS. The options that aren't described here are Node's own (`tls.connect`): `ciphers`, `maxVersion`, `ecdhCurve`,
 * `sigalgs`, `crl`, `ALPNProtocols` …
 *
 * **Details**
 *
 * If options are unusable, connecting fails with `ConnectFailed` of kind `tls`, and nothing is sent. If the server is refused, the
 * reason is the same.
 *
 * Certificates and keys are parsed once for each options object, and kept as long as the object lives. To use a renewed
 * certificate, pass a new object, or assign the new certificate to the property of the old object. Changing the bytes of a buffer
 * has no effect.
 *
 * **Example**
 *
 * ```ts
 * import { LdapAuth, LdapSasl, LdapSession } from "effect-ldap"
 * import { Redacted } from "effect"
 * import { readFileSync } from "node:fs"
 *
 * // The client certificate says who this service is.
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
   * Authorities to trust instead of those of Node, in PEM. One text may contain many. To trust them in addition to those of Node,
   * add `tls.rootCertificates`.
   */
  readonly ca?: Tls.ConnectionOptions["ca"]
  /**
   * Paths of PEM files with authorities to trust. They are added to those of `ca`, and replace those of Node. The files are read at
   * each connection, so renewed files take effect.
   */
  readonly caFile?: string | ReadonlyArray<string> | undefined
  /** The client's certificate in PEM, with all intermediate certificates up to an authority that the server knows. */
  readonly cert?: Tls.ConnectionOptions["cert"]
  /** Its private key in PEM. */
  readonly key?: Secret<string> | Secret<Buffer> | undefined
  /** Certificate and key together, as PKCS #12. */
  readonly pfx?: Secret<string> | Secret<Buffer> | undefined
  /** The passphrase of `key` or `pfx`. */
  readonly passphrase?: Secret<string> | undefined
  /** The name that is sent to the server (SNI) and must be in its certificate. Default: the host of the URL. */
  readonly servername?: string | undefined
  /** The minimum version of TLS. Default `TLSv1.2`. */
  readonly minVersion?: Tls.SecureVersion | undefined
  /**
   * Accepted fingerprints: the server's certificate must have one of them. A fingerprint is the SHA-256 of the certificate, or of
   * its public key (SubjectPublicKeyInfo), which stays the same if a certificate is renewed with the same key. Write it in
   * hexadecimal with or without colons, as OpenSSL prints it, or in Base64, as in `sha256//…` of curl. `LdapTls.certificateFingerprint`
   * and `LdapTls.publicKeyFingerprint` compute fingerprints.
   *
   * **Details**
   *
   * Fingerprints are checked in addition to the verification. To pin a self-signed certificate, set `rejectUnauthorized: false`;
   * then only the fingerprint identifies the server. Fingerprints of authorities are not compared. An empty list refuses every
   * server.
   */
  readonly pinnedFingerprints?: ReadonlyArray<string> | undefined
  /**
   * A final check of the server, after all other checks have passed and before anything is sent. If it fails, the server is
   * refused, and the error has the reason; a defect refuses the server too. The check's time counts towards `connectTimeout`.
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
   * Whether the certificate is verified. If it is `false`, and there is no `pinnedFingerprints` or `verifyPeer`, any machine on the
   * way can impersonate the server. Default true, whatever the environment says.
   */
  readonly rejectUnauthorized?: boolean | undefined
  /**
   * Whether a connection resumes the TLS session of an earlier one, if the server allows it. To connect then takes about two thirds
   * of the CPU, on both sides. Default false. @since 0.2.0
   *
   * **When to use**
   *
   * If a program opens many connections, one after another, to a server that resumes: by `LdapLogin.authenticate`, `withSession` of a
   * client, or `LdapSession.make` for each request. Connections that stay, in a pool, cost less than resumed ones. `isResumed` of
   * `session.tls` shows whether the server takes part. 389 Directory Server does so with `maxVersion: "TLSv1.2"` only.
   *
   * **Details**
   *
   * On a resumed connection the server doesn't send its certificate. It proves that it still has the secret of the earlier
   * connection. So a certificate that was revoked or replaced is noticed later: that is why this isn't the default.
   *
   * - Only a session whose server was verified and accepted is resumed; never with `rejectUnauthorized: false`.
   * - It is resumed only with the same options object, whose options haven't changed (so with the same authorities, client
   *   certificate, fingerprints and hooks), at the same host and port, and under the same name. One connection at a time uses it,
   *   and under TLS 1.3 only one at all (RFC 8446 appendix C.4).
   * - It isn't resumed later than ten minutes after its full handshake, the lifetime that the server allows (RFC 5077 section 3.3, RFC
   *   8446 section 4.6.1), and the end of the validity of the certificate and of its authorities. Then a full handshake verifies
   *   the server anew, as it does if the server doesn't know the session any more. If a handshake with a session fails, connecting
   *   fails, and the next connection doesn't offer that session.
   * - `checkServerIdentity`, `pinnedFingerprints` and `verifyPeer` check the certificate of the earlier connection again. `peer` shows
   *   it, and the channel binding `tls-server-end-point` is its hash (RFC 5929 section 4). `tls-exporter` (RFC 9266) is different for
   *   each connection.
   * - Under TLS 1.2 it needs the extended master secret (RFC 7627 section 5.3).
   *
   * At most 32 sessions for each options object are kept in memory, with their secrets, as long as the object lives; old ones until
   * the next connection. Under TLS 1.2 a resumed connection has no key exchange of its own, so that the secret of its session is
   * enough to decrypt it.
   */
  readonly resume?: boolean | undefined
}

/**
 * The result of a TLS handshake.
 *
 * @category models
 * @since 0.1.0
 */
export interface TlsSession {
  /** For instance `TLSv1.3`. */
  readonly protocol: string
  /** The cipher suite by its IANA name, for instance `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string
  /** Whether the certificate was verified; false only with `rejectUnauthorized: false`. */
  readonly isVerified: boolean
  /** Whether the session of an earlier connection was resumed; only with `resume`. `peer` is the certificate of that one. @since 0.2.0 */
  readonly isResumed: boolean
  /** The server's certificate; `undefined` if the cipher suite uses none. */
  readonly peer: PeerCertificate | undefined
}

/**
 * The content of a certificate.
 *
 * @category models
 * @since 0.1.0
 */
export interface PeerCertificate {
  /** The distinguished name of its owner, as LDAP writes it (RFC 4514). Often empty if there are `alternativeNames`. */
  readonly subject: string
  /** The distinguished name of the authority that signed the certificate. */
  readonly issuer: string
  /** As in `DNS:ldap.example.org, IP Address:192.0.2.7`; `undefined` if there are none. */
  readonly alternativeNames: string | undefined
  /** In hexadecimal. */
  readonly serialNumber: string
  /** The beginning of its validity. */
  readonly validFrom: Date
  /** The end of its validity. */
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
 * Throws if it is not a certificate.
 *
 * @category fingerprints
 * @since 0.1.0
 */
export const certificateFingerprint = (certificate: string | Uint8Array): string =>
  new (nodeCrypto().X509Certificate)(certificate).fingerprint256

/**
 * SHA-256 of the public key of a certificate in PEM or DER, for `pinnedFingerprints`. It stays the same when the certificate is
 * renewed with the same key. Throws if it is not a certificate.
 *
 * @category fingerprints
 * @since 0.1.0
 */
export const publicKeyFingerprint = (certificate: string | Uint8Array): string =>
  sha256(new (nodeCrypto().X509Certificate)(certificate).publicKey.export({ type: "spki", format: "der" }))

const sha256 = (octets: Uint8Array): string =>
  nodeCrypto().createHash("sha256").update(octets).digest("hex").toUpperCase().match(/../g)!.join(":")
