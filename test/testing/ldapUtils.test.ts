/**
 * Debian's ldap-utils against a directory that listens on a port, with the organisation of the examples as data. These programs are
 * independent of this library.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inject } from "vitest"
import * as Ldif from "../../src/model/ldif/Ldif.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"
import { makeCertificates } from "../servers/certificates.ts"

const organisation = readFileSync(new URL("../../examples/data/organisation.ldif", import.meta.url), "utf8")

const installed = inject("foreignClients")["ldap-utils"]

const base = "dc=example,dc=org"
const admin = ["-D", `cn=admin,${base}`, "-w", "admin-secret"]

interface Outcome {
  readonly code: number
  readonly output: string
  readonly errors: string
}

/** Runs a program with a text as its input, and waits for its end. */
const run = (program: string, args: ReadonlyArray<string>, input = "", env: NodeJS.ProcessEnv = {}) =>
  Effect.callback<Outcome>((resume) => {
    const options = { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 }
    const child = execFile(program, args, options, (error, output, errors) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1
      resume(Effect.succeed({ code, output, errors }))
    })
    // If it ends without reading its input, that is not an error of the test.
    child.stdin?.on("error", () => {})
    child.stdin?.end(input)
    return Effect.sync(() => child.kill())
  })

const open = Effect.gen(function*() {
  const directory = yield* InMemoryDirectory.make({ ldif: organisation })
  const { url } = yield* InMemoryDirectory.listen(directory)
  const tool = (program: string, args: ReadonlyArray<string>, input?: string) =>
    run(program, ["-x", "-H", url, ...args], input)
  const search = (...args: ReadonlyArray<string>) =>
    Effect.map(tool("ldapsearch", ["-LLL", "-o", "ldif-wrap=no", "-b", base, ...args]), ({ code, errors, output }) => ({
      code,
      errors,
      records: Result.getOrThrow(Ldif.parse(output.replace(/^# .*\n/gm, "")))
    }))
  return { directory, url, tool, search }
})

describe.skipIf(!installed)("ldap-utils", () => {
  it.live("ldapsearch returns the organisation as its LDIF has it", () =>
    Effect.gen(function*() {
      const { directory, search } = yield* open
      const { code, records } = yield* search(...admin)
      assert.strictEqual(code, 0)
      const expected = Result.getOrThrow(Ldif.parse(organisation))
      assert.strictEqual(records.length, 344)
      const byDn = (all: ReadonlyArray<Ldif.LdifRecord>) =>
        new Map(all.map((record) => [
          record.dn,
          record._tag !== "Entry" ?
            [] :
            record.attributes.map(({ description, values }) =>
              [description, ...values.map((value) => Buffer.from(value).toString("base64"))].join(" ")
            )
        ]))
      assert.deepStrictEqual(byDn(records), byDn(expected))
      assert.strictEqual((yield* directory.log.closed(1))?.closed, "fin")
      assert.deepStrictEqual(
        directory.log.connections.map(({ octetsAfterUnbind, unbinds }) => [unbinds, octetsAfterUnbind]),
        [
          [1, 0]
        ]
      )
    }))

  it.live("ldapsearch: filters, limits, pages, codes", () =>
    Effect.gen(function*() {
      const { directory, search } = yield* open
      const count = (...args: ReadonlyArray<string>) =>
        Effect.map(search(...args), ({ code, records }) => [code, records.length] as const)
      assert.deepStrictEqual(yield* count("(objectClass=groupOfNames)", "cn"), [0, 30])
      assert.deepStrictEqual(yield* count("(&(objectClass=person)(jpegPhoto=*))", "dn"), [0, 8])
      assert.deepStrictEqual(yield* count("-z", "5", "(objectClass=person)", "dn"), [4, 5])
      assert.deepStrictEqual(yield* count("-s", "one", "dn"), [0, 3])
      assert.deepStrictEqual(yield* count("-s", "children", "(objectClass=organizationalUnit)", "dn"), [0, 12])
      assert.deepStrictEqual(yield* count("-E", "!pr=100/noprompt", "(objectClass=person)", "1.1"), [0, 300])
      assert.deepStrictEqual(directory.log.pdusByKind.get("SearchRequest"), 5 + 3)
      const nowhere = yield* search("-b", `cn=x,ou=people,${base}`)
      assert.strictEqual(nowhere.code, 32)
      assert.include(nowhere.errors, `Matched DN: ou=people,${base}`)
      assert.strictEqual((yield* search("-b", "nonsense")).code, 34)
      assert.strictEqual((yield* search("-e", "!1.2.3.4")).code, 12)
      const sales = yield* search(
        "(ou=Sales, Asia)",
        "entryDN",
        "hasSubordinates",
        "-s",
        "one",
        "-b",
        `ou=people,${base}`
      )
      assert.deepStrictEqual(sales.records.map(({ dn }) => dn), [`ou=Sales\\, Asia,ou=people,${base}`])
    }))

  it.live("ldapwhoami: who is bound, and who isn't", () =>
    Effect.gen(function*() {
      const { tool } = yield* open
      assert.strictEqual((yield* tool("ldapwhoami", [])).output, "anonymous\n")
      assert.strictEqual((yield* tool("ldapwhoami", admin)).output, `dn:cn=admin,${base}\n`)
      const wrong = yield* tool("ldapwhoami", ["-D", `cn=admin,${base}`, "-w", "wrong"])
      assert.deepStrictEqual([wrong.code, wrong.errors], [49, "ldap_bind: Invalid credentials (49)\n"])
      assert.strictEqual((yield* tool("ldapwhoami", ["-D", `cn=admin,${base}`, "-w", ""])).code, 53)
      const starttls = yield* tool("ldapwhoami", ["-ZZ"])
      assert.include(starttls.errors, "Protocol error (2)")
    }))

  it.live("ldapadd, ldapmodify, ldapcompare, ldapmodrdn, ldapdelete", () =>
    Effect.gen(function*() {
      const { directory, tool } = yield* open
      const dn = `cn=Łódź \\+ Köln,ou=groups,${base}`
      const added = Ldif.format([Ldif.entry(dn, { objectClass: ["device"], description: "näh" })]).replace(
        "version: 1\n\n",
        ""
      )
      assert.strictEqual((yield* tool("ldapadd", admin, added)).code, 0)
      assert.strictEqual((yield* tool("ldapadd", admin, added)).code, 68)
      assert.strictEqual((yield* tool("ldapadd", [], added)).code, 8)
      assert.strictEqual(directory.lookup(dn)?.get("cn"), "Łódź + Köln")

      const changes =
        "changetype: modify\nadd: serialNumber\nserialNumber: 1\nserialNumber: 2\n-\nreplace: description\n" +
        "description: new\n-\ndelete: serialNumber\nserialNumber: 1\n"
      const encoded = `dn:: ${Buffer.from(dn).toString("base64")}\n`
      assert.strictEqual((yield* tool("ldapmodify", admin, encoded + changes)).code, 0)
      assert.deepStrictEqual(directory.lookup(dn)?.getAll("serialNumber"), ["2"])
      assert.strictEqual(
        (yield* tool("ldapmodify", admin, `${encoded}changetype: modify\ndelete: serialNumber\nserialNumber: 1\n`))
          .code,
        16
      )

      assert.strictEqual((yield* tool("ldapcompare", [...admin, dn, "description:NEW"])).code, 6)
      assert.strictEqual((yield* tool("ldapcompare", [...admin, dn, "description:old"])).code, 5)
      assert.strictEqual((yield* tool("ldapcompare", [...admin, dn, "title:x"])).code, 16)

      assert.strictEqual(
        (yield* tool("ldapmodrdn", [...admin, "-r", "-s", `ou=people,${base}`, dn, "cn=moved"])).code,
        0
      )
      assert.deepStrictEqual(directory.lookup(`cn=moved,ou=people,${base}`)?.getAll("cn"), ["moved"])
      assert.strictEqual((yield* tool("ldapdelete", [...admin, `ou=people,${base}`])).code, 66)
      assert.strictEqual((yield* tool("ldapdelete", [...admin, `cn=moved,ou=people,${base}`])).code, 0)
      const gone = yield* tool("ldapdelete", [...admin, `cn=moved,ou=people,${base}`])
      assert.strictEqual(gone.code, 32)
      assert.include(gone.errors, `matched DN: ou=people,${base}`)
      // libldap sends an unbind each time, and nothing after it.
      assert.isTrue(
        directory.log.connections.every(({ octetsAfterUnbind, unbinds }) => unbinds === 1 && octetsAfterUnbind === 0)
      )
    }))

  it.live("over TLS", () =>
    Effect.gen(function*() {
      const certificates = makeCertificates()
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "ldap-utils-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
      )
      const ca = join(folder, "ca.pem")
      writeFileSync(ca, certificates.ca.cert)
      const directory = yield* InMemoryDirectory.make({ ldif: organisation })
      const { port, url } = yield* InMemoryDirectory.listen(directory, { tls: certificates.server })
      assert.strictEqual(url, `ldaps://127.0.0.1:${port}`)
      const args = ["-x", "-H", url, ...admin]
      const trusted = yield* run("ldapwhoami", args, "", { LDAPTLS_CACERT: ca })
      assert.strictEqual(trusted.output, `dn:cn=admin,${base}\n`)
      const untrusted = yield* run("ldapwhoami", args, "", { LDAPTLS_CACERT: "/dev/null" })
      assert.notStrictEqual(untrusted.code, 0)
    }))
})
