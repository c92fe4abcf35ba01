/** Password policies in virtual time: lock-out, expiry, grace logins, new passwords. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import * as Modification from "../../../src/model/LdapModification.ts"
import * as LdapExtended from "../../../src/protocol/LdapExtended.ts"
import type { RequestOperation } from "../../../src/protocol/LdapMessage.ts"
import type { PasswordPolicy } from "../../../src/testing/InMemoryDirectory.ts"
import { admin, base, make } from "../fixture.ts"
import { connect, type RawClient } from "../RawClient.ts"

const ada = `uid=ada,ou=people,${base}`

const start = Effect.fnUntraced(function*(passwordPolicy: PasswordPolicy) {
  const directory = yield* make({ passwordPolicy, access: () => true })
  const raw = yield* connect(directory)
  const other = yield* connect(directory)
  yield* other.bind(admin.dn, admin.password)
  return { directory, raw, other }
})

const ask = [LdapControl.passwordPolicyRequest.make()]

/** The code, and the content of the response control. */
const said = (raw: RawClient, operation: RequestOperation) =>
  Effect.map(raw.request(operation, ask), ({ controls, result }) => [
    result.code,
    Option.getOrUndefined(LdapControl.passwordPolicyResponse.find(controls))
  ])

const bind = (password: string, name = ada): RequestOperation => ({
  _tag: "BindRequest",
  version: 3,
  name,
  authentication: { _tag: "Simple", password: Buffer.from(password) }
})

const setPassword = (password: string): RequestOperation => ({
  _tag: "ModifyRequest",
  dn: ada,
  changes: [Modification.replace("userPassword", password)]
})

const passwordModify = (password: string): RequestOperation => ({
  _tag: "ExtendedRequest",
  oid: LdapExtended.passwordModify.oid,
  value: LdapExtended.passwordModify.encode({ userIdentity: ada, newPassword: Redacted.make(password) })
})

describe("lock-out", () => {
  it.effect("after three failures, for 15 minutes of the Clock", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* start({ maxFailures: 3, lockoutDuration: "15 minutes" })
      for (let i = 0; i < 3; i++) assert.deepStrictEqual(yield* said(raw, bind("wrong")), [49, {}])
      assert.deepStrictEqual(yield* said(raw, bind("adapw")), [49, { error: "accountLocked" }])
      assert.strictEqual(directory.lookup(ada)?.get("pwdAccountLockedTime"), "19700101000000Z")
      assert.strictEqual(directory.lookup(ada)?.getAll("pwdFailureTime").length, 3)
      yield* TestClock.adjust(14 * 60_000 + 59_000)
      assert.deepStrictEqual(yield* said(raw, bind("adapw")), [49, { error: "accountLocked" }])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* said(raw, bind("adapw")), [0, {}])
      assert.strictEqual(directory.lookup(ada)?.get("pwdAccountLockedTime"), undefined)
    }))

  it.effect("after a lock-out failures are counted anew, and the right password forgets them", () =>
    Effect.gen(function*() {
      const { raw } = yield* start({ maxFailures: 2, lockoutDuration: "1 minute" })
      for (let i = 0; i < 2; i++) yield* raw.bind(ada, "wrong")
      yield* TestClock.adjust("1 minute")
      yield* raw.bind(ada, "wrong")
      assert.strictEqual((yield* raw.bind(ada, "adapw")).code, 0)
      yield* raw.bind(ada, "wrong")
      assert.strictEqual((yield* raw.bind(ada, "adapw")).code, 0)
    }))

  it.effect("failures are forgotten after their interval", () =>
    Effect.gen(function*() {
      const { raw } = yield* start({ maxFailures: 2, failureInterval: "10 seconds" })
      yield* raw.bind(ada, "wrong")
      yield* TestClock.adjust("10 seconds")
      yield* raw.bind(ada, "wrong")
      assert.strictEqual((yield* raw.bind(ada, "adapw")).code, 0)
    }))

  it.effect("without a duration it lasts until the password is set anew; the administrator is never locked", () =>
    Effect.gen(function*() {
      const { other, raw } = yield* start({ maxFailures: 1 })
      yield* raw.bind(ada, "wrong")
      yield* raw.bind(admin.dn, "wrong")
      yield* TestClock.adjust("1000 days")
      assert.strictEqual((yield* raw.bind(ada, "adapw")).code, 49)
      assert.strictEqual((yield* raw.bind(admin.dn, admin.password)).code, 0)
      yield* other.request(setPassword("fresh"))
      assert.strictEqual((yield* raw.bind(ada, "fresh")).code, 0)
    }))

  it.effect("of SASL binds too", () =>
    Effect.gen(function*() {
      const { raw } = yield* start({ maxFailures: 1 })
      const plain = (password: string): RequestOperation => ({
        _tag: "BindRequest",
        version: 3,
        name: "",
        authentication: { _tag: "Sasl", mechanism: "PLAIN", credentials: Buffer.from(`\0ada\0${password}`) }
      })
      assert.deepStrictEqual(yield* said(raw, plain("wrong")), [49, {}])
      assert.deepStrictEqual(yield* said(raw, plain("adapw")), [49, { error: "accountLocked" }])
    }))
})

