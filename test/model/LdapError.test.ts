import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { inspect } from "node:util"
import * as LdapControl from "../../src/model/control/LdapControl.ts"
import * as LdapEntry from "../../src/model/entry/LdapEntry.ts"
import * as LdapError from "../../src/model/LdapError.ts"
import { format, LdapResultCode, nameOf } from "../../src/model/LdapResultCode.ts"

const result = (code: number, fields?: Partial<LdapError.LdapResult>): LdapError.LdapResult => ({
  code,
  matchedDn: "",
  diagnosticMessage: "",
  referrals: [],
  controls: [],
  ...fields
})

const failure = (reason: LdapError.LdapErrorReason): LdapError.LdapError =>
  new LdapError.LdapError({ reason, operation: "bind", server: "ldaps://a.example", dn: "cn=Ada" })

/** The codes of RFC 4511 appendix A and of the registry of RFC 4520 that are not successes. */
const reasons: ReadonlyArray<readonly [number, string, string]> = [
  [1, "operationsError", "OperationsError"],
  [2, "protocolError", "ProtocolError"],
  [3, "timeLimitExceeded", "TimeLimitExceeded"],
  [4, "sizeLimitExceeded", "SizeLimitExceeded"],
  [7, "authMethodNotSupported", "AuthMethodNotSupported"],
  [8, "strongerAuthRequired", "StrongerAuthRequired"],
  [9, "partialResults", "PartialResults"],
  [10, "referral", "ReferralReceived"],
  [11, "adminLimitExceeded", "AdminLimitExceeded"],
  [12, "unavailableCriticalExtension", "UnavailableCriticalExtension"],
  [13, "confidentialityRequired", "ConfidentialityRequired"],
  [14, "saslBindInProgress", "SaslBindInProgress"],
  [16, "noSuchAttribute", "NoSuchAttribute"],
  [17, "undefinedAttributeType", "UndefinedAttributeType"],
  [18, "inappropriateMatching", "InappropriateMatching"],
  [19, "constraintViolation", "ConstraintViolation"],
  [20, "attributeOrValueExists", "AttributeOrValueExists"],
  [21, "invalidAttributeSyntax", "InvalidAttributeSyntax"],
  [32, "noSuchObject", "NoSuchObject"],
  [33, "aliasProblem", "AliasProblem"],
  [34, "invalidDNSyntax", "InvalidDnSyntax"],
  [35, "isLeaf", "IsLeaf"],
  [36, "aliasDereferencingProblem", "AliasDereferencingProblem"],
  [48, "inappropriateAuthentication", "InappropriateAuthentication"],
  [49, "invalidCredentials", "InvalidCredentials"],
  [50, "insufficientAccessRights", "InsufficientAccessRights"],
  [51, "busy", "Busy"],
  [52, "unavailable", "Unavailable"],
  [53, "unwillingToPerform", "UnwillingToPerform"],
  [54, "loopDetect", "LoopDetect"],
  [60, "sortControlMissing", "SortControlMissing"],
  [61, "offsetRangeError", "OffsetRangeError"],
  [64, "namingViolation", "NamingViolation"],
  [65, "objectClassViolation", "ObjectClassViolation"],
  [66, "notAllowedOnNonLeaf", "NotAllowedOnNonLeaf"],
  [67, "notAllowedOnRDN", "NotAllowedOnRdn"],
  [68, "entryAlreadyExists", "EntryAlreadyExists"],
  [69, "objectClassModsProhibited", "ObjectClassModsProhibited"],
  [70, "resultsTooLarge", "ResultsTooLarge"],
  [71, "affectsMultipleDSAs", "AffectsMultipleDsas"],
  [76, "virtualListViewError", "VirtualListViewError"],
  [80, "other", "Other"],
  [118, "canceled", "Canceled"],
  [119, "noSuchOperation", "NoSuchOperation"],
  [120, "tooLate", "TooLate"],
  [121, "cannotCancel", "CannotCancel"],
  [122, "assertionFailed", "AssertionFailed"],
  [123, "authorizationDenied", "AuthorizationDenied"],
  [4096, "eSyncRefreshRequired", "SyncRefreshRequired"],
  [16_654, "noOperation", "NoOperation"]
]

