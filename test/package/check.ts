/**
 * Tests the package as users get it: packed, unpacked beside a small program, type-checked as their compilers would do it, and run.
 *
 * `npm run build` must come first. publint and attw check the tarball too, attw with the profile `esm-only`, since this is an ES
 * module and Node decides about `require`. Dependencies are linked from this project's node_modules, which saves an installation
 * and makes no difference for the package.
 */
import { execFileSync } from "node:child_process"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join, relative } from "node:path"
import { rolldown } from "rolldown"

/** The files that compilers, bundlers and Node load for one path. */
interface Files {
  readonly types: string
  readonly module: string
  readonly default: string
}

interface Manifest {
  readonly name: string
  readonly version: string
  readonly bin: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string | Files>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>
}

const root = join(import.meta.dirname, "../..")
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest
const failures: Array<string> = []
const check = (what: string, passed: boolean): void => {
  console.log(`${passed ? "ok    " : "FAILED"} ${what}`)
  if (!passed) failures.push(what)
}

/** Runs a tool of this project. If it fails, its output is shown. */
const run = (what: string, cwd: string, tool: string, ...args: ReadonlyArray<string>): void => {
  try {
    execFileSync(process.execPath, [join(root, "node_modules", tool), ...args], {
      cwd,
      encoding: "utf8",
      stdio: "pipe"
    })
    check(what, true)
  } catch (error) {
    const { stderr, stdout } = error as { readonly stdout?: string; readonly stderr?: string }
    console.error(stdout, stderr)
    check(what, false)
  }
}

// The exports of the package, by the name that a program imports and by their file.
const modules = Object.entries(manifest.exports).flatMap(([path, files]) =>
  typeof files === "string" ? [] : [{ path, files }]
)
for (const { files, path } of modules) {
  const complete = Object.values(files).every((built) => existsSync(join(root, built)))
  const alike = files.types === files.module.replace(/\.js$/, ".d.ts") &&
    basename(files.module) === basename(files.default)
  check(`the build has what "${path}" is for: ${files.module}`, complete && alike)
}
const offered = new Set(modules.flatMap(({ files }) => [files.module, files.default]))
/** The namespaces of an entry: their names and files. */
const namespacesOf = (entry: string) =>
  Array.from(
    readFileSync(join(root, "src", entry), "utf8").matchAll(/^import \* as (\w+) from "\.\/(.+)\.ts"$/gm),
    ([, name, file]) => ({ name: name!, file: `./dist/${file!}.js` })
  )
const entries = {
  ".": namespacesOf("index.ts"),
  "./testing": namespacesOf("testing.ts"),
  "./replica": namespacesOf("replica.ts")
}
/** Not in any entry, since it loads effect/cluster. */
const alone = "./replica/LdapReplicaCluster"
for (const [entry, namespaces] of Object.entries(entries)) {
  check(`"${entry}" has namespaces`, namespaces.length > 0)
  for (const { file, name } of namespaces) {
    const offer = modules.find(({ path }) => path === `${entry}/${name}`)
    check(`"${entry}/${name}" is the same module as ${name} of "${entry}"`, offer?.files.module === file)
  }
}
for (const { path } of modules) {
  if (path in entries || path === "./ldapts" || path === alone) continue
  const entry = (["./testing", "./replica"] as const).find((name) => path.startsWith(`${name}/`)) ?? "."
  check(`"${entry}" has "${path}"`, entries[entry].some(({ name }) => path === `${entry}/${name}`))
}

const folder = mkdtempSync(join(tmpdir(), "effect-ldap-package-"))
process.on("exit", () => rmSync(folder, { recursive: true, force: true }))

const npm = process.env["npm_execpath"]
if (npm === undefined) throw new Error("run this with `npm run check:package`")
const pack = ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder]
execFileSync(process.execPath, [npm, ...pack], { cwd: root, stdio: ["ignore", "ignore", "inherit"] })
const tarball = join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz"))!)
run("publint finds nothing", root, "publint/src/cli.js", tarball, "--strict")
run("attw finds nothing", root, "@arethetypeswrong/cli/dist/index.js", tarball, "--profile", "esm-only")

const nodeModules = join(folder, "node_modules")
const installed = join(nodeModules, manifest.name)
mkdirSync(installed, { recursive: true })
execFileSync("tar", ["-xzf", tarball, "--strip-components", "1", "-C", installed])
const install = (name: string): void => {
  mkdirSync(dirname(join(nodeModules, name)), { recursive: true })
  symlinkSync(join(root, "node_modules", name), join(nodeModules, name))
}
// Without optional peers: a program in production runs without them.
const needed = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
  .filter((name) => manifest.peerDependenciesMeta[name]?.optional !== true)
