/** The requests to a KDC: AS-REQ and TGS-REQ (RFC 4120 section 5.4.1). */
import type { KerberosKey } from "../crypto/EncryptionType.ts"
import { KeyUsage } from "../crypto/EncryptionType.ts"
import { application, type DerWriter, encoding } from "./Der.ts"
import { sealed, writeEncrypted } from "./encrypted.ts"
import { type PrincipalName, writeName } from "./Principal.ts"

/** The numbers of preauthentication data (section 5.2.7). */
export const Preauthentication = { tgsRequest: 1, timestamp: 2, typeInfo2: 19 } as const

export interface PreauthenticationData {
  readonly type: number
  readonly value: Uint8Array
}

/** Bits of kdc-options (section 5.4.1, RFC 6806 section 3), bit 0 the highest. */
export const KdcOption = { canonicalize: 0x0001_0000 } as const

export interface KdcRequestBody {
  readonly options: number
  /** The client; only in an AS-REQ. */
  readonly client?: PrincipalName | undefined
  readonly realm: string
  readonly service: PrincipalName
  /** The requested end of the ticket, in milliseconds since 1970. */
  readonly till: number
  readonly nonce: number
  /** Numbers of encryption types, in order of preference. */
  readonly encryptionTypes: ReadonlyArray<number>
}

const writeBody = (writer: DerWriter, request: KdcRequestBody): void =>
  writer.sequence((body) => {
    const { client } = request
    body.field(0, (content) => content.flags(request.options))
    if (client !== undefined) body.field(1, (content) => writeName(content, client))
    body.field(2, (content) => content.text(request.realm))
    body.field(3, (content) => writeName(content, request.service))
    body.field(5, (content) => content.time(request.till))
    body.field(7, (content) => content.uint32(request.nonce))
    body.field(8, (content) =>
      content.sequence((types) => {
        for (const type of request.encryptionTypes) types.int32(type)
      }))
  })

/** The body alone. A TGS-REQ has a checksum of it. */
export const encodeBody = (request: KdcRequestBody): Buffer => encoding((writer) => writeBody(writer, request))

const encodeRequest = (
  messageType: 10 | 12,
  preauthentication: ReadonlyArray<PreauthenticationData>,
  body: Uint8Array
): Buffer =>
  encoding((writer) =>
    writer.nested(application(messageType), (message) =>
      message.sequence((request) => {
        request.field(1, (content) => content.int32(5))
        request.field(2, (content) => content.int32(messageType))
        if (preauthentication.length > 0) {
          request.field(3, (content) =>
            content.sequence((list) => {
              for (const { type, value } of preauthentication) {
                list.sequence((data) => {
                  data.field(1, (item) => item.int32(type))
                  data.field(2, (item) => item.octets(value))
                })
              }
            }))
        }
        request.field(4, (content) => content.raw(body))
      }))
  )

export const encodeAsRequest = (
  body: KdcRequestBody,
  preauthentication: ReadonlyArray<PreauthenticationData>
): Buffer => encodeRequest(10, preauthentication, encodeBody(body))

/** A TGS-REQ. `proveBody` makes the AP-REQ of the ticket-granting ticket from the bytes of the body. */
export const encodeTgsRequest = (body: KdcRequestBody, proveBody: (body: Uint8Array) => Uint8Array): Buffer => {
  const encoded = encodeBody(body)
  return encodeRequest(12, [{ type: Preauthentication.tgsRequest, value: proveBody(encoded) }], encoded)
}

/** The time, encrypted with the client's key. It proves that the client knows the password (section 5.2.7.2). */
export const encryptedTimestamp = (
  key: KerberosKey,
  version: number | undefined,
  micros: Micros
): PreauthenticationData => {
  const time = encoding((writer) =>
    writer.sequence((content) => {
      content.field(0, (item) => item.time(micros.millis))
      content.field(1, (item) => item.int32(micros.microseconds))
    })
  )
  const value = encoding((writer) =>
    writeEncrypted(writer, { ...sealed(key, KeyUsage.asRequestTimestamp, time), version })
  )
  return { type: Preauthentication.timestamp, value }
}

/** A time in the form of messages: whole seconds, and the microseconds after them. */
export interface Micros {
  readonly millis: number
  readonly microseconds: number
}
