/**
 * What a stream by `scan` remembers without `known`: `node --expose-gc test/bench/scanMemory.ts --entries 100000`. The heap in use after the first
 * round, less the heap before it, with the directory in the same process.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { parseArgs } from "node:util"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapChanges from "../../src/changes/LdapChanges.ts"
import * as LdapClient from "../../src/client/LdapClient.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"

const { values } = parseArgs({ options: { entries: { type: "string", default: "100000" } } })
const base = "dc=example"

const heap = Effect.sync(() => {
  for (let n = 0; n < 4; n++) globalThis.gc?.()
  return process.memoryUsage().heapUsed
})

const program = Effect.gen(function*() {
  const directory = yield* InMemoryDirectory.make({
    entries: [
      { dn: base, attributes: { objectClass: "domain", dc: "example" } },
      ...Array.from({ length: Number(values.entries) }, (_, i) => ({
        dn: `cn=d${i},${base}`,
        attributes: { objectClass: "device", cn: `d${i}`, description: "x".repeat(500) }
      }))
    ],
    admin: { password: "secret" }
  })
  const auth = LdapAuth.simple(`cn=admin,${base}`, Redacted.make("secret"))
  const client = yield* LdapClient.fromTransport(directory.transport, { auth })
  let before = yield* heap
  yield* LdapChanges.follow(client, { base, source: "scan" }).pipe(
    Stream.runForEachWhile((change) => {
      if (change._tag !== "Checkpoint") return Effect.succeed(true)
      return Effect.map(heap, (after) => {
        console.log(`${values.entries} entries: ${((after - before) / 1_000_000).toFixed(1)} MB`)
        before = after
        return false
      })
    })
  )
})

await Effect.runPromise(Effect.scoped(program))
process.exit(0)