for (const name of [...needed, "@types/node"]) install(name)

const built = readdirSync(join(installed, "dist"), { recursive: true, encoding: "utf8" })
const top = ["AGENTS.md", "CHANGELOG.md", "LICENSE", "README.md", "dist", "examples", "package.json", "src", "test"]
check(
  "nothing that is built for this project alone is in the package",
  readdirSync(installed).sort().join() === top.join()
)
check("no test is in the package", !built.some((name) => /\.test\./.test(name)))
/** Pages for users, whose links have to work where the package is installed. */
const pages = [
  "README.md",
  ...readdirSync(join(installed, "examples"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("examples", name))
]
const links = pages.flatMap((page) =>
  Array.from(
    readFileSync(join(installed, page), "utf8").matchAll(/\]\((?!https?:|#)([^)#\s]+)/g),
    ([, link]) => join(dirname(page), link!)
  )
)
const missing = links.filter((link) => !existsSync(join(installed, link)))
check(
  `${links.length} links of ${pages.length} pages lead to files in the package: ${missing.join(", ")}`,
  pages.length > 20 && missing.length === 0
)
const maps = built.filter((name) => name.endsWith(".map")).map((name) => join(installed, "dist", name))
/** The sources of a built file, from its source map. A file that only re-exports has no map. */
const sourcesOf = (file: string): ReadonlyArray<string> =>
  existsSync(`${file}.map`)
    ? (JSON.parse(readFileSync(`${file}.map`, "utf8")) as { readonly sources: ReadonlyArray<string> }).sources
    : []
const sources = maps.flatMap((map) =>
  sourcesOf(map.slice(0, -".map".length)).map((source) => join(dirname(map), source))
)
check(
  `${maps.length} maps lead to sources in the package`,
  maps.length > 0 && sources.every((file) => existsSync(file))
)

/** Statements that import modules under the names `m0`, `m1` … */
const importsOfAll = (paths: ReadonlyArray<string>): string =>
  paths.map((path, i) => `import * as m${i} from "${join(manifest.name, path)}"`).join("\n")
const isForTests = (path: string): boolean => path.startsWith("./testing")
const barrels = [".", "./replica"]
const inProduction = [
  ...barrels,
  ...modules.map(({ path }) => path).filter((path) =>
    !isForTests(path) && !barrels.includes(path) && path !== "./ldapts" && path !== alone
  )
]
const inTests = [".", ...modules.map(({ path }) => path).filter(isForTests)]
/** A module is loaded once, whatever path it is imported by. */
const thereOnce = (barrels: number, count: number): string => `
const all: ReadonlyArray<Readonly<Record<string, unknown>>> = [${
  Array.from({ length: count }, (_, i) => `m${i}`).join(", ")
}]
if (all.some((module) => Object.keys(module).length === 0)) throw new Error("a module is empty")
const namespaces = all.slice(0, ${barrels}).flatMap((barrel) => Object.values(barrel))
const values = namespaces.flatMap((module) => Object.values(Object(module)))
for (const value of all.slice(${barrels}).flatMap((module) => Object.values(module))) {
  if (!values.includes(value)) throw new Error(String(value) + " is there twice")
}
`
// The command line is one file that needs only the library's own peers. Here only those are installed that aren't optional.
const commandLine = (...args: ReadonlyArray<string>): string =>
  execFileSync(process.execPath, [join(installed, manifest.bin["effect-ldap"]!), ...args], {
    cwd: folder,
    encoding: "utf8"
  })
check("the command line runs without optional peers", commandLine("--version").includes(manifest.version))
check("it says what it can do", commandLine("search", "--help").includes("EXAMPLES"))
check(
  "no module of the library is loaded from it",
  !maps.some((map) => sourcesOf(map.slice(0, -4)).some((source) => /\/src\/cli\//.test(source)))
)

const hidden = built.flatMap((name) => {
  if (!name.endsWith(".js") || offered.has(`./dist/${name}`)) return []
  const path = name.slice(0, -".js".length)
  return [path, `dist/${name}`, `src/${path}.ts`]
})
writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "program", type: "module", private: true }))
writeFileSync(
  join(folder, "program.ts"),
  `${importsOfAll(inProduction)}
import * as Effect from "effect/Effect"
import { LdapError, LdapSasl } from "effect-ldap"
${thereOnce(barrels.length, inProduction.length)}
// The types must be present: if they were any, the directive below would be an error.
const program = Effect.fail(
  new LdapError.LdapError({
    operation: "bind",
    reason: new LdapError.InvalidCredentials({ matchedDn: "", diagnosticMessage: "", referrals: [], controls: [] })
  })
).pipe(
  Effect.catchReason("LdapError", "InvalidCredentials", (reason) => Effect.succeed(reason.code))
)
// @ts-expect-error A number is no string.
const code: string = Effect.runSync(program)
if (Object.is(code, 49) === false) throw new Error(\`not 49 but \${code}\`)

// Kerberos is an optional peer that is missing here. Its first use must fail with an error that says so.
const kerberos = LdapSasl.gssapi().start({ protection: "tls", host: "ldap.example.com" })
const { message } = await Effect.runPromise(Effect.flip(kerberos))
if (!message.includes("npm install kerberos")) throw new Error(message)

for (const name of ${JSON.stringify(hidden)}) {
  const outcome = await import(\`effect-ldap/\${name}\`).then(() => "reached", (error) => error.code)
  if (outcome !== "ERR_PACKAGE_PATH_NOT_EXPORTED") throw new Error(\`\${name}: \${outcome}\`)
}
`
)
writeFileSync(join(folder, "tests.ts"), importsOfAll(inTests) + thereOnce(2, inTests.length))
const compilerOptions = {
  target: "ES2024",
  lib: ["ES2024", "ESNext.Disposable"],
  types: ["node"],
  strict: true,
  exactOptionalPropertyTypes: true,
  verbatimModuleSyntax: true
}
const resolutions = {
  NodeNext: { module: "NodeNext" },
  bundler: { module: "ESNext", moduleResolution: "bundler" }
}
const compilers = { "TypeScript 7": "typescript/bin/tsc", "TypeScript 6": "typescript-6/bin/tsc" }
for (const [resolution, options] of Object.entries(resolutions)) {
  const config = join(folder, `tsconfig.${resolution}.json`)
  const outDir = join(folder, resolution)
  const all = { ...compilerOptions, ...options, outDir, skipLibCheck: true }
  writeFileSync(config, JSON.stringify({ compilerOptions: all, files: ["program.ts", "tests.ts"] }))
  for (const [compiler, tool] of Object.entries(compilers)) {
    run(`a program compiles with ${resolution} resolution and ${compiler}`, folder, tool, "-p", config)
  }
}
// Declarations must not refer to anything that the package or its optional peers left out, so they are checked here too. Effect's
// declarations need the DOM.
const lib = [...compilerOptions.lib, "DOM"]
const strict = { ...compilerOptions, ...resolutions.NodeNext, lib, noEmit: true, skipLibCheck: false }
writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: strict, files: ["program.ts"] }))
run("the declarations compile too", folder, "typescript/bin/tsc", "-p", folder)