describe("a result that is no success", () => {
  it.each(reasons)("%i %s is the reason %s", (code, name, tag) => {
    const control = LdapControl.make("1.2")
    const said = result(code, {
      matchedDn: "dc=example",
      diagnosticMessage: "because",
      referrals: ["ldap://b"],
      controls: [control]
    })
    const reason = LdapError.fromResult(said)
    assert.strictEqual(reason._tag, tag)
    assert.instanceOf(reason, Reflect.get(LdapError, tag))
    assert.deepStrictEqual(
      {
        code: reason.code,
        matchedDn: reason.matchedDn,
        diagnosticMessage: reason.diagnosticMessage,
        referrals: reason.referrals,
        controls: reason.controls
      },
      said
    )
    assert.strictEqual(nameOf(code), name)
    assert.strictEqual(reason.isRetryable, code === 51 || code === 52)
    assert.strictEqual(failure(reason).isRetryable, reason.isRetryable)
    for (const part of [`${name} (${code})`, `"because"`, `"dc=example"`, "ldap://b"]) {
      assert.include(reason.message, part)
    }
  })

  it("has a reason of its own for each code of the table, and no two share one", () => {
    const successes = [LdapResultCode.success, LdapResultCode.compareFalse, LdapResultCode.compareTrue]
    const codes = Object.values(LdapResultCode).filter((code) => !successes.some((success) => success === code))
    assert.sameMembers(codes, reasons.map(([code]) => code))
    const tags = codes.map((code) => LdapError.fromResult(result(code))._tag)
    assert.strictEqual(new Set(tags).size, codes.length)
    assert.notInclude(tags, "UnknownResultCode")
  })

  it.each([15, 22, 37, 81, 100, 4097, -1, 2_147_483_647])("%i, which no one registered, keeps its number", (code) => {
    const reason = LdapError.fromResult(result(code, { diagnosticMessage: "?" }))
    assert.strictEqual(reason._tag, "UnknownResultCode")
    assert.strictEqual(reason.code, code)
    assert.isFalse(reason.isRetryable)
    assert.include(reason.message, `result code ${code}`)
    assert.strictEqual(nameOf(code), undefined)
    assert.strictEqual(format(code), `result code ${code}`)
  })
})

