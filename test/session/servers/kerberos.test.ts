/**
 * Binds with a Kerberos ticket, on slapd with MIT's KDC and on Samba with its own KDC. They use the `kerberos` package as a program
 * would, and a provider that wraps messages for the layers that the package doesn't support.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { writeFileSync } from "node:fs"
import { connect as connectTo, createServer } from "node:net"
import { join } from "node:path"
import { afterAll, beforeAll, inject } from "vitest"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import * as LdapSasl from "../../../src/auth/LdapSasl.ts"
import * as LdapModification from "../../../src/model/LdapModification.ts"
import * as LdapExtended from "../../../src/protocol/LdapExtended.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import { type Gss, startGss } from "../../servers/kerberos/gss.ts"
import { kinit, realmConfiguration } from "../../servers/kerberos/kerberos.ts"
import { sambaPasswordOf } from "../../servers/samba.ts"
import { waitFor } from "../../servers/setup/waitFor.ts"
import { closedConnections } from "../../servers/slapd/slapdLog.ts"

const kerberos = inject("kerberos")
const samba = inject("samba")

/** Sets the environment variables that the Kerberos library reads. */
const inRealm = (environment: { readonly KRB5_CONFIG: string; readonly KRB5CCNAME: string }) => {
  beforeAll(() => {
    Object.assign(process.env, environment)
  })
}

/** A provider that wraps messages, in the realm of these tests. */
const wrapping = (environment: NodeJS.ProcessEnv): LdapSasl.GssProvider => {
  let gss: Gss | undefined
  beforeAll(() => {
    gss = startGss(environment)
  })
  afterAll(() => gss?.stop())
  return { protection: "confidentiality", make: (request) => gss!.provider.make(request) }
}

const failing = (config: LdapSession.SessionConfig) => Effect.flip(LdapSession.make(config))

type Layer = readonly [mechanism: "GSSAPI" | "GSS-SPNEGO", protection: LdapSasl.GssProtection | undefined]

const layers: ReadonlyArray<Layer> = [
  ["GSSAPI", undefined],
  ["GSSAPI", "confidentiality"],
  ["GSSAPI", "integrity"],
  ["GSSAPI", "none"],
  ["GSS-SPNEGO", undefined],
  ["GSS-SPNEGO", "confidentiality"],
  ["GSS-SPNEGO", "integrity"],
  ["GSS-SPNEGO", "none"]
]

const mechanism = (name: Layer[0], options: LdapSasl.GssOptions): LdapAuth.LdapAuth =>
  LdapAuth.sasl(name === "GSSAPI" ? LdapSasl.gssapi(options) : LdapSasl.gssSpnego(options))

/** A proxy between a client and a server that records the traffic and may change the bytes of the server. */
const between = (port: number, change: (chunk: Buffer, count: number) => Buffer = (chunk) => chunk) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const seen: Array<Buffer> = []
      const server = createServer((client) => {
        const upstream = connectTo(port, "127.0.0.1")
        let count = 0
        client.on("data", (chunk) => {
          seen.push(chunk)
          upstream.write(chunk)
        })
        upstream.on("data", (chunk) => {
          seen.push(chunk)
          client.write(change(chunk, ++count))
        })
        for (const [from, to] of [[client, upstream], [upstream, client]] as const) {
          from.on("end", () => to.end()).on("error", () => to.destroy())
        }
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      const address = server.address()
      if (address === null || typeof address === "string") throw new Error("it listens on no port")
      return { url: `ldap://localhost:${address.port}`, seen, server }
    }),
    ({ server }) => Effect.sync(() => server.close())
  )

/** Changes the last byte of the server's response with this number. */
const changing = (number: number) => (chunk: Buffer, count: number): Buffer => {
  if (count === number) chunk[chunk.length - 1]! ^= 1
  return chunk
}

