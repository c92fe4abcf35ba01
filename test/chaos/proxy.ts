/**
 * A proxy in front of a server, on its own port, that simulates a bad network: latency, small segments, low bandwidth, resets, and
 * silence. It parses the requests of clients, so it knows for each connection what was requested and how it ended.
 */
import * as Net from "node:net"
import { LdapParser } from "../../src/protocol/LdapCodec.ts"

/** The faults of one connection, chosen at random when it is made. */
export interface Faults {
  /** The maximum delay before each segment. */
  readonly latencyMillis?: number | undefined
  /** The maximum number of bytes in a segment. */
  readonly slice?: number | undefined
  readonly bytesPerSecond?: number | undefined
  /** The number of bytes in one direction after which both sides are reset. */
  readonly resetAfter?: number | undefined
  /** The number of bytes in one direction after which nothing more is forwarded. */
  readonly silentAfter?: number | undefined
  /** Whether the connection is reset as soon as it is made. */
  readonly refuses?: boolean | undefined
}

export interface ConnectionRecord {
  /** The requests, in their order. */
  readonly kinds: Array<string>
  unbinds: number
  bytesAfterUnbind: number
  /** The side that ended it first. */
  endedBy: "client" | "peer" | undefined
  /** Why the client's bytes are not LDAP. */
  violation: string | undefined
}

export interface Proxy {
  readonly url: string
  readonly records: ReadonlyArray<ConnectionRecord>
  /** Resets all connections that the client has not ended. */
  readonly cut: () => void
  /** Connections that the client has not ended. */
  readonly open: () => number
  readonly close: () => Promise<void>
}

const pause = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

/**
 * While the end of a side is being passed to the kernel, libuv refuses a reset (EINVAL), and Node then emits no `close` event: the
 * connection would count as open forever.
 */
const resetSocket = (socket: Net.Socket): void => {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy()
  else socket.resetAndDestroy()
}

export const startProxy = async (target: () => number, draw: () => Faults): Promise<Proxy> => {
  const records: Array<ConnectionRecord> = []
  const live = new Set<() => void>()
  const sockets = new Set<Net.Socket>()

  const server = Net.createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    sockets.add(near)
    near.on("close", () => sockets.delete(near))
    const faults = draw()
    const record: ConnectionRecord = {
      kinds: [],
      unbinds: 0,
      bytesAfterUnbind: 0,
      endedBy: undefined,
      violation: undefined
    }
    records.push(record)
    near.on("error", () => {
      record.endedBy ??= "client"
    })
    if (faults.refuses === true) {
      record.endedBy = "peer"
      resetSocket(near)
      return
    }
    const far = Net.connect({ host: "127.0.0.1", port: target(), allowHalfOpen: true, noDelay: true })
    const reset = (): void => {
      record.endedBy ??= "peer"
      resetSocket(near)
      resetSocket(far)
    }
    live.add(reset)
    // The client has finished with the connection. The server handles the rest.
    near.on("end", () => live.delete(reset))
    near.on("close", () => {
      live.delete(reset)
      setTimeout(() => far.destroy(), 100).unref()
    })
    far.on("error", reset)
    // The end of the client is only seen after the bytes before it.
    far.on("close", () => near.resume())

    const parser = new LdapParser()
    let isSilent = false
    const forward = (from: Net.Socket, to: Net.Socket, isRequest: boolean): void => {
      const queue: Array<Buffer> = []
      let isRunning = false
      let isEnding = false
      let total = 0
      const finish = (): void => {
        if (isEnding && !isSilent) to.end()
      }
      const run = async (): Promise<void> => {
        isRunning = true
        for (let chunk = queue.shift(); chunk !== undefined && !to.destroyed; chunk = queue.shift()) {
          for (let at = 0; at < chunk.length && !to.destroyed && !isSilent;) {
            const most = Math.min(faults.slice ?? Infinity, (faults.bytesPerSecond ?? Infinity) / 50)
            const segment = chunk.subarray(at, at + Math.max(1, Math.floor(Math.min(most, chunk.length - at))))
            if (faults.latencyMillis !== undefined) await pause(Math.random() * faults.latencyMillis)
            if (faults.bytesPerSecond !== undefined) await pause(20)
            if (to.destroyed) break
            to.write(segment)
            at += segment.length
            total += segment.length
            if (faults.resetAfter !== undefined && total >= faults.resetAfter) return reset()
            if (faults.silentAfter !== undefined && total >= faults.silentAfter) {
              isSilent = true
              record.endedBy ??= "peer"
            }
          }
          if (queue.length < 16) from.resume()
        }
        isRunning = false
        finish()
      }
      from.on("data", (chunk) => {
        // The client's bytes are checked as they arrive, whether they are forwarded or not.
        if (isRequest) {
          if (record.unbinds > 0) record.bytesAfterUnbind += chunk.length
          const failure = parser.push(chunk, ({ operation }) => {
            record.kinds.push(operation._tag)
            if (operation._tag === "UnbindRequest") record.unbinds++
          })
          if (failure !== undefined) record.violation ??= failure.message
        }
        if (to.destroyed || isSilent) return
        queue.push(chunk)
        if (queue.length >= 32) from.pause()
        if (!isRunning) void run()
      })
      from.on("end", () => {
        record.endedBy ??= isRequest ? "client" : "peer"
        isEnding = true
        if (isRequest && isSilent) return void near.destroy()
        if (!isRunning) finish()
      })
    }
    forward(near, far, true)
    forward(far, near, false)
  })

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as Net.AddressInfo
  return {
    url: `ldap://127.0.0.1:${port}`,
    records,
    cut: () => {
      for (const reset of live) reset()
    },
    open: () => live.size,
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    }
  }
}
