/**
 * A user-sync job: `node examples/sync.ts`.
 *
 * The people of a personnel system become entries of a directory: new people are added, changed entries are modified with the fewest
 * changes, people who have left are deleted, and each unchanged entry costs one request. Requests that a busy server refuses are
 * retried. The directory is in memory; the job runs three times and prints what it did.
 *
 * In a program of your own the imports are `from "effect-ldap"`.
 */
import { Clock, Console, Duration, Effect, Ref, Schedule, Stream } from "effect"
import { LdapDn, type LdapError, LdapFilter, LdapJobs, LdapSession } from "../src/index.ts"
import { InMemoryDirectory } from "../src/testing.ts"

interface Person {
  readonly id: string
  readonly givenName: string
  readonly surname: string
  readonly phones: ReadonlyArray<string>
}

const base = LdapDn.ldapDn`ou=people,dc=example,dc=org`

/** Retries, three times at most, if the server's error says that a retry may help. */
const patiently = <A>(operation: Effect.Effect<A, LdapError.LdapError>) =>
  Effect.retry(operation, {
    while: (error) => error.isRetryable,
    times: 3,
    schedule: Schedule.exponential("20 millis")
  })

const sync = Effect.fn("sync")(function*(session: LdapSession.LdapSession, people: ReadonlyArray<Person>) {
  const begun = yield* Clock.currentTimeMillis
  const done = { Added: 0, Modified: 0, Unchanged: 0 }
  let values = 0
  const finished = yield* Ref.make(0)

  const syncOne = (person: Person) =>
    patiently(LdapJobs.upsert(session, LdapDn.ldapDn`uid=${person.id},${base}`, {
      objectClass: ["inetOrgPerson"],
      cn: `${person.givenName} ${person.surname}`,
      sn: person.surname,
      givenName: person.givenName,
      telephoneNumber: person.phones
    }, { whenAdded: { userPassword: "to be changed" } })).pipe(
      Effect.tap((upserted) =>
        Effect.sync(() => {
          done[upserted._tag]++
          if (upserted._tag === "Modified")
            values += upserted.changes.reduce((sum, { values }) => sum + values.length, 0)
        })
      ),
      Effect.andThen(Ref.updateAndGet(finished, (n) => n + 1)),
      Effect.tap((n) => n % 100 === 0 ? Console.log(`  ${n} of ${people.length}`) : Effect.void)
    )

  yield* Effect.forEach(people, syncOne, { concurrency: 8, discard: true })

  // Entries of people who are no longer in the personnel system.
  const ids = new Set(people.map(({ id }) => id))
  const search = { base, filter: LdapFilter.equals("objectClass", "inetOrgPerson"), attributes: ["uid"], pageSize: 100 }
  const left = yield* session.search(search).pipe(
    Stream.filter((entry) => !ids.has(entry.get("uid") ?? "")),
    Stream.mapEffect((entry) => patiently(session.delete(entry.dn)), { concurrency: 8 }),
    Stream.runCount
  )
  const took = Duration.millis((yield* Clock.currentTimeMillis) - begun)
  yield* Console.log(
    `  ${done.Added} added, ${done.Modified} modified (${values} values sent), ${done.Unchanged} unchanged, ` +
      `${left} deleted, in ${Duration.format(took)}`
  )
})

/** The personnel system. */
const people: ReadonlyArray<Person> = Array.from({ length: 300 }, (_, i) => ({
  id: `p${String(i).padStart(4, "0")}`,
  givenName: ["Ada", "Grace", "Zoë", "Linus"][i % 4]!,
  surname: ["Lovelace", "Hopper", "Ångström", "O'Neil, Jr."][i % 4]!,
  phones: Array.from({ length: i % 3 }, (_, n) => `+44 20 7946 ${i}${n}`)
}))

/** Later: some people have a new name or telephone number, some have left, some have joined. */
const later = people.slice(20).map((person, i) => ({
  ...person,
  surname: i % 40 === 0 ? "Byron" : person.surname,
  phones: i % 25 === 0 ? [...person.phones, "+1"] : person.phones
})).concat(people.slice(0, 5).map((person) => ({ ...person, id: `new-${person.id}` })))

const program = Effect.gen(function*() {
  let requests = 0
  let refused = 0
  const directory = yield* InMemoryDirectory.make({
    entries: [
      { dn: "dc=example,dc=org", attributes: { objectClass: ["domain"], dc: "example" } },
      { dn: base.toString(), attributes: { objectClass: ["organizationalUnit"], ou: "people" } }
    ],
    access: () => true,
    // The server sometimes answers `busy`.
    interceptor: ({ messageId, operation }) => {
      if (operation._tag !== "ModifyRequest" && operation._tag !== "AddRequest") return Effect.succeed("continue")
      if (++requests % 50 !== 0) return Effect.succeed("continue")
      refused++
      const result = { code: 51, matchedDn: "", diagnosticMessage: "too busy", referrals: [] }
      const _tag = operation._tag === "AddRequest" ? "AddResponse" : "ModifyResponse"
      return Effect.succeed([{ messageId, operation: { _tag, result }, controls: [] }])
    }
  })
  const session = yield* LdapSession.fromSocket(yield* directory.connect, { protection: "local" })
  const run = Effect.fn("run")(function*(what: string, people: ReadonlyArray<Person>) {
    const before = directory.log.pdus().filter(({ direction }) => direction === "request").length
    yield* Console.log(what)
    yield* sync(session, people)
    const after = directory.log.pdus().filter(({ direction }) => direction === "request").length
    yield* Console.log(`  ${after - before} requests`)
  })

  yield* run(`The first time, ${people.length} people:`, people)
  yield* run("Once more, where nothing has changed:", people)
  yield* run(`Later, ${later.length} people:`, later)
  yield* Console.log(`\n${yield* LdapJobs.count(session, { base, scope: "one" })} people are in the directory.`)
  yield* Console.log(`The server was too busy ${refused} times, and was asked again.`)
  const text = yield* LdapJobs.exportLdif(session, { base, filter: "(uid=new-p0003)" }).pipe(Stream.runCollect)
  yield* Console.log(`One of them, as LDIF:\n\n${text.join("")}`)
})

await Effect.runPromise(Effect.scoped(program))
