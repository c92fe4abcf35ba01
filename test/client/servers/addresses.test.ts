/** The addresses of a host as a set of servers: rotation, rest for failed addresses, and the name of the host for TLS and SASL. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Dns from "effect/net/Dns"
import * as NetAddress from "effect/net/NetAddress"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapClient from "../../../src/client/LdapClient.ts"
import * as LdapServers from "../../../src/client/servers/LdapServers.ts"
import { InvalidRequest } from "../../../src/model/LdapError.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { makeCertificates } from "../../servers/certificates.ts"
import { make, quiet } from "./LdapServersWorld.ts"

/** A DNS with one name. `addresses` may change. */
const dnsOf = (addresses: Array<string>, questions: Array<string> = []) =>
  Dns.make({
    lookup: (host, family) => {
      questions.push(`${host} ${String(family)}`)
      return addresses.length === 0
        ? Effect.fail(new Dns.DnsError({ reason: "NotFound", method: "lookup", hostname: host }))
        : Effect.succeed(addresses.map((address) => NetAddress.ipFromStringUnsafe(address)))
    }
  })

const one = "ldap://10.0.0.1:389"
const two = "ldap://10.0.0.2:389"
const six = "ldap://[2001:db8::1]:389"
const url = "ldap://ldap.example.org"
const whose = (servers: LdapServers.LdapServers) => Effect.scoped(Effect.map(servers.open(), ({ server }) => server))
const listed = (servers: LdapServers.LdapServers) => Effect.map(servers.statistics, (all) => all.map(({ url }) => url))

