/** Which TLS sessions are kept, and for how long: without a connection of this library. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { EventEmitter, once } from "node:events"
import type * as Net from "node:net"
import * as Tls from "node:tls"
import { ResumableSessions, Resumption } from "../../src/connection/tls/resumption.ts"
import { readSavedSession } from "../../src/connection/tls/savedSession.ts"
import { makeCertificates } from "../servers/certificates.ts"

const { ca, server } = makeCertificates()

/** A connection to a TLS server of Node. */
const connected = Effect.gen(function*() {
  const listening = Tls.createServer(server, (socket) => void socket.on("error", () => {}).resume())
  yield* Effect.acquireRelease(
    Effect.promise(() => once(listening.listen(0, "127.0.0.1"), "listening")),
    () => Effect.sync(() => listening.close())
  )
  const { port } = listening.address() as Net.AddressInfo
  return yield* Effect.acquireRelease(
    Effect.sync(() => Tls.connect({ host: "127.0.0.1", port, ca: ca.cert })),
    (socket) => Effect.sync(() => socket.destroy())
  )
})

describe("what is kept", () => {
  const peer = { raw: Buffer.of(), valid_to: "" } as Tls.PeerCertificate
  const one = (server: string, session = Buffer.of(1)) => ({
    server,
    session,
    peer,
    since: Date.now(),
    until: Date.now() + 1000
  })
  const taken = (sessions: ResumableSessions, server: string) => {
    let count = 0
    while (sessions.take(server) !== undefined) count++
    return count
  }

  it("are 32 sessions at most, the newest ones", () => {
    const sessions = new ResumableSessions()
    sessions.keep(one("old"))
    for (let i = 0; i < 100; i++) sessions.keep(one("server", Buffer.of(i)))
    assert.strictEqual(sessions.take("server")?.session[0], 99)
    assert.strictEqual(taken(sessions, "server"), 31)
    assert.strictEqual(taken(sessions, "old"), 0)
  })

  it.each(["TLSv1.2", "TLSv1.3"])("%s: is taken once, and given back only if it may be used again", (version) => {
    const sessions = new ResumableSessions()
    sessions.keep(one("ldap.example:636 ldap.example"))
    const resumption = new Resumption(sessions, "ldap.example", () => undefined)
    assert.isDefined(resumption.begin("ldap.example:636"))
    assert.isUndefined(new Resumption(sessions, "ldap.example", () => undefined).begin("ldap.example:636"))
    const socket = Object.assign(new EventEmitter(), { isSessionReused: () => true, getProtocol: () => version })
    resumption.accept(socket as never)
    assert.strictEqual(taken(sessions, "ldap.example:636 ldap.example"), version === "TLSv1.2" ? 1 : 0)
  })

  it.live("a ticket that a resumed connection was given is as old as the full handshake", () =>
    Effect.gen(function*() {
      const socket = yield* connected
      const session = yield* Effect.callback<Buffer>((resume) =>
        void socket.once("session", (session: Buffer) => resume(Effect.succeed(session)))
      )
      const certificate = socket.getPeerCertificate(true)
      socket.destroy()
      const sessions = new ResumableSessions()
      const since = Date.now() - 9 * 60_000
      const old = { server: "a b", session, peer: certificate, since, until: since + 10 * 60_000 }
      sessions.keep(old)
      const resumption = new Resumption(sessions, "b", (peer) => {
        resumption.identified(peer)
        return undefined
      })
      const resumed = Object.assign(new EventEmitter(), {
        isSessionReused: () => true,
        getProtocol: () => "TLSv1.3"
      }) as never as Tls.TLSSocket
      assert.strictEqual(resumption.begin("a"), session)
      resumption.listen(resumed)
      resumed.emit("session", session)
      assert.isUndefined(resumption.check(resumed))
      assert.isUndefined(sessions.take("a b"))
      resumption.accept(resumed)
      resumed.emit("session", session)
      assert.deepStrictEqual([sessions.take("a b"), sessions.take("a b")], [old, old])
      // Nor is a session kept that belongs to another certificate.
      resumption.identified({ ...certificate, raw: Buffer.from(certificate.raw.subarray(1)) })
      resumed.emit("session", session)
      assert.isUndefined(sessions.take("a b"))
    }))

  it.live("no socket has a listener of ours when it is closed", () =>
    Effect.gen(function*() {
      const socket = yield* connected
      new Resumption(new ResumableSessions(), "", () => undefined).listen(socket)
      assert.strictEqual(socket.listenerCount("session"), 1)
      yield* Effect.callback<void>((resume) => {
        socket.once("secureConnect", () => socket.destroy()).once("close", () => resume(Effect.void))
      })
      assert.strictEqual(socket.listenerCount("session"), 0)
    }))

  it("bytes that aren't a session of OpenSSL are not read", () => {
    const foreign = [
      "",
      "3082",
      "30820000",
      "3003020101",
      "308200040a010100",
      "3082000402010102",
      // A version that is no number, and a certificate that is missing.
      "3082000702010104020303",
      "308200080201010202030304"
    ]
    for (const hex of foreign) assert.isUndefined(readSavedSession(Buffer.from(hex, "hex")), hex)
  })
})
