/**
 * Checks that types are exported where a reader looks for them. For each namespace of the package, every named type in the
 * signatures of its functions and in its types must be exported by the namespace itself. The one exception is the type after which
 * another namespace is named, such as `LdapError` of `LdapError`.
 *
 *     node test/types/reachable.ts
 *
 * Reads the declarations that users get, so they are emitted first. Exits with 1 if a type is missing.
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import ts from "typescript-6"

const root = join(import.meta.dirname, "../..")
const folder = mkdtempSync(join(tmpdir(), "effect-ldap-types-"))
process.on("exit", () => rmSync(folder, { recursive: true, force: true }))
const dist = join(folder, "dist")
symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
const emit = ["-p", join(root, "src/tsconfig.json"), "--emitDeclarationOnly", "--declarationMap", "false"]
execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), ...emit, "--outDir", dist], {
  stdio: "inherit"
})

const entries = ["index", "testing", "replica"].map((entry) => join(dist, `${entry}.d.ts`))
const program = ts.createProgram(entries, {
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2024,
  types: [],
  noLib: true
})
const checker = program.getTypeChecker()
const resolved = (symbol: ts.Symbol): ts.Symbol =>
  (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol)
const exportsOf = (module: ts.Symbol): ReadonlyArray<ts.Symbol> => checker.getExportsOfModule(module).map(resolved)
const fileOf = (symbol: ts.Symbol): string => symbol.declarations?.[0]?.getSourceFile().fileName ?? ""

interface Namespace {
  readonly name: string
  readonly file: string
  readonly exported: ReadonlySet<ts.Symbol>
}

const namespaces = entries.flatMap((entry) => {
  const file = program.getSourceFile(entry)
  const module = file === undefined ? undefined : checker.getSymbolAtLocation(file)
  if (module === undefined) throw new Error(`${entry} is no module`)
  return checker.getExportsOfModule(module).map((namespace): Namespace => {
    const target = resolved(namespace)
    return { name: namespace.name, file: fileOf(target), exported: new Set(exportsOf(target)) }
  })
})
const eponyms = new Set(
  namespaces.flatMap(({ exported, name }) => [...exported].filter((symbol) => symbol.name === name))
)

/**
 * The namespace that a type belongs to, among those that export it: the one with the nearest file, and among several of those the
 * one that exports most of the file that defines the type.
 */
const homeOf = (symbol: ts.Symbol): Namespace | undefined => {
  const file = fileOf(symbol)
  const nearness = (namespace: Namespace): number => {
    if (namespace.file === file) return Infinity
    const [a, b] = [dirname(namespace.file).split("/"), dirname(file).split("/")]
    const differ = a.findIndex((part, i) => part !== b[i])
    const shared = differ === -1 ? a.length : differ
    return shared * 1_000 + [...namespace.exported].filter((other) => fileOf(other) === file).length
  }
  return namespaces.filter(({ exported }) => exported.has(symbol))
    .map((namespace) => ({ namespace, nearness: nearness(namespace) }))
    .sort((a, b) => b.nearness - a.nearness)[0]?.namespace
}

/** The name in a declaration. */
const nameOf = (node: ts.Node): ts.Node | undefined =>
  ts.isTypeReferenceNode(node)
    ? node.typeName
    : ts.isExpressionWithTypeArguments(node)
    ? node.expression
    : ts.isImportTypeNode(node)
    ? node.qualifier
    : undefined

let checked = 0
const missing: Array<string> = []
for (const namespace of namespaces) {
  for (const symbol of namespace.exported) {
    if (homeOf(symbol) !== namespace) continue
    const visit = (node: ts.Node): void => {
      const name = nameOf(node)
      const found = name === undefined ? undefined : checker.getSymbolAtLocation(name)
      if (found !== undefined) {
        const target = resolved(found)
        const isOurs = fileOf(target).startsWith(dist) && (target.flags & ts.SymbolFlags.TypeParameter) === 0
        // The compiler names the base of a class `Some_base` if it is the result of a function call.
        if (isOurs && !target.name.endsWith("_base")) {
          checked++
          if (!namespace.exported.has(target) && !eponyms.has(target)) {
            missing.push(`${namespace.name}.${target.name}, which ${symbol.name} needs`)
          }
        }
      }
      ts.forEachChild(node, visit)
    }
    symbol.declarations?.forEach(visit)
  }
}
console.log([...new Set(missing)].join("\n"))
console.log(`${checked} names of types in ${namespaces.length} namespaces, ${new Set(missing).size} can't be reached`)
process.exitCode = missing.length === 0 && checked > 0 ? 0 : 1
