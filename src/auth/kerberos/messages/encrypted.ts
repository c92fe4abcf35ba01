/** Common parts of messages: encrypted data, keys, tickets (RFC 4120 sections 5.2.9 and 5.3). */
import { BerError } from "../../../ber/BerReader.ts"
import type { KerberosKey } from "../crypto/EncryptionType.ts"
import { byId, describeType } from "../crypto/encryptionTypes.ts"
import { application, DerReader, type DerWriter } from "./Der.ts"
import { type PrincipalName, readName } from "./Principal.ts"

export interface EncryptedData {
  /** The encryption type's number. */
  readonly type: number
  /** The version of the principal's key. */
  readonly version: number | undefined
  readonly cipher: Uint8Array
}

export const readEncrypted = (reader: DerReader): EncryptedData => {
  const data = reader.sequence()
  const type = data.required(0, (content) => content.int32())
  const version = data.optional(1, (content) => content.uint32())
  const cipher = data.required(2, (content) => content.octets())
  data.expectEnd()
  return { type, version, cipher }
}

export const writeEncrypted = (writer: DerWriter, { cipher, type, version }: EncryptedData): void =>
  writer.sequence((data) => {
    data.field(0, (content) => content.int32(type))
    if (version !== undefined) data.field(1, (content) => content.uint32(version))
    data.field(2, (content) => content.octets(cipher))
  })

/** Data encrypted with a session key, which has no version. */
export const sealed = (key: KerberosKey, usage: number, plaintext: Uint8Array): EncryptedData => ({
  type: key.type.id,
  version: undefined,
  cipher: key.encrypt(usage, plaintext)
})

/** A key of a supported type. */
export const readKey = (reader: DerReader): KerberosKey => {
  const key = reader.sequence()
  const id = key.required(0, (content) => content.int32())
  const bytes = key.required(1, (content) => content.octets())
  key.expectEnd()
  const type = byId(id)
  if (type === undefined) throw new BerError(`a key of the unsupported type ${describeType(id)}`, 0)
  if (bytes.length !== type.keyBytes) throw new BerError(`a key of ${type.name} with ${bytes.length} bytes`, 0)
  return type.key(bytes)
}

export const writeKey = (writer: DerWriter, { reveal, type }: KerberosKey): void =>
  writer.sequence((key) => {
    key.field(0, (content) => content.int32(type.id))
    key.field(1, (content) => content.octets(reveal()))
  })

/** A ticket. Its service decrypts it; the client only passes it on. */
export interface Ticket {
  readonly realm: string
  readonly service: PrincipalName
  /** The part that the service's key decrypts. */
  readonly encryptionType: number
  readonly encoded: Uint8Array
}

export const readTicket = (reader: DerReader): Ticket => {
  const encoded = Buffer.from(reader.raw())
  return { ...ticketOf(encoded), encoded }
}

/** Reads the clear-text part. */
const ticketOf = (encoded: Uint8Array): Omit<Ticket, "encoded"> => {
  const ticket = new DerReader(encoded).enter(application(1)).sequence()
  const version = ticket.required(0, (content) => content.int32())
  if (version !== 5) throw new BerError(`a ticket of version ${version}`, 0)
  const realm = ticket.required(1, (content) => content.text())
  const service = ticket.required(2, readName)
  const { type } = ticket.required(3, readEncrypted)
  ticket.expectEnd()
  return { realm, service, encryptionType: type }
}
