/**
 * Prepared responses in a buffer: the messages of a server, without a server's work. The message id is written into them
 * when they are sent.
 */
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import { encode } from "../../../src/protocol/encode.ts"
import type { ProtocolOperation } from "../../../src/protocol/LdapMessage.ts"
import type { Record } from "./directory.ts"

const entryOf = (record: Record): LdapEntry.LdapEntry =>
  LdapEntry.make(
    record.dn,
    record.attributes.map(([description, values]) => ({
      description,
      values: values.map((value) => (typeof value === "string" ? Buffer.from(value) : value))
    }))
  )

const success = { code: 0, matchedDn: "", diagnosticMessage: "", referrals: [] } as const

/** Bytes of one number in BER's shortest form. */
const octetsOf = (id: number): number => (id < 0x80 ? 1 : id < 0x8000 ? 2 : id < 0x800000 ? 3 : 4)

const encodeWith = (operation: ProtocolOperation, idOctets: number): Buffer =>
  encode({ messageId: 1 << (8 * idOctets - 2), operation, controls: [] })

export class PreparedAnswer {
  readonly #operations: ReadonlyArray<ProtocolOperation>
  /** By the number of bytes of the message id: the messages, and the positions of the ids. */
  readonly #templates = new Map<number, { readonly octets: Buffer; readonly ids: ReadonlyArray<number> }>()

  constructor(operations: ReadonlyArray<ProtocolOperation>) {
    this.#operations = operations
  }

  static entries(records: Iterable<Record>): PreparedAnswer {
    return new PreparedAnswer(
      Array.from(records, (record): ProtocolOperation => ({ _tag: "SearchResultEntry", entry: entryOf(record) }))
    )
  }

  /** The messages for one request. The buffer is reused, so it must have been passed to the network before the next call. */
  for(messageId: number): Buffer {
    const width = octetsOf(messageId)
    let template = this.#templates.get(width)
    if (template === undefined) {
      const messages = this.#operations.map((operation) => encodeWith(operation, width))
      const ids: Array<number> = []
      let start = 0
      for (const message of messages) {
        // 30, the length, 02, the width, the id
        ids.push(start + (message[1]! < 0x80 ? 2 : 2 + (message[1]! & 0x7f)) + 2)
        start += message.length
      }
      this.#templates.set(width, template = { octets: Buffer.concat(messages), ids })
    }
    for (const at of template.ids) template.octets.writeUIntBE(messageId, at, width)
    return template.octets
  }
}

export const done = new PreparedAnswer([{ _tag: "SearchResultDone", result: success }])

/** The response to any other request, by the request's tag. */
export const results: ReadonlyMap<number, PreparedAnswer> = new Map([
  [0x60, new PreparedAnswer([{ _tag: "BindResponse", result: success, serverCredentials: undefined }])],
  [0x66, new PreparedAnswer([{ _tag: "ModifyResponse", result: success }])],
  [0x68, new PreparedAnswer([{ _tag: "AddResponse", result: success }])],
  [0x4a, new PreparedAnswer([{ _tag: "DeleteResponse", result: success }])],
  [0x77, new PreparedAnswer([{ _tag: "ExtendedResponse", result: success, oid: undefined, value: undefined }])]
])
