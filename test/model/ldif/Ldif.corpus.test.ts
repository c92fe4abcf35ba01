/**
 * LDIF from the test suites of other projects, if it is available (../shared/corpora, which is not part of the project; its README
 * describes the records). Every record that is marked strict is tested.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { existsSync, readFileSync } from "node:fs"
import type { LdapControl } from "../../../src/model/control/LdapControl.ts"
import type { LdapAttribute } from "../../../src/model/entry/LdapEntry.ts"
import * as Ldif from "../../../src/model/ldif/Ldif.ts"

const corpus = new URL("../../../../shared/corpora/ldif.json", import.meta.url)
const present = existsSync(corpus)
if (!present) console.warn("Ldif.corpus.test.ts is skipped: ../shared/corpora is not there")

interface Sample {
  readonly id: string
  readonly ldif: string
  readonly valid: boolean
  readonly strict: boolean
  readonly flags: ReadonlyArray<string>
  readonly records?: ReadonlyArray<unknown>
}

// The corpus is JSON of this shape, as its README says.
const samples = present ? JSON.parse(readFileSync(corpus, "utf8")) as ReadonlyArray<Sample> : []

const hex = (bytes: Uint8Array) => ({ hex: Buffer.from(bytes).toString("hex") })

const attributesOf = (attributes: ReadonlyArray<LdapAttribute>) =>
  attributes.map(({ description, values }) => ({ type: description, values: values.map(hex) }))

const controlsOf = (controls: ReadonlyArray<LdapControl>) =>
  controls.map(({ critical, oid, value }) => ({ oid, critical, ...(value === undefined ? {} : { value: hex(value) }) }))

/** A record as the corpus writes it. */
const plain = (record: Ldif.LdifRecord): unknown => {
  const { dn } = record
  switch (record._tag) {
    case "Entry":
      return { kind: "entry", dn, attributes: attributesOf(record.attributes) }
    case "Add":
      return { kind: "add", dn, controls: controlsOf(record.controls), attributes: attributesOf(record.attributes) }
    case "Delete":
      return { kind: "delete", dn, controls: controlsOf(record.controls) }
    case "Modify":
      return {
        kind: "modify",
        dn,
        controls: controlsOf(record.controls),
        changes: record.changes.map(({ attribute, operation, values }) => ({
          op: operation,
          type: attribute,
          values: values.map(hex)
        }))
      }
    case "ModifyDn":
      return {
        kind: "modrdn",
        dn,
        controls: controlsOf(record.controls),
        newRdn: record.newRdn,
        deleteOldRdn: record.deleteOldRdn,
        ...(record.newSuperior === undefined ? {} : { newSuperior: record.newSuperior })
      }
  }
}

const parsed = (ldif: string) => Result.getOrThrow(Ldif.parse(ldif)).map(plain)

const valid = samples.filter((sample) => sample.valid && sample.strict)
const invalid = samples.filter((sample) => !sample.valid && sample.strict)

/** Whether the text deviates from RFC 2849 in a way that readers accept. */
const deviations = new Set([
  "missing-final-dash",
  "entry-without-attributes",
  "modify-without-changes",
  "non-ascii-value",
  "mixed-entries-and-changes"
])
const isUrl = (sample: Sample) => /^[^#\n]*:<|^control:.*:</m.test(sample.ldif)
const deviant = samples.filter((sample) =>
  sample.valid && !isUrl(sample) && sample.flags.some((flag) => deviations.has(flag))
)

describe.skipIf(!present)("Ldif, other people's texts", () => {
  it("the corpus is not empty", () => {
    assert.isAtLeast(valid.length, 150)
    assert.isAtLeast(invalid.length, 50)
    assert.isAtLeast(deviant.length, 50)
  })

  it.each(valid)("$id reads $ldif", ({ ldif, records }) => {
    assert.deepStrictEqual(parsed(ldif), records)
  })

  it.each(valid)("$id reads what it writes of $ldif", ({ ldif, records }) => {
    assert.deepStrictEqual(parsed(Ldif.format(Result.getOrThrow(Ldif.parse(ldif)))), records)
  })

  it.each(valid)("$id is within the grammar: $ldif", ({ ldif, records }) => {
    assert.deepStrictEqual(Result.getOrThrow(Ldif.parse(ldif, { strict: true })).map(plain), records)
  })

  it.each(invalid)("$id refuses $ldif", ({ ldif }) => {
    const result = Ldif.parse(ldif)
    assert.isTrue(Result.isFailure(result))
    if (Result.isFailure(result)) assert.isAtMost(result.failure.line, ldif.split("\n").length)
  })

  it.each(deviant)("$id reads, outside the grammar, $ldif", ({ ldif, records }) => {
    assert.deepStrictEqual(parsed(ldif), records)
    assert.isTrue(Result.isFailure(Ldif.parse(ldif, { strict: true })))
  })
})
