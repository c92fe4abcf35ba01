/**
 * A directory for each tenant: `node examples/tenants.ts`.
 *
 * Each request names its tenant, so the clients are in a `LayerMap`: a tenant's client is built on its first request, shared by all
 * requests of the tenant, and unbound after some time without requests. The company's own directory is a separate service with a tag
 * of its own. All directories are in memory.
 *
 * In a program of your own the imports are `from "effect-ldap"`, and `lookup` is `LdapClient.layer({ url, … })`.
 */
import { Console, Context, Effect, Layer, LayerMap } from "effect"
import { LdapClient, LdapJobs } from "../src/index.ts"
import { InMemoryDirectory } from "../src/testing.ts"

const people = {
  acme: ["ada", "grace", "linus"],
  zenith: ["alan", "ken"],
  house: ["root"]
}
type Tenant = "acme" | "zenith"

const directoryOf = (name: keyof typeof people) =>
  InMemoryDirectory.make({
    entries: [
      { dn: `dc=${name}`, attributes: { objectClass: ["domain"], dc: name } },
      ...people[name].map((uid) => ({ dn: `uid=${uid},dc=${name}`, attributes: { objectClass: ["account"], uid } }))
    ]
  })

/** A handler. It uses one service, and doesn't depend on which tenant's directory that is. */
const count = (base: string) =>
  Effect.flatMap(LdapClient.LdapClient, (ldap) => LdapJobs.count(ldap, { base, filter: "(objectClass=account)" }))

/** The company's own directory is a different service, so the compiler doesn't confuse it with a tenant's. */
class House extends Context.Service<House, LdapClient.LdapClient>()("example/House") {}

const program = Effect.gen(function*() {
  const directories = { acme: yield* directoryOf("acme"), zenith: yield* directoryOf("zenith") }
  const houses = yield* directoryOf("house")

  const handle = Effect.gen(function*() {
    // With min: 0 a directory that was down at its first request works when it is up again; see tenants.md.
    const tenants = yield* LayerMap.make(
      (tenant: Tenant) => LdapClient.layerTransport(directories[tenant].transport, { pool: { min: 0, max: 4 } }),
      { idleTimeToLive: "50 millis" }
    )
    const connections = (when: string) =>
      Console.log(
        `${when}: ${
          Object.entries(directories).map(([name, { log }]) =>
            `${name} ${log.openConnections} open, ${log.unbinds} unbound`
          )
            .join("; ")
        }`
      )
    const request = (tenant: Tenant) =>
      count(`dc=${tenant}`).pipe(
        Effect.provide(tenants.get(tenant)),
        Effect.flatMap((people) => Console.log(`  ${tenant} has ${people} people`))
      )

    yield* connections("before the first request")
    yield* Effect.all([request("acme"), request("acme"), request("zenith")], { concurrency: "unbounded" })
    yield* connections("after three requests")
    yield* Effect.sleep("250 millis")
    yield* connections("after a while without requests")
    yield* request("acme")
    yield* connections("after another request")

    const house = yield* House
    yield* Console.log(`  the house has ${yield* LdapJobs.count(house, { base: "dc=house", scope: "one" })}`)
  })

  yield* handle.pipe(Effect.scoped, Effect.provide(Layer.effect(House, LdapClient.fromTransport(houses.transport))))
  const all = [...Object.values(directories), houses]
  yield* Console.log(
    `at the end: ${all.reduce((sum, { log }) => sum + log.connections.length, 0)} sessions, ` +
      `${all.reduce((sum, { log }) => sum + log.unbinds, 0)} unbinds, ` +
      `${all.reduce((sum, { log }) => sum + log.openConnections, 0)} connections left`
  )
})

await Effect.runPromise(Effect.scoped(program))
