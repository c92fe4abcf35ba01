/**
 * Results with many entries: `node examples/large-results.ts`.
 *
 * Runs on a directory in memory with 2,500 entries and the limits of a domain controller, or reads a server of yours: LDAP_URL, LDAP_BASE
 * and the other names of .env.example. In a program of your own the imports are `from "effect-ldap"`.
 */
import { Config, Console, Effect, Option, Stream } from "effect"
import { LdapClient, LdapConfig, LdapControl, LdapJobs, LdapRootDse } from "../src/index.ts"
import { InMemoryDirectory } from "../src/testing.ts"

const isOnServer = process.env["LDAP_URL"] !== undefined
const base = isOnServer ? Config.String("LDAP_BASE") : Effect.succeed("dc=example")

const people = Array.from({ length: 2500 }, (_, i) => ({
  dn: `cn=p${String(i).padStart(4, "0")},dc=example`,
  attributes: { objectClass: "person", cn: `p${String(i).padStart(4, "0")}`, sn: `P${i % 100}` }
}))
const group = {
  dn: "cn=all,dc=example",
  attributes: { objectClass: "groupOfNames", cn: "all", member: people.map(({ dn }) => dn) }
}
const Directory = isOnServer
  ? LdapClient.layerConfig(LdapConfig.fromEnvironment())
  : InMemoryDirectory.layer({
    entries: [{ dn: "dc=example", attributes: { objectClass: "domain", dc: "example" } }, ...people, group],
    limits: "activeDirectory",
    maxValues: 1500
  })

const program = Effect.gen(function*() {
  const ldap = yield* LdapClient.LdapClient
  const search = { base: yield* base, filter: isOnServer ? "(cn=*)" : "(cn=p*)", attributes: ["cn"] }

  // Without pages the server's own size limit ends the search. The error has the entries so far.
  yield* ldap.searchResult(search).pipe(
    Effect.flatMap(({ entries }) => Console.log(`at once: all ${entries.length} entries`)),
    Effect.catchReason(
      "LdapError",
      "SizeLimitExceeded",
      (_, { partial }) => Console.log(`at once: the server's limit, after ${partial?.entries.length} entries`)
    )
  )

  const count = yield* Stream.runCount(ldap.search({ ...search, pageSize: 500 }))
  yield* Console.log(`in pages of 500: ${count} entries; counted: ${yield* LdapJobs.count(ldap, search)}`)

  // The stream ends after ten entries; the client then abandons the search.
  const some = yield* ldap.search({ ...search, pageSize: 500 }).pipe(Stream.take(10), Stream.runCollect)
  yield* Console.log(`the first ${some.length}`)

  // Does a lookup for each entry, eight at a time, while the stream is read.
  const found = yield* ldap.search({ ...search, pageSize: 500 }).pipe(
    Stream.take(100),
    Stream.mapEffect((entry) => ldap.lookup(entry.dn, { attributes: ["sn"] }), { concurrency: 8 }),
    Stream.filter(Option.isSome),
    Stream.runCount
  )
  yield* Console.log(`looked up while reading: ${found}`)

  const rootDse = yield* ldap.rootDse
  // OpenLDAP requires the name of the rule for attributes without one in the schema, such as cn. Other servers choose one, and may refuse a
  // name.
  const isNamed = rootDse.get("vendorName")?.startsWith("389") !== true && !rootDse.has("supportedCapabilities")
  const key = { attribute: "cn", ...(isNamed ? { matchingRule: "caseIgnoreOrderingMatch" } : {}) }
  if (LdapRootDse.supportsControl(rootDse, LdapControl.sortRequest)) {
    const byName = LdapControl.sortRequest.make([{ ...key, reverse: true }])
    const sorted = ldap.search({ ...search, pageSize: 500, controls: [byName] })
    const [first] = yield* sorted.pipe(Stream.take(1), Stream.runCollect)
    yield* Console.log(`the last by name: ${first?.get("cn")}`)
  } else yield* Console.log("this server doesn't sort")
  if (LdapRootDse.supportsControl(rootDse, LdapControl.virtualListViewRequest)) {
    const view = LdapControl.virtualListViewRequest.make({
      beforeCount: 0,
      afterCount: 4,
      target: { _tag: "ByOffset", offset: 101, contentCount: 0 }
    })
    const { entries, result } = yield* ldap.searchResult({
      ...search,
      controls: [LdapControl.sortRequest.make([key]), view]
    })
    const length = Option.map(LdapControl.virtualListViewResponse.find(result.controls), (said) => said.contentCount)
    yield* Console.log(`${entries.length} from place 101 of ${Option.getOrElse(length, () => "an unknown number")}`)
  } else yield* Console.log("this server has no list views")

  if (isOnServer) return
  const whole = yield* ldap.lookup("cn=all,dc=example", { attributes: ["member"], ranges: "all" })
  const part = yield* ldap.lookup("cn=all,dc=example", { attributes: ["member"] })
  const values = (entry: typeof whole) =>
    Option.match(entry, { onNone: () => 0, onSome: (e) => e.getAll("member").length })
  yield* Console.log(`members of a large group: ${values(part)} at once, ${values(whole)} with all ranges`)
})

await Effect.runPromise(Effect.provide(program, Directory))
