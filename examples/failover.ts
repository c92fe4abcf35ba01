/**
 * Several servers, one of which is killed while it runs: `node examples/failover.ts`.
 *
 * Three servers hold the same directory, and a program sends requests all the time. The first server is killed; later it is started
 * again, and the second sends Notices of Disconnection. No request of the program fails. The servers are directories in memory, each
 * on its own port, so the connections are real.
 *
 * In a program of your own the imports are `from "effect-ldap"`, and `LdapClient.layer({ urls: [ … ], … })` is all it takes. Here
 * the example builds the set of servers itself, to show its state.
 */
import { Console, Effect, Exit, Redacted, Ref, Schedule, Scope } from "effect"
import { LdapAuth, LdapClient, LdapExtended, LdapPool, LdapServers } from "../src/index.ts"
import { DirectoryFault, InMemoryDirectory } from "../src/testing.ts"

const base = "dc=example,dc=org"
const admin = `cn=admin,${base}`
const secret = Redacted.make("an example's secret")

/** A server that can be killed, and started again on its port. */
const makeServer = Effect.fnUntraced(function*(name: string) {
  const directory = yield* InMemoryDirectory.make({
    entries: [
      { dn: base, attributes: { objectClass: ["domain"], dc: "example", description: `answered by ${name}` } }
    ],
    admin: { password: secret }
  })
  let running = Scope.makeUnsafe()
  const start = Effect.fnUntraced(function*(port: number) {
    running = Scope.makeUnsafe()
    return yield* Scope.provide(InMemoryDirectory.listen(directory, { port }), running)
  })
  const { port, url } = yield* start(0)
  const kill = Effect.suspend(() => Scope.close(running, Exit.void))
  yield* Effect.addFinalizer(() => kill)
  return { name, directory, url, kill, start: Effect.asVoid(start(port)) }
})

const until = (condition: Effect.Effect<boolean>) =>
  Effect.repeat(Effect.andThen(Effect.sleep("5 millis"), condition), { until: (isSo) => isSo })

const program = Effect.gen(function*() {
  const [berlin, paris, lisbon] = yield* Effect.all([makeServer("Berlin"), makeServer("Paris"), makeServer("Lisbon")])
  const nameOf = new Map([berlin, paris, lisbon].map(({ name, url }) => [url, name]))

  const servers = yield* LdapServers.make(
    LdapServers.urls([berlin.url, paris.url, { url: lisbon.url, priority: 1 }], {
      strategy: "failover",
      // Keeps the example short. By default a failed server is not used for a second, and longer each time.
      rest: Schedule.spaced("50 millis")
    }),
    { auth: LdapAuth.simple(admin, secret) }
  )
  const pool = yield* LdapPool.make({ server: servers.server, open: servers.open(), max: 4, concurrency: 4 })
  const ldap = LdapClient.fromPool(pool)

  // The program: ten fibers that read an entry and send Who am I?, all the time.
  const answers = yield* Ref.make<ReadonlyMap<string, number>>(new Map())
  const count = (what: string) => Ref.update(answers, (all) => new Map(all).set(what, (all.get(what) ?? 0) + 1))
  const ask = Effect.gen(function*() {
    const entry = yield* ldap.lookup(base, { attributes: ["description"] })
    const { answer } = yield* ldap.extended(LdapExtended.whoAmI)
    yield* count(entry._tag === "Some" ? (entry.value.get("description") ?? "no description") : "no entry")
    if (answer !== `dn:${admin}`) yield* count(`as another user: ${answer}`)
  }).pipe(Effect.catch(({ message }) => count(`FAILED: ${message}`)))
  const load = yield* Effect.forEach(
    Array.from({ length: 10 }),
    () => Effect.forkScoped(Effect.forever(Effect.andThen(ask, Effect.sleep("2 millis"))))
  )

  const report = Effect.fnUntraced(function*(what: string) {
    yield* Ref.set(answers, new Map())
    // Waits until enough requests were made for all events to happen.
    const total = Effect.map(Ref.get(answers), (all) => [...all.values()].reduce((sum, times) => sum + times, 0))
    yield* until(Effect.map(total, (total) => total >= 100))
    yield* Console.log(what)
    for (const [answer, times] of yield* Ref.get(answers)) yield* Console.log(`  ${answer}, ${times} times`)
    for (const { sessions, state, url } of yield* servers.statistics) {
      const why = state._tag === "Up" ? "" : `: ${state.error.reason.message}`
      yield* Console.log(`  ${nameOf.get(url)?.padEnd(6)} ${state._tag.toLowerCase()}, ${sessions} sessions${why}`)
    }
    yield* Console.log("")
  })

  yield* report("All three are up, and the first is used:")

  yield* berlin.kill
  yield* report("Berlin is killed:")

  yield* paris.directory.faults.set(DirectoryFault.disconnect())
  yield* report("Paris answers every request with a Notice of Disconnection, and Lisbon takes over:")

  yield* paris.directory.faults.clear
  yield* berlin.start
  yield* until(Effect.map(servers.statistics, (all) => all.every(({ state }) => state._tag === "Up")))
  yield* report("Berlin and Paris are back. Sessions that are open stay where they are, until `maxAge` of the pool:")

  yield* lisbon.kill
  yield* report("Lisbon is killed:")

  yield* Effect.forEach(load, (fiber) => Effect.sync(() => fiber.interruptUnsafe()))
})

await Effect.runPromise(Effect.scoped(program))
