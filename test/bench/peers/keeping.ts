/**
 * The floor of a large value: a Node socket without TLS that reads into one buffer, as a session does, and copies what arrives into
 * another of the size that the message announces. It decodes that size alone, and keeps the last message.
 */
import { once } from "node:events"
import * as Net from "node:net"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"
import { encode } from "../../../src/protocol/encode.ts"
import type { RequestOperation } from "../../../src/protocol/LdapMessage.ts"
import type { Client, Peer, Target } from "./Peer.ts"

const search = (base: string): RequestOperation => ({
  _tag: "SearchRequest",
  base,
  scope: "subtree",
  derefAliases: "never",
  sizeLimit: 0,
  timeLimit: 0,
  typesOnly: false,
  filter: LdapFilter.present("objectClass"),
  attributes: []
})

/** The size of a message that is longer than 127 bytes. */
const sizeOf = (start: Buffer): number => 2 + (start[1]! & 0x7f) + start.readUIntBE(2, start[1]! & 0x7f)

const connect = async ({ bindDn, password, url }: Target): Promise<Client> => {
  const { hostname, port } = new URL(url)
  const read = Buffer.allocUnsafeSlow(64 * 1024)
  let onBytes = (_count: number): void => {}
  const callback = (count: number): boolean => {
    onBytes(count)
    return true
  }
  const socket = Net.connect({ host: hostname, port: Number(port), noDelay: true, onread: { buffer: read, callback } })
  await once(socket, "connect")
  let id = 0
  const send = (operation: RequestOperation): void =>
    void socket.write(encode({ messageId: ++id, operation, controls: [] }))
  await new Promise<void>((resolve) => {
    onBytes = () => resolve()
    const authentication = { _tag: "Simple", password: Buffer.from(password) } as const
    send({ _tag: "BindRequest", version: 3, name: bindDn, authentication })
  })
  let kept: Buffer | undefined
  return {
    values: (base) =>
      new Promise((resolve) => {
        let at = 0
        let message: Buffer | undefined
        // The message with the value, and the end of the search.
        onBytes = (count) => {
          message ??= Buffer.allocUnsafe(sizeOf(read))
          if (at < message.length) read.copy(message, at, 0, count)
          at += count
          if (at <= message.length) return
          kept = message
          resolve(kept.length)
        }
        send(search(base))
      }),
    close: async () => {
      socket.end()
      await once(socket, "close")
    }
  }
}

export const peer: Peer = { connect }
