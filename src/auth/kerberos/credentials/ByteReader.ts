/** Reads numbers and byte strings of the file formats of MIT's library, never past the end of the bytes. */
import * as Result from "effect/Result"

export class ByteReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get done(): boolean {
    return this.rest === 0
  }

  get rest(): number {
    return this.#bytes.length - this.#at
  }

  /** Throws a RangeError if fewer bytes are left. */
  take(length: number): Buffer {
    if (length > this.rest) throw new RangeError("it is truncated")
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  uint16(): number {
    return this.take(2).readUInt16BE()
  }

  uint32(): number {
    return this.take(4).readUInt32BE()
  }

  int32(): number {
    return this.take(4).readInt32BE()
  }
}

/** Parses bytes of a format. A failure says what is wrong and contains none of the bytes. */
export const reading = <A>(bytes: Uint8Array, read: (reader: ByteReader) => A): Result.Result<A, string> => {
  try {
    return Result.succeed(read(new ByteReader(bytes)))
  } catch (error) {
    if (error instanceof RangeError) return Result.fail(error.message)
    throw error
  }
}
