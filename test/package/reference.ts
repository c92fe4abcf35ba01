/**
 * Builds the API reference, a static site, from the docstrings of the sources and the pages of the handbook:
 *
 *     node test/package/reference.ts                 into docs/
 *     node test/package/reference.ts --out folder    elsewhere
 *
 * Exits with 1 after a warning, for instance about a link in a docstring that leads nowhere.
 */
import { registerHooks } from "node:module"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"

// typedoc needs the API of TypeScript, which TypeScript 7 doesn't have, so it gets TypeScript 6. The `overrides` of package.json let npm
// install the two side by side.
registerHooks({
  resolve: (specifier, context, next) =>
    next(
      specifier === "typescript" && context.parentURL?.includes("/node_modules/typedoc/") === true
        ? "typescript-6"
        : specifier,
      context
    )
})
const { Application, Converter, LogLevel } = await import("typedoc")

const root = join(import.meta.dirname, "../..")
const { values: { out } } = parseArgs({ options: { out: { type: "string", default: "docs" } } })

/** The entries of the package by the names of their files. */
const entries = new Map([
  ["index", "effect-ldap"],
  ["testing", "effect-ldap/testing"],
  ["replica", "effect-ldap/replica"],
  ["ldapts", "effect-ldap/ldapts"]
])

const application = await Application.bootstrap({
  name: "effect-ldap",
  entryPoints: [...entries.keys()].map((entry) => join(root, "src", `${entry}.ts`)),
  tsconfig: join(root, "src/tsconfig.json"),
  readme: join(root, "README.md"),
  projectDocuments: ["CHANGELOG.md", "examples/**/*.md", "src/**/README.md", "test/*/*.md"].map((pages) =>
    join(root, pages)
  ),
  out: resolve(out),
  // `npm run check` finds errors, with TypeScript 7. TypeScript 6 infers a few types differently.
  skipErrorChecking: true,
  // Links to the sources would need the address of a repository.
  disableSources: true,
  excludeInternal: true,
  excludePrivate: true,
  // Members that classes inherit from effect and Node are documented there.
  excludeExternals: true,
  externalSymbolLinkMappings: { effect: { "*": "#" }, "@types/node": { "*": "#" } },
  // test/types/reachable.ts checks that the types in signatures are exported. What remains are constants from which types are derived.
  validation: { notExported: false },
  highlightLanguages: ["bash", "console", "json", "mermaid", "sql", "typescript"],
  logLevel: LogLevel.Warn
})
// The types of Node's functions come with Node's documentation, whose links lead nowhere here.
application.converter.on(Converter.EVENT_CREATE_SIGNATURE, (_, signature, declaration) => {
  if (declaration?.getSourceFile().fileName.includes("/node_modules/") === true) delete signature.comment
})
application.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
  for (const module of project.children ?? []) module.name = entries.get(module.name) ?? module.name
})

const project = await application.convert()
if (project !== undefined) {
  application.validate(project)
  await application.generateOutputs(project)
}
process.exitCode = project === undefined || application.logger.hasErrors() || application.logger.hasWarnings() ? 1 : 0
