/**
 * Compares the command line with `ldapsearch` and `ldapmodify`: the output of queries byte by byte, and the entries after an LDIF file was
 * applied. Each server's test file runs both.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { runCli } from "./runCli.ts"

/** A server, and the base below which the tests may write. */
export interface Subject {
  readonly url: string
  readonly caFile: string
  readonly base: string
  /** A part of it that no other test changes meanwhile, for searches of whole subtrees. */
  readonly part: string
  readonly people: string
  readonly scratch: string
  readonly admin: { readonly dn: string; readonly password: string }
  /** The class of people that are added. */
  readonly personClass: string
  /** Whether the server sends more entries than the size limit allows, all of which `ldapsearch` prints. */
  readonly ignoresSizeLimit?: boolean
  /** Attributes whose values differ in each run. */
  readonly volatile: ReadonlyArray<string>
}

interface Ended {
  readonly code: number
  readonly stdout: Buffer
  readonly stderr: string
}

/** One of OpenLDAP's tools, with the same settings. */
const tool = (
  name: "ldapsearch" | "ldapmodify",
  { admin, caFile, url }: Subject,
  args: ReadonlyArray<string>,
  input = ""
): Effect.Effect<Ended> =>
  Effect.promise(() => {
    const folder = mkdtempSync(join(tmpdir(), "effect-ldap-cli-"))
    writeFileSync(join(folder, "password"), admin.password, { mode: 0o600 })
    return new Promise<Ended>((resolve) => {
      const child = execFile(
        name,
        ["-x", "-H", url, "-D", admin.dn, "-y", join(folder, "password"), ...args],
        {
          encoding: "buffer",
          maxBuffer: 1 << 28,
          env: { ...process.env, LDAPTLS_CACERT: caFile, LDAPCONF: "/dev/null" }
        },
        (error, stdout, stderr) => {
          rmSync(folder, { recursive: true, force: true })
          resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr: stderr.toString() })
        }
      )
      // If it ends without reading its input, that is not an error of the test.
      child.stdin?.on("error", () => {})
      child.stdin?.end(input)
    })
  })

const environment = ({ admin, base, caFile, url }: Subject) => ({
  LDAP_URL: url,
  LDAP_CA: caFile,
  LDAP_BIND_DN: admin.dn,
  LDAP_PASSWORD: admin.password,
  LDAP_ALLOW_INSECURE_AUTH: "true",
  LDAP_BASE: base
})

/** Flags that both programs have, filter, attributes. */
const queries = (
  { base, ignoresSizeLimit = false, part, people, volatile }: Subject
): ReadonlyArray<ReadonlyArray<string>> => [
  ["-b", part, "(objectClass=*)"],
  ["-b", part, "(objectClass=*)", "1.1"],
  ["-b", base, "-s", "base", "(objectClass=*)", "*", "+"],
  ["-b", base, "-s", "one", "(objectClass=*)", "objectClass"],
  ["-b", part, "-s", "children", "(objectClass=*)", "description", "cn"],
  ["-b", part, "-A", "(objectClass=*)"],
  ["-b", people, "(cn=*a*)", "cn", "sn", "member", "memberOf"],
  // Not the whole tree, in which other tests have units and people.
  ["-b", base, "-s", "one", "(|(sn=*)(&(ou=*)(!(ou=groups))))", "*", ...volatile],
  ["-b", people, "(|(sn=*)(&(ou=*)(!(ou=groups))))", "*", ...volatile],
  ["-b", people, "(objectClass=*)", "*", "+"],
  // At the top there are references to other servers.
  ["-b", base, "(cn=not there)"],
  ["-b", people, "(objectClass=*)", "userPassword", "jpegPhoto", "objectGUID", "objectSid"],
  ["-b", "", "-s", "base", "(objectClass=*)", "namingContexts", "supportedLDAPVersion", "supportedControl"],
  ["-b", `ou=missing,${base}`, "(objectClass=*)"],
  ...(ignoresSizeLimit ? [] : [["-b", part, "-z", "3", "(objectClass=*)", "objectClass"]])
]

/** Entries with values of all kinds, and every kind of change; some records fail. */
const changes = (base: string, personClass: string): string => {
  const person = (name: string, more: string): string =>
    `dn: cn=${name},${base}\nchangetype: add\nobjectClass: ${personClass}\nsn: ${name}\n${more}\n`
  return [
    person("one", "cn: one\ndescription: plain\ntelephoneNumber: +49 30 1"),
    person("two", `cn: two\ndescription:: ${Buffer.from("Zoë, a colon: and 木").toString("base64")}`),
    person("three", `cn: three\ndescription: ${"long ".repeat(60)}end`),
    person("four", `cn: four\ndescription:: ${Buffer.from(" space at both ends ").toString("base64")}`),
    // The value exists already.
    person("one", "cn: one"),
    `dn: cn=one,${base}\nchangetype: modify\nreplace: description\ndescription: changed\n-\nadd: seeAlso\nseeAlso: cn=two,${base}\n-\n`,
    `dn: cn=two,${base}\nchangetype: modify\ndelete: telephoneNumber\n-\n`,
    `dn: cn=three,${base}\nchangetype: modify\nadd: telephoneNumber\ntelephoneNumber: 1\ntelephoneNumber: 2\n-\ndelete: description\n-\n`,
    `dn: cn=four,${base}\nchangetype: modrdn\nnewrdn: cn=fourth\ndeleteoldrdn: 1\n`,
    `dn: cn=missing,${base}\nchangetype: delete\n`,
    `dn: cn=two,${base}\nchangetype: delete\n`,
    // The value is gone already.
    `dn: cn=two,${base}\nchangetype: modify\nreplace: description\ndescription: x\n-\n`
  ].join("\n")
}

