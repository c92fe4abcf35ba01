/**
 * CLDAP and the locator, against UDP peers that follow the rules or break them, and against Samba: sites, flags, lost datagrams, forged
 * answers, dead controllers.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Dns from "effect/net/Dns"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as DatagramSocket from "effect/socket/DatagramSocket"
import * as TestClock from "effect/testing/TestClock"
import { createSocket, type Socket } from "node:dgram"
import { inject } from "vitest"
import * as Cldap from "../../src/activedirectory/Cldap.ts"
import * as DomainControllers from "../../src/activedirectory/DomainControllers.ts"
import { readNetlogonResponse } from "../../src/activedirectory/locator/netlogonResponse.ts"
import * as LdapServers from "../../src/client/servers/LdapServers.ts"
import * as LdapEntry from "../../src/model/entry/LdapEntry.ts"
import type { LdapError } from "../../src/model/LdapError.ts"
import { decode, encode } from "../../src/protocol/LdapCodec.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { below, mutate, random } from "../fuzz/mutate.ts"
import { waitFor } from "../servers/setup/waitFor.ts"
import { netlogonBytes, type NetlogonParts } from "./netlogonBytes.ts"

const site = { dc: "dc1.example.test", domain: "example.test" }

const parts: NetlogonParts = { bits: 0x1fd, domain: site.domain, host: site.dc, site: "Berlin", clientSite: "Berlin" }

// ---------------------------------------------------------------------------------------------------------------------
// Peers
// ---------------------------------------------------------------------------------------------------------------------

interface Peer {
  readonly port: number
  /** How many requests have arrived. */
  readonly asked: () => number
}

type Reply = (
  question: { readonly id: number; readonly payload: Buffer; readonly count: number },
  send: (payload: Uint8Array) => void
) => void

/** A UDP server on a loopback address. */
const peer = (address: string, reply: Reply, port = 0): Effect.Effect<Peer, never, Scope.Scope> => {
  let count = 0
  return Effect.map(
    Effect.acquireRelease(
      Effect.callback<Socket>((resume) => {
        const socket = createSocket("udp4")
        socket.on("message", (payload, from) => {
          count++
          const message = Result.getOrThrow(decode(payload))
          reply({ id: message.messageId, payload, count }, (answer) => socket.send(answer, from.port, from.address))
        })
        socket.bind(port, address, () => resume(Effect.succeed(socket)))
      }),
      (socket) => Effect.callback<void>((resume) => void socket.close(() => resume(Effect.void)))
    ),
    (socket) => ({ port: socket.address().port, asked: () => count })
  )
}

const done = (id: number, code = 0): Buffer =>
  Buffer.from(Result.getOrThrow(encode({
    messageId: id,
    operation: { _tag: "SearchResultDone", result: { code, matchedDn: "", diagnosticMessage: "", referrals: [] } },
    controls: []
  })))

const entryOf = (id: number, values: Readonly<Record<string, Uint8Array>>): Buffer =>
  Buffer.from(Result.getOrThrow(encode({
    messageId: id,
    operation: {
      _tag: "SearchResultEntry",
      entry: LdapEntry.make("", values)
    },
    controls: []
  })))

const answer = (id: number, response: NetlogonParts = parts): Buffer =>
  Buffer.concat([entryOf(id, { Netlogon: netlogonBytes(response) }), done(id)])

const quick = { timeout: "2 seconds", resend: Schedule.spaced("50 millis") } as const