describe("messages", () => {
  it("say what failed, on what, where, and what to do", () => {
    assert.strictEqual(
      failure(LdapError.fromResult(result(49))).message,
      `bind of "cn=Ada" on ldaps://a.example failed: invalidCredentials (49); the name or the password is wrong`
    )
    // SASL: the mechanism says who, and the bind has no name.
    assert.strictEqual(
      new LdapError.LdapError({ reason: LdapError.fromResult(result(7)), operation: "bind", dn: "" }).message,
      "bind failed: authMethodNotSupported (7)"
    )
    assert.strictEqual(
      new LdapError.LdapError({ reason: LdapError.fromResult(result(2)), operation: "startTls" }).message,
      "startTls failed: protocolError (2); the server doesn't start TLS here: use ldaps://, or give the server a certificate"
    )
    const reason = LdapError.fromResult(result(32, { matchedDn: "dc=example" }))
    assert.strictEqual(
      new LdapError.LdapError({ reason, operation: "delete" }).message,
      `delete failed: noSuchObject (32); nearest existing entry "dc=example"; ` +
        "there is no entry of that name, or this user may not see it"
    )
    assert.include(LdapError.fromResult(result(4)).message, "pageSize")
    assert.include(LdapError.fromResult(result(13)).message, "startTls")
    assert.include(LdapError.fromResult(result(8)).message, "this server wants")
    assert.include(
      LdapError.fromResult(result(10, { referrals: ["ldap://a", "ldap://b"] })).message,
      "ldap://a or ldap://b"
    )
  })

  it.each([
    ["525", "user not found"],
    ["52e", "wrong password"],
    ["52f", "account restriction"],
    ["568", "too many security identifiers in the token"],
    ["569", "logon type not granted"],
    ["576", "time skew"],
    ["80090346", "bad channel bindings"],
    ["8009030c", "logon denied"],
    ["530", "not permitted to log on at this time"],
    ["531", "not permitted to log on at this workstation"],
    ["532", "password expired"],
    ["533", "account disabled"],
    ["701", "account expired"],
    ["773", "password must be changed"],
    ["721", "security package error"],
    ["8009030d", "unknown credentials"],
    ["80090347", "multiple accounts"],
    ["c000006d", "logon failure"],
    ["c0000234", "account locked"],
    ["775", "account locked"]
  ])("spell Active Directory's data %s out", (code, meaning) => {
    // Active Directory adds the NUL at the end.
    const diagnosticMessage =
      `80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data ${code}, v2580\0`
    const reason = LdapError.fromResult(result(49, { diagnosticMessage }))
    assert.include(reason.message, `${code} (${meaning})`)
    const isWrong = ["52e", "52b", "8009030c", "c000006d"].includes(code)
    assert.strictEqual(/the (name or the )?password is wrong/.test(reason.message), isWrong, reason.message)
    assert.strictEqual(LdapError.activeDirectorySubCode({ diagnosticMessage }), `${code} (${meaning})`)
    const upper = { diagnosticMessage: diagnosticMessage.toUpperCase() }
    assert.strictEqual(LdapError.activeDirectorySubCode(upper), `${code} (${meaning})`)
  })

  it("say nothing of the password for a code that isn't known", () => {
    const diagnosticMessage = "80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data 5ff, v2580"
    const { message } = LdapError.fromResult(result(49, { diagnosticMessage }))
    assert.include(message, "Active Directory's code: 5ff")
    assert.notInclude(message, "wrong")
  })

  it.each(["", "data", "data 0, v2580", "metadata 52e", "data 52e5", "invalid data 52ez"])(
    "find no code in %j",
    (text) => {
      assert.strictEqual(LdapError.activeDirectorySubCode({ diagnosticMessage: text }), undefined)
      assert.notInclude(LdapError.fromResult(result(49, { diagnosticMessage: text })).message, "Active Directory")
    }
  )

  it("of this side's reasons say what happened", () => {
    const messages: ReadonlyArray<readonly [LdapError.LdapErrorReason, string]> = [
      [new LdapError.ConnectFailed({ kind: "refused", detail: "port 389 refused" }), "port 389 refused"],
      [new LdapError.ConnectionLost({ detail: "reset", inDoubt: true }), "may have carried the request out"],
      [new LdapError.ConnectionLost({ detail: "reset", inDoubt: false }), "was not sent"],
      [new LdapError.SessionClosed({ why: LdapError.SessionEnd.Released(), inDoubt: false }), "its scope was closed"],
      [
        new LdapError.SessionClosed({
          why: LdapError.SessionEnd.ServerNotice({ code: 52, diagnosticMessage: "bye" }),
          inDoubt: true
        }),
        `unavailable (52) and says "bye"`
      ],
      [
        new LdapError.SessionClosed({ why: LdapError.SessionEnd.ConnectionLost({ detail: "reset" }), inDoubt: true }),
        "(reset); operations need"
      ],
      [
        new LdapError.SessionClosed({
          why: LdapError.SessionEnd.ProtocolViolation({ detail: "octet 0x00" }),
          inDoubt: false
        }),
        "octet 0x00"
      ],
      [new LdapError.RequestTimeout({ afterMillis: 30_000, inDoubt: true }), "30000 ms"],
      [new LdapError.ProtocolViolation({ detail: "indefinite length" }), "indefinite length"],
      [new LdapError.InvalidRequest({ field: "filter", detail: "expected )" }), "invalid filter: expected )"],
      [new LdapError.InsecureAuth({ detail: "a password in clear text" }), "clear text"],
      [new LdapError.AuthRejected({ detail: "the server's proof is wrong" }), "proof is wrong"],
      [new LdapError.ReferralFailed({ detail: "connection refused", urls: ["ldap://b"] }), "connection refused"]
    ]
    for (const [reason, part] of messages) {
      assert.include(failure(reason).message, part)
      assert.include(failure(reason).message, `bind of "cn=Ada" on ldaps://a.example failed: `)
    }
  })
})

