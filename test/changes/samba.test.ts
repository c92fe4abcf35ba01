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
import { polled } from "./suite.ts"

const samba = inject("samba")

describe.skipIf(samba === undefined)("following Samba", () => {
  if (samba === undefined) return
  waitFor(samba)
  const { admin, base, urls } = samba
  const tls = { ca: samba.certificates.ca.cert }
  const clientAs = (name: string, password: string) =>
    LdapClient.make({ url: urls.ldaps, tls, auth: LdapAuth.simple(name, Redacted.make(password)) })
  const prepared = Effect.fnUntraced(function*(name: string) {
    const client = yield* clientAs(admin.dn, admin.password)
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

  it.live(
    "auto is DirSync for an administrator, and what needs no right for others, and says why",
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
