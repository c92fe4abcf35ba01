/**
 * The entries of the package: what each loads, and what an editor shows of its namespaces.
 */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import ts from "typescript-6"
import { assert, describe, it } from "vitest"

const fileOf = (entry: string): string => fileURLToPath(new URL(`../src/${entry}.ts`, import.meta.url))

/** The packages of which a process loads something that imports an entry. */
const packagesOf = (entry: string): ReadonlyArray<string> => {
  const code = `
    import { registerHooks } from "node:module"
    const packages = new Set()
    registerHooks({
      load: (url, context, next) => {
        const [, name] = /\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)\\/(?!.*\\/node_modules\\/)/.exec(url) ?? []
        if (name !== undefined) packages.add(name)
        return next(url, context)
      }
    })
    await import(${JSON.stringify(fileOf(entry))})
    console.log(JSON.stringify([...packages].sort()))`
  const args = ["--input-type=module", "--eval", code]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as ReadonlyArray<string>
}

describe("what an entry loads", () => {
  it("the main entry: none of the packages that only tests need", () => {
    const packages = packagesOf("index")
    assert.include(packages, "effect")
    for (const name of ["@effect/platform-node", "ws", "ldapts", "kerberos"]) assert.notInclude(packages, name)
  })

  it("the entry for tests: the sockets of Node", () => {
    assert.include(packagesOf("testing"), "@effect/platform-node")
  })
})

describe("what an editor shows", () => {
  /** The documentation of each namespace in the list that an editor opens behind `Entry.`. */
  const documentationOf = (entry: string): ReadonlyMap<string, string> => {
    const file = `${fileOf(entry)}.reader.ts`
    const text = `import * as Entry from "./${entry}.ts"\nEntry.`
    const files = new Map([[file, text]])
    const read = (path: string): string | undefined => files.get(path) ?? ts.sys.readFile(path)
    const service = ts.createLanguageService({
      getScriptFileNames: () => [file],
      getScriptVersion: () => "1",
      getScriptSnapshot: (path) => {
        const content = read(path)
        return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content)
      },
      getCurrentDirectory: () => fileURLToPath(new URL("..", import.meta.url)),
      getCompilationSettings: () => ({
        module: ts.ModuleKind.NodeNext,
        target: ts.ScriptTarget.ES2024,
        allowImportingTsExtensions: true,
        noEmit: true,
        noLib: true,
        types: []
      }),
      getDefaultLibFileName: ts.getDefaultLibFilePath,
      fileExists: (path) => files.has(path) || ts.sys.fileExists(path),
      readFile: read
    })
    const names = service.getCompletionsAtPosition(file, text.length, {})?.entries ?? []
    return new Map(names.map(({ name }) => {
      const details = service.getCompletionEntryDetails(file, text.length, name, {}, undefined, {}, undefined)
      return [name, ts.displayPartsToString(details?.documentation)]
    }))
  }

  it.each([["index", 30], ["testing", 3]])("each namespace of %s says what it is for", (entry, least) => {
    const documentation = documentationOf(entry)
    const exported = Array.from(
      readFileSync(fileOf(entry), "utf8").matchAll(/^import \* as (\w+)/gm),
      ([, name]) => name!
    )
    assert.isAtLeast(exported.length, least)
    assert.sameMembers([...documentation.keys()], exported)
    for (const [name, text] of documentation) {
      assert.match(text, /^[A-Z][^]{60,}\.$/, `${name} needs a sentence or two`)
    }
  })
})
