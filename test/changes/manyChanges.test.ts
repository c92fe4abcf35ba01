/**
 * More changes between two rounds than a source reads at once, with renames of subtrees among them. Servers allow few paged searches on a
 * connection, so a source must not start another one while it reads its log.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapChanges from "../../src/changes/LdapChanges.ts"
import * as LdapClient from "../../src/client/LdapClient.ts"
import * as LdapModification from "../../src/model/LdapModification.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"
import { optionsFor } from "./model.ts"
import { linesOf, linesOnServer } from "./sameAs.ts"

const base = "dc=example"
const count = 1_100

describe("more changes than one page has", () => {
  it.effect.each(["usn", "changelog", "accesslog", "scan"] as const)("by %s", (source) =>
    Effect.gen(function*() {
      const options = optionsFor(source)
      const directory = yield* InMemoryDirectory.make({
        ...options,
        entries: [
          { dn: base, attributes: { objectClass: "domain", dc: "example" } },
          { dn: `ou=a,${base}`, attributes: { objectClass: "organizationalUnit", ou: "a" } },
          ...Array.from({ length: count }, (_, i) => ({
            dn: `cn=d${i},ou=a,${base}`,
            attributes: { objectClass: "device", cn: `d${i}` }
          }))
        ],
        admin: { password: "secret" }
      })
      const auth = LdapAuth.simple(`cn=admin,${base}`, Redacted.make("secret"))
      const client = yield* LdapClient.fromTransport(directory.transport, { auth, pool: { max: 1 } })
      const copy = LdapChanges.makeCopy()
      const view = { base, filter: "(objectClass=*)" }
      const poll = Effect.suspend(() =>
        Stream.runForEach(
          LdapChanges.poll(client, { ...view, source, since: copy.cookie, known: copy.known, pageSize: 100 }),
          copy.apply
        )
      )
      yield* poll
      yield* client.rename(`ou=a,${base}`, { newRdn: "ou=b" })
      for (let i = 0; i < count; i += 2) {
        yield* client.modify(`cn=d${i},ou=b,${base}`, LdapModification.replace("description", "x"))
      }
      yield* client.rename(`ou=b,${base}`, { newRdn: "ou=c" })
      yield* poll
      const uuid = options.domainController === true ? "objectGUID" : "entryUUID"
      assert.deepStrictEqual(linesOf(copy), yield* linesOnServer(client, view, uuid))
    }).pipe(Effect.provideService(References.MinimumLogLevel, "None")), 30_000)
})
