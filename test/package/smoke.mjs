/**
 * A short program over all parts that depend on the runtime: sockets, StartTLS, TLS, local sockets, cryptography, time limits and the
 * release. `compatibility.ts` runs it on each runtime, from the packed package. It prints `ok` and the number of its sessions.
 */
import { Effect, Fiber, Redacted, Stream } from "effect"
import { LdapAuth, LdapClient, LdapError, LdapFilter, LdapModification, LdapSession } from "effect-ldap"
import { InMemoryDirectory } from "effect-ldap/testing"
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"

const { admin, base, caFile, urls } = JSON.parse(process.env.SMOKE_FACTS)
const name = process.env.SMOKE_NAME
const auth = LdapAuth.simple(admin.dn, Redacted.make(admin.password))
const tls = { ca: readFileSync(caFile, "utf8") }

const ways = {
  ldap: { url: urls.ldap },
  ldaps: { url: urls.ldaps, tls },
  StartTLS: { url: urls.ldap, startTls: true, tls },
  // Deno connects to no local socket by its path under Windows; the others do.
  ldapi: { url: urls.ldapi }
}

let sessions = 0

/** Every kind of operation on one session. */
const useSession = (way, config) =>
  Effect.gen(function*() {
    const session = yield* LdapSession.make({ ...config, auth })
    sessions++
    assert.equal((yield* session.tls) !== undefined, way === "ldaps" || way === "StartTLS", way)
    const people = yield* Stream.runCollect(
      session.search({ base: `ou=people,${base}`, filter: "(objectClass=person)", attributes: ["cn"], pageSize: 100 })
    )
    assert.ok(people.length > 2, `${way}: ${people.length} people`)
    const dn = `cn=smoke ${name} ${way},${base}`
    yield* session.add(dn, { objectClass: "device", cn: `smoke ${name} ${way}` })
    yield* session.modify(dn, LdapModification.add("description", "ä"))
    assert.equal(yield* session.compare(dn, "description", "ä"), true)
    const { entries: [device] } = yield* session.searchResult({ base, filter: LdapFilter.equals("cn", `smoke ${name} ${way}`) })
    assert.equal(device.get("description"), "ä")
    yield* session.delete(dn)
    const missing = yield* Effect.flip(session.delete(dn))
    assert.ok(missing instanceof LdapError.LdapError && missing.reason._tag === "NoSuchObject")
    // An interrupted search abandons, and the session is as good as before.
    const search = yield* Effect.forkChild(Stream.runDrain(Stream.forever(session.search({ base }))), { startImmediately: true })
    yield* Fiber.interrupt(search)
    assert.deepEqual((yield* session.rootDse).getAll("supportedLDAPVersion"), ["3"])
  }).pipe(Effect.scoped, Effect.timeout("20 seconds"))

const program = Effect.gen(function*() {
  for (const [way, config] of Object.entries(ways)) {
    yield* useSession(way, config).pipe(Effect.mapError((cause) => new Error(way, { cause })))
  }

  // A pool, with many fibers.
  yield* Effect.gen(function*() {
    const ldap = yield* LdapClient.LdapClient
    const found = yield* Effect.forEach(Array.from({ length: 100 }), () => ldap.lookup(`ou=people,${base}`), { concurrency: 50 })
    assert.ok(found.every((entry) => entry._tag === "Some"))
  }).pipe(Effect.provide(LdapClient.layer({ url: urls.ldaps, tls, auth, pool: { max: 2 } })))

  // A wrong password, and an authority that is not trusted, have their reasons.
  const refused = yield* Effect.flip(Effect.scoped(LdapSession.make({ url: urls.ldap, auth: LdapAuth.simple(admin.dn, Redacted.make("wrong")) })))
  assert.equal(refused.reason._tag, "InvalidCredentials")
  const unknown = yield* Effect.flip(Effect.scoped(LdapSession.make({ url: urls.ldaps, auth })))
  assert.equal(unknown.reason._tag, "ConnectFailed")
  const late = yield* Effect.flip(Effect.scoped(LdapSession.make({ url: urls.ldap, startTls: true, auth })))
  assert.equal(late.reason._tag, "ConnectFailed")

  // What tests use.
  const count = yield* Effect.gen(function*() {
    const ldap = yield* LdapClient.LdapClient
    return yield* Stream.runCount(ldap.search({ base: "dc=example" }))
  }).pipe(Effect.provide(InMemoryDirectory.layer({ ldif: "dn: dc=example\nobjectClass: domain\ndc: example\n" })))
  assert.equal(count, 1)
})

await Effect.runPromise(program)
console.log(`ok ${sessions}`)
