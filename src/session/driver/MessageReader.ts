/** Makes events of the bytes that arrive: one for each message, and one for the end of what arrived together. */
import { defect } from "../../connection/EffectDuplex.ts"
import { SessionEnd } from "../../model/LdapError.ts"
import type { LdapMessage } from "../../protocol/LdapMessage.ts"
import { LdapParser } from "../../protocol/LdapParser.ts"
import type { SessionMachine } from "../core/SessionMachine.ts"

/** Stands in the event for messages until there is one. */
const nothing: LdapMessage = { messageId: 0, operation: { _tag: "UnbindRequest" }, controls: [] }

export class MessageReader {
  readonly #machine: SessionMachine
  readonly #parser: LdapParser
  readonly #now: () => number
  /** One event for all messages: the machine keeps none, and there is one for each entry. */
  readonly #arrived: { readonly _tag: "Message"; message: LdapMessage } = { _tag: "Message", message: nothing }
  /** When the bytes arrived that were read last. Asked once for all that arrives together. */
  receivedAt = 0

  constructor(machine: SessionMachine, maxMessageSize: number | undefined, now: () => number) {
    this.#machine = machine
    this.#parser = new LdapParser({ maxMessageSize })
    this.#now = now
  }

  /** Whether the start of a message is there, and not all of it. */
  get hasUnread(): boolean {
    return this.#parser.pending > 0
  }

  /** Applies what the bytes hold. They are lent for the time of this call. */
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
      // A defect of the parser would leave every caller waiting for ever.
      this.#machine.apply({ _tag: "ReadEnd", leftover: 0, malformed: undefined })
      this.#machine.apply({ _tag: "ConnectionEnd", end: SessionEnd.ConnectionLost({ detail: defect, cause }) })
    }
  }

  readonly #onMessage = (message: LdapMessage): void => {
    this.#arrived.message = message
    this.#machine.apply(this.#arrived)
  }
}
