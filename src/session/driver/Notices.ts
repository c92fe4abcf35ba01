/**
 * Unsolicited notifications (RFC 4511 section 4.4), for subscribers. The Notice of Disconnection is not among them: it ends the
 * session.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { LdapResult } from "../../model/LdapError.ts"
import type { LdapMessage } from "../../protocol/LdapMessage.ts"
import { Line, type Placed } from "../core/Line.ts"
import { guarded } from "./guarded.ts"

/**
 * An unsolicited notification: a message of the server that answers no request.
 *
 * @category models
 * @since 0.2.0
 */
export interface Notice extends LdapResult {
  /** The object identifier of the notification. */
  readonly oid: string | undefined
  /** The value of the notification, as bytes. */
  readonly value: Uint8Array | undefined
}

/** How many notifications a subscriber may leave unread; beyond it the oldest are lost. */
const kept = 64

interface Listener extends Placed {
  /** `undefined` after the last message. */
  readonly hear: (message: LdapMessage | undefined) => void
}

export class Notices {
  readonly #listeners = new Line<Listener>()
  #isOver = false

  tell(message: LdapMessage): void {
    // A copy, since a subscriber may subscribe again while it hears it.
    for (const { hear } of [...this.#listeners]) guarded(() => hear(message))
  }

  /** Ends the streams of all subscribers. */
  end(): void {
    this.#isOver = true
    for (const { hear } of this.#listeners.takeAll()) guarded(() => hear(undefined))
  }

  /**
   * Refers to this object and not to the session: Effect's streams stay in memory until the next full garbage collection, since V8 puts a
   * function that is assigned to a property into the old generation of the heap.
   */
  readonly stream: Stream.Stream<Notice> = Stream.callback<Notice>(
    (queue) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const hear = (message: LdapMessage | undefined) => {
            if (message === undefined) Queue.endUnsafe(queue)
            else if (message.operation._tag === "ExtendedResponse") {
              const { oid, result, value } = message.operation
              Queue.offerUnsafe(queue, { ...result, controls: message.controls, oid, value })
            }
          }
          const listener: Listener = { hear }
          if (this.#isOver) hear(undefined)
          else this.#listeners.add(listener)
          return listener
        }),
        (listener) => Effect.sync(() => this.#listeners.delete(listener))
      ),
    { bufferSize: kept, strategy: "sliding" }
  )
}