const reasonOf = <A, R>(effect: Effect.Effect<A, LdapError, R>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

// ---------------------------------------------------------------------------------------------------------------------
// Bytes
// ---------------------------------------------------------------------------------------------------------------------

describe("the response to a ping", () => {
  it("has names, flags and sites", () => {
    const response = Result.getOrThrow(
      readNetlogonResponse(netlogonBytes({ ...parts, nextClosestSite: "Paris", withAddress: true }))
    )
    assert.deepInclude(response, {
      domain: "example.test",
      forest: "example.test",
      host: "dc1.example.test",
      netbiosDomain: "SAMDOM",
      site: "Berlin",
      clientSite: "Berlin",
      nextClosestSite: "Paris",
      isUserKnown: true,
      isPaused: false
    })
    assert.isTrue(response.flags.has("closest") && response.flags.has("writable") && !response.flags.has("readOnly"))
    const elsewhere = Result.getOrThrow(readNetlogonResponse(netlogonBytes({ ...parts, clientSite: "", opcode: 24 })))
    assert.deepInclude(elsewhere, { clientSite: undefined, isPaused: true })
  })

  it("is refused or read whatever the damage, and pointers never loop", () => {
    const good = netlogonBytes({ ...parts, nextClosestSite: "Paris" })
    for (let length = 0; length < good.length; length++) {
      assert.isTrue(Result.isFailure(readNetlogonResponse(good.subarray(0, length))))
    }
    for (let seed = 1; seed <= 5000; seed++) {
      const result = readNetlogonResponse(mutate(random(seed), good))
      if (Result.isFailure(result)) assert.strictEqual(result.failure._tag, "WindowsValueError")
    }
    // A name that points at itself, one that points forwards, and two that point at each other.
    const base = Buffer.alloc(24 + 64)
    base.writeUInt16LE(23, 0)
    for (const [at, target] of [[24, 24], [24, 30], [24, 0x3fff]] as const) {
      base.writeUInt16BE(0xc000 | target, at)
      assert.isTrue(Result.isFailure(readNetlogonResponse(base)))
    }
    const long = Buffer.concat([
      good.subarray(0, 24),
      ...Array.from({ length: 10 }, () => Buffer.concat([Buffer.from([63]), Buffer.alloc(63, 97)]))
    ])
    assert.isTrue(Result.isFailure(readNetlogonResponse(long)))
  })
})

// ---------------------------------------------------------------------------------------------------------------------
// CLDAP
// ---------------------------------------------------------------------------------------------------------------------

describe("CLDAP", () => {
  it.live("a lost datagram is sent again, by the Schedule", () =>
    Effect.gen(function*() {
      const { asked, port } = yield* peer("127.0.0.1", ({ count, id }, send) => {
        if (count > 2) send(answer(id))
      })
      const response = yield* Cldap.ping("127.0.0.1", { ...quick, port, domain: site.domain })
      assert.strictEqual(response.host, site.dc)
      assert.isAtLeast(asked(), 3)
    }).pipe(Effect.scoped))

  it.live("drops datagrams that are no answer: other ids, garbage, halves, answers of other operations", () =>
    Effect.gen(function*() {
      const forged = { ...parts, host: "evil.example.test" }
      const { port } = yield* peer("127.0.0.1", ({ id }, send) => {
        send(answer(id === 1 ? 2 : id - 1, forged))
        send(Buffer.alloc(0))
        send(Buffer.from("garbage"))
        send(answer(id, forged).subarray(0, 60))
        send(entryOf(id, { Netlogon: netlogonBytes(forged) }))
        send(Buffer.from("300c02010161070a010004000400", "hex"))
        send(Buffer.alloc(60_000, 0x30))
        send(answer(id))
      })
      const response = yield* Cldap.ping("127.0.0.1", { ...quick, port })
      assert.strictEqual(response.host, site.dc)
    }).pipe(Effect.scoped))

  it.live("ignores an answer from another address", () =>
    Effect.gen(function*() {
      const other = yield* Effect.acquireRelease(
        Effect.sync(() => createSocket("udp4")),
        (socket) => Effect.sync(() => void socket.close())
      )
      const { port } = yield* Effect.acquireRelease(
        Effect.callback<{ readonly socket: Socket; readonly port: number }>((resume) => {
          const socket = createSocket("udp4")
          // Only a different socket answers.
          socket.on("message", (payload, from) => {
            const { messageId } = Result.getOrThrow(decode(payload))
            other.send(answer(messageId), from.port, from.address)
          })
          socket.bind(0, "127.0.0.1", () => resume(Effect.succeed({ socket, port: socket.address().port })))
        }),
        ({ socket }) => Effect.sync(() => void socket.close())
      )
      const reason = yield* reasonOf(Cldap.ping("127.0.0.1", { ...quick, timeout: "300 millis", port }))
      assert.deepInclude(reason, { _tag: "ConnectFailed", kind: "timeout" })
    }).pipe(Effect.scoped))

  it.live("a closed port fails at once, and a flood of garbage ends with the time limit", () =>
    Effect.gen(function*() {
      const { port: closed } = yield* Effect.scoped(peer("127.0.0.1", () => {}))
      const refused = yield* reasonOf(Cldap.ping("127.0.0.1", { ...quick, port: closed }))
      assert.deepInclude(refused, { _tag: "ConnectFailed", kind: "refused" })
      const { port } = yield* peer("127.0.0.1", (_, send) => {
        for (let i = 0; i < 500; i++) send(Buffer.alloc(1 + below(random(i), 1400), i))
      })
      const flooded = yield* reasonOf(Cldap.ping("127.0.0.1", { ...quick, timeout: "300 millis", port }))
      assert.deepInclude(flooded, { _tag: "ConnectFailed", kind: "timeout" })
    }).pipe(Effect.scoped))

  it.live("a result code is its reason, an answer without a response and one that can't be read are errors", () =>
    Effect.gen(function*() {
      const asking = (reply: Reply) =>
        Effect.scoped(
          Effect.flatMap(peer("127.0.0.1", reply), ({ port }) => reasonOf(Cldap.ping("127.0.0.1", { ...quick, port })))
        )
      assert.strictEqual((yield* asking(({ id }, send) => send(done(id, 51))))._tag, "Busy")
      assert.deepInclude(yield* asking(({ id }, send) => send(done(id))), { _tag: "ConnectFailed", kind: "other" })
      const unreadable = yield* asking(({ id }, send) =>
        send(Buffer.concat([entryOf(id, { Netlogon: Buffer.from([23, 0]) }), done(id)]))
      )
      assert.strictEqual(unreadable._tag, "ProtocolViolation")
    }))

  it.effect("checks address and port on a socket that accepts datagrams from anywhere, and uses TestClock's time", () =>
    Effect.gen(function*() {
      const forged = { ...parts, host: "evil.example.test" }
      let sent = 0
      const anywhere = DatagramSocket.makeFromBackingSocket((events) =>
        Effect.succeed<DatagramSocket.BackingSocket>({
          address: { host: "127.0.0.1", port: 40_000 },
          connected: true,
          send: (payload, _, done) => {
            done()
            const { messageId } = Result.getOrThrow(decode(payload))
            events.onPacket(answer(messageId, forged), "127.0.0.9", 389)
            events.onPacket(answer(messageId, forged), "127.0.0.1", 390)
            if (++sent === 3) events.onPacket(answer(messageId), "127.0.0.1", 389)
          },
          sendMany: (_, __, done) => done(),
          joinMulticast: () => Effect.die("not used"),
          close: () => {}
        })
      )
      const pinged = yield* Cldap.ping("127.0.0.1").pipe(
        Effect.provideService(Cldap.Datagrams, () => anywhere),
        Effect.forkChild({ startImmediately: true })
      )
      // The first delay is half a second, the second twice that.
      yield* TestClock.adjust("1499 millis")
      assert.strictEqual(sent, 2)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* Fiber.join(pinged)).host, site.dc)
    }))

  it.effect("arguments of a program without types are checked before anything is sent", () =>
    Effect.gen(function*() {
      for (
        const effect of [
          Cldap.ping(undefined as never),
          Cldap.ping(""),
          Cldap.ping("127.0.0.1", { port: 0 }),
          Cldap.ping("127.0.0.1", { timeout: "soon" as never }),
          Cldap.ping("127.0.0.1", { domain: 1 as never }),
          Cldap.ping("127.0.0.1", { domainGuid: "x" }),
          Effect.flatMap(DomainControllers.make("not a domain"), () => Effect.void),
          Effect.flatMap(DomainControllers.make(site.domain, { site: "a.b" }), () => Effect.void),
          Effect.flatMap(DomainControllers.make(site.domain, { rest: "x" as never }), () => Effect.void)
        ]
      ) assert.strictEqual((yield* reasonOf(effect))._tag, "InvalidRequest")
    }))
})

