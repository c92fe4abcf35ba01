/**
 * Names from the test suites of other projects, if they are available (../shared/corpora, which is not part of the project; its
 * README describes the records). Every record that is marked strict is tested.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { existsSync, readFileSync } from "node:fs"
import * as LdapDn from "../../../src/model/dn/LdapDn.ts"

const corpora = new URL("../../../../shared/corpora/", import.meta.url)
const present = existsSync(corpora)
if (!present) console.warn("LdapDn.corpus.test.ts is skipped: ../shared/corpora is not there")

interface DnRecord {
  readonly id: string
  readonly dn: string
  readonly strict: boolean
  readonly form: "rfc4514" | "rfc2253-lenient" | "invalid"
  readonly rdns?: ReadonlyArray<ReadonlyArray<{ readonly type: string; readonly valueHex?: string }>>
  readonly normalized?: string
  readonly lenientRdns?: DnRecord["rdns"]
  readonly lenientVerdict?: "accept" | "disputed"
  readonly equalTo?: ReadonlyArray<{ readonly dn: string; readonly match: "caseExact" | "caseIgnore" }>
  readonly notEqualTo?: DnRecord["equalTo"]
}

interface EscapeRecord {
  readonly id: string
  readonly kind: string
  readonly strict: boolean
  readonly inputHex: string
  readonly acceptableOutputs: ReadonlyArray<string>
  readonly minimalOutput: string
}

// The corpora are JSON of these shapes, as their README says.
const read = <A>(name: string): ReadonlyArray<A> =>
  present ? JSON.parse(readFileSync(new URL(name, corpora), "utf8")) as ReadonlyArray<A> : []

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

const content = (dn: LdapDn.LdapDn) =>
  dn.rdns.map((rdn) => rdn.attributes.map(({ type, value }) => ({ type, valueHex: hex(value) })))

/** Values whose bytes after `#` are not BER have no content in the corpus. */
const expected = (rdns: DnRecord["rdns"]) =>
  rdns?.map((rdn) => rdn.map(({ type, valueHex }) => ({ type: type.replace(/^oid\./i, ""), valueHex })))

const parsed = (text: string): LdapDn.LdapDn => Result.getOrThrow(LdapDn.parse(text, { lenient: true }))

const records = read<DnRecord>("dns.json")
const valid = records.filter((record) => record.strict && record.form === "rfc4514")
const invalid = records.filter((record) => record.strict && record.form === "invalid")
const lenient = records.filter((record) => record.form === "rfc2253-lenient")
const accepted = lenient.filter((record) => record.lenientVerdict === "accept")

describe.skipIf(!present)("LdapDn, other people's names", () => {
  it("the corpus is not empty", () => {
    assert.isAtLeast(valid.length, 400)
    assert.isAtLeast(invalid.length, 150)
    assert.isAtLeast(accepted.length, 200)
  })

  it.each(valid)("$id reads $dn", ({ dn, rdns }) => {
    assert.deepStrictEqual(content(Result.getOrThrow(LdapDn.parse(dn))), expected(rdns))
    assert.deepStrictEqual(content(parsed(dn)), expected(rdns), "lenience reads it alike")
  })

  it.each(valid)("$id writes $dn", ({ dn, normalized, rdns }) => {
    const name = Result.getOrThrow(LdapDn.parse(dn))
    assert.deepStrictEqual(content(Result.getOrThrow(LdapDn.parse(LdapDn.format(name)))), expected(rdns))
    if (normalized !== undefined) assert.isTrue(LdapDn.isEqual(name, parsed(normalized)))
  })

  it.each(invalid)("$id refuses $dn", ({ dn }) => {
    const result = LdapDn.parse(dn)
    assert.isTrue(Result.isFailure(result))
    if (Result.isFailure(result)) assert.isAtMost(result.failure.position, dn.length)
  })

  it.each(lenient)("$id refuses $dn without lenience", ({ dn }) => {
    assert.isTrue(Result.isFailure(LdapDn.parse(dn)))
  })

  it.each(accepted)("$id reads $dn with lenience", ({ dn, lenientRdns }) => {
    const rdns = content(parsed(dn))
    const wanted = expected(lenientRdns)
    assert.deepStrictEqual(
      rdns,
      wanted?.map((rdn, i) => rdn.map((a, j) => ({ ...a, valueHex: a.valueHex ?? rdns[i]?.[j]?.valueHex })))
    )
  })

  // Bytes that are not UTF-8, and bytes after a "#" that aren't BER: not strict, tested against this library's own rules.
  it.each(records.filter((record) => !record.strict && record.form === "rfc4514"))("$id decides on $dn", (record) => {
    const isBer = record.rdns?.flat().every(({ valueHex }) => valueHex !== undefined)
    const result = LdapDn.parse(record.dn)
    assert.strictEqual(Result.isSuccess(result), isBer)
    if (Result.isSuccess(result)) assert.deepStrictEqual(content(result.success), expected(record.rdns))
  })

  const pairs = records.flatMap(({ dn, equalTo = [], id, notEqualTo = [] }) =>
    equalTo.map((other) => ({ id, dn, other: other.dn, match: other.match, equal: true })).concat(
      notEqualTo.map((other) => ({ id, dn, other: other.dn, match: other.match, equal: false }))
    )
  )

  it.each(pairs)("$id $dn and $other, $match: $equal", ({ dn, equal, match, other }) => {
    const values = match === "caseExact" ? "exact" : "caseIgnore"
    assert.strictEqual(LdapDn.isEqual(parsed(dn), parsed(other), { values }), equal)
    assert.strictEqual(LdapDn.isEqual(parsed(other), parsed(dn), { values }), equal)
  })

  const escapes = read<EscapeRecord>("escapes.json").filter(({ kind, strict }) => kind === "dnValue" && strict)

  it.each(escapes)("$id escapes $minimalOutput", ({ acceptableOutputs, inputHex, minimalOutput }) => {
    const value = Buffer.from(inputHex, "hex")
    assert.strictEqual(LdapDn.rdn("cn", value).toString(), `cn=${minimalOutput}`)
    assert.strictEqual(LdapDn.rdn("cn", value.toString()).toString(), `cn=${minimalOutput}`)
    for (const output of acceptableOutputs) {
      assert.deepStrictEqual(content(Result.getOrThrow(LdapDn.parse(`cn=${output}`))), [[{
        type: "cn",
        valueHex: inputHex
      }]])
    }
  })
})
