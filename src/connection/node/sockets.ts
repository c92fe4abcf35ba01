/** What a socket is, what arrives on it, and how it ends. */
import * as Effect from "effect/Effect"
import * as Net from "node:net"
import type * as Tls from "node:tls"

/**
 * A TLS server's reply to an LDAP message. The message can't start a TLS record (RFC 8446 section 5.1), so the server sends an
 * alert.
 */
export const isTlsAlert = (octets: Uint8Array): boolean => octets[0] === 0x15 && octets[1] === 0x03

/** Without the class, which would load Node's TLS for every connection. */
export const isTls = (socket: Net.Socket): socket is Tls.TLSSocket => "encrypted" in socket && socket.encrypted === true

/** Whether a given socket can be used at once: it is connected, or isn't a network socket. */
export const isOpen = (socket: Net.Socket): boolean =>
  !socket.destroyed && !socket.connecting && !(isTls(socket) && socket.getProtocol() === null)

/** Unix sockets and loopback addresses don't leave this machine. A stream that isn't a socket is not treated as local. */
export const isLocal = (socket: Net.Socket): boolean => {
  if (!(socket instanceof Net.Socket)) return false
  const address = socket.remoteAddress
  return address === undefined || isLoopback(address)
}

/** Not true for all names and spellings: an address that isn't recognized is asked for again once it is connected. */
export const isLoopback = (address: string): boolean =>
  /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(address) || address === "::1"

/** Completes when the handle is closed, not when closing begins. */
export const destroy = (socket: Net.Socket): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (socket.closed) return resume(Effect.void)
    socket.once("close", () => resume(Effect.void))
    socket.destroy()
  })
