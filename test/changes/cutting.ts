/**
 * A relay to a server. Its connections can be cut without affecting other tests that use the server.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"

export interface Relay {
  readonly port: number
  /** Breaks all connections, as a network failure does. */
  readonly cut: Effect.Effect<void>
  /** How many connections were made. */
  readonly count: () => number
}

export const relayTo = (port: number, host: string): Effect.Effect<Relay, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Relay & { readonly close: () => void }>((resume) => {
      const open = new Set<Socket>()
      let count = 0
      const server = createServer((client) => {
        count++
        const upstream = connect(port, host)
        for (const socket of [client, upstream]) {
          open.add(socket)
          socket.setNoDelay(true)
          socket.once("close", () => open.delete(socket))
          socket.on("error", () => {})
        }
        client.pipe(upstream).pipe(client)
        client.once("close", () => upstream.destroy())
        upstream.once("close", () => client.destroy())
      })
      const cut = () => {
        for (const socket of open) socket.resetAndDestroy()
      }
      server.listen(0, "127.0.0.1", () =>
        resume(Effect.succeed({
          port: (server.address() as AddressInfo).port,
          cut: Effect.sync(cut),
          count: () => count,
          close: () => {
            cut()
            server.close()
          }
        })))
    }),
    ({ close }) => Effect.sync(close)
  )
