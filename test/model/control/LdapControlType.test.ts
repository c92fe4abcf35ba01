/** The common behaviour of all kinds of controls, and custom kinds. */
import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"

const oid = "1.3.6.1.4.1.99999.1"

const traceId = LdapControl.define({
  oid,
  name: "trace id",
  encode: (id: string) => {
    if (id.length > 8) throw new RangeError("longer than 8 characters")
    return id === "" ? undefined : Buffer.from(id)
  },
  decode: (value): Result.Result<string, Error | string> => {
    if (value === undefined) return Result.succeed("")
    if (value[0] === 0) throw new TypeError("begins with zero")
    if (value[0] === 1) return Result.fail(new Error("begins with one"))
    return value[0] === 2 ? Result.fail("begins with two") : Result.succeed(Buffer.from(value).toString())
  }
})

const withValue = (...octets: ReadonlyArray<number>) => LdapControl.make(oid, { value: Uint8Array.from(octets) })

const failure = <A>(result: Result.Result<A, LdapControl.ControlError>): LdapControl.ControlError =>
  Result.isFailure(result) ? result.failure : assert.fail("it was accepted")

describe("define", () => {
  it("makes controls that are as critical as they or their kind say, and reads them", () => {
    assert.deepStrictEqual({ ...traceId.make("a") }, { oid, critical: false, value: Buffer.from("a") })
    assert.isTrue(traceId.make("a", { critical: true }).critical)
    assert.isUndefined(traceId.make("").value)
    assert.strictEqual(Result.getOrThrow(traceId.decode(traceId.make("abc", { critical: true }))), "abc")
    assert.strictEqual(Result.getOrThrow(traceId.decode(traceId.make(""))), "")
    const critical = LdapControl.define({ oid, critical: true, encode: () => undefined, decode: () => Result.void })
    assert.isTrue(critical.make().critical)
    assert.isFalse(critical.make(undefined, { critical: false }).critical)
    assert.isTrue(critical.make(undefined, { critical: undefined }).critical)
    assert.strictEqual(critical.name, oid)
  })

  it.each([
    ["what decode throws", withValue(0), "begins with zero"],
    ["the error that decode returns", withValue(1), "begins with one"],
    ["the text that decode returns", withValue(2), "begins with two"],
    ["a control of another kind", LdapControl.make("1.2.3"), "this is a control 1.2.3"]
  ])("%s is a typed failure that names the control", (_, control, detail) => {
    const error = failure(traceId.decode(control))
    assert.instanceOf(error, LdapControl.ControlError)
    assert.deepStrictEqual([error.control, error.oid, error.detail], ["trace id", oid, detail])
    assert.strictEqual(error.message, `trace id control (${oid}): ${detail}`)
  })

  it("a value that can't be written is thrown as an error that names the control", () => {
    try {
      traceId.make("longer than that")
      assert.fail("it was written")
    } catch (error) {
      assert.instanceOf(error, LdapControl.ControlError)
      assert.include(error.message, "trace id control (1.3.6.1.4.1.99999.1): longer than 8 characters")
    }
  })

  it("find and read take the first control of the kind, and differ where it is malformed", () => {
    const controls = [LdapControl.make("1.2"), withValue(65), withValue(66)]
    assert.deepStrictEqual(traceId.find(controls), Option.some("A"))
    assert.deepStrictEqual(traceId.read(controls), Result.succeed(Option.some("A")))
    assert.deepStrictEqual(traceId.find([]), Option.none())
    assert.deepStrictEqual(traceId.read([LdapControl.make("1.2")]), Result.succeed(Option.none()))
    assert.deepStrictEqual(traceId.find([withValue(2), withValue(65)]), Option.none())
    assert.strictEqual(failure(traceId.read([withValue(2), withValue(65)])).detail, "begins with two")
  })
})

describe("defineSchema", () => {
  const Text = Schema.Uint8Array.pipe(
    Schema.decodeTo(
      Schema.String.check(Schema.isMaxLength(5)),
      SchemaTransformation.transform({
        decode: (octets) => Buffer.from(octets).toString(),
        encode: (text) => new Uint8Array(Buffer.from(text))
      })
    )
  )
  const reason = LdapControl.defineSchema({ oid, name: "reason", critical: true, schema: Text })

  it("makes and reads controls by the schema", () => {
    const control = reason.make("tidy")
    assert.strictEqual(Buffer.from(control.value!).toString(), "tidy")
    assert.isTrue(control.critical)
    assert.strictEqual(Result.getOrThrow(reason.decode(control)), "tidy")
    assert.deepStrictEqual(reason.find([control]), Option.some("tidy"))
  })

  it("what the schema refuses is a typed error in both directions, and quotes nothing", () => {
    const error = failure(reason.decode(LdapControl.make(oid, { value: Buffer.from("password") })))
    assert.strictEqual(error.message, `reason control (${oid}): the schema does not allow the value`)
    assert.notInclude(JSON.stringify(error), "password")
    assert.strictEqual(failure(reason.decode(LdapControl.make(oid))).detail, "has no value")
    assert.throws(
      () => reason.make("password"),
      LdapControl.ControlError,
      /^reason control .*does not allow the value$/
    )
  })
})

