/** The messages between a client and a service: AP-REQ, its authenticator, and AP-REP (RFC 4120 section 5.5). */
import type { KerberosKey, KeyUsage } from "../crypto/EncryptionType.ts"
import { application, type DerReader, encoding } from "./Der.ts"
import {
  type EncryptedData,
  readEncrypted,
  readKey,
  sealed,
  type Ticket,
  writeEncrypted,
  writeKey
} from "./encrypted.ts"
import { expectMessage } from "./kdcReply.ts"
import type { Micros } from "./kdcRequest.ts"
import { type Principal, writeName } from "./Principal.ts"

export interface Authenticator {
  readonly client: Principal
  readonly time: Micros
  readonly checksum: { readonly type: number; readonly bytes: Uint8Array }
  readonly subkey?: KerberosKey | undefined
  readonly sequence?: number | undefined
}

const encodeAuthenticator = ({ checksum, client, sequence, subkey, time }: Authenticator): Buffer =>
  encoding((writer) =>
    writer.nested(application(2), (message) =>
      message.sequence((content) => {
        content.field(0, (item) => item.int32(5))
        content.field(1, (item) => item.text(client.realm))
        content.field(2, (item) => writeName(item, client))
        content.field(3, (item) =>
          item.sequence((sum) => {
            sum.field(0, (part) => part.int32(checksum.type))
            sum.field(1, (part) => part.octets(checksum.bytes))
          }))
        content.field(4, (item) => item.int32(time.microseconds))
        content.field(5, (item) => item.time(time.millis))
        if (subkey !== undefined) content.field(6, (item) => writeKey(item, subkey))
        if (sequence !== undefined) content.field(7, (item) => item.uint32(sequence))
      }))
  )

/** Bits of ap-options. */
export const ApOption = { mutualRequired: 0x2000_0000 } as const

/** A ticket, and a proof of knowing its session key. */
export const encodeApRequest = (
  ticket: Ticket,
  key: KerberosKey,
  usage: typeof KeyUsage.tgsRequestAuthenticator | typeof KeyUsage.apRequestAuthenticator,
  options: number,
  authenticator: Authenticator
): Buffer => {
  const plaintext = encodeAuthenticator(authenticator)
  const encrypted = sealed(key, usage, plaintext)
  // It may contain a key, so it is overwritten.
  plaintext.fill(0)
  return encoding((writer) =>
    writer.nested(application(14), (message) =>
      message.sequence((request) => {
        request.field(0, (content) => content.int32(5))
        request.field(1, (content) => content.int32(14))
        request.field(2, (content) => content.flags(options))
        request.field(3, (content) => content.raw(ticket.encoded))
        request.field(4, (content) => writeEncrypted(content, encrypted))
      }))
  )
}

export const readApReply = (reader: DerReader): EncryptedData => {
  const reply = reader.enter(application(15)).sequence()
  expectMessage(reply, 0, 15)
  const encrypted = reply.required(2, readEncrypted)
  reply.expectEnd()
  return encrypted
}

/** The part that only the service could have encrypted. */
export interface ApReplyPart {
  readonly time: Micros
  readonly subkey: KerberosKey | undefined
  readonly sequence: number | undefined
}

export const readApReplyPart = (reader: DerReader): ApReplyPart => {
  const part = reader.enter(application(27)).sequence()
  const millis = part.required(0, (content) => content.time())
  const microseconds = part.required(1, (content) => content.int32())
  const subkey = part.optional(2, readKey)
  const sequence = part.optional(3, (content) => content.uint32())
  part.passExtensions()
  return { time: { millis, microseconds }, subkey, sequence }
}
