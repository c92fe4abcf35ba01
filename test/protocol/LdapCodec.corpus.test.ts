/**
 * Tests whole messages from the test suites of other projects (shared/corpora, not part of a clone). Only records that several
 * implementations agree on (`strict`) are tested.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { existsSync, readFileSync } from "node:fs"
import type { LdapAttribute, LdapEntry } from "../../src/model/entry/LdapEntry.ts"
import type { LdapFilter } from "../../src/model/filter/LdapFilter.ts"
import { decode, encode, LdapParser } from "../../src/protocol/LdapCodec.ts"
import {
  derefAliases,
  type LdapMessage,
  type ProtocolOperation,
  type ResultFields,
  scopes
} from "../../src/protocol/LdapMessage.ts"
import { plain } from "./arbitraries.ts"

/** Described in shared/corpora/README.md. */
interface PduRecord {
  readonly id: string
  readonly hex: string
  readonly valid: boolean
  readonly strict: boolean
  readonly kind?: string
  readonly messageID?: number
  readonly fields?: unknown
  readonly controls?: ReadonlyArray<unknown>
  /** The start of a message: a stream parser waits for more bytes. */
  readonly incomplete?: boolean
  /** The header claims more bytes than there are, or more than are allowed. */
  readonly oversizedLength?: boolean
  /** Bytes after the first message. They are in `hex` too. */
  readonly trailingHex?: string
  /** Trailing bytes that aren't another message. */
  readonly firstPduValid?: boolean
  /** Two messages of `kind`. */
  readonly stream?: string
  readonly error?: string
}

const path = new URL("../../../shared/corpora/pdus.json", import.meta.url)
const isThere = existsSync(path)
if (!isThere) console.warn(`LdapCodec.corpus: skipped, there is no ${path.pathname}`)

const records: ReadonlyArray<PduRecord> = isThere
  ? JSON.parse(readFileSync(path, "utf8")).filter(({ strict }: PduRecord) => strict)
  : []

// ---------------------------------------------------------------------------------------------------------------------
// Messages in the form of the corpus
// ---------------------------------------------------------------------------------------------------------------------

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
const valueOf = (bytes: Uint8Array): unknown => ({ hex: hexOf(bytes) })
const attributesOf = (attributes: Iterable<LdapAttribute>): ReadonlyArray<unknown> =>
  Array.from(attributes, ({ description, values }) => ({ type: description, values: values.map(valueOf) }))

/** The corpus keeps two attributes with the same name apart; an entry doesn't. */
const entryOf = (entry: LdapEntry): unknown => ({ objectName: entry.dn, attributes: attributesOf(entry) })

const resultOf = ({ code, diagnosticMessage, matchedDn, referrals }: ResultFields): Record<string, unknown> => ({
  resultCode: code,
  matchedDN: matchedDn,
  diagnosticMessage,
  ...(referrals.length === 0 ? {} : { referrals })
})

const ops = {
  Equality: "equality",
  GreaterOrEqual: "greaterOrEqual",
  LessOrEqual: "lessOrEqual",
  Approx: "approx"
} as const

const filterOf = (filter: LdapFilter): unknown => {
  switch (filter._tag) {
    case "And":
      return { and: filter.filters.map(filterOf) }
    case "Or":
      return { or: filter.filters.map(filterOf) }
    case "Not":
      return { not: filterOf(filter.filter) }
    case "Present":
      return { present: filter.attribute }
    case "Substrings":
      return {
        op: "substrings",
        attr: filter.attribute,
        parts: [
          ...(filter.initial === undefined ? [] : [{ initial: valueOf(filter.initial) }]),
          ...filter.any.map((any) => ({ any: valueOf(any) })),
          ...(filter.final === undefined ? [] : [{ final: valueOf(filter.final) }])
        ]
      }
    case "Extensible":
      return {
        op: "extensible",
        ...(filter.rule === undefined ? {} : { rule: filter.rule }),
        ...(filter.attribute === undefined ? {} : { attr: filter.attribute }),
        value: valueOf(filter.value),
        ...(filter.dnAttributes ? { dnAttributes: true } : {})
      }
    default:
      return { op: ops[filter._tag], attr: filter.attribute, value: valueOf(filter.value) }
  }
}

const named = (names: readonly [string, string], oid?: string, value?: Uint8Array): Record<string, unknown> => ({
  ...(oid === undefined ? {} : { [names[0]]: oid }),
  ...(value === undefined ? {} : { [names[1]]: hexOf(value) })
})

