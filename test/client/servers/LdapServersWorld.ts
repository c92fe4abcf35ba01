/**
 * Several servers in memory for tests of sets. Each is a directory of its own that can be killed, started, made slow to connect, or
 * given faults. The DNS gives the answers that a test chooses.
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapServers from "../../../src/client/servers/LdapServers.ts"
import * as LdapTransport from "../../../src/connection/LdapTransport.ts"
import type * as MemorySocket from "../../../src/connection/MemorySocket.ts"
import { ConnectFailed, LdapError } from "../../../src/model/LdapError.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { settle } from "../../session/recording/RecordingPeer.ts"

export const admin = "cn=admin,dc=example"
export const auth = LdapAuth.simple(admin, Redacted.make("secret"))

/** Waits until everything in transit in memory has arrived. */
export const quiet = Effect.forEach(Array.from({ length: 40 }), () => settle, { discard: true })

export interface Host {
  readonly url: string
  readonly directory: InMemoryDirectory.InMemoryDirectory
  /** Whether the server is down. */
  refuses: boolean
  /** How long it takes to connect. */
  latency: Duration.Input
  /** The times of connection attempts, in milliseconds of the Clock. */
  readonly asked: Array<number>
  /** Connection attempts in progress. */
  connecting: number
  /** The TLS options of the last connection attempt. */
  tls: LdapTransport.UrlOptions["tls"]
  /** The server name of the last connection, if it differs from that of the URL. */
  hostName?: string | undefined
  /** All connections so far. */
  readonly sockets: Set<MemorySocket.MemorySocket>
  /** Crashes: all its connections break, and new ones are refused. */
  readonly kill: Effect.Effect<void>
}

const hostOf = Effect.fnUntraced(function*(url: string): Effect.fn.Return<Host, LdapError, Scope.Scope> {
  const directory = yield* InMemoryDirectory.make({
    entries: [
      { dn: "dc=example", attributes: { objectClass: ["domain"], dc: "example", description: url } },
      { dn: "uid=u,dc=example", attributes: { objectClass: ["account"], uid: "u", userPassword: "user's" } }
    ],
    admin: { password: "secret" }
  })
  const host: Host = {
    url,
    directory,
    refuses: false,
    latency: 0,
    asked: [],
    connecting: 0,
    tls: undefined,
    sockets: new Set(),
    kill: Effect.suspend(() => {
      host.refuses = true
      return Effect.forEach([...host.sockets], ({ reset }) => reset, { discard: true })
    })
  }
  return host
})

export interface World {
  readonly hosts: ReadonlyArray<Host>
  readonly host: (url: string) => Host
  /** The answers of DNS. A missing name is a failure. */
  readonly dns: Map<string, ReadonlyArray<LdapServers.SrvRecord>>
  /** The names that were looked up. */
  readonly questions: Array<string>
  /** The current fault of DNS. If it is slow, it takes a second. */
  readonly trouble: { dns: "none" | "fails" | "is silent" | "is slow" }
  readonly provide: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  readonly make: (
    set: LdapServers.ServerSet,
    config?: LdapServers.ServersConfig
  ) => Effect.Effect<LdapServers.LdapServers, LdapError, Scope.Scope>
}

export const make = Effect.fnUntraced(function*(
  urls: ReadonlyArray<string>
): Effect.fn.Return<World, LdapError, Scope.Scope> {
  const clock = yield* Clock.Clock
  const hosts = yield* Effect.forEach(urls, hostOf)
  const host = (url: string): Host => {
    const found = hosts.find((host) => host.url === url)
    if (found === undefined) throw new Error(`no host ${url}`)
    return found
  }
  const reach = (url: string, options: LdapTransport.UrlOptions) =>
    Result.map(LdapTransport.fromUrl(url, options), () => ({
      server: url,
      connect: Effect.gen(function*() {
        const to = host(url)
        to.asked.push(clock.currentTimeMillisUnsafe())
        to.tls = options.tls
        to.hostName = options.hostName
        to.connecting++
        yield* Effect.ensuring(Effect.sleep(to.latency), Effect.sync(() => to.connecting--))
        if (to.refuses) {
          const reason = new ConnectFailed({ kind: "refused", detail: "connection refused" })
          return yield* new LdapError({ reason, operation: "connect", server: url })
        }
        // In one step: otherwise a socket without an owner would stay open.
        return yield* Effect.uninterruptible(
          Effect.flatMap(to.directory.connect, (socket) => {
            to.sockets.add(socket)
            return LdapTransport.fromSocket(socket, { protection: "local", server: url }).connect
          })
        )
      })
    }))
  const dns = new Map<string, ReadonlyArray<LdapServers.SrvRecord>>()
  const questions: Array<string> = []
  const trouble: World["trouble"] = { dns: "none" }
  const lookup = (name: string) =>
    Effect.suspend(() => {
      questions.push(name)
      if (trouble.dns === "is silent") return Effect.never
      if (trouble.dns !== "fails") {
        return Effect.delay(Effect.succeed(dns.get(name) ?? []), trouble.dns === "is slow" ? 1000 : 0)
      }
      const reason = new ConnectFailed({ kind: "dns", detail: "SERVFAIL" })
      return Effect.fail(new LdapError({ reason, operation: "connect", server: name }))
    })
  const provide: World["provide"] = (effect) =>
    effect.pipe(
      Effect.provideService(LdapServers.Reach, reach),
      Effect.provideService(LdapServers.SrvLookup, lookup)
    )
  return {
    hosts,
    host,
    dns,
    questions,
    trouble,
    provide,
    make: (set, config) => provide(LdapServers.make(set, { auth, ...config }))
  }
})
