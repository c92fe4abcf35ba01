/**
 * The value of a Cancel request (RFC 3909).
 */
import * as Result from "effect/Result"
import { BerReader } from "../../ber/BerReader.ts"

/** The message id in the value of a Cancel request. */
export const readCancel = (value: Uint8Array | undefined): number | undefined =>
  Result.getOrUndefined(Result.try(() => {
    const reader = new BerReader(Buffer.from(value ?? []))
    const fields = reader.sequence()
    const messageId = fields.integer()
    fields.expectEnd()
    reader.expectEnd()
    return messageId
  }))
