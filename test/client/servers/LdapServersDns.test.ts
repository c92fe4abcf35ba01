/** Servers by DNS: which names are looked up, when they are looked up again, and which answers are trusted. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as LdapClient from "../../../src/client/LdapClient.ts"
import * as LdapReferrals from "../../../src/client/referrals/LdapReferrals.ts"
import * as LdapServers from "../../../src/client/servers/LdapServers.ts"
import { LdapResultCode } from "../../../src/model/LdapResultCode.ts"
import * as DirectoryFault from "../../../src/testing/DirectoryFault.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { makeCertificates } from "../../servers/certificates.ts"
import { hour, withSteps } from "../steppedClock.ts"
import { auth, make, quiet } from "./LdapServersWorld.ts"

const record = (target: string, priority = 0, weight = 100, port = 389): LdapServers.SrvRecord => (
  { target, port, priority, weight }
)
const host = (name: string) => `ldap://${name}.example.org:389`
const whose = (servers: LdapServers.LdapServers) => Effect.scoped(Effect.map(servers.open(), ({ server }) => server))
const listed = (servers: LdapServers.LdapServers) =>
  Effect.map(servers.statistics, (all) => all.map(({ priority, url }) => `${priority} ${url}`))

describe("servers by DNS", () => {
  it.effect("_ldap._tcp of the domain, looked up once when the first session is wanted; priorities as RFC 2782 says", () =>
    Effect.gen(function*() {
      const world = yield* make([host("a"), host("b"), "ldap://c.example.org:3389"])
      world.dns.set("_ldap._tcp.example.org", [
        record("c.example.org", 20, 0, 3389),
        record("A.Example.Org.", 10),
        record("b.example.org", 10)
      ])
      const servers = yield* world.make(LdapServers.srv("Example.org"))
      assert.deepStrictEqual(world.questions, [])
      world.trouble.dns = "is slow"
      const found = new Set<string>()
      const many = yield* Effect.forEach(Array.from({ length: 20 }), () => Effect.forkChild(whose(servers)))
      yield* quiet
      yield* TestClock.adjust("1 second")
      for (const fiber of many) found.add(yield* Fiber.join(fiber))
      assert.sameMembers([...found], [host("a"), host("b")])
      assert.deepStrictEqual(world.questions, ["_ldap._tcp.example.org"])
      world.host(host("a")).refuses = true
      world.host(host("b")).refuses = true
      assert.strictEqual(yield* whose(servers), "ldap://c.example.org:3389")
    }))

  it.effect("Active Directory: the controllers of the site, and then those of the domain", () =>
    Effect.gen(function*() {
      const world = yield* make([host("dc1"), host("dc2")])
      world.dns.set("_ldap._tcp.Berlin._sites.dc._msdcs.example.org".toLowerCase(), [record("dc1.example.org")])
      world.dns.set("_ldap._tcp.dc._msdcs.example.org", [record("dc1.example.org"), record("dc2.example.org")])
      const servers = yield* world.make(LdapServers.activeDirectory("example.org", { site: "Berlin" }))
      assert.strictEqual(yield* whose(servers), host("dc1"))
      assert.deepStrictEqual(yield* listed(servers), [`0 ${host("dc1")}`, `65536 ${host("dc2")}`])
      world.host(host("dc1")).refuses = true
      assert.strictEqual(yield* whose(servers), host("dc2"))
    }))

  it.effect.each<readonly [LdapServers.ServerSet, string, string]>([
    [
      LdapServers.activeDirectory("example.org", { role: "gc", scheme: "ldaps" }),
      "_ldap._tcp.gc._msdcs.example.org",
      "ldaps://a.example.org:3269"
    ],
    [
      LdapServers.activeDirectory("example.org", { role: "pdc", site: "Berlin" }),
      "_ldap._tcp.pdc._msdcs.example.org",
      "ldap://a.example.org:389"
    ],
    [
      LdapServers.activeDirectory("Example.ORG.", { site: "42" }),
      "_ldap._tcp.42._sites.dc._msdcs.example.org",
      "ldap://a.example.org:389"
    ],
    [
      LdapServers.srv("bücher.example", { identity: "domain" }),
      "_ldap._tcp.xn--bcher-kva.example",
      "ldap://a.example.org:389"
    ],
    [LdapServers.srv("example.org", { scheme: "ldaps" }), "_ldap._tcp.example.org", "ldaps://a.example.org:636"],
    [LdapServers.srv("example.org", { port: 1389 }), "_ldap._tcp.example.org", "ldap://a.example.org:1389"]
  ])("names, schemes and ports: %#", ([set, question, url]) =>
    Effect.gen(function*() {
      const world = yield* make([url])
      world.dns.set(question, [record("a.example.org")])
      assert.strictEqual(yield* whose(yield* world.make(set)), url)
    }))

  it.effect.each([-hour, hour])(
    "renewed lookups don't follow the wall clock (set by %d ms)",
    (by) =>
      withSteps((step) =>
        Effect.gen(function*() {
          const world = yield* make([host("a")])
          world.dns.set("_ldap._tcp.example.org", [record("a.example.org", 0)])
          const servers = yield* world.make(LdapServers.srv("example.org", { refresh: "1 minute" }))
          yield* whose(servers)
          step(by)
          yield* TestClock.adjust("59 seconds")
          yield* whose(servers)
          assert.strictEqual(world.questions.length, 1)
          step(by)
          yield* TestClock.adjust("1 second")
          yield* whose(servers)
          assert.strictEqual(world.questions.length, 2)
        })
      )
  )

  it.effect("records are looked up again in the background, and the state of servers that stay is kept", () =>
    Effect.gen(function*() {
      const world = yield* make([host("a"), host("b")])
      const name = "_ldap._tcp.example.org"
      world.dns.set(name, [record("a.example.org", 0), record("b.example.org", 1)])
      const set = LdapServers.srv("example.org", { refresh: "1 minute", rest: Schedule.spaced("1 hour") })
      const servers = yield* world.make(set)
      world.host(host("a")).refuses = true
      assert.strictEqual(yield* whose(servers), host("b"))
      yield* TestClock.adjust("59 seconds")
      yield* whose(servers)
      assert.strictEqual(world.questions.length, 1)
      // A DNS server that doesn't respond delays no session, and one query is sufficient.
      world.trouble.dns = "is silent"
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([yield* whose(servers), yield* whose(servers)], [host("b"), host("b")])
      assert.strictEqual(world.questions.length, 2)
      yield* TestClock.adjust("10 seconds")
      // Its earlier answer is still used when it fails.
      world.trouble.dns = "fails"
      assert.strictEqual(yield* whose(servers), host("b"))
      yield* quiet
      assert.strictEqual((yield* listed(servers)).length, 2)
      world.trouble.dns = "none"
      world.dns.set(name, [record("a.example.org", 5)])
      yield* Effect.exit(whose(servers))
      yield* quiet
      assert.deepStrictEqual(yield* listed(servers), [`5 ${host("a")}`])
      assert.strictEqual((yield* servers.statistics)[0]!.state._tag, "Resting")
      world.host(host("a")).refuses = false
      yield* TestClock.adjust("1 hour")
      yield* quiet
      assert.strictEqual((yield* servers.statistics)[0]!.state._tag, "Up")
    }))

  it.effect("if no server can be used, the records are looked up again", () =>
    Effect.gen(function*() {
      const world = yield* make([host("a"), host("b")])
      world.dns.set("_ldap._tcp.example.org", [record("a.example.org")])
      const servers = yield* world.make(LdapServers.srv("example.org"))
      world.host(host("a")).refuses = true
      assert.strictEqual((yield* Effect.flip(servers.open())).reason._tag, "NoServerAvailable")
      world.dns.set("_ldap._tcp.example.org", [record("b.example.org")])
      assert.strictEqual(yield* whose(servers), host("b"))
    }))

  it.effect("a server that is no longer in DNS is not tried", () =>
    Effect.gen(function*() {
      const world = yield* make([host("a"), host("b")])
      const name = "_ldap._tcp.example.org"
      world.dns.set(name, [record("a.example.org", 0), record("b.example.org", 1)])
      const rest = Schedule.spaced("10 seconds")
      const servers = yield* world.make(LdapServers.srv("example.org", { refresh: "1 minute", rest }))
      world.host(host("a")).refuses = true
      yield* whose(servers)
      world.dns.set(name, [record("b.example.org", 1)])
      yield* TestClock.adjust("1 minute")
      yield* whose(servers)
      yield* quiet
      const { length } = world.host(host("a")).asked
      assert.strictEqual(length, 7)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(world.host(host("a")).asked.length, length)
    }))

  describe("which DNS answers are trusted", () => {
    const refused = Effect.fnUntraced(function*(
      records: ReadonlyArray<LdapServers.SrvRecord>,
      options?: LdapServers.SrvOptions
    ) {
      const world = yield* make([])
      world.dns.set("_ldap._tcp.example.org", records)
      const servers = yield* world.make(LdapServers.srv("example.org", options))
      const { message, reason } = yield* Effect.flip(servers.open())
      assert.deepInclude(reason, { _tag: "ConnectFailed", kind: "dns" })
      return message
    })

    it.effect("a failed lookup, no records, and a domain without the service (RFC 2782: target \".\")", () =>
      Effect.gen(function*() {
        assert.match(yield* refused([]), /no servers for _ldap\._tcp\.example\.org/)
        assert.match(yield* refused([record(".", 0, 0, 0)]), /no servers/)
        const world = yield* make([])
        const servers = yield* world.make(LdapServers.srv("example.org"))
        world.trouble.dns = "fails"
        assert.match((yield* Effect.flip(servers.open())).message, /SERVFAIL/)
        world.trouble.dns = "is silent"
        const fiber = yield* Effect.forkChild(Effect.flip(servers.open()))
        yield* quiet
        yield* TestClock.adjust("10 seconds")
        assert.match((yield* Fiber.join(fiber)).message, /did not answer within 10s/)
      }))

    it.effect("hosts outside of the domain get no connection: forged DNS answers can't redirect the client", () =>
      Effect.gen(function*() {
        for (const evil of ["evil.example", "example.org.evil.example", "notexample.org", "10.0.0.1", "org"]) {
          assert.match(yield* refused([record(evil)]), /not trusted/)
        }
        const world = yield* make([host("a"), "ldap://b.example.net:389"])
        world.dns.set("_ldap._tcp.example.org", [
          record("evil.example", 0),
          record("a.example.org", 2),
          record("b.example.net", 1)
        ])
        const strict = yield* world.make(LdapServers.srv("example.org"))
        assert.strictEqual(yield* whose(strict), host("a"))
        const wider = yield* world.make(LdapServers.srv("example.org", { trustedDomains: ["example.net"] }))
        assert.strictEqual(yield* whose(wider), "ldap://b.example.net:389")
      }))

    it.effect("invalid names and ports are left out", () =>
      Effect.gen(function*() {
        for (const name of ["a/dc=x??sub.example.org", "a b.example.org", "a@evil.example.org", "", "..example.org"]) {
          yield* refused([record(name)])
          yield* refused([record(name)], { identity: "domain" })
        }
        for (const port of [0, -1, 65536, 1.5, NaN]) yield* refused([record("a.example.org", 0, 0, port)])
        yield* refused([record(`${"a".repeat(64)}.example.org`)])
        yield* refused([record(`${"a.".repeat(130)}example.org`)])
      }))

    it.effect("a flood of records is cut off", () =>
      Effect.gen(function*() {
        const world = yield* make([])
        world.dns.set("_ldap._tcp.example.org", Array.from({ length: 10_000 }, (_, i) => record(`h${i}.example.org`)))
        const servers = yield* world.make(LdapServers.srv("example.org", { identity: "host" }), {})
        yield* Effect.ignore(Effect.exit(Effect.timeout(Effect.exit(servers.open()), 0)))
        yield* quiet
        assert.isAtMost((yield* servers.statistics).length, 256)
      }))

    it.effect("identity: domain requires a certificate of the domain, for any host", () =>
      Effect.gen(function*() {
        const world = yield* make(["ldap://b.example.net:389"])
        world.dns.set("_ldap._tcp.example.org", [record("b.example.net")])
        const servers = yield* world.make(LdapServers.srv("example.org", { identity: "domain" }), { tls: { ca: "CA" } })
        yield* whose(servers)
        assert.deepStrictEqual(world.hosts[0]!.tls, { ca: "CA", servername: "example.org" })
      }))
  })

  it.effect("a client of an ldaps set follows referrals over TLS only", () =>
    Effect.gen(function*() {
      const url = "ldaps://a.example.org:636"
      const world = yield* make([url, host("elsewhere")])
      world.dns.set("_ldap._tcp.example.org", [record("a.example.org")])
      const elsewhere = world.host(host("elsewhere")).directory
      const referral = { code: LdapResultCode.referral, referrals: ["ldap://elsewhere"] }
      yield* world.host(url).directory.faults.set(DirectoryFault.result(referral, { on: "search" }))
      const client = yield* world.provide(LdapClient.make({
        servers: LdapServers.srv("example.org", { scheme: "ldaps" }),
        auth,
        pool: { healthCheck: false },
        referrals: LdapReferrals.follow({ transport: () => Effect.succeed(elsewhere.transport) })
      }))
      yield* Effect.exit(client.lookup("dc=example"))
      // The directory doesn't support it, so this is the only request.
      const asked = elsewhere.log.pdus().filter(({ direction }) => direction === "request").map(({ kind }) => kind)
      assert.deepStrictEqual(asked, ["ExtendedRequest", "UnbindRequest"])
    }))

  it.live("over TLS the certificate must name the host, or with identity: domain the domain", () =>
    Effect.gen(function*() {
      const certificates = makeCertificates()
      const directory = yield* InMemoryDirectory.make({
        entries: [{ dn: "dc=example", attributes: { objectClass: ["domain"], dc: "example" } }],
        admin: { password: "secret" }
      })
      // The host is localhost, and so is the domain; the certificates name localhost, or elsewhere.example.
      const open = Effect.fnUntraced(function*(
        { cert, key }: { readonly cert: string; readonly key: string },
        domain: string,
        options: LdapServers.SrvOptions,
        startTls: boolean
      ) {
        const { port } = yield* InMemoryDirectory.listen(
          directory,
          startTls ? { host: "localhost", startTls: { cert, key } } : { host: "localhost", tls: { cert, key } }
        )
        const scheme = startTls ? "ldap" : "ldaps"
        const servers = yield* LdapServers.make(LdapServers.srv(domain, { ...options, scheme, port }), {
          auth,
          startTls,
          tls: { ca: certificates.ca.cert }
        }).pipe(
          Effect.provideService(LdapServers.SrvLookup, () => Effect.succeed([record("localhost")]))
        )
        return yield* Effect.scoped(Effect.andThen(servers.open(), (session) => session.rootDse)).pipe(
          Effect.match({ onSuccess: () => "open", onFailure: ({ message }) => message })
        )
      })
      for (const startTls of [false, true]) {
        const { server, wrongHost } = certificates
        assert.strictEqual(yield* open(server, "localhost", {}, startTls), "open")
        assert.match(yield* open(wrongHost, "localhost", {}, startTls), /certificate is for another host/)
        const domain = { identity: "domain" } as const
        assert.strictEqual(yield* open(wrongHost, "elsewhere.example", domain, startTls), "open")
        assert.match(yield* open(server, "elsewhere.example", domain, startTls), /certificate is for another host/)
      }
      assert.isTrue(directory.log.connections.every(({ boundAs }) => ["", "cn=admin,dc=example"].includes(boundAs)))
    }))

  it.live("Node's resolver returns no records for a name that can't exist", () =>
    Effect.gen(function*() {
      const lookup = yield* LdapServers.SrvLookup
      const exit = yield* Effect.result(lookup("_ldap._tcp.does-not-exist.invalid"))
      // Without a network it fails; with one the name doesn't exist. In both cases there are no records.
      if (exit._tag === "Success") assert.deepStrictEqual(exit.success, [])
      else assert.deepInclude(exit.failure.reason, { _tag: "ConnectFailed", kind: "dns" })
    }))
})
