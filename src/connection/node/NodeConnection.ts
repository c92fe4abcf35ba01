/**
 * Connections over Node sockets: TCP, TLS and unix sockets.
 *
 * The session decides when to read. This file pauses a socket while the session doesn't read, keeps a half-closed socket
 * half-closed, and releases everything when the scope closes.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Net from "node:net"
import type * as Tls from "node:tls"
import { tlsExporter, tlsServerEndPoint } from "../../auth/channelBinding.ts"
import type { ChannelBindingType } from "../../auth/SaslMechanism.ts"
import { LdapError, ProtocolViolation, SessionEnd } from "../../model/LdapError.ts"
import { messageOf } from "../../model/messageOf.ts"
import type { ConnectionEnd, LdapConnection, Protection, Receiver } from "../LdapConnection.ts"
import type { TlsOptions, TlsSession } from "../tls/LdapTls.ts"
import { nodeTls } from "../tls/nodeTls.ts"
import * as TlsHandshake from "../tls/tlsHandshake.ts"
import { type Address, closedByPeer, describeLoss, describeTls, failure } from "./connectFailures.ts"
import { destroy, isLocal, isLoopback, isOpen, isTls, isTlsAlert } from "./sockets.ts"

/** The target of a connection and its options. */
export interface NodeTarget {
  /** The URL, for error messages. */
  readonly server: string
  readonly address: Address
  /** Options for TLS from the first byte, as ldaps needs it. */
  readonly tls: TlsOptions | undefined
  /** Idle time in milliseconds before TCP probes the peer; 0 for never. */
  readonly keepAlive: number
  /** The local address of the connection; `undefined` to let the system choose. */
  readonly localAddress?: string | undefined
  /** The name of the server, if the address doesn't have it. */
  readonly hostName?: string | undefined
  /** Time limit in milliseconds for the TLS handshake alone; `undefined` for none. */
  readonly tlsTimeout?: number | undefined
  /** Returns an open socket to use instead of connecting to `address`. If it already speaks TLS, `tls` must be missing. */
  readonly open?: (() => Net.Socket) | undefined
  /** Returns the TLS socket above another socket. Default: `tls.connect`. */
  readonly secure?: ((options: Tls.ConnectionOptions) => Tls.TLSSocket) | undefined
}

const connectOptions = (
  address: Address,
  { keepAlive, localAddress }: NodeTarget,
  onread: Net.OnReadOpts | undefined
): Net.NetConnectOpts => {
  const options = {
    // When the peer closes its side, Node must not close ours automatically: the session decides when that happens.
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: keepAlive > 0,
    keepAliveInitialDelay: keepAlive,
    onread
  }
  return "path" in address
    ? { ...options, path: address.path }
    : { ...options, host: address.host, port: address.port, localAddress }
}

/**
 * The name of the server for its certificate, for SNI and for SASL mechanisms. The final dot of a fully qualified name is removed,
 * since only DNS uses it (RFC 6066 section 3).
 */
const hostOf = ({ address, hostName }: NodeTarget): string =>
  "host" in address ? TlsHandshake.withoutRootDot(hostName ?? address.host) : "localhost"

/** Where sessions of TLS may be resumed: at the same port of the same host. */
const addressOf = ({ address }: NodeTarget): string =>
  "host" in address ? `${address.host}:${address.port}` : address.path

export const prepare = (target: NodeTarget, options: TlsOptions): Result.Result<TlsHandshake.Prepared, LdapError> =>
  Result.try({
    try: () => TlsHandshake.prepare(options, hostOf(target)),
    catch: (cause) =>
      failure(target.server)({ kind: "tls", detail: `unusable TLS options: ${messageOf(cause)}`, cause })
  })

/** Called once with the result of a connection attempt or a handshake. */
type Done = (failure: Error | undefined) => void

/**
 * A shared buffer for clear-text bytes of all connections. They are passed on before the next read, so a read allocates no memory.
 * The size is that of Node's own read buffer.
 */
const lent = Buffer.allocUnsafeSlow(64 * 1024)

/** A socket, and the connection that its events belong to. */
interface Owned extends Net.Socket {
  [owner]?: NodeConnection | undefined
}

const owner = Symbol("connection")

/** In Deno 2.9 a TLS handshake over a socket made with `onread` never ends. */
const canStartTlsAfterOnread = !("Deno" in globalThis)

export class NodeConnection implements LdapConnection {
  readonly #raw: Net.Socket
  /** Whether bytes in clear text are read into {@link lent}. */
  readonly #isLent: boolean
  readonly #target: NodeTarget
  /** The socket that is read and written: the raw socket, or the TLS socket above it. */
  #socket: Net.Socket
  /** Until the peer's address is known, the connection is treated as one that leaves this machine. */
  #protection: Protection = "none"
  #tls: (() => TlsSession) | undefined
  #receiver: Receiver | undefined
  #end: ConnectionEnd | undefined
  /** Set while a connection attempt or a handshake is under way. */
  #done: Done | undefined
  /** Called when this side is closed, or both are. */
  #onShutdown: (() => void) | undefined
  /** Whether bytes were sent or received in clear text. If a server answers nothing, it may be waiting for TLS. */
  #hasWritten = false
  #hasHeard = false

