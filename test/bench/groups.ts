/**
 * The groups of a user: compares `LdapJobs.groupsOf` with a recursion over ldapts, as programs write it. slapd has an index on
 * `member`. Both clients alternate in one process.
 *
 *     node test/bench/groups.ts [--quick]
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { Client } from "ldapts"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapJobs from "../../src/client/jobs/LdapJobs.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { admin, base } from "../servers/directory.ts"
import { findExecutable } from "../servers/installation.ts"
import { startSlapd } from "../servers/slapd/slapd.ts"
import { median } from "./report/statistics.ts"

const quick = process.argv.includes("--quick")
const count = quick ? 200 : 1000
const turns = quick ? 2 : 5
const scratch = `ou=scratch,${base}`
const group = (kind: string, n: number) => `cn=${kind}${n},${scratch}`

interface Measured {
  readonly requests: number
  readonly cpu: number
  readonly found: number
}

const measured = Effect.fnUntraced(function*<E>(work: Effect.Effect<Omit<Measured, "cpu">, E>) {
  const before = process.cpuUsage()
  const result = yield* work
  const { system, user } = process.cpuUsage(before)
  return { ...result, cpu: system + user }
})

const program = Effect.gen(function*() {
  const path = findExecutable("slapd")
  if (path === undefined) return yield* Effect.sync(() => console.log("slapd is missing"))
  const slapd = yield* Effect.acquireRelease(
    Effect.promise(() => startSlapd(path)),
    (slapd) => Effect.promise(() => slapd.stop())
  )
  const { ldap: url } = slapd.urls
  const session = yield* LdapSession.make({
    url,
    auth: LdapAuth.simple(admin.dn, Redacted.make(admin.password)),
    allowInsecureAuth: true
  })
  const ldapts = new Client({ url })
  yield* Effect.promise(() => ldapts.bind(admin.dn, admin.password))
  const [flat, nested] = [`cn=flat,${scratch}`, `cn=nested,${scratch}`]
  for (const user of [flat, nested]) yield* session.add(user, { objectClass: "person", sn: "x" })
  const add = (kind: string, n: number, member: string) =>
    session.add(group(kind, n), { objectClass: "groupOfNames", member })
  for (let n = 0; n < count; n++) {
    yield* add("f", n, flat)
    yield* add("n", n, n < 10 ? nested : group("n", Math.floor(n / 10) - 1))
  }

  const ours = (user: string) =>
    Effect.gen(function*() {
      let requests = 0
      const counting: Pick<LdapSession.LdapOperations, "lookup" | "searchResult" | "rootDse"> = {
        lookup: (...args) => Effect.suspend(() => (requests++, session.lookup(...args))),
        searchResult: (...args) => Effect.suspend(() => (requests++, session.searchResult(...args))),
        rootDse: Effect.suspend(() => (requests++, session.rootDse))
      }
      const { groups } = yield* LdapJobs.groupsOf(counting, user, { nested: true })
      return { requests, found: groups.length }
    })
  const theirs = (user: string) =>
    Effect.promise(async () => {
      let requests = 0
      const seen = new Set<string>()
      const above = async (dn: string): Promise<void> => {
        requests++
        const { searchEntries } = await ldapts.search(base, { filter: `(member=${dn})`, attributes: ["cn"] })
        for (const entry of searchEntries) {
          if (seen.has(entry.dn)) continue
          seen.add(entry.dn)
          await above(entry.dn)
        }
      }
      await above(user)
      return { requests, found: seen.size }
    })
  for (const [what, user] of [["directly", flat], ["nested", nested]] as const) {
    const pairs: Array<readonly [Measured, Measured]> = []
    for (let turn = 0; turn <= turns; turn++) {
      const pair = [yield* measured(ours(user)), yield* measured(theirs(user))] as const
      // The first one is for the compiler.
      if (turn > 0) pairs.push(pair)
    }
    const [a, b] = pairs[0]!
    if (a.found !== count || b.found !== count) throw new Error(`found ${a.found} and ${b.found} groups of ${count}`)
    const ratio = median(pairs.map(([a, b]) => a.cpu / b.cpu)).toFixed(2)
    console.log(`${count} groups, ${what}: ${a.requests} requests beside ${b.requests}, ${ratio} of the CPU`)
  }
  yield* Effect.promise(() => ldapts.unbind())
})

await Effect.runPromise(Effect.scoped(program))