const response = {
  AddResponse: "addResponse",
  CompareResponse: "compareResponse",
  DeleteResponse: "delResponse",
  ModifyResponse: "modifyResponse",
  ModifyDnResponse: "modDNResponse",
  SearchResultDone: "searchResultDone"
} as const

/** The kind of an operation and its fields, by the names of the corpus. */
const described = (operation: ProtocolOperation): readonly [string, unknown] => {
  switch (operation._tag) {
    case "BindRequest": {
      const { authentication, name, version } = operation
      return ["bindRequest", {
        version,
        name,
        ...(authentication._tag === "Simple"
          ? { simple: hexOf(authentication.password) }
          : {
            sasl: {
              mechanism: authentication.mechanism,
              ...(authentication.credentials === undefined ? {} : { credentials: hexOf(authentication.credentials) })
            }
          })
      }]
    }
    case "BindResponse": {
      const credentials = operation.serverCredentials
      return ["bindResponse", {
        ...resultOf(operation.result),
        ...(credentials === undefined ? {} : { serverSaslCreds: hexOf(credentials) })
      }]
    }
    case "UnbindRequest":
      return ["unbindRequest", {}]
    case "SearchRequest":
      return ["searchRequest", {
        baseObject: operation.base,
        scope: scopes.indexOf(operation.scope),
        derefAliases: derefAliases.indexOf(operation.derefAliases),
        sizeLimit: operation.sizeLimit,
        timeLimit: operation.timeLimit,
        typesOnly: operation.typesOnly,
        filter: filterOf(operation.filter),
        attributes: operation.attributes
      }]
    case "SearchResultEntry":
      return ["searchResultEntry", entryOf(operation.entry)]
    case "SearchResultReference":
      return ["searchResultReference", { uris: operation.uris }]
    case "ModifyRequest":
      return ["modifyRequest", {
        object: operation.dn,
        changes: operation.changes.map(({ attribute, operation, values }) => ({
          operation: ["add", "delete", "replace", "increment"].indexOf(operation),
          type: attribute,
          values: values.map(valueOf)
        }))
      }]
    case "AddRequest":
      return ["addRequest", { entry: operation.dn, attributes: attributesOf(operation.attributes) }]
    case "DeleteRequest":
      return ["delRequest", { entry: operation.dn }]
    case "ModifyDnRequest":
      return ["modDNRequest", {
        entry: operation.dn,
        newrdn: operation.newRdn,
        deleteoldrdn: operation.deleteOldRdn,
        ...(operation.newSuperior === undefined ? {} : { newSuperior: operation.newSuperior })
      }]
    case "CompareRequest":
      return ["compareRequest", { entry: operation.dn, attr: operation.attribute, value: valueOf(operation.value) }]
    case "AbandonRequest":
      return ["abandonRequest", { messageID: operation.abandoned }]
    case "ExtendedRequest":
      return ["extendedRequest", named(["requestName", "requestValue"], operation.oid, operation.value)]
    case "ExtendedResponse":
      return ["extendedResponse", {
        ...resultOf(operation.result),
        ...named(["responseName", "responseValue"], operation.oid, operation.value)
      }]
    case "IntermediateResponse":
      return ["intermediateResponse", named(["responseName", "responseValue"], operation.oid, operation.value)]
    default:
      return [response[operation._tag], resultOf(operation.result)]
  }
}

const controlsOf = ({ controls }: LdapMessage): ReadonlyArray<unknown> =>
  controls.map(({ critical, oid, value }) => ({
    oid,
    critical,
    ...(value === undefined ? {} : { valueHex: hexOf(value) })
  }))

/** The corpus has a value's text in addition to its bytes, and a false flag is absent or false. */
const bare = (fields: unknown): unknown =>
  Array.isArray(fields)
    ? fields.map(bare)
    : typeof fields !== "object" || fields === null
    ? fields
    : Object.fromEntries(
      Object.entries(fields)
        .filter(([name, value]) =>
          !(name === "text" && "hex" in fields) && !(name === "dnAttributes" && value === false)
        )
        .map(([name, value]) => [name, bare(value)])
    )

/** The values of attributes with the same name are merged, as in LdapEntry. */
const merged = (fields: unknown): unknown => {
  const entry = fields as {
    readonly attributes: ReadonlyArray<{ readonly type: string; readonly values: Array<unknown> }>
  }
  const attributes: Array<{ readonly type: string; readonly values: Array<unknown> }> = []
  for (const { type, values } of entry.attributes) {
    const same = attributes.find((attribute) => attribute.type.toLowerCase() === type.toLowerCase())
    if (same === undefined) attributes.push({ type, values: [...values] })
    else same.values.push(...values)
  }
  return { ...entry, attributes }
}