describe("isRetryable: only requests that may succeed unchanged, and that can't be carried out twice", () => {
  const connectFailed = (kind: LdapError.ConnectFailed["kind"]) => new LdapError.ConnectFailed({ kind, detail: "" })
  it.each<readonly [string, LdapError.LdapErrorReason, boolean]>([
    ["a wrong address", connectFailed("invalid"), false],
    ["no such host", connectFailed("dns"), true],
    ["a refused port", connectFailed("refused"), true],
    ["no connection in time", connectFailed("timeout"), true],
    ["a wrong certificate", connectFailed("tls"), false],
    ["something else", connectFailed("other"), true],
    ["a lost connection, in doubt", new LdapError.ConnectionLost({ detail: "", inDoubt: true }), false],
    ["a lost connection, nothing sent", new LdapError.ConnectionLost({ detail: "", inDoubt: false }), true],
    ["a closed session", new LdapError.SessionClosed({ why: LdapError.SessionEnd.Released(), inDoubt: false }), false],
    ["no answer in time", new LdapError.RequestTimeout({ afterMillis: 1, inDoubt: true }), true],
    ["a peer that breaks the protocol", new LdapError.ProtocolViolation({ detail: "" }), false],
    ["a request that can't be sent", new LdapError.InvalidRequest({ field: "", detail: "" }), false],
    ["a password in clear text", new LdapError.InsecureAuth({ detail: "" }), false],
    ["a server that can't prove its identity", new LdapError.AuthRejected({ detail: "" }), false]
  ])("%s", (_, reason, isRetryable) => {
    assert.strictEqual(reason.isRetryable, isRetryable)
    assert.strictEqual(failure(reason).isRetryable, isRetryable)
  })
})

describe("handling one reason", () => {
  const wrong: Effect.Effect<string, LdapError.LdapError> = Effect.fail(failure(LdapError.fromResult(result(49))))

  it.effect("Effect.catchReason takes the reason that it names, and the error too", () =>
    Effect.gen(function*() {
      const handled = yield* Effect.catchReason(
        wrong,
        "LdapError",
        "InvalidCredentials",
        (reason, error) => Effect.succeed(`${reason.code} ${error.operation}`)
      )
      assert.strictEqual(handled, "49 bind")
    }))

  it.effect("and leaves any other alone", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        Effect.catchReason(wrong, "LdapError", "NoSuchObject", () => Effect.succeed("not this"))
      )
      assert.strictEqual(error.reason._tag, "InvalidCredentials")
    }))

  it.effect("Effect.unwrapReason gives the reasons by their tags", () =>
    Effect.gen(function*() {
      const unwrapped = Effect.unwrapReason(wrong, "LdapError")
      const handled = yield* Effect.catchTag(unwrapped, "InvalidCredentials", ({ message }) => Effect.succeed(message))
      assert.include(handled, "invalidCredentials (49)")
    }))

  it("is an Error, with a name and a message, for everything else", () => {
    const error = failure(LdapError.fromResult(result(49)))
    assert.instanceOf(error, Error)
    assert.strictEqual(error.name, "LdapError")
    assert.include(error.stack, "invalidCredentials (49)")
    assert.include(Cause.pretty(Cause.fail(error)), "invalidCredentials (49)")
    assert.instanceOf(error.reason, Error)
  })
})

it("nothing secret is in what an error shows of the entries that were received", () => {
  const entry = LdapEntry.make("cn=Ada", { cn: "Ada", userPassword: "s3cret" })
  const error = new LdapError.LdapError({
    reason: LdapError.fromResult(result(4)),
    operation: "search",
    partial: { entries: [entry], references: [["ldap://b"]] }
  })
  const shown = [
    error.message,
    String(error),
    JSON.stringify(error),
    inspect(error, { depth: 10, showHidden: true }),
    Cause.pretty(Cause.fail(error)),
    inspect(Cause.fail(error), { depth: 10 })
  ]
  for (const text of shown) {
    assert.notInclude(text, "s3cret")
    assert.notInclude(text, Buffer.from("s3cret").toString("base64"))
    assert.notInclude(text, Buffer.from("s3cret").toString("hex").replace(/(..)/g, "$1 ").trim())
  }
  assert.strictEqual(error.partial?.entries[0]?.get("userPassword"), "s3cret")
})
