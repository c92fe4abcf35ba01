/**
 * What the documents show compiles as it stands: every block of TypeScript in a Markdown file for users, and every example in a
 * docstring. And the links of the Markdown files lead somewhere.
 *
 * One run of the compiler checks all blocks, each as a module of its own beside this library's sources.
 */
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, describe, it } from "vitest"
import * as LdapError from "../src/model/LdapError.ts"

const root = fileURLToPath(new URL("..", import.meta.url))

const filesBelow = (folder: string, ending: string): ReadonlyArray<string> =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
    .sort()

const top = readdirSync(root).filter((name) => name.endsWith(".md"))
const pages = [...top, ...["examples", "src", "test"].flatMap((folder) => filesBelow(folder, ".md"))]

interface Block {
  readonly file: string
  /** The line above the first line of code, from 1. */
  readonly line: number
  readonly code: string
}

/**
 * The blocks of TypeScript in a text whose lines begin with `margin`. After the comment `<!-- continues -->` a block goes on where the
 * one before it ended.
 */
const blocksOf = (file: string, margin: RegExp): ReadonlyArray<Block> => {
  const blocks: Array<Block> = []
  let open: { readonly line: number; readonly code: Array<string> } | undefined
  let continues = false
  for (const [i, whole] of readFileSync(join(root, file), "utf8").split("\n").entries()) {
    const text = whole.replace(margin, "")
    if (open === undefined) {
      if (text === "<!-- continues -->") continues = true
      if (!/^```(?:ts|typescript)$/.test(text)) continue
      const before = continues ? blocks.pop() : undefined
      // Empty lines keep the numbers of lines right.
      open = before === undefined
        ? { line: i + 1, code: [] }
        : {
          line: before.line,
          code: before.code.split("\n").concat(Array(i + 1 - before.line).fill("")).slice(0, i + 1 - before.line)
        }
      continues = false
    } else if (text === "```") {
      blocks.push({ file, line: open.line, code: open.code.join("\n") })
      open = undefined
    } else open.code.push(text)
  }
  return blocks
}

const blocks = [
  ...pages.filter((page) => !page.startsWith("test")).flatMap((page) => blocksOf(page, /^/)),
  ...filesBelow("src", ".ts").flatMap((source) => blocksOf(source, /^\s*\* ?/))
]

/** The folder is inside of the project, so that the blocks find its packages. */
mkdirSync(join(root, "test-results"), { recursive: true })
const folder = mkdtempSync(join(root, "test-results/documentation-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What the compiler says of each block, by its number. */
const complaints = (): ReadonlyMap<number, string> => {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    readonly exports: Readonly<Record<string, string | { readonly types: string }>>
  }
  const paths = Object.fromEntries(
    Object.entries(exports).flatMap(([path, files]) => {
      if (typeof files === "string") return []
      const source = files.types.replace("./dist/", "").replace(/\.d\.ts$/, ".ts")
      return [[join("effect-ldap", path), [join(root, "src", source)]]]
    })
  )
  for (const [i, { code }] of blocks.entries()) writeFileSync(join(folder, `block${i}.ts`), `${code}\nexport {}\n`)
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: "../../tsconfig.json",
      compilerOptions: { paths, noUnusedLocals: false, noUnusedParameters: false, allowUnreachableCode: true },
      include: ["."]
    })
  )
  const { stdout, stderr, status } = spawnSync(process.execPath, [
    join(root, "node_modules/typescript/bin/tsc"),
    "-p",
    folder
  ], {
    cwd: folder,
    encoding: "utf8"
  })
  const found = new Map<number, string>()
  for (const [, block, line, text] of stdout.matchAll(/^block(\d+)\.ts\((\d+),\d+\): (.*)$/gm)) {
    const i = Number(block)
    const { file, line: start } = blocks[i]!
    found.set(i, `${found.get(i) ?? ""}\n${file}:${start + Number(line)} ${text}`)
  }
  // Anything else that the compiler says is a mistake of this test.
  assert.strictEqual(stderr, "")
  assert.notMatch(stdout, /^(?!block\d+\.ts\()\S.*error TS/m)
  assert.strictEqual(found.size > 0, status !== 0, stdout)
  return found
}

describe("code in documents", () => {
  it("there is some", () => {
    for (const file of ["README.md", "src/client/LdapClient.ts"]) {
      assert.include(blocks.map((block) => block.file), file)
    }
  })

  it("compiles as it stands", { timeout: 120_000 }, () => {
    assert.strictEqual(Array.from(complaints().values()).join(""), "")
  })
})

describe("examples/errors.md", () => {
  it("has each reason, and the code of each result", () => {
    const page = readFileSync(join(root, "examples/errors.md"), "utf8")
    const reasons = Object.values(LdapError).filter((u) =>
      typeof u === "function" && u.prototype instanceof Error && u !== LdapError.LdapError
    ) as ReadonlyArray<new(result: object) => { readonly _tag: string; readonly code?: number }>
    assert.isAbove(reasons.length, 50)
    for (const Reason of reasons) {
      const { _tag, code } = new Reason({})
      assert.include(page, code === undefined ? `| \`${_tag}\` |` : `| ${code} | \`${_tag}\` |`)
    }
  })
})

