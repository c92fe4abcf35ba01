/**
 * A connection through the security layer of a bind (RFC 4422 section 3.7): what is written is wrapped piece by piece, each
 * with four octets of length before it, and what is read is unwrapped. What the wrapping does is the mechanism's.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import type { SaslSecurityLayer } from "../auth/SaslMechanism.ts"
import { type AuthRejected, ProtocolViolation } from "../model/LdapError.ts"
import type { ConnectionEnd, LdapConnection, Protection } from "./LdapConnection.ts"
import type { TlsSession } from "./LdapTls.ts"

/** Octets of the length before each buffer. */
const header = 4

export class SaslConnection implements LdapConnection {
  readonly #inner: LdapConnection
  readonly #layer: SaslSecurityLayer
  /** What can't be wrapped is told here, since the end of a connection is none of the writer's. */
  readonly #onFailure: (detail: string) => Effect.Effect<void>
  /** Wrapping takes time and buffers are numbered: one write after the other, in the order in which they came. */
  readonly #writes = Semaphore.makeUnsafe(1)
  readonly #frames: Frames

  constructor(
    inner: LdapConnection,
    layer: SaslSecurityLayer,
    onFailure: (detail: string) => Effect.Effect<void>
  ) {
    this.#inner = inner
    this.#layer = layer
    this.#onFailure = onFailure
    this.#frames = new Frames(layer.maxReceive)
  }

  get protection(): Protection {
    return this.#layer.confidential && this.#inner.protection !== "tls" ? "sasl" : this.#inner.protection
  }

  get host(): string {
    return this.#inner.host
  }

  get port(): number | undefined {
    return this.#inner.port
  }

  get tls(): TlsSession | undefined {
    return this.#inner.tls
  }

  readonly channelBinding: LdapConnection["channelBinding"] = (type) => this.#inner.channelBinding(type)

  readonly read: Effect.Effect<ReadonlyArray<Uint8Array>, ConnectionEnd | ProtocolViolation> = Effect.suspend(() =>
    Effect.flatMap(this.#inner.read, (chunks) => this.#unwrapAll(chunks))
  )

  #unwrapAll(
    chunks: ReadonlyArray<Uint8Array>
  ): Effect.Effect<ReadonlyArray<Uint8Array>, ConnectionEnd | ProtocolViolation> {
    const unwrap = (frame: Uint8Array) =>
      Effect.mapError(
        this.#layer.unwrap(frame),
        ({ detail }) => new ProtocolViolation({ detail: `a message can not be unwrapped: ${detail}` })
      )
    return Effect.fromResult(this.#frames.push(chunks)).pipe(
      Effect.flatMap((frames) => Effect.forEach(frames, unwrap)),
      // Part of a buffer is nothing to give to the reader, who takes an answer for a chunk.
      Effect.flatMap((octets) => (octets.length === 0 ? this.read : Effect.succeed(octets)))
    )
  }

  /**
   * Runs in a fiber of its own, which nobody interrupts: a message is wrapped and taken whole, or not begun, and a provider that
   * hangs doesn't hold up the release.
   */
  write(octets: Uint8Array): Effect.Effect<void> {
    const taken = this.#writes.withPermit(
      Effect.flatMap(this.#wrapAll(octets), (wrapped) =>
        // Taken before the next write begins; the waiting for room is the caller's.
        Effect.forkDetach(this.#inner.write(wrapped), { startImmediately: true }))
    )
    const whole = Effect.catch(
      Effect.flatMap(taken, Fiber.join),
      ({ detail }) => this.#onFailure(`a message can not be wrapped: ${detail}`)
    )
    return Effect.flatMap(Effect.forkDetach(whole, { startImmediately: true }), Fiber.join)
  }

  #wrapAll(octets: Uint8Array): Effect.Effect<Buffer, AuthRejected> {
    const { maxSend } = this.#layer
    const pieces = Array.from(
      { length: Math.ceil(octets.length / maxSend) },
      (_, i) => octets.subarray(i * maxSend, (i + 1) * maxSend)
    )
    return Effect.map(Effect.forEach(pieces, this.#layer.wrap), (wrapped) =>
      Buffer.concat(wrapped.flatMap((buffer) => {
        const length = Buffer.alloc(header)
        length.writeUInt32BE(buffer.length)
        return [length, buffer]
      })))
  }

  get shutdown(): Effect.Effect<void> {
    return this.#inner.shutdown
  }

  startTls(): Result.Result<Effect.Effect<void>> {
    return Result.succeed(Effect.die(new Error("TLS can't be started below a security layer")))
  }
}

/** Cuts the wrapped buffers out of what arrives. Memory follows what has arrived, not what is announced. */
class Frames {
  readonly #maxLength: number
  readonly #header = Buffer.alloc(header)
  /** Octets of the header that are there. */
  #begun = 0
  #length = 0
  #body = Buffer.alloc(0)
  #collected = 0
  #failure: ProtocolViolation | undefined

  constructor(maxLength: number) {
    this.#maxLength = maxLength
  }

  push(chunks: ReadonlyArray<Uint8Array>): Result.Result<ReadonlyArray<Uint8Array>, ProtocolViolation> {
    const complete: Array<Uint8Array> = []
    for (const chunk of chunks) {
      for (let position = 0; position < chunk.length && this.#failure === undefined;) {
        position += this.#begun < header
          ? this.#begin(chunk[position]!)
          : this.#collect(chunk.subarray(position), complete)
      }
    }
    return this.#failure === undefined ? Result.succeed(complete) : Result.fail(this.#failure)
  }

  #begin(octet: number): number {
    this.#header[this.#begun++] = octet
    if (this.#begun === header) {
      this.#length = this.#header.readUInt32BE()
      if (this.#length === 0 || this.#length > this.#maxLength) {
        const detail = `a wrapped buffer of ${this.#length} octets, where 1 to ${this.#maxLength} were agreed on`
        this.#failure = new ProtocolViolation({ detail })
      }
    }
    return 1
  }

  #collect(octets: Uint8Array, complete: Array<Uint8Array>): number {
    const taken = Math.min(this.#length - this.#collected, octets.length)
    const needed = this.#collected + taken
    if (needed > this.#body.length) {
      const grown = Buffer.alloc(Math.min(this.#length, Math.max(needed, this.#body.length * 8)))
      this.#body.copy(grown, 0, 0, this.#collected)
      this.#body = grown
    }
    this.#body.set(octets.subarray(0, taken), this.#collected)
    this.#collected = needed
    if (needed === this.#length) {
      complete.push(this.#body)
      this.#begun = 0
      this.#collected = 0
      this.#body = Buffer.alloc(0)
    }
    return taken
  }
}
