/** Reads numbers of fixed size from the bytes of a peer. Each read is checked against the number of bytes. */
import * as Result from "effect/Result"
import { fromBytes } from "../model/windows/Guid.ts"
import { WindowsValueError } from "../model/windows/WindowsValueError.ts"

export class ByteCursor {
  readonly bytes: Buffer
  readonly #expected: string
  position = 0

  /** `expected` describes the bytes in errors. */
  constructor(bytes: Uint8Array, expected: string) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#expected = expected
  }

  fail(detail: string): never {
    throw new WindowsValueError({ expected: this.#expected, detail, position: this.position })
  }

  /** The bytes from the current position on. */
  get left(): number {
    return this.bytes.length - this.position
  }

  take(length: number): Buffer {
    if (length > this.left) return this.fail("it ends too early")
    const taken = this.bytes.subarray(this.position, this.position + length)
    this.position += length
    return taken
  }

  uint8(): number {
    return this.take(1)[0]!
  }

  uint16(): number {
    return this.take(2).readUInt16LE()
  }

  uint32(): number {
    return this.take(4).readUInt32LE()
  }

  uint64(): bigint {
    return this.take(8).readBigUInt64LE()
  }

  guid(): string {
    return Result.getOrThrow(fromBytes(this.take(16)))
  }
}

/** Runs a reader. Its failure becomes a value, and bytes that are left at the end are a failure too. */
export const readWhole = <A>(
  bytes: Uint8Array,
  expected: string,
  read: (cursor: ByteCursor) => A
): Result.Result<A, WindowsValueError> => {
  if (!(bytes instanceof Uint8Array)) {
    return Result.fail(new WindowsValueError({ expected, detail: "bytes belong there" }))
  }
  const cursor = new ByteCursor(bytes, expected)
  try {
    const value = read(cursor)
    return cursor.left === 0 ? Result.succeed(value) : cursor.fail("there are bytes after its end")
  } catch (error) {
    if (error instanceof WindowsValueError) return Result.fail(error)
    throw error
  }
}
