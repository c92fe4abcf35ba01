/** Connecting to hosts with several addresses, over real sockets: names, IP addresses, and the name that is sent to the server. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Dns from "effect/net/Dns"
import * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import NodeDns from "node:dns"
import * as Net from "node:net"
import { setImmediate } from "node:timers/promises"
import * as Tls from "node:tls"
import * as LdapTransport from "../../src/connection/LdapTransport.ts"
import type { TlsOptions } from "../../src/connection/tls/LdapTls.ts"
import type { LdapError } from "../../src/model/LdapError.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { makeCertificates } from "../servers/certificates.ts"

const certificates = makeCertificates()

interface Listener {
  readonly port: number
  readonly sockets: Set<Net.Socket>
  /** The number of connections accepted so far. */
  readonly accepted: () => number
}

/** A server on an address; on the port of another server, if given. */
const listen = (address: string, port = 0): Effect.Effect<Listener, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<Listener & { readonly server: Net.Server }>((resume) => {
        const sockets = new Set<Net.Socket>()
        let count = 0
        const server = Net.createServer((socket) => {
          count++
          sockets.add(socket)
          socket.on("error", () => {})
          socket.on("close", () => sockets.delete(socket))
          socket.resume()
        })
        server.listen(port, address, () => {
          const { port } = server.address() as Net.AddressInfo
          resume(Effect.succeed({ port, sockets, accepted: () => count, server }))
        })
      }),
      ({ server, sockets }) =>
        Effect.promise(async () => {
          for (const socket of sockets) socket.destroy()
          await new Promise((resolve) => server.close(resolve))
        })
    ),
    (listener) => listener
  )

/** The DNS of a test, in which a host has these addresses. */
const dns = (addresses: Readonly<Record<string, ReadonlyArray<string>>>): Dns.Dns["Service"] =>
  Dns.make({
    lookup: (host) =>
      Effect.succeed(
        (addresses[host] ?? []).map((address) => NetAddress.ipFromStringUnsafe(address))
      )
  })

const connect = (url: string, tls?: TlsOptions) =>
  Effect.flatMap(Effect.fromResult(LdapTransport.fromUrl(url, { tls })), ({ connect }) => connect)

const failure = <A>(effect: Effect.Effect<A, LdapError, Scope.Scope>) => Effect.flip(Effect.scoped(effect))

/** Lets sockets deliver their events. */
const turns = Effect.promise(async () => {
  for (let i = 0; i < 20; i++) await setImmediate()
})

describe("a host with several addresses", () => {
  it.live("after a refused attempt the next address is tried at once", () =>
    Effect.scoped(Effect.gen(function*() {
      const { accepted, port } = yield* listen("127.0.0.2")
      const host = dns({ "ldap.test": ["::1", "127.0.0.3", "127.0.0.2", "127.0.0.4"] })
      yield* Effect.provideService(connect(`ldap://ldap.test:${port}`), Dns.Dns, host)
      assert.strictEqual(accepted(), 1)
    })))

  it.live("IPv6 comes first", () =>
    Effect.scoped(Effect.gen(function*() {
      const { accepted: four, port } = yield* listen("127.0.0.1")
      const { accepted: six } = yield* listen("::1", port)
      const host = dns({ "ldap.test": ["127.0.0.1", "::1"] })
      yield* Effect.provideService(connect(`ldap://ldap.test:${port}`), Dns.Dns, host)
      assert.deepStrictEqual([six(), four()], [1, 0])
    })))

  it.live("all failures are in the error, each with its address", () =>
    Effect.gen(function*() {
      const port = yield* Effect.scoped(Effect.map(listen("127.0.0.1"), ({ port }) => port))
      const host = dns({ "ldap.test": ["::1", "127.0.0.2", "127.0.0.3"] })
      const error = yield* failure(Effect.provideService(connect(`ldap://ldap.test:${port}`), Dns.Dns, host))
      assert.deepInclude(error.reason, { _tag: "ConnectFailed", kind: "refused" })
      for (const address of ["::1", "127.0.0.2", "127.0.0.3"]) assert.include(error.message, `${address}:${port}`)
      assert.include(error.message, `ldap.test port ${port}`)
    }))

  it.live("a name without addresses, by Effect's resolver and by the system's", () =>
    Effect.gen(function*() {
      for (
        const service of [Effect.provideService(Dns.Dns, dns({})), <A, E, R>(effect: Effect.Effect<A, E, R>) => effect]
      ) {
        const error = yield* failure(service(connect("ldap://no-such-host.invalid")))
        assert.deepInclude(error.reason, { _tag: "ConnectFailed", kind: "dns" })
        assert.include(error.message, "no-such-host.invalid")
      }
    }))

  it.live("that is interrupted leaves no socket on either side", () =>
    Effect.scoped(Effect.gen(function*() {
      const { accepted, port, sockets } = yield* listen("127.0.0.1")
      const host = dns({ "ldap.test": ["127.0.0.2", "127.0.0.1"] })
      for (let n = 0; n < 40; n++) {
        const connecting = yield* Effect.forkChild(
          Effect.scoped(Effect.provideService(connect(`ldap://ldap.test:${port}`), Dns.Dns, host))
        )
        for (let i = 0; i < n % 8; i++) yield* Effect.promise(() => setImmediate())
        yield* Fiber.interrupt(connecting)
      }
      yield* turns
      assert.strictEqual(sockets.size, 0)
      assert.isAbove(accepted(), 0)
    })))
})

