/**
 * Two sockets joined in memory: bytes written to one are read from the other, with the limits and the ways to end of a network
 * connection. It uses no ports, no files and no clock, so programs over it can run in virtual time.
 *
 * @since 0.1.0
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Socket from "effect/socket/Socket"

/**
 * A socket of a pair, with functions that let tests cause and observe network events.
 *
 * @category models
 * @since 0.1.0
 */
export interface MemorySocket extends Socket.Socket {
  /** Breaks the connection as a TCP reset does: both sides fail, and bytes in flight are lost. */
  readonly reset: Effect.Effect<void>
  /** Whether this side can still be read or written. */
  readonly isOpen: () => boolean
  /** Whether a write is still accepted. */
  readonly isWritable: () => boolean
}

/**
 * Options of {@link pair}.
 *
 * @category models
 * @since 0.1.0
 */
export interface PairOptions {
  /** How many bytes may be in flight in each direction before a writer has to wait. Default 64 KiB. */
  readonly highWaterMark?: number | undefined
}

const closed = (code: number): Socket.SocketError =>
  new Socket.SocketError({ reason: new Socket.SocketCloseError({ code }) })

/** One direction. Waiting fibers are resumed at once, as the events of a socket do. */
class Pipe {
  readonly #highWaterMark: number
  #chunks: Array<Uint8Array> = []
  #size = 0
  #end: Socket.SocketError | undefined
  #reader: ((effect: Effect.Effect<NonEmptyReadonlyArray<Uint8Array>, Socket.SocketError>) => void) | undefined
  readonly #writers = new Set<(effect: Effect.Effect<void, Socket.SocketError>) => void>()

  constructor(highWaterMark: number) {
    this.#highWaterMark = highWaterMark
  }

  get ended(): boolean {
    return this.#end !== undefined
  }

  readonly pull = Effect.callback<NonEmptyReadonlyArray<Uint8Array>, Socket.SocketError>((resume) => {
    this.#reader = resume
    this.#deliver()
    return Effect.sync(() => {
      if (this.#reader === resume) this.#reader = undefined
    })
  })

  write(chunk: Uint8Array): Effect.Effect<void, Socket.SocketError> {
    return Effect.suspend(() => {
      if (this.#end !== undefined) return Effect.fail(this.#end)
      if (chunk.length === 0) return Effect.void
      this.#chunks.push(chunk)
      this.#size += chunk.length
      this.#deliver()
      return this.#size < this.#highWaterMark ? Effect.void : this.#room
    })
  }

  readonly #room = Effect.callback<void, Socket.SocketError>((resume) => {
    if (this.#end !== undefined) return resume(Effect.fail(this.#end))
    if (this.#size < this.#highWaterMark) return resume(Effect.void)
    this.#writers.add(resume)
    return Effect.sync(() => this.#writers.delete(resume))
  })

  /** Ends the writing side; bytes already written are still delivered. */
  finish(): void {
    this.#end ??= closed(1000)
    this.#deliver()
    this.#release()
  }

  /** Ends both sides; bytes already written are lost. */
  break(error: Socket.SocketError): void {
    this.#end ??= error
    this.#chunks = []
    this.#size = 0
    this.#deliver()
    this.#release()
  }

  #deliver(): void {
    const resume = this.#reader
    if (resume === undefined) return
    if (this.#chunks.length > 0) {
      const chunks = this.#chunks as unknown as NonEmptyReadonlyArray<Uint8Array>
      this.#chunks = []
      this.#size = 0
      this.#reader = undefined
      this.#release()
      resume(Effect.succeed(chunks))
    } else if (this.#end !== undefined) {
      this.#reader = undefined
      resume(Effect.fail(this.#end))
    }
  }

  #release(): void {
    const exit = this.#end === undefined ? Exit.void : Exit.fail(this.#end)
    for (const resume of [...this.#writers]) {
      this.#writers.delete(resume)
      resume(exit)
    }
  }
}

const encoder = new TextEncoder()

const end = (inbound: Pipe, outbound: Pipe): MemorySocket => {
  const write = (chunk: Uint8Array | string | Socket.CloseEvent): Effect.Effect<void, Socket.SocketError> =>
    Socket.isCloseEvent(chunk)
      ? Effect.sync(() => outbound.finish())
      : outbound.write(typeof chunk === "string" ? encoder.encode(chunk) : chunk)
  const socket = Socket.make({
    reader: Effect.acquireRelease(
      Effect.succeed({ pull: inbound.pull, upgrade: Socket.SocketUpgradeError.unsupported }),
      () =>
        Effect.sync(() => {
          // A side that stops reading has closed: the other side reads to its end and can write no more.
          inbound.break(closed(1006))
          outbound.finish()
        })
    ),
    writer: Effect.acquireRelease(
      Effect.succeed({ write, writeAll: (chunks) => Effect.forEach(chunks, write, { discard: true }) }),
      () => Effect.sync(() => outbound.finish())
    )
  })
  return Object.assign(socket, {
    reset: Effect.sync(() => {
      inbound.break(closed(1006))
      outbound.break(closed(1006))
    }),
    isOpen: () => !inbound.ended || !outbound.ended,
    isWritable: () => !outbound.ended
  })
}

/**
 * Two sockets, each the peer of the other.
 *
 * **Details**
 *
 * Closing the scope of a socket's writer closes its side, as FIN does; closing the scope of its reader ends both. TLS
 * upgrades are not supported. A socket may be read by one fiber and written by another.
 *
 * @category constructors
 * @since 0.1.0
 */
export const pair = (options?: PairOptions): Effect.Effect<readonly [MemorySocket, MemorySocket]> =>
  Effect.sync(() => {
    const highWaterMark = options?.highWaterMark ?? 64 * 1024
    const there = new Pipe(highWaterMark)
    const back = new Pipe(highWaterMark)
    return [end(back, there), end(there, back)] as const
  })
