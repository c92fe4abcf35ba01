/**
 * The values of controls: bytes derived by hand from the ASN.1 of the specifications, and values that must be refused.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import * as LdapFilter from "../../../src/model/filter/LdapFilter.ts"
import { anyNumber, plain } from "../../protocol/arbitraries.ts"

const octets = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"))
const hexOf = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString("hex")

interface Golden {
  readonly what: string
  readonly kind: Pick<LdapControl.ControlType<unknown>, "oid" | "name" | "decode">
  readonly make: () => LdapControl.LdapControl
  readonly hex: string | undefined
  readonly says: unknown
  /** Raw values have no structure, so a truncated one may be valid too. */
  readonly isBer: boolean
}

const raw = new Set([
  LdapControl.proxiedAuthorization.oid,
  LdapControl.authorizationIdentityResponse.oid,
  LdapControl.transactionSpecification.oid,
  LdapControl.passwordExpired.oid,
  LdapControl.passwordExpiring.oid
])

const golden = <A, I>(
  what: string,
  kind: LdapControl.ControlType<A, I>,
  value: I,
  hex: string | undefined,
  says: unknown = value
): Golden => ({
  what: `${kind.name}: ${what}`,
  kind,
  make: () => kind.make(value),
  hex: hex?.replaceAll(" ", ""),
  says,
  isBer: hex !== undefined && !raw.has(kind.oid)
})

const dn = "dc=example"
const dnHex = "64633d6578616d706c65"
const uuid = "8d1980b2-7ab0-1041-9708-c9b2d60a6385"
const uuidHex = "8d1980b27ab010419708c9b2d60a6385"

