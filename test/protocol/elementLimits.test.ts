/**
 * S12: the cost of a message is proportional to its bytes. Each list that a peer may send is limited: the allowed number of
 * elements is read, one more ends the parsing at that point, and the error names the limit.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as LdapControl from "../../src/model/control/LdapControl.ts"
import { decodeSyncInfo } from "../../src/model/control/LdapControlSync.ts"
import * as LdapUrl from "../../src/model/url/LdapUrl.ts"
import {
  decode,
  defaultMaxElements,
  defaultMaxMessageSize,
  defaultMaxValues,
  LdapParser,
  type ParserOptions
} from "../../src/protocol/LdapCodec.ts"
import * as LdapExtended from "../../src/protocol/LdapExtended.ts"
import type { LdapMessage } from "../../src/protocol/LdapMessage.ts"

const element = (tag: number, ...content: ReadonlyArray<Uint8Array>): Buffer => {
  const length = content.reduce((sum, part) => sum + part.length, 0)
  const header = Buffer.alloc(6)
  header[0] = tag
  header[1] = 0x84
  header.writeUInt32BE(length, 2)
  return Buffer.concat([header, ...content])
}

const octets = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex")

/** This many copies of an element, sharing memory. */
const many = (hex: string, count: number): Buffer => Buffer.alloc(octets(hex).length * count, octets(hex))

const id = octets("02 01 01")
/** Success, with an empty name and text. */
const result = octets("0a 01 00 04 00 04 00")
/** base "", base object, never, no limits, not types only. */
const search = octets("04 00 0a 01 00 0a 01 00 02 01 00 02 01 00 01 01 00")
const present = octets("87 01 61")

/** Messages with `count` elements in one list. */
const lists: Readonly<Record<string, (count: number) => Buffer>> = {
  "controls": (count) => element(0x30, id, element(0x65, result), element(0xa0, many("30 02 04 00", count))),
  "controls in several lists": (count) => element(0x30, id, element(0x65, result), many("a0 04 30 02 04 00", count)),
  "controls of a request": (count) => element(0x30, id, octets("42 00"), element(0xa0, many("30 02 04 00", count))),
  "referral URIs": (count) => element(0x30, id, element(0x65, result, element(0xa3, many("04 00", count)))),
  "referral URIs of a bind": (count) => element(0x30, id, element(0x61, result, element(0xa3, many("04 00", count)))),
  "referral URIs of an extended response": (count) =>
    element(0x30, id, element(0x78, result, element(0xa3, many("04 00", count)))),
  "URIs of a search reference": (count) => element(0x30, id, element(0x73, many("04 00", count))),
  "attributes of an entry": (count) =>
    element(0x30, id, element(0x64, octets("04 00"), element(0x30, many("30 04 04 00 31 00", count)))),
  "attributes of an entry with extensions": (count) =>
    element(0x30, id, element(0x64, octets("04 00"), element(0x30, many("30 06 04 00 31 00 85 00", count)))),
  "attributes to add": (count) =>
    element(0x30, id, element(0x68, octets("04 00"), element(0x30, many("30 04 04 00 31 00", count)))),
  "changes": (count) =>
    element(0x30, id, element(0x66, octets("04 00"), element(0x30, many("30 09 0a 01 00 30 04 04 00 31 00", count)))),
  // The filter takes one.
  "attributes to return": (count) =>
    element(0x30, id, element(0x63, search, present, element(0x30, many("04 00", count - 1)))),
  "filters in an or": (count) =>
    element(0x30, id, element(0x63, search, element(0xa1, many("87 00", count - 1)), octets("30 00"))),
  "empty ands in an or": (count) =>
    element(0x30, id, element(0x63, search, element(0xa1, many("a0 00", count - 1)), octets("30 00"))),
  // The first one isn't in a list of variable length.
  "substrings": (count) =>
    element(
      0x30,
      id,
      element(
        0x63,
        search,
        element(0xa4, octets("04 01 61"), element(0x30, many("81 01 61", count - 1))),
        octets("30 00")
      )
    ),
  "unknown elements of a result": (count) => element(0x30, id, element(0x65, result, many("85 00", count))),
  "unknown elements of a bind response": (count) => element(0x30, id, element(0x61, result, many("85 00", count))),
  "unknown elements of an intermediate response": (count) => element(0x30, id, element(0x79, many("85 00", count))),
  "unknown elements of a message": (count) => element(0x30, id, element(0x65, result), many("85 00", count)),
  "unknown elements of a control": (count) =>
    element(0x30, id, element(0x65, result), element(0xa0, element(0x30, octets("04 00"), many("85 00", count - 1)))),
  "unknown elements of an attribute to add": (count) =>
    element(
      0x30,
      id,
      element(0x68, octets("04 00"), element(0x30, element(0x30, octets("04 00 31 00"), many("85 00", count - 1))))
    )
}

