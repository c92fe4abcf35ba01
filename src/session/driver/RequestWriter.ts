/**
 * Writes the messages of the session: encoded requests, Abandons, and the unbind. A request is encoded when it gets its message id, and
 * waits until the machine has it written. Those of one turn are encoded into one buffer: to allocate, cut and join a buffer for each
 * costs nearly as much as to encode it.
 */
import { BerWriter } from "../../ber/BerWriter.ts"
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

/** Bytes that a batch begins with, and with which it is full. */
const smallest = 256
const largest = 64 * 1024

export class RequestWriter {
  readonly #options: WriterOptions
  readonly #connection: () => LdapConnection
  /** Where the next request is encoded. When requests are written, none that it has still waits, so it is used again, with other memory. */
  #batch = new BerWriter(smallest)

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
    // Requests that are withdrawn stay in their batch as long as another one of it waits, so it must not grow for ever.
    if (this.#batch.size >= largest) this.#batch = new BerWriter(largest)
    return pendingOf(operation).encode(this.#batch, this.#check)
  }

  /** Runs in the same step as the sending, so that the connection can't change in between. */
  readonly #check = (
    request: RequestOperation,
    controls: ReadonlyArray<LdapControl>
  ): InsecureAuth | undefined =>
    // The error is made for a request that is refused, and not for each: it has a stack, which costs more than the request.
    this.#maySendPasswords || !carriesPassword(request, controls) ? undefined : this.insecure

  /** Writes everything at once. Returns whether the connection has room for more. */
  write(items: ReadonlyArray<Operation | Abandon>, now: number): boolean {
    const bytes = this.#join(items, now)
    // The connection has the bytes now. With other memory the session keeps no password. The next requests are likely to be as many.
    this.#batch.renew(Math.min(Math.max(this.#batch.size, smallest), largest))
    return bytes === undefined || this.#connection().write(bytes)
  }

  /** The bytes of requests in the order of the items; `undefined` if none of them has any. */
  #join(items: ReadonlyArray<Operation | Abandon>, now: number): Uint8Array | undefined {
    /** The parts before the last, which is nearly always the only one. */
    let parts: Array<Uint8Array> | undefined
    // Requests that follow one another in a batch are one part.
    let batch: BerWriter | undefined
    let start = 0
    let end = 0
    for (let i = 0; i < items.length; i++) {
      const item = items[i]!
      if ("spec" in item) {
        const pending = pendingOf(item)
        const { encoded } = pending
        pending.writtenAt = now
        pending.encoded = undefined
        if (encoded === undefined) continue
        if (encoded.batch !== batch || encoded.start !== end) {
          if (batch !== undefined) (parts ??= []).push(batch.written(start, end))
          ;({ batch, start } = encoded)
        }
        end = encoded.end
      } else {
        parts ??= []
        if (batch !== undefined) parts.push(batch.written(start, end))
        batch = undefined
        const { messageId, target } = item
        parts.push(encode({ messageId, operation: { _tag: "AbandonRequest", abandoned: target }, controls: [] }))
      }
    }
    const last = batch?.written(start, end)
    return parts === undefined ? last : Buffer.concat(last === undefined ? parts : [...parts, last])
  }

  unbind(messageId: number): void {
    const controls = this.#options.unbindControls ?? []
    this.#connection().write(encode({ messageId, operation: { _tag: "UnbindRequest" }, controls }))
  }
}
