/**
 * A recording peer on a port: TCP, TLS, or TCP that a test upgrades to TLS. It records the PDUs and the events of the transport:
 * FIN, RST, and under TLS whether close_notify came before the FIN.
 *
 * TLS runs over a stream that this file feeds itself, since Node's own socket doesn't distinguish a close_notify from a FIN.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"
import { Duplex } from "node:stream"
import * as Tls from "node:tls"
import type { Certificate } from "../../servers/certificates.ts"
import { octets, recorder, type RecordingPeer } from "./RecordingPeer.ts"

export interface RecordedConnection extends RecordingPeer {
  /** The server's side of a handshake: later bytes are TLS. Completes when the handshake has succeeded; never if it fails. */
  readonly startTls: Effect.Effect<void>
  /** Treats the next bytes as a handshake, and doesn't answer them. */
  readonly ignoreHandshake: Effect.Effect<void>
  /** Completes when the first ignored bytes have arrived. */
  readonly handshakeBegan: Effect.Effect<void>
  /** Sends bytes below TLS, as an attacker on the way could. */
  readonly sendBelowTls: (octets: Uint8Array) => Effect.Effect<void>
  /** FIN without a close_notify. */
  readonly endBelowTls: Effect.Effect<void>
  /** Makes this side's TLS fail on the next bytes, so that it sends a fatal alert. */
  readonly alert: Effect.Effect<void>
  /** Sends close_notify without closing. */
  readonly closeNotify: Effect.Effect<void>
  /** RST. */
  readonly reset: Effect.Effect<void>
  /** Completes when the connection is closed on this side. */
  readonly closed: Effect.Effect<void>
}

export interface RecordingServer {
  readonly port: number
  /** The next connection that no test step has taken yet. */
  readonly accept: Effect.Effect<RecordedConnection>
  /** How many were opened. */
  readonly opened: () => number
  /** How many are still open, on this side. */
  readonly open: () => number
}

/** A server on a free port of this machine. When the scope closes, it and its connections are closed. */
export const listen = (options: {
  readonly certificate: Certificate
  /** TLS from the first byte. */
  readonly secure?: boolean | undefined
}): Effect.Effect<RecordingServer, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<
        { readonly server: Net.Server; readonly sockets: Set<Net.Socket>; readonly facts: RecordingServer }
      >(
        (resume) => {
          const queue = Effect.runSync(Queue.unbounded<RecordedConnection>())
          const sockets = new Set<Net.Socket>()
          let opened = 0
          const server = Net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
            opened++
            sockets.add(socket)
            socket.on("close", () => sockets.delete(socket))
            Queue.offerUnsafe(queue, connection(socket, options))
          })
          server.listen(0, "127.0.0.1", () => {
            const { port } = server.address() as Net.AddressInfo
            const facts = { port, accept: Queue.take(queue), opened: () => opened, open: () => sockets.size }
            resume(Effect.succeed({ server, sockets, facts }))
          })
        }
      ),
      ({ server, sockets }) =>
        Effect.callback<void>((resume) => {
          for (const socket of sockets) socket.destroy()
          server.close(() => resume(Effect.void))
        })
    ),
    ({ facts }) => facts
  )

