/** A directory on a port: the same server behind a real socket. */
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { connect, Socket } from "node:net"
import * as TLS from "node:tls"
import { vi } from "vitest"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapSasl from "../../../src/auth/LdapSasl.ts"
import * as LdapExtended from "../../../src/protocol/LdapExtended.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { makeCertificates } from "../../servers/certificates.ts"
import { admin, base, make } from "../fixture.ts"
import { fromSocket, searchRequest } from "../RawClient.ts"

const tcp = (port: number) => Effect.flatMap(NodeSocket.makeNet({ host: "127.0.0.1", port }), fromSocket)

describe("listen", () => {
  it.live("serves the directory on a free port, as in memory", () =>
    Effect.gen(function*() {
      const directory = yield* make()
      const { port, url } = yield* InMemoryDirectory.listen(directory)
      assert.strictEqual(url, `ldap://127.0.0.1:${port}`)
      const raw = yield* tcp(port)
      assert.strictEqual((yield* raw.bind(admin.dn, admin.password)).code, 0)
      assert.strictEqual((yield* raw.search(base)).entries.length, 7)
      yield* raw.send({ _tag: "UnbindRequest" })
      // The server closes its side, and the socket then closes the other side.
      assert.deepStrictEqual(yield* raw.rest, [])
      const record = yield* directory.log.closed(1)
      assert.deepStrictEqual([record?.boundAs, record?.unbinds, record?.closed], [admin.dn, 1, "fin"])
    }))

  it.live("sends each answer at once, in the clear and over TLS", () =>
    Effect.gen(function*() {
      const setNoDelay = vi.spyOn(Socket.prototype, "setNoDelay")
      yield* Effect.addFinalizer(() => Effect.sync(() => setNoDelay.mockRestore()))
      const { server } = makeCertificates()
      const directory = yield* make()
      for (const tls of [undefined, { key: server.key, cert: server.cert }]) {
        const { port } = yield* InMemoryDirectory.listen(directory, { tls })
        setNoDelay.mockClear()
        // Another client than this library's, which requests the same on its own side.
        const client = tls === undefined ? connect(port, "127.0.0.1") : TLS.connect({ port, rejectUnauthorized: false })
        yield* Effect.addFinalizer(() => Effect.sync(() => client.destroy()))
        yield* directory.log.until(() => directory.log.openConnections === (tls === undefined ? 1 : 2))
        const [served] = setNoDelay.mock.contexts
        assert.isTrue(served instanceof Socket && served.localPort === port)
        assert.deepStrictEqual(setNoDelay.mock.calls, [[true]])
      }
    }))

  it.live("Notice of Disconnection arrives before the end", () =>
    Effect.gen(function*() {
      const { port } = yield* Effect.flatMap(make(), InMemoryDirectory.listen)
      const raw = yield* tcp(port)
      yield* raw.write(Buffer.from("GET / HTTP/1.1\r\n\r\n"))
      const rest = yield* raw.rest
      assert.deepStrictEqual(rest.map(({ messageId, operation }) => [messageId, operation._tag]), [[
        0,
        "ExtendedResponse"
      ]])
    }))

  it.live("closing its scope ends connections, also that of a client that doesn't read", () =>
    Effect.gen(function*() {
      // More than the network buffers: the rest waits for a client that never reads.
      const directory = yield* make({
        entries: [{ dn: `cn=big,${base}`, attributes: { objectClass: "device", description: "x".repeat(50_000_000) } }]
      })
      const scope = yield* Scope.make()
      const { port } = yield* Scope.provide(InMemoryDirectory.listen(directory), scope)
      const raw = yield* tcp(port)
      yield* raw.send(searchRequest(`cn=big,${base}`))
      yield* directory.log.first((entry) => entry._tag === "Pdu" && entry.kind === "SearchResultEntry")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* directory.log.closed(1))?.closed, "server")
      const refused = yield* Effect.exit(Effect.scoped(tcp(port)))
      assert.isTrue(Exit.isFailure(refused))
    }))

  it.live("EXTERNAL binds the subject of a client's certificate, where the port asks for one", () =>
    Effect.gen(function*() {
      const { ca, client, server, untrustedClient } = makeCertificates()
      const directory = yield* make()
      const tls = { ...server, ca: ca.cert, requestCert: true, rejectUnauthorized: false }
      const { url } = yield* InMemoryDirectory.listen(directory, { tls })
      const whoAmI = (certificate?: { readonly cert: string; readonly key: string }) =>
        Effect.gen(function*() {
          const session = yield* LdapSession.make({
            url,
            tls: { ca: ca.cert, ...certificate },
            auth: LdapAuth.sasl(LdapSasl.external())
          })
          return (yield* session.extended(LdapExtended.whoAmI)).answer
        }).pipe(Effect.scoped)
      assert.strictEqual(yield* whoAmI(client), "dn:UID=alice")
      // Without a certificate, and with one for alice that the server can't verify.
      for (const certificate of [undefined, untrustedClient]) {
        const refused = yield* Effect.flip(whoAmI(certificate))
        assert.strictEqual(refused.reason._tag, "InappropriateAuthentication")
      }
    }))

  it.live("a port that is taken is an error", () =>
    Effect.gen(function*() {
      const directory = yield* make()
      const { port } = yield* InMemoryDirectory.listen(directory)
      const error = yield* Effect.flip(InMemoryDirectory.listen(directory, { port }))
      assert.strictEqual(error._tag, "SocketServerError")
    }))
})
