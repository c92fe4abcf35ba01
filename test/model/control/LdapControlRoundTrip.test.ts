/** Every kind of control with a value: a written value is read as the same value. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import type * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"
import { anyBoolean, anyNumber, plain } from "../../protocol/arbitraries.ts"

const { all, array, map } = Arbitrary

const oneOf = <const L extends ReadonlyArray<string>>(choices: L): Arbitrary.Arbitrary<L[number]> =>
  Arbitrary.schema(Schema.Literals(choices))

/** Lengths up to 300, so that the length of every part takes one, two or three bytes. */
const anyText = Arbitrary.schema(Schema.Union([
  Schema.Literals(["", "é", "\u{1f600}", "dc=example", "x".repeat(127), "x".repeat(128), "é".repeat(150)]),
  Schema.String
])).pipe(map((text) => text.slice(0, 300).toWellFormed()))
const anyBytes = anyText.pipe(map((text) => Buffer.from(text)))

/** A record in which some fields may be missing. */
const some = <R extends object>(record: Arbitrary.Arbitrary<R>): Arbitrary.Arbitrary<Partial<R>> =>
  all([record, array(anyBoolean, { minLength: 6, maxLength: 6 })]).pipe(
    // A part of a record is a partial record.
    map(([record, kept]) => Object.fromEntries(Object.entries(record).filter((_, i) => kept[i])) as Partial<R>)
  )

const anyUuid = array(anyNumber, { minLength: 16, maxLength: 16 }).pipe(
  map((numbers) => {
    const hex = Buffer.from(numbers.map((number) => number & 0xff)).toString("hex")
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  })
)
const anyValue = anyBytes.pipe(map((bytes) => (bytes.length === 0 ? Buffer.from([0]) : bytes)))
const anyName = oneOf(["cn", "sn;lang-de", "2.5.4.3", "x-y"])
const anyValueFilter: Arbitrary.Arbitrary<LdapControl.ValueFilter> = all([
  oneOf(["Equality", "GreaterOrEqual", "LessOrEqual", "Approx", "Present", "Substrings", "Extensible"]),
  anyName,
  anyValue
]).pipe(map(([_tag, attribute, value]): LdapControl.ValueFilter =>
  _tag === "Present"
    ? { _tag, attribute }
    : _tag === "Substrings"
    ? { _tag, attribute, any: [value] }
    : _tag === "Extensible"
    ? { _tag, attribute, value, dnAttributes: false }
    : { _tag, attribute, value }
))
const anyFilter: Arbitrary.Arbitrary<LdapFilter.LdapFilter> = all([oneOf(["And", "Or"]), array(anyValueFilter)]).pipe(
  map(([_tag, filters]) => ({ _tag, filters }))
)
const anyEntry = all([
  anyText,
  array(all({ description: anyText, values: array(anyBytes, { maxLength: 3 }) }), { maxLength: 3 })
]).pipe(map(([dn, attributes]) => LdapEntry.make(dn, attributes)))
const aFlag = anyBoolean

interface RoundTrip {
  readonly kind: Pick<LdapControl.ControlType<unknown>, "oid" | "name" | "decode">
  readonly controls: Arbitrary.Arbitrary<readonly [input: unknown, control: LdapControl.LdapControl]>
}

const roundTrip = <A, I>(kind: LdapControl.ControlType<A, I>, inputs: Arbitrary.Arbitrary<I>): RoundTrip => ({
  kind,
  controls: inputs.pipe(map((input) => [input, kind.make(input)] as const))
})

