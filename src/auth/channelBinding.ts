/**
 * Computes channel binding data from a certificate's bytes, or from a connection that exports keys. Pure. The mechanism chooses
 * between them.
 *
 * @since 0.1.0
 */
import { BerError, BerReader } from "../ber/BerReader.ts"
import { nodeCrypto } from "./crypto/nodeCrypto.ts"

/**
 * The hash of the server's certificate (`tls-server-end-point`, RFC 5929 section 4.1), from the certificate's DER.
 *
 * **Details**
 *
 * The hash function is that of the certificate's signature, with SHA-256 in place of MD5 and SHA-1. The result is `undefined` if
 * the signature has no single hash function (Ed25519, Ed448), since the RFC defines no binding for it, if its algorithm is unknown,
 * and if the bytes are not a certificate.
 *
 * @category channel binding
 * @since 0.1.0
 */
export const tlsServerEndPoint = (certificate: Uint8Array): Uint8Array | undefined => {
  const hash = signatureHash(certificate)
  return hash === undefined ? undefined : nodeCrypto().createHash(hash).update(certificate).digest()
}

/**
 * Key material that only the two ends of this connection know (`tls-exporter`, RFC 9266), from a TLS socket of Node.
 *
 * **Details**
 *
 * `undefined` below TLS 1.3. In older versions this binding is safe only with the extended master secret, and Node doesn't report
 * whether it is used.
 *
 * @category channel binding
 * @since 0.1.0
 */
export const tlsExporter = (socket: {
  readonly getProtocol: () => string | null
  readonly exportKeyingMaterial: (length: number, label: string, context: Buffer) => Uint8Array
}): Uint8Array | undefined =>
  socket.getProtocol() === "TLSv1.3"
    ? socket.exportKeyingMaterial(32, "EXPORTER-Channel-Binding", Buffer.alloc(0))
    : undefined

/** The hash function of the certificate's signature, by Node's name for it. */
const signatureHash = (certificate: Uint8Array): string | undefined => {
  try {
    const der = new BerReader(Buffer.from(certificate.buffer, certificate.byteOffset, certificate.byteLength))
    const content = der.sequence()
    // tbsCertificate, then signatureAlgorithm (RFC 5280 section 4.1).
    content.skip()
    const algorithm = content.sequence()
    const oid = algorithm.octets(oidTag).toString("hex")
    return oid === rsaPss ? pssHash(algorithm) : hashOfSignature.get(oid)
  } catch (error) {
    if (error instanceof BerError) return undefined
    throw error
  }
}

const oidTag = 0x06

/** id-RSASSA-PSS, 1.2.840.113549.1.1.10: the hash is in its parameters, SHA-1 by default (RFC 4055 section 3.1). */
const rsaPss = "2a864886f70d01010a"

const pssHash = (algorithm: BerReader): string | undefined => {
  const parameters = algorithm.sequence()
  return parameters.peek() === 0xa0
    ? hashes.get(parameters.sequence(0xa0).sequence().octets(oidTag).toString("hex"))
    : "sha256"
}

/** 1.3.14.3.2.26 and 2.16.840.1.101.3.4.2. */
const hashes = new Map([
  ["2b0e03021a", "sha256"],
  ["608648016503040201", "sha256"],
  ["608648016503040202", "sha384"],
  ["608648016503040203", "sha512"],
  ["608648016503040204", "sha224"]
])

/** The signature algorithms of RFC 3279, 4055, 5754 and 5758, as the content of their object identifiers. */
const hashOfSignature = new Map([
  // 1.2.840.113549.1.1: RSA
  ["2a864886f70d010104", "sha256"],
  ["2a864886f70d010105", "sha256"],
  ["2a864886f70d01010b", "sha256"],
  ["2a864886f70d01010c", "sha384"],
  ["2a864886f70d01010d", "sha512"],
  ["2a864886f70d01010e", "sha224"],
  // 1.2.840.10045.4: ECDSA
  ["2a8648ce3d0401", "sha256"],
  ["2a8648ce3d040301", "sha224"],
  ["2a8648ce3d040302", "sha256"],
  ["2a8648ce3d040303", "sha384"],
  ["2a8648ce3d040304", "sha512"],
  // 1.2.840.10040.4.3 and 2.16.840.1.101.3.4.3: DSA
  ["2a8648ce380403", "sha256"],
  ["608648016503040301", "sha224"],
  ["608648016503040302", "sha256"]
])
