/**
 * The saving of the resolver: simultaneous lookups of many fibers, through it and by one search each, on slapd. Both take turns on one
 * session, in one process.
 *
 *     node test/bench/resolver.ts [--quick]
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapResolver from "../../src/client/jobs/LdapResolver.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { median } from "./report/statistics.ts"
import { admin, people, personDn, sizes } from "./servers/directory.ts"
import { startSlapd } from "./servers/slapd.ts"

const quick = process.argv.includes("--quick")
const turns = quick ? 3 : 15
const attributes = ["uid", "mail"]

interface Measured {
  readonly millis: number
  readonly cpuMicros: number
}

const measure = Effect.fnUntraced(function*<E>(work: Effect.Effect<unknown, E>) {
  const [cpu, start] = [process.cpuUsage(), performance.now()]
  yield* work
  const { system, user } = process.cpuUsage(cpu)
  return { millis: performance.now() - start, cpuMicros: system + user }
})

const compare = Effect.fnUntraced(
  function*<E>(what: string, alone: Effect.Effect<unknown, E>, together: Effect.Effect<unknown, E>) {
    const pairs: Array<readonly [Measured, Measured]> = []
    for (let turn = 0; turn <= turns; turn++) {
      const pair = [yield* measure(alone), yield* measure(together)] as const
      // The first is for the compiler.
      if (turn > 0) pairs.push(pair)
    }
    const ratio = (of: (measured: Measured) => number) => median(pairs.map(([a, b]) => of(a) / of(b))).toFixed(1)
    console.log(
      `${what}: ${ratio(({ millis }) => millis)} times as fast, 1/${ratio((m) => m.cpuMicros)} of the client's CPU`
    )
  }
)

const program = Effect.gen(function*() {
  const slapd = yield* Effect.acquireRelease(
    Effect.promise(() => startSlapd(sizes(true))),
    (slapd) => Effect.promise(() => slapd?.stop() ?? Promise.resolve())
  )
  if (slapd === undefined) return yield* Effect.sync(() => console.log("slapd is missing"))
  const session = yield* LdapSession.make({
    url: slapd.ldap,
    auth: LdapAuth.simple(admin.dn, Redacted.make(admin.password))
  })
  const resolver = LdapResolver.make(session, { base: people, attributes })
  const byParent = LdapResolver.make(session, { base: people, attributes, names: "parent" })
  const all = <A, E>(ids: ReadonlyArray<number>, f: (i: number) => Effect.Effect<A, E>) =>
    Effect.forEach(ids, f, { concurrency: "unbounded", discard: true })
  const uid = (i: number) => `u${String(i).padStart(6, "0")}`

  for (const fibers of quick ? [100] : [10, 100, 1_000]) {
    const ids = Array.from({ length: fibers }, (_, i) => (i * 7) % 2_000)
    const search = (i: number) =>
      session.searchResult({ base: people, filter: LdapFilter.equals("uid", uid(i)), attributes })
    yield* compare(`${fibers} by value`, all(ids, search), all(ids, (i) => resolver.find("uid", uid(i))))
    const lookup = (i: number) => session.lookup(personDn(i), { attributes })
    yield* compare(`${fibers} by name, names: base`, all(ids, lookup), all(ids, (i) => resolver.entry(personDn(i))))
    yield* compare(`${fibers} by name, names: parent`, all(ids, lookup), all(ids, (i) => byParent.entry(personDn(i))))
  }
  // All fibers look up the same few users: a service with popular users.
  const popular = Array.from({ length: 1_000 }, (_, i) => i % 20)
  const lookup = (i: number) => session.lookup(personDn(i), { attributes })
  yield* compare("1000 for 20 names", all(popular, lookup), all(popular, (i) => resolver.entry(personDn(i))))
})

await Effect.runPromise(Effect.scoped(program))
