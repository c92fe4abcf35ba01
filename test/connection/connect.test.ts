/** Opening sessions over real sockets: failures are typed, end in time, and leave nothing behind. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Net from "node:net"
import { setTimeout as delay } from "node:timers/promises"
import * as Tls from "node:tls"
import { inspect } from "node:util"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import type { LdapError } from "../../src/model/LdapError.ts"
import { encode } from "../../src/protocol/encode.ts"
import { LdapParser } from "../../src/protocol/LdapParser.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"
import { makeCertificates } from "../servers/certificates.ts"
import { givingWayAfter } from "../session/interleavings/stepping.ts"

const certificates = makeCertificates()

/** The resources that keep a process alive: sockets, connection attempts, timers. */
const resources = (): ReadonlyArray<string> =>
  process
    .getActiveResourcesInfo()
    .filter((name) => /TCPSocketWrap|TLSWrap|PipeConnectWrap|TCPConnectWrap|Timeout/.test(name))

/**
 * Runs a test, then looks for what it left behind. The other side of a socket, and the host's look-up of a name, end a moment
 * later than ours.
 */
const clean = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Effect.Effect<A, E> =>
  Effect.gen(function*() {
    const before = resources().length
    let fibers = 0
    const counting: Metric.FiberRuntimeMetricsService = {
      recordFiberStart: () => void fibers++,
      recordFiberEnd: () => void fibers--
    }
    const value = yield* Effect.provideService(Effect.scoped(effect), Metric.FiberRuntimeMetrics, counting)
    assert.strictEqual(fibers, 0, "fibers are left")
    yield* Effect.promise(async () => {
      for (let i = 0; i < 4000 && resources().length > before; i++) await delay(5)
    })
    assert.isAtMost(resources().length, before, resources().join())
    return value
  })

interface Server {
  readonly port: number
  readonly sockets: Set<Net.Socket>
}

/** A server on a free port, and its open sockets. When the scope closes, it and its sockets are closed. */
const listen = (
  make: (onConnection: (socket: Net.Socket) => void) => Net.Server,
  onSocket: (socket: Net.Socket) => void
): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Server & { readonly server: Net.Server }>((resume) => {
      const sockets = new Set<Net.Socket>()
      const server = make((socket) => {
        sockets.add(socket)
        socket.on("error", () => {})
        socket.on("close", () => sockets.delete(socket))
        onSocket(socket)
      })
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as Net.AddressInfo
        resume(Effect.succeed({ port, sockets, server }))
      })
    }),
    ({ server, sockets }) =>
      Effect.callback<void>((resume) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resume(Effect.void))
      })
  )

const tcp = (onSocket: (socket: Net.Socket) => void) =>
  listen((onConnection) => Net.createServer({ allowHalfOpen: true }, onConnection), onSocket)

const tls = (certificate: keyof Omit<typeof certificates, "ca">, onSocket: (socket: Net.Socket) => void = () => {}) =>
  listen((onConnection) => {
    const server = Tls.createServer(certificates[certificate], onConnection)
    server.on("tlsClientError", () => {})
    return server
  }, onSocket)

const silent = () => {}

const failure = (config: LdapSession.SessionConfig): Effect.Effect<LdapError> =>
  Effect.flip(Effect.scoped(LdapSession.make(config))) as Effect.Effect<LdapError>

const trust = { ca: certificates.ca.cert, servername: "localhost" }

