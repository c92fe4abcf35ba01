/**
 * Parses credential cache files (MIT's format, versions 3 and 4), which kinit and other programs write: tickets with their session
 * keys. It takes bytes; the caller reads the file. Pure.
 */
import * as Result from "effect/Result"
import { byId } from "../crypto/encryptionTypes.ts"
import { decoding } from "../messages/Der.ts"
import { readTicket } from "../messages/encrypted.ts"
import type { Principal } from "../messages/Principal.ts"
import { type ByteReader, reading } from "./ByteReader.ts"
import type { Credential } from "./Credential.ts"

export interface CredentialCache {
  readonly principal: Principal
  /** Tickets whose session key has a supported type. */
  readonly credentials: ReadonlyArray<Credential>
}

/** More than any program stores. */
const mostEntries = 10_000

export const readCredentialCache = (bytes: Uint8Array): Result.Result<CredentialCache, string> =>
  reading(bytes, (file) => {
    const version = file.uint16()
    if (version !== 0x0503 && version !== 0x0504) throw new RangeError("it is not a credential cache of version 3 or 4")
    const offset = version === 0x0504 ? readHeader(file.take(file.uint16())) : 0
    const principal = readPrincipal(file)
    const credentials: Array<Credential> = []
    for (let i = 0; !file.done; i++) {
      if (i === mostEntries) throw new RangeError(`it has more than ${mostEntries} entries`)
      const credential = readCredential(file, version, offset)
      if (credential !== undefined) credentials.push(credential)
    }
    return { principal, credentials }
  })

/** Fields of the header. Only the offset of the KDC's clock is used (tag 1: seconds, microseconds). */
const readHeader = (header: Buffer): number =>
  header.length >= 12 && header.readUInt16BE(0) === 1 && header.readUInt16BE(2) === 8
    ? header.readInt32BE(4) * 1000 + Math.round(header.readInt32BE(8) / 1000)
    : 0

const piece = (file: ByteReader): Buffer => file.take(file.uint32())

const readPrincipal = (file: ByteReader): Principal => {
  const type = file.uint32()
  const count = file.uint32()
  const realm = piece(file).toString()
  if (count > 16) throw new RangeError("a name has more than 16 components")
  return { type, components: Array.from({ length: count }, () => piece(file).toString()), realm }
}

const readCredential = (file: ByteReader, version: number, offset: number): Credential | undefined => {
  const client = readPrincipal(file)
  const service = readPrincipal(file)
  const keyType = file.uint16()
  if (version === 0x0503) file.uint16()
  const keyBytes = piece(file)
  const [authTime, startTime, endTime] = [file.uint32(), file.uint32(), file.uint32()]
  // The end of renewal, whether the key is another ticket's, and flags.
  file.take(9)
  // Addresses and authorization data.
  for (let list = 0; list < 2; list++) {
    for (let left = file.uint32(); left > 0; left--) {
      file.uint16()
      piece(file)
    }
  }
  const encoded = piece(file)
  piece(file)
  const type = byId(keyType)
  // The library stores its own settings as tickets for a service of this realm.
  if (service.realm === "X-CACHECONF:" || type === undefined || keyBytes.length !== type.keyBytes) return undefined
  const ticket = decoding(encoded, readTicket)
  if (Result.isFailure(ticket)) return undefined
  return {
    client,
    service,
    serviceRealm: service.realm,
    ticket: ticket.success,
    key: type.key(keyBytes),
    startTime: (startTime === 0 ? authTime : startTime) * 1000,
    endTime: endTime * 1000,
    offset
  }
}
