/**
 * Channel bindings as the GSS-API hashes them (RFC 4121 section 4.1.1.2): two addresses, which are left empty, and the bindings of
 * the TLS connection (RFC 5929) with their name before them. Active Directory wants this form of Kerberos and of NTLM. Pure.
 */
import { md5 } from "../../crypto/hashing.ts"

/** What the GSS-API calls the application's data, from the hash of the server's certificate. */
export const applicationData = (tlsServerEndPoint: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from("tls-server-end-point:"), tlsServerEndPoint])

const absent = Buffer.alloc(16)

/** 16 bytes; zeros for a connection without bindings. */
export const bindingsHash = (data: Uint8Array | undefined): Buffer => {
  if (data === undefined) return absent
  // Types and lengths of two addresses, all zero, then the length of the data.
  const head = Buffer.alloc(20)
  head.writeUInt32LE(data.length, 16)
  return md5(head, data)
}
