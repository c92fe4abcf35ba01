/** `LdapAuth.ntlm` against Samba. */
import { assert, describe, inject, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import { sambaPasswordOf } from "../../servers/samba.ts"
import { waitFor } from "../../servers/setup/waitFor.ts"

const samba = inject("samba")

describe.skipIf(samba === undefined)("Samba", () => {
  if (samba === undefined) return
  waitFor(samba)
  const ldap = { url: samba.urls.ldap }
  const ldaps = { url: samba.urls.ldaps, tls: { ca: samba.certificates.ca.cert } }
  const password = Redacted.make(sambaPasswordOf("alice"))
  /** There is no Who am I. An anonymous session may not read a user. */
  const isKnown = (session: LdapSession.LdapSession) =>
    Effect.map(session.lookup(`CN=alice,OU=people,${samba.base}`), (entry) => entry._tag)

  it.live.each([undefined, "confidentiality", "integrity", "none"] as const)(
    "on ldap://, protection %s",
    (protection) =>
      Effect.gen(function*() {
        const auth = LdapAuth.ntlm({ username: "SAMDOM\\alice", password, protection })
        const session = yield* LdapSession.make({ ...ldap, auth })
        assert.strictEqual(yield* isKnown(session), "Some")
        const isConfidential = protection === undefined || protection === "confidentiality"
        assert.strictEqual(yield* session.protection, isConfidential ? "sasl" : "local")
        // Some hundred kilobytes.
        assert.strictEqual(
          yield* Stream.runCount(session.search({ base: `OU=many,${samba.base}`, scope: "one" })),
          1600
        )
      })
  )

  it.live("under TLS, with each form of a name", () =>
    Effect.gen(function*() {
      for (
        const options of [
          { username: "SAMDOM\\alice" },
          { username: `alice@${samba.dnsDomain}` },
          { username: "ALICE", domain: "SAMDOM" },
          { username: "SAMDOM\\günther", password: Redacted.make(sambaPasswordOf("günther")) },
          { username: "alice", password: Redacted.make<Uint8Array>(Buffer.from(sambaPasswordOf("alice"), "utf16le")) }
        ]
      ) {
        const auth = LdapAuth.ntlm({ password, ...options })
        const session = yield* LdapSession.make({ ...ldaps, auth })
        assert.strictEqual(yield* isKnown(session), "Some")
        assert.strictEqual(yield* session.protection, "tls")
      }
    }))

  it.live("a wrong password and an unknown user are the server's to refuse", () =>
    Effect.gen(function*() {
      for (
        const options of [{ username: "SAMDOM\\alice", password: Redacted.make("a secret") }, {
          username: "SAMDOM\\zoe",
          password
        }]
      ) {
        for (const config of [ldap, ldaps]) {
          const error = yield* Effect.scoped(Effect.flip(LdapSession.make({ ...config, auth: LdapAuth.ntlm(options) })))
          assert.strictEqual(error.reason._tag, "InvalidCredentials")
          assert.notInclude(JSON.stringify(error), "a secret")
        }
      }
    }))
})