/**
 * What both programs print for one search. Other test files write to the same servers, so ldapsearch runs before and after, and both
 * run again where its two outputs differ.
 */
const bothFor = Effect.fnUntraced(
  function*(server: Subject, theirArgs: ReadonlyArray<string>, ourArgs: ReadonlyArray<string>) {
    for (let attempt = 1;; attempt++) {
      const theirs = yield* tool("ldapsearch", server, ["-LLL", ...theirArgs])
      const ours = yield* runCli(["search", ...ourArgs], { env: environment(server) })
      const after = yield* tool("ldapsearch", server, ["-LLL", ...theirArgs])
      if (attempt === 100 || theirs.stdout.equals(after.stdout)) return { theirs, ours }
    }
  }
)

/** Defines the tests of a server. `subject` is called when the server runs. */
export const compareWithTools = (subject: () => Subject): void => {
  describe("search", () => {
    it.effect("writes what ldapsearch -LLL writes, byte by byte", () =>
      Effect.gen(function*() {
        const server = subject()
        for (const query of queries(server)) {
          const { ours, theirs } = yield* bothFor(server, query, query)
          expect({ query, text: ours.stdout.toString() }).toEqual({ query, text: theirs.stdout.toString() })
          expect(ours.stdout.equals(theirs.stdout)).toBe(true)
          // With --limit the client has as many entries as requested, and succeeds; ldapsearch reports the size limit.
          if (!query.includes("-z")) expect({ query, code: ours.code }).toEqual({ query, code: theirs.code })
        }
      }))

    it.effect("leaves lines whole as ldapsearch does, and folds them at any width", () =>
      Effect.gen(function*() {
        const server = subject()
        for (const [width, wrap] of [["no", "no"], ["40", "40"]] as const) {
          const query = ["-b", server.part, "(objectClass=*)"]
          const { ours, theirs } = yield* bothFor(
            server,
            ["-o", `ldif-wrap=${width}`, ...query],
            ["--wrap", wrap, ...query]
          )
          expect(ours.stdout.toString()).toBe(theirs.stdout.toString())
        }
      }))

    it.effect("gets with --all what ldapsearch gets in pages", () =>
      Effect.gen(function*() {
        const server = subject()
        const query = ["-b", server.part, "(objectClass=*)", "1.1"]
        const { ours, theirs } = yield* bothFor(
          server,
          ["-E", "pr=100/noprompt", ...query],
          ["--all", "--page-size", "100", ...query]
        )
        // ldapsearch writes references and blank lines of pages in its own order.
        const names = (text: Buffer) => text.toString().split("\n").filter((line) => line.startsWith("dn:")).sort()
        expect(names(ours.stdout).length).toBeGreaterThan(3)
        expect(names(ours.stdout)).toEqual(names(theirs.stdout))
      }))
  })

  describe("apply", () => {
    it.effect("leaves the same entries as ldapmodify -c", () =>
      Effect.gen(function*() {
        const server = subject()
        const env = environment(server)
        const id = crypto.randomUUID().slice(0, 8)
        const places = { ours: `ou=ours-${id},${server.scratch}`, theirs: `ou=theirs-${id},${server.scratch}` }
        for (const dn of Object.values(places)) {
          const added = yield* runCli(["add", dn, "objectClass=organizationalUnit"], { env })
          expect(added).toMatchObject({ code: 0 })
        }
        const theirs = yield* tool("ldapmodify", server, ["-c"], changes(places.theirs, server.personClass))
        const ours = yield* runCli(["apply", "-c", "-"], {
          env,
          stdin: changes(places.ours, server.personClass)
        })
        // ldapmodify exits with the code of the last failure, and the command line with that of the first.
        expect(theirs.code).not.toBe(0)
        const failures = Array.from(theirs.stderr.matchAll(/^ldap_\w+: .* \((\d+)\)$/gm), ([, code]) => Number(code))
        expect(failures.length).toBeGreaterThanOrEqual(4)
        expect(ours.code).toBe(failures[0])
        expect(ours.stderr).toContain(`${12 - failures.length} records applied, ${failures.length} failed.`)
        const left = Effect.fnUntraced(function*(dn: string) {
          const { stdout } = yield* runCli(["search", "--wrap", "no", "-b", dn, "(sn=*)", "*"], { env })
          const id = new RegExp(dn.split(",", 1)[0]!, "gi")
          return stdout.toString().split("\n\n").map((entry) =>
            entry.replaceAll(id, "ou=place").split("\n")
              // Values that a server generates for each entry: identifiers and times.
              .filter((line) => !server.volatile.some((name) => line.startsWith(`${name}:`)))
          ).sort()
        })
        const mine = yield* left(places.ours)
        expect(mine.flat().some((line) => /^dn: cn=fourth,ou=place,/i.test(line))).toBe(true)
        expect(mine).toEqual(yield* left(places.theirs))

        // The same file again as a dry run: it changes nothing, and reports the records that fail now.
        const dry = yield* runCli(["apply", "--dry-run", "-"], { env, stdin: changes(places.ours, server.personClass) })
        expect(dry.code).toBe(68)
        expect(yield* left(places.ours)).toEqual(mine)

        for (const dn of Object.values(places)) {
          expect(yield* runCli(["delete", "--tree", "--yes", dn], { env })).toMatchObject({ code: 0 })
        }
      }))
  })
}
