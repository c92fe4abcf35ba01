/**
 * Reads what a saved TLS session says about itself. Node hands sessions out as OpenSSL serializes them (`SSL_SESSION_ASN1` in
 * ssl/ssl_asn1.c), newer versions behind a header of their own, and has no functions to read them.
 */
import { BerError, BerReader } from "../../ber/BerReader.ts"

export interface SavedSession {
  /** The server's certificate (DER) in the handshake that began the session. */
  readonly certificate: Buffer
  /** Whether the session's secret depends on that handshake: by TLS 1.3, or by the extended master secret (RFC 7627). */
  readonly isBound: boolean
  /** For how many seconds the server allows to keep the session; `undefined` if it doesn't say (RFC 5077 section 3.3). */
  readonly lifetime: number | undefined
}

/** `undefined` if the bytes are not such a session: in another runtime, or a later version of OpenSSL. */
export const readSavedSession = (session: Buffer): SavedSession | undefined => {
  const start = startOf(session)
  if (start === -1) return undefined
  try {
    const fields = new BerReader(session, start).sequence()
    fields.skip()
    const version = fields.integer()
    let certificate: Buffer | undefined
    let flags = 0
    let lifetime: number | undefined
    while (!fields.done) {
      const tag = fields.peek()
      if (tag === Field.peer) certificate = fields.octets(tag)
      else if (tag === Field.lifetime) lifetime = fields.sequence(tag).integer()
      else if (tag === Field.flags) flags = fields.sequence(tag).integer()
      else fields.skip()
    }
    // OpenSSL leaves zeros out. Under TLS 1.3 a ticket with a lifetime of zero must not be kept (RFC 8446 section 4.6.1).
    if (version === tls13) lifetime ??= 0
    const isBound = version === tls13 || (flags & extendedMasterSecret) !== 0
    return certificate === undefined ? undefined : { certificate, isBound, lifetime }
  } catch (error) {
    if (error instanceof BerError) return undefined
    throw error
  }
}

/** Optional fields, by their tags. */
const Field = { peer: 0xa3, lifetime: 0xa9, flags: 0xad } as const

const tls13 = 0x0304

/** SSL_SESS_FLAG_EXTMS. */
const extendedMasterSecret = 1

/** A sequence with two bytes of length, up to the end. No header of Node's can look like its first bytes, which are not UTF-8. */
const startOf = (session: Buffer): number => {
  const start = session.indexOf(sequenceHeader)
  return start !== -1 && start + 4 <= session.length && start + 4 + session.readUInt16BE(start + 2) === session.length
    ? start
    : -1
}

const sequenceHeader = Buffer.of(0x30, 0x82)
