/** The messages of SPNEGO (RFC 4178 section 4.2, [MS-SPNG]): a client's offer, and the answers of both sides. */
import type * as Result from "effect/Result"
import { application, decoding, type DerReader, encoding, field, objectIdentifier } from "../messages/Der.ts"
import { Oid } from "./mechanismToken.ts"

/** The list of mechanisms in the form that is signed, in order of preference. */
export const encodeMechanisms = (mechanisms: ReadonlyArray<Uint8Array>): Buffer =>
  encoding((writer) =>
    writer.sequence((list) => {
      for (const oid of mechanisms) list.octets(oid, objectIdentifier)
    })
  )

/** NegTokenInit, with the first token of the preferred mechanism. */
export const encodeInit = (mechanisms: Uint8Array, token: Uint8Array): Buffer =>
  encoding((writer) =>
    writer.nested(application(0), (frame) => {
      frame.octets(Oid.spnego, objectIdentifier)
      frame.field(0, (choice) =>
        choice.sequence((init) => {
          init.field(0, (content) => content.raw(mechanisms))
          init.field(2, (content) => content.octets(token))
        }))
    })
  )

/** NegTokenResp of a client. */
export const encodeResponse = (token: Uint8Array | undefined, mic: Uint8Array | undefined): Buffer =>
  encoding((writer) =>
    writer.field(1, (choice) =>
      choice.sequence((response) => {
        if (token !== undefined) response.field(2, (content) => content.octets(token))
        if (mic !== undefined) response.field(3, (content) => content.octets(mic))
      }))
  )

/** Values of negState. */
export const NegState = { completed: 0, incomplete: 1, rejected: 2, wantsMic: 3 } as const

export interface NegResponse {
  readonly state: number | undefined
  readonly mechanism: Buffer | undefined
  readonly token: Buffer | undefined
  readonly mic: Buffer | undefined
}

const readResponse = (reader: DerReader): NegResponse => {
  const response = reader.enter(field(1)).sequence()
  const state = response.optional(0, (content) => content.int32(0x0a))
  const mechanism = response.optional(1, (content) => content.octets(objectIdentifier))
  const token = response.optional(2, (content) => content.octets())
  const mic = response.optional(3, (content) => content.octets())
  response.passExtensions()
  return { state, mechanism, token, mic }
}

/** NegTokenResp of a server. */
export const decodeResponse = (bytes: Uint8Array): Result.Result<NegResponse, string> => decoding(bytes, readResponse)
