/**
 * Tests the packed package with each compiler, bundler and runtime that the README names: `npm run build && npm run
 * check:compatibility`.
 *
 * All of them are installed from npm into a temporary folder. `smoke.mjs` runs on each runtime, against slapd. slapd's log shows
 * how each connection ended: there must be one unbind and no lost connection. `dropIn.mjs` is a program of ldapts, beside several versions
 * of that.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ensureSlapd, startSlapd } from "../servers/slapd/slapd.ts"
import { closedConnections, readConnections } from "../servers/slapd/slapdLog.ts"

const root = join(import.meta.dirname, "../..")
const { name, peerDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly name: string
  readonly peerDependencies: Readonly<Record<string, string>>
}

/** The versions are fixed, so that later runs test the same. */
const runtimes = {
  "node-22": "npm:node@22.23.3",
  "node-24": "npm:node@24.21.0",
  "node-26": "npm:node@26.9.0",
  bun: "1.4.5",
  deno: "2.9.6"
}
const compilers = {
  "typescript-5.8": "npm:typescript@5.8.3",
  "typescript-5.9": "npm:typescript@5.9.3",
  "typescript-6": "npm:typescript@6.0.3",
  "typescript-7": "npm:typescript@7.0.2"
}
/** The drop-in uses the classes of the ldapts that is installed beside it. */
const ldapts = {
  "ldapts-7.0": "npm:ldapts@7.0.6",
  "ldapts-8.0": "npm:ldapts@8.0.0",
  "ldapts-8.1": "npm:ldapts@8.1.2",
  "ldapts-9.2": "npm:ldapts@9.2.0"
}
const bundlers = { esbuild: "0.28.2", webpack: "5.113.0", vite: "8.4.0" }
const others = { "@types/node": "22.20.7" }

const folder = mkdtempSync(join(tmpdir(), "effect-ldap-compatibility-"))
process.on("exit", () => rmSync(folder, { recursive: true, force: true }))

const npm = process.env["npm_execpath"]
if (npm === undefined) throw new Error("run this with `npm run check:compatibility`")
const runNpm = (cwd: string, ...args: ReadonlyArray<string>): void => {
  execFileSync(process.execPath, [npm, ...args], { cwd, stdio: ["ignore", "ignore", "inherit"] })
}
runNpm(root, "pack", "--ignore-scripts", "--silent", "--pack-destination", folder)
const tarball = readdirSync(folder).find((file) => file.endsWith(".tgz"))!
writeFileSync(
  join(folder, "package.json"),
  JSON.stringify({
    name: "program",
    type: "module",
    private: true,
    dependencies: {
      ...runtimes,
      ...compilers,
      ...bundlers,
      ...ldapts,
      ...others,
      [name]: `file:${tarball}`,
      effect: peerDependencies["effect"],
      "@effect/platform-node": peerDependencies["@effect/platform-node"]
    },
    allowScripts: { node: true, deno: true, esbuild: true }
  })
)
runNpm(folder, "install", "--no-audit", "--no-fund", "--loglevel=error")
for (const file of ["smoke.mjs", "dropIn.mjs"]) copyFileSync(join(import.meta.dirname, file), join(folder, file))

const program = (command: string) => join(folder, "node_modules", command)
const commands: Readonly<Record<keyof typeof runtimes, ReadonlyArray<string>>> = {
  "node-22": [program("node-22/bin/node")],
  "node-24": [program("node-24/bin/node")],
  "node-26": [program("node-26/bin/node")],
  bun: [program(".bin/bun")],
  deno: [program(".bin/deno"), "run", "--allow-all"]
}

let failed = 0
const report = (what: string, { status, stderr, stdout }: Output, isQuiet: boolean): void => {
  const passed = status === 0 && (!isQuiet || (stdout + stderr).trim() === "")
  console.log(`${passed ? "ok    " : "FAILED"} ${what}`)
  if (passed) return
  failed++
  console.error(stdout, stderr)
}
interface Output {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}
const runNode = (...args: ReadonlyArray<string>): Output =>
  spawnSync(program("node-24/bin/node"), args, { cwd: folder, encoding: "utf8", timeout: 120_000 })

// Compilers: a program with the types of each entry.
writeFileSync(
  join(folder, "program.ts"),
  `import { Effect, Redacted, Stream } from "effect"
import { LdapAuth, LdapClient } from "effect-ldap"
import * as LdapDn from "effect-ldap/LdapDn"
import { InMemoryDirectory } from "effect-ldap/testing"

const Ldap = LdapClient.layer({ url: "ldaps://ldap.example.org", auth: LdapAuth.simple("cn=a", Redacted.make("b")) })
export const program: Effect.Effect<readonly [number, unknown] | number, Error> = Effect.gen(function*() {
  const ldap = yield* LdapClient.LdapClient
  const count = yield* Stream.runCount(ldap.search({ base: "dc=example" }))
  // @ts-expect-error A number is no string.
  const text: string = count
  return [count, [text, LdapDn.parse("dc=example")]] as const
}).pipe(Effect.catchReason("LdapError", "NoSuchObject", (reason) => Effect.succeed(reason.code)), Effect.provide(Ldap))
export const Test = InMemoryDirectory.layer({ ldif: "" })
`
)
const options = [
  "--noEmit",
  "--strict",
  "--exactOptionalPropertyTypes",
  "--skipLibCheck",
  ...["--target", "ES2022", "--lib", "ES2024,ESNext.Disposable", "--types", "node"]
]
for (const compiler of Object.keys(compilers)) {
  for (const resolution of [["--module", "NodeNext"], ["--module", "ESNext", "--moduleResolution", "bundler"]]) {
    const output = runNode(program(`${compiler}/bin/tsc`), ...options, ...resolution, "program.ts")
    report(`${compiler} compiles a program with ${resolution.at(-1)} resolution`, output, true)
  }
}