describe("examples/security.md", () => {
  const page = readFileSync(join(root, "examples/security.md"), "utf8")
  /** What the source that a row names has to say of its default. */
  const sources: Readonly<Record<string, RegExp>> = {
    "`connectTimeout`: DNS, TCP and TLS | 10 seconds": /millis\(options.connectTimeout, 10_000\)/,
    "TLS sessions that are kept for `resume` | 32 for each options object, 10 minutes":
      /longest = 10 \* 60_000$[^]*most = 32$/m,
    "`requestTimeout`, or `timeout` of an operation | 30 seconds": /millis\(options.requestTimeout, 30_000\)/,
    "`writeTimeout`: the server reads nothing | 30 seconds": /millis\(options.writeTimeout, 30_000\)/,
    "`closeTimeout`: the release | 5 seconds": /millis\(options.closeTimeout, 5_000\)/,
    "`maxMessageSize` | 64 MiB": /defaultMaxMessageSize = 64 \* 1024 \* 1024/,
    "elements of lists in a message | 100,000": /defaultMaxElements = 100_000/,
    "values of attributes in a message | 4,000,000": /defaultMaxValues = 4_000_000/,
    "depth of a filter | 100": /defaultMaxDepth = 100$/m,
    "`sizeLimit` of a search | none": /Default 0: no limit\. \*\/\n  readonly sizeLimit/,
    "what a stream buffers before the server has to wait | 256 KiB": /highWaterMark = 256 \* 1024/,
    "`maxUnread`: the same while others wait | 32 MiB": /maxUnread \?\? 32 \* 1024 \* 1024/,
    "empty pages in a row, with the same cookie | 100": /mostIdlePages = 100$/m,
    "the same with different cookies | 10,000": /mostEmptyPages = 10_000/,
    "ranges of an attribute | 10,000": /mostRanges = 10_000/,
    "bind requests of one SASL bind | 32": /maxBindRequests = 32$/m,
    "iterations of SCRAM | 4,096 to 1,000,000":
      /minIterations \?\? 4096,\s+max: Math\.min\(options\.maxIterations \?\? 1_000_000/,
    "`pool.max` sessions | 8": /\bmax = 8\b/,
    "`pool.concurrency` operations on a session | 32": /\bconcurrency = 32\b/,
    "`pool.checkoutTimeout` | 30 seconds": /checkoutTimeout \?\? "30 seconds"/,
    "`pool.openTimeout` | 30 seconds": /openTimeout \?\? "30 seconds"/,
    "`concurrency` of logins | 16": /concurrency = 16\b/,
    "referrals in a row, requests, servers, time | 5, 100, 16, 1 minute":
      /maxHops \?\? 5,\s+maxRequests: options\.maxRequests \?\? 100,\s+maxServers: options\.maxServers \?\? 16,\s+limitMillis: Duration\.toMillis\(options\.timeLimit \?\? "1 minute"\)/,
    "requests of `groupsOf` | 1,000": /maxRequests = 1000\b/,
    "removals by `syncMembers` | a tenth, or 10": /Math\.max\(10, Math\.floor\(size \/ 10\)\)/,
    "deletions in a copy | a tenth in 1 hour": /maxDeletions \?\? "10%"[^]*deletionWindow \?\? "1 hour"/
  }
  const rows = Array.from(
    page.slice(page.indexOf("## Limits")).matchAll(/^\| (.+? \| .+?) \| .+ \| \[[^\]]+\]\(([^)]+)\) \|$/gm),
    ([, limit, file]) => ({ limit: limit!, file: file! })
  )

  it.each(rows)("$limit", ({ file, limit }) => {
    assert(sources[limit] !== undefined, "say here where the source has this number")
    assert.match(readFileSync(join(root, "examples", file), "utf8"), sources[limit])
  })

  it("has each of these limits", () => {
    assert.deepStrictEqual(new Set(rows.map(({ limit }) => limit)), new Set(Object.keys(sources)))
  })
})

describe("links in documents", () => {
  /** The anchor that Markdown makes of a heading. */
  const anchorOf = (heading: string): string =>
    heading.trim().toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-")

  const anchorsOf = (file: string): ReadonlyArray<string> =>
    Array.from(readFileSync(file, "utf8").matchAll(/^#+ (.*)$/gm), ([, heading]) => anchorOf(heading!))

  it.each(pages)("%s leads to files and headings that are there", (page) => {
    const broken: Array<string> = []
    for (const [, target] of readFileSync(join(root, page), "utf8").matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)) {
      const [path, anchor] = target!.split("#")
      const file = path === "" ? join(root, page) : join(root, dirname(page), path!)
      if (!existsSync(file)) broken.push(target!)
      else if (anchor !== undefined && !anchorsOf(file).includes(anchor)) broken.push(target!)
    }
    assert.deepStrictEqual(broken, [], relative(root, page))
  })
})
