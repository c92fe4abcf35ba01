/** The command line beside OpenLDAP's own tools, on Samba as an Active Directory domain controller. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, inject } from "vitest"
import { sambaPasswordOf } from "../servers/samba.ts"
import { waitFor } from "../servers/setup/waitFor.ts"
import { compareWithTools } from "./corpus.ts"
import { runCli } from "./runCli.ts"

const samba = inject("samba")
const clients = inject("foreignClients")
const folder = mkdtempSync(join(tmpdir(), "effect-ldap-cli-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string, content: string): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

describe.skipIf(samba === undefined || !clients["ldap-utils"])("on Samba", () => {
  waitFor(samba)
  compareWithTools(() => ({
    url: samba!.urls.ldaps,
    caFile: samba!.caFile,
    base: samba!.base,
    part: `OU=people,${samba!.base}`,
    people: `OU=people,${samba!.base}`,
    scratch: `OU=scratch,${samba!.base}`,
    admin: samba!.admin,
    personClass: "contact",
    ignoresSizeLimit: true,
    volatile: ["objectGUID", "whenCreated", "whenChanged", "uSNCreated", "uSNChanged", "seeAlso"]
  }))
})

describe.skipIf(samba === undefined)("features of Active Directory, on Samba", () => {
  waitFor(samba)
  const env = (more: Readonly<Record<string, string>>) => ({
    LDAP_URL: samba!.urls.ldaps,
    LDAP_CA: samba!.caFile,
    LDAP_BASE: samba!.base,
    ...more
  })
  const asAdmin = () => env({ LDAP_BIND_DN: samba!.admin.upn, LDAP_PASSWORD: samba!.admin.password })

  it.live("--auth kerberos and ntlm, in clear text and over TLS", () =>
    Effect.gen(function*() {
      const { dnsDomain, host, realm, urls } = samba!
      const password = file("alice", sambaPasswordOf("alice"))
      const ways = [
        ["kerberos", `alice@${realm}`, "--kdc", host, "--service", `ldap@dc1.${dnsDomain}`],
        ["ntlm", "SAMDOM\\alice"],
        ["ntlm", `alice@${dnsDomain}`]
      ] as const
      for (const url of [urls.ldap, urls.ldaps]) {
        for (const [auth, user, ...more] of ways) {
          const given = ["--url", url, "--auth", auth, "--user", user, ...more]
          const lookup = (file: string) =>
            runCli(["lookup", `CN=alice,OU=people,${samba!.base}`, "cn", ...given, "--password-file", file], {
              env: env({})
            })
          expect(yield* lookup(password)).toMatchObject({ code: 0, stderr: "" })
          // The KDC or the server refuses the wrong password.
          expect((yield* lookup(file("wrong", "wrong"))).code).toBe(49)
        }
      }
    }))

  it.live("passwd: a reset by the administrator, and a change by the user without a DN argument", () =>
    Effect.gen(function*() {
      const login = `pw-${crypto.randomUUID().slice(0, 8)}`
      const dn = `CN=${login},OU=scratch,${samba!.base}`
      const [one, two, weak] = [file("one", "Passw0rd.One"), file("two", "Passw0rd.Two"), file("weak", "weak")]
      const admin = (...args: ReadonlyArray<string>) => runCli(args, { env: asAdmin() })
      expect((yield* admin("add", dn, "objectClass=user", `sAMAccountName=${login}`)).code).toBe(0)
      expect((yield* admin("passwd", dn, "--new-password-file", one)).code).toBe(0)
      expect((yield* admin("modify", dn, "--replace", "userAccountControl=512")).code).toBe(0)
      // The policy refuses the new password, and Samba doesn't generate passwords.
      expect((yield* admin("passwd", dn, "--new-password-file", weak)).code).toBe(19)
      expect((yield* admin("passwd", dn, "--generate")).code).toBe(89)
      const own = (identity: Readonly<Record<string, string>>, ...args: ReadonlyArray<string>) =>
        runCli(["passwd", ...args], { env: env({ LDAP_PASSWORD_FILE: one, ...identity }) })
      const wrong = yield* own({ LDAP_BIND_DN: dn }, "--old-password-file", two, "--new-password-file", two)
      expect(wrong.code).toBe(19)
      const changed = yield* own(
        { LDAP_AUTH: "ntlm", LDAP_USER: `SAMDOM\\${login}` },
        "--old-password-file",
        one,
        "--new-password-file",
        two
      )
      expect(changed).toMatchObject({ code: 0, stderr: `Changed the password of ${dn}\n` })
      expect(yield* admin("login", login, "--login-password-file", two)).toMatchObject({ code: 0 })
      expect(yield* admin("login", login, "--login-password-file", one)).toMatchObject({ code: 49 })
      expect((yield* admin("delete", dn)).code).toBe(0)
    }))

  it.live("groups and members, nested, with the primary group", () =>
    Effect.gen(function*() {
      const lines = (...args: ReadonlyArray<string>) =>
        Effect.map(runCli(args, { env: asAdmin() }), ({ stdout }) => stdout.toString().trimEnd().split("\n"))
      const { base } = samba!
      const alice = `CN=alice,OU=people,${base}`
      const [team, staff] = [`CN=team,OU=groups,${base}`, `CN=staff,OU=groups,${base}`]
      expect((yield* lines("groups", alice)).sort()).toEqual([`CN=Domain Users,CN=Users,${base}`, team])
      expect(yield* lines("groups", alice, "--nested")).toEqual(expect.arrayContaining([team, staff]))
      expect(yield* lines("members", staff)).toEqual([team])
      expect((yield* lines("members", staff, "--nested")).sort()).toEqual([alice, `CN=bob,OU=people,${base}`])
      // Samba sends as many values at once as Active Directory does.
      expect(yield* lines("members", `CN=big,OU=groups,${base}`)).toHaveLength(1600)
    }))
})