describe("expiry", () => {
  it.effect("a warning, then grace logins, then no more, then a new password", () =>
    Effect.gen(function*() {
      const { other, raw } = yield* start({ maxAge: "30 days", expireWarning: "2 days", graceLogins: 2 })
      assert.deepStrictEqual(yield* said(raw, bind("adapw")), [0, {}])
      yield* TestClock.adjust("28 days")
      assert.deepStrictEqual(yield* said(raw, bind("adapw")), [0, { timeBeforeExpiration: 172_800 }])
      yield* TestClock.adjust("2 days")
      assert.deepStrictEqual(yield* said(raw, bind("adapw")), [0, { graceAuthNsRemaining: 1 }])
      assert.deepStrictEqual(yield* said(raw, bind("wrong")), [49, {}])
      assert.deepStrictEqual(yield* said(raw, bind("adapw")), [0, { graceAuthNsRemaining: 0 }])
      assert.deepStrictEqual(yield* said(raw, bind("adapw")), [49, { error: "passwordExpired" }])
      yield* other.request(passwordModify("fresh"))
      assert.deepStrictEqual(yield* said(raw, bind("fresh")), [0, {}])
    }))
})

describe("new passwords", () => {
  it.effect("too short, or used before; the administrator is free", () =>
    Effect.gen(function*() {
      const { other, raw } = yield* start({ minLength: 8, history: 2 })
      yield* raw.bind(ada, "adapw")
      assert.deepStrictEqual(yield* said(raw, setPassword("short")), [19, { error: "passwordTooShort" }])
      assert.deepStrictEqual(yield* said(raw, setPassword("long enough 1")), [0, {}])
      assert.deepStrictEqual(yield* said(raw, setPassword("long enough 2")), [0, {}])
      for (const used of ["long enough 1", "long enough 2"]) {
        assert.deepStrictEqual(yield* said(raw, setPassword(used)), [19, { error: "passwordInHistory" }], used)
      }
      assert.deepStrictEqual(yield* said(raw, passwordModify("short")), [19, { error: "passwordTooShort" }])
      assert.deepStrictEqual(yield* said(raw, passwordModify("long enough 2")), [19, { error: "passwordInHistory" }])
      assert.deepStrictEqual(yield* said(other, setPassword("x")), [0, {}])
    }))

  it.effect("one that the administrator has set has to be changed before anything else", () =>
    Effect.gen(function*() {
      const { other, raw } = yield* start({ mustChange: true })
      yield* other.request(setPassword("initial"))
      assert.deepStrictEqual(yield* said(raw, bind("initial")), [0, { error: "changeAfterReset" }])
      assert.strictEqual((yield* raw.search(base)).result.code, 50)
      assert.strictEqual((yield* raw.request(passwordModify("own"))).result.code, 0)
      assert.strictEqual((yield* raw.search(base)).result.code, 0)
      assert.deepStrictEqual(yield* said(raw, bind("own")), [0, {}])
    }))
})
