/**
 * A simulated KDC, for replies that a real one doesn't give. It knows one client's key, issues tickets that can't be decrypted, and
 * lets the test change any part of a reply.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { aes256Sha1 } from "../../../src/auth/kerberos/crypto/aesSha1.ts"
import { type KerberosKey, KeyUsage, randomKey } from "../../../src/auth/kerberos/crypto/EncryptionType.ts"
import { decoding, type DerReader, type DerWriter, encoding } from "../../../src/auth/kerberos/messages/Der.ts"
import { type EncryptedData, writeEncrypted, writeKey } from "../../../src/auth/kerberos/messages/encrypted.ts"
import { grantsFor, type PrincipalName, readName, writeName } from "../../../src/auth/kerberos/messages/Principal.ts"
import type { KerberosSystem } from "../../../src/auth/kerberos/system/KerberosSystem.ts"
import { alone, kindOf } from "./systems.ts"

/** The content of a reply. The test may change it. */
export interface Reply {
  readonly kind: "AS-REP" | "TGS-REP"
  readonly client: PrincipalName
  readonly clientRealm: string
  readonly service: PrincipalName
  readonly serviceRealm: string
  readonly ticketService: PrincipalName
  readonly ticketRealm: string
  readonly nonce: number
  readonly endTime: number
  readonly key: KerberosKey
  /** The key that encrypts the reply, and its purpose. */
  readonly by: KerberosKey
  readonly usage: number
}

export interface Request {
  readonly kind: string
  readonly realm: string
  readonly service: PrincipalName
  readonly nonce: number
  readonly encryptionTypes: ReadonlyArray<number>
}

const readRequest = (bytes: Uint8Array): Request =>
  Result.getOrThrow(decoding(bytes, (reader) => {
    const kind = kindOf(bytes)
    const message = reader.enter(kind === "AS-REQ" ? 0x6a : 0x6c).sequence()
    message.raw()
    message.raw()
    if (message.peek() === 0xa3) message.raw()
    return message.required(4, (content: DerReader) => {
      const body = content.sequence()
      body.raw()
      body.optional(1, readName)
      const realm = body.required(2, (item) => item.text())
      const service = body.required(3, readName)
      body.raw()
      const nonce = body.required(7, (item) => item.uint32())
      const encryptionTypes = body.required(8, (item) => item.list(64, (type) => type.int32()))
      return { kind, realm, service, nonce, encryptionTypes }
    })
  }))

const writeReply = (writer: DerWriter, reply: Reply): void => {
  const type = reply.kind === "AS-REP" ? 11 : 13
  const now = Date.now()
  const part = encoding((inner) =>
    inner.nested(type === 11 ? 0x79 : 0x7a, (message) =>
      message.sequence((content) => {
        content.field(0, (item) => writeKey(item, reply.key))
        content.field(1, (item) => item.sequence(() => {}))
        content.field(2, (item) => item.uint32(reply.nonce))
        content.field(4, (item) => item.flags(0))
        content.field(5, (item) => item.time(now))
        content.field(7, (item) => item.time(reply.endTime))
        content.field(9, (item) => item.text(reply.serviceRealm))
        content.field(10, (item) => writeName(item, reply.service))
      }))
  )
  const sealed: EncryptedData = {
    type: reply.by.type.id,
    version: undefined,
    cipher: reply.by.encrypt(reply.usage, part)
  }
  writer.nested(0x60 | type, (message) =>
    message.sequence((content) => {
      content.field(0, (item) => item.int32(5))
      content.field(1, (item) => item.int32(type))
      content.field(3, (item) => item.text(reply.clientRealm))
      content.field(4, (item) => writeName(item, reply.client))
      content.field(5, (item) =>
        item.nested(0x61, (ticket) =>
          ticket.sequence((parts) => {
            parts.field(0, (each) => each.int32(5))
            parts.field(1, (each) => each.text(reply.ticketRealm))
            parts.field(2, (each) => writeName(each, reply.ticketService))
            parts.field(3, (each) => writeEncrypted(each, { type: 18, version: 1, cipher: Buffer.alloc(60, 1) }))
          })))
      content.field(6, (item) => writeEncrypted(item, sealed))
    }))
}

/** Answers for `alice@EXAMPLE.COM` with this password. `service` says which service a ticket is for, `change` changes a reply. */
export const fakeKdc = Effect.fnUntraced(function*(
  password: string,
  options: {
    readonly service?: (request: Request) => PrincipalName
    /** An answer instead of a reply. */
    readonly instead?: (request: Request) => Uint8Array | undefined
    readonly change?: (reply: Reply, request: Request) => Partial<Reply>
  } = {}
) {
  const salt = Buffer.from("EXAMPLE.COMalice")
  const clientKey = yield* aes256Sha1.fromPassword(Buffer.from(password), salt, 4096)
  const requests: Array<Request> = []
  /** The keys of the ticket-granting tickets, by their realm. */
  const sessionKeys = new Map<string, KerberosKey>()
  const system: KerberosSystem = alone((bytes) => {
    const request = readRequest(bytes)
    requests.push(request)
    const instead = options.instead?.(request)
    if (instead !== undefined) return instead
    const isFirst = request.kind === "AS-REQ"
    const service = options.service?.(request) ?? request.service
    const honest: Reply = {
      kind: isFirst ? "AS-REP" : "TGS-REP",
      client: { type: 1, components: ["alice"] },
      clientRealm: "EXAMPLE.COM",
      service,
      serviceRealm: request.realm,
      ticketService: service,
      ticketRealm: request.realm,
      nonce: request.nonce,
      endTime: Date.now() + 3_600_000,
      key: randomKey(aes256Sha1),
      by: isFirst ? clientKey : sessionKeys.get(request.realm)!,
      usage: isFirst ? KeyUsage.asReply : KeyUsage.tgsReply
    }
    const reply = { ...honest, ...options.change?.(honest, request) }
    const grants = grantsFor(reply.service)
    if (grants !== undefined) sessionKeys.set(grants, reply.key)
    return encoding((writer) => writeReply(writer, reply))
  })
  return { system, requests }
})
