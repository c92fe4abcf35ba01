/**
 * Messages of every kind for property tests, with extreme values, and a plain form of messages for comparison: entries are lazy, so
 * a test library would see no difference between two of them.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { LdapControl } from "../../src/model/control/LdapControl.ts"
import { type LdapAttribute, LdapEntry, make } from "../../src/model/entry/LdapEntry.ts"
import type { LdapFilter } from "../../src/model/filter/LdapFilter.ts"
import {
  derefAliases,
  type LdapMessage,
  maxInt,
  type ProtocolOperation,
  type ResultFields,
  scopes
} from "../../src/protocol/LdapMessage.ts"

const { all, array, map } = Arbitrary

export const anyBoolean = Arbitrary.schema(Schema.Boolean)

/** Numbers from 0, including those at which the length of the encoding changes. */
export const anyNumber: Arbitrary.Arbitrary<number> = Arbitrary.schema(Schema.Union([
  Schema.Literals([0, 1, 127, 128, 255, 256, 32_767, 32_768, 8_388_607, 8_388_608, maxInt]),
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: maxInt }))
]))

const edges = [
  "",
  "\0",
  "é",
  "\u{1f600}",
  "dc=example,dc=com",
  "cn;lang-de",
  "x".repeat(127),
  "x".repeat(128),
  "é".repeat(40_000)
]

/** Text that has a UTF-8 encoding, without what would be an escape in an attribute description (losslessText.ts). */
export const anyText: Arbitrary.Arbitrary<string> = Arbitrary.schema(
  Schema.Union([Schema.Literals(edges), Schema.String])
).pipe(map((text) => text.toWellFormed().replaceAll(/\\(?=[0-9a-f]{2})/g, "/")))

export const anyBytes: Arbitrary.Arbitrary<Buffer> = Arbitrary.schema(
  Schema.Union([
    Schema.Literals(edges),
    Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))
  ])
).pipe(map((value) => (typeof value === "string" ? Buffer.from(value) : Buffer.from(value))))

const optional = <A>(value: Arbitrary.Arbitrary<A>): Arbitrary.Arbitrary<A | undefined> =>
  all([anyBoolean, value]).pipe(map(([isThere, some]) => (isThere ? some : undefined)))

const some = <A>(item: Arbitrary.Arbitrary<A>, minLength = 0): Arbitrary.Arbitrary<Array<A>> =>
  array(item, { minLength, maxLength: 4 })

const literal = <const L extends ReadonlyArray<string>>(choices: L): Arbitrary.Arbitrary<L[number]> =>
  Arbitrary.schema(Schema.Literals(choices))

const anyAttribute: Arbitrary.Arbitrary<LdapAttribute> = all({ description: anyText, values: some(anyBytes) })

const anyValue = anyBytes.pipe(map((bytes) => (bytes.length === 0 ? Buffer.from([0]) : bytes)))

const anyItem: Arbitrary.Arbitrary<LdapFilter> = all({
  kind: literal(["Equality", "GreaterOrEqual", "LessOrEqual", "Approx", "Present", "Substrings", "Extensible"]),
  attribute: anyText,
  rule: optional(anyText),
  value: anyValue,
  values: some(anyValue, 1),
  flag: anyBoolean
}).pipe(map(({ attribute, flag, kind, rule, value, values }): LdapFilter => {
  switch (kind) {
    case "Present":
      return { _tag: kind, attribute }
    case "Substrings":
      return { _tag: kind, attribute, ...(flag ? { initial: value } : { final: value }), any: values }
    case "Extensible":
      return {
        _tag: kind,
        ...(rule === undefined ? { attribute } : flag ? { rule } : { rule, attribute }),
        value,
        dnAttributes: flag
      }
    default:
      return { _tag: kind, attribute, value }
  }
}))

const combined = (part: Arbitrary.Arbitrary<LdapFilter>): Arbitrary.Arbitrary<LdapFilter> =>
  all([literal(["And", "Or", "Not", "one"]), part, array(part, { maxLength: 3 })]).pipe(
    map(([how, filter, filters]) =>
      how === "one" ? filter : how === "Not" ? { _tag: how, filter } : { _tag: how, filters }
    )
  )

const anyFilter = combined(combined(anyItem))

const anyResult: Arbitrary.Arbitrary<ResultFields> = all({
  code: anyNumber,
  matchedDn: anyText,
  diagnosticMessage: anyText,
  referrals: some(anyText)
})

const withResult = <Tag extends ProtocolOperation["_tag"]>(_tag: Tag) =>
  anyResult.pipe(map((result) => ({ _tag, result })))

type Operations = {
  readonly [Tag in ProtocolOperation["_tag"]]: Arbitrary.Arbitrary<Extract<ProtocolOperation, { readonly _tag: Tag }>>
}