describe.skipIf(kerberos === undefined)("slapd and a KDC of MIT's", () => {
  if (kerberos === undefined) return
  waitFor(kerberos)
  const { slapd } = kerberos
  const environment = { KRB5_CONFIG: kerberos.configFile, KRB5CCNAME: kerberos.cache }
  inRealm(environment)
  const provider = wrapping(environment)
  const tls = { ca: slapd.certificates.ca.cert }
  const ldap = { url: `ldap://localhost:${slapd.port}` }
  const ldaps = { url: `ldaps://localhost:${slapd.tlsPort}`, tls }
  const alice = `dn:uid=alice,ou=people,${slapd.base}`
  const whoAmI = (session: LdapSession.LdapSession) =>
    Effect.map(session.extended(LdapExtended.whoAmI), ({ answer }) => answer)

  it.live.each(
    [
      ["in clear text", ldap],
      ["over ldaps", ldaps],
      ["after StartTLS", { ...ldap, tls, startTls: true }]
    ] as const
  )("the package kerberos, %s: the session is alice's", ([, config]) =>
    Effect.gen(function*() {
      const session = yield* LdapSession.make({ ...config, auth: LdapAuth.sasl(LdapSasl.gssapi()) })
      assert.strictEqual(yield* whoAmI(session), alice)
    }))

  it.live("a principal and a service may be named", () =>
    Effect.gen(function*() {
      const auth = LdapAuth.sasl(
        LdapSasl.gssapi({ principal: `alice@${kerberos.realm}`, service: "ldap@localhost", authzId: "u:alice" })
      )
      const session = yield* LdapSession.make({ url: slapd.urls.ldap, auth })
      assert.strictEqual(yield* whoAmI(session), alice)
    }))

  it.live("authzId asks to act as another user, which slapd refuses", () =>
    Effect.gen(function*() {
      const error = yield* failing({ ...ldap, auth: LdapAuth.sasl(LdapSasl.gssapi({ authzId: "u:bob" })) })
      assert.strictEqual(error.reason._tag, "InsufficientAccessRights")
    }))

  it.live("without a ticket nothing is sent, and the error names a remedy", () =>
    Effect.gen(function*() {
      process.env["KRB5CCNAME"] = `FILE:${kerberos.directory}/nothing`
      const error = yield* Effect.ensuring(
        failing({ ...ldap, auth: LdapAuth.sasl(LdapSasl.gssapi()) }),
        Effect.sync(() => Object.assign(process.env, environment))
      )
      assert.strictEqual(error.reason._tag, "InvalidRequest")
      assert.match(error.message, /invalid ticket: there is none for ldap@localhost \(No .*\); klist .* kinit/)
    }))

  it.live("an unknown service sends nothing", () =>
    Effect.gen(function*() {
      const auth = LdapAuth.sasl(LdapSasl.gssapi({ service: "ldap@elsewhere.example.com" }))
      const error = yield* failing({ ...ldap, auth })
      assert.strictEqual(error.reason._tag, "InvalidRequest")
      assert.match(error.message, /ldap\/elsewhere\.example\.com@EXAMPLE\.COM not found/)
    }))

  it.live("options that the package doesn't support fail before anything is sent", () =>
    Effect.gen(function*() {
      for (
        const auth of [
          LdapAuth.sasl(LdapSasl.gssSpnego()),
          LdapAuth.sasl(LdapSasl.gssapi({ protection: "confidentiality" }))
        ]
      ) {
        const session = yield* LdapSession.make(ldap)
        assert.strictEqual((yield* Effect.flip(session.bind(auth))).reason._tag, "InvalidRequest")
        // The session is unchanged.
        assert.strictEqual(yield* whoAmI(session), "")
      }
    }))

  it.live.each(layers)(
    "%s with protection %s: messages of all sizes, both ways, and the unbind",
    ([name, protection]) =>
      Effect.gen(function*() {
        const marker = `cn=${crypto.randomUUID()}`
        const dn = `uid=alice,ou=people,${slapd.base}`
        // More than fits into one wrapped buffer.
        const large = new Uint8Array(200_000).fill(7)
        yield* Effect.scoped(Effect.gen(function*() {
          const session = yield* LdapSession.make({ ...ldap, auth: mechanism(name, { provider, protection }) })
          assert.strictEqual(yield* whoAmI(session), alice)
          const isConfidential = protection === undefined || protection === "confidentiality"
          assert.strictEqual(yield* session.protection, isConfidential ? "sasl" : "local")
          const found = yield* Effect.all(
            Array.from(
              { length: 20 },
              (_, i) => session.lookup(`cn=e${String(i + 1).padStart(4, "0")},ou=many,${slapd.base}`)
            ),
            { concurrency: "unbounded" }
          )
          assert.isTrue(found.every((entry) => entry._tag === "Some"))
          assert.strictEqual(
            yield* session.search({ base: `ou=many,${slapd.base}`, scope: "one", sizeLimit: 400 }).pipe(
              Stream.runCount,
              Effect.catchReason("LdapError", "SizeLimitExceeded", () => Effect.succeed(400))
            ),
            400
          )
          yield* session.modify(dn, [LdapModification.replace("jpegPhoto", large)])
          const entry = yield* session.lookup(dn, { attributes: ["jpegPhoto"] })
          assert.deepStrictEqual(
            Option.map(entry, (entry) => Buffer.from(entry.getBytes("jpegPhoto")!).equals(large)),
            Option.some(true)
          )
          yield* session.search({ base: slapd.base, scope: "base", filter: `(${marker})` }).pipe(Stream.runDrain)
        }))
        const [connection] = yield* Effect.promise(() => closedConnections(slapd.logFile, marker))
        assert.deepInclude(connection, { unbinds: 1, abandons: 0, closed: "" })
      })
  )

  it.live("no layer under TLS unless it is named, and slapd takes both", () =>
    Effect.gen(function*() {
      for (const name of ["GSSAPI", "GSS-SPNEGO"] as const) {
        for (const protection of [undefined, "integrity"] as const) {
          const session = yield* LdapSession.make({ ...ldaps, auth: mechanism(name, { provider, protection }) })
          assert.strictEqual(yield* whoAmI(session), alice)
          assert.strictEqual(yield* session.protection, "tls")
        }
      }
    }))

  it.live("S9: a confidential layer hides what is sent, a layer for integrity does not", () =>
    Effect.gen(function*() {
      for (const protection of ["confidentiality", "integrity"] as const) {
        const { seen, url } = yield* between(slapd.port)
        yield* Effect.scoped(Effect.gen(function*() {
          const session = yield* LdapSession.make({
            url,
            auth: LdapAuth.sasl(LdapSasl.gssapi({ provider, protection }))
          })
          yield* session.search({ base: slapd.base, filter: "(mail=find-me@example.com)" }).pipe(Stream.runDrain)
        }))
        assert.strictEqual(Buffer.concat(seen).includes("find-me@example.com"), protection === "integrity")
      }
    }))

  it.live("a server with the proof of another service is refused", () =>
    Effect.gen(function*() {
      const { url } = yield* between(slapd.port, changing(1))
      const error = yield* failing({ url, auth: LdapAuth.sasl(LdapSasl.gssapi()) })
      assert.strictEqual(error.reason._tag, "AuthRejected")
    }))

  it.live("S11: a byte that was changed on its way ends the session", () =>
    Effect.gen(function*() {
      // The bind has two responses, the third negotiates the layer, the fourth is wrapped.
      const { url } = yield* between(slapd.port, changing(4))
      const auth = LdapAuth.sasl(LdapSasl.gssapi({ provider, protection: "integrity" }))
      const session = yield* LdapSession.make({ url, auth })
      assert.strictEqual((yield* Effect.flip(whoAmI(session))).reason._tag, "ProtocolViolation")
    }))

  it.live("over a layer, StartTLS and a second layer are refused, and a bind without a layer keeps it", () =>
    Effect.gen(function*() {
      const session = yield* LdapSession.make({ ...ldap, auth: LdapAuth.sasl(LdapSasl.gssapi({ provider })) })
      assert.strictEqual((yield* Effect.flip(session.startTls(tls))).reason._tag, "InvalidRequest")
      yield* session.bind(LdapAuth.simple(slapd.admin.dn, Redacted.make(slapd.admin.password)))
      assert.strictEqual(yield* whoAmI(session), `dn:${slapd.admin.dn}`)
      assert.strictEqual(yield* session.protection, "sasl")
      const again = LdapAuth.sasl(LdapSasl.gssapi({ provider, protection: "integrity" }))
      assert.strictEqual((yield* Effect.flip(session.bind(again))).reason._tag, "AuthRejected")
      assert.strictEqual((yield* session.closed)._tag, "ProtocolViolation")
    }))
})