const goldens: ReadonlyArray<Golden> = [
  // RFC 2696 section 2
  golden("a page", LdapControl.paging, { size: 500, cookie: octets("00ff") }, "3008 020201f4 0402 00ff"),
  // RFC 2891 section 1
  golden(
    "two keys",
    LdapControl.sortRequest,
    [{ attribute: "sn" }, { attribute: "cn", matchingRule: "2.5.13.3", reverse: true }],
    "3019 3004 0402 736e 3011 0402 636e 8008 322e352e31332e33 8101 ff",
    [{ attribute: "sn", reverse: false }, { attribute: "cn", matchingRule: "2.5.13.3", reverse: true }]
  ),
  golden("success", LdapControl.sortResponse, { code: 0 }, "3003 0a0100"),
  golden("noSuchAttribute", LdapControl.sortResponse, { code: 16, attribute: "cn" }, "3007 0a0110 8002 636e"),
  // draft-ietf-ldapext-ldapv3-vlv-09 section 6
  golden(
    "by offset",
    LdapControl.virtualListViewRequest,
    {
      beforeCount: 1,
      afterCount: 300,
      target: { _tag: "ByOffset", offset: 2, contentCount: 0 },
      contextId: octets("01")
    },
    "3012 020101 0202012c a006 020102 020100 0401 01"
  ),
  golden(
    "by value",
    LdapControl.virtualListViewRequest,
    { beforeCount: 0, afterCount: 1, target: { _tag: "ByValue", value: octets("61") } },
    "3009 020100 020101 8101 61"
  ),
  golden(
    "a window",
    LdapControl.virtualListViewResponse,
    { targetPosition: 2, contentCount: 3, code: 0, contextId: octets("0a0b") },
    "300d 020102 020103 0a0100 0402 0a0b"
  ),
  golden(
    "sortControlMissing",
    LdapControl.virtualListViewResponse,
    { targetPosition: 0, contentCount: 0, code: 60 },
    "3009 020100 020100 0a013c"
  ),
  // RFC 3876 section 2
  golden(
    "two filters",
    LdapControl.matchedValues,
    [LdapFilter.equals("sn", "a"), LdapFilter.present("cn")],
    "300d a307 0402 736e 0401 61 8702 636e"
  ),
  // RFC 4370 section 3
  golden("a name", LdapControl.proxiedAuthorization, `dn:${dn}`, `646e3a ${dnHex}`),
  golden("a user id", LdapControl.proxiedAuthorization, "u:bob", "753a626f62"),
  golden("anonymous", LdapControl.proxiedAuthorization, "", ""),
  // RFC 3829
  golden("nothing", LdapControl.authorizationIdentityRequest, undefined, undefined),
  golden("an identity", LdapControl.authorizationIdentityResponse, "u:é", "753ac3a9"),
  golden("anonymous", LdapControl.authorizationIdentityResponse, "", ""),
  // draft-wahl-ldap-session-03 section 2.1
  golden(
    "all fields",
    LdapControl.sessionTracking,
    { sourceIp: "::1", sourceName: "h", formatOid: "1.2", identifier: "x" },
    "3010 0403 3a3a31 0401 68 0403 312e32 0401 78"
  ),
  // RFC 4528 section 3
  golden("text", LdapControl.assertion, "(!(cn=a))", "a209 a307 0402 636e 0401 61", {
    _tag: "Not",
    filter: { _tag: "Equality", attribute: "cn", value: octets("61") }
  }),
  golden("a filter", LdapControl.assertion, LdapFilter.present("cn"), "8702 636e"),
  // RFC 3296, RFC 6171, and what else has no value
  golden("nothing", LdapControl.manageDsaIt, undefined, undefined),
  golden("nothing", LdapControl.dontUseCopy, undefined, undefined),
  golden("nothing", LdapControl.relaxRules, undefined, undefined),
  golden("nothing", LdapControl.noOp, undefined, undefined),
  golden("nothing", LdapControl.noOpOpenLdap, undefined, undefined),
  golden("nothing", LdapControl.treeDelete, undefined, undefined),
  golden("nothing", LdapControl.permissiveModify, undefined, undefined),
  golden("nothing", LdapControl.notification, undefined, undefined),
  golden("nothing", LdapControl.showDeleted, undefined, undefined),
  golden("nothing", LdapControl.showRecycled, undefined, undefined),
  golden("nothing", LdapControl.showDeactivatedLink, undefined, undefined),
  golden("nothing", LdapControl.domainScope, undefined, undefined),
  golden("nothing", LdapControl.rangeRetrievalNoError, undefined, undefined),
  golden("nothing", LdapControl.lazyCommit, undefined, undefined),
  golden("nothing", LdapControl.forceUpdate, undefined, undefined),
  // RFC 5805 section 2.2
  golden("an identifier", LdapControl.transactionSpecification, octets("0102"), "0102"),
  golden("slapd's identifier", LdapControl.transactionSpecification, octets(""), ""),
  // RFC 3672 section 3 gives both
  golden("visible", LdapControl.subentries, true, "0101ff"),
  golden("not visible", LdapControl.subentries, false, "010100"),
  // RFC 4527 section 3
  golden("two attributes", LdapControl.preReadRequest, ["cn", "+"], "3007 0402 636e 0401 2b"),
  golden("all user attributes", LdapControl.postReadRequest, [], "3000"),
  golden(
    "an entry",
    LdapControl.preReadResponse,
    LdapEntry.make("cn=a", { cn: "a" }),
    "6413 0404 636e3d61 300b 3009 0402 636e 3103 0401 61"
  ),
  golden("an entry without attributes", LdapControl.postReadResponse, LdapEntry.make("", {}), "6404 0400 3000"),
  // draft-behera-ldap-password-policy-11 section 6
  golden("nothing", LdapControl.passwordPolicyRequest, undefined, undefined),
  golden("nothing to say", LdapControl.passwordPolicyResponse, {}, "3000"),
  golden("a warning", LdapControl.passwordPolicyResponse, { timeBeforeExpiration: 300 }, "3006 a004 8002 012c"),
  golden("a grace bind", LdapControl.passwordPolicyResponse, { graceAuthNsRemaining: 2 }, "3005 a003 8101 02"),
  golden(
    "a warning and an error",
    LdapControl.passwordPolicyResponse,
    { timeBeforeExpiration: 0, error: "changeAfterReset" },
    "3008 a003 8001 00 8101 02"
  ),
  golden("an error", LdapControl.passwordPolicyResponse, { error: "passwordTooLong" }, "3003 8101 09"),
  // draft-vchu-ldap-pwd-policy-00
  golden("zero", LdapControl.passwordExpired, undefined, "30"),
  golden("seconds", LdapControl.passwordExpiring, 86400, "3836343030"),
  // draft-ietf-ldapext-psearch-03
  golden(
    "some changes",
    LdapControl.persistentSearch,
    { changeTypes: ["modifyDn", "add"], changesOnly: false, returnChanges: false },
    "3009 020109 010100 010100",
    { changeTypes: ["add", "modifyDn"], changesOnly: false, returnChanges: false }
  ),
  golden("all that is left out", LdapControl.persistentSearch, {}, "3009 02010f 0101ff 0101ff", {
    changeTypes: ["add", "delete", "modify", "modifyDn"],
    changesOnly: true,
    returnChanges: true
  }),
  golden("added", LdapControl.entryChangeNotification, { changeType: "add" }, "3003 0a0101"),
  golden(
    "renamed",
    LdapControl.entryChangeNotification,
    { changeType: "modifyDn", previousDn: dn, changeNumber: 2 ** 40 },
    `3017 0a0108 040a ${dnHex} 0206 010000000000`
  ),
  golden(
    "a number that needs a zero before it",
    LdapControl.entryChangeNotification,
    { changeType: "delete", changeNumber: 128 },
    "3007 0a0102 0202 0080"
  ),
  // RFC 4533 sections 2.2 to 2.4
  golden("refresh only", LdapControl.syncRequest, { mode: "refreshOnly" }, "3003 0a0101", {
    mode: "refreshOnly",
    reloadHint: false
  }),
  golden(
    "refresh and persist",
    LdapControl.syncRequest,
    { mode: "refreshAndPersist", cookie: octets("6162"), reloadHint: true },
    "300a 0a0103 0402 6162 0101ff"
  ),
  golden("added", LdapControl.syncState, { state: "add", entryUuid: uuid }, `3015 0a0101 0410 ${uuidHex}`),
  golden(
    "deleted",
    LdapControl.syncState,
    { state: "delete", entryUuid: uuid, cookie: octets("61") },
    `3018 0a0103 0410 ${uuidHex} 0401 61`
  ),
  golden("slapd's glue entry", LdapControl.syncState, { state: "add", entryUuid: "" }, "3005 0a0101 0400"),
  golden("nothing", LdapControl.syncDone, {}, "3000", { refreshDeletes: false }),
  golden("done", LdapControl.syncDone, { cookie: octets("61"), refreshDeletes: true }, "3006 0401 61 0101ff"),
  // MS-ADTS 3.1.1.3.4.1
  golden(
    "all flags",
    LdapControl.dirSyncRequest,
    {
      objectSecurity: true,
      ancestorsFirstOrder: true,
      publicDataOnly: true,
      incrementalValues: true,
      maxBytes: 1000,
      cookie: octets("4d53")
    },
    "300e 0204 80002801 020203e8 0402 4d53"
  ),
  golden("nothing", LdapControl.dirSyncRequest, {}, "3008 020100 020100 0400", {
    objectSecurity: false,
    ancestorsFirstOrder: false,
    publicDataOnly: false,
    incrementalValues: false,
    maxBytes: 0,
    cookie: octets("")
  }),
  golden(
    "more",
    LdapControl.dirSyncResponse,
    { moreResults: true, cookie: octets("01") },
    "3009 020101 020100 0401 01"
  ),
  golden("three parts", LdapControl.sdFlags, { owner: true, group: true, dacl: true }, "3003 020107", {
    owner: true,
    group: true,
    dacl: true,
    sacl: false
  }),
  golden("the fourth", LdapControl.sdFlags, { owner: false, sacl: true }, "3003 020108", {
    owner: false,
    group: false,
    dacl: false,
    sacl: true
  }),
  golden("hexadecimal", LdapControl.extendedDn, "hexadecimal", "3003 020100"),
  golden("text", LdapControl.extendedDn, "text", "3003 020101"),
  golden("phantom root", LdapControl.searchOptions, { phantomRoot: true }, "3003 020102", {
    domainScope: false,
    phantomRoot: true
  }),
  golden("domain scope", LdapControl.searchOptions, { domainScope: true }, "3003 020101", {
    domainScope: true,
    phantomRoot: false
  }),
  golden("an attribute", LdapControl.attributeScopedQueryRequest, "member", "3008 0406 6d656d626572"),
  golden("affectsMultipleDsas", LdapControl.attributeScopedQueryResponse, 71, "3003 0a0147"),
  golden("a range", LdapControl.expectedEntryCount, { least: 1, most: 200 }, "3007 020101 020200c8"),
  golden("a name", LdapControl.inputDn, dn, `300c 040a ${dnHex}`),
  golden("a server", LdapControl.verifyName, "gé", "3009 020100 0404 6700e900"),
  golden("enforced", LdapControl.policyHints, true, "3003 020101"),
  golden("not enforced", LdapControl.policyHintsDeprecated, false, "3003 020100"),
  {
    ...golden("flags", LdapControl.statisticsRequest, { extended: true }, "05000000", {
      optimizeOnly: false,
      extended: true
    }),
    isBer: false
  },
  golden(
    "numbered",
    LdapControl.statisticsResponse,
    { threadCount: 2, filter: "(a=b)" },
    "3010 020101 020102 020107 0405 28613d6229"
  ),
  golden("named", LdapControl.statisticsResponse, { "a b": 300 }, "300b 3009 0403 612062 8002 012c")
]

