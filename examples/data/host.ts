/** What the examples with web servers of promises share: a directory in memory, one runtime, and one effect. */
import { Effect, ManagedRuntime } from "effect"
import { LdapClient, LdapFilter } from "../../src/index.ts"
import { InMemoryDirectory } from "../../src/testing.ts"

const base = "dc=example,dc=org"

/** In a program of your own: `ManagedRuntime.make(LdapClient.layerConfig(LdapConfig.fromEnvironment()))`. */
export const makeRuntime = () =>
  ManagedRuntime.make(
    InMemoryDirectory.layer({
      entries: [
        { dn: base, attributes: { objectClass: ["domain"], dc: "example" } },
        { dn: `uid=ada,${base}`, attributes: { objectClass: "account", uid: "ada", host: "engine" } }
      ]
    })
  )

/** An effect, as elsewhere in a program. Its failures are values that a handler turns into a status. */
export const hostOf = (uid: string) =>
  LdapClient.LdapClient.use((ldap) =>
    ldap.searchResult({ base, filter: LdapFilter.equals("uid", uid), attributes: ["host"], timeout: "2 seconds" })
  ).pipe(
    Effect.map(({ entries }) => ({ status: entries.length === 0 ? 404 : 200, text: entries[0]?.get("host") ?? "" })),
    Effect.catch((error) => Effect.succeed({ status: error.isRetryable ? 503 : 500, text: "try again later" }))
  )

/** Asks a server that listens on this port, and says what came. */
export const ask = async (what: string, port: number) => {
  for (const uid of ["ada", "*"]) {
    const answer = await fetch(`http://127.0.0.1:${port}/hosts/${uid}`)
    console.log(`${what} ${uid.padEnd(4)} ${answer.status} ${await answer.text()}`)
  }
}
