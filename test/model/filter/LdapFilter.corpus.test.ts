/**
 * Judges the filters of other projects' test suites (shared/corpora, not part of a clone). Only records that several
 * implementations agree on (`strict`) are judged.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { existsSync, readFileSync } from "node:fs"
import { BerReader } from "../../../src/ber/BerReader.ts"
import { BerWriter } from "../../../src/ber/BerWriter.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"

const corpora = new URL("../../../../shared/corpora/", import.meta.url)

interface FilterRecord {
  readonly id: string
  readonly filter: string
  readonly valid: boolean
  readonly strict: boolean
  readonly ber?: string
  readonly normalized?: string
}

interface EscapeRecord {
  readonly id: string
  readonly kind: string
  readonly strict: boolean
  readonly inputHex: string
  readonly acceptableOutputs: ReadonlyArray<string>
}

const path = (name: string): URL => new URL(name, corpora)
const isThere = existsSync(path("filters.json")) && existsSync(path("escapes.json"))
if (!isThere) console.warn(`LdapFilter.corpus: skipped, there are no corpora in ${corpora.pathname}`)

// The files are described in shared/corpora/README.md; what a record lacks shows in the tests below.
const read = <A>(name: string): ReadonlyArray<A> => (isThere ? JSON.parse(readFileSync(path(name), "utf8")) : [])

const hexOf = (filter: LdapFilter.LdapFilter): string => {
  const writer = new BerWriter()
  LdapFilter.encode(filter, writer)
  return writer.finish().toString("hex")
}

const parsed = (text: string): LdapFilter.LdapFilter => Result.getOrThrow(LdapFilter.parse(text))

describe.skipIf(!isThere)("the corpus of filters", () => {
  const records = read<FilterRecord>("filters.json").filter((record) => record.strict)
  const valid = records.filter((record) => record.valid)
  const invalid = records.filter((record) => !record.valid)

  it("has records to judge", () => {
    assert.isAbove(valid.length, 700)
    assert.isAbove(invalid.length, 150)
  })

  it.each(valid)("$id $filter is encoded byte for byte", ({ ber, filter, normalized }) => {
    const value = parsed(filter)
    assert.strictEqual(hexOf(value), ber)
    assert.deepStrictEqual(parsed(LdapFilter.format(value)), value)
    assert.deepStrictEqual(parsed(normalized ?? ""), value)
    assert.isTrue(Result.isSuccess(LdapFilter.validate(value)))
    const decoded = LdapFilter.decode(new BerReader(Buffer.from(ber ?? "", "hex")))
    assert.deepStrictEqual(decoded, value)
  })

  it.each(invalid)("$id $filter is refused", ({ filter }) => {
    const result = LdapFilter.parse(filter)
    assert.isTrue(Result.isFailure(result))
  })
})

describe.skipIf(!isThere)("the corpus of escapes", () => {
  const records = read<EscapeRecord>("escapes.json").filter((record) => record.strict && record.kind === "filterValue")

  it("has records to judge", () => assert.isAbove(records.length, 20))

  it.each(records)("$id $inputHex", ({ acceptableOutputs, inputHex }) => {
    const value = Buffer.from(inputHex, "hex")
    const text = LdapFilter.format(LdapFilter.equals("cn", value))
    assert.include(acceptableOutputs, text.slice("(cn=".length, -1))
    for (const output of acceptableOutputs) {
      assert.deepStrictEqual(parsed(`(cn=${output})`), LdapFilter.equals("cn", value))
    }
  })
})