const withValue = (oid: string, value: Uint8Array | undefined) => LdapControl.make(oid, { value })

const says = (kind: Golden["kind"], value: Uint8Array | undefined): unknown =>
  plain(Result.getOrThrow(kind.decode(withValue(kind.oid, value))))

const refusal = (kind: Golden["kind"], value: Uint8Array | undefined): LdapControl.ControlError => {
  const result = kind.decode(withValue(kind.oid, value))
  if (Result.isSuccess(result)) assert.fail(`${hexOf(value)} was read as ${JSON.stringify(plain(result.success))}`)
  assert.instanceOf(result.failure, LdapControl.ControlError)
  assert.strictEqual(result.failure.control, kind.name)
  return result.failure
}

describe("bytes by hand", () => {
  it.each(goldens.map((golden) => [golden.what, golden] as const))("%s", (_, { hex, kind, make, says: expected }) => {
    assert.strictEqual(hexOf(make().value), hex)
    assert.deepStrictEqual(says(kind, hex === undefined ? undefined : octets(hex)), plain(expected))
  })

  it("every kind has some", () => {
    const names = Object.values<unknown>(LdapControl).flatMap((kind) =>
      typeof kind === "object" && kind !== null && "name" in kind ? [kind.name] : []
    )
    assert.deepStrictEqual(new Set(goldens.map(({ kind }) => kind.name)), new Set(names))
  })
})

