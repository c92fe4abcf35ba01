/**
 * LDAP clients of other projects against the directory in memory and against slapd, with the same entries: Debian's ldap-utils,
 * python-ldap and Net::LDAP. Every answer must be the same, except for those in `differences`.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { execFile } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { inject } from "vitest"
import * as Ldif from "../../src/model/ldif/Ldif.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"
import { makeCertificates } from "../servers/certificates.ts"
import { admin, base, directory } from "../servers/directory.ts"
import { accountsBase } from "../servers/slapd/accounts.ts"
import { ensureSlapd, startSlapd } from "../servers/slapd/slapd.ts"

/**
 * The allowed differences and their reasons. A listed difference that doesn't occur is a failure too.
 */
const differences: Readonly<Record<string, string>> = {}

// ---------------------------------------------------------------------------------------------------------------------
// What is installed
// ---------------------------------------------------------------------------------------------------------------------

const clients = inject("foreignClients")

// ---------------------------------------------------------------------------------------------------------------------
// The two servers
// ---------------------------------------------------------------------------------------------------------------------

/** With the access rules of slapd in these tests: all users may read, and write to their own entry. */
const access: InMemoryDirectory.Access = (identity, operation) =>
  operation._tag === "SearchRequest" || operation._tag === "CompareRequest" ||
  (operation._tag === "ModifyRequest" && identity !== "" && operation.dn === identity)

/** A slapd and a directory in memory, both fresh, each with its URL. */
const servers = Effect.gen(function*() {
  const found = ensureSlapd()
  if ("missing" in found) return yield* Effect.die(found.missing)
  const slapd = yield* Effect.acquireRelease(
    Effect.promise(() => startSlapd(found.path)),
    ({ stop }) => Effect.promise(stop)
  )
  // The referrals in both name slapd, so that they are the same.
  const memory = yield* InMemoryDirectory.make({
    ldif: directory(slapd.urls.ldap),
    suffixes: [base, accountsBase],
    admin,
    sizeLimit: 500,
    access
  })
  const { url } = yield* InMemoryDirectory.listen(memory)
  return { memory, urls: { slapd: slapd.urls.ldap, memory: url } }
})

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

