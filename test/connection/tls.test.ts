/** TLS: its options, how a server is refused, and the result of the handshake. */
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { execFile } from "node:child_process"
import { createHash, createPublicKey, X509Certificate } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import type * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Tls from "node:tls"
import { inspect, promisify } from "node:util"
import { inject } from "vitest"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapSasl from "../../src/auth/LdapSasl.ts"
import * as LdapTls from "../../src/connection/tls/LdapTls.ts"
import { prepare } from "../../src/connection/tls/tlsHandshake.ts"
import type { LdapError } from "../../src/model/LdapError.ts"
import * as LdapExtended from "../../src/protocol/LdapExtended.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"
import { makeCertificates, signedBy } from "../servers/certificates.ts"
import { connect, ok, settle } from "../session/recording/RecordingPeer.ts"
import * as RecordingServer from "../session/recording/RecordingServer.ts"
import { listenTls } from "./tlsServer.ts"

const certificates = makeCertificates()
const { ca, server } = certificates
const trust = { ca: ca.cert }

interface Listening {
  readonly url: string
  /** The next client that has finished its handshake. */
  readonly accept: Effect.Effect<Tls.TLSSocket>
}

/** A TLS server of Node that closes its side when its clients do. */
const listen = (options: Tls.TlsOptions = {}): Effect.Effect<Listening, never, Scope.Scope> =>
  Effect.gen(function*() {
    const clients = yield* Queue.unbounded<Tls.TLSSocket>()
    const { url } = yield* listenTls({ ...server, ...options }, (socket) => {
      socket.resume()
      Queue.offerUnsafe(clients, socket)
    })
    return { url, accept: Queue.take(clients) }
  })

/** For each client that has gone: how many bytes it had sent. */
const sent = (socket: Tls.TLSSocket): Effect.Effect<number> =>
  Effect.callback((resume) => {
    const done = () => resume(Effect.succeed(socket.bytesRead))
    if (socket.closed) done()
    else socket.once("close", done)
  })

const open = (url: string, tls: LdapTls.TlsOptions, options?: LdapSession.SessionOptions) =>
  LdapSession.make({ url, tls: { ...trust, ...tls }, ...options })

/** The error of a session that could not be opened. Its reason must be TLS. */
const refusal = (url: string, tls: LdapTls.TlsOptions): Effect.Effect<LdapError> =>
  Effect.map(Effect.flip(Effect.scoped(open(url, tls))), (error) => {
    assert.deepInclude(error.reason, { _tag: "ConnectFailed", kind: "tls" })
    assert.isFalse(error.isRetryable)
    return error
  }) as Effect.Effect<LdapError>

