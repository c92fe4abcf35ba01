/**
 * What the client refuses to do: `node examples/security.ts`.
 *
 * Each case is an accident or an attack, on a directory in memory. In a program of your own the imports are `from "effect-ldap"`.
 * security.md has the checklist.
 */
import { Console, Effect, Redacted, Stream } from "effect"
import { LdapAuth, LdapDn, LdapFilter, LdapSession } from "../src/index.ts"
import { DirectoryFault, InMemoryDirectory } from "../src/testing.ts"

const base = "dc=example,dc=org"
const admin = LdapAuth.simple(`cn=admin,${base}`, Redacted.make("correct horse"))

const show = <A>(what: string, effect: Effect.Effect<A, { readonly message: string }>) =>
  effect.pipe(
    Effect.match({ onSuccess: (value) => String(value), onFailure: ({ message }) => message }),
    Effect.flatMap((outcome) => Console.log(`${what}\n  ${outcome}`))
  )

const program = Effect.gen(function*() {
  const directory = yield* InMemoryDirectory.make({
    entries: [
      { dn: base, attributes: { objectClass: "domain", dc: "example" } },
      ...Array.from({ length: 50 }, (_, i) => ({
        dn: `uid=u${i},${base}`,
        attributes: { objectClass: "account", uid: `u${i}`, description: "x".repeat(100) }
      }))
    ],
    admin: { password: "correct horse" }
  })
  const session = yield* LdapSession.fromTransport(directory.transport, { auth: admin })

  const typed = "*)(uid=*"
  yield* show("a filter from a user's input", Effect.succeed(LdapFilter.format(LdapFilter.ldapFilter`(uid=${typed})`)))
  yield* show("a name from a user's input", Effect.succeed(LdapDn.ldapDn`uid=${"u1,dc=elsewhere"},dc=example,dc=org`))

  // A connection to another machine without TLS. No password was sent.
  const socket = yield* directory.connect
  yield* show(
    "a password in clear text",
    Effect.scoped(
      LdapSession.fromSocket(socket, { protection: "none", server: "ldap://ldap.example.org", auth: admin })
    )
  )
  yield* show("an empty password", session.bind(LdapAuth.simple(`cn=admin,${base}`, Redacted.make(""))))

  yield* show(
    "more entries than wanted",
    Stream.runDrain(session.search({ base, filter: "(uid=*)", sizeLimit: 10 }))
  )
  yield* show(
    "a message that is too large",
    Effect.scoped(Effect.flatMap(
      LdapSession.fromTransport(directory.transport, { maxMessageSize: 100 }),
      (small) => small.lookup(`uid=u1,${base}`)
    ))
  )

  yield* directory.faults.set(DirectoryFault.drop({ on: "search" }))
  yield* show("a server that doesn't answer", session.lookup(base, { timeout: "50 millis" }))
  yield* directory.faults.set(DirectoryFault.garbage({ on: "search" }))
  yield* show("a peer that isn't an LDAP server", session.lookup(base))

  yield* Console.log(`and a password in an inspected value: ${JSON.stringify(admin)}`)
})

await Effect.runPromise(Effect.scoped(program))