describe("bad input", () => {
  it.live.each(
    [
      ["http://host", "not the URL of a server"],
      ["host", "not the URL of a server"],
      ["ldap://", "has no host"],
      ["ldap:///dc=example", "must name only the server"],
      ["ldap://host/dc=example", "must name only the server"],
      ["ldap://host:x", "a port must be a number"],
      ["ldap://host:0", "a port must be a number"],
      ["ldap://host:70000", "a port must be a number"],
      ["ldap://user:secret@host", "can't have a user or password"],
      ["ldap://[::1", "is not closed"],
      ["ldapi://", "has no path of a socket"],
      ["ldapi://%zz", "two hexadecimal digits"]
    ] as const
  )("the URL %s", ([url, said]) =>
    Effect.gen(function*() {
      const error = yield* clean(failure({ url }))
      assert.deepInclude(error.reason, { _tag: "ConnectFailed", kind: "invalid" })
      assert.include(error.message, said)
      assert.notInclude(error.message, "secret")
    }))

  it.effect("a URL with a password in an extension: the error doesn't show it", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        Effect.scoped(LdapSession.make({ url: "ldap://h/????bindname=cn=a,x-bindpw=topsecret" }))
      )
      assert.deepInclude(error.reason, { _tag: "ConnectFailed", kind: "invalid" })
      assert.notInclude(inspect(error, { depth: 9 }), "topsecret")
    }))

  it.live("a host that has no address", () =>
    Effect.gen(function*() {
      const error = yield* clean(failure({ url: "ldap://no-such-host.invalid" }))
      assert.deepInclude(error.reason, { _tag: "ConnectFailed", kind: "dns" })
      assert.include(error.message, "the name no-such-host.invalid has no address")
      assert.include(error.message, "check the host")
    }))

  it.live("a port on which nothing listens", () =>
    Effect.gen(function*() {
      const { port } = yield* Effect.scoped(tcp(silent))
      const error = yield* clean(failure({ url: `ldap://127.0.0.1:${port}` }))
      assert.deepInclude(error.reason, { _tag: "ConnectFailed", kind: "refused" })
      assert.include(error.message, `127.0.0.1 port ${port}`)
      assert.isTrue(error.isRetryable)
    }))

  it.live("a unix socket that isn't there", () =>
    Effect.gen(function*() {
      const error = yield* clean(failure({ url: "ldapi://%2Fno%2Fsuch%2Fsocket" }))
      assert.deepInclude(error.reason, { _tag: "ConnectFailed", kind: "refused" })
      assert.include(error.message, "/no/such/socket")
    }))

  it.live("a base, a filter or a limit that can't be encoded: nothing is sent, and the session goes on", () =>
    clean(
      Effect.gen(function*() {
        const { port } = yield* tcp(silent)
        const session = yield* LdapSession.make({ url: `ldap://127.0.0.1:${port}`, closeTimeout: 10 })
        const fieldOf = (options: LdapSession.SearchOptions) =>
          Effect.map(Effect.flip(session.searchResult(options)), ({ reason }) =>
            "field" in reason ? reason.field : reason)
        assert.strictEqual(yield* fieldOf({ base: "", filter: "(cn=x" }), "filter")
        assert.strictEqual(yield* fieldOf({ base: "", filter: "cn=x)(uid=*" }), "filter")
        assert.strictEqual(yield* fieldOf({ base: "", sizeLimit: -1 }), "sizeLimit")
        assert.strictEqual(yield* fieldOf({ base: "", pageSize: 0 }), "pageSize")
        assert.strictEqual(yield* fieldOf({ base: "", pageSize: 1.5 }), "pageSize")
      })
    ))
})

