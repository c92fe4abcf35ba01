/**
 * Sends one request over UDP, repeatedly until an answer arrives. It uses a socket of Node that accepts datagrams of one peer only.
 * Requests to KDCs and to domain controllers (CLDAP) use it.
 */
import * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import * as DatagramSocket from "effect/socket/DatagramSocket"
import { createSocket } from "node:dgram"
import { isIPv6 } from "node:net"

const failed = (cause: Error): DatagramSocket.DatagramSocketError =>
  new DatagramSocket.DatagramSocketError({
    reason: new DatagramSocket.DatagramSocketReadError({ kind: "Unknown", cause })
  })

/** Node's description of a failure. */
export const causeOf = ({ reason }: DatagramSocket.DatagramSocketError): unknown =>
  "cause" in reason ? reason.cause : reason

/** A socket for datagrams to and from this address only. `address` is an IP address. Reading opens the socket. */
export const connectedDatagrams = (
  address: string,
  port: number
): Effect.Effect<DatagramSocket.DatagramSocket> =>
  DatagramSocket.makeFromBackingSocket((events) => open(address, port, events), {
    // The limit of waiting datagrams, for a peer that floods.
    receiveBuffer: { capacity: 64 }
  })

const open = (
  address: string,
  port: number,
  events: DatagramSocket.BackingEvents
): Effect.Effect<DatagramSocket.BackingSocket, DatagramSocket.DatagramSocketError> =>
  Effect.callback((resume) => {
    const socket = createSocket(isIPv6(address) ? "udp6" : "udp4")
    let isOpen = false
    // Without a callback, a failed connect is an "error" event of the socket, and so is the ICMP message that the port is closed.
    socket.on("error", (cause) => {
      if (isOpen) return events.onReadError(failed(cause))
      socket.close()
      resume(Effect.fail(failed(cause)))
    })
    socket.on("message", (payload, from) => events.onPacket(payload, from.address, from.port))
    socket.once("connect", () => {
      isOpen = true
      const local = socket.address()
      const send = (payload: Uint8Array, done: (error?: DatagramSocket.DatagramSocketError) => void) =>
        socket.send(payload, (error) => done(error === null ? undefined : failed(error)))
      resume(Effect.succeed({
        address: { host: local.address, port: local.port },
        connected: true,
        send: (payload, _, done) => send(payload, done),
        sendMany: (payloads, _, done) => {
          let left = payloads.length
          for (const payload of payloads) {
            send(payload, (error) => {
              if (error !== undefined || --left === 0) done(error)
            })
          }
        },
        joinMulticast: () => Effect.fail(failed(new Error("these datagrams have one peer"))),
        close: () => {
          socket.removeAllListeners()
          socket.close()
        }
      }))
    })
    socket.connect(port, address)
  })

/**
 * Sends the message, and again whenever the Schedule says so, and waits until `accept` finds an answer in a datagram. Other
 * datagrams are ignored, since their sender can be forged. There is no time limit: it continues to wait after the Schedule has
 * ended.
 */
export const askByDatagrams = <A>(
  socket: DatagramSocket.DatagramSocket,
  message: Uint8Array,
  options: {
    readonly accept: (datagram: DatagramSocket.Datagram) => A | undefined
    readonly resend: Schedule.Schedule<unknown>
  }
): Effect.Effect<A, DatagramSocket.DatagramSocketError> =>
  Effect.scoped(Effect.gen(function*() {
    const reader = yield* socket.reader
    const writer = yield* socket.writer
    const answered = Effect.gen(function*() {
      for (;;) {
        for (const datagram of yield* reader.pull) {
          const answer = options.accept(datagram)
          if (answer !== undefined) return answer
        }
      }
    })
    const sent = Effect.andThen(Effect.repeat(writer.write({ payload: message }), options.resend), Effect.never)
    return yield* Effect.raceFirst(answered, sent)
  }))
