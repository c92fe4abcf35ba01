/**
 * `npm start`: the tour of quickstart.ts.
 *
 *     npm start                        against a directory in memory, over a socket on a loopback port
 *     npm start -- ldaps://host        against a server of yours; it only reads
 *
 * Settings for a server of yours: LDAP_BIND_DN and LDAP_PASSWORD (default: anonymous), LDAP_BASE (default: the first naming context
 * of the server), LDAP_START_TLS=true, LDAP_CA (a file), and LDAP_ALLOW_INSECURE_AUTH=true if the password may cross the network
 * in clear text.
 */
import { NodeFileSystem, NodeRuntime } from "@effect/platform-node"
import { Config, ConfigProvider, Console, Effect, FileSystem, Option, Redacted } from "effect"
import { LdapAuth, LdapConfig, LdapSession } from "../src/index.ts"
import { InMemoryDirectory } from "../src/testing.ts"
import { fail, look, share, write } from "./quickstart.ts"

/** The whole tour, on a directory of about 300 people in the memory of this process. */
const tour = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const ldif = yield* fs.readFileString(new URL("data/organisation.ldif", import.meta.url).pathname)
  const base = "dc=example,dc=org"
  const password = Redacted.make("an example's secret")

  const directory = yield* InMemoryDirectory.make({ ldif, admin: { dn: `cn=admin,${base}`, password } })
  const { url } = yield* InMemoryDirectory.listen(directory)
  yield* Console.log(`A directory of ${directory.size} entries listens on ${url}.\n`)

  // The session belongs to this scope, whose end unbinds it: there is no other call to make.
  yield* Effect.scoped(
    Effect.gen(function*() {
      const session = yield* LdapSession.make({ url, auth: LdapAuth.simple(`cn=admin,${base}`, password) })
      yield* look(session, base)
      yield* write(session, base)
      yield* share(session, base)
      yield* fail(session, base)
    })
  )

  yield* Console.log("\nThe scope has closed. What the directory saw on the wire:")
  for (const [kind, count] of directory.log.pdusByKind) yield* Console.log(`  ${String(count).padStart(4)} ${kind}`)
  const [connection] = directory.log.connections
  yield* Console.log(
    `One connection, ${connection?.unbinds} unbind, ${connection?.octetsAfterUnbind} bytes after it, ` +
      `${directory.log.openConnections} connections left.`
  )
})

/** The part of the tour that reads, on the user's own server. */
const visit = (url: string) =>
  Effect.gen(function*() {
    // The names are those of all programs with settings from the environment: see .env.example.
    const settings = yield* LdapConfig.fromEnvironment().parse(
      ConfigProvider.fromEnv({ env: { ...process.env, LDAP_URL: url } })
    )
    const base = yield* Config.option(Config.String("LDAP_BASE"))
    const session = yield* LdapSession.make({ ...settings, url })
    const named = (yield* session.rootDse).get("namingContexts")
    yield* look(session, Option.getOrElse(base, () => named ?? ""))
  })

const [url] = process.argv.slice(2)

Effect.gen(function*() {
  if (url === undefined) yield* tour
  else yield* visit(url)
}).pipe(
  Effect.scoped,
  // The message is for users; the rest is for debugging.
  Effect.catchTag(
    "LdapError",
    (error) => Effect.andThen(Console.error(error.message), Effect.sync(() => (process.exitCode = 1)))
  ),
  Effect.provide(NodeFileSystem.layer),
  NodeRuntime.runMain
)
