/**
 * The hash of channel bindings in the GSS-API (RFC 4121 section 4.1.1.2): two addresses, which are empty, and the bindings of the
 * TLS connection (RFC 5929) with their name before them. Active Directory requires this form for Kerberos and NTLM. Pure.
 */
import { nodeCrypto } from "../../crypto/nodeCrypto.ts"

/** The application data of the GSS-API, from the hash of the server's certificate. */
export const applicationData = (tlsServerEndPoint: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from("tls-server-end-point:"), tlsServerEndPoint])

const absent = Buffer.alloc(16)

/** 16 bytes; all zero for a connection without bindings. */
export const bindingsHash = (data: Uint8Array | undefined): Buffer => {
  if (data === undefined) return absent
  // The types and lengths of two addresses, all zero, then the length of the data.
  const head = Buffer.alloc(20)
  head.writeUInt32LE(data.length, 16)
  return nodeCrypto().createHash("md5").update(head).update(data).digest()
}