describe("other ways to name a server", () => {
  it.live("localhost, literals of both families, and a unix socket are not asked of the resolver", () =>
    Effect.scoped(Effect.gen(function*() {
      const { port } = yield* listen("127.0.0.1")
      yield* listen("::1", port)
      const asked: Array<string> = []
      const host = Dns.make({
        lookup: (name) => {
          asked.push(name)
          return Effect.succeed([])
        }
      })
      for (const url of [`ldap://127.0.0.1:${port}`, `ldap://[::1]:${port}`]) {
        const connection = yield* Effect.provideService(connect(url), Dns.Dns, host)
        assert.strictEqual(connection.protection, "local")
      }
      assert.deepStrictEqual(asked, [])
      // With the system's resolver, which reads it from its own table.
      const connection = yield* connect(`ldap://localhost:${port}`)
      assert.strictEqual(connection.protection, "local")
    })))

  it.live("a replacement of Node's lookup is used", () =>
    Effect.scoped(Effect.gen(function*() {
      const { accepted, port } = yield* listen("127.0.0.2")
      const original = NodeDns.lookup
      yield* Effect.addFinalizer(() => Effect.sync(() => void (NodeDns.lookup = original)))
      // Like many such replacements, it ignores the requested family.
      const replacement = (
        _: string,
        _1: unknown,
        done: (error: null, addresses: Array<NodeDns.LookupAddress>) => void
      ) => done(null, [{ address: "127.0.0.2", family: 4 }])
      Object.assign(NodeDns, { lookup: replacement })
      yield* connect(`ldap://ldap.test:${port}`)
      assert.strictEqual(accepted(), 1)
    })))
})

describe("the dot at the end of a name", () => {
  const names: Array<string | false> = []
  const listening = Effect.acquireRelease(
    Effect.callback<Tls.Server>((resume) => {
      names.length = 0
      const server = Tls.createServer({
        cert: certificates.server.cert,
        key: certificates.server.key,
        SNICallback: (name, done) => {
          names.push(name)
          done(null)
        }
      }, (socket) => socket.on("error", () => {}).resume())
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.promise(() => new Promise((resolve) => server.close(resolve)))
  )

  it.live("is for DNS: it isn't sent as SNI, and the certificate needs no dot", () =>
    Effect.scoped(Effect.gen(function*() {
      const server = yield* listening
      const { port } = server.address() as Net.AddressInfo
      const asked: Array<string> = []
      const host = Dns.make({
        lookup: (name) => {
          asked.push(name)
          return Effect.succeed([NetAddress.ipFromStringUnsafe("127.0.0.1")])
        }
      })
      const checked: Array<string> = []
      const tls: TlsOptions = {
        ca: certificates.ca.cert,
        checkServerIdentity: (name, certificate) => {
          checked.push(name)
          return Tls.checkServerIdentity(name, certificate)
        }
      }
      const connection = yield* Effect.provideService(connect(`ldaps://localhost.:${port}`, tls), Dns.Dns, host)
      assert.strictEqual(connection.protection, "tls")
      assert.strictEqual(connection.host, "localhost")
      yield* Effect.provideService(
        connect(`ldaps://other.test:${port}`, { ...tls, servername: "localhost." }),
        Dns.Dns,
        host
      )
      assert.deepStrictEqual(names, ["localhost", "localhost"])
      assert.deepStrictEqual(checked, ["localhost", "localhost"])
      assert.include(asked, "localhost.")
    })))

  it.live("nor after StartTLS", () =>
    Effect.scoped(Effect.gen(function*() {
      const server = yield* listening
      const { port } = server.address() as Net.AddressInfo
      const connection = yield* Effect.provideService(
        connect(`ldap://localhost.:${port}`),
        Dns.Dns,
        dns({ "localhost": ["127.0.0.1"], "localhost.": ["127.0.0.1"] })
      )
      yield* Effect.flatten(Effect.fromResult(connection.startTls({ ca: certificates.ca.cert })))
      assert.deepStrictEqual(names, ["localhost"])
    })))
})

describe("verifyPeer that can't be interrupted and never ends", () => {
  it.live("delays neither the connect timeout nor the release", () =>
    Effect.gen(function*() {
      const server = yield* Effect.acquireRelease(
        Effect.callback<Tls.Server>((resume) => {
          const server = Tls.createServer(
            { cert: certificates.server.cert, key: certificates.server.key },
            (socket) => socket.on("error", () => {}).resume()
          )
          server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.promise(() => new Promise((resolve) => server.close(resolve)))
      )
      const { port } = server.address() as Net.AddressInfo
      const settings = {
        url: `ldaps://127.0.0.1:${port}`,
        tls: { ca: certificates.ca.cert, verifyPeer: () => Effect.uninterruptible(Effect.never) }
      }
      const error = yield* failure(LdapSession.make({ ...settings, connectTimeout: 50 }))
      assert.deepInclude(error.reason, { _tag: "ConnectFailed", kind: "timeout" })
      const connecting = yield* Effect.forkChild(Effect.scoped(LdapSession.make(settings)))
      yield* turns
      yield* Fiber.interrupt(connecting)
    }).pipe(Effect.scoped))
})
