/**
 * A directory on a TCP port, for clients outside of the test's process.
 */
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import type { SocketServerError } from "effect/socket/SocketServer"
import { type TlsOptions, TLSSocket } from "node:tls"
import type { ConnectionOptions, StartTlsOptions } from "./connection/ConnectionOptions.ts"

/** The part of a directory that is needed here. */
export interface Served {
  /** Serves one connection until it ends. */
  readonly serve: (
    socket: Socket.Socket,
    options?: ConnectionOptions & { readonly reset?: Effect.Effect<void> | undefined }
  ) => Effect.Effect<void>
}

/**
 * Serves a directory over TCP until the scope closes.
 *
 * **Details**
 *
 * The default is a free port of the loopback interface. With `tls`, the options of Node's `tls.createServer`, the port speaks
 * LDAP over TLS (ldaps). With `startTls` it offers StartTLS. Fails if the port can't be opened.
 *
 * If `tls` asks for client certificates (`requestCert`) and one is verified, SASL EXTERNAL binds its subject.
 *
 * @category constructors
 * @since 0.1.0
 */
export const listen = Effect.fnUntraced(function*(
  directory: Served,
  options?: {
    readonly port?: number | undefined
    readonly host?: string | undefined
    readonly tls?: TlsOptions | undefined
    readonly startTls?: StartTlsOptions | undefined
  }
): Effect.fn.Return<{ readonly url: string; readonly port: number }, SocketServerError, Scope.Scope> {
  const host = options?.host ?? "127.0.0.1"
  const address = { host, port: options?.port ?? 0 }
  const server = yield* options?.tls === undefined
    ? NodeSocketServer.make(address)
    : NodeSocketServer.makeTls({ ...options.tls, ...address })
  const serving = Effect.fnUntraced(function*(socket: Socket.Socket) {
    const connection = yield* Effect.serviceOption(NodeSocket.NetSocket)
    // Otherwise the second write of an answer waits until the client acknowledges the first, which clients delay by 40 ms.
    if (Option.isSome(connection)) connection.value.setNoDelay(true)
    const reset = Effect.sync(() => {
      // Under TLS, Node can't reset the connection. It ends it without TLS's close_notify instead.
      if (Option.isNone(connection)) return
      // A socket that has already begun to end isn't reset: the reset would fail, and the socket would never close.
      if (connection.value instanceof TLSSocket || connection.value.writableEnded) connection.value.destroy()
      else connection.value.resetAndDestroy()
    })
    const external = Option.isSome(connection) ? subjectOf(connection.value) : undefined
    yield* directory.serve(socket, { external, reset, startTls: options?.startTls }).pipe(
      // Otherwise a client that doesn't read would keep its connection open, and the server couldn't end.
      Effect.onInterrupt(() => Effect.sync(() => Option.isSome(connection) ? connection.value.destroy() : undefined))
    )
  })
  yield* Effect.forkScoped(server.run(serving), { startImmediately: true })
  const port = "port" in server.address ? server.address.port : address.port
  const scheme = options?.tls === undefined ? "ldap" : "ldaps"
  return { url: `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`, port }
})

/** The subject of a client's certificate as a distinguished name. Node lists the top of the tree first. */
const subjectOf = (socket: unknown): string | undefined =>
  socket instanceof TLSSocket && socket.authorized
    ? socket.getPeerX509Certificate()?.subject.split("\n").reverse().join(",")
    : undefined