  /**
   * Begins to connect and calls `done` with the result, also within this call. The result may arrive between two steps of a fiber, so it
   * is listened for from the beginning.
   */
  constructor(
    target: NodeTarget,
    address: Address,
    done: (connection: NodeConnection, failure: Error | undefined) => void
  ) {
    this.#target = target
    this.#isLent = target.open === undefined && target.tls === undefined && canStartTlsAfterOnread
    const socket = target.open?.() ??
      Net.connect(connectOptions(address, target, this.#isLent ? this.#onread : undefined))
    this.#raw = socket
    this.#socket = socket
    this.#listen()
    if (isOpen(socket)) {
      this.#onOpen()
      done(this, undefined)
    } else if (socket.destroyed) {
      // The socket has already emitted its events.
      done(this, new Error("the socket is closed"))
    } else {
      this.#await(isTls(socket) ? "secureConnect" : "connect", (failure) => {
        if (failure === undefined) this.#onOpen()
        done(this, failure)
      })
    }
  }

  /** Calls `done` once: at the event, or with the reason why it will not come. */
  #await(event: "connect" | "secureConnect", done: Done): void {
    this.#done = done
    this.#socket.on(event, onEvent)
  }

  #settle(failure: Error | undefined): void {
    const done = this.#done
    this.#done = undefined
    done?.(failure)
  }

  #onOpen(): void {
    const socket = this.#raw
    const { address, open } = this.#target
    if (isTls(socket)) {
      this.#protection = "tls"
      this.#tls = TlsHandshake.negotiatedOn(socket)
    } else if ((open === undefined && "host" in address && isLoopback(address.host)) || isLocal(socket)) {
      this.#protection = "local"
    }
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
    if (!isTls(this.#socket)) return undefined
    if (type === "tls-exporter") return tlsExporter(this.#socket)
    const certificate = this.tls?.peer
    return certificate === undefined ? undefined : tlsServerEndPoint(certificate.raw)
  }

  get destroy(): Effect.Effect<void> {
    return Effect.suspend(() =>
      this.#socket === this.#raw ? destroy(this.#raw) : Effect.andThen(destroy(this.#socket), destroy(this.#raw))
    )
  }

  receive(receiver: Receiver): void {
    this.#receiver = receiver
    if (this.#end !== undefined) receiver.onEnd(this.#end)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  write(octets: Uint8Array): boolean {
    this.#hasWritten = true
    const socket = this.#socket
    if (socket.write(octets)) return true
    // Most connections are never short of room.
    if (!socket.listeners("drain").includes(onDrain)) socket.on("drain", onDrain)
    return false
  }

  /**
   * The length of the stream's queue changes when a write is complete. That of the handle also changes in the middle of a large
   * write.
   */
  unsent(): number {
    const { _handle: handle } = this.#raw as { readonly _handle?: { readonly writeQueueSize?: unknown } | null }
    const queued = handle?.writeQueueSize
    return this.#socket.writableLength + (typeof queued === "number" ? queued : 0)
  }

  shutdown(done: () => void): void {
    const socket = this.#socket
    if (socket.destroyed || socket.writableFinished) return done()
    this.#onShutdown = done
    socket.end(() => this.#settleShutdown())
  }

  #settleShutdown(): void {
    const done = this.#onShutdown
    this.#onShutdown = undefined
    done?.()
  }

  startTls(options: TlsOptions): Result.Result<Effect.Effect<void, LdapError>, LdapError> {
    return Result.map(prepare(this.#target, options), (prepared) => this.handshake(prepared))
  }

  handshake(prepared: TlsHandshake.Prepared): Effect.Effect<void, LdapError> {
    const fail = failure(this.#target.server)
    const { resumption } = prepared
    return Effect.flatMap(
      Effect.callback<Tls.TLSSocket, LdapError>((resume) => {
        if (this.#socket !== this.#raw) return resume(Effect.die(new Error("TLS was started twice")))
        if (this.#raw.readableLength > 0) {
          const reason = new ProtocolViolation({ detail: "bytes in clear text arrived before the TLS handshake" })
          return resume(Effect.fail(new LdapError({ reason, operation: "startTls", server: this.#target.server })))
        }
        this.#unlisten()
        let tls: Tls.TLSSocket
        try {
          const session = resumption?.begin(addressOf(this.#target))
          tls = (this.#target.secure ?? nodeTls().connect)({
            ...prepared.node,
            ...(session === undefined ? undefined : { session }),
            socket: this.#raw
          })
        } catch (cause) {
          const detail = `unusable TLS options: ${messageOf(cause)}`
          return resume(Effect.fail(fail({ kind: "tls", detail, cause })))
        }
        this.#socket = tls
        this.#listen()
        resumption?.listen(tls)
        this.#await("secureConnect", (cause) =>
          resume(
            cause === undefined
              ? Effect.succeed(tls)
              : Effect.fail(fail(describeTls(cause, this.#target.tls !== undefined)))
          ))
      }),
      // While the server is being verified, nothing is read, and the server may close the connection.
      (tls) => {
        const refused = resumption?.check(tls)
        if (refused !== undefined) return Effect.fail(fail(describeTls(refused, this.#target.tls !== undefined)))
        const negotiated = TlsHandshake.negotiatedOn(tls, prepared.certificate(), resumption?.isResumed(tls))
        const accepted = () => {
          resumption?.accept(tls)
          this.#protection = "tls"
          this.#tls = negotiated
        }
        const judged = prepared.judge?.(negotiated)
        if (judged === undefined) return Effect.sync(accepted)
        return Effect.map(Effect.mapError(judged, (refusal) => fail({ kind: "tls", ...refusal })), accepted)
      }
    )
  }

  /** Called as soon as the socket exists, so that no event is missed; the socket stays paused until the session reads. */
  #listen(): void {
    const socket: Owned = this.#socket
    socket[owner] = this
    // Must come before the `data` listener. Node treats a `data` listener as a request to read, and would begin to read in a later
    // turn even after a pause.
    socket.pause()
    if (!this.#isLent || socket !== this.#raw) socket.on("data", onData)
    socket.on("end", onEnd)
    // Never removed: an error event without a listener would end the process.
    socket.on("error", onError)
    socket.on("close", onClose)
  }

  /** The listeners stay, and do nothing: to remove them takes longer than to leave them. Only one for `data` would read on. */
  #unlisten(): void {
    const socket: Owned = this.#socket
    socket[owner] = undefined
    if (!this.#isLent || socket !== this.#raw) socket.off("data", onData)
  }

  // Called by the listeners.

  opened(): void {
    this.#settle(undefined)
  }

  deliver(chunk: Uint8Array): void {
    if (!this.#hasHeard) {
      this.#hasHeard = true
      if (this.#socket === this.#raw && isTlsAlert(chunk)) return this.#finish(speaksTls)
    }
    this.#receiver?.onOctets(chunk)
  }

  drained(): void {
    this.#receiver?.onRoom()
  }

  peerEnded(): void {
    this.#finish(`the server closed it${this.#hint}`)
  }

  failed(cause: Error): void {
    this.#finish(`${describeLoss(cause)}${this.#hint}`, cause)
    this.#settle(cause)
  }

  /**
   * A socket that is closed must not refer to the session. Node keeps it until the next full garbage collection, and with it would stay
   * all of the session.
   */
  closed(): void {
    this.#finish("the socket was closed")
    if (this.#done !== undefined) this.#settle(new Error(closedByPeer))
    this.#unlisten()
    this.#receiver = undefined
    this.#settleShutdown()
  }

  /** Node calls the callback instead of emitting `data`, for bytes read into the shared buffer. */
  get #onread(): Net.OnReadOpts {
    return {
      buffer: lent,
      callback: (octets) => {
        this.deliver(lent.subarray(0, octets))
        return true
      }
    }
  }

  /** A hint for a server that received a request in clear text and closed the connection without a response: it may expect TLS. */
  get #hint(): string {
    const isSilent = this.#socket === this.#raw && this.#hasWritten && !this.#hasHeard
    return isSilent && "port" in this.#target.address ? `; ${askForTls}` : ""
  }

  /** Node emits `close` after every other end, so only the first call counts. */
  #finish(detail: string, cause?: Error): void {
    if (this.#end !== undefined) return
    this.#end = SessionEnd.ConnectionLost({ detail, cause })
    this.#receiver?.onEnd(this.#end)
  }
}

// The listeners are the same for all connections: functions of its own would be a large part of the memory of each.

function onEvent(this: Owned): void {
  this[owner]?.opened()
}

function onData(this: Owned, chunk: Uint8Array): void {
  this[owner]?.deliver(chunk)
}

function onDrain(this: Owned): void {
  this[owner]?.drained()
}

function onEnd(this: Owned): void {
  this[owner]?.peerEnded()
}

function onError(this: Owned, cause: Error): void {
  this[owner]?.failed(cause)
}

function onClose(this: Owned): void {
  this[owner]?.closed()
}

const askForTls = "does this port speak TLS? Then the URL is ldaps://"

const speaksTls = "the server answers by TLS: the URL of this port is ldaps://"
