/**
 * Everything that the package exports has a docstring: each name of a namespace, each member of an exported interface, class or
 * object type, and each name of the drop-in client. test/documentation.test.ts compiles the examples in docstrings.
 *
 * A docstring of a type covers the members that it names in backticks. For a small union one sentence about its fields says more than
 * a comment on each of them.
 */
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript-6"
import { assert, describe, it } from "vitest"

const root = fileURLToPath(new URL("..", import.meta.url))

const options: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2024,
  allowImportingTsExtensions: true,
  noEmit: true,
  noLib: true,
  types: []
}

/** A program without the types of packages, which the docstrings of this one don't need: it is ready in a second. */
const programOf = (files: ReadonlyArray<string>): ts.Program => {
  const host = ts.createCompilerHost(options)
  host.resolveModuleNameLiterals = (names, from) =>
    names.map(({ text }) => ({
      resolvedModule: text.startsWith(".")
        ? { resolvedFileName: join(dirname(from), text), extension: ts.Extension.Ts }
        : undefined
    }))
  return ts.createProgram(files, options, host)
}

/** Members with a meaning that is the same everywhere: what tells the parts of a union apart, and the two forms of a value in logs. */
const standard = new Set(["_tag", "toString", "toJSON"])

interface Undocumented {
  /** How many names were looked at. */
  readonly count: number
  /** Those without a docstring, with their place. */
  readonly names: ReadonlyArray<string>
  /** Those of operations on a directory whose docstring doesn't say how they fail, or what interruption does. */
  readonly incomplete: ReadonlyArray<string>
}

/** The type of a declaration as it is written: its annotation, or that of the function that it is. */
const writtenTypeOf = (node: ts.Node): string => {
  if (ts.isVariableDeclaration(node)) {
    return node.type?.getText() ?? (node.initializer === undefined ? "" : writtenTypeOf(node.initializer))
  }
  return ts.isFunctionLike(node) || ts.isPropertySignature(node) || ts.isPropertyDeclaration(node)
    ? node.type?.getText() ?? ""
    : ""
}

/** An effect or stream that fails with an `LdapError` waits for a server. */
const waitsForServer = (node: ts.Node): boolean =>
  /\b(?:Effect\.Effect|Stream\.Stream)<[^]*\bLdapError\b/.test(writtenTypeOf(node))

const fileOf = (entry: string): string => join(root, "src", `${entry}.ts`)
const program = programOf(["index", "testing", "replica", "ldapts"].map(fileOf))
const checker = program.getTypeChecker()

const undocumented = (entry: string): Undocumented => {
  const names: Array<string> = []
  const incomplete: Array<string> = []
  const seen = new Set<ts.Node>()
  let count = 0

  const textOf = (symbol: ts.Symbol): string => ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim()
  const placeOf = (node: ts.Node): string => {
    const source = node.getSourceFile()
    return `${relative(root, source.fileName)}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`
  }
  const resolved = (symbol: ts.Symbol): ts.Symbol =>
    (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol)
  const isInternal = (node: ts.Node): boolean =>
    ts.getJSDocTags(node).some(({ tagName }) => tagName.text === "internal")

  const checkOperation = (node: ts.Node, path: string, text: string): void => {
    if (!waitsForServer(node)) return
    if (!/\bfail|\berror/i.test(text)) incomplete.push(`${placeOf(node)} ${path} doesn't say how it fails`)
    if (!/\binterrupt/i.test(text)) incomplete.push(`${placeOf(node)} ${path} doesn't say what interruption does`)
  }

  const checkMembers = (node: ts.Node, path: string, about: string): void => {
    ts.forEachChild(node, (child) => {
      if (
        ts.isPropertySignature(child) || ts.isMethodSignature(child) || ts.isPropertyDeclaration(child) ||
        ts.isMethodDeclaration(child) || ts.isGetAccessor(child)
      ) {
        if (!ts.isIdentifier(child.name) || isInternal(child) || standard.has(child.name.text)) return
        const modifiers = ts.getCombinedModifierFlags(child)
        if ((modifiers & (ts.ModifierFlags.Private | ts.ModifierFlags.Override)) !== 0) return
        // One that must be left out, beside the members of another part of the union.
        if (ts.isPropertySignature(child) && child.type?.kind === ts.SyntaxKind.UndefinedKeyword) return
        count++
        const symbol = checker.getSymbolAtLocation(child.name)
        if (symbol !== undefined && textOf(symbol) === "" && !about.includes(`\`${child.name.text}\``)) {
          names.push(`${placeOf(child)} ${path}.${child.name.text}`)
        }
        checkOperation(child, `${path}.${child.name.text}`, symbol === undefined ? about : `${about} ${textOf(symbol)}`)
      } else if (!ts.isParameter(child) && !ts.isFunctionTypeNode(child) && !ts.isFunctionLike(child)) {
        checkMembers(child, path, about)
      }
    })
  }

  const check = (path: string, symbol: ts.Symbol): void => {
    // Names of other packages have no declaration here.
    const declarations = symbol.declarations ?? []
    if (declarations.length === 0 || declarations.some(isInternal)) return
    count++
    const about = textOf(symbol)
    if (about === "") names.push(`${placeOf(declarations[0]!)} ${path}`)
    for (const declaration of declarations) {
      if (seen.has(declaration)) continue
      seen.add(declaration)
      checkOperation(declaration, path, about)
      if (
        ts.isInterfaceDeclaration(declaration) || ts.isClassDeclaration(declaration) ||
        ts.isTypeAliasDeclaration(declaration)
      ) {
        checkMembers(declaration, path, about)
      }
    }
  }

  const source = program.getSourceFile(fileOf(entry))
  const module = source === undefined ? undefined : checker.getSymbolAtLocation(source)
  assert.isDefined(module, `${entry} is a module`)
  for (const exported of checker.getExportsOfModule(module)) {
    const target = resolved(exported)
    if ((target.flags & ts.SymbolFlags.ValueModule) === 0) check(exported.name, target)
    else {
      for (const member of checker.getExportsOfModule(target)) {
        check(`${exported.name}.${member.name}`, resolved(member))
      }
    }
  }
  return { count, names, incomplete }
}

describe("docstrings", () => {
  it.each([["index", 2_000], ["testing", 180], ["replica", 150], ["ldapts", 20]])(
    "of %s: nothing is exported without one",
    (entry, least) => {
      const { count, incomplete, names } = undocumented(entry)
      assert.isAtLeast(count, least, "names that were looked at")
      assert.deepStrictEqual([...names, ...incomplete], [])
    }
  )
})
