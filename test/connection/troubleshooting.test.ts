/**
 * Failures of connecting as users meet them, each made for real; `examples/connect.md` has a row for each, with a part of its message. This
 * test makes each failure and looks for that part, and finds no row for which there is no failure.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { readFileSync } from "node:fs"
import * as Net from "node:net"
import { inject } from "vitest"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapSasl from "../../src/auth/LdapSasl.ts"
import type { TlsOptions } from "../../src/connection/tls/LdapTls.ts"
import type { LdapError } from "../../src/model/LdapError.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"
import { makeCertificates } from "../servers/certificates.ts"

const certificates = makeCertificates()
const { ca, client, server } = certificates
const trust = { ca: ca.cert }
const external = LdapAuth.sasl(LdapSasl.external())

const page = readFileSync(new URL("../../examples/connect.md", import.meta.url), "utf8")
const section = page.slice(page.indexOf("## It doesn't connect"), page.indexOf("## Tried on"))
/** The parts of messages in the first column. */
const parts = Array.from(section.matchAll(/^\| (`.*?) \|/gm), ([, cell]) => cell!)
  .flatMap((cell) => Array.from(cell.matchAll(/`([^`]+)`/g), ([, part]) => part!))

/** Opens a session and asks one thing; the error of either. */
const failureOf = (config: LdapSession.SessionConfig): Effect.Effect<LdapError> =>
  LdapSession.make(config).pipe(
    Effect.flatMap((session) => session.lookup("", { attributes: ["1.1"] })),
    Effect.scoped,
    Effect.flip,
    Effect.orDie
  )

const listen = (tls?: Parameters<typeof InMemoryDirectory.listen>[1]) =>
  Effect.flatMap(InMemoryDirectory.make(), (directory) => InMemoryDirectory.listen(directory, tls))

const shows = (certificate: { readonly cert: string; readonly key: string }, tls?: TlsOptions) =>
  Effect.flatMap(listen({ tls: certificate }), ({ url }) => failureOf({ url, tls: { ...trust, ...tls } }))

/** A port that does this with each connection, and nothing else. */
const port = (withSocket: (socket: Net.Socket) => void): Effect.Effect<number, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<Net.Server>((resume) => {
        const listening: Net.Server = Net.createServer((socket) => withSocket(socket.on("error", () => {})))
        listening.listen(0, "127.0.0.1", () => resume(Effect.succeed(listening)))
      }),
      (listening) => Effect.sync(() => void listening.close())
    ),
    (listening) => (listening.address() as Net.AddressInfo).port
  )
const silent = port((socket) => socket.resume())
const closing = port((socket) => socket.destroy())

/** Each failure, with the parts of its message that the page names. */
const failures: Readonly<
  Record<string, readonly [parts: ReadonlyArray<string>, Effect.Effect<LdapError, unknown, Scope.Scope>]>
> = {
  "an unknown authority": [["the certificate's issuer is not trusted"], shows(certificates.untrusted)],
  "another name": [["the certificate is for another host"], shows(certificates.wrongHost)],
  "an expired certificate": [["the certificate is not valid now"], shows(certificates.expired)],
  "another fingerprint": [
    ["the certificate has none of the pinned fingerprints"],
    shows(server, { pinnedFingerprints: ["00".repeat(32)] })
  ],
  "TLS to a port in clear text": [
    ["the port doesn't speak TLS"],
    Effect.flatMap(listen(), ({ port }) => failureOf({ url: `ldaps://127.0.0.1:${port}` }))
  ],
  "TLS to a port that closes": [
    ["does this port speak TLS? ldaps is usually on port 636"],
    Effect.flatMap(closing, (port) => failureOf({ url: `ldaps://127.0.0.1:${port}` }))
  ],
  "clear text to a port with TLS": [
    ["does this port speak TLS? Then the URL is ldaps://"],
    Effect.flatMap(listen({ tls: server }), ({ port }) => failureOf({ url: `ldap://127.0.0.1:${port}` }))
  ],
  "clear text to a port that stays silent": [
    ["no answer within"],
    Effect.flatMap(silent, (port) => failureOf({ url: `ldap://127.0.0.1:${port}`, requestTimeout: "100 millis" }))
  ],
  "StartTLS without a certificate": [
    ["the server doesn't start TLS here"],
    Effect.flatMap(listen(), ({ url }) => failureOf({ url, startTls: true }))
  ],
  "StartTLS under TLS": [
    ["the connection is protected by TLS already"],
    Effect.flatMap(listen({ tls: server }), ({ url }) => failureOf({ url, tls: trust, startTls: true }))
  ],
  "a port on which nothing listens": [["nothing listens on"], failureOf({ url: "ldaps://127.0.0.1:1" })],
  "an unknown host": [["has no address"], failureOf({ url: "ldaps://no-such-host.invalid" })],
  "a handshake that isn't answered": [
    ["did not answer within", "raise connectTimeout"],
    Effect.flatMap(silent, (port) => failureOf({ url: `ldaps://127.0.0.1:${port}`, connectTimeout: "100 millis" }))
  ],
  "no unix socket": [["can't be opened"], failureOf({ url: "ldapi://%2Fno%2Fsuch%2Fldapi" })],
  "no scheme": [["not the URL of a server"], failureOf({ url: "ldap.example.org" })],
  "a base in the URL": [["the URL must name only the server"], failureOf({ url: "ldap://localhost/dc=example" })],
  "no client certificate": [
    ["this server wants a client certificate"],
    Effect.flatMap(
      listen({ tls: { ...server, ca: ca.cert, requestCert: true, rejectUnauthorized: true } }),
      ({ url }) => failureOf({ url, tls: trust })
    )
  ],
  "the key of another certificate": [["key values mismatch"], shows(server, { cert: client.cert, key: server.key })],
  "no PEM": [["contains no certificate in PEM"], shows(server, { ca: "certificate" })],
  "no file": [["can't be read"], shows(server, { caFile: "/no/such/file.pem" })],
  "EXTERNAL without a certificate": [
    ["no layer below LDAP has authenticated the client"],
    Effect.flatMap(listen({ tls: server }), ({ url }) => failureOf({ url, tls: trust, auth: external }))
  ],
  "a password in clear text": [
    ["would cross the network in clear text"],
    Effect.gen(function*() {
      const directory = yield* InMemoryDirectory.make()
      const auth = LdapAuth.simple("cn=admin", Redacted.make("secret"))
      const socket = yield* directory.connect
      return yield* Effect.flip(LdapSession.fromSocket(socket, { protection: "none", auth }))
    })
  ]
}

describe("examples/connect.md", () => {
  const slapd = inject("slapd")
  const bySlapd = ["no mechanism available"]

  it.live.each(Object.keys(failures))("%s", (name) =>
    Effect.gen(function*() {
      const [parts, failure] = failures[name]!
      const { message } = yield* failure
      for (const part of parts) assert.include(message, part)
    }))

  it.live.skipIf(slapd === undefined)("EXTERNAL without a certificate, at slapd", () =>
    Effect.gen(function*() {
      const tls = { ca: slapd!.certificates.ca.cert }
      const { message } = yield* failureOf({ url: slapd!.urls.ldaps, tls, auth: external })
      for (const part of bySlapd) assert.include(message, part)
    }))

  it("has a row for each of these, and no other", () => {
    const tried = [...Object.values(failures).flatMap(([parts]) => parts), ...bySlapd]
    assert.deepStrictEqual(new Set(parts), new Set(tried))
  })
})
