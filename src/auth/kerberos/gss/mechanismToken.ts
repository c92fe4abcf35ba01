/**
 * The frame around the first tokens of a mechanism: its object identifier and a token type in two bytes (RFC 2743 section 3.1, RFC
 * 4121 section 4.1).
 */
import * as Result from "effect/Result"
import { application, decoding, encoding, objectIdentifier } from "../messages/Der.ts"

/** The contents of object identifiers. */
export const Oid = {
  /** 1.2.840.113554.1.2.2 */
  kerberos: Buffer.from("2a864886f712010202", "hex"),
  /** 1.2.840.48018.1.2.2: Kerberos too, with a number that Windows 2000 truncated to 16 bits. */
  kerberosOfMicrosoft: Buffer.from("2a864882f712010202", "hex"),
  /** 1.3.6.1.5.5.2 */
  spnego: Buffer.from("2b0601050502", "hex"),
  /** 1.3.6.1.4.1.311.2.2.10 */
  ntlm: Buffer.from("2b06010401823702020a", "hex")
} as const

/** Types of Kerberos tokens. */
export const TokenKind = { apRequest: 0x0100, apReply: 0x0200, error: 0x0300 } as const

export const framed = (kind: number, message: Uint8Array): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(kind)
  return encoding((writer) =>
    writer.nested(application(0), (content) => {
      content.octets(Oid.kerberos, objectIdentifier)
      content.raw(bytes)
      content.raw(message)
    })
  )
}

export const unframed = (
  token: Uint8Array
): Result.Result<{ readonly kind: number; readonly message: Buffer }, string> =>
  Result.flatMap(
    decoding(token, (reader) => {
      const content = reader.enter(application(0))
      return { oid: content.octets(objectIdentifier), rest: content.rest() }
    }),
    ({ oid, rest }) =>
      !oid.equals(Oid.kerberos) && !oid.equals(Oid.kerberosOfMicrosoft)
        ? Result.fail("it belongs to another mechanism than Kerberos")
        : rest.length < 2
        ? Result.fail("it is truncated")
        : Result.succeed({ kind: rest.readUInt16BE(), message: rest.subarray(2) })
  )
