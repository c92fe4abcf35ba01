/**
 * Fibers that carry the octets of a connection which is made of effects, where a socket of Node would have events.
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
  /** The next octets in the order of arrival. Fails when the peer's side has ended, after all that came before. */
  readonly read: Effect.Effect<ReadonlyArray<Uint8Array>, ConnectionEnd>
  /** Completes when the octets are taken and there is room for more. */
  readonly write: (octets: Uint8Array) => Effect.Effect<void, ConnectionEnd>
  /** Closes this side when everything is with the network. */
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
  /** What was read and not handed over. */
  #unread: Array<Uint8Array> = []
  readonly #fibers = new Set<Fiber.Fiber<void, ConnectionEnd>>()
  /** What is to be written, one after the other; the first is on its way. */
  #unwritten: Array<Uint8Array> = []
  #onWritten: (() => void) | undefined
  /** Whether a write begins in this very moment. */
  #isCalled = false

  constructor(sides: Sides, context: Context.Context<never>) {
    this.#sides = sides
    this.#fork = Effect.runForkWith(context)
  }

  /** Whether octets have arrived that were not handed over. */
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
    // One that waits for octets has not noticed the pause.
    if (this.#isReading) return
    this.#isReading = true
    this.#start(this.#reading, (exit) => {
      this.#isReading = false
      // A fiber may give way to others after its last step: it has not noticed this either.
      if (Exit.isSuccess(exit) && !this.#isPaused) this.resume()
    })
  }

  /** Hands over chunk by chunk, since each may be the last that is wanted, and reads when there are no more. */
  readonly #reading: Effect.Effect<void, ConnectionEnd> = Effect.suspend(() => {
    // A peer in memory may answer within the call that writes the question: too early, since that isn't written yet.
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
      // What waits behind what could not be written is not written either: whoever writes is about to hear of the end.
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

  /** Ends the fibers, and waits for their end. None begins after that. */
  readonly stop: Effect.Effect<void> = Effect.suspend(() => {
    this.#isStopped = true
    this.#onWritten = undefined
    return Fiber.interruptAll(this.#fibers)
  })

  /** A side that ended, or broke in a way that nobody expected: whoever waits must hear of it. */
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
      // Nothing but `stop` interrupts these fibers: any other interruption is in the socket, a queue that was shut down, say.
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

/** For what must not happen, and would leave everybody waiting. */
export const defect = "a defect of the client, or of the socket that it was given"
