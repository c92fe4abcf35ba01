/**
 * A connection through the security layer of a bind (RFC 4422 section 3.7). Writes are wrapped piece by piece, each with its length
 * in four bytes before it; reads are unwrapped. The mechanism wraps and unwraps.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import type { SaslSecurityLayer } from "../auth/SaslMechanism.ts"
import { type AuthRejected, SessionEnd } from "../model/LdapError.ts"
import { EffectDuplex } from "./EffectDuplex.ts"
import type { ConnectionEnd, LdapConnection, Protection, Receiver } from "./LdapConnection.ts"
import type { TlsSession } from "./tls/LdapTls.ts"

/** The length field before each buffer, in bytes. */
const header = 4

export class SaslConnection implements LdapConnection {
  readonly #inner: LdapConnection
  readonly #layer: SaslSecurityLayer
  readonly #duplex: EffectDuplex
  readonly #frames: Frames
  /** Complete buffers that wait to be unwrapped. */
  #arrived: ReadonlyArray<Uint8Array> = []
  #end: ConnectionEnd | undefined
  #reader: ((effect: Effect.Effect<ReadonlyArray<Uint8Array>, ConnectionEnd>) => void) | undefined
  #hasRoom = true
  /** Resumes the write that waits for the connection to accept more. */
  #goOn: (() => void) | undefined

  /** Takes over a paused connection. */
  constructor(inner: LdapConnection, layer: SaslSecurityLayer, context: Context.Context<never>) {
    this.#inner = inner
    this.#layer = layer
    this.#frames = new Frames(layer.maxReceive)
    this.#duplex = new EffectDuplex(
      {
        read: Effect.flatMap(this.#nextFrames, (frames) => this.#unwrapAll(frames)),
        write: (octets) => this.#wrapAndWrite(octets),
        shutdown: Effect.callback((resume) => inner.shutdown(() => resume(Effect.void)))
      },
      context
    )
    inner.receive({
      onOctets: (octets) => this.#onOctets(octets),
      onEnd: (end) => this.#onEnd(end),
      onRoom: () => {
        this.#hasRoom = true
        this.#goOn?.()
      }
    })
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

  receive(receiver: Receiver): void {
    this.#duplex.receive(receiver)
  }

  pause(): void {
    this.#duplex.pause()
  }

  resume(): void {
    this.#duplex.resume()
  }

  write(octets: Uint8Array): boolean {
    return this.#duplex.write(octets)
  }

  unsent(): number {
    return this.#inner.unsent?.() ?? 0
  }

  shutdown(done: () => void): void {
    this.#duplex.shutdown(done)
  }

  /** Ends the fibers that wrap and unwrap. */
  get stop(): Effect.Effect<void> {
    return this.#duplex.stop
  }

  #onOctets(octets: Uint8Array): void {
    this.#arrived = [...this.#arrived, ...this.#frames.push(octets)]
    if (this.#frames.failure !== undefined) this.#end ??= malformed(this.#frames.failure)
    // Frames that have arrived are unwrapped before more is read.
    if (this.#arrived.length > 0) this.#inner.pause()
    this.#handOver()
  }

  #onEnd(end: ConnectionEnd): void {
    this.#end ??= end
    this.#handOver()
  }

  #handOver(): void {
    const resume = this.#reader
    if (resume === undefined || (this.#arrived.length === 0 && this.#end === undefined)) return
    this.#reader = undefined
    resume(this.#taken)
  }

  /** Buffers that were complete before the end are delivered before it. */
  get #taken(): Effect.Effect<ReadonlyArray<Uint8Array>, ConnectionEnd> {
    const frames = this.#arrived
    this.#arrived = []
    return frames.length > 0 ? Effect.succeed(frames) : Effect.fail(this.#end!)
  }

  readonly #nextFrames = Effect.callback<ReadonlyArray<Uint8Array>, ConnectionEnd>((resume) => {
    if (this.#arrived.length > 0 || this.#end !== undefined) return resume(this.#taken)
    this.#reader = resume
    this.#inner.resume()
    return Effect.sync(() => {
      if (this.#reader === resume) this.#reader = undefined
    })
  })

  #unwrapAll(frames: ReadonlyArray<Uint8Array>): Effect.Effect<ReadonlyArray<Uint8Array>, ConnectionEnd> {
    return Effect.suspend(() => {
      const unwrapped: Array<Uint8Array> = []
      const all = Effect.forEach(frames, (frame) =>
        Effect.map(this.#layer.unwrap(frame), (octets) => {
          unwrapped.push(octets)
        }), { discard: true })
      return Effect.matchEffect(all, {
        onSuccess: () => Effect.succeed(unwrapped),
        onFailure: ({ detail }) => {
          // Bytes before the invalid buffer are delivered first. Bytes after it are never delivered.
          this.#arrived = []
          this.#end = malformed(`a message can't be unwrapped: ${detail}`)
          return unwrapped.length > 0 ? Effect.succeed(unwrapped) : Effect.fail(this.#end)
        }
      })
    })
  }

  /**
   * Runs in a fiber of its own that is never interrupted. So a message is wrapped and written as a whole or not at all, and a
   * security provider that hangs doesn't delay the release.
   */
  #wrapAndWrite(octets: Uint8Array): Effect.Effect<void, ConnectionEnd> {
    const taken = Effect.map(this.#wrapAll(octets), (wrapped) => {
      this.#hasRoom = this.#inner.write(wrapped)
    })
    const whole = Effect.mapError(taken, ({ detail }) => malformed(`a message can't be wrapped: ${detail}`))
    return Effect.forkDetach(whole, { startImmediately: true }).pipe(
      Effect.flatMap(Fiber.join),
      Effect.andThen(this.#room)
    )
  }

  readonly #room = Effect.callback<void>((resume) => {
    if (this.#hasRoom) return resume(Effect.void)
    this.#goOn = () => resume(Effect.void)
  })

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

  startTls(): Result.Result<Effect.Effect<void>> {
    return Result.succeed(Effect.die(new Error("TLS can't be started below a security layer")))
  }
}

const malformed = (detail: string): ConnectionEnd => SessionEnd.ProtocolViolation({ detail })

/** Splits the stream into wrapped buffers. Memory grows with the bytes received, not with the announced length. */
class Frames {
  readonly #maxLength: number
  readonly #header = Buffer.alloc(header)
  /** How many bytes of the header have arrived. */
  #begun = 0
  #length = 0
  #body = Buffer.alloc(0)
  #collected = 0
  /** Why the bytes after the complete buffers are invalid. */
  failure: string | undefined

  constructor(maxLength: number) {
    this.#maxLength = maxLength
  }

  /** The buffers that this chunk completes. None after a {@link failure}. */
  push(chunk: Uint8Array): ReadonlyArray<Uint8Array> {
    const complete: Array<Uint8Array> = []
    for (let position = 0; position < chunk.length && this.failure === undefined;) {
      position += this.#begun < header
        ? this.#begin(chunk[position]!)
        : this.#collect(chunk.subarray(position), complete)
    }
    return complete
  }

  #begin(octet: number): number {
    this.#header[this.#begun++] = octet
    if (this.#begun === header) {
      this.#length = this.#header.readUInt32BE()
      if (this.#length === 0 || this.#length > this.#maxLength) {
        this.failure = `a wrapped buffer of ${this.#length} bytes; 1 to ${this.#maxLength} were negotiated`
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
