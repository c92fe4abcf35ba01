/**
 * Writes the messages of the session: encoded requests, Abandons, and the unbind. A request is encoded when it gets its message id, and
 * waits in the operation's `bytes` until the machine has it written.
 */
import type { LdapConnection } from "../../connection/LdapConnection.ts"
import type { LdapControl } from "../../model/control/LdapControl.ts"
import { InsecureAuth } from "../../model/LdapError.ts"
import { encode } from "../../protocol/encode.ts"
import type { RequestOperation } from "../../protocol/LdapMessage.ts"
import type { Operation } from "../core/Operation.ts"
import type { Unsendable } from "../core/SessionEvent.ts"
import type { Abandon } from "../core/WriteQueue.ts"
import { carriesPassword } from "./passwords.ts"
import { pendingOf } from "./PendingOperation.ts"

export interface WriterOptions {
  /** They have been checked: they can be encoded. */
  readonly unbindControls?: ReadonlyArray<LdapControl> | undefined
  /** Whether a password may cross the network in clear text. */
  readonly allowInsecureAuth: boolean
}

export class RequestWriter {
  readonly #options: WriterOptions
  readonly #connection: () => LdapConnection

  /** `connection` returns the current connection: a security layer takes the place of the connection below it. */
  constructor(connection: () => LdapConnection, options: WriterOptions) {
    this.#connection = connection
    this.#options = options
  }

  /** Why a password must not be sent now; `undefined` if it may. */
  get insecure(): InsecureAuth | undefined {
    if (this.#maySendPasswords) return undefined
    const detail = "the password would cross the network in clear text; use ldaps:// or startTls, " +
      "or say allowInsecureAuth: true if that is what you want"
    return new InsecureAuth({ detail })
  }

  get #maySendPasswords(): boolean {
    return this.#connection().protection !== "none" || this.#options.allowInsecureAuth
  }

  /** Encodes the request of an operation under its message id. Returns the reason if it can't be sent. */
  encode(operation: Operation): Unsendable | undefined {
    return pendingOf(operation).encode(this.#check)
  }

  /** Runs in the same step as the sending, so that the connection can't change in between. */
  readonly #check = (
    request: RequestOperation,
    controls: ReadonlyArray<LdapControl>
  ): InsecureAuth | undefined =>
    // The error is made for a request that is refused, and not for each: it has a stack, which costs more than the request.
    this.#maySendPasswords || !carriesPassword(request, controls) ? undefined : this.insecure

  /** Writes everything at once. Returns whether the connection has room for more. */
  write(items: ReadonlySet<Operation | Abandon>, now: number): boolean {
    const parts: Array<Uint8Array> = []
    for (const item of items) {
      if ("spec" in item) {
        const pending = pendingOf(item)
        pending.writtenAt = now
        if (pending.bytes !== undefined) parts.push(pending.bytes)
        pending.bytes = undefined
      } else {
        const { messageId, target } = item
        parts.push(encode({ messageId, operation: { _tag: "AbandonRequest", abandoned: target }, controls: [] }))
      }
    }
    return parts.length === 0 || this.#connection().write(parts.length === 1 ? parts[0]! : Buffer.concat(parts))
  }

  unbind(messageId: number): void {
    const controls = this.#options.unbindControls ?? []
    this.#connection().write(encode({ messageId, operation: { _tag: "UnbindRequest" }, controls }))
  }
}