describe("what was negotiated", () => {
  it.live("is reported for ldaps: version, cipher suite, and the certificate", () =>
    Effect.gen(function*() {
      const { url } = yield* listen()
      const session = yield* open(url, {})
      const negotiated = (yield* session.tls)!
      assert.strictEqual(negotiated.protocol, "TLSv1.3")
      assert.match(negotiated.cipher, /^TLS_/)
      assert.isTrue(negotiated.isVerified)
      const x509 = new X509Certificate(server.cert)
      const { raw, validTo, ...peer } = negotiated.peer!
      assert.deepStrictEqual(Buffer.from(raw), x509.raw)
      assert.strictEqual(validTo.getTime(), Date.parse(x509.validTo))
      assert.deepStrictEqual(peer, {
        subject: "CN=localhost",
        issuer: "CN=Throw-away test CA",
        alternativeNames: x509.subjectAltName,
        serialNumber: x509.serialNumber,
        validFrom: new Date(x509.validFrom),
        fingerprint: x509.fingerprint256,
        publicKeyFingerprint: LdapTls.publicKeyFingerprint(server.cert)
      })
    }))

  it.live("is reported for StartTLS once it is done", () =>
    Effect.gen(function*() {
      const peer = yield* RecordingServer.listen({ certificate: server })
      const session = yield* open(`ldap://127.0.0.1:${peer.port}`, {}, { closeTimeout: 100 })
      const connection = yield* peer.accept
      assert.isUndefined(yield* session.tls)
      const securing = yield* Effect.forkChild(session.startTls(), { startImmediately: true })
      const { messageId } = yield* connection.expect("ExtendedRequest")
      assert.isUndefined(yield* session.tls)
      yield* connection.send(messageId, { _tag: "ExtendedResponse", result: ok })
      yield* connection.startTls
      yield* Fiber.join(securing)
      assert.strictEqual((yield* session.tls)?.peer?.subject, "CN=localhost")
      yield* Effect.forkScoped(Effect.andThen(connection.ended, connection.end))
    }))

  it.live("mechanisms may bind to the channel as often as they like", () =>
    Effect.gen(function*() {
      const { url } = yield* listen()
      const session = yield* open(url, {})
      const seen: Array<Uint8Array | undefined> = []
      const start: LdapSasl.SaslMechanism["start"] = ({ channelBinding }) => {
        seen.push(channelBinding?.("tls-server-end-point"))
        return LdapSasl.rejected("that was all")
      }
      const auth = LdapAuth.sasl({ name: "CURIOUS", sendsSecret: false, start })
      for (let i = 0; i < 2; i++) yield* Effect.flip(session.bind(auth))
      const hash = createHash("sha256").update(new X509Certificate(server.cert).raw).digest()
      assert.deepStrictEqual(seen, [hash, hash])
    }))

  it.effect("is undefined in clear text", () =>
    Effect.gen(function*() {
      const connected = yield* connect({ closeTimeout: 0 })
      assert.isUndefined(yield* (yield* connected.session).tls)
    }))

  it.live("names are written as LDAP writes them, with any character", () =>
    Effect.gen(function*() {
      const strange = signedBy("o=a\nb, \"c\" + Ü")
      const { url } = yield* listen(strange.server)
      const session = yield* open(url, { ca: strange.ca.cert })
      assert.strictEqual((yield* session.tls)?.peer?.issuer, String.raw`CN=o=a\0Ab\, \"c\" \+ Ü`)
    }))
})

