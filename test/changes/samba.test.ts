/**
 * Following Samba as a domain controller: DirSync, uSNChanged with deleted objects, and a scan.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { inject } from "vitest"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapChanges from "../../src/changes/LdapChanges.ts"
import * as LdapClient from "../../src/client/LdapClient.ts"
import { sambaPasswordOf } from "../servers/samba.ts"
import { waitFor } from "../servers/setup/waitFor.ts"
import { relayTo } from "./cutting.ts"
import { linesOf } from "./sameAs.ts"
import { ldbsearch } from "./stored.ts"
import { followed, polled } from "./suite.ts"

const samba = inject("samba")

describe.skipIf(samba === undefined)("following Samba", () => {
  if (samba === undefined) return
  waitFor(samba)
  const { admin, base, urls } = samba
  const tls = { ca: samba.certificates.ca.cert }
  const clientAs = (name: string, password: string, url: string = urls.ldaps) =>
    LdapClient.make({ url, tls, allowInsecureAuth: true, auth: LdapAuth.simple(name, Redacted.make(password)) })
  const prepared = Effect.fnUntraced(function*(name: string, url?: string) {
    const client = yield* clientAs(admin.dn, admin.password, url)
    const place = {
      top: `OU=changes-${name}-${process.pid},OU=scratch,${base}`,
      leafType: "cn",
      leaf: (cn: string) => ({ objectClass: ["contact"], cn }),
      unit: (ou: string) => ({ objectClass: ["organizationalUnit"], ou })
    }
    yield* client.add(place.top, place.unit(`changes-${name}-${process.pid}`))
    return { client, place }
  })

  it.live.each(["dirSync", "usn", "scan"] as const)(
    "by %s: after each poll the copy is what the server has, also after crashes of the consumer",
    (source) =>
      Effect.flatMap(
        prepared(source),
        ({ client, place }) => polled({ client, place, source, uuid: "objectGUID", seed: 18 }, 5)
      ),
    90_000
  )

  it.live.each(["dirSync", "usn"] as const)(
    "by %s: connections are cut while it follows, and the copy becomes what the database has",
    (source) =>
      Effect.gen(function*() {
        const relay = yield* relayTo(389, samba.host)
        const { client, place } = yield* prepared(`live-${source}`, `ldap://127.0.0.1:${relay.port}`)
        const copy = yield* followed(
          { client, place, source, uuid: "objectGUID", seed: 3 },
          24,
          (change) => change % 9 === 8 ? relay.cut : Effect.void
        )
        assert.isAbove(relay.count(), 3)
        assert.deepStrictEqual(linesOf(copy), yield* ldbsearch(samba, place.top))
      }),
    60_000
  )

  it.live(
    "auto chooses DirSync for an administrator, and for others a source that needs no right, and gives the reason",
    () =>
      Effect.gen(function*() {
        const asAdmin = yield* clientAs(admin.dn, admin.password)
        assert.strictEqual((yield* LdapChanges.choose(asAdmin, { base })).source, "dirSync")
        const asAlice = yield* clientAs(`CN=alice,OU=people,${base}`, sambaPasswordOf("alice"))
        const chosen = yield* LdapChanges.choose(asAlice, { base })
        assert.notStrictEqual(chosen.source, "dirSync")
        assert.match(
          chosen.refused.find(({ source }) => source === "dirSync")!.why,
          /Replicating Directory Changes/
        )
      }),
    60_000
  )
})
