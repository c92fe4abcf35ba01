/**
 * Fibers that transfer the bytes of a connection whose two directions are effects. They replace the events of a Node socket.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { SessionEnd } from "../model/LdapError.ts"
import type { ConnectionEnd, LdapConnection, Receiver } from "./LdapConnection.ts"

export interface Sides {
  /** The next bytes in the order of arrival. Fails when the peer's side has ended, after all bytes have been returned. */
  readonly read: Effect.Effect<ReadonlyArray<Uint8Array>, ConnectionEnd>
  /** Completes when the bytes are accepted and there is room for more. */
  readonly write: (octets: Uint8Array) => Effect.Effect<void, ConnectionEnd>
  /** Closes this side after all bytes were passed to the network. */
  readonly shutdown: Effect.Effect<void>
}

export class EffectDuplex implements Pick<LdapConnection, "receive" | "pause" | "resume" | "write" | "shutdown"> {
  readonly #sides: Sides
  readonly #fork: (effect: Effect.Effect<void, ConnectionEnd>) => Fiber.Fiber<void, ConnectionEnd>
  #receiver: Receiver | undefined
  #isPaused = true
  #isReading = false
  #isWriting = false
  #isStopped = false
  /** Chunks that were read and not yet passed to the receiver. */
  #unread: Array<Uint8Array> = []
  readonly #fibers = new Set<Fiber.Fiber<void, ConnectionEnd>>()
  /** Chunks to be written in order. The first one is being written. */
  #unwritten: Array<Uint8Array> = []
  #onWritten: (() => void) | undefined
  /** Whether `write` is running on the call stack. */
  #isCalled = false

  constructor(sides: Sides, context: Context.Context<never>) {
    this.#sides = sides
    this.#fork = Effect.runForkWith(context)
  }

  /** Whether bytes have arrived that were not yet passed to the receiver. */
  get hasUnread(): boolean {
    return this.#unread.length > 0
  }

  receive(receiver: Receiver): void {
    this.#receiver = receiver
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    // A fiber that waits for bytes hasn't noticed the pause.
    if (this.#isReading) return
    this.#isReading = true
    this.#start(this.#reading, (exit) => {
      this.#isReading = false
      // A fiber may yield after its last step and miss a resume that happens then.
      if (Exit.isSuccess(exit) && !this.#isPaused) this.resume()
    })
  }

  /** Passes on one chunk at a time, since the receiver may pause after each. Reads when no chunk is left. */
  readonly #reading: Effect.Effect<void, ConnectionEnd> = Effect.suspend(() => {
    // A peer in memory may answer within the call that writes the request. That is too early, since the request doesn't count as
    // written yet.
    if (this.#isCalled) return Effect.andThen(laterThisTurn, this.#reading)
    while (this.#unread.length > 0 && !this.#isPaused) {
      this.#receiver?.onOctets(this.#unread.shift()!)
    }
    if (this.#isPaused) return Effect.void
    return Effect.flatMap(this.#sides.read, (chunks) => {
      this.#unread = [...chunks]
      return this.#reading
    })
  })

  write(octets: Uint8Array): boolean {
    this.#unwritten.push(octets)
    if (!this.#isWriting) {
      this.#isCalled = true
      this.#write()
      this.#isCalled = false
    }
    return !this.#isWriting
  }

  #write(): void {
    this.#isWriting = true
    this.#start(this.#writing, (exit) => {
      this.#isWriting = false
      // After a failed write, the rest of the queue is discarded. The receiver will be told that the connection has ended.
      if (Exit.isFailure(exit)) this.#unwritten = []
      else if (this.#unwritten.length > 0) return this.#write()
      else if (!this.#isCalled) this.#receiver?.onRoom()
      this.#onWritten?.()
    })
  }

  readonly #writing: Effect.Effect<void, ConnectionEnd> = Effect.suspend(() =>
    this.#unwritten.length === 0 ? Effect.void : Effect.flatMap(this.#sides.write(this.#unwritten[0]!), () => {
      this.#unwritten.shift()
      return this.#writing
    })
  )

  shutdown(done: () => void): void {
    const close = () => {
      this.#onWritten = undefined
      this.#start(this.#sides.shutdown, done)
    }
    if (this.#unwritten.length === 0) close()
    else this.#onWritten = close
  }

  /** Interrupts the fibers and waits until they have ended. No fiber starts after that. */
  readonly stop: Effect.Effect<void> = Effect.suspend(() => {
    this.#isStopped = true
    this.#onWritten = undefined
    return Fiber.interruptAll(this.#fibers)
  })

  /**
   * Runs one direction in a fiber. If it ends or fails unexpectedly, the receiver is told; otherwise the session would wait
   * forever.
   */
  #start(
    moving: Effect.Effect<void, ConnectionEnd>,
    onExit: (exit: Exit.Exit<void, ConnectionEnd>) => void
  ): void {
    if (this.#isStopped) return
    const fiber = this.#fork(moving)
    this.#fibers.add(fiber)
    fiber.addObserver((exit) => {
      this.#fibers.delete(fiber)
      onExit(exit)
      // Only `stop` interrupts these fibers. Any other interruption comes from the socket, for instance from a queue that was shut
      // down.
      if (Exit.isFailure(exit) && !this.#isStopped) this.#receiver?.onEnd(endOf(exit.cause))
    })
  }
}

const laterThisTurn: Effect.Effect<void> = Effect.callback((resume) => queueMicrotask(() => resume(Effect.void)))

const endOf = (cause: Cause.Cause<ConnectionEnd>): ConnectionEnd =>
  Option.getOrElse(
    Cause.findErrorOption(cause),
    () => SessionEnd.ConnectionLost({ detail: defect, cause: Cause.squash(cause) })
  )

/** The message for an unexpected failure. Without it, the session would wait forever. */
export const defect = "a bug in the client, or in the socket that was passed to it"
