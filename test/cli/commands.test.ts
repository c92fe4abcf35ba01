/** Commands in this process, on slapd: what they print, the exit code, and what they refuse. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, inject } from "vitest"
import { passwordOf } from "../servers/directory.ts"
import { type Invocation, type Outcome, runCli } from "./runCli.ts"

const slapd = inject("slapd")
const folder = mkdtempSync(join(tmpdir(), "effect-ldap-cli-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string, content: string): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const base = slapd?.base ?? ""
const people = `ou=people,${base}`
const alice = `uid=alice,ou=people,${base}`
const asAdmin = (): Readonly<Record<string, string>> => ({
  LDAP_URL: slapd!.urls.ldap,
  LDAP_BIND_DN: slapd!.admin.dn,
  LDAP_PASSWORD: slapd!.admin.password,
  LDAP_ALLOW_INSECURE_AUTH: "true",
  LDAP_BASE: base
})

const cli = (
  args: ReadonlyArray<string>,
  invocation: Invocation = {}
): Effect.Effect<Outcome & { readonly text: string }> =>
  Effect.map(
    runCli(args, { ...invocation, env: { ...asAdmin(), ...invocation.env } }),
    (outcome) => ({ ...outcome, text: outcome.stdout.toString() })
  )

describe.skipIf(slapd === undefined)("reading", () => {
  it.effect("JSON has every value, text as text and bytes in base64", () =>
    Effect.gen(function*() {
      const { code, text } = yield* cli(["search", "-o", "json", "(uid=hanako)", "cn", "jpegPhoto"])
      expect(code).toBe(0)
      const [entry] = JSON.parse(text)
      expect(entry.dn).toBe(`uid=hanako,ou=people,${base}`)
      expect(entry.attributes.cn).toEqual(["花子 山田"])
      expect(Buffer.from(entry.attributes.jpegPhoto[0].base64, "base64").subarray(0, 2).toString("hex")).toBe("ffd8")
      const lines = yield* cli(["search", "-o", "jsonl", "(uid=*)", "uid"])
      expect(lines.text.trimEnd().split("\n").map((line) => JSON.parse(line).attributes.uid[0])).toContain("alice")
      expect(JSON.parse((yield* cli(["search", "-o", "json", "(uid=missing)"])).text)).toEqual([])
    }))

  it.effect("CSV needs columns; values of an attribute share a cell", () =>
    Effect.gen(function*() {
      expect((yield* cli(["search", "-o", "csv", "(uid=alice)"])).code).toBe(89)
      const { text } = yield* cli(["search", "-o", "csv", "(uid=alice)", "uid", "objectClass"])
      expect(text).toBe(`dn,uid,objectClass\r\n"${alice}",alice,"inetOrgPerson|posixAccount"\r\n`)
    }))

  it.effect("a value for a placeholder is never syntax", () =>
    Effect.gen(function*() {
      const found = (value: string) =>
        Effect.map(
          cli(["search", "-b", people, "(uid={{login}})", "1.1", "--set", `login=${value}`]),
          ({ text }) => text
        )
      expect(yield* found("alice")).toBe(`dn: ${alice}\n\n`)
      expect(yield* found("*")).toBe("")
      expect((yield* cli(["search", "(uid={{login}})", "--set", "other=x"])).code).toBe(89)
    }))

  it.effect("values become files, under names that the server can't choose", () =>
    Effect.gen(function*() {
      const photos = join(folder, "photos")
      const { code, text } = yield* cli([
        "search",
        "--save",
        "jpegPhoto",
        photos,
        "-b",
        people,
        "(uid=hanako)",
        "uid",
        "jpegPhoto"
      ])
      expect({ code, text }).toEqual({ code: 0, text: `dn: uid=hanako,ou=people,${base}\nuid: hanako\n\n` })
      const [name, ...more] = readdirSync(photos)
      expect(more).toEqual([])
      expect(name).toMatch(/^hanako-[0-9a-f]{12}\.jpg$/)
      expect(readFileSync(join(photos, name!)).subarray(0, 2).toString("hex")).toBe("ffd8")
    }))

  it.effect("flags of ldapsearch are accepted, or refused with the flag to use instead", () =>
    Effect.gen(function*() {
      expect(yield* cli(["search", "-x", "-LLL", "-b", people, "uid=alice", "uid"])).toMatchObject({
        code: 0,
        text: `dn: ${alice}\nuid: alice\n\n`
      })
      const refused = yield* cli(["search", "-w", "hunter2", "(uid=alice)"])
      expect(refused).toMatchObject({ code: 89, text: "" })
      expect(refused.stderr).toContain("-y FILE")
      expect(refused.stderr).not.toContain("hunter2")
      expect((yield* cli(["lookup", alice, "1.1", "--timeout", "10s", "--connect-timeout", "500ms"])).code).toBe(0)
      expect((yield* cli(["lookup", alice, "1.1", "--timeout", "soon"])).code).toBe(89)
    }))

  it.effect("--limit ends a search without a failure", () =>
    Effect.gen(function*() {
      const { code, text } = yield* cli(["search", "--limit", "2", "(objectClass=*)", "1.1"])
      expect({ code, names: text.match(/^dn: /gm)?.length }).toEqual({ code: 0, names: 2 })
    }))

  it.effect("lookup, compare, groups, members and tree", () =>
    Effect.gen(function*() {
      expect((yield* cli(["lookup", alice, "uid"])).text).toBe(`dn: ${alice}\nuid: alice\n\n`)
      expect((yield* cli(["lookup", `uid=missing,${base}`])).code).toBe(32)
      expect(yield* cli(["compare", alice, "uid=ALICE"])).toMatchObject({ code: 0, text: "true\n" })
      expect(yield* cli(["compare", alice, "uid=bob"])).toMatchObject({ code: 5, text: "false\n" })
      expect((yield* cli(["groups", alice])).text.split("\n")).toContain(`cn=team,ou=groups,${base}`)
      expect((yield* cli(["members", `cn=team,ou=groups,${base}`])).text).toBe(`${alice}\nuid=bob,ou=people,${base}\n`)
      expect((yield* cli(["tree", "--depth", "1"])).text).toMatch(/^dc=example,dc=com\n├── ou=people\n/)
    }))

  it.effect("login prints the reason of a refusal", () =>
    Effect.gen(function*() {
      const right = file("right", `${passwordOf("alice")}\n`)
      const wrong = file("wrong", "not this")
      expect(yield* cli(["login", "alice", "--login-password-file", right])).toMatchObject({
        code: 0,
        text: `${alice}\n`
      })
      const refused = yield* cli(["login", "alice", "--login-password-file", wrong])
      expect(refused.code).toBe(49)
      expect(refused.stderr).toContain("password is wrong")
      expect((yield* cli(["login", "*", "--login-password-file", right])).stderr).toContain("no such user")
    }))
})

describe.skipIf(slapd === undefined)("writing", () => {
  const dn = `cn=${crypto.randomUUID()},ou=scratch,${base}`

  it.effect("add, modify, rename, passwd and delete", () =>
    Effect.gen(function*() {
      const photo = join(folder, "photo")
      writeFileSync(photo, Buffer.from("ffd8ff00", "hex"))
      const person = ["objectClass=inetOrgPerson", "sn=x", `jpegPhoto@=${photo}`, "description:=w6Q="]
      expect((yield* cli(["add", dn, ...person])).code).toBe(0)
      expect((yield* cli(["add", dn, ...person])).code).toBe(68)
      const changed = [
        "--add",
        "mail=a@example.org",
        "--add",
        "mail=b@example.org",
        "--replace",
        "description=new",
        "--delete",
        "jpegPhoto"
      ]
      expect((yield* cli(["modify", dn, ...changed])).code).toBe(0)
      expect((yield* cli(["lookup", dn, "mail", "description", "jpegPhoto"])).text).toBe(
        `dn: ${dn}\nmail: a@example.org\nmail: b@example.org\ndescription: new\n\n`
      )
      expect((yield* cli(["modify", dn])).code).toBe(89)
      const secret = file("new-password", "correct horse\n")
      expect((yield* cli(["passwd", dn, "--new-password-file", secret])).code).toBe(0)
      const own = { LDAP_BIND_DN: dn, LDAP_PASSWORD: "", LDAP_PASSWORD_FILE: secret }
      expect((yield* cli(["whoami"], { env: own })).text).toBe(`dn:${dn}\n`)
      const generated = yield* cli(["passwd", dn, "--generate"])
      expect(generated.text.trim().length).toBeGreaterThan(5)
      expect((yield* cli(["rename", dn, "--to", "cn=other name"])).code).toBe(0)
      expect((yield* cli(["delete", `cn=other name,ou=scratch,${base}`])).code).toBe(0)
    }))

  it.effect("a password as an argument is refused before a request is sent", () =>
    Effect.gen(function*() {
      for (
        const args of [["add", dn, "userPassword=hunter2"], ["modify", dn, "--replace", "unicodePwd=hunter2"], [
          "compare",
          dn,
          "userPassword=hunter2"
        ]]
      ) {
        const { code, stderr } = yield* cli([...args, "--trace"])
        expect(code).toBe(89)
        expect(stderr).not.toContain("hunter2")
        expect(stderr).not.toContain("connected to")
      }
    }))

  it.effect("a tree isn't deleted without a terminal or --yes", () =>
    Effect.gen(function*() {
      const { code, stderr } = yield* cli(["delete", "--tree", `ou=groups,${base}`])
      expect(code).toBe(89)
      expect(stderr).toContain("give --yes")
      expect((yield* cli(["lookup", `cn=team,ou=groups,${base}`, "1.1"])).code).toBe(0)
    }))

  it.effect("apply: the dry run shows the changes, and the report has the records that failed", () =>
    Effect.gen(function*() {
      const entry = `cn=${crypto.randomUUID()},ou=scratch,${base}`
      const changes = file(
        "changes.ldif",
        [
          `dn: ${entry}\nobjectClass: person\nsn: x\nuserPassword: hunter2\n`,
          `dn: ${entry}\nchangetype: modify\ndelete: telephoneNumber\n-\n`,
          `dn: ${entry}\nchangetype: modify\nreplace: sn\nsn: y\n-\n`
        ].join("\n")
      )
      const dry = yield* cli(["apply", "--dry-run", changes])
      expect(dry.code).toBe(16)
      expect(dry.text).toContain("! noSuchAttribute")
      expect(dry.text).toContain("- sn: x\n+ sn: y\n")
      expect(dry.text).not.toContain("hunter2")
      expect((yield* cli(["lookup", entry])).code).toBe(32)
      const report = join(folder, "failed.ldif")
      expect((yield* cli(["apply", "--continue", "--report", report, changes])).code).toBe(16)
      expect(readFileSync(report, "utf8")).toMatch(
        /^\n# modify of .*noSuchAttribute.*\ndn: cn=.*\nchangetype: modify\ndelete: telephoneNumber\n-\n$/
      )
      expect(statSync(report).mode & 0o077).toBe(0)
      expect((yield* cli(["lookup", entry, "sn"])).text).toBe(`dn: ${entry}\nsn: y\n\n`)
      // Without --continue the first failure ends the command.
      const stopped = yield* cli(["apply", "-"], { stdin: readFileSync(report, "utf8") })
      expect(stopped.code).toBe(16)
      expect(stopped.stderr).toContain("in line 3 of LDIF")
      expect((yield* cli(["delete", entry])).code).toBe(0)
    }))
})

describe.skipIf(slapd === undefined)("data", () => {
  it.effect("export, transform, import and diff lead back to the same entries", () =>
    Effect.gen(function*() {
      const groups = `ou=groups,${base}`
      const place = `ou=${crypto.randomUUID()},ou=scratch,${base}`
      const backup = join(folder, "backup.ldif")
      // Progress is shown only on a terminal.
      expect(yield* cli(["export", groups, "--output", backup])).toMatchObject({
        code: 0,
        text: "",
        stderr: expect.stringMatching(/^\d+ entries\.\n$/)
      })
      expect(statSync(backup).mode & 0o077).toBe(0)
      const url = `${slapd!.urls.ldap}/${encodeURI(groups)}`
      expect(yield* cli(["diff", backup, url])).toMatchObject({ code: 0, text: "" })
      const moved = yield* cli(["transform", "--from", groups, "--to", place], { stdin: readFileSync(backup, "utf8") })
      // Groups of people who don't exist, since other tests ask for all groups of alice and carol.
      const unfolded = moved.text.replaceAll("\n ", "").replaceAll(/^(member: .*),ou=people,/gm, "$1,ou=nowhere,")
      expect(unfolded).toContain(`dn: cn=team,${place}`)
      const copy = unfolded.replace(`dn: ${place}\nobjectClass: organizationalUnit\nou: groups`, (record) =>
        record.replace("ou: groups", `ou: ${place.slice(3, 39)}`))
      expect((yield* cli(["import", "-"], { stdin: copy })).stderr).toContain("added")
      const again = yield* cli(["import", "--update", "-"], { stdin: copy })
      expect(again.stderr).toContain(" 0 changed")
      const changed = yield* cli(["diff", "-", `${slapd!.urls.ldap}/${encodeURI(place)}`], {
        stdin: copy.replace("cn: team\n", "cn: team\ndescription: gone\n")
      })
      expect(changed.code).toBe(5)
      expect(changed.text).toContain("changetype: modify\ndelete: description\n")
      expect((yield* cli(["apply", "-"], { stdin: changed.text })).code).toBe(16)
      expect((yield* cli(["delete", "--tree", "--yes", place])).code).toBe(0)
    }))

  it.effect("transform --anonymize leaves no names of people", () =>
    Effect.gen(function*() {
      const { text } = yield* cli(["transform", "--anonymize", file("key", "a key")], {
        stdin: "dn: uid=ada,ou=people,dc=example\nobjectClass: person\nuid: ada\nsn: Lovelace\nuserPassword: x\n"
      })
      expect(text).toContain("objectClass: person")
      expect(text).not.toMatch(/ada|Lovelace|userPassword/)
    }))

  it.effect("schema: generates a class, and finds no difference between a server and itself", () =>
    Effect.gen(function*() {
      const { text } = yield* cli(["schema", "generate", "person"])
      expect(text).toContain("export class Person extends LdapSchema.Class<Person>")
      expect((yield* cli(["schema", "show", "person", "--json"])).text).toContain("\"required\"")
      expect((yield* cli(["schema", "generate", "nonsense"])).code).toBe(89)
      expect(yield* cli(["schema", "compare", slapd!.urls.ldap, slapd!.urls.ldap])).toMatchObject({ code: 0, text: "" })
    }))
})

describe.skipIf(slapd === undefined)("check", () => {
  interface Line {
    readonly check: string
    readonly status: string
    readonly detail: string
    readonly advice?: string
  }
  const findings = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
    Effect.map(cli(["check", "--json", ...args], { env }), ({ code, text }) => ({
      code,
      lines: text.trimEnd().split("\n").map((line) => JSON.parse(line) as Line)
    }))

  it.live("names the authority that --ca needs, and ends there", () =>
    Effect.gen(function*() {
      const { code, lines } = yield* findings([slapd!.urls.ldaps])
      expect(code).toBe(1)
      expect(lines.at(-1)).toMatchObject({ check: "trust", status: "failure" })
      expect(lines.at(-1)!.advice).toContain("test CA")
    }))

  it.live("runs all checks over TLS", () =>
    Effect.gen(function*() {
      const { code, lines } = yield* findings([], { LDAP_URL: slapd!.urls.ldaps, LDAP_CA: slapd!.caFile })
      expect(lines.filter(({ status }) => status === "failure")).toEqual([])
      expect(code).toBe(0)
      const checks = new Set(lines.map(({ check }) => check))
      for (
        const check of [
          "DNS",
          "TCP",
          "TLS",
          "TLS versions",
          "certificate",
          "name",
          "trust",
          "bind",
          "vendor",
          "contexts",
          "controls",
          "SASL",
          "paging",
          "anonymous",
          "size limit",
          "ranges",
          "clock",
          "speed"
        ]
      ) {
        expect(checks).toContain(check)
      }
      expect(lines.find(({ check }) => check === "bind")!.detail).toBe(`accepted as dn:${slapd!.admin.dn}`)
      expect(lines.find(({ check }) => check === "vendor")!.detail).toContain("OpenLDAP")
    }))

  it.live("finds a wrong name, a wrong password, a size limit, and a closed port", () =>
    Effect.gen(function*() {
      const wrong = yield* findings([], { LDAP_URL: slapd!.urls.ldaps, LDAP_CA: slapd!.caFile, LDAP_PASSWORD: "wrong" })
      expect(wrong.lines.at(-1)).toMatchObject({ check: "bind", status: "failure" })
      expect(wrong.lines.at(-1)!.detail).toContain("invalidCredentials")
      const user = yield* findings([], { LDAP_BIND_DN: alice, LDAP_PASSWORD: passwordOf("alice") })
      expect(user.lines.find(({ check }) => check === "size limit")!.detail).toContain("500 entries")
      expect(user.lines.find(({ check }) => check === "signing")).toMatchObject({ status: "warning" })
      const closed = yield* findings(["ldap://127.0.0.1:1"])
      expect(closed.lines.at(-1)).toMatchObject({ check: "TCP", status: "failure" })
    }))
})