describe("LdapServers.addresses", () => {
  it.effect("sessions go to each address in turn, IPv6 and IPv4, under the name of the host", () =>
    Effect.gen(function*() {
      const world = yield* make([one, two, six])
      const dns = dnsOf(["10.0.0.1", "10.0.0.2", "2001:db8::1"])
      const servers = yield* Effect.provideService(world.make(LdapServers.addresses(url)), Dns.Dns, dns)
      const seen: Array<string> = []
      for (let i = 0; i < 6; i++) seen.push(yield* whose(servers))
      assert.deepStrictEqual(seen, [six, one, two, six, one, two])
      for (const { hostName } of world.hosts) assert.strictEqual(hostName, "ldap.example.org")
    }))

  it.effect("a dead address costs one attempt and then rests, until it works again", () =>
    Effect.gen(function*() {
      const world = yield* make([one, two])
      world.host(one).refuses = true
      const dns = dnsOf(["10.0.0.1", "10.0.0.2"])
      const servers = yield* Effect.provideService(world.make(LdapServers.addresses(url)), Dns.Dns, dns)
      for (let i = 0; i < 10; i++) assert.strictEqual(yield* whose(servers), two)
      assert.strictEqual(world.host(one).asked.length, 1)
      world.host(one).refuses = false
      yield* TestClock.adjust("2 minutes")
      yield* quiet
      const seen = new Set([yield* whose(servers), yield* whose(servers)])
      assert.sameMembers([...seen], [one, two])
    }))

  it.effect("addresses are looked up again, in the background, and when none of them works", () =>
    Effect.gen(function*() {
      const world = yield* make([one, two])
      const addresses = ["10.0.0.1"]
      const questions: Array<string> = []
      const servers = yield* Effect.provideService(
        world.make(LdapServers.addresses(url, { refresh: "1 minute" })),
        Dns.Dns,
        dnsOf(addresses, questions)
      )
      assert.deepStrictEqual(questions, [])
      assert.strictEqual(yield* whose(servers), one)
      assert.strictEqual(questions.length, 2)
      addresses[0] = "10.0.0.2"
      assert.strictEqual(yield* whose(servers), one)
      yield* TestClock.adjust("1 minute")
      yield* whose(servers)
      yield* quiet
      assert.deepStrictEqual(yield* listed(servers), [two])
      // DNS has no answer, so the old address stays in use.
      addresses.length = 0
      yield* TestClock.adjust("1 minute")
      yield* whose(servers)
      yield* quiet
      assert.strictEqual(yield* whose(servers), two)
    }))

  it.effect("a name without addresses and text without a host are failures with a clear message", () =>
    Effect.gen(function*() {
      const world = yield* make([])
      const servers = yield* Effect.provideService(world.make(LdapServers.addresses(url)), Dns.Dns, dnsOf([]))
      const { message, reason } = yield* Effect.flip(whose(servers))
      assert.deepInclude(reason, { _tag: "ConnectFailed", kind: "dns" })
      assert.include(message, "ldap.example.org has no address")
      for (const wrong of ["ldapi://%2Frun%2Fldapi", "", "ldap:///", "nothing", undefined as never, 5 as never]) {
        const failure = yield* Effect.flip(world.make(LdapServers.addresses(wrong)))
        assert.deepInclude(failure.reason, { _tag: "InvalidRequest", field: "url" })
      }
    }))

  it.effect("localAddress leaves out addresses of the other family", () =>
    Effect.gen(function*() {
      const world = yield* make([one, six])
      const dns = dnsOf(["10.0.0.1", "2001:db8::1"])
      const set = LdapServers.addresses(url)
      const servers = yield* Effect.provideService(world.make(set, { localAddress: "10.9.9.9" }), Dns.Dns, dns)
      assert.deepStrictEqual([yield* whose(servers), yield* whose(servers)], [one, one])
    }))

  it.effect("an address in the URL is the only one, and DNS is not queried", () =>
    Effect.gen(function*() {
      const world = yield* make([one])
      const questions: Array<string> = []
      const set = LdapServers.addresses("ldap://10.0.0.1")
      const servers = yield* Effect.provideService(world.make(set), Dns.Dns, dnsOf(["10.0.0.2"], questions))
      assert.strictEqual(yield* whose(servers), one)
      assert.deepStrictEqual(questions, [])
    }))

  it.effect("a client over them spreads its sessions", () =>
    Effect.gen(function*() {
      const world = yield* make([one, two])
      const dns = dnsOf(["10.0.0.1", "10.0.0.2"])
      yield* Effect.provideService(
        world.provide(LdapClient.make({ servers: LdapServers.addresses(url), pool: { min: 4, max: 4 } })),
        Dns.Dns,
        dns
      )
      yield* quiet
      assert.deepStrictEqual(world.hosts.map(({ asked }) => asked.length), [2, 2])
    }))

  it.live("over TLS the certificate must name the host, and not the address", () =>
    Effect.gen(function*() {
      const certificates = makeCertificates()
      const directory = yield* InMemoryDirectory.make({
        entries: [{ dn: "dc=example", attributes: { objectClass: ["domain"], dc: "example" } }],
        admin: { password: "secret" }
      })
      const open = Effect.fnUntraced(function*(
        { cert, key }: { readonly cert: string; readonly key: string },
        startTls: boolean,
        auth?: LdapAuth.LdapAuth
      ) {
        const { port } = yield* InMemoryDirectory.listen(
          directory,
          startTls ? { host: "127.0.0.1", startTls: { cert, key } } : { host: "127.0.0.1", tls: { cert, key } }
        )
        const set = LdapServers.addresses(`${startTls ? "ldap" : "ldaps"}://elsewhere.example:${port}`)
        const servers = yield* LdapServers.make(set, { auth, startTls, tls: { ca: certificates.ca.cert } }).pipe(
          Effect.provideService(Dns.Dns, dnsOf(["127.0.0.1"]))
        )
        return yield* Effect.scoped(Effect.andThen(servers.open(), (session) => Effect.as(session.rootDse, session)))
          .pipe(
            Effect.match({
              onSuccess: ({ server }) => server.replace(/:\d+$/, ""),
              onFailure: ({ message }) => message
            })
          )
      })
      for (const startTls of [false, true]) {
        assert.strictEqual(yield* open(certificates.wrongHost, startTls), `${startTls ? "ldap" : "ldaps"}://127.0.0.1`)
        // This one names 127.0.0.1 and localhost.
        assert.match(yield* open(certificates.server, startTls), /certificate is for another host/)
      }
      // SASL mechanisms get the name too.
      let asked: string | undefined
      const asking = LdapAuth.sasl({
        name: "TELLING",
        sendsSecret: false,
        start: ({ host }) => {
          asked = host
          return Effect.fail(new InvalidRequest({ field: "auth", detail: "told" }))
        }
      })
      yield* open(certificates.wrongHost, false, asking)
      assert.strictEqual(asked, "elsewhere.example")
    }))
})
