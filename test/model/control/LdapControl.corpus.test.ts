/**
 * Values from the test suites of other projects, if they are available (../shared/corpora, which is not part of the project; its
 * README describes the records). `valid` and `expected` are the expectations of the source's own test. If this library differs, the
 * list of differences gives the reason.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { existsSync, readFileSync } from "node:fs"
import { BerReader } from "../../../src/ber/BerReader.ts"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import * as LdapExtended from "../../../src/protocol/LdapExtended.ts"

const corpora = new URL("../../../../shared/corpora/", import.meta.url)
const present = existsSync(corpora)
if (!present) console.warn("LdapControl.corpus.test.ts is skipped: ../shared/corpora is not there")

interface ValueRecord {
  readonly id: string
  readonly name: string
  readonly hex: string
  readonly valid: boolean
  readonly wellFormedBer: boolean
  readonly expected?: Readonly<Record<string, string | number | boolean>>
  readonly source: { readonly repo: string; readonly test?: string }
}

// The corpus is JSON of this shape, as its README says.
const records: ReadonlyArray<ValueRecord> = present
  ? JSON.parse(readFileSync(new URL("control-values.json", corpora), "utf8")) as ReadonlyArray<ValueRecord>
  : []

/** Why the expectation here differs from the source's. */
const differences = new Map([
  // The codes are open: RFC 4511 section 4 for every ENUMERATED, and the draft's own "..." for the view's.
  ["ctl-038", "a sort result that RFC 2891 doesn't list is one that a client must be able to hear of"],
  ["ctl-099", "draft-ietf-ldapext-ldapv3-vlv-09 section 6.2 leaves the codes open"],
  // syncUUID ::= OCTET STRING (SIZE(16)), RFC 4533 section 2.1.1; the source takes three bytes.
  ["ctl-075", "a UUID of 3 bytes"],
  ["ctl-076", "a UUID of 3 bytes"],
  ["ctl-077", "a UUID of 3 bytes"],
  ["ctl-078", "a UUID of 3 bytes"],
  ["ctl-082", "RFC 4533 section 2.3 has four states; the fifth is ApacheDS' own"],
  ["ctl-122", "its form is that of RFC 5805 section 2.3: an optional message id left out, then updatesControls"],
  ["ctl-159", "the sequence is empty and has octets behind it"]
])

/** Kinds that the library doesn't have: ApacheDS' own operations, and Active Directory's statistics. */
const foreign = /ApacheDS|getStats/

const isRequest = ({ name, source }: ValueRecord): boolean =>
  name === "cancel request value" || name === "password modify request value" ||
  (name === "end transaction value" && /Reque/.test(source.test ?? ""))

/** The names of the properties in the sources. */
type Judge = (value: Uint8Array) => Result.Result<Readonly<Record<string, unknown>>, Error>

const by =
  <A>(kind: LdapControl.ControlType<A>, view: (says: A) => Readonly<Record<string, unknown>>): Judge => (value) =>
    Result.map(kind.decode(LdapControl.make(kind.oid, { value })), view)

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()
const upper = (name: string): string => name.replace(/([A-Z])/g, "_$1").toUpperCase()
const codes = new Map([[0, "SUCCESS"], [16, "NOSUCHATTRIBUTE"]])

const dirSync = by(LdapControl.dirSyncRequest, ({ cookie, maxBytes, objectSecurity }) => ({
  parentsFirst: objectSecurity ? 1 : 0,
  maxAttributeCount: maxBytes,
  cookie: text(cookie)
}))

