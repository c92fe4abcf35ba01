/**
 * The cost of importing the main entry and that of the session, compared with importing the modules of Effect and of Node that they
 * import themselves. It is measured on a separate build, since Node would have to strip the types of `src` first.
 *
 *     node test/bench/imports.ts [REPEATS]
 */
import { spawnSync } from "node:child_process"
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))
/** CPU milliseconds of a process that imports these and does nothing else. */
const importing = (modules: ReadonlyArray<string>): number => {
  const code = `${modules.map((module) => `import ${JSON.stringify(module)}`).join("\n")}
    const { system, user } = process.cpuUsage()
    console.log((system + user) / 1000)`
  const { status, stderr, stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", code], {
    cwd: root,
    encoding: "utf8"
  })
  if (status !== 0) throw new Error(`the import fails: ${stderr.slice(-2_000)}`)
  return Number(stdout)
}

/** All bare specifiers that a file imports, and those of the files that it imports. Other entries import more. */
const importedBy = (file: string, files = new Set<string>(), found = new Set<string>()): ReadonlySet<string> => {
  if (files.has(file)) return found
  files.add(file)
  const code = readFileSync(file, "utf8")
  for (const [, specifier = ""] of code.matchAll(/^(?:import|export)[\w\s{},*$]*?"([^"]+)"/gm)) {
    if (specifier.startsWith(".")) importedBy(join(dirname(file), specifier), files, found)
    else found.add(specifier)
  }
  return found
}

export interface ImportCost {
  readonly library: number
  readonly dependencies: number
  readonly ratio: number
}

/** The costs by the entry: the main one, and that of the session alone. */
export interface ImportCosts {
  readonly index: ImportCost
  readonly LdapSession: ImportCost
}

/** The package as Node loads it, in a folder that the caller removes. */
export interface BuiltPackage {
  /** The address of an entry. */
  readonly entry: (name: string) => string
  /** What the modules of an entry import from elsewhere. */
  readonly dependencies: (name: string) => ReadonlyArray<string>
  readonly remove: () => void
}

export const buildPackage = (): BuiltPackage => {
  // Below the project's folder, where what it imports is found, and laid out as it is published.
  const folder = mkdtempSync(join(root, "node_modules", ".bench-"))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.once("exit", remove)
  cpSync(join(root, "package.json"), join(folder, "package.json"))
  const dist = join(folder, "dist/bundled")
  // The library's files alone: the command line's would have the same names.
  const code = `import { build } from "rolldown"
    import config from "./rolldown.config.ts"
    await build({ ...config[0], output: { ...config[0].output, dir: ${JSON.stringify(dist)} } })`
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", code], {
    cwd: root,
    encoding: "utf8"
  })
  if (status !== 0) throw new Error(`the package can't be built: ${stderr.slice(-2_000)}`)
  const file = (name: string): string => join(dist, `${name}.js`)
  return {
    entry: (name) => pathToFileURL(file(name)).href,
    dependencies: (name) => [...importedBy(file(name))],
    remove
  }
}

/** The best of so many processes, in turns: other work on the machine only ever adds. */
export const measureImports = (repeats: number): ImportCosts => {
  const { dependencies, entry, remove } = buildPackage()
  try {
    const samples = Array.from({ length: repeats }, () => ({
      nothing: importing([]),
      index: [importing(dependencies("index")), importing([entry("index")])] as const,
      LdapSession: [importing(dependencies("LdapSession")), importing([entry("LdapSession")])] as const
    }))
    const nothing = Math.min(...samples.map((sample) => sample.nothing))
    const cost = (of: "index" | "LdapSession"): ImportCost => {
      const below = Math.min(...samples.map((sample) => sample[of][0])) - nothing
      const library = Math.min(...samples.map((sample) => sample[of][1])) - nothing
      return { library, dependencies: below, ratio: library / below }
    }
    return { index: cost("index"), LdapSession: cost("LdapSession") }
  } finally {
    remove()
  }
}

if (import.meta.main) console.log(measureImports(Number(process.argv[2] ?? 15)))
