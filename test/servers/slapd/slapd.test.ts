/**
 * The servers of the tests, checked with ldapts: the data that other tests need is present.
 */
import { Client } from "ldapts"
import { spawn } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import * as tls from "node:tls"
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest"
import { makeCertificates } from "../certificates.ts"
import { manyEntries, passwordOf, photo } from "../directory.ts"
import { ensureSlapd, type Slapd, startSlapd } from "./slapd.ts"
import { closedConnections } from "./slapdLog.ts"

const slapd = inject("slapd")

describe("certificates", () => {
  const certificates = makeCertificates()
  const handshake = (name: "server" | "expired" | "wrongHost" | "untrusted", host: string) =>
    new Promise<string>((resolve) => {
      const server = tls.createServer(certificates[name], (socket) => socket.end())
      server.on("tlsClientError", () => {})
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as { readonly port: number }
        const done = (outcome: string) => server.close(() => resolve(outcome))
        const socket = tls.connect({ port, host: "127.0.0.1", servername: host, ca: certificates.ca.cert }, () => {
          socket.destroy()
          done("accepted")
        })
        socket.on("error", (error: NodeJS.ErrnoException) => done(error.code ?? error.message))
      })
    })

  it("the good one is accepted, and each bad one is refused for its fault", async () => {
    expect(await handshake("server", "localhost")).toBe("accepted")
    expect(await handshake("expired", "localhost")).toBe("CERT_HAS_EXPIRED")
    expect(await handshake("wrongHost", "localhost")).toBe("ERR_TLS_CERT_ALTNAME_INVALID")
    expect(await handshake("untrusted", "localhost")).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE")
  })
})

describe.skipIf(slapd === undefined)("slapd", () => {
  const facts = slapd!
  const client = (url: string) => new Client({ url, tlsOptions: url.startsWith("ldaps") ? trust : {} })
  const trust = { ca: facts?.certificates.ca.cert, servername: "localhost" }
  const asAdmin = async <A>(url: string, use: (client: Client) => Promise<A>): Promise<A> => {
    const ldap = client(url)
    await ldap.bind(facts.admin.dn, facts.admin.password)
    try {
      return await use(ldap)
    } finally {
      await ldap.unbind()
    }
  }

  it.each(["ldap", "ldaps", "ldap6", "ldaps6"] as const)("answers on %s", async (name) => {
    const url = facts.urls[name]
    if (url === undefined) return
    const { searchEntries } = await asAdmin(url, (ldap) => ldap.search(facts.base, { scope: "base" }))
    expect(searchEntries[0]?.dn).toBe(facts.base)
  })

  it("answers with StartTLS", async () => {
    const ldap = client(facts.urls.ldap)
    await ldap.startTLS({ ...trust })
    await ldap.bind(`uid=alice,ou=people,${facts.base}`, passwordOf("alice"))
    await ldap.unbind()
  })

  it("answers on the unix socket", () => {
    expect(existsSync(facts.socketPath)).toBe(true)
  })

  it("holds the directory, and returns at most 500 entries to users other than the administrator", async () => {
    const search = { scope: "one", filter: "(objectClass=device)" } as const
    const all = await asAdmin(facts.urls.ldap, (ldap) => ldap.search(`ou=many,${facts.base}`, search))
    expect(all.searchEntries.length).toBe(manyEntries)
    const anonymous = client(facts.urls.ldap)
    await expect(anonymous.search(`ou=many,${facts.base}`, search)).rejects.toThrow(/0x4/)
    await anonymous.unbind()
  })

  it("holds names and values that aren't ASCII", async () => {
    const { searchEntries } = await asAdmin(
      facts.urls.ldap,
      (ldap) => ldap.search(`ou=people,${facts.base}`, { filter: "(sn=山田)", explicitBufferAttributes: ["jpegPhoto"] })
    )
    expect(searchEntries[0]?.["cn"]).toBe("花子 山田")
    expect(searchEntries[0]?.["jpegPhoto"]).toEqual(Buffer.from(photo))
  })

  it("logs what a connection did", async () => {
    const marker = `cn=${crypto.randomUUID()}`
    await asAdmin(facts.urls.ldap, (ldap) => ldap.search(facts.base, { scope: "base", filter: `(!(${marker}))` }))
    const [connection] = await closedConnections(facts.logFile, marker)
    expect(connection).toMatchObject({ unbinds: 1, abandons: 0, closed: "" })
  })
})

describe.skipIf(slapd === undefined)("a slapd for one test file", () => {
  let own: Slapd
  beforeAll(async () => {
    const found = ensureSlapd()
    if ("missing" in found) throw new Error(found.missing)
    own = await startSlapd(found.path)
  })
  afterAll(() => own.stop())

  it("ends when it is stopped, and leaves nothing behind", async () => {
    const pid = Number(readFileSync(`${own.directory}/slapd.pid`, "utf8"))
    await own.stop()
    await own.stop()
    expect(existsSync(own.directory)).toBe(false)
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/)
  })

  it("ends also when the process that started it is killed", async () => {
    const module = new URL("./slapd.ts", import.meta.url)
    const start = `
      const { ensureSlapd, startSlapd } = await import(${JSON.stringify(module.href)})
      console.log((await startSlapd(ensureSlapd().path)).directory)
      setInterval(() => {}, 1000)
    `
    const child = spawn(process.execPath, ["--input-type=module", "-e", start], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    const directory = await new Promise<string>((resolve) =>
      child.stdout.once("data", (data) => resolve(String(data).trim()))
    )
    expect(existsSync(`${directory}/slapd.pid`)).toBe(true)
    child.kill("SIGKILL")
    await vi.waitUntil(() => !existsSync(directory), { timeout: 20_000 })
  })
})
