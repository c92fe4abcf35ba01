/**
 * A directory for each tenant: `node examples/tenants.ts`.
 *
 * Whose directory is needed is known when a request comes, so they stand in a `LayerMap`: one is opened when somebody asks for it,
 * everybody who asks for the same has the same, and it is unbound when nobody has used it for a while. Beside them is a directory
 * of the house's own, under a tag of its own. All of them are in memory.
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

/** What a handler does: it knows the one service, and not whose directory that is. */
const count = (base: string) =>
  Effect.flatMap(LdapClient.LdapClient, (ldap) => LdapJobs.count(ldap, { base, filter: "(objectClass=account)" }))

/** The house's own directory is another service, so nobody can take it for a tenant's. */
class House extends Context.Service<House, LdapClient.LdapClient>()("example/House") {}

const program = Effect.gen(function*() {
  const directories = { acme: yield* directoryOf("acme"), zenith: yield* directoryOf("zenith") }
  const houses = yield* directoryOf("house")

  const handle = Effect.gen(function*() {
    const tenants = yield* LayerMap.make((tenant: Tenant) => LdapClient.layerTransport(directories[tenant].transport), {
      idleTimeToLive: "50 millis"
    })
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

    yield* connections("before anybody has asked")
    yield* Effect.all([request("acme"), request("acme"), request("zenith")], { concurrency: "unbounded" })
    yield* connections("after three requests")
    yield* Effect.sleep("250 millis")
    yield* connections("after a while in which nobody came")
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