// Bundlers: no warning, and the bundle runs.
writeFileSync(
  join(folder, "entry.js"),
  `import { Effect } from "effect"
import { LdapDn, LdapSasl, LdapSession } from "effect-ldap"
if (typeof LdapSession.make !== "function" || typeof LdapSasl.gssapi !== "function") throw new Error("something is missing")
if (Effect.runSync(Effect.succeed(LdapDn.parse("dc=example")._tag)) !== "Success") throw new Error("it doesn't work")
`
)
const bundling: Readonly<Record<keyof typeof bundlers, string>> = {
  esbuild: `import { build } from "esbuild"
await build({ entryPoints: ["entry.js"], bundle: true, platform: "node", format: "esm", outfile: "esbuild.out/main.mjs", logLevel: "warning" })`,
  webpack: `import webpack from "webpack"
const output = { path: process.cwd() + "/webpack.out", filename: "main.mjs", module: true, library: { type: "module" } }
webpack({ mode: "production", target: "node22", entry: "./entry.js", experiments: { outputModule: true }, output }, (error, stats) => {
  const said = error ?? stats.toString({ all: false, errors: true, warnings: true })
  if (said) console.error(said)
})`,
  vite: `import { build } from "vite"
const output = { entryFileNames: "main.mjs" }
await build({
  configFile: false,
  logLevel: "warn",
  build: { ssr: "entry.js", outDir: "vite.out", rollupOptions: { output } },
  ssr: { noExternal: true }
})`
}
for (const [bundler, code] of Object.entries(bundling)) {
  writeFileSync(join(folder, `${bundler}.mjs`), code)
  report(`${bundler} bundles a program without a warning`, runNode(`${bundler}.mjs`), true)
  report("and the bundle runs", runNode(`${bundler}.out/main.mjs`), true)
}

const found = ensureSlapd()
if ("missing" in found) throw new Error(`slapd is needed: ${found.missing}`)
const slapd = await startSlapd(found.path)
try {
  for (const [runtime, command] of Object.entries(commands)) {
    const before = (await readConnections(slapd.logFile)).length
    const { status, stderr, stdout } = spawnSync(command[0]!, [...command.slice(1), "smoke.mjs"], {
      cwd: folder,
      encoding: "utf8",
      timeout: 120_000,
      env: { ...process.env, SMOKE_FACTS: JSON.stringify(slapd), SMOKE_NAME: runtime }
    })
    const version = spawnSync(command[0]!, ["--version"], { encoding: "utf8" }).stdout.split("\n", 1)[0]
    const connections = (await closedConnections(slapd.logFile, "ACCEPT", { count: before })).slice(before)
    // A connection whose TLS handshake fails on this side was never opened, so it has no unbind.
    const isOpened = ({ lines }: (typeof connections)[number]) =>
      lines.some((line) => /^op=\d+ (?:BIND|EXT)/.test(line))
    const opened = connections.filter(isOpened)
    const untidy = opened.filter(({ closed, unbinds }) => unbinds !== 1 || closed !== "")
    const isRefusedHandshake = ({ lines }: (typeof connections)[number]) =>
      lines.some((line) => line.includes("STARTTLS")) && !lines.some((line) => line.includes("TLS established"))
    const wrong = untidy.filter((connection) => !isRefusedHandshake(connection))
    const passed = status === 0 && /^ok 4$/m.test(stdout) && opened.length >= 6 && wrong.length === 0
    console.log(
      `${passed ? "ok    " : "FAILED"} ${runtime}: ${version}, ${opened.length} connections, each unbound once`
    )
    if (!passed) {
      failed++
      console.error(stdout, stderr, wrong.flatMap(({ lines }) => lines).join("\n"))
    }
  }
  for (const version of Object.keys(ldapts)) {
    const { status, stderr, stdout } = spawnSync(program("node-24/bin/node"), ["dropIn.mjs"], {
      cwd: folder,
      encoding: "utf8",
      timeout: 120_000,
      env: { ...process.env, SMOKE_FACTS: JSON.stringify(slapd), LDAPTS: version }
    })
    report(`the drop-in beside ${version}`, { status, stderr, stdout }, true)
  }
} finally {
  await slapd.stop()
}
console.log(failed === 0 ? "\nthe package works with all of them" : `\n${failed} checks failed`)
process.exitCode = failed === 0 ? 0 : 1