describe("the kinds", () => {
  // Every export that is a kind of control, so a new one is tested here too.
  const kinds = Object.entries<unknown>(LdapControl).filter((
    entry
  ): entry is [string, LdapControl.ControlType<unknown>] =>
    typeof entry[1] === "object" && entry[1] !== null && "decode" in entry[1]
  )

  it("are the ones of the list, each with its object identifier and its criticality", () => {
    assert.deepStrictEqual(
      Object.fromEntries(kinds.map(([name, kind]) => [name, `${kind.oid}${kind.critical ? " critical" : ""}`])),
      {
        // RFC 2696, RFC 2891, draft-ietf-ldapext-ldapv3-vlv-09, RFC 3876
        paging: "1.2.840.113556.1.4.319",
        sortRequest: "1.2.840.113556.1.4.473",
        sortResponse: "1.2.840.113556.1.4.474",
        virtualListViewRequest: "2.16.840.1.113730.3.4.9 critical",
        virtualListViewResponse: "2.16.840.1.113730.3.4.10",
        matchedValues: "1.2.826.0.1.3344810.2.3",
        // RFC 4370, RFC 3829, draft-wahl-ldap-session-03
        proxiedAuthorization: "2.16.840.1.113730.3.4.18 critical",
        authorizationIdentityRequest: "2.16.840.1.113730.3.4.16",
        authorizationIdentityResponse: "2.16.840.1.113730.3.4.15",
        sessionTracking: "1.3.6.1.4.1.21008.108.63.1",
        // RFC 4528, RFC 3296, RFC 6171, RFC 5805, RFC 3672, RFC 4527
        assertion: "1.3.6.1.1.12 critical",
        manageDsaIt: "2.16.840.1.113730.3.4.2 critical",
        dontUseCopy: "1.3.6.1.1.22 critical",
        transactionSpecification: "1.3.6.1.1.21.2 critical",
        subentries: "1.3.6.1.4.1.4203.1.10.1 critical",
        preReadRequest: "1.3.6.1.1.13.1",
        preReadResponse: "1.3.6.1.1.13.1",
        postReadRequest: "1.3.6.1.1.13.2",
        postReadResponse: "1.3.6.1.1.13.2",
        relaxRules: "1.3.6.1.4.1.4203.666.5.12 critical",
        noOp: "1.3.6.1.4.1.4203.1.10.2 critical",
        noOpOpenLdap: "1.3.6.1.4.1.4203.666.5.2 critical",
        treeDelete: "1.2.840.113556.1.4.805",
        permissiveModify: "1.2.840.113556.1.4.1413",
        // draft-behera-ldap-password-policy-11, draft-vchu-ldap-pwd-policy-00
        passwordPolicyRequest: "1.3.6.1.4.1.42.2.27.8.5.1",
        passwordPolicyResponse: "1.3.6.1.4.1.42.2.27.8.5.1",
        passwordExpired: "2.16.840.1.113730.3.4.4",
        passwordExpiring: "2.16.840.1.113730.3.4.5",
        // draft-ietf-ldapext-psearch-03, RFC 4533
        persistentSearch: "2.16.840.1.113730.3.4.3 critical",
        entryChangeNotification: "2.16.840.1.113730.3.4.7",
        syncRequest: "1.3.6.1.4.1.4203.1.9.1.1 critical",
        syncState: "1.3.6.1.4.1.4203.1.9.1.2",
        syncDone: "1.3.6.1.4.1.4203.1.9.1.3",
        // MS-ADTS 3.1.1.3.4.1
        dirSyncRequest: "1.2.840.113556.1.4.841 critical",
        dirSyncResponse: "1.2.840.113556.1.4.841",
        notification: "1.2.840.113556.1.4.528 critical",
        showDeleted: "1.2.840.113556.1.4.417",
        showRecycled: "1.2.840.113556.1.4.2064",
        showDeactivatedLink: "1.2.840.113556.1.4.2065",
        sdFlags: "1.2.840.113556.1.4.801 critical",
        extendedDn: "1.2.840.113556.1.4.529",
        searchOptions: "1.2.840.113556.1.4.1340",
        domainScope: "1.2.840.113556.1.4.1339",
        rangeRetrievalNoError: "1.2.840.113556.1.4.1948",
        attributeScopedQueryRequest: "1.2.840.113556.1.4.1504 critical",
        attributeScopedQueryResponse: "1.2.840.113556.1.4.1504",
        expectedEntryCount: "1.2.840.113556.1.4.2211 critical",
        inputDn: "1.2.840.113556.1.4.2026",
        verifyName: "1.2.840.113556.1.4.1338",
        lazyCommit: "1.2.840.113556.1.4.619",
        forceUpdate: "1.2.840.113556.1.4.1974",
        policyHints: "1.2.840.113556.1.4.2239 critical",
        policyHintsDeprecated: "1.2.840.113556.1.4.2066 critical",
        statisticsRequest: "1.2.840.113556.1.4.970",
        statisticsResponse: "1.2.840.113556.1.4.970"
      }
    )
    assert.strictEqual(LdapControl.rangeOptionOid, "1.2.840.113556.1.4.802")
    assert.strictEqual(LdapControl.syncInfoOid, "1.3.6.1.4.1.4203.1.9.1.4")
  })

  it("have names in words, different for a request and its answer", () => {
    const names = kinds.map(([, kind]) => kind.name)
    for (const [, kind] of kinds) assert.notStrictEqual(kind.name, kind.oid)
    // Two kinds have two object identifiers each.
    assert.deepStrictEqual(names.filter((name, i) => names.indexOf(name) !== i).sort(), ["no-op", "policy hints"])
  })

  it.each(kinds)("%s refuses a control of another kind", (_, kind) => {
    const error = failure(kind.decode(LdapControl.make(`${kind.oid}.1`)))
    assert.deepStrictEqual([error.control, error.oid], [kind.name, kind.oid])
    assert.strictEqual(error.detail, `this is a control ${kind.oid}.1`)
  })
})
