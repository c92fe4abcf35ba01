/**
 * From promise code: `node examples/promises.ts`.
 *
 * A web server that is written with promises has one `ManagedRuntime`. It opens the client at the first request, runs each effect as a
 * promise, and unbinds when the process ends. The same three lines serve in Express, Fastify or NestJS: `runtime.runPromise` in a
 * handler, `runtime.dispose` in the hook that closes the application.
 *
 * In a program of your own the imports are `from "effect-ldap"`, and the layer is `LdapClient.layer({ url, auth })`.
 */
import { Effect, ManagedRuntime } from "effect"
import { once } from "node:events"
import { createServer } from "node:http"
import { LdapClient, LdapFilter } from "../src/index.ts"
import { InMemoryDirectory } from "../src/testing.ts"

const base = "dc=example,dc=org"

const runtime = ManagedRuntime.make(
  InMemoryDirectory.layer({
    entries: [
      { dn: base, attributes: { objectClass: "domain", dc: "example" } },
      { dn: `uid=ada,${base}`, attributes: { objectClass: "account", uid: "ada", host: "engine" } }
    ]
  })
)

/** An ordinary effect. Its failures are values that a handler turns into a status. */
const hostOf = (uid: string) =>
  LdapClient.LdapClient.use((ldap) =>
    ldap.searchResult({ base, filter: LdapFilter.equals("uid", uid), attributes: ["host"], timeout: "2 seconds" })
  ).pipe(
    Effect.map(({ entries }) => ({ status: entries.length === 0 ? 404 : 200, text: entries[0]?.get("host") ?? "" })),
    Effect.catch((error) => Effect.succeed({ status: error.isRetryable ? 503 : 500, text: "try again later" }))
  )

const server = createServer((request, response) => {
  // If the client disconnects, the effect is interrupted, and its search is abandoned.
  const gone = new AbortController()
  response.on("close", () => gone.abort())
  runtime.runPromise(hostOf(request.url!.slice(1)), { signal: gone.signal }).then(
    ({ status, text }) => response.writeHead(status).end(text),
    () => response.destroy()
  )
})

await once(server.listen(0, "127.0.0.1"), "listening")
const address = server.address()
const port = typeof address === "object" ? address?.port : undefined
for (const uid of ["ada", "*"]) {
  const answer = await fetch(`http://127.0.0.1:${port}/${uid}`)
  console.log(`${uid.padEnd(4)} ${answer.status} ${await answer.text()}`)
}

// At the end no new requests are accepted, and then the sessions are unbound.
server.close()
server.closeAllConnections()
const directory = await runtime.runPromise(InMemoryDirectory.InMemoryDirectory)
await runtime.dispose()
console.log(`${directory.log.unbinds} unbind, ${directory.log.openConnections} connections left`)
