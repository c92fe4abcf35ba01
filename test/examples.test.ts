/**
 * The examples run straight from source, without a server, print their results and end by themselves. Each test checks the output of
 * one example.
 *
 * All run in one process, since most of the time would go into starting it and reading this library: those that end with a
 * promise one after another, those that are run by `runMain` after them.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, beforeAll, describe, it } from "vitest"

const folder = fileURLToPath(new URL("../examples", import.meta.url))

/** Files of examples, and `main.ts` of those that are folders. */
const programs = readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
  if (entry.isFile() && entry.name.endsWith(".ts")) return [entry.name]
  const isProgram = entry.isDirectory() && readdirSync(join(folder, entry.name)).includes("main.ts")
  return isProgram ? [`${entry.name}/main.ts`] : []
})

const says: Readonly<Record<string, RegExp>> = {
  "active-directory.ts":
    /ca3cdbb1a5761f4b9b3a3d2e61a2c8f0.*may not reset the password; with one more entry it may.*Ada Lovelace is in Domain Users/s,
  "connect.ts":
    /the right URL: connected; protection: local.*doesn't speak TLS.*doesn't start TLS here.*nothing listens.*position 0/s,
  "failover.ts":
    /Berlin is killed:(?:(?!FAILED|another user).)*answered by Paris(?:(?!FAILED|another user).)*answered by Lisbon(?:(?!FAILED|another user).)*Lisbon is killed:(?:(?!FAILED|another user).)*answered by Berlin/s,
  "follow.ts":
    /followed by contentSync.*after a change: +Hopper[^\n]*King[^\n]*\nstopped[^\n]*Hopper[^\n]*\ncaught up, 1 entry sent: +Dijkstra[^\n]*; King[^;\n]*\n/s,
  "from-ldapjs.ts":
    /ldapjs +(cn=Ada Lovelace,dc=example,dc=org)\neffect-ldap +\1\nthe filter +\(&\(objectClass=person\)\(cn=Ada\*\)\)\nthe change +of ldapjs/,
  "from-ldapts/main.ts":
    /ldapts +(\+44 20 1234, false, true, false)\n(?:[^\n]*\n)*?drop-in +\1\n(?:[^\n]*\n)*?Effect +\1/,
  "groups.ts":
    /2 members\n[^\n]*ada \(level 2\), grace \(level 2\)\n[^\n]*\n[^\n]*nested: true, directly: false\n.*1 added, 1 removed, 1 unchanged\nstopped: 2 of 2/,
  "large-results.ts":
    /limit, after 1000 entries\nin pages of 500: 2500 entries; counted: 2500\nthe first 10\n.*: 100\n.*p2499\n5 from place 101 of 2500\n.*1500 at once, 2500/,
  "login-api/main.ts":
    /"ada" +200 Ada Lovelace, ada@example.org.*"unlisted" +WrongLogin.*4 sessions so far, 3 unbound, 1 open/s,
  "login-direct.ts":
    /ada +uid=ada[^\n]*operators \(direct\), staff \(nested\); roles: reader, writer.*ada,ou=elsewhere +WrongCredentials.*EmptyPassword.*AccountLocked/s,
  "login.ts":
    /"ada" +200 welcome, Ada Lovelace.*9 binds for logins on 6 sessions, .*; 6 unbound once; 1 connection open/s,
  "passwords.ts":
    /grace +logged in; the password expires in 10 days\nlinus [^\n]*1 more login\nlinus [^\n]*changed\nada +refused, passwordTooShort\nada +changed\nken +MustChange[^\n]*\nken [^\n]*changed\nbarbara +AccountLocked/,
  "promises-express.ts": /Express ada +200 engine\nExpress \* +404 \nExpress 1 unbind, 0 connections left/,
  "promises-fastify.ts": /Fastify ada +200 engine\nFastify \* +404 \nFastify 1 unbind, 0 connections left/,
  "promises.ts": /ada +200 engine\n\* +404 \n1 unbind, 0 connections left/,
  "quickstart.ts": /fibers +19 of 20 found \d+ people, one was interrupted/,
  "replica/main.ts":
    /Grace Brewster Hopper sits in room 2.17\nstopped: 10 of 21 would be deleted; 21 rows are there.*compared 11 entries: 0 differences/s,
  "schema-generate.ts": /class InetOrgPerson/,
  "schema-people.ts": /\S/,
  "security.ts":
    /uid=\\2a\\29.*uid=u1\\,dc=elsewhere.*in clear text; use ldaps.*empty, which servers.*sizeLimitExceeded.*maxMessageSize is 100.*no answer within 50.*is this an LDAP port.*<redacted>/s,
  "start.ts": /One connection, 1 unbind, 0 bytes after it, 0 connections left/,
  "sync.ts": /300 added.*300 unchanged.*too busy \d+ times, and was asked again/s,
  "writes.ts":
    /upsert: Unchanged, Modified, Added\nif unchanged: another has changed it\npre-read: it was 2\nrenamed: true\n.*nothing was changed: true\nLDIF: 2 records applied\ndeleted: 1/,
  "telemetry.ts": /span handle.*db_client_operation_duration_count/s,
  "tenants.ts": /(\d+) sessions, \1 unbinds, 0 connections left/
}

let ran: { readonly status: unknown; readonly output: string; readonly complaint: string }

beforeAll(async () => {
  const imports = programs.map((name) => `await import(${JSON.stringify(join(folder, name))})`)
  // Without the environment variables of a program: the examples must run without any setup.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AD|LDAP|OTEL)_/.test(name)))
  const child = spawn(process.execPath, ["--input-type=module", "--eval", imports.join("\n")], {
    stdio: ["ignore", "pipe", "pipe"],
    env
  })
  let [output, complaint] = ["", ""]
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text))
  const [status] = await once(child, "close")
  ran = { status: status as unknown, output, complaint }
})

describe("examples", () => {
  it("all of them succeed without an error message", () => {
    assert.deepInclude(ran, { status: 0, complaint: "" })
    assert.notMatch(ran.output, /\bundefined\b|\[object Object\]|\bNaN\b/)
  })

  it.each(programs)("%s prints its result", (name) => {
    const line = says[name]
    assert(line !== undefined, "say here what this example shows")
    assert.match(ran.output, line)
  })
})