// ---------------------------------------------------------------------------------------------------------------------
// The locator
// ---------------------------------------------------------------------------------------------------------------------

/** The addresses of controllers: 127.0.1.1 is that of dc1. */
const dns = Dns.make({
  lookup: (host) => {
    const number = /^dc([0-9]+)\.example\.test$/.exec(host)?.[1]
    return Effect.succeed(number === undefined ? [] : [NetAddress.ipFromStringUnsafe(`127.0.1.${number}`)])
  }
})

const everywhere = `_ldap._tcp.dc._msdcs.${site.domain}`
const inSite = (name: string) => `_ldap._tcp.${name}._sites.dc._msdcs.${site.domain}`

const located = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  records: Readonly<Record<string, ReadonlyArray<readonly [number: number, port: number]>>>,
  asked: Array<string> = []
) =>
  effect.pipe(
    Effect.provideService(LdapServers.SrvLookup, (name) =>
      Effect.sync(() => {
        asked.push(name)
        return (records[name] ?? []).map(([number, port], i) => ({
          target: `dc${number}.${site.domain}`,
          port,
          priority: i,
          weight: 0
        }))
      })),
    Effect.provideService(Dns.Dns, dns),
    Effect.scoped
  )

/** On a machine under load an answer takes a while, and the tests count requests. So nothing is sent again in that time. */
const udp = {
  transport: "udp",
  timeout: "20 seconds",
  resend: Schedule.spaced("20 seconds"),
  stagger: "20 seconds"
} as const

