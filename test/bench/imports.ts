/**
 * The cost of importing the main entry and that of the session, compared with importing the modules of Effect and of Node that they
 * import themselves. It is measured on a separate build, since Node would have to strip the types of `src` first.
 *
 *     node test/bench/imports.ts [REPEATS]
 *
 * It also measures each entry in a file of its own with all that it needs, as if there were no others: the least that can be had without
 * leaving something out.
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
  /** The ratio if all of it were in one file. */
  readonly inOneFile: number
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
  /** The address of an entry in one file. */
  readonly oneFile: (name: string) => string
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
    const dir = ${JSON.stringify(dist)}
    await build({ ...config[0], output: { ...config[0].output, dir } })
    for (const name of ["index", "LdapSession"]) {
      const output = { ...config[0].output, dir: dir + "/one", codeSplitting: false }
      await build({ ...config[0], input: { [name]: config[0].input[name] }, output })
    }`
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", code], {
    cwd: root,
    encoding: "utf8"
  })
  if (status !== 0) throw new Error(`the package can't be built: ${stderr.slice(-2_000)}`)
  const file = (name: string): string => join(dist, `${name}.js`)
  return {
    entry: (name) => pathToFileURL(file(name)).href,
    oneFile: (name) => pathToFileURL(file(`one/${name}`)).href,
    dependencies: (name) => [...importedBy(file(name))],
    remove
  }
}

/** The best of so many processes, in turns: other work on the machine only ever adds. */
export const measureImports = (repeats: number): ImportCosts => {
  const { dependencies, entry, oneFile, remove } = buildPackage()
  try {
    const sample = (name: string) =>
      [importing(dependencies(name)), importing([entry(name)]), importing([oneFile(name)])] as const
    const samples = Array.from({ length: repeats }, () => ({
      nothing: importing([]),
      index: sample("index"),
      LdapSession: sample("LdapSession")
    }))
    const nothing = Math.min(...samples.map((sample) => sample.nothing))
    const cost = (of: "index" | "LdapSession"): ImportCost => {
      const least = (which: 0 | 1 | 2): number => Math.min(...samples.map((sample) => sample[of][which])) - nothing
      const below = least(0)
      return { library: least(1), dependencies: below, ratio: least(1) / below, inOneFile: least(2) / below }
    }
    return { index: cost("index"), LdapSession: cost("LdapSession") }
  } finally {
    remove()
  }
}

if (import.meta.main) console.log(measureImports(Number(process.argv[2] ?? 15)))