/** Messages with `count` values. */
const values: Readonly<Record<string, (count: number) => Buffer>> = {
  "of one attribute of an entry": (count) =>
    element(
      0x30,
      id,
      element(0x64, octets("04 00"), element(0x30, element(0x30, octets("04 00"), element(0x31, many("04 00", count)))))
    ),
  "of two attributes of an entry": (count) =>
    element(
      0x30,
      id,
      element(
        0x64,
        octets("04 00"),
        element(
          0x30,
          element(0x30, octets("04 01 61"), element(0x31, many("04 00", count - 1))),
          octets("30 06 04 00 31 02 04 00")
        )
      )
    ),
  "of an attribute to add": (count) =>
    element(
      0x30,
      id,
      element(0x68, octets("04 00"), element(0x30, element(0x30, octets("04 00"), element(0x31, many("04 00", count)))))
    ),
  "of a change": (count) =>
    element(
      0x30,
      id,
      element(
        0x66,
        octets("04 00"),
        element(
          0x30,
          element(0x30, octets("0a 01 00"), element(0x30, octets("04 00"), element(0x31, many("04 00", count))))
        )
      )
    )
}

const valued = (oid: string, value: Uint8Array): LdapControl.LdapControl =>
  new LdapControl.LdapControl({ oid, critical: false, value })

const failureOf = (message: Buffer, options?: ParserOptions): string | undefined => {
  const read = decode(message, options)
  return Result.isFailure(read) ? read.failure.detail : undefined
}

describe("S12: the elements of a message", () => {
  for (const [name, message] of Object.entries(lists)) {
    it(`many ${name}`, () => {
      assert.isUndefined(failureOf(message(6), { maxElements: 6 }))
      assert.match(
        failureOf(message(8), { maxElements: 6 })!,
        /^more than 6 elements in lists, which is maxElements, at byte \d+$/
      )
      // The default limit: the bytes after it aren't read.
      assert.isUndefined(failureOf(message(defaultMaxElements)))
      const detail = failureOf(message(2 * defaultMaxElements))!
      assert.include(detail, "more than 100000 elements")
      assert.isBelow(Number(/\d+$/.exec(detail)![0]), message(defaultMaxElements + 4).length)
    })
  }

  for (const [name, message] of Object.entries(values)) {
    it(`values ${name}`, () => {
      assert.isUndefined(failureOf(message(6), { maxValues: 6 }))
      assert.match(
        failureOf(message(7), { maxValues: 6 })!,
        /^more than 6 values of attributes, which is maxValues, at byte \d+$/
      )
      assert.include(failureOf(message(1001), { maxValues: 1000 }) ?? "", "more than 1000 values")
      // They are no elements.
      assert.isUndefined(failureOf(message(100), { maxElements: 5 }))
    })
  }

  it("are counted together, and anew for each message", () => {
    const three = element(
      0x30,
      id,
      element(0x65, result, element(0xa3, many("04 00", 3))),
      element(0xa0, many("30 02 04 00", 3))
    )
    assert.isUndefined(failureOf(three, { maxElements: 6 }))
    assert.include(failureOf(three, { maxElements: 5 })!, "more than 5 elements")
    const parser = new LdapParser({ maxElements: 6, maxValues: 6 })
    const messages: Array<LdapMessage> = []
    const entry = values["of one attribute of an entry"]!(6)
    assert.isUndefined(parser.push(Buffer.concat([three, three, entry, entry]), (message) => messages.push(message)))
    assert.lengthOf(messages, 4)
  })

  it("the largest message that is allowed, full of the smallest elements", () => {
    const count = (defaultMaxMessageSize - 1024) / 4
    assert.include(failureOf(lists["controls"]!(count))!, "maxElements")
    assert.include(failureOf(values["of one attribute of an entry"]!(count))!, "maxValues")
  })

  it("as many values as are allowed by default", () => {
    const message = values["of one attribute of an entry"]!
    assert.isUndefined(failureOf(message(defaultMaxValues)))
    assert.include(failureOf(message(defaultMaxValues + 1))!, "more than 4000000 values")
  })

  it("a group of a million members is read", () => {
    const message = element(
      0x30,
      id,
      element(
        0x64,
        octets("04 04 636e3d78"),
        element(0x30, element(0x30, octets("04 06 6d656d626572"), element(0x31, many("04 05 636e3d7879", 1_000_000))))
      )
    )
    const { operation } = Result.getOrThrow(decode(message))
    assert.strictEqual(operation._tag === "SearchResultEntry" && operation.entry.getAll("member").length, 1_000_000)
  })
})