describe("the locator", () => {
  it.live("finds the controllers of this machine's site through one of another", () =>
    Effect.gen(function*() {
      const far = yield* peer("127.0.1.1", ({ id }, send) =>
        send(answer(id, { ...parts, bits: 0x17d, site: "Paris", clientSite: "Berlin" })))
      const near = yield* peer("127.0.1.2", ({ id }, send) =>
        send(answer(id, { ...parts, host: "dc2.example.test" })))
      const asked: Array<string> = []
      yield* located(
        Effect.gen(function*() {
          const controllers = yield* DomainControllers.make("Example.TEST", udp)
          const found = yield* controllers.find()
          assert.deepInclude(found, { target: "dc2.example.test", port: near.port, site: "Berlin" })
          assert.strictEqual(yield* controllers.site, "Berlin")
          // The locator remembers it, and the second search for another one starts with the site.
          yield* controllers.find()
          assert.strictEqual(near.asked(), 1)
          yield* controllers.find({ flags: ["writable"] })
          assert.strictEqual(far.asked(), 1)
          const servers = yield* controllers.servers({ scheme: "ldaps" })
          assert.deepInclude(servers.source, {
            service: { _tag: "ActiveDirectory", domain: "example.test", site: "Berlin", role: "dc" }
          })
        }),
        { [everywhere]: [[1, far.port]], [inSite("berlin")]: [[2, near.port]] },
        asked
      )
      assert.deepStrictEqual(asked, [everywhere, inSite("berlin"), inSite("berlin"), everywhere])
    }).pipe(Effect.scoped))

  it.live("a dead controller rests, and so does a reported one; if all rest, they are tried anyway", () =>
    Effect.gen(function*() {
      const alive = yield* peer("127.0.1.2", ({ id }, send) => send(answer(id, { ...parts, host: "dc2.example.test" })))
      const dead = yield* peer("127.0.1.1", () => {})
      yield* located(
        Effect.gen(function*() {
          const controllers = yield* DomainControllers.make(site.domain, {
            ...udp,
            // Also the time in which the other one must answer.
            timeout: "1 second"
          })
          assert.strictEqual((yield* controllers.find()).target, "dc2.example.test")
          const before = dead.asked()
          assert.isAtLeast(before, 1)
          yield* controllers.find({ fresh: true })
          assert.strictEqual(dead.asked(), before)
          yield* controllers.report("dc2.example.test")
          assert.strictEqual((yield* controllers.find()).target, "dc2.example.test")
        }),
        { [everywhere]: [[1, dead.port], [2, alive.port]] }
      )
    }).pipe(Effect.scoped))

  it.live("skips controllers that don't meet the requirements: other domains, paused ones, missing flags", () =>
    Effect.gen(function*() {
      const replying = (number: number, response: Partial<NetlogonParts>) =>
        peer(`127.0.1.${number}`, ({ id }, send) => send(answer(id, { ...parts, ...response })))
      const other = yield* replying(1, { domain: "other.test" })
      const paused = yield* replying(2, { opcode: 24 })
      const readOnly = yield* replying(3, { bits: 0x8fd & ~0x100 })
      const records = { [everywhere]: [[1, other.port], [2, paused.port], [3, readOnly.port]] as const }
      const error = yield* Effect.flip(located(
        Effect.flatMap(
          DomainControllers.make(site.domain, udp),
          (controllers) => controllers.find({ flags: ["writable"] })
        ),
        records
      ))
      assert.strictEqual(error.reason._tag, "NoServerAvailable")
      if (error.reason._tag === "NoServerAvailable") {
        const said = error.reason.failures.map(({ error }) => error.message).join("\n")
        for (const part of [/domain "other.test"/, /it is paused/, /not writable/]) assert.match(said, part)
      }
      const any = yield* located(
        Effect.flatMap(DomainControllers.make(site.domain, udp), (controllers) => controllers.find()),
        records
      )
      assert.strictEqual(any.target, "dc3.example.test")
    }).pipe(Effect.scoped))

  it.live("a site that a controller makes up never becomes a name of DNS", () =>
    Effect.gen(function*() {
      const liar = yield* peer("127.0.1.1", ({ id }, send) =>
        send(answer(id, { ...parts, bits: 0x17d, site: "Paris", clientSite: "x y" })))
      const asked: Array<string> = []
      const found = yield* located(
        Effect.flatMap(DomainControllers.make(site.domain, udp), (controllers) =>
          controllers.find()),
        { [everywhere]: [[1, liar.port]] },
        asked
      )
      assert.strictEqual(found.target, "dc1.example.test")
      assert.deepStrictEqual(asked, [everywhere])
    }).pipe(Effect.scoped))

  it.live("an unknown site is no failure, and without any controller the error names the domain", () =>
    located(
      Effect.gen(function*() {
        const controllers = yield* DomainControllers.make(site.domain, udp)
        const servers = yield* controllers.servers()
        assert.deepInclude(servers.source, {
          service: { _tag: "ActiveDirectory", domain: site.domain, site: undefined, role: "dc" }
        })
        assert.deepInclude(yield* reasonOf(controllers.find()), { _tag: "ConnectFailed", kind: "dns" })
      }),
      {}
    ))
})