describe("an unreachable server", () => {
  it.effect("one that never answers the connection attempt: connectTimeout, on the Clock", () =>
    Effect.gen(function*() {
      let attempts = 0
      const transport = {
        server: "ldap://unreachable",
        connect: Effect.andThen(Effect.sync(() => attempts++), Effect.never)
      }
      for (const [options, millis] of [[{ connectTimeout: 3000 }, 3000], [{}, 10_000]] as const) {
        const opening = yield* LdapSession.fromTransport(transport, options).pipe(
          Effect.scoped,
          Effect.flip,
          Effect.forkChild({ startImmediately: true })
        )
        yield* TestClock.adjust(millis - 1)
        assert.isUndefined(opening.pollUnsafe())
        yield* TestClock.adjust(1)
        const error = yield* Fiber.join(opening)
        assert.deepInclude(error.reason, { _tag: "ConnectFailed", kind: "timeout" })
        assert.include(error.message, "ldap://unreachable")
        assert.include(error.message, "connectTimeout")
      }
      assert.strictEqual(attempts, 2)
    }))

  it.live("a wrong password: the name and the code are in the error, and nothing is left of the session", () =>
    clean(
      Effect.gen(function*() {
        const { port } = yield* tcp((socket) => answering(socket, { code: 49 }))
        const auth = LdapAuth.simple("cn=admin", Redacted.make("not-this-one"))
        const error = yield* failure({ url: `ldap://127.0.0.1:${port}`, auth })
        assert.strictEqual(error.reason._tag, "InvalidCredentials")
        assert.include(error.message, "bind of \"cn=admin\" on ldap://127.0.0.1")
        assert.include(error.message, "invalidCredentials (49); the name or the password is wrong")
        assert.notInclude(error.message, "not-this-one")
      })
    ))

  it.live("a malformed name is InvalidDnSyntax, whose message shows how names are written", () =>
    Effect.gen(function*() {
      const directory = yield* InMemoryDirectory.make({ suffixes: ["dc=example"] })
      const session = yield* LdapSession.fromSocket(yield* directory.connect)
      const error = yield* Effect.flip(session.lookup("no name"))
      assert.strictEqual(error.reason._tag, "InvalidDnSyntax")
      assert.include(error.message, "\"no name\"")
      assert.include(error.message, "uid=ada")
    }))
})

describe("TLS", () => {
  const refused: Record<string, readonly ["server" | "expired" | "wrongHost" | "untrusted", string]> = {
    "an expired certificate": [
      "expired",
      "is not valid now: certificate has expired; the server needs a new one, or a clock is wrong"
    ],
    "a certificate for another host": ["wrongHost", "is for another host"],
    "a certificate of an authority that isn't trusted": ["untrusted", "issuer is not trusted"]
  }
  it.live.each(Object.keys(refused))("%s is refused, and named", (name) =>
    Effect.gen(function*() {
      const [certificate, said] = refused[name]!
      yield* clean(
        Effect.gen(function*() {
          const { port } = yield* tls(certificate)
          const error = yield* failure({ url: `ldaps://127.0.0.1:${port}`, tls: trust })
          assert.deepInclude(error.reason, { _tag: "ConnectFailed", kind: "tls" })
          assert.include(error.message, said)
        })
      )
    }))

  it.live("a good certificate is not enough without its authority", () =>
    clean(
      Effect.gen(function*() {
        const { port } = yield* tls("server")
        const error = yield* failure({ url: `ldaps://127.0.0.1:${port}` })
        assert.include(error.message, "issuer is not trusted")
      })
    ))

  it.live("the environment can't turn the verification off", () =>
    clean(
      Effect.gen(function*() {
        const { port } = yield* tls("untrusted")
        process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0"
        try {
          const error = yield* failure({ url: `ldaps://127.0.0.1:${port}`, tls: trust })
          assert.include(error.message, "issuer is not trusted")
        } finally {
          delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"]
        }
      })
    ))

  it.live("an address is checked against the addresses of the certificate", () =>
    clean(
      Effect.gen(function*() {
        const { port } = yield* tls("wrongHost")
        const error = yield* failure({ url: `ldaps://127.0.0.1:${port}`, tls: { ca: certificates.ca.cert } })
        assert.include(error.message, "is for another host")
      })
    ))

  it.live("ldaps to a port that speaks clear text, and ldap to one that speaks TLS", () =>
    clean(
      Effect.gen(function*() {
        const clear = yield* tcp((socket) => socket.once("data", () => socket.end("no TLS here")))
        const error = yield* failure({ url: `ldaps://127.0.0.1:${clear.port}`, tls: trust })
        assert.deepInclude(error.reason, { _tag: "ConnectFailed", kind: "tls" })
        assert.include(error.message, "doesn't speak TLS (wrong version number); ldaps is usually on port 636")
        const secure = yield* tls("server")
        const other = yield* failure({ url: `ldap://127.0.0.1:${secure.port}`, auth: LdapAuth.anonymous })
        assert.include(["ProtocolViolation", "ConnectionLost"], other.reason._tag)
      })
    ))
})

