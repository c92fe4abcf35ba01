/** TLS sessions that 389 Directory Server resumes. slapd and Samba with GnuTLS resume none. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { inject } from "vitest"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapSasl from "../../src/auth/LdapSasl.ts"
import * as LdapClient from "../../src/client/LdapClient.ts"
import * as LdapLogin from "../../src/client/login/LdapLogin.ts"
import * as LdapTls from "../../src/connection/tls/LdapTls.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import * as LdapExtended from "../../src/protocol/LdapExtended.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import { passwordOf } from "../servers/directory.ts"
import { waitFor } from "../servers/setup/waitFor.ts"

const ds389 = inject("ds389")

describe.skipIf(ds389 === undefined)("389 Directory Server", () => {
  if (ds389 === undefined) return
  waitFor(ds389)
  const tls = (more: LdapTls.TlsOptions = {}) => ({
    ca: ds389.certificates.ca.cert,
    pinnedFingerprints: [LdapTls.certificateFingerprint(ds389.certificates.server.cert)],
    resume: true,
    ...more
  })
  const manager = LdapAuth.simple(ds389.admin.dn, Redacted.make(ds389.admin.password))
  const ways = {
    ldaps: { url: ds389.urls.ldaps },
    StartTLS: { url: ds389.urls.ldap, startTls: true }
  } as const
  const opened = (config: LdapSession.SessionConfig) =>
    Effect.scoped(Effect.gen(function*() {
      const session = yield* LdapSession.make(config)
      const { answer } = yield* session.extended(LdapExtended.whoAmI)
      return { answer, tls: (yield* session.tls)! }
    }))

  it.live.each(Object.keys(ways) as ReadonlyArray<keyof typeof ways>)(
    "%s: resumes under TLS 1.2",
    (way) =>
      Effect.gen(function*() {
        const config = { ...ways[way], auth: manager, tls: tls({ maxVersion: "TLSv1.2" }) }
        const [full, ...others] = [yield* opened(config), yield* opened(config), yield* opened(config)]
        assert.isFalse(full.tls.isResumed)
        for (const one of others) assert.deepStrictEqual(one, { ...full, tls: { ...full.tls, isResumed: true } })
      })
  )

  it.live("doesn't under TLS 1.3", () =>
    Effect.gen(function*() {
      const config = { ...ways.ldaps, auth: manager, tls: tls() }
      for (let i = 0; i < 2; i++) {
        assert.deepInclude((yield* opened(config)).tls, { protocol: "TLSv1.3", isResumed: false })
      }
    }))

  it.live("knows the client's certificate on a resumed connection", () =>
    Effect.gen(function*() {
      const { cert, key } = ds389.certificates.client
      const config = {
        ...ways.ldaps,
        auth: LdapAuth.sasl(LdapSasl.external()),
        tls: tls({ maxVersion: "TLSv1.2", cert, key: Redacted.make(key) })
      }
      const [full, resumed] = [yield* opened(config), yield* opened(config)]
      assert.deepStrictEqual([full.tls.isResumed, resumed.tls.isResumed], [false, true])
      assert.strictEqual(resumed.answer, full.answer)
      assert.include(full.answer, "uid=alice")
    }))

  it.live.each(["url", "urls"] as const)(
    "sessions of a client resume, those of its pool and others: %s",
    (by) =>
      Effect.gen(function*() {
        const { url } = ways.ldaps
        const server = by === "url" ? { url } : { urls: [url] as const }
        const client = yield* LdapClient.make({ ...server, auth: manager, tls: tls({ maxVersion: "TLSv1.2" }) })
        yield* client.rootDse
        for (let i = 0; i < 2; i++) {
          const negotiated = yield* client.withSession(manager, (session) => session.tls)
          assert.isTrue(negotiated?.isResumed)
        }
      })
  )

  it.live("logins that connect anew resume", () =>
    Effect.gen(function*() {
      const verified: Array<boolean> = []
      const open = {
        ...ways.ldaps,
        tls: tls({
          maxVersion: "TLSv1.2",
          verifyPeer: ({ isResumed }) => Effect.sync(() => void verified.push(isResumed))
        })
      }
      const client = yield* LdapSession.make({ ...open, auth: manager })
      const logIn = LdapLogin.authenticate({
        client,
        open,
        base: ds389.base,
        filter: (login) => LdapFilter.equals("uid", login)
      })
      for (let i = 0; i < 2; i++) {
        yield* logIn("alice", Redacted.make(passwordOf("alice")))
      }
      assert.deepStrictEqual(verified, [false, true, true])
    }))
})