// ---------------------------------------------------------------------------------------------------------------------
// The verdicts
// ---------------------------------------------------------------------------------------------------------------------

const read = (hex: string) => {
  const parser = new LdapParser()
  const messages: Array<LdapMessage> = []
  const failure = parser.push(Buffer.from(hex, "hex"), (message) => messages.push(message))
  return { parser, messages, failure }
}

const judge = (record: PduRecord, message: LdapMessage | undefined): void => {
  if (message === undefined) return assert.fail("no message")
  const [kind, fields] = described(message.operation)
  assert.strictEqual(kind, record.kind)
  assert.strictEqual(message.messageId, record.messageID)
  const expected = bare(record.fields)
  assert.deepStrictEqual(fields, kind === "searchResultEntry" ? merged(expected) : expected)
  assert.deepStrictEqual(controlsOf(message), record.controls ?? [])
  const again = Result.getOrThrow(encode(message))
  // Lengths in the fewest bytes, and no default values: this is the shortest encoding.
  assert.isAtMost(again.length, record.hex.length / 2)
  assert.deepStrictEqual(plain(Result.getOrThrow(decode(again))), plain(message))
}

describe.skipIf(!isThere)("the corpus of messages", () => {
  const valid = records.filter((record) => record.valid && record.stream === undefined)
  const streams = records.filter((record) => record.stream !== undefined)
  const invalid = records.filter((record) => !record.valid && record.trailingHex === undefined)
  const followed = records.filter((record) => !record.valid && record.trailingHex !== undefined)

  it("has records to judge", () => {
    assert.isAbove(valid.length, 200)
    assert.isAbove(streams.length, 5)
    assert.isAbove(invalid.length, 270)
    assert.isAbove(followed.length, 5)
    assert.strictEqual(valid.length + streams.length + invalid.length + followed.length, records.length)
  })

  it.each(valid)("$id $kind", (record) => {
    const whole = record.hex.slice(0, record.hex.length - (record.trailingHex?.length ?? 0))
    judge(record, read(record.hex).messages[0])
    judge(record, Result.getOrThrow(decode(Buffer.from(whole, "hex"))))
    if (record.trailingHex !== undefined) assert.isTrue(Result.isFailure(decode(Buffer.from(record.hex, "hex"))))
  })

  it("most valid messages are written back byte for byte", () => {
    const same = valid.filter(({ hex, trailingHex }) => {
      const message = trailingHex === undefined ? Result.getOrThrow(decode(Buffer.from(hex, "hex"))) : undefined
      return message !== undefined && hexOf(Result.getOrThrow(encode(message))) === hex
    })
    assert.isAbove(same.length, 195)
  })

  it.each(streams)("$id $kind: $stream", ({ hex, kind }) => {
    const { failure, messages, parser } = read(hex)
    assert.isUndefined(failure)
    assert.strictEqual(parser.pending, 0)
    assert.deepStrictEqual(messages.map(({ operation }) => described(operation)[0]), [kind, kind])
    assert.deepStrictEqual(plain(messages[0]), plain(messages[1]))
  })

  it.each(invalid)("$id is refused: $error", ({ error, hex, incomplete, oversizedLength }) => {
    const { failure, messages, parser } = read(hex)
    assert.strictEqual(messages.length, 0)
    assert.isTrue(Result.isFailure(decode(Buffer.from(hex, "hex"))))
    if (incomplete === true) {
      assert.isUndefined(failure)
      assert.strictEqual(parser.pending, hex.length / 2)
    } else if (oversizedLength === true) {
      assert.include(failure?.detail, "maxMessageSize")
    } else if (failure === undefined) {
      // A truncated message isn't always marked as incomplete.
      assert.match(error ?? "", /^truncated/)
      assert.strictEqual(parser.pending, hex.length / 2)
    }
  })

  it.each(followed)("$id a $kind, then $error", ({ hex, kind }) => {
    const { failure, messages } = read(hex)
    assert.isDefined(failure)
    assert.deepStrictEqual(messages.map(({ operation }) => described(operation)[0]), [kind])
    assert.isTrue(Result.isFailure(decode(Buffer.from(hex, "hex"))))
  })
})