describe("bytes that others write", () => {
  it.each(goldens.filter(({ isBer }) => isBer).map((golden) => [golden.what, golden] as const))(
    "%s: the same with every length in five bytes",
    (_, { hex, kind, says: expected }) => {
      assert.deepStrictEqual(says(kind, longForm(octets(hex!))), plain(expected))
    }
  )

  it("defaults that are written out", () => {
    assert.deepStrictEqual(says(LdapControl.sortRequest, octets("3009 3007 0402 636e 8101 00")), [
      { attribute: "cn", reverse: false }
    ])
    assert.deepStrictEqual(says(LdapControl.syncRequest, octets("3006 0a0101 010100")), {
      mode: "refreshOnly",
      reloadHint: false
    })
    assert.deepStrictEqual(says(LdapControl.syncDone, octets("3003 010100")), { refreshDeletes: false })
  })

  it("TRUE as any number but 0", () => {
    assert.strictEqual(says(LdapControl.subentries, octets("010101")), true)
  })

  it("elements that a later version added", () => {
    assert.deepStrictEqual(says(LdapControl.sortResponse, octets("3007 0a0100 8f02 0100")), {
      code: 0
    })
    assert.deepStrictEqual(says(LdapControl.passwordPolicyResponse, octets("3002 8200")), {})
  })

  it("an empty value where there need be none", () => {
    assert.isUndefined(says(LdapControl.showDeleted, octets("")))
    assert.strictEqual(says(LdapControl.extendedDn, octets("")), "hexadecimal")
    assert.strictEqual(says(LdapControl.extendedDn, undefined), "hexadecimal")
    assert.strictEqual(says(LdapControl.authorizationIdentityResponse, undefined), "")
  })

  it("an entry as a plain sequence, as UnboundID's servers write it", () => {
    assert.deepStrictEqual(
      says(LdapControl.postReadResponse, octets("3004 0400 3000")),
      plain(LdapEntry.make("", {}))
    )
  })

  it("flags that have no name, and codes that no list has", () => {
    assert.deepStrictEqual(says(LdapControl.searchOptions, octets("3003 020104")), {
      domainScope: false,
      phantomRoot: false
    })
    assert.deepStrictEqual(says(LdapControl.sortResponse, octets("3004 0a02 1000")), { code: 4096 })
    assert.strictEqual(says(LdapControl.policyHints, octets("3003 020102")), false)
  })

  it("values that are kept don't keep the message", () => {
    const message = octets("aaaa 3006 020100 0401 61 bbbb")
    const control = withValue(LdapControl.paging.oid, message.subarray(2, 10))
    const { cookie } = Result.getOrThrow(LdapControl.paging.decode(control))
    message.fill(0)
    assert.strictEqual(hexOf(cookie), "61")
    assert.strictEqual(cookie.buffer.byteLength, 1)
  })
})

