/**
 * Connections over sockets of Node: TCP, TLS and unix sockets.
 *
 * The session decides when to read; this file sees to it that a socket which nobody reads is paused, that a half-closed one
 * stays so, and that a closed scope leaves nothing behind.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"
import * as Tls from "node:tls"
import { tlsExporter, tlsServerEndPoint } from "../auth/channelBinding.ts"
import type { ChannelBindingType } from "../auth/SaslMechanism.ts"
import { ConnectFailed, LdapError, ProtocolViolation } from "../model/LdapError.ts"
import { ConnectionEnd, type LdapConnection, type Protection } from "./LdapConnection.ts"
import type { TlsOptions, TlsSession } from "./LdapTls.ts"
import * as TlsHandshake from "./tlsHandshake.ts"

/** Where to connect to, and how. */
export interface NodeTarget {
  /** The URL, for messages. */
  readonly server: string
  readonly address: { readonly host: string; readonly port: number } | { readonly path: string }
  /** TLS from the first octet, as ldaps asks for. */
  readonly tls: TlsOptions | undefined
  /** Idle milliseconds before TCP probes the peer; 0 for never. */
  readonly keepAlive: number
}

/**
 * Connects, TLS included. Interruption stops the attempt where it stands; addresses of a name are tried as RFC 8305 says
 * (happy eyeballs).
 */
export const connect = Effect.fnUntraced(
  function*(target: NodeTarget): Effect.fn.Return<LdapConnection, LdapError, Scope.Scope> {
    const fail = failure(target.server)
    const prepared = target.tls === undefined ? undefined : yield* Effect.fromResult(prepare(target, target.tls))
    const { connected, connection } = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const socket = Net.connect(connectOptions(target))
        return { connection: new NodeConnection(socket, target), connected: outcomeOf(socket, "connect") }
      }),
      ({ connection }) => connection.destroy
    )
    yield* Effect.mapError(Deferred.await(connected), (cause) => fail(describeConnect(cause, target)))
    if (prepared !== undefined) yield* connection.handshake(prepared)
    return connection
  }
)

const connectOptions = ({ address, keepAlive }: NodeTarget): Net.NetConnectOpts => ({
  ...address,
  // A peer that has closed its side must not make Node close ours: when that happens is the session's decision.
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: keepAlive > 0,
  keepAliveInitialDelay: keepAlive,
  autoSelectFamily: true
})

const hostOf = ({ address }: NodeTarget): string => ("host" in address ? address.host : "localhost")

const prepare = (target: NodeTarget, options: TlsOptions): Result.Result<TlsHandshake.Prepared, LdapError> =>
  Result.try({
    try: () => TlsHandshake.prepare(options, hostOf(target)),
    catch: (cause) =>
      failure(target.server)({ kind: "tls", detail: `unusable TLS options: ${messageOf(cause)}`, cause })
  })

const ignore = (): void => {}

/** Completes when the handle is closed, not when it is about to be. */
const destroy = (socket: Net.Socket): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (socket.closed) return resume(Effect.void)
    socket.once("close", () => resume(Effect.void))
    socket.destroy()
  })

/**
 * What becomes of an attempt. To be asked for in the moment in which the attempt begins: between two steps of a fiber it may have
 * been decided, and events don't wait.
 */
const outcomeOf = (socket: Net.Socket, event: "connect" | "secureConnect"): Deferred.Deferred<void, Error> => {
  const outcome = Deferred.makeUnsafe<void, Error>()
  const done = (exit: Exit.Exit<void, Error>) => {
    socket.off(event, onEvent)
    socket.off("error", onError)
    socket.off("close", onClose)
    Deferred.doneUnsafe(outcome, exit)
  }
  const onEvent = () => done(Exit.void)
  const onError = (cause: Error) => done(Exit.fail(cause))
  const onClose = () => done(Exit.fail(new Error("the peer closed the connection")))
  socket.on(event, onEvent)
  socket.on("error", onError)
  socket.on("close", onClose)
  return outcome
}

class NodeConnection implements LdapConnection {
  readonly #raw: Net.Socket
  readonly #target: NodeTarget
  /** What is read and written: the raw socket, or TLS above it. */
  #socket: Net.Socket
  /** As long as it isn't known where the socket leads, it leads away from this machine. */
  #protection: Protection = "none"
  #tls: (() => TlsSession) | undefined
  #chunks: Array<Uint8Array> = []
  #end: ConnectionEnd | undefined
  #reader: ((effect: Effect.Effect<ReadonlyArray<Uint8Array>, ConnectionEnd>) => void) | undefined