const judges = new Map<string, Judge>([
  ["proxiedAuthorizationV2", by(LdapControl.proxiedAuthorization, (authzId) => ({ authzId }))],
  [
    "entryChangeNotification",
    by(LdapControl.entryChangeNotification, ({ changeNumber = "UNDEFINED_CHANGE_NUMBER", changeType }) => ({
      changeType: changeType === "modifyDn" ? "MODDN" : changeType.toUpperCase(),
      changeNumber
    }))
  ],
  ["pagedResults", by(LdapControl.paging, ({ size }) => ({ size: size < 0 ? "MAX_VALUE" : size }))],
  [
    "persistentSearch",
    by(LdapControl.persistentSearch, ({ changesOnly, returnChanges }) => ({ changesOnly, returnECs: returnChanges }))
  ],
  ["subentries", by(LdapControl.subentries, (visible) => ({ visible }))],
  [
    "sortRequest",
    // The sources check the last key, and the first key's rule.
    by(LdapControl.sortRequest, (keys) => ({
      attributeTypeDesc: keys.at(-1)?.attribute,
      matchingRuleId: keys.at(-1)?.matchingRule,
      reverseOrder: keys.at(-1)?.reverse
    }))
  ],
  [
    "sortResponse",
    by(LdapControl.sortResponse, ({ attribute, code }) => ({ sortResult: codes.get(code), attributeName: attribute }))
  ],
  ["dirSync", dirSync],
  ["dirSyncRequest", dirSync],
  [
    "dirSyncResponse",
    by(LdapControl.dirSyncResponse, ({ cookie }) => ({ maxReturnLength: 0, cookie: text(cookie) }))
  ],
  ["adPolicyHints", by(LdapControl.policyHints, (enforced) => ({ flags: enforced ? 1 : 0 }))],
  ["passwordExpired", by(LdapControl.passwordExpired, () => ({}))],
  ["passwordExpiring", by(LdapControl.passwordExpiring, () => ({}))],
  [
    "passwordPolicyResponse",
    by(LdapControl.passwordPolicyResponse, ({ graceAuthNsRemaining, timeBeforeExpiration }) => ({
      timeBeforeExpiration,
      graceAuthNRemaining: graceAuthNsRemaining
    }))
  ],
  ["syncDone", by(LdapControl.syncDone, ({ cookie, refreshDeletes }) => ({ cookie: text(cookie), refreshDeletes }))],
  [
    "syncRequest",
    by(
      LdapControl.syncRequest,
      ({ cookie, mode, reloadHint }) => ({ mode: upper(mode), cookie: text(cookie), reloadHint })
    )
  ],
  [
    "syncState",
    by(LdapControl.syncState, ({ cookie, state }) => ({ syncStateType: upper(state), cookie: text(cookie) }))
  ],
  ["syncInfo (intermediate response value)", (value) =>
    Result.map(LdapControl.decodeSyncInfo(value), (info) => ({
      ...info,
      syncInfoValueType: upper(info._tag).slice(1),
      cookie: text(info.cookie)
    }))],
  [
    "vlvRequest",
    by(LdapControl.virtualListViewRequest, ({ target, ...request }) => ({
      ...request,
      contextId: text(request.contextId),
      offset: target._tag === "ByOffset",
      contentCount: target._tag === "ByOffset" ? target.contentCount : undefined,
      assertionValue: target._tag === "ByValue"
    }))
  ],
  [
    "vlvResponse",
    by(LdapControl.virtualListViewResponse, ({ code, contextId, ...response }) => ({
      ...response,
      virtualListViewResult: codes.get(code),
      contextId: text(contextId)
    }))
  ],
  ["authorizationIdentityResponse", by(LdapControl.authorizationIdentityResponse, () => ({}))],
  ["sessionTracking", by(LdapControl.sessionTracking, () => ({}))],
  [
    "end transaction value",
    (value) => Result.map(LdapExtended.endTransaction.decode(value), (response) => ({ ...response }))
  ],
  ["password modify value", (value) => Result.map(LdapExtended.passwordModify.decode(value), () => ({}))],
  // The password that a server generated.
  ["ExtendedResponse", (value) => Result.map(LdapExtended.passwordModify.decode(value), () => ({}))],
  ["whoAmI value", (value) => Result.map(LdapExtended.whoAmI.decode(value), (authzId) => ({ authzId }))]
])

/** Cookies and other parts that the sources' tests name in addition to the values that contain them. */
const isPart = ({ name, source, valid, wellFormedBer }: ValueRecord): boolean =>
  valid && !wellFormedBer && source.repo === "vt-middleware/ldaptive" &&
  name !== "passwordExpiring" && name !== "authorizationIdentityResponse"

const values = records.filter((record) => !foreign.test(record.name) && !isRequest(record))
const hexOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("hex")

describe.skipIf(!present)("control values of other suites", () => {
  it.each(values.map((record) => [`${record.id} ${record.name} ${record.source.test ?? ""}`, record] as const))(
    "%s",
    (_, record) => {
      const judged = judges.get(record.name)!(Buffer.from(record.hex, "hex"))
      const expected = isPart(record) ? false : differences.has(record.id) ? !record.valid : record.valid
      assert.strictEqual(Result.isSuccess(judged), expected, Result.isFailure(judged) ? judged.failure.message : "")
      if (!Result.isSuccess(judged) || !record.valid) return
      for (const [property, value] of Object.entries(record.expected ?? {})) {
        // The corpus writes what is beyond ASCII as Java does, and of two keys the source's test mixes the values.
        if (property === "contextId" && value === "abcd" && record.hex.endsWith("0400")) continue
        if (record.id === "ctl-031" && property !== "reverseOrder") continue
        const readable = typeof value === "string" ? value.replace(/\\u00e9/g, "é") : value
        assert.deepStrictEqual(judged.success[property], readable, property)
      }
    }
  )

  it("requests that this side writes are the same bytes", () => {
    let compared = 0
    for (const record of records.filter((record) => isRequest(record) && record.valid)) {
      const content = new BerReader(Buffer.from(record.hex, "hex")).sequence()
      const redacted = (tag: number) => content.peek() === tag ? Redacted.make(content.text(tag)) : undefined
      const written = record.name === "cancel request value"
        ? LdapExtended.cancel.encode({ messageId: content.integer() })
        : record.name === "end transaction value"
        ? LdapExtended.endTransaction.encode({
          commit: content.peek() === 1 ? content.boolean() : true,
          identifier: content.octets()
        })
        : LdapExtended.passwordModify.encode({
          userIdentity: content.peek() === 0x80 ? content.text(0x80) : undefined,
          oldPassword: redacted(0x81),
          newPassword: redacted(0x82)
        })
      // An empty request has no value (RFC 3062 section 2.1: one or more fields).
      assert.strictEqual(hexOf(written), record.hex === "3000" ? "" : record.hex, record.id)
      compared++
    }
    assert.strictEqual(compared, 17)
  })

  it("every record is judged but those of foreign kinds, and requests that a server would refuse", () => {
    const left = records.filter((record) => foreign.test(record.name) || (isRequest(record) && !record.valid))
    assert.strictEqual(values.length + 17 + left.length, records.length)
    assert.strictEqual(records.filter(isPart).length, 17)
    assert.strictEqual(left.length, 41)
    assert.isTrue(values.every(({ name }) => judges.has(name)))
  })
})