describe("a server that accepts and never answers", () => {
  it.live("TCP: the bind ends at requestTimeout, the release at closeTimeout", () =>
    clean(
      Effect.gen(function*() {
        const { port } = yield* tcp(silent)
        const error = yield* failure({
          url: `ldap://127.0.0.1:${port}`,
          auth: LdapAuth.anonymous,
          requestTimeout: 50,
          closeTimeout: 50
        })
        assert.strictEqual(error.reason._tag, "RequestTimeout")
      })
    ))

  it.live("TLS: the handshake ends at connectTimeout", () =>
    clean(
      Effect.gen(function*() {
        const { port } = yield* tcp(silent)
        const error = yield* failure({ url: `ldaps://127.0.0.1:${port}`, connectTimeout: 50 })
        assert.deepInclude(error.reason, { _tag: "ConnectFailed", kind: "timeout" })
        assert.include(error.message, "connectTimeout")
      })
    ))
})

/** Answers a bind as a server would; completes when it has received an unbind and the end. */
const answering = (
  socket: Net.Socket,
  on: { readonly unbind?: () => void; readonly end?: () => void; readonly code?: number } = {}
) => {
  const parser = new LdapParser()
  socket.on("data", (chunk) => {
    parser.push(chunk, ({ messageId, operation }) => {
      const result = { code: on.code ?? 0, matchedDn: "", diagnosticMessage: "", referrals: [] }
      const reply = (response: Parameters<typeof encode>[0]["operation"]) =>
        socket.write(encode({ messageId, operation: response, controls: [] }))
      if (operation._tag === "BindRequest") reply({ _tag: "BindResponse", result })
      if (operation._tag === "UnbindRequest") on.unbind?.()
    })
  })
  socket.on("end", () => {
    on.end?.()
    socket.end()
  })
}

describe("S1 and S2 on real sockets", () => {
  it.live.each(["ldap", "ldaps"] as const)(
    "%s: unbind, then the end of our side, and the socket is closed with the scope",
    (scheme) =>
      clean(
        Effect.gen(function*() {
          const seen: Array<string> = []
          const onSocket = (socket: Net.Socket) =>
            answering(socket, { unbind: () => seen.push("unbind"), end: () => seen.push("end") })
          const { port } = yield* scheme === "ldaps" ? tls("server", onSocket) : tcp(onSocket)
          const before = resources().length
          yield* Effect.scoped(
            LdapSession.make({ url: `${scheme}://127.0.0.1:${port}`, tls: trust, auth: LdapAuth.anonymous })
          )
          // After the scope has closed, only the server's end of the connection may remain.
          assert.isAtMost(resources().length, before + 1)
          assert.deepStrictEqual(seen, ["unbind", "end"])
        })
      )
  )

  it.live("a peer that has stopped reading: the socket is destroyed at closeTimeout", () =>
    clean(
      Effect.gen(function*() {
        const { port, sockets } = yield* tcp((socket) => socket.pause())
        const scope = yield* Scope.make()
        const session = yield* Scope.provide(
          LdapSession.make({ url: `ldap://127.0.0.1:${port}`, closeTimeout: 100 }),
          scope
        )
        const big = "x".repeat(20_000_000)
        const pending = yield* Effect.forkChild(session.add("cn=a", { cn: big }), { startImmediately: true })
        yield* Effect.sleep(20)
        yield* Scope.close(scope, Exit.void)
        assert.isTrue(Exit.isFailure(yield* Fiber.await(pending)))
        assert.strictEqual(sockets.size, 1)
      })
    ))
})