const program = relative(join(root, "node_modules"), join(folder, "NodeNext/program.js"))
run(`the program runs without optional peers, and ${hidden.length} inner paths can't be reached`, folder, program)

// Names, filters and errors are useful without a session, so a program that imports only these must not load anything else.
const importsOf = (file: string): ReadonlyArray<string> =>
  Array.from(
    readFileSync(file, "utf8").matchAll(/^(?:import|export)[\w\s{},*$]+?from "([^"]+)"/gm),
    ([, name]) => name!
  )
const loadedBy = (file: string, loaded = new Set<string>()): ReadonlySet<string> => {
  if (loaded.has(file)) return loaded
  loaded.add(file)
  for (const name of importsOf(file)) if (name.startsWith(".")) loadedBy(join(dirname(file), name), loaded)
  return loaded
}
for (const path of ["./LdapDn", "./LdapEntry", "./LdapError", "./LdapFilter", "./LdapUrl"]) {
  const { files } = modules.find((module) => module.path === path)!
  const loaded = [...loadedBy(join(installed, files.default))]
  const sources = loaded.flatMap(sourcesOf)
  const below = sources.length > 0 && sources.every((source) => /\/src\/(?:ber|model)\//.test(source))
  check(`for "${path}" Node loads names and values alone: ${loaded.map((file) => basename(file)).join(", ")}`, below)
}
const { default: main } = modules.find(({ path }) => path === ".")!.files
const foreign = [...loadedBy(join(installed, main))].flatMap(importsOf).filter((name) => !name.startsWith("."))
const unwanted = foreign.filter((name) => /^(?:@effect\/|ws$|ldapts$|kerberos$)/.test(name))
check(`the main entry loads no optional peer: ${unwanted.join(", ") || "none"}`, unwanted.length === 0)

// effect/Schema would be a third of what these import.
writeFileSync(
  join(folder, "light.mjs"),
  `import { registerHooks } from "node:module"
registerHooks({
  load: (url, context, next) => {
    if (/\\/effect\\/dist\\/Schema\\.js$/.test(url)) throw new Error("effect/Schema is loaded")
    return next(url, context)
  }
})
await import("effect-ldap/LdapSession")
await import("effect-ldap/LdapClient")
`
)
run(
  "a session and a client don't load effect/Schema",
  folder,
  relative(join(root, "node_modules"), join(folder, "light.mjs"))
)

install("@effect/platform-node")
// What bundlers are given are other files than what Node loads. A program that keeps all of them runs all of them.
const forBundlers = modules.filter(({ path }) => path !== "./ldapts").map(({ files }) => join(installed, files.module))
writeFileSync(join(folder, "modules.mjs"), forBundlers.map((file) => `import ${JSON.stringify(file)}`).join("\n"))
run(
  `the ${forBundlers.length} modules for bundlers run`,
  folder,
  relative(join(root, "node_modules"), join(folder, "modules.mjs"))
)
run(
  "a test runs, with the peer that it needs",
  folder,
  relative(join(root, "node_modules"), join(folder, "NodeNext/tests.js"))
)

install("ldapts")
writeFileSync(
  join(folder, "moving.ts"),
  `import { Client, EqualityFilter, InvalidCredentialsError } from "effect-ldap/ldapts"
import * as ldapts from "ldapts"
if (EqualityFilter !== ldapts.EqualityFilter || InvalidCredentialsError !== ldapts.InvalidCredentialsError) {
  throw new Error("the classes are not those of ldapts")
}
const client: ldapts.Client | Client = new Client({ url: "ldap://localhost" })
if (client.isConnected) throw new Error("it connects by itself")
`
)
const moving = { ...compilerOptions, ...resolutions.NodeNext, skipLibCheck: true, outDir: join(folder, "moving") }
writeFileSync(
  join(folder, "tsconfig.moving.json"),
  JSON.stringify({ compilerOptions: moving, files: ["moving.ts"] })
)
run(
  "a program that moves from ldapts compiles",
  folder,
  "typescript/bin/tsc",
  "-p",
  join(folder, "tsconfig.moving.json")
)
run("and runs", folder, relative(join(root, "node_modules"), join(folder, "moving/moving.js")))

const bundled = built.filter((name) => name.startsWith("bundled") && name.endsWith(".js"))
const packages = (names: ReadonlyArray<string>): string =>
  [
    ...new Set(
      names.flatMap((name) => importsOf(join(installed, "dist", name))).filter((name) => !name.startsWith("."))
    )
  ]
    .sort()
    .join()
const unbundled = built.filter((name) => name.endsWith(".js") && !bundled.includes(name) && !name.startsWith("bin/"))
check("the bundled files import what the modules do from elsewhere", packages(bundled) === packages(unbundled))

/** The modules of which a bundler keeps something, for a program with such an import. */
const keptOf = async (statement: string): Promise<ReadonlyArray<string>> => {
  const entry = join(folder, "entry.mjs")
  writeFileSync(entry, `${statement}\nconsole.log(LdapDn.parse("dc=example"))\n`)
  const bundle = await rolldown({ input: entry, external: /^(?!effect-ldap)@?[a-z][\w-]/i, platform: "node" })
  const { output } = await bundle.generate({ format: "esm" })
  const kept = output.flatMap((file) => file.type === "chunk" ? Object.entries(file.modules) : [])
  return kept.filter(([, { renderedLength }]) => renderedLength > 0)
    .map(([id]) => relative(join(installed, "dist"), id).replaceAll("\\", "/"))
    .filter((id) => !id.startsWith("../"))
}
for (const from of ["effect-ldap", "effect-ldap/LdapDn"]) {
  const statement = from === "effect-ldap" ? `import { LdapDn } from "${from}"` : `import * as LdapDn from "${from}"`
  const kept = await keptOf(statement)
  const below = kept.every((id) => /^(?:ber\/|model\/dn\/)/.test(id)) && kept.includes("model/dn/LdapDn.js")
  check(`of ${from} a bundler keeps what a program of names needs: ${kept.join(", ")}`, below)
}

console.log(failures.length === 0 ? `\n${basename(tarball)} is sound` : `\n${failures.length} checks failed`)
process.exitCode = failures.length === 0 ? 0 : 1
