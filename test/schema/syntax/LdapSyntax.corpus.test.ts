/**
 * Times, security identifiers, GUIDs and passwords of other people's test suites, where they are at hand
 * (../shared/corpora, which is not part of the project; its README tells what the records are). Every record that is
 * marked strict is judged.
 */
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { existsSync, readFileSync } from "node:fs"
import { GeneralizedTime } from "../../../src/schema/syntax/LdapSyntax.ts"
import {
  FileTime,
  Interval,
  ObjectGuid,
  ObjectSid,
  UnicodePassword
} from "../../../src/schema/syntax/LdapSyntaxActiveDirectory.ts"

const file = new URL("../../../../shared/corpora/timestamps.json", import.meta.url)
const present = existsSync(file)
if (!present) console.warn("LdapSyntax.corpus.test.ts is skipped: ../shared/corpora is not there")

interface TimeRecord {
  readonly id: string
  readonly type: "generalizedTime" | "adFileTime" | "adDeltaTime" | "objectSid" | "objectGUID" | "unicodePwd"
  readonly valid: boolean
  readonly strict: boolean
  readonly input?: string
  readonly epochMillis?: number
  readonly durationMillis?: number
  readonly sentinel?: string
  readonly hex?: string
  readonly string?: string
}

// The corpus is JSON of this shape, as its README says.
const records = present ? JSON.parse(readFileSync(file, "utf8")) as ReadonlyArray<TimeRecord> : []

const hex = (octets: Uint8Array) => Buffer.from(octets).toString("hex")
const octets = (record: TimeRecord): Uint8Array =>
  record.input === undefined ? Buffer.from(record.hex ?? "", "hex") : Buffer.from(record.input)

const refused = (result: Result.Result<unknown, unknown>) => assert.isTrue(Result.isFailure(result))

const judges: Record<TimeRecord["type"], (record: TimeRecord) => void> = {
  generalizedTime: (record) => {
    const time = Schema.decodeResult(GeneralizedTime)(octets(record))
    if (!record.valid) return refused(time)
    assert.strictEqual(DateTime.toEpochMillis(Result.getOrThrow(time)), record.epochMillis)
    const written = Schema.encodeSync(GeneralizedTime)(Result.getOrThrow(time))
    assert.strictEqual(
      DateTime.toEpochMillis(Schema.decodeSync(GeneralizedTime)(written)),
      record.epochMillis,
      Buffer.from(written).toString()
    )
  },
  adFileTime: (record) => {
    const time = Schema.decodeResult(FileTime)(octets(record))
    if (!record.valid) return refused(time)
    assert.deepStrictEqual(
      Option.map(Result.getOrThrow(time), DateTime.toEpochMillis),
      record.sentinel === undefined ? Option.some(record.epochMillis) : Option.none()
    )
  },
  adDeltaTime: (record) => {
    const interval = Schema.decodeResult(Interval)(octets(record))
    if (!record.valid) return refused(interval)
    assert.strictEqual(Duration.toMillis(Result.getOrThrow(interval)), record.durationMillis)
    assert.strictEqual(Buffer.from(Schema.encodeSync(Interval)(Result.getOrThrow(interval))).toString(), record.input)
  },
  objectSid: (record) => {
    if (record.hex !== undefined) {
      const sid = Schema.decodeResult(ObjectSid)(octets(record))
      if (record.valid) assert.strictEqual(Result.getOrThrow(sid), record.string)
      else refused(sid)
    }
    if (record.string !== undefined) {
      const written = Schema.encodeResult(ObjectSid)(record.string)
      if (record.valid) assert.strictEqual(hex(Result.getOrThrow(written)), record.hex)
      else refused(written)
    }
  },
  objectGUID: (record) => {
    assert.isTrue(record.valid)
    assert.strictEqual(Schema.decodeSync(ObjectGuid)(octets(record)), record.string?.toLowerCase())
    for (const text of [record.string!, record.string!.toUpperCase(), `{${record.string!}}`]) {
      assert.strictEqual(hex(Schema.encodeSync(ObjectGuid)(text)), record.hex)
    }
  },
  unicodePwd: (record) => {
    assert.isTrue(record.valid)
    assert.strictEqual(hex(Schema.encodeSync(UnicodePassword)(Redacted.make(record.input!))), record.hex)
  }
}

describe.skipIf(!present)("LdapSyntax, other people's values", () => {
  const strict = records.filter((record) => record.strict)

  it("the corpus is not empty", () => {
    assert.isAtLeast(strict.length, 311)
  })

  it.each(strict)("$id $type $input$string", (record) => judges[record.type](record))

  // Leap seconds, which others refuse, and a dot with no digits, which others take: judged as the corpus and RFC 4517 say.
  it.each(records.filter((record) => !record.strict))("$id decides on $input", (record) => judges[record.type](record))
})
