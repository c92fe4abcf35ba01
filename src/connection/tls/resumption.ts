/**
 * TLS sessions that may be resumed: where they are kept, and their part in one handshake.
 *
 * On a resumed connection the server sends no certificate, and Node checks none: `checkServerIdentity` isn't called,
 * `getPeerX509Certificate` gives nothing. So a session is kept together with the certificate that was verified, and the caller checks
 * that again.
 */
import type * as Tls from "node:tls"
import { readSavedSession } from "./savedSession.ts"

/** A session of a connection whose server was accepted. */
interface Resumable {
  /** The address and the name of the server. */
  readonly server: string
  readonly session: Buffer
  /** The server's certificate, and those of its authorities. */
  readonly peer: Tls.PeerCertificate
  /** When the certificate was verified, by a full handshake. In milliseconds, as `until`. */
  readonly since: number
  /** When the session is used no more. */
  readonly until: number
}

/**
 * However often it is resumed: a certificate is verified anew after this time, so that one that was replaced or revoked isn't accepted
 * for longer. RFC 8446 section 4.6.1 allows seven days, RFC 5246 appendix F.1.4 one.
 */
const longest = 10 * 60_000

/** Enough for connections that are opened at the same time, since a session is used by one at a time. */
const most = 32

/** The sessions of one TLS context, so of one set of options. They are dropped with it. */
export class ResumableSessions {
  #kept: Array<Resumable> = []

  /** The newest session with a server. It is handed out once (RFC 8446 appendix C.4), and may be given back. */
  take(server: string): Resumable | undefined {
    this.#dropOld()
    const at = this.#kept.findLastIndex((one) => one.server === server)
    return at === -1 ? undefined : this.#kept.splice(at, 1)[0]
  }

  keep(one: Resumable): void {
    this.#dropOld()
    this.#kept.push(one)
    if (this.#kept.length > most) this.#kept.shift()
  }

  #dropOld(): void {
    // Of the system's clock, by which certificates are judged. If it was set back, the age isn't known.
    const now = Date.now()
    this.#kept = this.#kept.filter(({ since, until }) => since <= now && now < until)
  }
}

/** What sessions have to do with one handshake. */
export class Resumption {
  readonly #sessions: ResumableSessions
  readonly #name: string
  readonly #identify: (peer: Tls.PeerCertificate) => Error | undefined
  #server = ""
  #offered: Resumable | undefined
  #peer: Tls.PeerCertificate | undefined
  /** The last session that the server has issued before it was accepted. */
  #issued: Buffer | undefined
  #isAccepted = false
  #since = 0

  /** `identify` checks whether a certificate is that of the server with this name, and calls {@link identified}. */
  constructor(sessions: ResumableSessions, name: string, identify: (peer: Tls.PeerCertificate) => Error | undefined) {
    this.#sessions = sessions
    this.#name = name
    this.#identify = identify
  }

  /** Called with the server's certificate when its name is checked: by Node, or by {@link check}. */
  identified(peer: Tls.PeerCertificate): void {
    this.#peer = peer
  }

  /** Takes a session of the server at this address, for `tls.connect`. Call it when the handshake begins. */
  begin(address: string): Buffer | undefined {
    this.#server = `${address} ${this.#name}`
    this.#offered = this.#sessions.take(this.#server)
    return this.#offered?.session
  }

  /** Listens for sessions that the server issues. Under TLS 1.3 they come after the handshake, at any time. */
  listen(socket: Tls.TLSSocket): void {
    const onSession = (session: Buffer) => {
      if (this.#isAccepted) this.#keep(session)
      else this.#issued = session
    }
    socket.on("session", onSession)
    socket.once("close", () => socket.off("session", onSession))
  }

  isResumed(socket: Tls.TLSSocket): boolean {
    return this.#offered !== undefined && socket.isSessionReused()
  }

  /** After the handshake: checks the name of a resumed session's certificate, as Node checks that of a full handshake. */
  check(socket: Tls.TLSSocket): Error | undefined {
    return this.isResumed(socket) ? this.#identify(this.#offered!.peer) : undefined
  }

  /** After all checks: from now on sessions of this connection are kept. One that was taken and isn't kept again is gone. */
  accept(socket: Tls.TLSSocket): void {
    const resumed = this.isResumed(socket) ? this.#offered : undefined
    this.#isAccepted = true
    this.#since = resumed?.since ?? Date.now()
    if (this.#issued !== undefined) this.#keep(this.#issued)
    // Until TLS 1.2 a session may be resumed often, and a server may issue no other one.
    else if (resumed !== undefined && socket.getProtocol() !== "TLSv1.3") this.#sessions.keep(resumed)
  }

  #keep(session: Buffer): void {
    const peer = this.#peer
    if (peer === undefined) return
    const since = this.#since
    const until = endOf(session, peer, since)
    if (until !== undefined) this.#sessions.keep({ server: this.#server, session, peer, since, until })
  }
}

/**
 * When a session may be used no more; `undefined` if it must not be resumed at all. A session without the extended master secret
 * must not: an attacker can have another one with the same secret, with another server (RFC 7627 sections 1 and 5.3). Nor one of another
 * certificate, which a server may show by renegotiating (TLS 1.2): nothing has checked that.
 */
const endOf = (session: Buffer, peer: Tls.PeerCertificate, since: number): number | undefined => {
  const saved = readSavedSession(session)
  if (saved === undefined || !saved.isBound || !saved.certificate.equals(peer.raw)) return undefined
  return Math.min(since + longest, Date.now() + (saved.lifetime ?? Infinity) * 1000, endOfValidity(peer))
}

/** The earliest end of a certificate and those of its authorities. The last one is its own issuer. */
const endOfValidity = (peer: Tls.PeerCertificate): number => {
  const { issuerCertificate: issuer } = peer as Partial<Tls.DetailedPeerCertificate>
  const end = Date.parse(peer.valid_to)
  return issuer === undefined || issuer === peer ? end : Math.min(end, endOfValidity(issuer))
}
