/**
 * KRB-ERROR (RFC 4120 section 5.9.1), and the KDC's hints in it about deriving a key from the password. The message isn't
 * authenticated: it can be a hint or an explanation, but never a proof.
 */
import * as Result from "effect/Result"
import { application, decoding, type DerReader } from "./Der.ts"
import { expectMessage, MessageType, readPreauthentications } from "./kdcReply.ts"
import { Preauthentication, type PreauthenticationData } from "./kdcRequest.ts"
import { readName } from "./Principal.ts"

/** Codes of section 7.5.9 and of RFC 6806 that this client handles. */
export const ErrorCode = {
  clientUnknown: 6,
  serviceUnknown: 7,
  nullKey: 9,
  encryptionTypeUnsupported: 14,
  clientRevoked: 18,
  keyExpired: 23,
  preauthenticationFailed: 24,
  preauthenticationRequired: 25,
  mustUseUserToUser: 27,
  serviceUnavailable: 29,
  badIntegrity: 31,
  ticketExpired: 32,
  repeat: 34,
  notUs: 35,
  clockSkew: 37,
  modified: 41,
  responseTooBig: 52,
  wrongRealm: 68
} as const

export interface KdcError {
  readonly code: number
  /** The server's clock in milliseconds since 1970. */
  readonly serverTime: number
  /** The client's realm, with `wrongRealm`. */
  readonly clientRealm: string | undefined
  readonly text: string | undefined
  readonly data: Uint8Array | undefined
}

export const readError = (reader: DerReader): KdcError => {
  const error = reader.enter(application(MessageType.error)).sequence()
  expectMessage(error, 0, MessageType.error)
  error.optional(2, (content) => content.time())
  error.optional(3, (content) => content.int32())
  const seconds = error.required(4, (content) => content.time())
  const micros = error.required(5, (content) => content.int32())
  const code = error.required(6, (content) => content.int32())
  const clientRealm = error.optional(7, (content) => content.text())
  error.optional(8, readName)
  error.required(9, (content) => content.text())
  error.required(10, readName)
  // Microsoft's KDCs and others send bytes here that aren't text. The text is only shown.
  const text = error.optional(
    11,
    (content) => content.octets(0x1b).toString("latin1").replace(/[^ -~]/g, "?").slice(0, 200)
  )
  const data = error.optional(12, (content) => Buffer.from(content.octets()))
  error.passExtensions()
  const serverTime = seconds + Math.min(Math.max(micros, 0), 999_999) / 1000
  return { code, serverTime, clientRealm, text, data }
}

/** The derivation of a key from a password (ETYPE-INFO2, section 5.2.7.5). */
export interface TypeInfo {
  readonly type: number
  /** Default: the realm and the components of the name. */
  readonly salt: Uint8Array | undefined
  readonly parameters: Uint8Array | undefined
}

const readTypeInfo2 = (reader: DerReader): ReadonlyArray<TypeInfo> =>
  reader.list(64, (list) => {
    const info = list.sequence()
    const type = info.required(0, (content) => content.int32())
    const salt = info.optional(1, (content) => content.octets(0x1b))
    const parameters = info.optional(2, (content) => content.octets())
    info.passExtensions()
    return { type, salt, parameters }
  })

/** The list in an error that requires a proof, or in an AS-REP. Empty if there is none. */
export const typeInfoOf = (
  preauthentication: ReadonlyArray<PreauthenticationData>
): Result.Result<ReadonlyArray<TypeInfo>, string> => {
  const found = preauthentication.find(({ type }) => type === Preauthentication.typeInfo2)
  return found === undefined ? Result.succeed([]) : decoding(found.value, readTypeInfo2)
}

/** METHOD-DATA: the accepted kinds of proof (section 5.2.7). */
export const methodsOf = ({ data }: KdcError): Result.Result<ReadonlyArray<PreauthenticationData>, string> =>
  data === undefined ? Result.succeed([]) : decoding(data, readPreauthentications)
