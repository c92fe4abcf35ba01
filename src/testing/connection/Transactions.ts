/**
 * Transactions (RFC 5805) of one connection. Their updates wait until the transaction ends. Then all of them are carried out, or
 * none.
 */
import * as Result from "effect/Result"
import { BerReader } from "../../ber/BerReader.ts"
import { BerWriter } from "../../ber/BerWriter.ts"
import type { LdapControl } from "../../model/control/LdapControl.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { ResultFields } from "../../protocol/LdapMessage.ts"
import type { DirectoryState } from "../directory/DirectoryState.ts"
import type { Answered } from "../operations/carryOut.ts"
import { answer, success } from "../operations/directoryResult.ts"

/** An update that waits. */
export interface Pending {
  readonly messageId: number
  readonly perform: (now: number) => Answered
}

const unknown = answer(LdapResultCode.unwillingToPerform, "transaction identifier is not known")

/** The maximum number of updates in one transaction. */
const most = 10_000

export class Transactions {
  readonly #pending = new Map<string, Array<Pending>>()
  #started = 0

  /** Starts a transaction and returns its identifier. */
  start(): Uint8Array {
    const identifier = String(++this.#started)
    this.#pending.set(identifier, [])
    return Buffer.from(identifier)
  }

  /** Adds an update to a transaction. Success only means that the update was accepted. */
  put(identifier: Uint8Array, update: Pending): ResultFields {
    const updates = this.#pending.get(Buffer.from(identifier).toString("latin1"))
    if (updates === undefined) return unknown
    if (updates.length >= most) return answer(LdapResultCode.adminLimitExceeded, "too many updates in a transaction")
    updates.push(update)
    return success
  }

  /** Ends the transaction in the value of the request. */
  end(
    state: DirectoryState,
    value: Uint8Array | undefined,
    now: number
  ): { readonly result: ResultFields; readonly value?: Uint8Array } {
    const asked = read(value)
    if (asked === undefined) return { result: answer(LdapResultCode.protocolError, "request data decoding error") }
    const updates = this.#pending.get(asked.identifier)
    if (updates === undefined) return { result: unknown }
    this.#pending.delete(asked.identifier)
    if (!asked.commit) return { result: success }
    const answers: Array<readonly [messageId: number, controls: ReadonlyArray<LdapControl>]> = []
    let failed: readonly [messageId: number, result: ResultFields] | undefined
    state.changes.attempt(() => {
      for (const { messageId, perform } of updates) {
        const { controls, result } = perform(now)
        if (result.code !== LdapResultCode.success) {
          failed = [messageId, result]
          return false
        }
        if (controls.length > 0) answers.push([messageId, controls])
      }
      return true
    })
    return failed === undefined
      ? { result: success, ...(answers.length === 0 ? undefined : { value: written(undefined, answers) }) }
      : { result: failed[1], value: written(failed[0], []) }
  }
}

const read = (value: Uint8Array | undefined) =>
  Result.getOrUndefined(Result.try(() => {
    const reader = new BerReader(Buffer.from(value ?? []))
    const fields = reader.sequence()
    const commit = fields.peek() === 0x01 ? fields.boolean() : true
    const identifier = fields.octets().toString("latin1")
    fields.expectEnd()
    reader.expectEnd()
    return { commit, identifier }
  }))

const written = (
  failed: number | undefined,
  answers: ReadonlyArray<readonly [messageId: number, controls: ReadonlyArray<LdapControl>]>
): Uint8Array => {
  const writer = new BerWriter()
  writer.start()
  if (failed !== undefined) writer.integer(failed)
  if (answers.length > 0) {
    writer.start()
    for (const [messageId, controls] of answers) {
      writer.start()
      writer.integer(messageId)
      writer.start()
      for (const { critical, oid, value } of controls) {
        writer.start()
        writer.octets(oid)
        if (critical) writer.boolean(true)
        if (value !== undefined) writer.octets(value)
        writer.end()
      }
      writer.end()
      writer.end()
    }
    writer.end()
  }
  writer.end()
  return writer.finish()
}
