/** StartTLS on a port. */
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import { encode } from "../../../src/protocol/encode.ts"
import * as LdapExtended from "../../../src/protocol/LdapExtended.ts"
import type { RequestOperation } from "../../../src/protocol/LdapMessage.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { makeCertificates } from "../../servers/certificates.ts"
import { admin, make } from "../fixture.ts"
import { connect, fromSocket, searchRequest } from "../RawClient.ts"

const startTls: RequestOperation = { _tag: "ExtendedRequest", oid: LdapExtended.startTls.oid }

const { ca, server } = makeCertificates()

const listening = Effect.gen(function*() {
  const directory = yield* make()
  const listening = yield* InMemoryDirectory.listen(directory, { startTls: server })
  return { directory, ...listening }
})

describe("StartTLS", () => {
  it.live("secures a session, which then binds", () =>
    Effect.gen(function*() {
      const { url } = yield* listening
      const session = yield* LdapSession.make({
        url,
        startTls: true,
        tls: { ca: ca.cert },
        auth: LdapAuth.simple(admin.dn, Redacted.make(admin.password))
      })
      assert.strictEqual((yield* session.extended(LdapExtended.whoAmI)).answer, `dn:${admin.dn}`)
      assert.isAbove((yield* session.searchResult({ base: "dc=example,dc=org" })).entries.length, 3)
    }).pipe(Effect.scoped), 30_000)

  it.live(
    "bytes in clear text behind the StartTLS request end the connection",
    () =>
      Effect.gen(function*() {
        const { directory, port } = yield* listening
        const raw = yield* fromSocket(yield* NodeSocket.makeNet({ host: "127.0.0.1", port }))
        const request = encode({ messageId: 1, operation: startTls, controls: [] })
        const behind = encode({ messageId: 2, operation: searchRequest("dc=example,dc=org"), controls: [] })
        yield* raw.write(Buffer.concat([request, behind.subarray(0, 5)]))
        const [notice, ...more] = yield* raw.rest
        assert.deepStrictEqual([notice?.messageId, notice?.operation._tag, more.length], [0, "ExtendedResponse", 0])
        assert.strictEqual(directory.log.pdus().filter(({ kind }) => kind === "SearchRequest").length, 0)
      }).pipe(Effect.scoped),
    30_000
  )

  it.effect("without a certificate it is refused, and the connection goes on", () =>
    Effect.gen(function*() {
      const raw = yield* connect(yield* make())
      assert.strictEqual((yield* raw.request(startTls)).result.code, 2)
      assert.strictEqual(yield* raw.whoAmI, "")
    }))
})