describe("S12: values inside of messages", () => {
  it("a set of entries' UUIDs", () => {
    const set = (count: number) => element(0xa3, element(0x31, many(`04 10 ${"00".repeat(16)}`, count)))
    assert.isTrue(Result.isSuccess(decodeSyncInfo(set(defaultMaxElements))))
    const failed = decodeSyncInfo(set(defaultMaxElements + 1))
    assert.include(Result.isFailure(failed) ? failed.failure.message : "", "maxElements")
  })

  it("controls of a transaction's updates, counted over all updates", () => {
    const value = (updates: number, controls: number) =>
      element(
        0x30,
        element(
          0x30,
          ...Array.from({ length: updates }, () => element(0x30, id, element(0x30, many("30 02 04 00", controls))))
        )
      )
    assert.isTrue(Result.isSuccess(LdapExtended.endTransaction.decode(value(10, defaultMaxElements / 10 - 1))))
    assert.isFalse(Result.isSuccess(LdapExtended.endTransaction.decode(value(10, defaultMaxElements / 10))))
  })

  const lists: ReadonlyArray<readonly [LdapControl.ControlType<unknown, never>, string, number]> = [
    [LdapControl.sortRequest, "30 03 04 01 61", defaultMaxElements],
    // A filter counts both as an item of the list and as a filter.
    [LdapControl.matchedValues, "87 01 61", defaultMaxElements / 2],
    [LdapControl.preReadRequest, "04 01 61", defaultMaxElements]
  ]
  for (const [control, unit, most] of lists) {
    it(`the list of a ${control.name} control`, () => {
      const read = (count: number) => control.decode(valued(control.oid, element(0x30, many(unit, count))))
      assert.isTrue(Result.isSuccess(read(most)))
      const failed = read(most + 1)
      assert.include(Result.isFailure(failed) ? failed.failure.message : "", "maxElements")
    })
  }

  it("the entry of a post-read response control", () => {
    const value = element(0x64, octets("04 00"), element(0x30, many("30 04 04 00 31 00", defaultMaxElements + 1)))
    const failed = LdapControl.postReadResponse.decode(valued(LdapControl.postReadResponse.oid, value))
    assert.include(Result.isFailure(failed) ? failed.failure.message : "", "maxElements")
  })

  it("a URL of more than a million characters is refused", () => {
    const url = (length: number) => "ldap://h/dc=x?".padEnd(length, "a,").slice(0, length - 1) + "a"
    assert.isTrue(Result.isSuccess(LdapUrl.parse(url(1024 * 1024))))
    const failed = LdapUrl.parse(url(1024 * 1024 + 1))
    assert.include(Result.isFailure(failed) ? failed.failure.message : "", "1048576 characters at most")
  })
})
