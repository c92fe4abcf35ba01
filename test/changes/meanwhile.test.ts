/**
 * Changes while a view is read. The state that covers the view must be older than the reading, so that these changes come with the next
 * round.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapChanges from "../../src/changes/LdapChanges.ts"
import * as LdapClient from "../../src/client/LdapClient.ts"
import * as LdapModification from "../../src/model/LdapModification.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import * as DirectoryFault from "../../src/testing/DirectoryFault.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"
import { settle } from "../session/recording/RecordingPeer.ts"
import { optionsFor } from "./model.ts"
import { linesOf, linesOnServer } from "./sameAs.ts"

const base = "dc=example"

describe("changes while a view is read come with the next round", () => {
  it.effect.each(LdapChanges.ChangesSource.literals)("by %s", (source) =>
    Effect.gen(function*() {
      const options = optionsFor(source)
      const auth = LdapAuth.simple(`cn=admin,${base}`, Redacted.make("secret"))
      let delayed = 0
      // Makes the change before each search of the round in turn.
      for (let nth = 2; nth <= 8; nth++) {
        const directory = yield* InMemoryDirectory.make({
          ...options,
          entries: [
            { dn: base, attributes: { objectClass: "domain", dc: "example" } },
            { dn: `ou=a,${base}`, attributes: { objectClass: "organizationalUnit", ou: "a" } },
            ...Array.from({ length: 6 }, (_, i) => ({
              dn: `cn=d${i},ou=a,${base}`,
              attributes: { objectClass: "device", cn: `d${i}` }
            }))
          ],
          admin: { password: "secret" }
        })
        const client = yield* LdapClient.fromTransport(directory.transport, { auth, pool: { min: 0 } })
        const writer = yield* LdapSession.fromTransport(directory.transport, { auth })
        const copy = LdapChanges.makeCopy()
        const poll = (since?: LdapChanges.ChangesCookie) =>
          Stream.runForEach(LdapChanges.poll(client, { base, source, since, pageSize: 3 }), copy.apply)
        yield* directory.faults.set([DirectoryFault.delay("3 seconds", { on: "search", nth })])
        const first = yield* Effect.forkChild(poll())
        for (let turn = 0; turn < 30; turn++) yield* settle
        if (first.pollUnsafe() === undefined) delayed++
        for (let i = 0; i < 5; i++) {
          yield* writer.modify(`cn=d${i},ou=a,${base}`, LdapModification.replace("description", "changed"))
        }
        yield* writer.delete(`cn=d5,ou=a,${base}`)
        yield* writer.add(`cn=new,ou=a,${base}`, { objectClass: "device", cn: "new" })
        yield* writer.rename(`ou=a,${base}`, { newRdn: "ou=b" })
        yield* directory.faults.clear
        yield* TestClock.adjust("4 seconds")
        yield* Fiber.join(first)
        yield* poll(copy.cookie)
        const uuid = options.domainController === true ? "objectGUID" : "entryUUID"
        assert.deepStrictEqual(linesOf(copy), yield* linesOnServer(writer, { base }, uuid), `before search ${nth}`)
      }
      assert.isAbove(delayed, 0)
    }).pipe(Effect.provideService(References.MinimumLogLevel, "None")), 30_000)
})
