/** `LdapAuth.kerberos` against slapd with Cyrus SASL and a KDC of MIT's, and against Samba: no native package, no kinit. */
import { assert, describe, inject, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { connect as connectTls, createServer } from "node:tls"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import type { GssProtection } from "../../../src/auth/LdapSasl.ts"
import * as LdapModification from "../../../src/model/LdapModification.ts"
import * as LdapExtended from "../../../src/protocol/LdapExtended.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import { movedBy } from "../../auth/kerberos/clocks.ts"
import { passwordOf } from "../../servers/directory.ts"
import { sambaPasswordOf } from "../../servers/samba.ts"
import { waitFor } from "../../servers/setup/waitFor.ts"

const kerberos = inject("kerberos")
const samba = inject("samba")

const failing = (config: LdapSession.SessionConfig) => Effect.scoped(Effect.flip(LdapSession.make(config)))

const mechanisms = ["GSSAPI", "GSS-SPNEGO"] as const

const layers: ReadonlyArray<readonly [(typeof mechanisms)[number], GssProtection | undefined]> = mechanisms.flatMap(
  (name) =>
    ([undefined, "confidentiality", "integrity", "none"] as const).map((protection) => [name, protection] as const)
)

describe.skipIf(kerberos === undefined)("slapd and a KDC of MIT's", () => {
  if (kerberos === undefined) return
  waitFor(kerberos)
  const { kdc, slapd } = kerberos
  const tls = { ca: slapd.certificates.ca.cert }
  const ldap = { url: `ldap://localhost:${slapd.port}` }
  const ldaps = { url: `ldaps://localhost:${slapd.tlsPort}`, tls }
  const alice = `dn:uid=alice,ou=people,${slapd.base}`
  const whoAmI = (session: LdapSession.LdapSession) =>
    Effect.map(session.extended(LdapExtended.whoAmI), ({ answer }) => answer)
  const settings = { krb5Conf: false, kdc } as const
  const password = Redacted.make(passwordOf("alice"))
  const principal = `alice@${kerberos.realm}`
  const asAlice = { ...settings, principal, password }

  it.live.each(layers)(
    "%s with protection %s: messages of all sizes, both ways",
    ([mechanism, protection]) =>
      Effect.gen(function*() {
        const dn = `uid=alice,ou=people,${slapd.base}`
        // More than fits into one wrapped buffer.
        const large = new Uint8Array(200_000).fill(9)
        const session = yield* LdapSession.make({
          ...ldap,
          auth: LdapAuth.kerberos({ ...asAlice, mechanism, protection })
        })
        assert.strictEqual(yield* whoAmI(session), alice)
        const isConfidential = protection === undefined || protection === "confidentiality"
        assert.strictEqual(yield* session.protection, isConfidential ? "sasl" : "local")
        const found = yield* session.search({ base: `ou=many,${slapd.base}`, scope: "one", sizeLimit: 400 }).pipe(
          Stream.runCount,
          Effect.catchReason("LdapError", "SizeLimitExceeded", () => Effect.succeed(400))
        )
        assert.strictEqual(found, 400)
        // kerberos.test.ts, which runs beside this file, writes her photo.
        yield* session.modify(dn, [LdapModification.replace("audio", large)])
        const entry = yield* session.lookup(dn, { attributes: ["audio"] })
        assert.isTrue(Buffer.from(Option.getOrThrow(entry).getBytes("audio")!).equals(large))
      })
  )

  it.live.each(mechanisms)(
    "%s under ldaps and StartTLS: no layer, bound to the connection",
    (mechanism) =>
      Effect.gen(function*() {
        for (const config of [ldaps, { ...ldap, tls, startTls: true }]) {
          const session = yield* LdapSession.make({ ...config, auth: LdapAuth.kerberos({ ...asAlice, mechanism }) })
          assert.strictEqual(yield* whoAmI(session), alice)
          assert.strictEqual(yield* session.protection, "tls")
        }
      })
  )

  /** A proxy that terminates TLS with its own trusted certificate, as an attacker could. */
  const proxy = Effect.acquireRelease(
    Effect.promise(async () => {
      const { cert, key } = slapd.certificates.renewed
      const server = createServer({ cert, key }, (client) => {
        const upstream = connectTls({ port: slapd.tlsPort, host: "localhost", ca: slapd.certificates.ca.cert })
        client.pipe(upstream).pipe(client)
        for (const socket of [client, upstream]) socket.on("error", () => socket.destroy())
      })
      await new Promise<void>((resolve) => server.listen(0, "localhost", resolve))
      const address = server.address()
      if (address === null || typeof address === "string") throw new Error("it listens on no port")
      return { server, url: `ldaps://localhost:${address.port}` }
    }),
    ({ server }) => Effect.sync(() => server.close())
  )

  it.live.each(mechanisms)(
    "%s: a bind that is relayed over another TLS connection is refused",
    (mechanism) =>
      Effect.gen(function*() {
        const { url } = yield* proxy
        const relayed = { url, tls }
        const error = yield* failing({ ...relayed, auth: LdapAuth.kerberos({ ...asAlice, mechanism }) })
        assert.strictEqual(error.reason._tag, "InvalidCredentials")
        // For a known proxy, the program turns channel binding off.
        const auth = LdapAuth.kerberos({ ...asAlice, mechanism, channelBinding: false })
        const session = yield* LdapSession.make({ ...relayed, auth })
        assert.strictEqual(yield* whoAmI(session), alice)
      })
  )

  it.live("a keytab and a credential cache, with and without the principal's name", () =>
    Effect.gen(function*() {
      const keytab = kerberos.readerKeytab
      for (
        const options of [
          { keytab },
          { keytab: `FILE:${keytab}`, principal: "reader" },
          { keytab, principal: `reader@${kerberos.realm}` },
          { ccache: kerberos.cache },
          { ccache: kerberos.cache.replace("FILE:", ""), principal }
        ]
      ) {
        const session = yield* LdapSession.make({ ...ldap, auth: LdapAuth.kerberos({ ...settings, ...options }) })
        const name = "keytab" in options ? "reader" : "alice"
        assert.include(yield* whoAmI(session), name)
      }
    }))

  it.live("authzId asks to be another user, which slapd refuses", () =>
    Effect.gen(function*() {
      const error = yield* failing({ ...ldap, auth: LdapAuth.kerberos({ ...asAlice, authzId: "u:bob" }) })
      assert.strictEqual(error.reason._tag, "InsufficientAccessRights")
    }))

  const kindOf = Effect.fnUntraced(function*(options: LdapAuth.KerberosAuthOptions, config = ldap) {
    const error = yield* failing({ ...config, auth: LdapAuth.kerberos(options) })
    assert.strictEqual(error.reason._tag, "KerberosFailed", error.message)
    assert.notInclude(error.message, "secret")
    assert.notInclude(JSON.stringify(error), "secret")
    if (error.reason._tag !== "KerberosFailed") return
    return [error.reason.kind, error.reason.kdcCode, error.message] as const
  })

  it.live.each(
    [
      [
        "a wrong password",
        { principal, password: Redacted.make("secret") },
        "wrongPassword",
        24,
        /the password of alice@/
      ],
      [
        "a principal without proof and a wrong password",
        {
          principal: `bob@${kerberos.realm}`,
          password: Redacted.make("secret")
        },
        "wrongPassword",
        undefined,
        /the password of bob@/
      ],
      [
        "an unknown principal",
        {
          principal: `zoe@${kerberos.realm}`,
          password: Redacted.make("secret")
        },
        "clientUnknown",
        6,
        /knows no principal zoe@EXAMPLE.COM/
      ],
      [
        "an expired password",
        {
          principal: `carol@${kerberos.realm}`,
          password: Redacted.make(passwordOf("carol"))
        },
        "passwordExpired",
        23,
        /must be changed/
      ],
      [
        "a disabled account",
        {
          principal: `disabled@${kerberos.realm}`,
          password: Redacted.make("secret")
        },
        "accountRevoked",
        18,
        /disabled, locked or expired/
      ],
      [
        "an account without AES keys",
        {
          principal: `old@${kerberos.realm}`,
          password: Redacted.make("secret")
        },
        "encryptionType",
        undefined,
        /offers (rc4-hmac|none) for old@EXAMPLE.COM, but this side allows only aes256/
      ],
      [
        "an unknown service",
        { principal, password, service: "ldap@nowhere.example.com" },
        "serviceUnknown",
        7,
        /ldap\/nowhere/
      ],
      ["a keytab that isn't there", { keytab: "/nowhere/a.keytab" }, "noCredentials", undefined, /doesn't exist/],
      ["a keytab that isn't one", { keytab: slapd.caFile }, "noCredentials", undefined, /not a keytab of version 2/],
      ["a cache that isn't there", { ccache: "/nowhere/cache" }, "noCredentials", undefined, /kinit/],
      ["a cache that isn't one", { ccache: slapd.caFile }, "noCredentials", undefined, /not a credential cache/],
      [
        "a cache of another user",
        { ccache: kerberos.cache, principal: "bob" },
        "noCredentials",
        undefined,
        /belongs to alice@/
      ],
      [
        "a principal that isn't in the keytab",
        {
          keytab: kerberos.readerKeytab,
          principal: "alice"
        },
        "noCredentials",
        undefined,
        /no key of alice@/
      ],
      [
        "no KDC",
        { principal, password, kdc: ["127.0.0.1:1", "tcp/[::1]:1"] },
        "kdcUnreachable",
        undefined,
        /tcp 127\.0\.0\.1:1: /
      ],
      [
        "a KDC with no address",
        { principal, password, kdc: "http://kdc" },
        "kdcUnreachable",
        undefined,
        /not the address of a KDC/
      ],
      [
        "a realm without KDCs",
        {
          principal: "alice@NOWHERE.INVALID",
          password,
          kdc: undefined
        },
        "kdcUnreachable",
        undefined,
        /_kerberos\._tcp\.NOWHERE\.INVALID/
      ]
    ] as const
  )("%s: nothing is sent, and the error says what to do", ([, options, kind, code, message]) =>
    Effect.gen(function*() {
      const found = yield* kindOf({ ...settings, ...options })
      assert.deepStrictEqual(found?.slice(0, 2), [kind, code])
      assert.match(found![2], message)
    }))

  it.live("a bind that the client refuses leaves the session unchanged", () =>
    Effect.gen(function*() {
      const session = yield* LdapSession.make(ldap)
      const error = yield* Effect.flip(
        session.bind(LdapAuth.kerberos({ ...asAlice, password: Redacted.make("secret") }))
      )
      assert.strictEqual(error.reason._tag, "KerberosFailed")
      assert.strictEqual(yield* whoAmI(session), "")
      yield* session.bind(LdapAuth.kerberos(asAlice))
      assert.strictEqual(yield* whoAmI(session), alice)
    }))

  it.live("a principal without proof, one with another salt, and one of rc4-hmac where that is asked for", () =>
    Effect.gen(function*() {
      for (
        const options of [
          { principal: `bob@${kerberos.realm}`, password: Redacted.make(passwordOf("bob")) },
          { principal: `salted@${kerberos.realm}`, password: Redacted.make("secret") },
          {
            principal: `old@${kerberos.realm}`,
            password: Redacted.make("secret"),
            encryptionTypes: ["rc4-hmac", "aes256-cts-hmac-sha1-96"]
          } as const
        ]
      ) {
        const session = yield* LdapSession.make({ ...ldap, auth: LdapAuth.kerberos({ ...settings, ...options }) })
        assert.include(yield* whoAmI(session), options.principal.split("@")[0]!)
      }
    }))

  it.live("a clock that is wrong by an hour, in either direction, is corrected by the KDC's", () =>
    Effect.gen(function*() {
      for (const millis of [3_600_000, -3_600_000]) {
        const session = yield* LdapSession.make({ ...ldap, auth: LdapAuth.kerberos(asAlice) }).pipe(movedBy(millis))
        assert.strictEqual(yield* whoAmI(session), alice)
      }
      const days = yield* kindOf(asAlice).pipe(movedBy(-3 * 24 * 3_600_000))
      assert.deepStrictEqual(days?.slice(0, 2), ["clockSkew", 37])
      assert.match(days![2], /differ by 259\d\d\d seconds/)
    }))

  it.live("the principal's realm comes from krb5.conf, and so does the KDC", () =>
    Effect.gen(function*() {
      const auth = LdapAuth.kerberos({ principal: "alice", password, krb5Conf: kerberos.configFile })
      assert.strictEqual(yield* whoAmI(yield* LdapSession.make({ ...ldap, auth })), alice)
    }))

  it.live("a name that can't be one is refused", () =>
    Effect.gen(function*() {
      for (const principal of ["", "@A", "a@", "a//b@A", "a@A@B", "a\\"]) {
        const error = yield* failing({ ...ldap, auth: LdapAuth.kerberos({ ...asAlice, principal }) })
        assert.strictEqual(error.reason._tag, "InvalidRequest", JSON.stringify(principal))
      }
      for (const service of ["", "ldap", "@host", "ldap@", "ldap/\0@A"]) {
        const error = yield* failing({ ...ldap, auth: LdapAuth.kerberos({ ...asAlice, service }) })
        assert.strictEqual(error.reason._tag, "InvalidRequest", JSON.stringify(service))
      }
      const weak = yield* failing({ ...ldap, auth: LdapAuth.kerberos({ ...asAlice, encryptionTypes: ["rc4-hmac"] }) })
      assert.deepInclude(weak.reason, { _tag: "InvalidRequest", field: "encryptionTypes" })
      const empty = yield* failing({ ...ldap, auth: LdapAuth.kerberos({ ...asAlice, password: Redacted.make("") }) })
      assert.strictEqual(empty.reason._tag, "InvalidRequest")
    }))
})

describe.skipIf(samba === undefined)("Samba and its own KDC", () => {
  if (samba === undefined) return
  waitFor(samba)
  const ldap = { url: samba.urls.ldap }
  const ldaps = { url: samba.urls.ldaps, tls: { ca: samba.certificates.ca.cert } }
  const credentials = {
    principal: `alice@${samba.realm}`,
    password: Redacted.make(sambaPasswordOf("alice")),
    kdc: samba.host,
    krb5Conf: false,
    service: `ldap@dc1.${samba.dnsDomain}`,
    // Samba is one process here. While it works for another test, it answers no other request.
    kdcAttemptTimeout: "30 seconds",
    kdcTimeout: "1 minute"
  } as const
  /** There is no Who am I. An anonymous session may not read a user. */
  const isKnown = (session: LdapSession.LdapSession) =>
    Effect.map(session.lookup(`CN=alice,OU=people,${samba.base}`), (entry) => entry._tag)

  it.live.each(layers)("%s with protection %s", ([mechanism, protection]) =>
    Effect.gen(function*() {
      const auth = LdapAuth.kerberos({ ...credentials, mechanism, protection })
      const session = yield* LdapSession.make({ ...ldap, auth })
      assert.strictEqual(yield* isKnown(session), "Some")
      // Some hundred kilobytes.
      const found = yield* Stream.runCount(session.search({ base: `OU=many,${samba.base}`, scope: "one" }))
      assert.strictEqual(found, 1600)
    }))

  it.live.each(mechanisms)("%s over ldaps", (mechanism) =>
    Effect.gen(function*() {
      const session = yield* LdapSession.make({ ...ldaps, auth: LdapAuth.kerberos({ ...credentials, mechanism }) })
      assert.strictEqual(yield* isKnown(session), "Some")
    }))

  it.live("a user principal name that is not in the realm's name is resolved by the KDC", () =>
    Effect.gen(function*() {
      const auth = LdapAuth.kerberos({ ...credentials, principal: `alice@${samba.dnsDomain}`, realm: samba.realm })
      assert.strictEqual(yield* isKnown(yield* LdapSession.make({ ...ldap, auth })), "Some")
    }))

  it.live("a realm in small letters: the error says how it is written", () =>
    Effect.gen(function*() {
      const auth = LdapAuth.kerberos({ ...credentials, principal: `alice@${samba.dnsDomain}` })
      const error = yield* failing({ ...ldap, auth })
      assert.deepInclude(error.reason, { _tag: "KerberosFailed", kind: "clientUnknown" })
      assert.include(error.message, `must be written ${samba.realm}`)
    }))

  it.live("a wrong password, an unknown user and an unknown service", () =>
    Effect.gen(function*() {
      for (
        const [options, kind] of [
          [{ password: Redacted.make("secret") }, "wrongPassword"],
          [{ principal: `zoe@${samba.realm}` }, "clientUnknown"],
          [{ service: `ldap@nowhere.${samba.dnsDomain}` }, "serviceUnknown"]
        ] as const
      ) {
        const error = yield* failing({ ...ldap, auth: LdapAuth.kerberos({ ...credentials, ...options }) })
        assert.deepInclude(error.reason, { _tag: "KerberosFailed", kind })
      }
    }))
})
