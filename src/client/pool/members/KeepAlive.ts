/**
 * Pings the sessions of a pool over which nothing was received for a while, before a firewall or a proxy on the way drops the connection
 * silently. A session that doesn't answer is replaced. `Fitness.ts` sends the ping; this file decides when.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { Alarm } from "../Alarm.ts"
import type { Launch } from "./Growth.ts"
import type { Member } from "./LdapPoolMembers.ts"

export interface KeepAliveOptions {
  readonly clock: Clock.Clock
  readonly launch: Launch
  /** The sessions that operations may get. */
  readonly members: () => Iterable<Member>
  /** The longest silence, in milliseconds; `Infinity` for no pings. */
  readonly keepAlive: number
  /** Pings a session, and closes it if it doesn't answer. */
  readonly ping: (member: Member) => Effect.Effect<void>
}

export class KeepAlive {
  readonly #options: KeepAliveOptions
  readonly #alarm: Alarm
  readonly #pinged = new Set<Member>()
  #isEnding = false

  constructor(options: KeepAliveOptions) {
    this.#options = options
    this.#alarm = new Alarm({ ...options, ring: () => this.#ring() })
  }

  /** Called when a session was opened. */
  watch(): void {
    const { clock, keepAlive, members } = this.#options
    if (this.#isEnding || keepAlive === Infinity) return
    const now = clock.currentTimeMillisUnsafe()
    let next = Infinity
    for (const member of members()) {
      if (this.#pinged.has(member)) continue
      // A session that is in doubt or busy at that moment is looked at again after the same time.
      const due = member.usedAt + keepAlive
      next = Math.min(next, due > now ? due : now + keepAlive)
    }
    if (next < Infinity) this.#alarm.setAt(next)
  }

  end(): void {
    this.#isEnding = true
    this.#alarm.clear()
  }

  #ring(): void {
    if (this.#isEnding) return
    const { keepAlive, launch, members, ping } = this.#options
    for (const member of members()) {
      if (this.#pinged.has(member) || !this.#alarm.isDue(member.usedAt + keepAlive) || isUnread(member)) continue
      this.#pinged.add(member)
      launch(Effect.ensuring(
        ping(member),
        Effect.sync(() => {
          this.#pinged.delete(member)
          this.watch()
        })
      ))
    }
    this.watch()
  }
}

/**
 * Whether a stream of the session waits for its consumer. To get the answer to a ping, the session would have to read the stream into
 * memory before the consumer wants it.
 */
export const isUnread = ({ occupancy: { pulled, streams } }: Member): boolean => streams > pulled
