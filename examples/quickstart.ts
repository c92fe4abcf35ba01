/**
 * A tour of a session: reads, writes, errors, and the end.
 *
 * This file has the parts; start.ts runs them. `npm start` runs it against a directory in memory, over a real socket; `npm start -- ldap://host` runs the first half, which
 * only reads, against a server of yours.
 *
 * In a program of your own the import is `from "effect-ldap"`.
 */
import { Console, Effect, Fiber, Option, Redacted, Stream } from "effect"
import { LdapAuth, LdapDn, LdapFilter, LdapModification, type LdapSession } from "../src/index.ts"

const say = (what: string, detail: string) => Console.log(`${what.padEnd(10)} ${detail}`)

/** Reads only. */
export const look = Effect.fn("look")(function*(session: LdapSession.LdapSession, base: string) {
  const rootDse = yield* session.rootDse
  yield* say(
    "server",
    `${session.server} holds ${rootDse.getAll("namingContexts").join(", ") || "what it doesn't tell"}`
  )

  // Pages stay below the limit that servers set for one answer. The stream requests the next page when it needs it.
  const people = session.search({ base, filter: "(objectClass=person)", attributes: ["cn", "mail"], pageSize: 100 })
  const count = yield* Stream.runCount(people)
  const some = yield* people.pipe(Stream.take(3), Stream.map((entry) => entry.get("cn")), Stream.runCollect)
  yield* say("search", `${count} people, the first of them ${some.join(", ")}`)

  const entry = yield* session.lookup(base)
  yield* say(
    "lookup",
    Option.match(entry, {
      onNone: () => `there is no ${base}`,
      onSome: (entry) => `${entry.dn} is ${entry.getAll("objectClass").join(", ")}`
    })
  )
})

/** An entry is added, changed and deleted. */
export const write = Effect.fn("write")(function*(session: LdapSession.LdapSession, base: string) {
  // Values can't become syntax in a DN or a filter, whatever the names of people contain.
  const name = "Zoë (Research) *"
  const dn = LdapDn.ldapDn`cn=${name},ou=people,dc=example,dc=org`

  yield* session.add(dn, { objectClass: ["inetOrgPerson"], sn: "Ångström", mail: ["zoe@example.org"] })
  yield* say("add", dn.toString())

  yield* session.modify(dn, [
    LdapModification.add("mail", "z@example.org"),
    LdapModification.replace("title", "Director")
  ])
  const found = yield* session.searchResult({
    base,
    filter: LdapFilter.ldapFilter`(&(objectClass=person)(cn=${name}))`
  })
  yield* say("modify", `mail is now ${found.entries[0]?.getAll("mail").join(" and ")}`)

  yield* say("compare", `is the title "director"? ${yield* session.compare(dn, "title", "director")}`)

  yield* session.rename(dn, { newRdn: "cn=Zoe" })
  yield* say("rename", `to cn=Zoe,ou=people,${base}`)

  yield* session.delete(`cn=Zoe,ou=people,${base}`)
  yield* say("delete", `and it is gone: ${Option.isNone(yield* session.lookup(`cn=Zoe,ou=people,${base}`))}`)
})

/** Errors are typed, and their message says what failed, where and why. */
export const fail = Effect.fn("fail")(function*(session: LdapSession.LdapSession, base: string) {
  yield* session.delete(`ou=people,${base}`).pipe(
    Effect.catchTag("LdapError", (error) => say("error", error.message))
  )
  // After a refused bind the session is anonymous (RFC 4511 section 4.2.1).
  yield* session.bind(LdapAuth.simple(`cn=admin,${base}`, Redacted.make("not the password"))).pipe(
    Effect.catchReason("LdapError", "InvalidCredentials", (reason) => say("bind", `refused: ${reason.message}`))
  )
})

/** Twenty fibers share the session; one of them is interrupted, which abandons its search and does not affect the others. */
export const share = Effect.fn("share")(function*(session: LdapSession.LdapSession, base: string) {
  const fibers = yield* Effect.forEach(
    Array.from({ length: 20 }, (_, i) => String.fromCharCode(97 + i)),
    (letter) =>
      session.search({ base, filter: LdapFilter.startsWith("uid", letter) }).pipe(
        Stream.runCount,
        Effect.forkChild({ startImmediately: true })
      )
  )
  // All requests are in flight when the microtasks have run.
  yield* Effect.yieldNow
  yield* Fiber.interrupt(fibers[7]!)
  const exits = yield* Effect.forEach(fibers, Fiber.await)
  const counts = exits.flatMap((exit) => (exit._tag === "Success" ? [exit.value] : []))
  yield* say(
    "fibers",
    `${counts.length} of 20 found ${counts.reduce((sum, count) => sum + count, 0)} people, one was interrupted`
  )
})
