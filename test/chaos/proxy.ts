/**
 * A proxy in front of a server, on a port of its own, that does to connections what networks do: latency, segments of few bytes, little
 * bandwidth, resets, and silence. It reads what clients send, so that it knows of each connection what was asked, and how it ended.
 */
import * as Net from "node:net"
import { LdapParser } from "../../src/protocol/LdapCodec.ts"

/** Drawn for each connection when it is made. */
export interface Faults {
  /** Before each segment, at most. */
  readonly latencyMillis?: number | undefined
  /** Bytes of a segment, at most. */
  readonly slice?: number | undefined
  readonly bytesPerSecond?: number | undefined
  /** Bytes of one direction after which both sides are reset. */
  readonly resetAfter?: number | undefined
  /** Bytes of one direction after which nothing is forwarded any more. */
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
  /** Why what the client sent is no LDAP. */
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
 * While the end of a side is on its way to the kernel, libuv refuses a reset (EINVAL), and Node then emits no `close` at all: the
 * connection would count as open for ever.
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
    // The client is done with it; what becomes of the rest is the server's business.
    near.on("end", () => live.delete(reset))
    near.on("close", () => {
      live.delete(reset)
      setTimeout(() => far.destroy(), 100).unref()
    })
    far.on("error", reset)
    // So that the end of the client is seen, which comes behind what it has sent.
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
        // What a client sends is judged as it arrives, whatever becomes of it.
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