describe("S3: socket events between two steps of a fiber are not missed", () => {
  it.live.each([3, 4, 5, 8])(
    "fibers that give way after %s operations: opening, use, release",
    (every) =>
      clean(
        Effect.gen(function*() {
          const directory = yield* InMemoryDirectory.make({ suffixes: ["dc=example"] })
          const { url } = yield* InMemoryDirectory.listen(directory)
          const use = (session: LdapSession.LdapSession) => Effect.as(session.rootDse, "used")
          assert.strictEqual(yield* Effect.scoped(Effect.flatMap(LdapSession.make({ url }), use)), "used")
          const secure = yield* tls("server", answering)
          yield* Effect.scoped(
            LdapSession.make({ url: `ldaps://127.0.0.1:${secure.port}`, tls: trust, auth: LdapAuth.anonymous })
          )
          const rude = yield* tcp((socket) => void socket.resetAndDestroy())
          const ended = Effect.scoped(
            Effect.flatMap(LdapSession.make({ url: `ldap://127.0.0.1:${rude.port}` }), ({ closed }) => closed)
          )
          const exit = yield* Effect.exit(ended)
          if (Exit.isSuccess(exit)) assert.strictEqual(exit.value._tag, "ConnectionLost")
        }).pipe(Effect.provideService(Scheduler.Scheduler, givingWayAfter(every)))
      )
  )
})

describe("S4: interruption while connecting", () => {
  const stages: Record<string, Effect.Effect<LdapSession.SessionConfig, never, Scope.Scope>> = {
    "DNS": Effect.succeed({ url: "ldap://no-such-host.invalid" }),
    "TCP": Effect.map(tcp(silent), ({ port }) => ({ url: `ldap://127.0.0.1:${port}`, closeTimeout: 10 })),
    "the TLS handshake": Effect.map(tcp(silent), ({ port }) => ({ url: `ldaps://127.0.0.1:${port}` })),
    "the answer to StartTLS": Effect.map(tcp(silent), ({ port }) => ({
      url: `ldap://127.0.0.1:${port}`,
      startTls: true,
      closeTimeout: 10
    })),
    "the handshake of StartTLS": Effect.map(
      tcp((socket) =>
        socket.once("data", () => socket.write(Buffer.from([0x30, 12, 2, 1, 1, 0x78, 7, 10, 1, 0, 4, 0, 4, 0])))
      ),
      ({ port }) => ({ url: `ldap://127.0.0.1:${port}`, startTls: true, closeTimeout: 10 })
    ),
    "the bind": Effect.map(tcp(silent), ({ port }) => ({
      url: `ldap://127.0.0.1:${port}`,
      auth: LdapAuth.simple("cn=a", Redacted.make("secret")),
      closeTimeout: 10
    }))
  }

  it.live.each(Object.keys(stages))("during %s, at any moment: no socket is left", (name) =>
    clean(
      Effect.gen(function*() {
        const config = yield* stages[name]!
        for (const millis of [0, 0, 1, 2, 3, 5, 10, 20, 40]) {
          const opening = yield* Effect.forkChild(Effect.scoped(Effect.andThen(LdapSession.make(config), Effect.never)))
          if (millis > 0) yield* Effect.sleep(millis)
          else yield* Effect.yieldNow
          yield* Fiber.interrupt(opening)
        }
      })
    ))

  it.effect("what a transport does to connect has ended when the interruption has", () =>
    Effect.gen(function*() {
      let state = "not begun"
      const connect = Effect.callback<never>(() => {
        state = "connecting"
        return Effect.sync(() => {
          state = "ended"
        })
      })
      const opening = yield* Effect.forkChild(
        Effect.scoped(LdapSession.fromTransport({ server: "ldap://a", connect }))
      )
      while (state === "not begun") yield* Effect.yieldNow
      yield* Fiber.interrupt(opening)
      assert.strictEqual(state, "ended")
    }))

  it.live("two first operations never open two sockets", () =>
    clean(
      Effect.gen(function*() {
        let connections = 0
        const { port } = yield* tcp((socket) => {
          connections++
          answering(socket)
        })
        const session = yield* LdapSession.make({ url: `ldap://127.0.0.1:${port}` })
        yield* Effect.all(Array.from({ length: 8 }, () => session.bind(LdapAuth.anonymous)), {
          concurrency: "unbounded"
        })
        assert.strictEqual(connections, 1)
      })
    ))
})