/** Inputs with all fields, so the decoded value must be the same. */
const roundTrips: ReadonlyArray<RoundTrip> = [
  roundTrip(LdapControl.paging, all({ size: anyNumber, cookie: anyBytes })),
  roundTrip(
    LdapControl.sortRequest,
    array(
      all([all({ attribute: anyText, reverse: aFlag }), some(all({ matchingRule: anyText }))]).pipe(
        map(([key, rule]) => ({ ...key, ...rule }))
      ),
      { minLength: 1, maxLength: 4 }
    )
  ),
  roundTrip(
    LdapControl.sortResponse,
    all([anyNumber, some(all({ attribute: anyText }))]).pipe(map(([code, rest]) => ({ code, ...rest })))
  ),
  roundTrip(
    LdapControl.virtualListViewRequest,
    all([anyNumber, anyNumber, anyNumber, anyBytes, aFlag, some(all({ contextId: anyBytes }))]).pipe(
      map(([beforeCount, afterCount, number, value, byOffset, rest]) => ({
        beforeCount,
        afterCount,
        target: byOffset
          ? { _tag: "ByOffset" as const, offset: Math.max(number, 1), contentCount: afterCount }
          : { _tag: "ByValue" as const, value },
        ...rest
      }))
    )
  ),
  roundTrip(
    LdapControl.virtualListViewResponse,
    all([
      all({ targetPosition: anyNumber, contentCount: anyNumber, code: anyNumber }),
      some(all({ contextId: anyBytes }))
    ]).pipe(map(([response, rest]) => ({ ...response, ...rest })))
  ),
  roundTrip(LdapControl.matchedValues, array(anyValueFilter, { minLength: 1, maxLength: 4 })),
  roundTrip(LdapControl.proxiedAuthorization, anyText.pipe(map((text) => `u:${text}` as const))),
  roundTrip(LdapControl.authorizationIdentityResponse, anyText),
  roundTrip(
    LdapControl.sessionTracking,
    all({
      sourceIp: anyText.pipe(map((text) => text.slice(0, 128).toWellFormed())),
      sourceName: anyText,
      formatOid: oneOf(["1.2", "1.3.6.1.4.1.21008.108.63.1.3"]),
      identifier: anyText
    })
  ),
  roundTrip(LdapControl.assertion, anyFilter),
  roundTrip(LdapControl.transactionSpecification, anyBytes),
  roundTrip(LdapControl.subentries, aFlag),
  roundTrip(LdapControl.preReadRequest, array(anyText, { maxLength: 4 })),
  roundTrip(LdapControl.preReadResponse, anyEntry),
  roundTrip(LdapControl.postReadRequest, array(anyText, { maxLength: 4 })),
  roundTrip(LdapControl.postReadResponse, anyEntry),
  roundTrip(
    LdapControl.passwordPolicyResponse,
    all([
      some(all({ error: oneOf(["passwordExpired", "accountLocked", "passwordInHistory", "passwordTooShort"]) })),
      anyNumber,
      aFlag
    ]).pipe(map(([error, number, isTime]) => ({
      ...error,
      ...(number < 3 ? {} : isTime ? { timeBeforeExpiration: number } : { graceAuthNsRemaining: number })
    })))
  ),
  roundTrip(LdapControl.passwordExpiring, anyNumber),
  roundTrip(
    LdapControl.persistentSearch,
    all({
      changeTypes: array(aFlag, { minLength: 4, maxLength: 4 }).pipe(map((kept) => {
        const types = (["add", "delete", "modify", "modifyDn"] as const).filter((_, i) => kept[i])
        return types.length === 0 ? ["delete" as const] : types
      })),
      changesOnly: aFlag,
      returnChanges: aFlag
    })
  ),
  roundTrip(
    LdapControl.entryChangeNotification,
    all([some(all({ previousDn: anyText, changeNumber: anyNumber })), anyNumber]).pipe(
      map(([rest, factor]) => ({
        changeType: rest.previousDn === undefined ? "modify" as const : "modifyDn" as const,
        ...rest,
        ...(rest.changeNumber === undefined ? {} : { changeNumber: rest.changeNumber * (factor % 4_194_304) })
      }))
    )
  ),
  roundTrip(
    LdapControl.syncRequest,
    all([
      all({ mode: oneOf(["refreshOnly", "refreshAndPersist"]), reloadHint: aFlag }),
      some(all({ cookie: anyBytes }))
    ])
      .pipe(map(([request, rest]) => ({ ...request, ...rest })))
  ),
  roundTrip(
    LdapControl.syncState,
    all([
      all({ state: oneOf(["present", "add", "modify", "delete"]), entryUuid: anyUuid }),
      some(all({ cookie: anyBytes }))
    ]).pipe(map(([state, rest]) => ({ ...state, ...rest })))
  ),
  roundTrip(
    LdapControl.syncDone,
    all([all({ refreshDeletes: aFlag }), some(all({ cookie: anyBytes }))]).pipe(
      map(([done, rest]) => ({ ...done, ...rest }))
    )
  ),
  roundTrip(
    LdapControl.dirSyncRequest,
    all({
      objectSecurity: aFlag,
      ancestorsFirstOrder: aFlag,
      publicDataOnly: aFlag,
      incrementalValues: aFlag,
      maxBytes: anyNumber,
      cookie: anyBytes
    })
  ),
  roundTrip(LdapControl.dirSyncResponse, all({ moreResults: aFlag, cookie: anyBytes })),
  roundTrip(LdapControl.sdFlags, all({ owner: aFlag, group: aFlag, dacl: aFlag, sacl: aFlag })),
  roundTrip(LdapControl.extendedDn, oneOf(["hexadecimal", "text"])),
  roundTrip(LdapControl.searchOptions, all({ domainScope: aFlag, phantomRoot: aFlag })),
  roundTrip(LdapControl.attributeScopedQueryRequest, anyText),
  roundTrip(LdapControl.attributeScopedQueryResponse, anyNumber),
  roundTrip(LdapControl.expectedEntryCount, all({ least: anyNumber, most: anyNumber })),
  roundTrip(LdapControl.inputDn, anyText),
  roundTrip(LdapControl.verifyName, anyText),
  roundTrip(LdapControl.policyHints, aFlag),
  roundTrip(LdapControl.policyHintsDeprecated, aFlag),
  roundTrip(LdapControl.statisticsRequest, all({ optimizeOnly: anyBoolean, extended: anyBoolean })),
  roundTrip(
    LdapControl.statisticsResponse,
    some(
      all({ threadCount: anyNumber, entriesVisited: anyNumber, filter: oneOf(["", "(a=b)", "é"]), "a name": anyNumber })
    )
  )
]

describe("there and back", () => {
  it("every kind that says more than that it is there is tried", () => {
    const kinds = Object.values<unknown>(LdapControl).filter((kind): kind is LdapControl.ControlType<unknown> =>
      typeof kind === "object" && kind !== null && "decode" in kind
    )
    const saying = kinds.filter((kind) => {
      const decoded = kind.decode(LdapControl.make(kind.oid))
      return Result.isFailure(decoded) || decoded.success !== undefined
    })
    const nameOf = (kind: Pick<LdapControl.ControlType<unknown>, "name" | "oid">) => `${kind.name} ${kind.oid}`
    assert.deepStrictEqual(roundTrips.map(({ kind }) => nameOf(kind)).sort(), saying.map(nameOf).sort())
  })

  for (const { controls, kind } of roundTrips) {
    it.prop(`${kind.name} (${kind.oid})`, [controls], ([[input, control]]) => {
      assert.deepStrictEqual(plain(Result.getOrThrow(kind.decode(control))), plain(input))
    }, { timeout: 30_000, arbitrary: { runs: 50 } })
  }
})