describe("versions and cipher suites", () => {
  it.live("no version below TLS 1.2 is used, unless the program allows it", () =>
    Effect.gen(function*() {
      const { url } = yield* listen({ minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" })
      yield* refusal(url, {})
      yield* refusal(url, { ciphers: "DEFAULT@SECLEVEL=0" })
      const session = yield* open(url, { minVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" })
      assert.strictEqual((yield* session.tls)?.protocol, "TLSv1.1")
    }))

  it.live("nor if a flag or the environment allows Node to use it", () =>
    Effect.gen(function*() {
      const old = { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const
      const { url } = yield* listen(old)
      const said = yield* Effect.promise(() =>
        promisify(execFile)(process.execPath, [
          "--input-type=module",
          "--eval",
          `import * as Effect from "effect/Effect"
        import * as Tls from "node:tls"
        import { make } from ${JSON.stringify(new URL("../../src/session/LdapSession.ts", import.meta.url))}
        const [url, ca, ciphers] = process.argv.slice(1)
        const { message } = await Effect.runPromise(Effect.flip(Effect.scoped(make({ url, tls: { ca, ciphers } }))))
        console.log(Tls.DEFAULT_MIN_VERSION, message)`,
          url,
          ca.cert,
          old.ciphers
        ], { env: { ...process.env, NODE_OPTIONS: "--tls-min-v1.0" } })
      )
      assert.match(said.stdout, /^TLSv1 .*the TLS handshake failed/)
    }))

  it.live("a program may want more: TLS 1.3, and certain suites", () =>
    Effect.gen(function*() {
      const old = yield* listen({ maxVersion: "TLSv1.2" })
      yield* refusal(old.url, { minVersion: "TLSv1.3" })
      const session = yield* open(old.url, { ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384" })
      assert.deepInclude(yield* session.tls, {
        protocol: "TLSv1.2",
        cipher: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
      })
    }))
})

describe("whom to trust", () => {
  it.live("the certificate must carry the requested name", () =>
    Effect.gen(function*() {
      const asked: Array<string> = []
      const { url } = yield* listen({
        ...certificates.wrongHost,
        SNICallback: (name, done) => {
          asked.push(name)
          done(null)
        }
      })
      yield* open(url, { servername: "elsewhere.example" })
      assert.deepStrictEqual(asked, ["elsewhere.example"])
      assert.include((yield* refusal(url, { servername: "localhost" })).message, "for another host")
    }))

  it.live("a bundle of authorities in one text", () =>
    Effect.gen(function*() {
      const { url } = yield* listen()
      const others = makeCertificates()
      yield* open(url, { ca: `# ours and theirs\n${others.ca.cert}\n${ca.cert}` })
      yield* open(url, { ca: [others.ca.cert, Buffer.from(ca.cert)] })
      yield* refusal(url, { ca: others.ca.cert })
    }))

  it.live("options that are used again have their current values", () =>
    Effect.gen(function*() {
      const { url } = yield* listen()
      const others = makeCertificates()
      const tls = { ca: ca.cert }
      const config = { url, tls }
      yield* LdapSession.make(config)
      tls.ca = others.ca.cert
      assert.include((yield* Effect.flip(LdapSession.make(config))).message, "not trusted")
      let authority = others.ca.cert
      const asked = {
        url,
        tls: {
          get ca() {
            return authority
          }
        }
      }
      assert.include((yield* Effect.flip(LdapSession.make(asked))).message, "not trusted")
      authority = ca.cert
      yield* LdapSession.make(asked)
    }))
})

describe("options that are used again", () => {
  const contextOf = (tls: LdapTls.TlsOptions) => prepare(tls, "localhost").node.secureContext

  it("are read once", () => {
    const options = { ca: ca.cert, servername: "localhost", verifyPeer: () => Effect.void }
    assert.strictEqual(contextOf(options), contextOf(options))
    assert.notStrictEqual(contextOf(options), contextOf({ ...options }))
  })

  it("are read again when a value has changed or was added", () => {
    const options: { -readonly [K in keyof LdapTls.TlsOptions]: LdapTls.TlsOptions[K] } = { ca: ca.cert }
    const first = contextOf(options)
    options.ca = makeCertificates().ca.cert
    const second = contextOf(options)
    options.minVersion = "TLSv1.3"
    const third = contextOf(options)
    delete options.minVersion
    assert.strictEqual(new Set([first, second, third, contextOf(options)]).size, 4)
  })

  it("without authorities of their own are read again when Node's have changed", () => {
    const nodes = Tls.getCACertificates("default")
    const [named, unnamed] = [{ ca: ca.cert }, {}]
    const before = [contextOf(named), contextOf(unnamed)]
    try {
      Tls.setDefaultCACertificates([ca.cert])
      assert.strictEqual(contextOf(named), before[0])
      assert.notStrictEqual(contextOf(unnamed), before[1])
    } finally {
      Tls.setDefaultCACertificates(nodes)
    }
  })

  it("fail with a key that was wiped meanwhile", () => {
    const options = { ...ca, ca: ca.cert, key: Redacted.make(ca.key) }
    contextOf(options)
    Redacted.wipeUnsafe(options.key)
    assert.throws(() => contextOf(options), "Unable to get redacted value")
  })
})

describe("pinned fingerprints", () => {
  const x509 = new X509Certificate(server.cert)
  const spki = createPublicKey(server.key).export({ type: "spki", format: "der" })
  const ofCertificate = createHash("sha256").update(x509.raw)
  const hex = ofCertificate.copy().digest("hex")
  const keyDigest = createHash("sha256").update(spki)
  const forms: Record<string, string> = {
    "of the certificate, as OpenSSL writes it": x509.fingerprint256,
    "of the certificate, by LdapTls": LdapTls.certificateFingerprint(server.cert),
    "in hexadecimal without colons": hex,
    "in hexadecimal with a prefix": `SHA256:${hex}`,
    "of the public key, as curl writes it": `sha256//${keyDigest.copy().digest("base64")}`,
    "of the public key, by LdapTls": LdapTls.publicKeyFingerprint(x509.raw)
  }

  it.live.each(Object.keys(forms))("%s, is enough", (name) =>
    Effect.gen(function*() {
      const { url } = yield* listen()
      const others = [LdapTls.certificateFingerprint(ca.cert), forms[name]!]
      yield* open(url, { pinnedFingerprints: others })
    }))

  it.live("another server is refused although its certificate is good, and an empty list refuses every server", () =>
    Effect.gen(function*() {
      const { url } = yield* listen(certificates.renewed)
      const error = yield* refusal(url, { pinnedFingerprints: [hex] })
      assert.include(error.message, "none of the pinned fingerprints")
      // The message contains the fingerprint, so that it can be pinned.
      assert.include(error.message, LdapTls.certificateFingerprint(certificates.renewed.cert))
      yield* refusal(url, { pinnedFingerprints: [] })
    }))

  it.live("that of the key is the same after a renewal of the certificate", () =>
    Effect.gen(function*() {
      const { url } = yield* listen(certificates.renewed)
      yield* open(url, { pinnedFingerprints: [keyDigest.copy().digest("base64")] })
    }))

  it.live("they are checked in addition to the verification", () =>
    Effect.gen(function*() {
      const { url } = yield* listen(certificates.expired)
      const pinnedFingerprints = [LdapTls.certificateFingerprint(certificates.expired.cert)]
      assert.include((yield* refusal(url, { pinnedFingerprints })).message, "is not valid now")
    }))

  it.live("without the verification they alone identify the server", () =>
    Effect.gen(function*() {
      const { url } = yield* listen(certificates.untrusted)
      const mine = {
        rejectUnauthorized: false,
        pinnedFingerprints: [LdapTls.certificateFingerprint(certificates.untrusted.cert)]
      }
      const session = yield* open(url, mine)
      assert.isFalse((yield* session.tls)?.isVerified)
      yield* refusal(url, { ...mine, pinnedFingerprints: [hex] })
    }))

  it.live("an invalid one is an error before connecting", () =>
    Effect.gen(function*() {
      const nowhere = "ldaps://127.0.0.1:1"
      for (const text of ["", "ab:cd", hex.slice(1), `${hex}00`, "*"]) {
        assert.include((yield* refusal(nowhere, { pinnedFingerprints: [text] })).message, "not a SHA-256 fingerprint")
      }
    }))
})

describe("the program's own verification", () => {
  it.live("sees the result of the handshake, and may refuse with a reason", () =>
    Effect.gen(function*() {
      const { accept, url } = yield* listen({ maxVersion: "TLSv1.2" })
      const seen: Array<LdapTls.TlsSession> = []
      const verifyPeer = (negotiated: LdapTls.TlsSession) => {
        seen.push(negotiated)
        return Effect.fail("not in the list of today")
      }
      const error = yield* refusal(url, { verifyPeer })
      assert.include(error.message, "not in the list of today")
      assert.strictEqual(seen[0]?.peer?.fingerprint, LdapTls.certificateFingerprint(server.cert))
      assert.strictEqual(yield* Effect.flatMap(accept, sent), 0)
    }))

  it.live("an error, and a defect, refuse as well, and are the cause", () =>
    Effect.gen(function*() {
      const { url } = yield* listen()
      for (
        const verifyPeer of [
          () => Effect.fail(new Error("revoked")),
          () => Effect.die(new Error("revoked")),
          (): never => {
            throw new Error("revoked")
          }
        ]
      ) {
        const error = yield* refusal(url, { verifyPeer })
        assert.include(error.message, "revoked")
        assert.strictEqual("cause" in error.reason ? (error.reason.cause as Error).message : "", "revoked")
      }
    }))

  it.live("runs only for a server that all other checks have accepted", () =>
    Effect.gen(function*() {
      const asked: Array<string> = []
      const verifyPeer = () => Effect.sync(() => void asked.push("asked"))
      const bad = yield* listen(certificates.untrusted)
      yield* refusal(bad.url, { verifyPeer })
      const good = yield* listen()
      yield* refusal(good.url, { verifyPeer, pinnedFingerprints: [] })
      assert.isEmpty(asked)
      yield* open(good.url, { verifyPeer })
      assert.deepStrictEqual(asked, ["asked"])
    }))

  it.effect("is limited by connectTimeout", () =>
    Effect.gen(function*() {
      const { accept, url } = yield* listen({ maxVersion: "TLSv1.2" })
      const asked = yield* Deferred.make<void>()
      const verifyPeer = () => Effect.andThen(Deferred.succeed(asked, undefined), Effect.never)
      const opening = yield* Effect.forkChild(Effect.flip(open(url, { verifyPeer }, { connectTimeout: 3000 })), {
        startImmediately: true
      })
      yield* Deferred.await(asked)
      yield* TestClock.adjust(3000)
      assert.deepInclude((yield* Fiber.join(opening)).reason, { _tag: "ConnectFailed", kind: "timeout" })
      assert.strictEqual(yield* Effect.flatMap(accept, sent), 0)
    }))

  it.live("that refuses after StartTLS ends the session: no unbind, no password", () =>
    Effect.gen(function*() {
      const peer = yield* RecordingServer.listen({ certificate: server })
      const opening = yield* Effect.forkChild(
        Effect.flip(
          open(`ldap://127.0.0.1:${peer.port}`, { verifyPeer: () => Effect.fail("not this one") }, {
            startTls: true,
            auth: LdapAuth.simple("cn=a", Effect.die("asked for"))
          })
        ),
        { startImmediately: true }
      )
      const connection = yield* peer.accept
      const { messageId } = yield* connection.expect("ExtendedRequest")
      yield* connection.send(messageId, { _tag: "ExtendedResponse", result: ok })
      yield* Effect.forkScoped(Effect.andThen(connection.ended, connection.end))
      // The server may never be told that the handshake has finished.
      yield* Effect.forkScoped(connection.startTls)
      assert.include((yield* Fiber.join(opening)).message, "not this one")
      yield* connection.closed
      assert.deepStrictEqual(connection.kinds(), ["ExtendedRequest"])
    }))
})

describe("StartTLS", () => {
  it.effect("with options that can't be used sends nothing, and the session goes on", () =>
    Effect.gen(function*() {
      const peer = yield* RecordingServer.listen({ certificate: server })
      const session = yield* open(`ldap://127.0.0.1:${peer.port}`, {}, { closeTimeout: 0 })
      const connection = yield* peer.accept
      for (
        const options of [{ pinnedFingerprints: ["x"] }, { cert: server.cert, key: ca.key }, { ciphers: "none such" }]
      ) {
        const error = yield* Effect.flip(session.startTls(options))
        assert.deepInclude(error.reason, { _tag: "ConnectFailed", kind: "tls" })
        assert.include(error.message, "unusable TLS options")
      }
      const pending = yield* Effect.forkChild(session.delete("cn=a"), { startImmediately: true })
      const { messageId } = yield* connection.expect("DeleteRequest")
      yield* connection.send(messageId, { _tag: "DeleteResponse", result: ok })
      yield* Fiber.join(pending)
      assert.deepStrictEqual(connection.kinds(), ["DeleteRequest"])
    }))

  it.live("where TLS is on already is an InvalidRequest, and the session goes on", () =>
    Effect.gen(function*() {
      const directory = yield* InMemoryDirectory.make({ suffixes: ["dc=example"] })
      const listening = yield* InMemoryDirectory.listen(directory, { tls: server })
      const config = { url: listening.url.replace("localhost", "127.0.0.1"), tls: trust }
      const session = yield* LdapSession.make(config)
      assert.deepInclude((yield* Effect.flip(session.startTls())).reason, { _tag: "InvalidRequest", field: "startTls" })
      yield* session.rootDse
      // So is a configuration that asks for both.
      const both = yield* Effect.flip(Effect.scoped(LdapSession.make({ ...config, startTls: true })))
      assert.deepInclude(both.reason, { _tag: "InvalidRequest", field: "startTls" })
    }))

  it.effect("over a socket that doesn't support an option fails instead of ignoring it", () =>
    Effect.gen(function*() {
      const connected = yield* connect({ closeTimeout: 0, tls: { servername: "ldap.example" } })
      const session = yield* connected.session
      for (
        const options of [
          { pinnedFingerprints: [LdapTls.certificateFingerprint(server.cert)] },
          { verifyPeer: () => Effect.fail("no") },
          { minVersion: "TLSv1.3" }
        ] as const
      ) {
        const error = yield* Effect.flip(session.startTls(options))
        assert.deepInclude(error.reason, { _tag: "ConnectFailed", kind: "tls" })
        assert.include(error.message, Object.keys(options).join())
      }
      yield* settle
      assert.isEmpty(connected.peer.received)
    }))

  it.live.each(["an answer", "a notice", "half a message"])(
    "S7: of the configuration, with %s injected in clear text: no session, and no password is asked for",
    (name) =>
      Effect.gen(function*() {
        const peer = yield* RecordingServer.listen({ certificate: server })
        const opening = yield* Effect.forkChild(
          Effect.flip(
            open(`ldap://127.0.0.1:${peer.port}`, {}, {
              startTls: true,
              auth: LdapAuth.simple("cn=a", Effect.die("asked for"))
            })
          ),
          { startImmediately: true }
        )
        const connection = yield* peer.accept
        yield* Effect.forkScoped(Effect.andThen(connection.ended, connection.end))
        const { messageId } = yield* connection.expect("ExtendedRequest")
        const granted = [0x30, 0x0c, 2, 1, messageId, 0x78, 7, 0x0a, 1, 0, 4, 0, 4, 0]
        const injected = {
          "an answer": [0x30, 0x0c, 2, 1, messageId + 1, 0x61, 7, 0x0a, 1, 0, 4, 0, 4, 0],
          "a notice": [0x30, 0x0c, 2, 1, 0, 0x78, 7, 0x0a, 1, 52, 4, 0, 4, 0],
          "half a message": [0x30, 0x0c]
        }[name]!
        yield* connection.sendOctets(Buffer.from([...granted, ...injected]))
        assert.strictEqual((yield* Fiber.join(opening)).reason._tag, "ProtocolViolation")
        yield* connection.closed
        assert.deepStrictEqual(connection.kinds(), ["ExtendedRequest"])
      })
  )
})

describe("client certificates", () => {
  const { cert, key } = certificates.client
  const ways: Record<string, LdapTls.TlsOptions> = {
    "in PEM": { cert, key },
    "with a redacted key": { cert, key: Redacted.make(key) },
    "in bytes": { cert: Buffer.from(cert), key: Redacted.make(Buffer.from(key)) }
  }

  it.live.each(Object.keys(ways))("%s", (name) =>
    Effect.gen(function*() {
      const { accept, url } = yield* listen({ requestCert: true, ca: ca.cert })
      yield* open(url, ways[name]!)
      assert.strictEqual((yield* accept).getPeerX509Certificate()?.subject, "UID=alice")
    }))

  it.live("a key that is redacted shows in no error and no inspected value", () =>
    Effect.gen(function*() {
      const config = { url: "ldaps://127.0.0.1:1", tls: { ...trust, cert: server.cert, key: Redacted.make(key) } }
      const error = yield* Effect.flip(Effect.scoped(LdapSession.make(config)))
      assert.include(error.message, "unusable TLS options")
      for (const shown of [inspect(error, { depth: 20, showHidden: true }), inspect(config, { depth: 20 })]) {
        assert.notInclude(shown, "PRIVATE KEY")
      }
    }))

  it.live("a server that requires one ends a session without it", () =>
    Effect.gen(function*() {
      const { url } = yield* listen({ requestCert: true, rejectUnauthorized: true, ca: ca.cert })
      yield* refusal(url, { maxVersion: "TLSv1.2" })
    }))

  it.live("under TLS 1.3 the first operation fails, and the error says what the server wants", () =>
    Effect.gen(function*() {
      const { url } = yield* listen({ requestCert: true, rejectUnauthorized: true, ca: ca.cert })
      const session = yield* open(url, { minVersion: "TLSv1.3" })
      const { message } = yield* Effect.flip(session.lookup(""))
      assert.include(
        message,
        "alert certificate required; this server wants a client certificate: give tls.cert and tls.key)"
      )
      assert.notInclude(message, "SSL routines")
    }))
})

const slapd = inject("slapd")

describe.skipIf(slapd === undefined)("slapd", () => {
  if (slapd === undefined) return
  const { certificates, urls } = slapd
  const tls: LdapTls.TlsOptions = {
    ca: certificates.ca.cert,
    cert: certificates.client.cert,
    key: Redacted.make(certificates.client.key),
    pinnedFingerprints: [LdapTls.certificateFingerprint(certificates.server.cert)],
    minVersion: "TLSv1.3"
  }
  const ways: Record<string, LdapSession.SessionConfig> = {
    ldaps: { url: urls.ldaps, tls },
    StartTLS: { url: urls.ldap, startTls: true, tls }
  }

  it.live.each(Object.keys(ways))(
    "%s: a client certificate authenticates the session",
    (name) =>
      Effect.gen(function*() {
        const session = yield* LdapSession.make({ ...ways[name]!, auth: LdapAuth.sasl(LdapSasl.external()) })
        const { answer } = yield* session.extended(LdapExtended.whoAmI)
        assert.strictEqual(answer, `dn:uid=alice,ou=people,${slapd.base}`)
        assert.deepInclude(yield* session.tls, { protocol: "TLSv1.3", isVerified: true })
      })
  )

  it.live("with a certificate that slapd doesn't trust the session is anonymous", () =>
    Effect.gen(function*() {
      const { cert, key } = certificates.untrustedClient
      const error = yield* Effect.flip(
        LdapSession.make({ ...ways["ldaps"]!, tls: { ...tls, cert, key }, auth: LdapAuth.sasl(LdapSasl.external()) })
      )
      assert.include(
        ["ConnectionLost", "AuthMethodNotSupported", "InvalidCredentials", "ConnectFailed"],
        error.reason._tag
      )
    }))

  it.live("an upgraded socket of Effect is protected, and reports no result of the handshake", () =>
    Effect.gen(function*() {
      const socket = yield* NodeSocket.makeNet({ host: "127.0.0.1", port: slapd.port })
      const session = yield* LdapSession.fromSocket(socket, {
        startTls: true,
        tls: { ca: certificates.ca.cert, servername: "localhost" }
      })
      assert.strictEqual(yield* session.protection, "tls")
      assert.isUndefined(yield* session.tls)
      yield* session.rootDse
    }))
})

describe("authorities as settings have them", () => {
  it.effect.each([
    ["", "it is empty"],
    ["hello", "contains no certificate"],
    ["/etc/ssl/certs/ca.pem", "tls.caFile"],
    ["ca.crt", "tls.caFile"],
    [Buffer.from([0x30, 0x82]), "contains no certificate"],
    [[], "empty list"],
    [[ca.cert, ""], "it is empty"],
    [5, "contains no certificate"]
  ])("tls.ca %j: %s", ([value, detail]) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        Effect.scoped(LdapSession.make({ url: "ldaps://127.0.0.1:1", tls: { ca: value as never } }))
      )
      assert.deepInclude(error.reason, { _tag: "ConnectFailed", kind: "tls" })
      assert.include(error.message, "tls.ca")
      assert.include(error.message, detail as string)
      assert.notInclude(error.message, "give the CA in tls.ca")
    }))

  it.live("tls.caFile is read at each connection, and added to tls.ca", () =>
    Effect.gen(function*() {
      const folder = mkdtempSync(join(tmpdir(), "ldap-ca-"))
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(folder, { recursive: true })))
      const path = join(folder, "ca.pem")
      const { accept, url } = yield* listen()
      const others = makeCertificates()
      const tls = { caFile: path }
      writeFileSync(path, others.ca.cert)
      assert.include(
        (yield* Effect.flip(Effect.scoped(LdapSession.make({ url, tls })))).message,
        "issuer is not trusted"
      )
      writeFileSync(path, ca.cert)
      yield* Effect.forkScoped(Effect.forever(accept))
      yield* LdapSession.make({ url, tls, closeTimeout: 10 })
      yield* LdapSession.make({ url, tls: { caFile: [path], ca: others.ca.cert }, closeTimeout: 10 })
      for (
        const [caFile, detail] of [[join(folder, "none"), "can't be read"], ["", "must be the path of a file"]] as const
      ) {
        const error = yield* Effect.flip(Effect.scoped(LdapSession.make({ url, tls: { caFile } })))
        assert.include(error.message, detail)
      }
      writeFileSync(path, "nothing")
      assert.include(
        (yield* Effect.flip(Effect.scoped(LdapSession.make({ url, tls })))).message,
        "contains no certificate"
      )
    }).pipe(Effect.scoped))
})

describe("the other scheme", () => {
  /** A clear-text server that handles each connection with a function. */
  const plain = (on: (socket: Net.Socket) => void) =>
    Effect.gen(function*() {
      const sockets = new Set<Net.Socket>()
      const listening = createServer((socket) => {
        sockets.add(socket.on("error", () => {}))
        on(socket)
      })
      yield* Effect.acquireRelease(
        Effect.callback<void>((resume) => void listening.listen(0, "127.0.0.1", () => resume(Effect.void))),
        () =>
          Effect.callback<void>((resume) => {
            for (const socket of sockets) socket.destroy()
            listening.close(() => resume(Effect.void))
          })
      )
      return (listening.address() as Net.AddressInfo).port
    })

  it.live("is suggested for ldaps to a port in clear text, also where it closes without a word", () =>
    Effect.gen(function*() {
      for (
        const on of [
          (socket: Net.Socket) =>
            void socket.once("data", () => socket.end("0\x0c\x02\x01\x00x\x07\n\x01\x02\x04\x00\x04\x00")),
          (socket: Net.Socket) => void socket.once("data", () => socket.end()),
          (socket: Net.Socket) => void socket.once("data", () => socket.resetAndDestroy())
        ]
      ) {
        const port = yield* plain(on)
        const error = yield* Effect.flip(
          Effect.scoped(LdapSession.make({ url: `ldaps://127.0.0.1:${port}`, tls: trust }))
        )
        assert.deepInclude(error.reason, { _tag: "ConnectFailed", kind: "tls" })
        assert.include(error.message, "use ldap://")
      }
    }).pipe(Effect.scoped))

  it.live("is suggested for ldap to a port with TLS, also where it closes without a word", () =>
    Effect.gen(function*() {
      const silent = yield* plain((socket) => void socket.once("data", () => socket.end()))
      const reset = yield* plain((socket) => void socket.once("data", () => socket.resetAndDestroy()))
      const alert = yield* plain((socket) =>
        void socket.once("data", () => socket.write(Buffer.from("15030100020246", "hex")))
      )
      const { url } = yield* listen()
      for (const port of [silent, reset, alert, Number(new URL(url.replace("ldaps", "http")).port)]) {
        const session = yield* LdapSession.make({ url: `ldap://127.0.0.1:${port}`, closeTimeout: 10 })
        const error = yield* Effect.flip(session.rootDse)
        assert.include(error.message, "the URL ", error.message)
        assert.include(error.message, "is ldaps://", error.message)
      }
    }).pipe(Effect.scoped))

  it.live("isn't, once the server has answered", () =>
    Effect.gen(function*() {
      const answer = Buffer.from("300c02010165070a010004000400", "hex")
      const port = yield* plain((socket) => {
        let requests = 0
        socket.on("data", () => ++requests === 1 ? socket.write(answer) : socket.end())
      })
      const session = yield* LdapSession.make({ url: `ldap://127.0.0.1:${port}`, closeTimeout: 10 })
      assert.isTrue(Option.isNone(yield* session.lookup("cn=a")))
      assert.notInclude((yield* Effect.flip(session.lookup("cn=a"))).message, "ldaps")
    }).pipe(Effect.scoped))
})
