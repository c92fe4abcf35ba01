/**
 * Following 389 Directory Server: content synchronization, the Retro Changelog, persistent search and a scan.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { inject } from "vitest"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapChanges from "../../src/changes/LdapChanges.ts"
import * as LdapClient from "../../src/client/LdapClient.ts"
import { waitFor } from "../servers/setup/waitFor.ts"
import { relayTo } from "./cutting.ts"
import { linesOf } from "./sameAs.ts"
import { db2ldif, inFilter } from "./stored.ts"
import { followed, polled } from "./suite.ts"

const ds389 = inject("ds389")

describe.skipIf(ds389 === undefined)("following 389 Directory Server", () => {
  if (ds389 === undefined) return
  waitFor(ds389)
  const { admin, base, urls } = ds389
  const scratch = `ou=scratch,${base}`
  const prepared = Effect.fnUntraced(function*(name: string, url: string = urls.ldap) {
    const client = yield* LdapClient.make({
      url,
      allowInsecureAuth: true,
      auth: LdapAuth.simple(admin.dn, Redacted.make(admin.password))
    })
    const place = {
      top: `ou=changes-${name}-${process.pid},${scratch}`,
      leafType: "cn",
      leaf: (cn: string) => ({ objectClass: ["device"], cn }),
      unit: (ou: string) => ({ objectClass: ["organizationalUnit"], ou })
    }
    yield* client.add(place.top, place.unit(`changes-${name}-${process.pid}`))
    return { client, place }
  })

  /** This server's content synchronization doesn't report entries that leave a filter, so it is refused with a filter. */
  const without = (source: LdapChanges.ChangesSource) => source === "contentSync" ? { filter: "(objectClass=*)" } : {}

  it.live(
    "auto is content synchronization without a filter, and the change log with one, and says why",
    () =>
      Effect.gen(function*() {
        const { client, place } = yield* prepared("auto")
        assert.strictEqual((yield* LdapChanges.choose(client, { base: place.top })).source, "contentSync")
        const filtered = yield* LdapChanges.choose(client, { base: place.top, filter: "(description=in)" })
        assert.strictEqual(filtered.source, "changelog")
        assert.match(filtered.refused[0]!.why, /leave a filter/)
      }),
    60_000
  )

  it.live.each(["contentSync", "changelog", "persistentSearch", "scan"] as const)(
    "by %s: after each poll the copy is what the server has, also after crashes of the consumer",
    (source) =>
      Effect.flatMap(
        prepared(source),
        ({ client, place }) => polled({ client, place, source, uuid: "nsUniqueId", seed: 18, ...without(source) }, 6)
      ),
    60_000
  )

  it.live.each(["contentSync", "persistentSearch", "changelog"] as const)(
    "by %s: connections are cut while it follows, and the copy becomes what the database has",
    (source) =>
      Effect.gen(function*() {
        const relay = yield* relayTo(ds389.port, ds389.host)
        const { client, place } = yield* prepared(`live-${source}`, `ldap://127.0.0.1:${relay.port}`)
        const copy = yield* followed(
          { client, place, source, uuid: "nsUniqueId", seed: 3, ...without(source) },
          30,
          (change) => change % 9 === 8 ? relay.cut : Effect.void
        )
        assert.isAbove(relay.count(), 4)
        const matches = source === "contentSync" ? () => true : inFilter
        assert.deepStrictEqual(linesOf(copy), yield* db2ldif(client, ds389, place.top, matches))
      }),
    60_000
  )
})
