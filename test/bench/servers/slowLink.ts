/**
 * A link with low bandwidth in front of a server, shared by all its connections. The bytes of the server wait in one queue, with a
 * small part of each connection at a time, as in a router.
 */
import * as Net from "node:net"

export interface SlowLink {
  readonly url: string
  readonly close: () => void
}

/** The bytes of one turn on the link, and the maximum number of waiting bytes of a connection. */
const turn = 4096
const mostWaiting = 16 * turn

export const startSlowLink = async (port: number, bytesPerSecond: number): Promise<SlowLink> => {
  const queue: Array<{ readonly bytes: Buffer; readonly done: (bytes: Buffer) => void }> = []
  const sockets = new Set<Net.Socket>()
  let credit = 0
  let at = performance.now()
  const ticking = setInterval(() => {
    const now = performance.now()
    // Unused bandwidth is lost, as on a wire.
    credit = queue.length === 0 ? 0 : credit + ((now - at) / 1000) * bytesPerSecond
    at = now
    while (queue.length > 0 && credit > 0) {
      const { bytes, done } = queue.shift()!
      credit -= bytes.length
      done(bytes)
    }
  }, 1)

  const server = Net.createServer({ noDelay: true }, (near) => {
    const far = Net.connect({ host: "127.0.0.1", port, noDelay: true })
    sockets.add(near).add(far)
    let waiting = 0
    far.on("data", (chunk) => {
      for (let i = 0; i < chunk.length; i += turn) {
        const bytes = chunk.subarray(i, i + turn)
        waiting += bytes.length
        queue.push({
          bytes,
          done: (bytes) => {
            waiting -= bytes.length
            if (waiting < mostWaiting) far.resume()
            near.write(bytes)
          }
        })
      }
      if (waiting >= mostWaiting) far.pause()
    })
    near.on("data", (chunk) => void far.write(chunk))
    for (const [one, other] of [[near, far], [far, near]] as const) {
      one.on("error", () => {})
      one.on("close", () => other.destroy())
      one.on("end", () => other.end())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `ldap://127.0.0.1:${(server.address() as Net.AddressInfo).port}`,
    close: () => {
      clearInterval(ticking)
      for (const socket of sockets) socket.destroy()
      server.close()
    }
  }
}
