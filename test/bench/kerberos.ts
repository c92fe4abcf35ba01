/**
 * The cost of Kerberos: binds with cached tickets compared with simple binds, and a search of 20,000 entries under each protection,
 * compared with ldaps and with python-ldap, which uses MIT's Kerberos.
 *
 *     node test/bench/kerberos.ts [--quick]
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { passwordOf } from "../servers/directory.ts"
import { launchKerberos } from "../servers/kerberos/kerberos.ts"
import { running } from "../servers/running.ts"
import { admin, people as base, records } from "./servers/directory.ts"
import { startSlapdWith } from "./servers/slapd.ts"

const quick = process.argv.includes("--quick")
const [people, binds, rounds] = quick ? [1000, 20, 2] : [20_000, 100, 3]

const kerberos = await running(launchKerberos())
Object.assign(process.env, {
  KRB5_CONFIG: kerberos.configFile,
  KRB5_KTNAME: `FILE:${kerberos.serviceKeytab}`,
  KRB5CCNAME: kerberos.cache,
  // The server keeps its list of replays in a file and waits for it at each bind, which takes longer than the rest of the bind.
  KRB5RCACHENAME: "none:"
})
const slapd = await startSlapdWith(records({ people, groups: 1, members: 1, photos: 0, largeOctets: 1 }), {
  modules: [],
  database: ["dbnosync"],
  global: ["sasl-host localhost"]
})
if (slapd === undefined) throw new Error("there is no slapd")
const at = (url: string) => url.replace("127.0.0.1", "localhost")
const tls = { ca: readFileSync(slapd.ca, "utf8") }
const settings = {
  principal: `alice@${kerberos.realm}`,
  password: Redacted.make(passwordOf("alice")),
  krb5Conf: false,
  kdc: kerberos.kdc,
  service: "ldap@localhost"
} as const
const simple = LdapAuth.simple(admin.dn, Redacted.make(admin.password))

const measure = Effect.fnUntraced(function*<E, R>(count: number, work: Effect.Effect<unknown, E, R>) {
  const before = process.cpuUsage()
  const start = performance.now()
  yield* work
  const millis = performance.now() - start
  const { system, user } = process.cpuUsage(before)
  return { micros: (system + user) / count, perSecond: (count / millis) * 1000 }
})

const best = (figures: ReadonlyArray<{ readonly micros: number; readonly perSecond: number }>) => ({
  micros: Math.min(...figures.map(({ micros }) => micros)),
  perSecond: Math.max(...figures.map(({ perSecond }) => perSecond))
})

const row = (name: string, { micros, perSecond }: ReturnType<typeof best>) =>
  console.log(`${name.padEnd(52)} ${micros.toFixed(1).padStart(9)} µs CPU ${perSecond.toFixed(0).padStart(9)} a second`)

const bound = (name: string, config: LdapSession.SessionConfig) =>
  Effect.gen(function*() {
    const one = Effect.scoped(LdapSession.make(config))
    const all = Effect.repeat(one, { times: binds - 1 })
    yield* one
    const figures = yield* Effect.replicateEffect(measure(binds, all), rounds)
    row(`connect, bind, unbind: ${name}`, best(figures))
  })

const searched = (name: string, config: LdapSession.SessionConfig) =>
  Effect.scoped(Effect.gen(function*() {
    const session = yield* LdapSession.make(config)
    const all = session.search({ base, filter: "(objectClass=inetOrgPerson)" }).pipe(Stream.runCount)
    if ((yield* all) !== people) throw new Error("not all entries came")
    const figures = yield* Effect.replicateEffect(measure(people, all), rounds)
    row(`an entry of ${people}: ${name}`, best(figures))
  }))

const ldap = { url: at(slapd.ldap) }
const ldaps = { url: at(slapd.ldaps), tls }
await Effect.runPromise(Effect.gen(function*() {
  yield* bound("simple", { ...ldap, auth: simple })
  yield* bound("simple, ldaps", { ...ldaps, auth: simple })
  for (const mechanism of ["GSSAPI", "GSS-SPNEGO"] as const) {
    for (const protection of ["none", "confidentiality"] as const) {
      const auth = LdapAuth.kerberos({ ...settings, mechanism, protection })
      yield* bound(`${mechanism}, ${protection}, ticket in the cache`, { ...ldap, auth })
    }
  }
  yield* searched("clear text", { ...ldap, auth: simple })
  yield* searched("ldaps", { ...ldaps, auth: simple })
  for (const type of ["aes256-cts-hmac-sha1-96", "aes256-cts-hmac-sha384-192"] as const) {
    for (const protection of ["integrity", "confidentiality"] as const) {
      const auth = LdapAuth.kerberos({ ...settings, protection, encryptionTypes: [type] })
      yield* searched(`${protection}, ${type}`, { ...ldap, auth })
    }
  }
}))

/** The same search by python-ldap. MIT's library chooses the strongest protection that both sides support. */
const python = `
import ldap, ldap.sasl, resource, sys, time
uri, how, base, rounds = sys.argv[1:5]
l = ldap.initialize(uri)
l.set_option(ldap.OPT_X_SASL_NOCANON, 1)
if how == "sasl":
    l.sasl_interactive_bind_s("", ldap.sasl.gssapi())
else:
    l.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_NEVER)
    l.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
    l.simple_bind_s(sys.argv[5], sys.argv[6])
best, fast = 1e9, 0
for _ in range(int(rounds) + 1):
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.time()
    n = len(l.search_s(base, ldap.SCOPE_SUBTREE, "(objectClass=inetOrgPerson)"))
    passed = time.time() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    best, fast = min(best, used / n * 1e6), max(fast, n / passed)
print(best, fast)
`
for (const [name, uri, how] of [["GSSAPI", ldap.url, "sasl"], ["ldaps", ldaps.url, "simple"]] as const) {
  const answer = execFileSync(
    "/usr/bin/python3",
    ["-c", python, uri, how, base, String(rounds), admin.dn, admin.password],
    { encoding: "utf8" }
  )
  const [micros = NaN, perSecond = NaN] = answer.split(" ").map(Number)
  row(`an entry of ${people}: python-ldap, ${name}`, { micros, perSecond })
}
await Promise.all([slapd.stop(), kerberos.stop()])
