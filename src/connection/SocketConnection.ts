/**
 * A connection over any `Socket` of Effect. The program that makes the socket chooses its implementation, and whether closing it is
 * awaited.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import { ConnectFailed, LdapError, ProtocolViolation, SessionEnd } from "../model/LdapError.ts"
import { EffectDuplex } from "./EffectDuplex.ts"
import type { ConnectionEnd, LdapConnection, Protection } from "./LdapConnection.ts"
import type { Secret, TlsOptions } from "./tls/LdapTls.ts"

export const open = Effect.fnUntraced(function*(
  socket: Socket.Socket,
  options: { readonly server: string; readonly protection: Protection }
): Effect.fn.Return<LdapConnection, LdapError, Scope.Scope> {
  const refuse = (reason: ConstructorParameters<typeof ConnectFailed>[0]) =>
    new LdapError({ reason: new ConnectFailed(reason), operation: "connect", server: options.server })
  const fail = (kind: "tls" | "other") => (cause: Socket.SocketError) =>
    refuse({ kind, detail: messageOf(cause), cause })
  const scope = yield* Effect.scope
  const reader = yield* Effect.mapError(socket.reader, fail("other"))
  // A separate scope: closing it tells a Socket to close its side.
  const writerScope = yield* Scope.fork(scope)
  const writer = yield* Scope.provide(socket.writer, writerScope)
  const duplex = new EffectDuplex({
    read: Effect.catch(Effect.map(reader.pull, octets), (error) => Effect.fail(endOf(error))),
    // The reader reports the end of the connection.
    write: (chunk) => Effect.ignore(writer.write(chunk)),
    shutdown: Scope.close(writerScope, Exit.void)
  }, yield* Effect.context<never>())
  yield* Scope.addFinalizer(scope, duplex.stop)
  const clearText = new LdapError({
    reason: new ProtocolViolation({ detail: "bytes in clear text arrived before the TLS handshake" }),
    operation: "startTls",
    server: options.server
  })
  let protection = options.protection
  return {
    get protection() {
      return protection
    },
    host: hostOf(options.server),
    // A Socket doesn't report the result of its TLS handshake.
    tls: undefined,
    channelBinding: () => undefined,
    receive: (receiver) => duplex.receive(receiver),
    pause: () => duplex.pause(),
    resume: () => duplex.resume(),
    write: (chunk) => duplex.write(chunk),
    shutdown: (done) => duplex.shutdown(done),
    startTls: (tls) => {
      const unknown = Object.keys(tls).filter((name) =>
        !knownOptions.has(name) && tls[name as keyof TlsOptions] !== undefined
      )
      if (unknown.length > 0) {
        // Refused, since an option must not be ignored silently.
        const detail = `a socket can't be told ${
          unknown.join(", ")
        }; open the session by a URL, or protect the socket itself`
        return Result.fail(refuse({ kind: "tls", detail }))
      }
      return Result.succeed(
        Effect.suspend(() =>
          duplex.hasUnread ? Effect.fail(clearText) : Effect.mapError(reader.upgrade(upgradeOptions(tls)), fail("tls"))
        ).pipe(
          Effect.tap(() =>
            Effect.sync(() => {
              protection = "tls"
            })
          )
        )
      )
    }
  }
})

/** The server's name in its URL, or the whole text if it isn't a URL. */
const hostOf = (server: string): string => (URL.canParse(server) ? new URL(server).hostname : server)

const encoder = new TextEncoder()

const octets = (chunks: ReadonlyArray<Uint8Array | string>): ReadonlyArray<Uint8Array> =>
  chunks.map((chunk) => (typeof chunk === "string" ? encoder.encode(chunk) : chunk))

const messageOf = (error: Socket.SocketError): string =>
  "cause" in error.reason && error.reason.cause instanceof Error ? error.reason.cause.message : error.message

const endOf = (cause: Socket.SocketError): ConnectionEnd =>
  SessionEnd.ConnectionLost({
    detail: cause.reason._tag === "SocketCloseError" && cause.reason.code === 1000
      ? "the server closed it"
      : messageOf(cause),
    cause
  })

/** The TLS options that Effect's upgrade supports. For other options, use a URL instead of a socket. */
const knownOptions = new Set(["ca", "cert", "key", "passphrase", "rejectUnauthorized", "servername"])

const upgradeOptions = (tls: TlsOptions): Socket.TlsUpgradeOptions => ({
  servername: tls.servername,
  rejectUnauthorized: tls.rejectUnauthorized ?? true,
  ca: tls.ca,
  cert: tls.cert,
  key: redacted<string | Uint8Array>(tls.key),
  passphrase: redacted(tls.passphrase)
})

const redacted = <A>(secret: Secret<A> | undefined): Redacted.Redacted<A> | undefined =>
  secret === undefined || Redacted.isRedacted(secret)
    ? secret as Redacted.Redacted<A> | undefined
    : Redacted.make(secret)
