/**
 * Only the drop-in imports ldapts, so programs that don't use the drop-in don't have to install it.
 */
import { assert, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

const src = join(import.meta.dirname, "../../src")

it("only src/ldapts.ts and src/ldapts/ import ldapts", () => {
  const importing = readdirSync(src, { recursive: true, encoding: "utf8" })
    .filter((file) =>
      file.endsWith(".ts") && /from "ldapts"|import\("ldapts"\)/.test(readFileSync(join(src, file), "utf8"))
    )
  assert.deepStrictEqual(importing.filter((file) => !/^ldapts(\.ts$|\/)/.test(file)), [])
})
