/**
 * What Node loads: the modules of src in a few files, since to find, read and compile a file costs Node more than to run what is
 * in it. Bundlers are given the modules as tsc emits them, a file each, and keep what a program uses (src/README.md).
 */
import { readFileSync } from "node:fs"
import { defineConfig, type Plugin, type RolldownOptions } from "rolldown"
import { parseSync, Visitor } from "rolldown/utils"

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly module: string; readonly default: string }>>
}

const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Manifest

/** The source of each public module, by the name of its file here. */
const input = Object.fromEntries(
  Object.values(manifest.exports).flatMap((files) =>
    typeof files === "string" ? [] : [[
      files.default.slice("./dist/bundled/".length, -".js".length),
      files.module.replace(/^\.\/dist\/(.+)\.js$/, "./src/$1.ts")
    ]]
  )
)

/**
 * A file each, with these modules and all that they import, as far as it isn't in a file before. So no two files import each
 * other, and a program that wants a name or a filter doesn't load the session. What isn't below any of these is split by who imports it.
 * Each file costs Node one to three milliseconds. effect/Schema costs a third of what a session imports, so what needs
 * it is not beside what doesn't.
 */
const files = {
  model: [
    "model/LdapError",
    "model/entry/LdapEntry",
    "model/LdapModification",
    "model/LdapRootDse",
    "model/filter/LdapFilter",
    "model/url/LdapUrl",
    "model/attribute/LdapMatching",
    "model/control/LdapControlType"
  ],
  protocol: ["protocol/LdapCodec", "protocol/LdapExtended", "protocol/LdapParser"],
  session: ["session/LdapSession", "auth/LdapSasl"],
  ldif: ["model/ldif/Ldif", "model/ldif/LdifTransform"],
  client: [
    "client/LdapClient",
    "client/jobs/LdapJobs",
    "client/jobs/transaction/LdapTransaction",
    "client/login/LdapLogin",
    "client/jobs/LdifApply"
  ],
  schema: [
    "schema/LdapSubschema",
    "schema/syntax/LdapSyntaxActiveDirectory",
    "schema/LdapSchema",
    "client/LdapConfig",
    "client/jobs/LdapResolver",
    "model/control/LdapControl"
  ],
  changes: ["changes/LdapChanges"],
  activedirectory: [
    "activedirectory/ActiveDirectory",
    "activedirectory/ActiveDirectoryGuid",
    "activedirectory/ActiveDirectoryTime",
    "activedirectory/DomainControllers",
    "activedirectory/SecurityDescriptor"
  ]
}

/**
 * Text that V8 reads faster. It parses the body of an arrow function of a module when it reads the module, and again at the first
 * call; that of a `function` only at the first call. And it keeps text with a character above U+00FF in twice the memory.
 */
const quickToRead: Plugin = {
  name: "quick-to-read",
  renderChunk(code, chunk, _options, { magicString: text }) {
    if (text === undefined) throw new Error("the option nativeMagicString is missing")
    let depth = 0
    const enter = (): void => void depth++
    const leave = (): void => void depth--
    // Arrow functions below those of the module are not parsed either, and may need the `this` around them.
    const around = {
      FunctionDeclaration: enter,
      "FunctionDeclaration:exit": leave,
      FunctionExpression: enter,
      "FunctionExpression:exit": leave,
      ClassBody: enter,
      "ClassBody:exit": leave
    }
    new Visitor({
      ...around,
      ArrowFunctionExpression: ({ async, body, end, params, start }) => {
        if (depth++ > 0) return
        const arrow = code.indexOf("=>", params.at(-1)?.end ?? start)
        text.appendLeft(async ? start + "async".length : start, async ? " function" : "function")
        text.remove(arrow, arrow + "=>".length)
        if (body.type === "BlockStatement") return
        text.appendLeft(arrow, "{ return")
        text.appendLeft(end, "; }")
      },
      "ArrowFunctionExpression:exit": leave
    }).visit(parseSync(chunk.fileName, code).program)
    return { code: text }
  },
  // Not in the step before, where the map of the source would have to know. It moves columns of a few lines.
  generateBundle(_options, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type === "chunk") {
        chunk.code = chunk.code.replace(
          /[^\0-\x7f]/g,
          (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`
        )
      }
    }
  }
}

/**
 * The command line, which no module of the library imports, with all that it needs of `effect`, `@effect/platform-node` and
 * `@effect/sql-pg`. So it works where the optional peer is missing, with any `effect` (whose `cli` may change in a minor version), and Node
 * has a few files to find instead of hundreds: one for each command, and what commands share.
 */
const commandLine: RolldownOptions = {
  input: { "effect-ldap": "./src/cli/main.ts" },
  preserveEntrySignatures: false,
  external: /^(?:node:|kerberos$)/,
  platform: "node",
  tsconfig: false,
  transform: { target: "es2024" },
  logLevel: "warn",
  onLog: (_, { message }) => {
    throw new Error(message)
  },
  checks: { bundlerTimings: false },
  plugins: [quickToRead],
  experimental: { nativeMagicString: true },
  output: {
    dir: "dist/bin",
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name].js",
    codeSplitting: {
      groups: [
        // One file of what each command needs, which is what `whoami` needs, instead of 28.
        { name: "start", test: /\/src\/cli\/start\.ts$/, priority: 1 },
        // `whoami` doesn't need Schema. Without a file of its own it would be in one with what `whoami` needs.
        {
          name: "effectSchema",
          includeDependenciesRecursively: false,
          test: /effect\/dist\/(?:Schema\w*|Config|internal\/schema\/\w+)\.js$/
        }
      ]
    },
    // The start of a command is mostly reading its text. Names stay: they are in the stack trace of a defect.
    minify: {
      mangle: { keepNames: true },
      compress: { keepNames: { function: true, class: true } },
      codegen: { removeWhitespace: true }
    },
    comments: { jsdoc: false },
    postBanner: ({ isEntry }) =>
      isEntry
        ? `/*\nWith parts of effect, @effect/platform-node and @effect/sql-pg:\n\n${
          readFileSync("node_modules/@effect/platform-node/LICENSE", "utf8").trim()
        }\n*/`
        : ""
  }
}

export default defineConfig([{
  input,
  // All packages, and Node's modules: what begins like a name and not like a path, be it one of Windows.
  external: /^@?[a-z][\w-]/i,
  platform: "node",
  tsconfig: false,
  transform: { target: "es2024" },
  // A warning is a mistake in here, or a build that isn't what it should be.
  logLevel: "warn",
  // How long the plugin below takes says nothing about the build; it is a warning on a busy machine.
  checks: { bundlerTimings: false },
  onLog: (_, { message }) => {
    throw new Error(message)
  },
  plugins: [quickToRead],
  experimental: { nativeMagicString: true },
  output: {
    dir: "dist/bundled",
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name].js",
    codeSplitting: {
      groups: Object.entries(files).map(([name, modules], index, { length }) => ({
        name,
        priority: length - index,
        test: (id: string) => modules.some((module) => id.replaceAll("\\", "/").endsWith(`/src/${module}.ts`))
      }))
    },
    sourcemap: true,
    // src is in the package.
    sourcemapExcludeSources: true,
    // The documentation is in the declarations.
    comments: { jsdoc: false }
  }
}, commandLine])
