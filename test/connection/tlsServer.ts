/** A TLS server of Node for one test. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Net from "node:net"
import * as Tls from "node:tls"

export interface TlsServer {
  readonly url: string
  readonly listening: Tls.Server
}

/** Listens until the scope closes, and then ends all of its connections. `onClient` is called after each handshake. */
export const listenTls = (
  options: Tls.TlsOptions,
  onClient: (socket: Tls.TLSSocket) => void
): Effect.Effect<TlsServer, never, Scope.Scope> =>
  Effect.gen(function*() {
    const sockets = new Set<Net.Socket>()
    const listening = Tls.createServer(options, (socket) => {
      socket.on("error", () => {})
      onClient(socket)
    })
    listening.on("tlsClientError", () => {})
    listening.on("connection", (socket: Net.Socket) => sockets.add(socket))
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void listening.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () =>
        Effect.callback<void>((resume) => {
          for (const socket of sockets) socket.destroy()
          listening.close(() => resume(Effect.void))
        })
    )
    const { port } = listening.address() as Net.AddressInfo
    return { url: `ldaps://127.0.0.1:${port}`, listening }
  })