describe.skipIf(kerberos === undefined || samba === undefined)("Samba and its own KDC", () => {
  if (kerberos === undefined || samba === undefined) return
  waitFor(kerberos)
  waitFor(samba)
  const file = (name: string) => join(kerberos.directory, name)
  const environment = { KRB5_CONFIG: file("samba.conf"), KRB5CCNAME: `FILE:${file("samba.cache")}` }
  beforeAll(async () => {
    writeFileSync(environment.KRB5_CONFIG, realmConfiguration(samba.realm, samba.host))
    await kinit(environment.KRB5_CONFIG, environment.KRB5CCNAME, `alice@${samba.realm}`, sambaPasswordOf("alice"))
  })
  inRealm(environment)
  const provider = wrapping(environment)
  const ldap = { url: samba.urls.ldap }
  const ldaps = { url: samba.urls.ldaps, tls: { ca: samba.certificates.ca.cert } }
  const service = `ldap@dc1.${samba.dnsDomain}`
  /** Samba has no Who am I?. An authenticated session may read a user, an anonymous one may not. */
  const isAuthenticated = (session: LdapSession.LdapSession) =>
    Effect.map(session.lookup(`CN=alice,OU=people,${samba.base}`), (entry) => entry._tag)

  it.live.each([["in clear text", ldap], ["over ldaps", ldaps]] as const)(
    "the package kerberos, %s",
    ([, config]) =>
      Effect.gen(function*() {
        const session = yield* LdapSession.make({ ...config, auth: LdapAuth.sasl(LdapSasl.gssapi({ service })) })
        assert.strictEqual(yield* isAuthenticated(session), "Some")
      })
  )

  it.live.each(layers)("%s with protection %s", ([name, protection]) =>
    Effect.gen(function*() {
      const session = yield* LdapSession.make({ ...ldap, auth: mechanism(name, { provider, protection, service }) })
      assert.strictEqual(yield* isAuthenticated(session), "Some")
      const isConfidential = protection === undefined || protection === "confidentiality"
      assert.strictEqual(yield* session.protection, isConfidential ? "sasl" : "local")
      // Some hundred kilobytes.
      const found = yield* Stream.runCount(session.search({ base: `OU=many,${samba.base}`, scope: "one" }))
      assert.strictEqual(found, 1600)
    }))

  it.live("without a ticket, or for a service that it doesn't know, nothing is sent", () =>
    Effect.gen(function*() {
      const unknown = LdapAuth.sasl(LdapSasl.gssapi({ service: `ldap@unlisted.${samba.dnsDomain}` }))
      assert.include((yield* failing({ ...ldap, auth: unknown })).message, "not found")
      process.env["KRB5CCNAME"] = `FILE:${file("nothing")}`
      const error = yield* Effect.ensuring(
        failing({ ...ldap, auth: LdapAuth.sasl(LdapSasl.gssapi({ service })) }),
        Effect.sync(() => Object.assign(process.env, environment))
      )
      assert.include(error.message, `invalid ticket: there is none for ${service}`)
    }))

  it.live("over ldaps there is no layer, and a bind that demands one is refused", () =>
    Effect.gen(function*() {
      for (const name of ["GSSAPI", "GSS-SPNEGO"] as const) {
        const session = yield* LdapSession.make({ ...ldaps, auth: mechanism(name, { provider, service }) })
        assert.strictEqual(yield* isAuthenticated(session), "Some")
        const sealed = mechanism(name, { provider, service, protection: "confidentiality" })
        const error = yield* failing({ ...ldaps, auth: sealed })
        assert.strictEqual(error.reason._tag, "UnwillingToPerform")
        assert.include(error.message, "Sign or Seal are not allowed if TLS is used")
      }
    }))
})
