/**
 * TLS of both clients: they accept and refuse the same, with the same errors of Node.
 */
import { assert, describe, it } from "@effect/vitest"
import * as tls from "node:tls"
import { inject } from "vitest"
import * as dropIn from "../../src/ldapts.ts"
import { makeCertificates } from "../servers/certificates.ts"
import { passwordOf } from "../servers/directory.ts"
import { type Client, clients, type Make } from "./behaviours/clients.ts"

const slapd = inject("slapd")
const whoAmI = "1.3.6.1.4.1.4203.1.11.3"

describe.skipIf(slapd === undefined)("TLS", () => {
  // Evaluated even if there is no slapd.
  const { base, certificates, urls } = slapd ??
    { base: "", certificates: makeCertificates(), urls: { ldap: "", ldaps: "" } }
  const ca = certificates.ca.cert

  const both = async (use: (make: Make) => Promise<unknown>): Promise<unknown> => {
    const outcomes: Array<unknown> = []
    for (const [, make] of clients) {
      outcomes.push(await use(make).catch((error: Error) => [error.message, "code" in error ? error.code : undefined]))
    }
    assert.deepStrictEqual(outcomes[1], outcomes[0])
    return outcomes[1]
  }
  const over = async (client: Client, bind?: (client: Client) => Promise<void>): Promise<unknown> => {
    try {
      await bind?.(client)
      return (await client.exop(whoAmI)).value
    } finally {
      await client.unbind()
    }
  }

  it("a certificate is who the client is, by EXTERNAL, over ldaps and after StartTLS", async () => {
    const { cert, key } = certificates.client
    const options = { ca, cert, key }
    const external = (client: Client) => client.bind("EXTERNAL")
    assert.strictEqual(
      await both((make) => over(make({ url: urls.ldaps, tlsOptions: options }), external)),
      `dn:uid=alice,ou=people,${base}`
    )
    assert.strictEqual(
      await both((make) =>
        over(make({ url: urls.ldap }), async (client) => {
          await client.startTLS(options)
          await external(client)
        })
      ),
      `dn:uid=alice,ou=people,${base}`
    )
  })

  it("PLAIN, with credentials as the mechanism has them", async () => {
    assert.strictEqual(
      await both((make) =>
        over(
          make({ url: urls.ldaps, tlsOptions: { ca } }),
          (client) => client.bind("PLAIN", `\0alice\0${passwordOf("alice")}`)
        )
      ),
      `dn:uid=alice,ou=people,${base}`
    )
  })

  it("a server that isn't trusted is refused, over ldaps and after StartTLS, unless that isn't asked for", async () => {
    const untrusted = ["self-signed certificate in certificate chain", "SELF_SIGNED_CERT_IN_CHAIN"]
    assert.deepStrictEqual(await both((make) => over(make({ url: urls.ldaps }))), untrusted)
    assert.deepStrictEqual(
      await both((make) => over(make({ url: urls.ldap }), (client) => client.startTLS())),
      untrusted
    )
    assert.strictEqual(
      await both((make) => over(make({ url: urls.ldaps, tlsOptions: { rejectUnauthorized: false } }))),
      ""
    )
  })

  it("StartTLS where there is TLS is refused before anything is sent, and the connection goes on", async () => {
    for (const url of [urls.ldap, urls.ldaps]) {
      const client = new dropIn.Client({ url, tlsOptions: { ca } })
      if (url === urls.ldap) await client.startTLS({ ca })
      else await client.exop(whoAmI)
      const error = await client.startTLS({ ca }).catch((error: Error) => error)
      assert.include(error?.message, "the connection is protected by TLS already")
      assert.isTrue(client.isConnected)
      await client.unbind()
    }
  })

  it("the drop-in: the environment doesn't turn verification off, and a context of the program's own is refused", async () => {
    const client = new dropIn.Client({ url: urls.ldaps })
    const before = process.env["NODE_TLS_REJECT_UNAUTHORIZED"]
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0"
    try {
      const error = await client.search("").catch((error: unknown) => error)
      assert.strictEqual((error as { readonly code?: unknown }).code, "SELF_SIGNED_CERT_IN_CHAIN")
    } finally {
      if (before === undefined) delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"]
      else process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = before
    }
    const tlsOptions = { secureContext: tls.createSecureContext() }
    assert.throws(() => new dropIn.Client({ url: urls.ldaps, tlsOptions }), /secureContext/)
  })

  it("a certificate for another host is refused with Node's error", async () => {
    const other = makeCertificates()
    const server = tls.createServer({ ...other.wrongHost }, (socket) => socket.end())
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as { readonly port: number }
    const outcome = await both((make) =>
      over(make({ url: `ldaps://127.0.0.1:${port}`, tlsOptions: { ca: other.ca.cert } }))
    )
    assert.strictEqual((outcome as ReadonlyArray<unknown>)[1], "ERR_TLS_CERT_ALTNAME_INVALID")
    server.close()
  })
})
