/**
 * The API reference builds without a warning, has a page for each namespace, and no link between its pages is broken. `npm run docs`
 * builds the same into docs/.
 */
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, it } from "vitest"

const root = fileURLToPath(new URL("../..", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "effect-ldap-reference-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The links of all pages that lead to no file, or to no place in it. */
const brokenLinks = (): { readonly count: number; readonly broken: ReadonlyArray<string> } => {
  const pages = new Map(
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".html"))
      .map((name) => [join(folder, name), readFileSync(join(folder, name), "utf8")])
  )
  const places = new Map(
    Array.from(pages, ([page, text]) => [page, new Set(Array.from(text.matchAll(/ id="([^"]*)"/g), ([, id]) => id!))])
  )
  const broken = new Set<string>()
  let count = 0
  for (const [page, text] of pages) {
    for (const [, link] of text.matchAll(/ (?:href|src)="((?!https?:|mailto:|data:)[^"]*)"/g)) {
      count++
      const [path = "", place = ""] = link!.split("#")
      const target = path === "" ? page : join(dirname(page), decodeURIComponent(path))
      const leads = existsSync(target) &&
        (place === "" || places.get(target)?.has(decodeURIComponent(place)) !== false)
      if (!leads) broken.add(`${relative(folder, page)}: ${link!}`)
    }
  }
  return { count, broken: [...broken] }
}

it("the reference builds, and its links lead somewhere", { timeout: 240_000 }, () => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [
    join(root, "test/package/reference.ts"),
    "--out",
    folder
  ], {
    encoding: "utf8"
  })
  assert.strictEqual(stdout + stderr, "")
  assert.strictEqual(status, 0)

  const index = readFileSync(join(root, "src/index.ts"), "utf8")
  for (const [, name] of index.matchAll(/^import \* as (\w+)/gm)) {
    assert.isTrue(existsSync(join(folder, `modules/effect-ldap.${name!}.html`)), name)
  }
  for (const page of ["effect-ldap_testing", "effect-ldap_replica", "effect-ldap_ldapts"]) {
    assert.isTrue(existsSync(join(folder, `modules/${page}.html`)), page)
  }
  assert.isTrue(existsSync(join(folder, "documents/examples_errors.html")), "a page of the handbook")

  const { broken, count } = brokenLinks()
  assert.isAbove(count, 10_000)
  assert.deepStrictEqual(broken, [])
})
