/**
 * Connections that the program makes, passwords in clear text, and URLs. The drop-in has everything that ldapts exports.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ldapts from "ldapts"
import * as net from "node:net"
import { Duplex } from "node:stream"
import * as tls from "node:tls"
import { vi } from "vitest"
import * as dropIn from "../../src/ldapts.ts"
import { listen } from "../session/recording/RecordingServer.ts"
import { answerSearch, bind, ca, certificates, secure, served, settled } from "./behaviours/recorded.ts"

describe("connections that the program makes", () => {
  /** A stream that isn't a socket of Node: it is unknown where it leads. */
  const tunnel = (port: number): net.Socket => {
    const socket = net.connect(port, "127.0.0.1")
    const stream = new Duplex({
      read: () => socket.resume(),
      write: (chunk, _, done) => socket.write(chunk, done),
      final: (done) => socket.end(done),
      destroy: (error, done) => {
        socket.destroy()
        done(error)
      }
    })
    socket.on("data", (chunk) => stream.push(chunk))
    socket.on("end", () => stream.push(null))
    return stream as net.Socket
  }

  it.live("createConnection: a new socket, one that is connected, a stream; called as ldapts does", () =>
    served((server) =>
      Effect.gen(function*() {
        const calls: Array<unknown> = []
        const connected = net.connect(server.port, "127.0.0.1")
        yield* server.accept
        const makers = [
          () => net.connect(server.port, "127.0.0.1"),
          () => connected,
          () => tunnel(server.port)
        ]
        for (const [i, make] of makers.entries()) {
          for (const Client of i === 0 ? [ldapts.Client, dropIn.Client] : [dropIn.Client]) {
            const createConnection = ((...args: Array<unknown>) => {
              calls.push(args)
              return make()
            }) as typeof net.connect
            const client = new Client({ url: "ldap://ldap.example.org", createConnection })
            if (i === 1) {
              // Its other end has been accepted. The socket shows that it is used.
              const search = client.search("dc=example")
              yield* Effect.promise(() =>
                vi.waitFor(() => assert.isAbove(connected.bytesWritten, 0), { timeout: 20_000 })
              )
              connected.destroy()
              assert.instanceOf(yield* settled(search as Promise<unknown>), Error)
              continue
            }
            const search = client.search("dc=example")
            const connection = yield* server.accept
            yield* answerSearch(connection)
            assert.notInstanceOf(yield* settled(search as Promise<unknown>), Error)
            const unbound = client.unbind()
            yield* connection.end
            yield* settled(unbound)
          }
        }
        assert.deepStrictEqual(calls, calls.map(() => [389, "ldap.example.org"]))
        assert.strictEqual(calls.length, 4)
      })
    ))

  it.live("a socket that is closed already, and a factory that throws, are errors", () =>
    served((server) =>
      Effect.gen(function*() {
        const closed = net.connect(server.port, "127.0.0.1")
        closed.destroy()
        const makers = [() => closed, () => {
          throw new Error("no way")
        }]
        for (const make of makers) {
          const client = new dropIn.Client({ url: "ldap://a", createConnection: make })
          assert.instanceOf(yield* settled(client.search("dc=example")), Error)
          assert.isFalse(client.isConnected)
        }
      })
    ))

  it.live("createSecureConnection: for ldaps, and for StartTLS", () =>
    Effect.scoped(
      Effect.gen(function*() {
        const secureServer = yield* listen({ certificate: certificates.server, secure: true })
        const calls: Array<Array<unknown>> = []
        const createSecureConnection = ((...args: Array<unknown>) => {
          calls.push(args)
          return (tls.connect as (...args: Array<unknown>) => tls.TLSSocket)(...args)
        }) as typeof tls.connect
        const client = new dropIn.Client({
          url: `ldaps://127.0.0.1:${secureServer.port}`,
          tlsOptions: { ca },
          createSecureConnection
        })
        const bound = client.bind("cn=a", "x")
        const connection = yield* secureServer.accept
        yield* bind(connection)
        assert.isUndefined(yield* settled(bound))
        assert.deepStrictEqual(calls, [[secureServer.port, "127.0.0.1", { ca }]])
        const session = yield* Effect.orDie(client.effect)
        assert.strictEqual(yield* session.protection, "tls")
        const unbound = client.unbind()
        yield* connection.end
        yield* settled(unbound)

        const server = yield* listen({ certificate: certificates.server })
        const upgraded = new dropIn.Client({ url: `ldap://127.0.0.1:${server.port}`, createSecureConnection })
        const started = upgraded.startTLS({ ca })
        const clear = yield* server.accept
        yield* secure(clear)
        assert.isUndefined(yield* settled(started))
        assert.isDefined((calls[1]![0] as tls.ConnectionOptions).socket)
        const last = upgraded.unbind()
        yield* clear.end
        yield* settled(last)
      })
    ))

  it.live("a password in clear text is refused, unless it is allowed in so many words", () =>
    served((server) =>
      Effect.gen(function*() {
        const createConnection = (() => tunnel(server.port)) as unknown as typeof net.connect
        const allowed = new dropIn.Client({ url: "ldap://a", createConnection, allowInsecureAuth: true })
        const bound = allowed.bind("cn=a", "x")
        const first = yield* server.accept
        yield* bind(first)
        assert.isUndefined(yield* settled(bound))
        const ended = allowed.unbind()
        yield* first.end
        yield* settled(ended)
        for (const allowInsecureAuth of [undefined, false]) {
          const client = new dropIn.Client({ url: "ldap://a", createConnection, allowInsecureAuth })
          const refusal = client.bind("cn=a", "x").catch((error: Error) => error)
          const connection = yield* server.accept
          const error = dropIn.toLdapError(yield* Effect.promise(() => refusal))
          assert.strictEqual(error?.reason._tag, "InsecureAuth")
          assert.include(error?.message, "allowInsecureAuth")
          const unbound = client.unbind()
          yield* connection.end
          yield* settled(unbound)
          assert.strictEqual(connection.count("BindRequest"), 0)
        }
      })
    ))
})

it("URLs: what isn't one of a server is an error at once; more than ldapts takes", () => {
  for (const url of ["nonsense", "", "http://a", "ldap//a"]) {
    assert.throws(() => new ldapts.Client({ url }), `${url} is an invalid LDAP URL (protocol)`)
    assert.throws(() => new dropIn.Client({ url }), `${url} is an invalid LDAP URL (protocol)`)
  }
  for (const url of ["ldap://a/dc=example", "LDAP://a:1389", "ldaps://[::1]:636"]) {
    assert.doesNotThrow(() => new ldapts.Client({ url }))
    assert.doesNotThrow(() => new dropIn.Client({ url }))
  }
  assert.throws(() => new ldapts.Client({ url: "ldapi://%2Frun%2Fldapi" }))
  assert.doesNotThrow(() => new dropIn.Client({ url: "ldapi://%2Frun%2Fldapi" }))
})

it("all of ldapts' client is there, and all that ldapts exports", () => {
  const methods = Object.getOwnPropertyNames(ldapts.Client.prototype).filter((name) => !name.startsWith("_"))
  for (const name of [...methods, Symbol.asyncDispose]) assert.isTrue(name in dropIn.Client.prototype, String(name))
  for (const name of Object.keys(ldapts)) assert.isTrue(name in dropIn, name)
  assert.notStrictEqual<unknown>(dropIn.Client, ldapts.Client)
  assert.strictEqual(dropIn.InvalidCredentialsError, ldapts.InvalidCredentialsError)
})
