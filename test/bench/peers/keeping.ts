/**
 * The floor of a large value: a Node socket without TLS that reads into one buffer, as a session does, and copies what arrives into
 * another of the size that the message announces. It decodes that size alone, and keeps the last message.
 */
import { once } from "node:events"
import * as Net from "node:net"
import { bindRequest, search } from "./floor.ts"
import type { Client, Peer, Target } from "./Peer.ts"

/** The size of a message that is longer than 127 bytes. */
const sizeOf = (start: Buffer): number => 2 + (start[1]! & 0x7f) + start.readUIntBE(2, start[1]! & 0x7f)

const connect = async (target: Target): Promise<Client> => {
  const { hostname, port } = new URL(target.url)
  const read = Buffer.allocUnsafeSlow(64 * 1024)
  let onBytes = (_count: number): void => {}
  const callback = (count: number): boolean => {
    onBytes(count)
    return true
  }
  const socket = Net.connect({ host: hostname, port: Number(port), noDelay: true, onread: { buffer: read, callback } })
  await once(socket, "connect")
  // All have one message id: one follows the other.
  await new Promise<void>((resolve) => {
    onBytes = () => resolve()
    socket.write(bindRequest(target))
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
        socket.write(search(base, "subtree"))
      }),
    close: async () => {
      socket.end()
      await once(socket, "close")
    }
  }
}

export const peer: Peer = { connect }