// ---------------------------------------------------------------------------------------------------------------------
// Samba
// ---------------------------------------------------------------------------------------------------------------------

const samba = inject("samba")

describe.skipIf(samba === undefined)("Samba", () => {
  if (samba === undefined) return
  waitFor(samba)
  const { dnsDomain, host } = samba
  /** Samba is one process here. While it works for another test, it answers no other request. */
  const patient = { timeout: "30 seconds" } as const

  it.live("answers CLDAP: its root DSE and its flags", () =>
    Effect.gen(function*() {
      const rootDse = yield* Cldap.rootDse(host, patient)
      assert.strictEqual(rootDse.get("defaultNamingContext"), samba.base)
      const response = yield* Cldap.ping(host, { ...patient, domain: dnsDomain, host: "client" })
      assert.deepInclude(response, {
        domain: dnsDomain,
        forest: dnsDomain,
        host: `dc1.${dnsDomain}`,
        netbiosDomain: "SAMDOM",
        netbiosName: "DC1",
        site: "Default-First-Site-Name"
      })
      for (const flag of ["primary", "globalCatalog", "ldap", "kdc", "writable"] as const)
        assert.isTrue(response.flags.has(flag), flag)
    }))

  it.live("answers the same over TCP", () =>
    Effect.gen(function*() {
      const session = yield* LdapSession.make({ url: samba.urls.ldap })
      const response = yield* Cldap.pingOver(session, { domain: dnsDomain })
      assert.deepStrictEqual(response, yield* Cldap.ping(host, { ...patient, domain: dnsDomain }))
      assert.strictEqual((yield* reasonOf(Cldap.pingOver(session, { domain: "other.example" })))._tag, "ConnectFailed")
    }).pipe(Effect.scoped))

  it.live("is found by the locator, over UDP and over TCP, and serves a client", () =>
    Effect.gen(function*() {
      for (const transport of ["udp", "tcp", "either"] as const) {
        const controllers = yield* DomainControllers.make(dnsDomain, { ...patient, transport })
        const found = yield* controllers.find({ flags: ["writable", "kdc"] })
        assert.deepInclude(found, { target: `dc1.${dnsDomain}`, port: 389 })
        assert.strictEqual(yield* controllers.site, "Default-First-Site-Name")
        const catalog = yield* controllers.find({ flags: ["globalCatalog"] })
        assert.strictEqual(catalog.target, `dc1.${dnsDomain}`)
        const servers = yield* LdapServers.make(yield* controllers.servers(), {
          tls: { ca: samba.certificates.ca.cert },
          startTls: true
        })
        const session = yield* servers.open()
        assert.strictEqual((yield* session.rootDse).get("dnsHostName"), `dc1.${dnsDomain}`)
      }
    }).pipe(
      Effect.provideService(LdapServers.SrvLookup, (name) =>
        Effect.succeed([{
          target: `dc1.${dnsDomain}`,
          port: name.includes(".gc.") ? 3268 : 389,
          priority: 0,
          weight: 100
        }])),
      Effect.provideService(
        Dns.Dns,
        Dns.make({ lookup: () => Effect.succeed([NetAddress.ipFromStringUnsafe(host)]) })
      ),
      Effect.scoped
    ))
})
