/** The replies of a KDC: AS-REP, TGS-REP and their encrypted part (RFC 4120 section 5.4.2). */
import type { KerberosKey } from "../crypto/EncryptionType.ts"
import { application, BerError, type DerReader } from "./Der.ts"
import { type EncryptedData, readEncrypted, readKey, readTicket, type Ticket } from "./encrypted.ts"
import type { PreauthenticationData } from "./kdcRequest.ts"
import { type PrincipalName, readName } from "./Principal.ts"

export const MessageType = { asReply: 11, tgsReply: 13, error: 30 } as const

export interface KdcReply {
  readonly preauthentication: ReadonlyArray<PreauthenticationData>
  readonly clientRealm: string
  readonly client: PrincipalName
  readonly ticket: Ticket
  readonly encrypted: EncryptedData
}

const mostPreauthentications = 64

export const readPreauthentications = (reader: DerReader): ReadonlyArray<PreauthenticationData> =>
  reader.list(mostPreauthentications, (list) => {
    const data = list.sequence()
    const type = data.required(1, (content) => content.int32())
    const value = data.required(2, (content) => content.octets())
    data.expectEnd()
    return { type, value }
  })

/** Throws if the version or type of the message doesn't match its tag. */
export const expectMessage = (message: DerReader, first: number, type: number): void => {
  const version = message.required(first, (content) => content.int32())
  if (version !== 5) throw new BerError(`a message of version ${version}`, 0)
  const found = message.required(first + 1, (content) => content.int32())
  if (found !== type) throw new BerError(`a message of type ${found} in the place of ${type}`, 0)
}

export const readReply = (reader: DerReader, type: 11 | 13): KdcReply => {
  const reply = reader.enter(application(type)).sequence()
  expectMessage(reply, 0, type)
  const preauthentication = reply.optional(2, readPreauthentications) ?? []
  const clientRealm = reply.required(3, (content) => content.text())
  const client = reply.required(4, readName)
  const ticket = reply.required(5, readTicket)
  const encrypted = reply.required(6, readEncrypted)
  reply.expectEnd()
  return { preauthentication, clientRealm, client, ticket, encrypted }
}

/** The part of a reply that only the client can decrypt. Times are in milliseconds since 1970. */
export interface ReplyPart {
  readonly key: KerberosKey
  readonly nonce: number
  readonly flags: number
  readonly authTime: number
  readonly startTime: number | undefined
  readonly endTime: number
  readonly renewTill: number | undefined
  /** When the client's password expires. */
  readonly keyExpiration: number | undefined
  readonly serviceRealm: string
  readonly service: PrincipalName
}

/** EncASRepPart and EncTGSRepPart. RFC 4120 requires clients to accept either tag in either reply. */
export const readReplyPart = (reader: DerReader): ReplyPart => {
  const tag = reader.peek()
  const part = reader.enter(tag === application(26) ? tag : application(25)).sequence()
  const key = part.required(0, readKey)
  part.required(1, (content) => content.list(64, (item) => item.raw()))
  const nonce = part.required(2, (content) => content.uint32())
  const keyExpiration = part.optional(3, (content) => content.time())
  const flags = part.required(4, (content) => content.flags())
  const authTime = part.required(5, (content) => content.time())
  const startTime = part.optional(6, (content) => content.time())
  const endTime = part.required(7, (content) => content.time())
  const renewTill = part.optional(8, (content) => content.time())
  const serviceRealm = part.required(9, (content) => content.text())
  const service = part.required(10, readName)
  part.passExtensions()
  return { key, nonce, flags, authTime, startTime, endTime, renewTill, keyExpiration, serviceRealm, service }
}