describe("what is refused", () => {
  it.each(goldens.filter(({ isBer }) => isBer).map((golden) => [golden.what, golden] as const))(
    "%s: cut short anywhere, or longer than it says, or missing",
    (_, { hex, kind }) => {
      const value = octets(hex!)
      const optional = kind.name === LdapControl.extendedDn.name
      for (let length = optional ? 1 : 0; length < value.length; length++) refusal(kind, value.subarray(0, length))
      refusal(kind, Uint8Array.from([...value, 0]))
      if (!optional) assert.strictEqual(refusal(kind, undefined).detail, "has no value")
    }
  )

  it.each(goldens.filter(({ hex }) => hex === undefined).map((golden) => [golden.what, golden] as const))(
    "%s: a value",
    (_, { kind }) => {
      assert.strictEqual(refusal(kind, octets("3000")).detail, "has a value")
    }
  )

  it.each<readonly [string, Golden["kind"], string, string]>([
    ["a sort key without an attribute", LdapControl.sortRequest, "3005 3003 8101 00", "expected element 0x04"],
    ["a negative code", LdapControl.sortResponse, "3003 0a01ff", "result code -1 is less than 0"],
    ["an element after the last", LdapControl.sortResponse, "3006 0a0100 020100", "unexpected bytes"],
    ["a view without a target", LdapControl.virtualListViewRequest, "3006 020101 020101", "expected element 0xa0"],
    [
      "an offset of 0",
      LdapControl.virtualListViewRequest,
      "300e 020101 020101 a006 020100 020101",
      "offset 0 is less than 1"
    ],
    [
      "an offset without a content count",
      LdapControl.virtualListViewRequest,
      "300b 020101 020101 a003 020101",
      "expected element 0x02, found the end"
    ],
    ["a count that is negative", LdapControl.virtualListViewResponse, "3009 0201ff 020100 0a0100", "is less than 0"],
    ["a filter of filters", LdapControl.matchedValues, "3002 a000", "one comparison"],
    ["a filter of filters that isn't empty", LdapControl.matchedValues, "3006 a204 8702 636e", "deeper than 1"],
    [
      "dnAttributes",
      LdapControl.matchedValues,
      "300c a90a 8202 636e 8301 61 8401 ff",
      "one comparison without dnAttributes"
    ],
    ["another form of identity", LdapControl.proxiedAuthorization, "783a61", "an authorization identity must be dn:"],
    ["a name that is none", LdapControl.proxiedAuthorization, "646e3a61", "not a distinguished name"],
    ["text that is not UTF-8", LdapControl.proxiedAuthorization, "753aff", "text that is not UTF-8"],
    ["text that is not UTF-8", LdapControl.authorizationIdentityResponse, "ff", "text that is not UTF-8"],
    ["text that is not UTF-8", LdapControl.preReadRequest, "3003 0401 ff", "text that is not UTF-8"],
    [
      "a format that is no object identifier",
      LdapControl.sessionTracking,
      "300a 0400 0400 0402 6f69 0400",
      "the format is not an object identifier"
    ],
    [
      "a long address",
      LdapControl.sessionTracking,
      `30 818b 04 8181 ${"31".repeat(129)} 0400 0401 31 0400`,
      "longer than 128 characters"
    ],
    ["an entry of another tag", LdapControl.postReadResponse, "6504 0400 3000", "expected element 0x64"],
    ["an entry with an attribute that isn't one", LdapControl.postReadResponse, "6406 0400 3002 0400", "expected"],
    ["a filter that is none", LdapControl.assertion, "0402 636e", "expected a filter"],
    ["two booleans in one", LdapControl.subentries, "0102 ffff", "a boolean takes one byte"],
    ["both warnings", LdapControl.passwordPolicyResponse, "3008 a006 8001 01 8101 01", "unexpected bytes"],
    ["an empty warning", LdapControl.passwordPolicyResponse, "3002 a000", "expected element 0x81"],
    ["a negative warning", LdapControl.passwordPolicyResponse, "3005 a003 8001 ff", "is less than 0"],
    ["an error without a meaning", LdapControl.passwordPolicyResponse, "3003 8101 0a", "error 10 is unknown"],
    ["a time that isn't a number", LdapControl.passwordExpiring, "3161", "not a number of seconds"],
    ["a time that is too long", LdapControl.passwordExpiring, "39".repeat(16), "not a number of seconds"],
    ["no time", LdapControl.passwordExpiring, "", "not a number of seconds"],
    ["no change", LdapControl.persistentSearch, "3009 020100 0101ff 0101ff", "less than 1"],
    ["changes without a meaning", LdapControl.persistentSearch, "3009 020110 0101ff 0101ff", "change types 16"],
    ["a change without a meaning", LdapControl.entryChangeNotification, "3003 0a0103", "change type 3 is unknown"],
    [
      "a previous name without a renaming",
      LdapControl.entryChangeNotification,
      "3006 0a0101 0401 61",
      "only a renamed entry"
    ],
    [
      "a negative number",
      LdapControl.entryChangeNotification,
      "3006 0a0101 0201 80",
      "a change number that is missing"
    ],
    ["a number of nothing", LdapControl.entryChangeNotification, "3005 0a0101 0200", "a change number that is missing"],
    [
      "a number of 54 bits",
      LdapControl.entryChangeNotification,
      "300c 0a0101 0207 20000000000000",
      "a change number that is missing, negative or too large"
    ],
    [
      "a number of nine octets",
      LdapControl.entryChangeNotification,
      "300e 0a0101 0209 000000000000000001",
      "a change number that is missing, negative or too large"
    ],
    ["mode 2", LdapControl.syncRequest, "3003 0a0102", "mode 2 is unknown"],
    ["state 4", LdapControl.syncState, `3015 0a0104 0410 ${uuidHex}`, "state 4 is unknown"],
    ["a UUID of three bytes", LdapControl.syncState, "3008 0a0101 0403 616263", "a UUID of 3 bytes"],
    ["half a UTF-16 unit", LdapControl.verifyName, "3006 020100 0401 61", "text that is not UTF-16"],
    ["a form without a meaning", LdapControl.extendedDn, "3003 020102", "flag 2 is unknown"],
    ["no flags", LdapControl.sdFlags, "3000", "expected element 0x02"]
  ])("%s", (_, kind, hex, detail) => {
    assert.include(refusal(kind, octets(hex)).detail, detail)
  })

  it.each<readonly [string, () => unknown]>([
    ["no sort key", () => LdapControl.sortRequest.make([])],
    ["no filter for values", () => LdapControl.matchedValues.make([])],
    [
      "dnAttributes in a filter for values",
      () =>
        LdapControl.matchedValues.make([
          { _tag: "Extensible", attribute: "cn", value: octets("61"), dnAttributes: true }
        ])
    ],
    ["a filter that isn't valid", () => LdapControl.assertion.make({ _tag: "Present", attribute: "c n" })],
    ["text that is no filter", () => LdapControl.assertion.make("(cn=a")],
    // The type forbids it, but JavaScript doesn't.
    ["a bare name as an identity", () => LdapControl.proxiedAuthorization.make(dn as "")],
    [
      "a negative count",
      () =>
        LdapControl.virtualListViewRequest.make({
          beforeCount: -1,
          afterCount: 0,
          target: { _tag: "ByOffset", offset: 1, contentCount: 0 }
        })
    ],
    [
      "an offset of 0",
      () =>
        LdapControl.virtualListViewRequest.make({
          beforeCount: 0,
          afterCount: 0,
          target: { _tag: "ByOffset", offset: 0, contentCount: 0 }
        })
    ],
    [
      "two warnings",
      () => LdapControl.passwordPolicyResponse.make({ timeBeforeExpiration: 1, graceAuthNsRemaining: 1 })
    ],
    ["half a second", () => LdapControl.passwordExpiring.make(0.5)],
    ["no change", () => LdapControl.persistentSearch.make({ changeTypes: [] })],
    [
      "a previous name without a renaming",
      () => LdapControl.entryChangeNotification.make({ changeType: "add", previousDn: dn })
    ],
    [
      "a change number of 54 bits",
      () => LdapControl.entryChangeNotification.make({ changeType: "add", changeNumber: 2 ** 53 })
    ],
    ["text that is no UUID", () => LdapControl.syncState.make({ state: "add", entryUuid: "abc" })],
    [
      "a format that is no object identifier",
      () => LdapControl.sessionTracking.make({ sourceIp: "", sourceName: "", formatOid: "x", identifier: "" })
    ],
    ["a negative number of bytes", () => LdapControl.dirSyncRequest.make({ maxBytes: -1 })]
  ])("to be written: %s", (_, make) => {
    assert.throws(make, LdapControl.ControlError)
  })
})

