/**
 * Connections, and the messages of their errors: `node examples/connect.ts`.
 *
 * A directory in memory listens on a port. The program connects to it correctly, and then wrongly in several ways. To connect to your own
 * server, set LDAP_URL and the other names of .env.example: `LDAP_URL=ldaps://ldap.example.org node examples/connect.ts`.
 *
 * In a program of your own the imports are `from "effect-ldap"`. connect.md has every case.
 */
import { Config, Console, Effect, Option } from "effect"
import { LdapConfig, LdapExtended, LdapSession } from "../src/index.ts"
import { InMemoryDirectory } from "../src/testing.ts"

/** Prints how the connection is protected, and the identity of the session. */
const describe = Effect.fn("describe")(function*(session: LdapSession.LdapSession) {
  const protection = yield* session.protection
  const tls = yield* session.tls
  const how = tls === undefined
    ? "no TLS"
    : `${tls.protocol}, certificate of ${tls.peer?.subject} by ${tls.peer?.issuer}`
  // Samba and Active Directory don't list this attribute.
  const who = yield* session.extended(LdapExtended.whoAmI).pipe(
    Effect.map(({ answer }) => answer === "" ? "anonymous" : answer),
    Effect.orElseSucceed(() => "not told by the server")
  )
  return `connected; protection: ${protection} (${how}); bound as: ${who}`
})

const attempt = (what: string, config: LdapSession.SessionConfig) =>
  LdapSession.make(config).pipe(
    Effect.flatMap(describe),
    Effect.scoped,
    Effect.catch(({ isRetryable, message, reason }) => {
      const kind = reason._tag === "ConnectFailed" ? `ConnectFailed, kind ${reason.kind}` : reason._tag
      return Effect.succeed(`${kind}, ${isRetryable ? "may pass" : "stays"}\n  ${message}`)
    }),
    Effect.flatMap((outcome) => Console.log(`${what}: ${outcome}`))
  )

const wrongWays = Effect.gen(function*() {
  const directory = yield* InMemoryDirectory.make()
  const { port } = yield* InMemoryDirectory.listen(directory)
  yield* attempt("the right URL", { url: `ldap://127.0.0.1:${port}` })
  yield* attempt("TLS to a port in clear text", { url: `ldaps://127.0.0.1:${port}` })
  yield* attempt("StartTLS where the server has none", { url: `ldap://127.0.0.1:${port}`, startTls: true })
  yield* attempt("a port on which nothing listens", { url: "ldaps://127.0.0.1:1" })
  yield* attempt("a URL without a scheme", { url: "ldap.example.org" })
})

const program = Effect.gen(function*() {
  const url = yield* Config.option(Config.String("LDAP_URL"))
  if (Option.isNone(url)) return yield* wrongWays
  yield* attempt(url.value, { ...yield* LdapConfig.fromEnvironment(), url: url.value })
})

await Effect.runPromise(Effect.scoped(program))