  constructor(socket: Net.Socket, target: NodeTarget) {
    this.#raw = socket
    this.#socket = socket
    this.#target = target
    socket.once("connect", () => {
      if (isLocal(socket)) this.#protection = "local"
    })
    this.#listen()
  }

  get protection(): Protection {
    return this.#protection
  }

  get tls(): TlsSession | undefined {
    return this.#tls?.()
  }

  get host(): string {
    return hostOf(this.#target)
  }

  get port(): number | undefined {
    return "port" in this.#target.address ? this.#target.address.port : undefined
  }

  channelBinding(type: ChannelBindingType): Uint8Array | undefined {
    if (!(this.#socket instanceof Tls.TLSSocket)) return undefined
    if (type === "tls-exporter") return tlsExporter(this.#socket)
    const certificate = this.tls?.peer
    return certificate === undefined ? undefined : tlsServerEndPoint(certificate.raw)
  }

  get destroy(): Effect.Effect<void> {
    return Effect.suspend(() =>
      this.#socket === this.#raw ? destroy(this.#raw) : Effect.andThen(destroy(this.#socket), destroy(this.#raw))
    )
  }

  readonly read = Effect.callback<ReadonlyArray<Uint8Array>, ConnectionEnd>((resume) => {
    if (this.#chunks.length > 0) {
      const chunks = this.#chunks
      this.#chunks = []
      return resume(Effect.succeed(chunks))
    }
    if (this.#end !== undefined) return resume(Effect.fail(this.#end))
    this.#reader = resume
    if (this.#socket.isPaused()) this.#socket.resume()
    return Effect.sync(() => {
      if (this.#reader === resume) this.#reader = undefined
    })
  })

  write(octets: Uint8Array): Effect.Effect<void> {
    return Effect.suspend(() =>
      this.#socket.write(octets)
        ? Effect.void
        : Effect.callback((resume) => {
          const socket = this.#socket
          const done = () => {
            stop()
            resume(Effect.void)
          }
          const stop = () => {
            socket.off("drain", done)
            socket.off("close", done)
          }
          // There may be room again by now.
          if (socket.destroyed || !socket.writableNeedDrain) return resume(Effect.void)
          socket.on("drain", done)
          socket.on("close", done)
          return Effect.sync(stop)
        })
    )
  }

  readonly shutdown = Effect.callback<void>((resume) => {
    const socket = this.#socket
    const done = () => {
      socket.off("close", done)
      resume(Effect.void)
    }
    if (socket.destroyed || socket.writableFinished) return resume(Effect.void)
    socket.once("close", done)
    socket.end(done)
    return Effect.sync(() => socket.off("close", done))
  })

  startTls(options: TlsOptions): Result.Result<Effect.Effect<void, LdapError>, LdapError> {
    return Result.map(prepare(this.#target, options), (prepared) => this.handshake(prepared))
  }

  handshake(prepared: TlsHandshake.Prepared): Effect.Effect<void, LdapError> {
    return Effect.suspend(() => {
      const fail = failure(this.#target.server)
      if (this.#socket !== this.#raw) return Effect.die(new Error("TLS was started twice"))
      if (this.#chunks.length > 0 || this.#raw.readableLength > 0) {
        return Effect.fail(
          new LdapError({
            reason: new ProtocolViolation({ detail: "octets in clear text arrived before the TLS handshake" }),
            operation: "startTls",
            server: this.#target.server
          })
        )
      }
      this.#unlisten()
      let tls: Tls.TLSSocket
      try {
        tls = Tls.connect({ ...prepared.node, socket: this.#raw })
      } catch (cause) {
        return Effect.fail(fail({ kind: "tls", detail: `unusable TLS options: ${messageOf(cause)}`, cause }))
      }
      this.#socket = tls
      this.#listen()
      return Deferred.await(outcomeOf(tls, "secureConnect")).pipe(
        Effect.mapError((cause) => fail(describeTls(cause))),
        // While the server is judged it may go, and must not be read.
        Effect.flatMap(() => {
          const negotiated = TlsHandshake.negotiatedOn(tls)
          return Effect.andThen(
            Effect.mapError(prepared.judge(negotiated), (refusal) => fail({ kind: "tls", ...refusal })),
            Effect.sync(() => {
              this.#protection = "tls"
              this.#tls = negotiated
            })
          )
        })
      )
    })
  }

  /** From the moment at which the socket exists, so that nothing is missed; it waits until somebody reads. */
  #listen(): void {
    const socket = this.#socket
    socket.on("data", this.#onData)
    socket.on("end", this.#onEnd)
    socket.on("error", this.#onError)
    socket.on("close", this.#onClose)
    // Never taken off: an error that comes when nobody listens any more must not end the process.
    socket.on("error", ignore)
    socket.pause()
  }

  #unlisten(): void {
    this.#socket.off("data", this.#onData)
    this.#socket.off("end", this.#onEnd)
    this.#socket.off("error", this.#onError)
    this.#socket.off("close", this.#onClose)
  }

  // The reader runs inside of `resume` and usually asks for more before it returns; only if it doesn't, the socket waits.
  readonly #onData = (chunk: Uint8Array): void => {
    const resume = this.#reader
    if (resume === undefined) {
      this.#chunks.push(chunk)
    } else {
      this.#reader = undefined
      resume(Effect.succeed([chunk]))
    }
    if (this.#reader === undefined) this.#socket.pause()
  }

  readonly #onEnd = (): void => this.#finish(() => new ConnectionEnd({ clean: true, detail: "the server closed it" }))

  readonly #onError = (cause: Error): void =>
    this.#finish(() => new ConnectionEnd({ clean: false, detail: messageOf(cause), cause }))

  readonly #onClose = (): void =>
    this.#finish(() => new ConnectionEnd({ clean: false, detail: "the socket was closed" }))

  /** A function, since every end comes with a `close` after it, and an error costs its stack. */
  #finish(end: () => ConnectionEnd): void {
    this.#end ??= end()
    const resume = this.#reader
    if (resume === undefined) return
    this.#reader = undefined
    resume(Effect.fail(this.#end))
  }
}

/** Unix sockets and loopback addresses don't leave the machine. */
const isLocal = (socket: Net.Socket): boolean => {
  const address = socket.remoteAddress
  return address === undefined || /^(::ffff:)?127\./.test(address) || address === "::1"
}

// ---------------------------------------------------------------------------------------------------------------------
// Messages that say what to do
// ---------------------------------------------------------------------------------------------------------------------

type Failure = { readonly kind: ConnectFailed["kind"]; readonly detail: string; readonly cause?: unknown }

const failure = (server: string) => (reason: Failure): LdapError =>
  new LdapError({ reason: new ConnectFailed(reason), operation: "connect", server })

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** OpenSSL's messages are a line of its own log, whose reason Node gives apart; others may end in a list that is empty. */
const tlsMessageOf = (cause: Error): string =>
  "reason" in cause && "library" in cause ? String(cause.reason) : cause.message.replace(/[\s:]+$/, "")

const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : ""

const describeConnect = (cause: Error, { address }: NodeTarget): Failure => {
  // Node tries several addresses and then reports all failures together.
  const causes: ReadonlyArray<unknown> = cause instanceof AggregateError ? cause.errors : [cause]
  const code = codeOf(cause) || codeOf(causes[0])
  const where = "path" in address ? address.path : `${address.host} port ${address.port}`
  const said = [...new Set(causes.map(messageOf))].join("; ")
  switch (code) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EAI_NODATA":
      return {
        kind: "dns",
        detail: `the name ${
          "host" in address ? address.host : where
        } has no address (${said}); check the host in the URL`,
        cause
      }
    case "ECONNREFUSED":
      return { kind: "refused", detail: `nothing listens on ${where} (${said}); is the server running?`, cause }
    case "ENOENT":
    case "EACCES":
      return {
        kind: "refused",
        detail: `the socket ${where} can't be opened (${said}); is the server running, and may this user open it?`,
        cause
      }
    case "ETIMEDOUT":
      return { kind: "timeout", detail: `${where} doesn't answer (${said}); is a firewall between?`, cause }
    default:
      return { kind: "other", detail: `${where}: ${said}`, cause }
  }
}

const describeTls = (cause: Error): Failure => {
  const said = tlsMessageOf(cause)
  switch (codeOf(cause)) {
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return { kind: "tls", detail: `the certificate is for another host: ${said}; use a name that it has`, cause }
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
      return {
        kind: "tls",
        detail: `the certificate's time is not now: ${said}; the server needs another, or a clock is wrong`,
        cause
      }
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      return { kind: "tls", detail: `the certificate's issuer is not trusted: ${said}; give the CA in tls.ca`, cause }
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return { kind: "tls", detail: `the port doesn't speak TLS (${said}); ldaps is usually on port 636`, cause }
    default:
      return { kind: "tls", detail: `the TLS handshake failed: ${said}`, cause }
  }
}
