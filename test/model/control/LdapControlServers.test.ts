/**
 * Control values in the answers of real servers: OpenLDAP slapd 2.5.13, 389 Directory Server 2.3.1 and Samba AD DC 4.17.12, each
 * with its request. Also the intermediate responses of a synchronization, which aren't controls.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import { plain } from "../../protocol/arbitraries.ts"

const octets = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"))
const textOf = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString()
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

const read = <A>(kind: LdapControl.ControlType<A>, hex: string): A =>
  Result.getOrThrow(kind.decode(LdapControl.make(kind.oid, { value: octets(hex) })))

describe("slapd", () => {
  it("a first page of two, and the only page", () => {
    assert.deepStrictEqual(plain(read(LdapControl.paging, "300d 020100 0408 1d00000000000000")), {
      size: 0,
      cookie: { hex: "1d00000000000000" }
    })
    assert.deepStrictEqual(plain(read(LdapControl.paging, "3005 020100 0400")), { size: 0, cookie: { hex: "" } })
  })

  it("a view of 1000 entries around the 100th, and around the first from e0500 on", () => {
    assert.deepStrictEqual(read(LdapControl.sortResponse, "30030a0100"), { code: 0 })
    assert.deepStrictEqual(
      plain(read(LdapControl.virtualListViewResponse, "3014020164020203e80a01000408e03510a4197f0000")),
      { targetPosition: 100, contentCount: 1000, code: 0, contextId: { hex: "e03510a4197f0000" } }
    )
    assert.deepStrictEqual(
      plain(read(LdapControl.virtualListViewResponse, "3015020201f4020203e80a01000408b0e412a8197f0000")),
      { targetPosition: 500, contentCount: 1000, code: 0, contextId: { hex: "b0e412a8197f0000" } }
    )
  })

  it("a view without a sort control", () => {
    assert.deepStrictEqual(read(LdapControl.virtualListViewResponse, "30090201000201000a014c"), {
      targetPosition: 0,
      contentCount: 0,
      code: 76
    })
  })

  it("alice before and after a modification of her description", () => {
    const before = read(
      LdapControl.preReadResponse,
      "644004257569643d616c6963652c6f753d70656f706c652c64633d6578616d706c652c64633d636f6d301730150402636e310f040d416c6963" +
        "65204578616d706c65"
    )
    assert.strictEqual(before.dn, "uid=alice,ou=people,dc=example,dc=com")
    assert.deepStrictEqual(before.descriptions, ["cn"])
    assert.strictEqual(before.get("cn"), "Alice Example")
    const after = read(
      LdapControl.postReadResponse,
      "647904257569643d616c6963652c6f753d70656f706c652c64633d6578616d706c652c64633d636f6d305030330409656e7472795555494431" +
        "26042438643139383764382d376162302d313034312d393731322d6339623264363061363338353019040b6465736372697074696f6e310a04" +
        "086e65772074657874"
    )
    assert.strictEqual(after.get("description"), "new text")
    assert.strictEqual(after.get("entryUUID"), "8d1987d8-7ab0-1041-9712-c9b2d60a6385")
  })

  it.each<readonly [string, string, LdapControl.PasswordPolicyResponse]>([
    ["a password that expires soon", "3007a0058003014e0e", { timeBeforeExpiration: 85518 }],
    ["an expired one that is good once more", "3005a003810101", { graceAuthNsRemaining: 1 }],
    ["an expired one", "3003810100", { error: "passwordExpired" }],
    ["a locked account", "3003810101", { error: "accountLocked" }],
    ["one that must be changed", "3003810102", { error: "changeAfterReset" }],
    ["a change without the old one", "3003810104", { error: "mustSupplyOldPassword" }],
    ["a password modify operation with a short one", "3003810106", { error: "passwordTooShort" }]
  ])("password policy: %s", (_, hex, says) => {
    assert.deepStrictEqual(read(LdapControl.passwordPolicyResponse, hex), says)
  })

  it("a bind that didn't ask for the password policy", () => {
    assert.strictEqual(read(LdapControl.passwordExpiring, "3835353138"), 85518)
    assert.isUndefined(read(LdapControl.passwordExpired, "30"))
  })

  it("a synchronization that persists: an entry added, and deleted", () => {
    const added = read(
      LdapControl.syncState,
      "30530a01010410db7ee77c7ab2104191f1112bed883752043c7269643d3030302c7369643d3030312c63736e3d323032363131323231313233" +
        "31362e3634383639395a233030303030302330303123303030303030"
    )
    assert.strictEqual(added.state, "add")
    assert.strictEqual(added.entryUuid, "db7ee77c-7ab2-1041-91f1-112bed883752")
    assert.strictEqual(textOf(added.cookie), "rid=000,sid=001,csn=20261122112316.648699Z#000000#001#000000")
    const present = read(LdapControl.syncState, "30150a010104108d1980b27ab010419708c9b2d60a6385")
    assert.deepStrictEqual(present, { state: "add", entryUuid: "8d1980b2-7ab0-1041-9708-c9b2d60a6385" })
  })

  it("the end of a synchronization", () => {
    const done = read(
      LdapControl.syncDone,
      "306a04657269643d3030302c7369643d3030312c63736e3d32303236313132323131323331332e3533383739385a23303030303030233030302" +
        "33030303030303b32303236313132323131323331362e3636303337345a2330303030303023303031233030303030300101ff"
    )
    assert.isTrue(done.refreshDeletes)
    assert.match(textOf(done.cookie)!, /^rid=000,sid=001,csn=.*#000000;2026.*#001#000000$/)
  })
})

describe("389 Directory Server", () => {
  it("the authorization identity after a bind", () => {
    assert.strictEqual(
      read(LdapControl.authorizationIdentityResponse, "646e3a636e3d6469726563746f7279206d616e61676572"),
      "dn:cn=directory manager"
    )
  })

  it("a first page of two", () => {
    assert.deepStrictEqual(plain(read(LdapControl.paging, "3006020104040130")), { size: 4, cookie: { hex: "30" } })
  })

  it("a sort, with lengths in five bytes; one by an unknown attribute, which stands without its tag", () => {
    assert.deepStrictEqual(read(LdapControl.sortResponse, "3084000000030a0100"), { code: 0 })
    assert.deepStrictEqual(read(LdapControl.sortResponse, "30840000000c0a013504076e6f7468696e67"), {
      code: 53,
      attribute: "nothing"
    })
  })

  it("a view of three entries around the second", () => {
    assert.deepStrictEqual(read(LdapControl.virtualListViewResponse, "3084000000090201020201030a0100"), {
      targetPosition: 2,
      contentCount: 3,
      code: 0
    })
  })

  it("alice after a modification of her description", () => {
    const after = read(
      LdapControl.postReadResponse,
      "645b04257569643d616c6963652c6f753d70656f706c652c64633d6578616d706c652c64633d636f6d30323019040b6465736372697074696f" +
        "6e310a04086e6577207465787430150402636e310f040d416c696365204578616d706c65"
    )
    assert.deepStrictEqual([after.get("description"), after.get("cn")], ["new text", "Alice Example"])
  })

  it("password policy: one that must be changed, one that expires, one that has expired", () => {
    assert.deepStrictEqual(
      read(LdapControl.passwordPolicyResponse, "30840000000ca08400000003800100810102"),
      { timeBeforeExpiration: 0, error: "changeAfterReset" }
    )
    assert.deepStrictEqual(read(LdapControl.passwordPolicyResponse, "30840000000ca0840000000680040083d600"), {
      timeBeforeExpiration: 8640000
    })
    assert.strictEqual(read(LdapControl.passwordExpiring, "38363430303030"), 8640000)
    assert.deepStrictEqual(read(LdapControl.passwordPolicyResponse, "308400000003810100"), { error: "passwordExpired" })
  })

  it("a persistent search: added, modified, renamed, deleted", () => {
    assert.deepStrictEqual(read(LdapControl.entryChangeNotification, "30030a0101"), { changeType: "add" })
    assert.deepStrictEqual(read(LdapControl.entryChangeNotification, "30030a0104"), { changeType: "modify" })
    assert.deepStrictEqual(
      read(
        LdapControl.entryChangeNotification,
        "30280a01080423636e3d746d70782c6f753d70656f706c652c64633d6578616d706c652c64633d636f6d"
      ),
      { changeType: "modifyDn", previousDn: "cn=tmpx,ou=people,dc=example,dc=com" }
    )
    assert.deepStrictEqual(read(LdapControl.entryChangeNotification, "30030a0102"), { changeType: "delete" })
  })

  it("the end of a synchronization that doesn't delete", () => {
    const done = read(
      LdapControl.syncDone,
      "304f044d6c6f63616c686f73743a323737393023636e3d6469726563746f7279206d616e616765723a6f753d70656f706c652c64633d657861" +
        "6d706c652c64633d636f6d3a287569643d616c2a29233133"
    )
    assert.isFalse(done.refreshDeletes)
    assert.strictEqual(
      textOf(done.cookie),
      "localhost:27790#cn=directory manager:ou=people,dc=example,dc=com:(uid=al*)#13"
    )
  })
})

describe("Samba", () => {
  it("a first page of two, with an estimate", () => {
    assert.deepStrictEqual(plain(read(LdapControl.paging, "30080202065904023100")), {
      size: 1625,
      cookie: { hex: "3100" }
    })
  })

  it("a view of 1624 entries around the second", () => {
    assert.deepStrictEqual(plain(read(LdapControl.virtualListViewResponse, "3010020102020206580a0100040401000000")), {
      targetPosition: 2,
      contentCount: 1624,
      code: 0,
      contextId: { hex: "01000000" }
    })
  })

  it("DirSync with everything sent", () => {
    const answer = read(
      LdapControl.dirSyncResponse,
      "3074020100020100046c4d53445303000000803760cf737add01000000000000000028000000e4150000000000000000000000000000e41500" +
        "0000000000937d61617b919047aace254b3be45fda01000000000000000100000000000000937d61617b919047aace254b3be45fdae4150000" +
        "00000000"
    )
    assert.isFalse(answer.moreResults)
    assert.strictEqual(answer.cookie.length, 108)
    assert.strictEqual(textOf(answer.cookie.subarray(0, 4)), "MSDS")
  })

  it("an attribute scoped query by member, and one by cn, which holds no names", () => {
    assert.strictEqual(read(LdapControl.attributeScopedQueryResponse, "30030a0100"), 0)
    assert.strictEqual(read(LdapControl.attributeScopedQueryResponse, "30030a0115"), 21)
  })
})

// ---------------------------------------------------------------------------------------------------------------------
// Sync info (RFC 4533 section 2.5)
// ---------------------------------------------------------------------------------------------------------------------

const uuids = ["01010101-0101-0101-0101-010101010101", "ffffffff-ffff-ffff-ffff-ffffffffff00"]

describe("sync info", () => {
  it.each<readonly [string, LdapControl.SyncInfo, string, LdapControl.SyncInfo | undefined]>([
    ["a cookie", { _tag: "NewCookie", cookie: octets("616263") }, "8003 616263", undefined],
    ["deletes, done", { _tag: "RefreshDelete" }, "a100", { _tag: "RefreshDelete", refreshDone: true }],
    [
      "deletes, not done",
      { _tag: "RefreshDelete", cookie: octets("61"), refreshDone: false },
      "a106 0401 61 010100",
      undefined
    ],
    ["present, not done", { _tag: "RefreshPresent", refreshDone: false }, "a203 010100", undefined],
    ["present, done", { _tag: "RefreshPresent", cookie: octets("61"), refreshDone: true }, "a203 0401 61", undefined],
    ["no entries", { _tag: "SyncIdSet", entryUuids: [] }, "a302 3100", {
      _tag: "SyncIdSet",
      refreshDeletes: false,
      entryUuids: []
    }],
    [
      "two entries that are gone",
      { _tag: "SyncIdSet", cookie: octets("61"), refreshDeletes: true, entryUuids: uuids },
      `a32c 0401 61 0101ff 3124 0410 ${"01".repeat(16)} 0410 ${"ff".repeat(15)}00`,
      undefined
    ]
  ])("%s", (_, info, hex, says = info) => {
    assert.strictEqual(hexOf(LdapControl.encodeSyncInfo(info)), hex.replaceAll(" ", ""))
    assert.deepStrictEqual(plain(Result.getOrThrow(LdapControl.decodeSyncInfo(octets(hex)))), plain(says))
  })

  it("slapd: the end of the refresh, and an entry that is gone since the cookie", () => {
    const refreshed = Result.getOrThrow(LdapControl.decodeSyncInfo(octets(
      "a16704657269643d3030302c7369643d3030312c63736e3d32303236313132323131323331332e3533383739385a23303030303030233030302" +
        "33030303030303b32303236313132323131323331362e3237383732365a233030303030302330303123303030303030"
    )))
    assert.strictEqual(refreshed._tag, "RefreshDelete")
    const gone = Result.getOrThrow(LdapControl.decodeSyncInfo(octets(
      "a381af0481957269643d3030302c7369643d3030312c63736e3d32303236313132323131323331332e3533383739385a2330303030303023303" +
        "030233030303030303b32303236313132323131323331362e3636303337345a2330303030303023303031233030303030302c64656c63736e3d" +
        "32303236313132323131323331372e3538303435355a2330303030303023303031233030303030300101ff31120410dc0bb4227ab2104191f21" +
        "12bed883752"
    )))
    if (gone._tag !== "SyncIdSet") assert.fail(gone._tag)
    assert.isTrue(gone.refreshDeletes)
    assert.deepStrictEqual(gone.entryUuids, ["dc0bb422-7ab2-1041-91f2-112bed883752"])
  })

  it("389 Directory Server: the end of the refresh", () => {
    const refreshed = Result.getOrThrow(LdapControl.decodeSyncInfo(octets(
      "a14d044b6c6f63616c686f73743a323737393023636e3d6469726563746f7279206d616e616765723a6f753d70656f706c652c64633d657861" +
        "6d706c652c64633d636f6d3a28636e3d746d2a292339"
    )))
    assert.deepStrictEqual(plain(refreshed), {
      _tag: "RefreshDelete",
      cookie: {
        hex: hexOf(Buffer.from("localhost:27790#cn=directory manager:ou=people,dc=example,dc=com:(cn=tm*)#9"))
      },
      refreshDone: true
    })
  })

  it.each<readonly [string, string | undefined, string]>([
    ["no value", undefined, "has no value"],
    ["nothing", "", "not one of the four choices"],
    ["another choice", "a400", "not one of the four choices"],
    ["a set without a set", "a303 0401 61", "expected element 0x31"],
    ["a short UUID", "a304 3102 0400", "a UUID of 0 bytes"],
    ["octets after it", "a10000", "unexpected bytes"],
    ["one that is cut short", "8003 6162", "passes the end"]
  ])("%s is refused", (_, hex, detail) => {
    const result = LdapControl.decodeSyncInfo(hex === undefined ? undefined : octets(hex))
    if (Result.isSuccess(result)) assert.fail("it was accepted")
    assert.instanceOf(result.failure, LdapControl.ControlError)
    assert.deepStrictEqual([result.failure.control, result.failure.oid], ["sync info", LdapControl.syncInfoOid])
    assert.include(result.failure.detail, detail)
  })

  it("what is no UUID can't be written", () => {
    assert.throws(
      () => LdapControl.encodeSyncInfo({ _tag: "SyncIdSet", entryUuids: ["x"] }),
      LdapControl.ControlError,
      "not a UUID"
    )
  })

  it.prop("bytes of any kind never make decode throw", [
    Arbitrary.schema(Schema.Literals([0x80, 0xa1, 0xa2, 0xa3])),
    Arbitrary.schema(Schema.Uint8Array)
  ], ([tag, value]) => {
    LdapControl.decodeSyncInfo(value)
    LdapControl.decodeSyncInfo(Uint8Array.from([tag, value.length & 0x7f, ...value]))
  }, { arbitrary: { runs: 300 } })
})
