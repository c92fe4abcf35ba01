/**
 * Converts errors of this library to those of ldapts, and back.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ldapts9 from "ldapts"
import * as ldapts8 from "ldapts-8"
import * as dropIn from "../../src/ldapts.ts"
import * as LdapError from "../../src/model/LdapError.ts"

const of = (reason: LdapError.LdapErrorReason, operation = "search"): LdapError.LdapError =>
  new LdapError.LdapError({ reason, operation, server: "ldap://a", dn: "cn=a" })
const result = (code: number, diagnosticMessage = ""): LdapError.LdapResult => ({
  code,
  diagnosticMessage,
  matchedDn: "dc=m",
  referrals: [],
  controls: []
})

describe("to errors of ldapts", () => {
  it("a result code has ldapts' class, code and message", () => {
    for (let code = 1; code < 130; code++) {
      // What the server wants during a bind is reported in another way: see SaslConversation.
      if (code === 14) continue
      for (const text of ["", "the server's words"]) {
        const response = new ldapts9.BindResponse({ messageId: 1, status: code, errorMessage: text })
        const theirs = ldapts9.StatusCodeParser.parse(response)
        const error = dropIn.fromLdapError(of(LdapError.fromResult(result(code, text))))
        assert(error instanceof ldapts9.ResultCodeError)
        assert.deepStrictEqual(
          [error.constructor, error.name, error.message, error.code],
          [theirs.constructor, theirs.name, theirs.message, theirs.code]
        )
      }
    }
  })

  it("the cause is the error that it was made from, and isn't enumerable", () => {
    const error = of(LdapError.fromResult(result(49)), "bind")
    const theirs = dropIn.fromLdapError(error)
    assert.instanceOf(theirs, ldapts9.InvalidCredentialsError)
    assert.strictEqual(theirs.cause, error)
    assert.notInclude(Object.keys(theirs), "cause")
    assert.strictEqual(dropIn.toLdapError(theirs), error)
  })

  it("a connection that wasn't made is Node's error, whose cause doesn't lead in a circle", () => {
    const cause = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:1"), { code: "ECONNREFUSED" })
    const error = dropIn.fromLdapError(
      of(new LdapError.ConnectFailed({ kind: "refused", detail: "nothing listens", cause }), "connect")
    )
    assert.strictEqual(error, cause)
    const reason = (error.cause as LdapError.LdapError).reason as LdapError.ConnectFailed
    assert.deepStrictEqual([reason._tag, reason.kind, reason.cause], ["ConnectFailed", "refused", undefined])
    assert.strictEqual(
      dropIn.fromLdapError(of(new LdapError.ConnectFailed({ kind: "timeout", detail: "" }), "connect")).message,
      "Connection timeout"
    )
  })

  it.each<readonly [LdapError.LdapErrorReason, string, string]>([
    [new LdapError.RequestTimeout({ afterMillis: 5, inDoubt: true }), "rename", "ModifyDNRequest: Operation timed out"],
    [
      new LdapError.ConnectionLost({ detail: "x", inDoubt: true }),
      "delete",
      "Connection closed before message response was received. Message type: DeleteRequest (0x4a)"
    ],
    [
      new LdapError.SessionClosed({ why: LdapError.SessionEnd.Released(), inDoubt: true }),
      "extended",
      "Connection closed before message response was received. Message type: ExtendedRequest (0x77)"
    ],
    [new LdapError.ProtocolViolation({ detail: "a length that lies" }), "search", "a length that lies"]
  ])("%o", (reason, operation, message) => {
    assert.strictEqual(dropIn.fromLdapError(of(reason, operation)).message, message)
  })
})

describe("from errors of ldapts itself", () => {
  it.each<readonly [string, Error, string]>([
    ["a result code", new ldapts9.NoSuchObjectError(), "NoSuchObject"],
    ["of another copy", new ldapts8.InvalidCredentialsError("no"), "InvalidCredentials"],
    ["an unknown code", new ldapts9.UnknownStatusCodeError(4711), "UnknownResultCode"],
    ["a timeout", new Error("SearchRequest: Operation timed out"), "RequestTimeout"],
    [
      "a lost connection",
      new Error("Connection closed before message response was received. Message type: SearchRequest (0x63)"),
      "ConnectionLost"
    ],
    ["a message that can't be read", new ldapts9.MessageParserError("x"), "ProtocolViolation"],
    ["no connection", Object.assign(new Error("x"), { code: "ECONNREFUSED" }), "ConnectFailed"],
    ["a timeout of connecting", new Error("Connection timeout"), "ConnectFailed"]
  ])("%s", (_, error, tag) => {
    const ours = dropIn.toLdapError(error, { operation: "search", dn: "dc=example" })
    assert.strictEqual(ours?.reason._tag, tag)
    assert.strictEqual(ours?.operation, "search")
    assert.strictEqual(ours?.dn, "dc=example")
  })

  it("the server's words are kept apart from the code", () => {
    const response = new ldapts9.BindResponse({ messageId: 1, status: 49, errorMessage: "80090308: data 52e, v1db1" })
    const ours = dropIn.toLdapError(ldapts9.StatusCodeParser.parse(response))
    assert.include(
      ours?.message,
      "the server says \"80090308: data 52e, v1db1\"; Active Directory's code: 52e (wrong password)"
    )
  })

  it("what kind of failure a connection's is", () => {
    const kinds = ["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "CERT_HAS_EXPIRED", "EPIPE"].map((code) => {
      const reason = dropIn.toLdapError(Object.assign(new Error("x"), { code }))?.reason
      return reason?._tag === "ConnectFailed" ? reason.kind : undefined
    })
    assert.deepStrictEqual(kinds, ["dns", "dns", "refused", "timeout", "tls", "other"])
  })

  it("other errors are not LDAP errors", () => {
    for (const other of [new TypeError("x"), "text", undefined, { code: 49 }]) {
      assert.isUndefined(dropIn.toLdapError(other))
    }
    const own = of(LdapError.fromResult(result(32)))
    assert.strictEqual(dropIn.toLdapError(own), own)
  })
})

it.effect("a program of effects fails with errors of this library, and a promise with those of ldapts", () =>
  Effect.gen(function*() {
    const client = new dropIn.Client({ url: "ldap://127.0.0.1:1" })
    const error = yield* Effect.flip(client.effect)
    assert.strictEqual(error.reason._tag, "ConnectFailed")
    const theirs = yield* Effect.promise(() => client.search("").catch((error: unknown) => error))
    assert.strictEqual((theirs as { readonly code?: unknown }).code, "ECONNREFUSED")
  }))
