/**
 * URLs from the test suites of other projects, if they are available (../shared/corpora, which is not part of the project; its
 * README describes the records). Every record that is marked strict is tested.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { existsSync, readFileSync } from "node:fs"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"
import * as LdapUrl from "../../../src/model/url/LdapUrl.ts"

const corpus = new URL("../../../../shared/corpora/urls.json", import.meta.url)
const present = existsSync(corpus)
if (!present) console.warn("LdapUrl.corpus.test.ts is skipped: ../shared/corpora is not there")

interface Parsed {
  readonly scheme: string
  readonly host: string | null
  readonly port: number | null
  readonly dn: string
  readonly attributes: ReadonlyArray<string>
  readonly scope: string | null
  readonly filter: string | null
  readonly extensions: ReadonlyArray<unknown>
}

interface Sample {
  readonly id: string
  readonly url: string
  readonly valid: boolean
  readonly strict: boolean
  readonly parsed?: Parsed
}

// The corpus is JSON of this shape, as its README says.
const samples = present ? JSON.parse(readFileSync(corpus, "utf8")) as ReadonlyArray<Sample> : []
const strict = samples.filter((sample) => sample.strict)
const valid = strict.filter((sample) => sample.valid)
const invalid = strict.filter((sample) => !sample.valid)

/** A URL as the corpus writes it. */
const plain = (url: LdapUrl.LdapUrl) => ({
  scheme: url.scheme,
  host: url.host ?? null,
  port: url.port ?? null,
  dn: url.dn,
  attributes: url.attributes,
  scope: url.scope === undefined ? null : url.scope === "subtree" ? "sub" : url.scope,
  filter: url.filter === undefined ? null : LdapFilter.format(url.filter),
  extensions: url.extensions.map(({ critical, type, value = null }) => ({ critical, type, value }))
})

const expected = (parsed: Parsed | undefined) => ({
  ...parsed,
  filter: typeof parsed?.filter === "string"
    ? LdapFilter.format(Result.getOrThrow(LdapFilter.parse(parsed.filter)))
    : null
})

const parsed = (url: string) => Result.getOrThrow(LdapUrl.parse(url))

describe.skipIf(!present)("LdapUrl, other people's URLs", () => {
  it("the corpus is not empty", () => {
    assert.isAtLeast(valid.length, 200)
    assert.isAtLeast(invalid.length, 80)
  })

  it.each(valid)("$id reads $url", (sample) => {
    assert.deepStrictEqual(plain(parsed(sample.url)), expected(sample.parsed))
  })

  it.each(valid)("$id writes $url", (sample) => {
    const url = parsed(sample.url)
    const text = LdapUrl.format(url)
    assert.deepStrictEqual(plain(parsed(text)), expected(sample.parsed))
    assert.isTrue(LdapUrl.isEqual(parsed(text), url))
    assert.match(text, /^[A-Za-z0-9._~:/?[\]@!$&'()*+,;=%-]*$/, "the characters of RFC 3986, and no fragment")
  })

  it.each(invalid)("$id refuses $url", ({ url }) => {
    const result = LdapUrl.parse(url)
    assert.isTrue(Result.isFailure(result))
    if (Result.isFailure(result)) assert.isAtMost(result.failure.position, url.length)
  })

  // Not strict, but valid for the author of the corpus.
  it.each(samples.filter((sample) => !sample.strict && sample.valid))(
    "$id reads, where peers differ, $url",
    (sample) => {
      assert.deepStrictEqual(plain(parsed(sample.url)), expected(sample.parsed))
    }
  )
})
