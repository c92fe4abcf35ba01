/**
 * A connection over any `Socket` of Effect. What the socket is made of, and whether its closing is awaited, is up to whoever
 * made it.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import type { ConnectionOptions } from "node:tls"
import { ConnectFailed, LdapError } from "../model/LdapError.ts"
import { ConnectionEnd, type LdapConnection, type Protection } from "./LdapConnection.ts"

export const open = Effect.fnUntraced(function*(
  socket: Socket.Socket,
  options: { readonly server: string; readonly protection: Protection }
): Effect.fn.Return<LdapConnection, LdapError, Scope.Scope> {
  const fail = (kind: "tls" | "other") => (cause: Socket.SocketError) =>
    new LdapError({
      reason: new ConnectFailed({ kind, detail: messageOf(cause), cause }),
      operation: "connect",
      server: options.server
    })
  const scope = yield* Effect.scope
  const reader = yield* Effect.mapError(socket.reader, fail("other"))
  // A scope of its own, since closing it is how a Socket is told to close its side.
  const writerScope = yield* Scope.fork(scope)
  const writer = yield* Scope.provide(socket.writer, writerScope)
  let protection = options.protection
  return {
    get protection() {
      return protection
    },
    host: hostOf(options.server),
    // A Socket doesn't tell of its TLS.
    channelBinding: () => undefined,
    read: Effect.catch(Effect.map(reader.pull, octets), (error) => Effect.fail(endOf(error))),
    write: (chunk) => Effect.ignore(writer.write(chunk)),
    shutdown: Scope.close(writerScope, Exit.void),
    startTls: (tls) =>
      reader.upgrade(upgradeOptions(tls)).pipe(
        Effect.mapError(fail("tls")),
        Effect.tap(() =>
          Effect.sync(() => {
            protection = "tls"
          })
        )
      )
  }
})

/** The server's name in its URL, or the whole where it is none. */
const hostOf = (server: string): string => (URL.canParse(server) ? new URL(server).hostname : server)

const encoder = new TextEncoder()

const octets = (chunks: ReadonlyArray<Uint8Array | string>): ReadonlyArray<Uint8Array> =>
  chunks.map((chunk) => (typeof chunk === "string" ? encoder.encode(chunk) : chunk))

const messageOf = (error: Socket.SocketError): string =>
  "cause" in error.reason && error.reason.cause instanceof Error ? error.reason.cause.message : error.message

const endOf = (cause: Socket.SocketError): ConnectionEnd =>
  cause.reason._tag === "SocketCloseError" && cause.reason.code === 1000
    ? new ConnectionEnd({ clean: true, detail: "the server closed it", cause })
    : new ConnectionEnd({ clean: false, detail: messageOf(cause), cause })

/** What an upgrade of Effect's can be told; other options are Node's own and need a URL instead of a socket. */
const upgradeOptions = (tls: ConnectionOptions): Socket.TlsUpgradeOptions => ({
  servername: tls.servername,
  rejectUnauthorized: tls.rejectUnauthorized ?? true,
  ca: tls.ca,
  cert: tls.cert,
  key: typeof tls.key === "string" || tls.key instanceof Uint8Array ? Redacted.make(tls.key) : undefined,
  passphrase: tls.passphrase === undefined ? undefined : Redacted.make(tls.passphrase)
})