/** An operation of each kind. The type makes sure that none is missing. */
export const operations: Operations = {
  BindRequest: all({
    version: Arbitrary.schema(Schema.Literals([1, 2, 3, 127])),
    name: anyText,
    isSimple: anyBoolean,
    password: anyBytes,
    mechanism: anyText,
    credentials: optional(anyBytes)
  }).pipe(map(({ credentials, isSimple, mechanism, name, password, version }) => ({
    _tag: "BindRequest" as const,
    version,
    name,
    authentication: isSimple ? { _tag: "Simple" as const, password } : { _tag: "Sasl" as const, mechanism, credentials }
  }))),
  BindResponse: all({ result: anyResult, serverCredentials: optional(anyBytes) }).pipe(
    map((fields) => ({ _tag: "BindResponse" as const, ...fields }))
  ),
  UnbindRequest: Arbitrary.Constant({ _tag: "UnbindRequest" as const }),
  SearchRequest: all({
    base: anyText,
    scope: Arbitrary.schema(Schema.Literals(scopes)),
    derefAliases: Arbitrary.schema(Schema.Literals(derefAliases)),
    sizeLimit: anyNumber,
    timeLimit: anyNumber,
    typesOnly: anyBoolean,
    filter: anyFilter,
    attributes: some(anyText)
  }).pipe(map((fields) => ({ _tag: "SearchRequest" as const, ...fields }))),
  SearchResultEntry: all([anyText, some(anyAttribute)]).pipe(
    map(([dn, attributes]) => ({ _tag: "SearchResultEntry" as const, entry: make(dn, attributes) }))
  ),
  SearchResultReference: some(anyText, 1).pipe(map((uris) => ({ _tag: "SearchResultReference" as const, uris }))),
  SearchResultDone: withResult("SearchResultDone"),
  ModifyRequest: all({
    dn: anyText,
    changes: some(all({
      operation: literal(["add", "delete", "replace", "increment"]),
      attribute: anyText,
      values: some(anyBytes)
    }))
  }).pipe(map((fields) => ({ _tag: "ModifyRequest" as const, ...fields }))),
  ModifyResponse: withResult("ModifyResponse"),
  AddRequest: all({ dn: anyText, attributes: some(anyAttribute) }).pipe(
    map((fields) => ({ _tag: "AddRequest" as const, ...fields }))
  ),
  AddResponse: withResult("AddResponse"),
  DeleteRequest: anyText.pipe(map((dn) => ({ _tag: "DeleteRequest" as const, dn }))),
  DeleteResponse: withResult("DeleteResponse"),
  ModifyDnRequest: all({ dn: anyText, newRdn: anyText, deleteOldRdn: anyBoolean, newSuperior: optional(anyText) }).pipe(
    map((fields) => ({ _tag: "ModifyDnRequest" as const, ...fields }))
  ),
  ModifyDnResponse: withResult("ModifyDnResponse"),
  CompareRequest: all({ dn: anyText, attribute: anyText, value: anyBytes }).pipe(
    map((fields) => ({ _tag: "CompareRequest" as const, ...fields }))
  ),
  CompareResponse: withResult("CompareResponse"),
  AbandonRequest: anyNumber.pipe(map((abandoned) => ({ _tag: "AbandonRequest" as const, abandoned }))),
  ExtendedRequest: all({ oid: anyText, value: optional(anyBytes) }).pipe(
    map((fields) => ({ _tag: "ExtendedRequest" as const, ...fields }))
  ),
  ExtendedResponse: all({ result: anyResult, oid: optional(anyText), value: optional(anyBytes) }).pipe(
    map((fields) => ({ _tag: "ExtendedResponse" as const, ...fields }))
  ),
  IntermediateResponse: all({ oid: optional(anyText), value: optional(anyBytes) }).pipe(
    map((fields) => ({ _tag: "IntermediateResponse" as const, ...fields }))
  )
}

const anyControls: Arbitrary.Arbitrary<ReadonlyArray<LdapControl>> = some(
  all({ oid: anyText, critical: anyBoolean, value: optional(anyBytes) }).pipe(map((fields) => new LdapControl(fields)))
)

/** A message around an operation. */
export const messageOf = (operation: Arbitrary.Arbitrary<ProtocolOperation>): Arbitrary.Arbitrary<LdapMessage> =>
  all({ messageId: anyNumber, operation, controls: anyControls })

/** A message of any kind. */
export const anyMessage: Arbitrary.Arbitrary<LdapMessage> = messageOf(
  Arbitrary.schema(Schema.Literals(Object.keys(operations) as Array<keyof Operations>)).pipe(
    Arbitrary.flatMap((tag): Arbitrary.Arbitrary<ProtocolOperation> => operations[tag])
  )
)

/** A message as data that can be compared: bytes in hex, entries by their content, without undefined fields. */
export const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return { hex: Buffer.from(value).toString("hex") }
  if (value instanceof LdapEntry) return { dn: value.dn, attributes: plain(value.attributes) }
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).filter(([, part]) => part !== undefined).map(([name, part]) => [name, plain(part)])
  )
}