describe("bytes of any kind", () => {
  const kinds = [...new Set(goldens.map(({ kind }) => kind))]

  it.prop("never make decode throw", [Arbitrary.schema(Schema.Uint8Array)], ([value]) => {
    for (const kind of kinds) kind.decode(withValue(kind.oid, value))
  }, { timeout: 30_000, arbitrary: { runs: 200 } })

  it.prop("nor do values with a byte changed or left out", [anyNumber, anyNumber], ([at, octet]) => {
    for (const { hex, kind } of goldens) {
      if (hex === undefined || hex === "") continue
      const changed = octets(hex)
      changed[at % changed.length] = octet & 0xff
      const result = kind.decode(withValue(kind.oid, changed))
      // An entry is decoded lazily: its input must still be unchanged when it is read.
      if (Result.isSuccess(result)) plain(result.success)
      const cut = octets(hex)
      kind.decode(
        withValue(
          kind.oid,
          Uint8Array.from([...cut.subarray(0, at % cut.length), ...cut.subarray(at % cut.length + 1)])
        )
      )
    }
  }, { timeout: 30_000, arbitrary: { runs: 300 } })
})

/** The same elements with every length in five bytes, as 389 Directory Server writes them. */
function longForm(bytes: Uint8Array): Uint8Array {
  const parts: Array<number> = []
  for (let i = 0; i < bytes.length;) {
    const tag = bytes[i]!
    const length = bytes[i + 1]!
    assert.isBelow(length, 0x80)
    const content = bytes.subarray(i + 2, i + 2 + length)
    const written = (tag & 0x20) === 0 ? content : longForm(content)
    parts.push(tag, 0x84, 0, 0, written.length >> 8, written.length & 0xff, ...written)
    i += 2 + length
  }
  return Uint8Array.from(parts)
}