/** slapd escapes in hexadecimal (`\\2C`) what others escape with a backslash alone. Both forms mean the same. */
const sameEscapes = (text: string): string =>
  text.replace(/\\+([0-9a-fA-F]{2})/g, (_, hex: string) => `\\${String.fromCharCode(Number.parseInt(hex, 16))}`)
    .replace(/\\+(?=[,+"])/g, "\\")

/** Compares both sides, step by step. Returns differences that aren't listed, and listed ones that don't occur. */
const compare = (
  client: string,
  theirs: ReadonlyMap<string, unknown>,
  ours: ReadonlyMap<string, unknown>
) => {
  assert.deepStrictEqual([...ours.keys()], [...theirs.keys()])
  assert.isAbove(theirs.size, 20)
  const unexpected: Array<unknown> = []
  for (const [name, expected] of theirs) {
    const found = ours.get(name)
    const same = sameEscapes(JSON.stringify(found)) === sameEscapes(JSON.stringify(expected))
    if (same === (differences[`${client}: ${name}`] !== undefined)) {
      unexpected.push({ name, slapd: expected, memory: same ? "the same, but listed as different" : found })
    }
  }
  // One line for each answer, so that differences are visible.
  assert.strictEqual(unexpected.map((one) => JSON.stringify(one)).join("\n"), "")
}

/** libldap and Net::LDAP send an unbind each time, and nothing after it. */
const saidGoodbye = Effect.fnUntraced(function*(memory: InMemoryDirectory.InMemoryDirectory) {
  const connections = yield* memory.awaitClosed
  assert.isTrue(connections.every(({ octetsAfterUnbind, unbinds }) => unbinds <= 1 && octetsAfterUnbind === 0))
  return connections.filter(({ unbinds }) => unbinds === 1).length / connections.length
})

// ---------------------------------------------------------------------------------------------------------------------
// ldap-utils
// ---------------------------------------------------------------------------------------------------------------------

const people = `ou=people,${base}`
const scratch = `ou=scratch,${base}`
const alice = `uid=alice,${people}`
const asAdmin = ["-D", admin.dn, "-w", admin.password]
const asAlice = ["-D", alice, "-w", "alicepw-1"]

type Step = readonly [name: string, program: string, args: ReadonlyArray<string>, input?: string]

const find = (name: string, ...args: ReadonlyArray<string>): Step => [
  `ldapsearch: ${name}`,
  "ldapsearch",
  ["-LLL", "-o", "ldif-wrap=no", ...args]
]
const modify = (name: string, who: ReadonlyArray<string>, ...lines: ReadonlyArray<string>): Step => [
  `ldapmodify: ${name}`,
  "ldapmodify",
  who,
  `${lines.join("\n")}\n`
]

const steps: ReadonlyArray<Step> = [
  find("everything, as anonymous", "-b", people),
  find("everything that the administrator sees", ...asAdmin, "-b", people),
  find("groups of a person", "-b", base, `(&(objectClass=groupOfNames)(member=${alice}))`, "cn"),
  find("one level", "-b", base, "-s", "one", "ou"),
  find("children", "-b", people, "-s", "children", "1.1"),
  find("base", "-b", alice, "-s", "base", "*", "structuralObjectClass", "hasSubordinates"),
  find("operational", "-b", alice, "-s", "base", "entryDN", "subschemaSubentry"),
  find("types only", "-A", "-b", alice, "-s", "base"),
  find("no such base", "-b", `cn=x,ou=y,${people}`),
  find("a bad name", "-b", "nonsense"),
  find("outside", "-b", "dc=elsewhere"),
  find("size limit", "-z", "5", "-b", `ou=many,${base}`, "1.1"),
  find("the server's limit", "-b", `ou=many,${base}`, "1.1"),
  find("pages", "-E", "!pr=100/noprompt", "-b", `ou=many,${base}`, "1.1"),
  find("pages of the administrator", ...asAdmin, "-E", "!pr=500/noprompt", "-b", `ou=many,${base}`, "1.1"),
  find("non-ASCII", "-b", people, "(sn=müller*)", "sn", "cn"),
  find("binary", "-b", people, "(jpegPhoto=*)", "jpegPhoto", "description"),
  find("an unknown critical control", "-e", "!1.2.3.4", "-b", people),
  find("a referral", "-b", `cn=elsewhere,ou=referrals,${base}`, "-s", "base"),
  find("ManageDsaIT", "-M", "-b", `cn=elsewhere,ou=referrals,${base}`, "-s", "base"),
  find("references", "-b", `ou=referrals,${base}`, "cn"),
  find("an alias, followed", "-a", "always", "-b", `cn=alias,ou=referrals,${base}`, "-s", "base", "uid"),
  find("sorted", "-E", "!sss=-uidNumber", "-z", "3", "-b", `ou=many,${base}`, "cn"),
  find("a page of a list", "-E", "!sss=cn", "-E", "!vlv=0/2/1/5", "-b", people, "(uid=*)", "1.1"),
  find("values that match", "-E", "mv=(objectClass=device)", "-b", `cn=e0001,ou=many,${base}`, "*"),
  find("an assertion that holds", "-e", "!assert=(sn=Example)", "-b", alice, "-s", "base", "sn"),
  find("an assertion that doesn't", "-e", "!assert=(sn=Other)", "-b", alice, "-s", "base", "sn"),
  find("as another identity", ...asAdmin, "-e", `!authzid=dn:${alice}`, "-b", alice, "-s", "base", "sn"),
  find("the root", "-b", "", "-s", "base", "namingContexts", "supportedLDAPVersion", "subschemaSubentry"),
  find("two escaped bytes of a filter", "-b", people, "(cn=\\c3\\bc*)", "1.1"),
  find("a filter that is undefined", "-b", people, "(|(uidNumber=x)(uid=bob))", "1.1"),
  find("a substring", "-b", people, "(cn=*l*e*)", "1.1"),
  find("a matching rule", "-b", people, "(cn:caseExactMatch:=alice Example)", "1.1"),
  find("an unknown matching rule", "-b", people, "(cn:1.2.3.4:=x)", "1.1"),
  find("all and none", "-b", people, "(&)", "1.1"),
  ["ldapwhoami: anonymous", "ldapwhoami", []],
  ["ldapwhoami: the administrator", "ldapwhoami", asAdmin],
  ["ldapwhoami: alice", "ldapwhoami", asAlice],
  ["ldapwhoami: wrong password", "ldapwhoami", ["-D", alice, "-w", "wrong"]],
  ["ldapwhoami: empty password", "ldapwhoami", ["-D", alice, "-w", ""]],
  ["ldapcompare: true", "ldapcompare", [...asAdmin, alice, "sn:EXAMPLE"]],
  ["ldapcompare: false", "ldapcompare", [...asAdmin, alice, "sn:x"]],
  ["ldapcompare: no attribute", "ldapcompare", [...asAdmin, alice, "title:x"]],
  ["ldapcompare: no entry", "ldapcompare", [...asAdmin, `uid=x,${people}`, "sn:x"]],
  ["ldapadd", "ldapadd", asAdmin, `dn: cn=f,${scratch}\nobjectClass: device\ncn: f\ndescription: one\n`],
  ["ldapadd: again", "ldapadd", asAdmin, `dn: CN=F , ${scratch}\nobjectClass: device\ncn: f\n`],
  ["ldapadd: anonymous", "ldapadd", [], `dn: cn=g,${scratch}\nobjectClass: device\ncn: g\n`],
  ["ldapadd: alice", "ldapadd", asAlice, `dn: cn=g,${scratch}\nobjectClass: device\ncn: g\n`],
  ["ldapadd: no parent", "ldapadd", asAdmin, `dn: cn=g,cn=h,${scratch}\nobjectClass: device\ncn: g\n`],
  modify(
    "add, delete, replace",
    asAdmin,
    `dn: cn=f,${scratch}`,
    "add: description",
    "description: two",
    "-",
    "delete: description",
    "description: one",
    "-",
    "replace: serialNumber",
    "serialNumber: 1"
  ),
  modify("a value that is there", asAdmin, `dn: cn=f,${scratch}`, "add: description", "description: TWO"),
  modify("a value that isn't", asAdmin, `dn: cn=f,${scratch}`, "delete: description", "description: three"),
  modify("one's own", asAlice, `dn: ${alice}`, "replace: description", "description: me"),
  modify("another's", asAlice, `dn: uid=bob,${people}`, "replace: description", "description: not me"),
  modify("no entry", asAdmin, `dn: cn=none,${scratch}`, "replace: description", "description: x"),
  modify("no assertion", [...asAdmin, "-e", "!assert=(description=nothing)"], `dn: cn=f,${scratch}`, "add: l", "l: x"),
  modify("what it was before", [...asAdmin, "-e", "!preread=description"], `dn: cn=f,${scratch}`, "add: l", "l: x"),
  modify("increment", asAdmin, `dn: cn=e0001,ou=many,${base}`, "increment: uidNumber", "uidNumber: 3"),
  modify("permissive", [...asAdmin, "-M", "-e", "!relax"], `dn: cn=f,${scratch}`, "replace: l", "l: y"),
  modify("an invalid number", asAdmin, `dn: cn=e0001,ou=many,${base}`, "replace: uidNumber", "uidNumber: many"),
  modify("two numbers", asAdmin, `dn: cn=e0001,ou=many,${base}`, "add: uidNumber", "uidNumber: 1"),
  modify("the last object class", asAdmin, `dn: cn=f,${scratch}`, "delete: objectClass"),
  modify(
    "an invalid value of what only servers set",
    asAdmin,
    `dn: cn=f,${scratch}`,
    "replace: entryUUID",
    "entryUUID: x"
  ),
  modify(
    "what only servers set",
    asAdmin,
    `dn: cn=f,${scratch}`,
    "replace: entryUUID",
    "entryUUID: 0c9e2ddc-7aad-1041-9d4b-176c39f1d366"
  ),
  ["ldapdelete: no assertion", "ldapdelete", [...asAdmin, "-e", "!assert=(cn=x)", `cn=f,${scratch}`]],
  ["ldapexop: cancel", "ldapexop", [...asAdmin, "cancel", "99"]],
  ["ldapexop: who am I", "ldapexop", [...asAdmin, "whoami"]],
  ["ldapexop: an unknown operation", "ldapexop", [...asAdmin, "1.2.3.4"]],
  ["ldapmodrdn", "ldapmodrdn", [...asAdmin, "-r", `cn=f,${scratch}`, "cn=F2"]],
  ["ldapmodrdn: elsewhere", "ldapmodrdn", [...asAdmin, "-s", people, `cn=F2,${scratch}`, "cn=F3"]],
  ["ldapmodrdn: no entry", "ldapmodrdn", [...asAdmin, `cn=f,${scratch}`, "cn=F2"]],
  find("what became of it", ...asAdmin, "-b", base, "(objectClass=device)(cn=f3)", "*"),
  find("what became of it, by name", ...asAdmin, "-b", `cn=f3,${people}`),
  ["ldapdelete: not a leaf", "ldapdelete", [...asAdmin, people]],
  ["ldapdelete: anonymous", "ldapdelete", [`cn=F3,${people}`]],
  ["ldapdelete", "ldapdelete", [...asAdmin, `cn=F3,${people}`]],
  ["ldapdelete: again", "ldapdelete", [...asAdmin, `cn=F3,${people}`]],
  ["ldappasswd: the administrator", "ldappasswd", [...asAdmin, "-s", "fresh", `uid=bob,${people}`]],
  ["ldapwhoami: the old password", "ldapwhoami", ["-D", `uid=bob,${people}`, "-w", "bobpw-1"]],
  ["ldapwhoami: the new password", "ldapwhoami", ["-D", `uid=bob,${people}`, "-w", "fresh"]],
  ["ldappasswd: one's own", "ldappasswd", [...asAlice, "-a", "alicepw-1", "-s", "mine"]],
  ["ldappasswd: another's", "ldappasswd", ["-D", alice, "-w", "mine", "-s", "x", `uid=carol,${people}`]],
  ["ldappasswd: no entry", "ldappasswd", [...asAdmin, "-s", "x", `uid=none,${people}`]]
]

/** The output of a tool, without texts for people. */
const facts = ({ code, errors, output }: Outcome, program: string) => ({
  code,
  matched: errors.split("\n").filter((line) => /^\s*matched DN: /i.test(line)).map((line) => line.trim().toLowerCase()),
  referrals: errors.split("\n").filter((line) => /^\s*ldaps?:\/\//.test(line)).map((line) => line.trim()),
  output: program !== "ldapsearch" ? (program === "ldapwhoami" ? output : "") : Result.match(
    Ldif.parse(output.replace(/^#.*\n/gm, "")),
    {
      onFailure: (error) => `${error.message}: ${output}`,
      onSuccess: (records) =>
        records.map((record) => [
          record.dn,
          ...(record._tag !== "Entry" ?
            [] :
            record.attributes.map(({ description, values }) =>
              `${description}: ${values.map((value) => Buffer.from(value).toString("base64")).sort().join(" ")}`
            ).sort())
        ]).sort((a, b) => ((a[0] ?? "") < (b[0] ?? "") ? -1 : 1))
    }
  )
})

const utilities = Effect.fnUntraced(function*(url: string) {
  const answers = new Map<string, unknown>()
  for (const [name, program, args, input] of steps)
    answers.set(name, facts(yield* run(program, ["-x", "-H", url, ...args], input), program))
  return answers
})

/** A script of the folder `foreign`, which prints its answers as JSON. */
const script = (interpreter: string, name: string) =>
  Effect.fnUntraced(function*(url: string) {
    const file = fileURLToPath(new URL(`foreign/${name}`, import.meta.url))
    const { code, errors, output } = yield* run(interpreter, [file, url, base, admin.dn, admin.password])
    assert.strictEqual(errors, "")
    assert.strictEqual(code, 0)
    // The script prints an object by the names of its steps.
    return new Map<string, unknown>(Object.entries(JSON.parse(output) as Record<string, unknown>))
  })

// ---------------------------------------------------------------------------------------------------------------------
// The tests
// ---------------------------------------------------------------------------------------------------------------------

it.live.skipIf(!clients["ldap-utils"] || !clients["python3-ldap"])(
  "StartTLS, as others begin it",
  () =>
    Effect.gen(function*() {
      const { ca, server } = makeCertificates()
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "foreign-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
      )
      const caFile = join(folder, "ca.pem")
      writeFileSync(caFile, ca.cert)
      const memory = yield* InMemoryDirectory.make({ ldif: directory("ldap://127.0.0.1"), admin })
      const { url } = yield* InMemoryDirectory.listen(memory, { startTls: server })
      const whoAmI = ["-ZZ", "-x", "-H", url, ...asAdmin]
      const trusted = yield* run("ldapwhoami", whoAmI, "", { LDAPTLS_CACERT: caFile })
      assert.deepStrictEqual([trusted.code, trusted.output], [0, `dn:${admin.dn}\n`])
      const untrusted = yield* run("ldapwhoami", whoAmI, "", { LDAPTLS_CACERT: "/dev/null" })
      assert.notStrictEqual(untrusted.code, 0)
      const python = yield* run("/usr/bin/python3", [
        "-c",
        `import ldap,sys
ldap.set_option(ldap.OPT_X_TLS_CACERTFILE, sys.argv[2])
c = ldap.initialize(sys.argv[1])
c.start_tls_s()
c.simple_bind_s(sys.argv[3], sys.argv[4])
print(c.whoami_s())`,
        url,
        caFile,
        admin.dn,
        admin.password
      ])
      assert.deepStrictEqual([python.output, python.errors], [`dn:${admin.dn}\n`, ""])
    }),
  600_000
)

describe.skipIf(inject("slapd") === undefined)("foreign clients get the answers that slapd gives", () => {
  // Some two hundred processes, on a machine that may be busy.
  const limit = 600_000
  const suites: ReadonlyArray<
    readonly [keyof typeof clients, (url: string) => Effect.Effect<ReadonlyMap<string, unknown>>]
  > = [
    ["ldap-utils", utilities],
    ["python3-ldap", script("/usr/bin/python3", "pythonLdap.py")],
    ["libnet-ldap-perl", script("perl", "netLdap.pl")]
  ]
  for (const [name, answers] of suites) {
    it.live.skipIf(!clients[name])(name, () =>
      Effect.gen(function*() {
        const { memory, urls } = yield* servers
        const [theirs, ours] = yield* Effect.all([answers(urls.slapd), answers(urls.memory)], { concurrency: 2 })
        compare(name, theirs, ours)
        const polite = yield* saidGoodbye(memory)
        assert.isAbove(polite, 0)
      }), limit)
  }
})
