/**
 * Small entries and small results, as most programs have them: CPU of this client and of ldapts, for the same entries and with two values of
 * each read. Both take turns in one process against one slapd; each ratio is the median of the ratios of turns.
 *
 *     node test/bench/small.ts [--quick]
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { Client } from "ldapts"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { admin, base } from "../servers/directory.ts"
import { findExecutable } from "../servers/installation.ts"
import { startSlapd } from "../servers/slapd/slapd.ts"
import { median } from "./report/statistics.ts"

const quick = process.argv.includes("--quick")
const turns = quick ? 5 : 41
const attributes = ["cn", "uidNumber"]
const many = `ou=many,${base}`

/** What is asked, and how often in a turn. */
const cases = [
  { name: "1,200 entries", filter: "(cn=*)", times: 2 },
  { name: "100 entries", filter: "(cn=e00*)", times: 20 },
  { name: "10 entries", filter: "(cn=e000*)", times: 60 },
  { name: "1 entry", filter: "(cn=e0001)", times: 100 }
]

const cpu = Effect.fnUntraced(function*<A, E>(work: Effect.Effect<A, E>) {
  const before = process.cpuUsage()
  yield* work
  const { system, user } = process.cpuUsage(before)
  return system + user
})

const program = Effect.gen(function*() {
  const path = findExecutable("slapd")
  if (path === undefined) return yield* Effect.sync(() => console.log("slapd is missing"))
  const slapd = yield* Effect.acquireRelease(
    Effect.promise(() => startSlapd(path)),
    (slapd) => Effect.promise(() => slapd.stop())
  )
  const { ldap: url } = slapd.urls
  const session = yield* LdapSession.make({ url, auth: LdapAuth.simple(admin.dn, Redacted.make(admin.password)) })
  const ldapts = new Client({ url })
  yield* Effect.promise(() => ldapts.bind(admin.dn, admin.password))

  let characters = 0
  const read = (entry: LdapSession.SearchResult["entries"][number]) => {
    characters += entry.get("cn")!.length + entry.get("uidNumber")!.length
  }
  const ways = {
    searchResult: (filter: string) =>
      Effect.map(session.searchResult({ base: many, filter, attributes }), ({ entries }) => entries.forEach(read)),
    "search, a stream": (filter: string) =>
      Stream.runForEach(session.search({ base: many, filter, attributes }), (entry) => Effect.sync(() => read(entry)))
  }
  const theirs = (filter: string) =>
    Effect.promise(async () => {
      const { searchEntries } = await ldapts.search(many, { scope: "sub", filter, attributes })
      for (const { cn, uidNumber } of searchEntries) characters -= String(cn).length + String(uidNumber).length
    })

  for (const { filter, name, times } of cases) {
    for (const [way, ours] of Object.entries(ways)) {
      const ratios: Array<number> = []
      for (let turn = -2; turn < turns; turn++) {
        const a = yield* cpu(Effect.repeat(ours(filter), { times: times - 1 }))
        const b = yield* cpu(Effect.repeat(theirs(filter), { times: times - 1 }))
        if (turn >= 0) ratios.push(b / a)
      }
      if (characters !== 0) throw new Error("the two did not read the same")
      const sorted = ratios.toSorted((a, b) => a - b)
      const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!.toFixed(2)
      const ratio = `${median(ratios).toFixed(2)} (half of the turns: ${at(0.25)} to ${at(0.75)})`
      console.log(`${name.padEnd(14)} ${way.padEnd(17)} ldapts takes this many times the CPU: ${ratio}`)
    }
  }
  yield* Effect.promise(() => ldapts.unbind())
})

await Effect.runPromise(Effect.scoped(program))