const connection = (
  raw: Net.Socket,
  options: { readonly certificate: Certificate; readonly secure?: boolean | undefined }
): RecordedConnection => {
  const { recorded, saw, take } = recorder()
  const closed = Deferred.makeUnsafe<void>()
  const handshakeBegan = Deferred.makeUnsafe<void>()
  let tls:
    | { readonly socket: Tls.TLSSocket; readonly below: Duplex; readonly secured: Deferred.Deferred<void> }
    | undefined
  let deaf = false
  let closesBelow = true
  let over = false
  let finished = false
  const end = (event: "FIN" | "RST") => {
    if (over) return
    over = true
    saw(event)
  }

  raw.on("data", (chunk) => {
    if (tls !== undefined) tls.below.push(chunk)
    else if (deaf) Deferred.doneUnsafe(handshakeBegan, Effect.void)
    else take(chunk)
  })
  // TLS delivers its data in later turns, so a close_notify before the FIN is seen first.
  raw.on("end", () => {
    finished = true
    setImmediate(() =>
      setImmediate(() => {
        end("FIN")
        tls?.below.push(null)
      })
    )
  })
  raw.on("error", () => end("RST"))
  raw.on("close", () => {
    end(finished ? "FIN" : "RST")
    tls?.socket.destroy()
    Deferred.doneUnsafe(closed, Effect.void)
  })

  const startTls = () => {
    if (tls !== undefined) return tls.secured
    const below = new Duplex({
      read: () => {},
      write: (chunk: Buffer, _, done) => {
        raw.write(chunk)
        done()
      },
      final: (done) => {
        if (closesBelow) raw.end()
        done()
      }
    })
    const socket = new Tls.TLSSocket(below, {
      isServer: true,
      secureContext: Tls.createSecureContext({ cert: options.certificate.cert, key: options.certificate.key })
    })
    const secured = Deferred.makeUnsafe<void>()
    socket.on("error", () => {})
    socket.on("secure", () => {
      saw("TLS")
      Deferred.doneUnsafe(secured, Effect.void)
    })
    socket.on("data", take)
    socket.on("end", () => {
      if (!over) saw("close_notify")
    })
    tls = { socket, below, secured }
    return secured
  }
  if (options.secure === true) startTls()

  const write = (socket: Net.Socket, chunk: Uint8Array): Effect.Effect<void> =>
    Effect.callback((resume) => {
      const done = () => {
        raw.off("close", done)
        resume(Effect.void)
      }
      if (raw.destroyed || !raw.writable) return resume(Effect.void)
      raw.once("close", done)
      // Completes when the kernel has the bytes. Under TLS it completes at once, so the caller waits for the layer below.
      socket.write(chunk, done)
      return Effect.sync(() => raw.off("close", done))
    })
  const sendOctets = (chunk: Uint8Array) =>
    Effect.suspend(() => tls === undefined ? write(raw, chunk) : Effect.andThen(write(tls.socket, chunk), drained))
  const drained = Effect.callback<void>((resume) => {
    if (raw.destroyed || !raw.writableNeedDrain) return resume(Effect.void)
    const done = () => {
      raw.off("drain", done)
      raw.off("close", done)
      resume(Effect.void)
    }
    raw.once("drain", done)
    raw.once("close", done)
    return Effect.sync(() => {
      raw.off("drain", done)
      raw.off("close", done)
    })
  })

  return {
    ...recorded,
    send: (messageId, operation, controls) => sendOctets(octets(messageId, operation, controls)),
    sendOctets,
    // If the client has closed both TLS and its side, a TLS socket over a stream may never finish writing.
    end: Effect.sync(() => void (closesBelow && tls !== undefined && !finished ? tls.socket : raw).end()),
    stall: Effect.sync(() => void raw.pause()),
    resume: Effect.sync(() => void raw.resume()),
    startTls: Effect.suspend(() => Deferred.await(startTls())),
    ignoreHandshake: Effect.sync(() => {
      deaf = true
    }),
    handshakeBegan: Deferred.await(handshakeBegan),
    endBelowTls: Effect.sync(() => void raw.end()),
    sendBelowTls: (chunk) => write(raw, chunk),
    alert: Effect.sync(() => void tls?.below.push(Buffer.from([0x17, 3, 3, 0, 32, ...new Uint8Array(32)]))),
    closeNotify: Effect.sync(() => {
      closesBelow = false
      tls?.socket.end()
    }),
    // A socket that has sent its FIN can't be reset any more: Node would leak it.
    reset: Effect.sync(() => void (raw.writableEnded ? raw.destroy() : raw.resetAndDestroy())),
    closed: Deferred.await(closed)
  }
}
