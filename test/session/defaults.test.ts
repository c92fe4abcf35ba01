/** Defaults: one connection attempt, no trust in unknown connections, certificates verified. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Socket from "effect/socket/Socket"
import * as Net from "node:net"
import { networkInterfaces } from "node:os"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as MemorySocket from "../../src/connection/MemorySocket.ts"
import { ConnectFailed, LdapError } from "../../src/model/LdapError.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { makeCertificates } from "../servers/certificates.ts"
import { connect, ok, over } from "./recording/RecordingPeer.ts"
import { listen } from "./recording/RecordingServer.ts"

const certificates = makeCertificates()

/** Dies if the password is requested. */
const auth = LdapAuth.simple("cn=a", Effect.die("asked for"))

describe("S8: a session as configured, or none", () => {
  it.effect("a failed connection is not retried", () =>
    Effect.gen(function*() {
      let attempts = 0
      const refused = new LdapError({
        reason: new ConnectFailed({ kind: "refused", detail: "connection refused" }),
        operation: "connect",
        server: "ldap://nowhere"
      })
      const transport = {
        server: "ldap://nowhere",
        connect: Effect.suspend(() => {
          attempts++
          return Effect.fail(refused)
        })
      }
      assert.strictEqual(yield* Effect.flip(LdapSession.fromTransport(transport)), refused)
      assert.strictEqual(attempts, 1)
    }))

  it.effect("a refused StartTLS of the configuration: no session, and nothing is sent in clear text", () =>
    Effect.gen(function*() {
      const { client, peer, session } = yield* connect({ startTls: true, closeTimeout: 0, auth })
      const opening = yield* Effect.forkChild(Effect.flip(session), { startImmediately: true })
      const { messageId } = yield* peer.expect("ExtendedRequest")
      yield* peer.send(messageId, { _tag: "ExtendedResponse", result: { ...ok, code: 52 } })
      assert.strictEqual((yield* Fiber.join(opening)).reason._tag, "Unavailable")
      assert.isFalse(client.isOpen())
      yield* peer.ended
      assert.deepStrictEqual(peer.kinds(), ["ExtendedRequest", "UnbindRequest"])
    }))
})

/** An address of this machine that isn't loopback. */
const address = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address

const listening = (host: string): Effect.Effect<Net.Server> =>
  Effect.callback((resume) => {
    const server = Net.createServer((socket) => {
      socket.on("error", () => {})
      socket.resume()
    })
    server.listen(0, host, () => resume(Effect.succeed(server)))
  })

describe("S9: a connection without known protection", () => {
  it.effect("no password is sent over a socket without known protection", () =>
    Effect.gen(function*() {
      const [client] = yield* MemorySocket.pair()
      const session = yield* LdapSession.fromSocket(client, { closeTimeout: 0 })
      assert.strictEqual(yield* session.protection, "none")
      assert.strictEqual((yield* Effect.flip(session.bind(auth))).reason._tag, "InsecureAuth")
    }))

  it.live.skipIf(address === undefined)("an address that isn't loopback is not local", () =>
    Effect.gen(function*() {
      const server = yield* Effect.acquireRelease(
        listening(address!),
        (server) => Effect.sync(() => server.close())
      )
      const { port } = server.address() as Net.AddressInfo
      const session = yield* LdapSession.make({ url: `ldap://${address}:${port}`, closeTimeout: 0 })
      assert.strictEqual(yield* session.protection, "none")
      assert.strictEqual((yield* Effect.flip(session.bind(auth))).reason._tag, "InsecureAuth")
    }))

  it.effect.each(
    [
      [undefined, true],
      [{ servername: "ldap.example" }, true],
      [{ rejectUnauthorized: false }, false]
    ] as const
  )(
    "the upgrade of a socket of Effect verifies, unless it is told not to: %j",
    ([tls, expected]) =>
      Effect.gen(function*() {
        const [client, server] = yield* MemorySocket.pair()
        const peer = yield* over(server)
        const asked: Array<Socket.TlsUpgradeOptions | undefined> = []
        const upgradable = Socket.make({
          reader: Effect.map(client.reader, ({ pull }) => ({
            pull,
            upgrade: (options?: Socket.TlsUpgradeOptions) => Effect.sync(() => void asked.push(options))
          })),
          writer: client.writer
        })
        const session = yield* LdapSession.fromSocket(upgradable, { closeTimeout: 0, tls })
        const securing = yield* Effect.forkChild(session.startTls(), { startImmediately: true })
        const { messageId } = yield* peer.expect("ExtendedRequest")
        yield* peer.send(messageId, { _tag: "ExtendedResponse", result: ok })
        yield* Fiber.join(securing)
        assert.strictEqual(yield* session.protection, "tls")
        assert.deepStrictEqual(asked.map((options) => options?.rejectUnauthorized), [expected])
        // The password that was held back could be sent now.
        yield* Effect.forkChild(session.bind(LdapAuth.simple("cn=a", Redacted.make("secret"))), {
          startImmediately: true
        })
        yield* peer.expect("BindRequest")
      })
  )

  it.live("an address is checked against the certificate's addresses, not against its names", () =>
    Effect.gen(function*() {
      const server = yield* listen({ certificate: certificates.wrongHost, secure: true })
      const config = { url: `ldaps://127.0.0.1:${server.port}`, tls: { ca: certificates.ca.cert } }
      const { message } = yield* Effect.flip(LdapSession.make(config))
      assert.include(message, "is for another host")
      assert.include(message, "IP: 127.0.0.1 is not in the cert's list")
    }))
})
