/** Turns the bytes that arrive into events: one for each message, and one at the end of each chunk. */
import { defect } from "../../connection/EffectDuplex.ts"
import { SessionEnd } from "../../model/LdapError.ts"
import type { LdapMessage } from "../../protocol/LdapMessage.ts"
import { LdapParser } from "../../protocol/LdapParser.ts"
import type { SessionMachine } from "../core/SessionMachine.ts"

export class MessageReader {
  readonly #machine: SessionMachine
  readonly #parser: LdapParser
  readonly #now: () => number
  /** When the last chunk arrived. The clock is read once for each chunk. */
  receivedAt = 0

  constructor(machine: SessionMachine, maxMessageSize: number | undefined, now: () => number) {
    this.#machine = machine
    this.#parser = new LdapParser({ maxMessageSize })
    this.#now = now
  }

  /** Whether the start of an incomplete message is in the buffer. */
  get hasUnread(): boolean {
    return this.#parser.pending > 0
  }

  /** Applies the messages in the bytes. The bytes are lent for the time of this call. */
  read(bytes: Uint8Array): void {
    const { phase } = this.#machine.state
    if (!("channel" in phase)) return
    if (phase.channel._tag === "Handshake") return this.#machine.apply({ _tag: "ClearText" })
    if (phase._tag === "Ending" && phase.channel._tag !== "StartTls") return
    this.receivedAt = this.#now()
    try {
      const malformed = this.#parser.push(bytes, this.#onMessage, true)
      this.#machine.apply({ _tag: "ReadEnd", leftover: this.#parser.pending, malformed })
    } catch (cause) {
      // Without this, a defect of the parser would leave every caller waiting for ever.
      this.#machine.apply({ _tag: "ReadEnd", leftover: 0, malformed: undefined })
      this.#machine.apply({ _tag: "ConnectionEnd", end: SessionEnd.ConnectionLost({ detail: defect, cause }) })
    }
  }

  readonly #onMessage = (message: LdapMessage): void => this.#machine.receive(message)
}
