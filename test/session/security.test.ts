/** S8 and S9: no silent reconnect, no password in clear text. Hostile peers (S11) are in hostile.test.ts. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { inspect } from "node:util"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapControl from "../../src/model/control/LdapControl.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import type { LdapError } from "../../src/model/LdapError.ts"
import * as LdapModification from "../../src/model/LdapModification.ts"
import * as LdapExtended from "../../src/protocol/LdapExtended.ts"
import type { LdapSession } from "../../src/session/LdapSession.ts"
import { connect, ok, settle } from "./recording/RecordingPeer.ts"

const open = Effect.fnUntraced(function*(options?: Parameters<typeof connect>[0]) {
  const connected = yield* connect({ closeTimeout: 0, ...options })
  return { ...connected, session: yield* connected.session }
})

const secret = "s3cr3t-pässword"
const auth = LdapAuth.simple("cn=a,dc=example", Redacted.make(secret))

describe("S8: no silent reconnect", () => {
  it.effect("a lost session stays lost: it never opens its socket again", () =>
    Effect.gen(function*() {
      const { peer, server, session } = yield* open()
      yield* server.reset
      yield* session.closed
      for (let i = 0; i < 3; i++) {
        assert.strictEqual((yield* Effect.flip(session.delete("cn=a"))).reason._tag, "SessionClosed")
        assert.strictEqual((yield* Effect.flip(session.bind(auth))).reason._tag, "SessionClosed")
      }
      assert.isEmpty(peer.received)
    }))
})

describe("S9: passwords", () => {
  it.effect("none is sent in clear text, unless the configuration allows it", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ protection: "none" })
      const error = yield* Effect.flip(session.bind(auth))
      assert.strictEqual(error.reason._tag, "InsecureAuth")
      assert.include(error.message, "allowInsecureAuth")
      yield* settle
      assert.isEmpty(peer.received)
    }))

  it.effect("nor is that of the configuration: the session is not opened", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* connect({ protection: "none", auth })
      const opening = yield* Effect.forkChild(Effect.flip(Effect.scoped(session)), { startImmediately: true })
      yield* peer.expect("UnbindRequest")
      yield* peer.end
      assert.strictEqual((yield* Fiber.join(opening)).reason._tag, "InsecureAuth")
      assert.deepStrictEqual(peer.kinds(), ["UnbindRequest"])
    }))

  it.effect("a password effect is not run if the password could not be sent", () =>
    Effect.gen(function*() {
      const { session } = yield* open({ protection: "none" })
      const asked = LdapAuth.simple("cn=a", Effect.die("asked for"))
      assert.strictEqual((yield* Effect.flip(session.bind(asked))).reason._tag, "InsecureAuth")
    }))

  it.effect.each(
    [
      { protection: "none", allowInsecureAuth: true },
      { protection: "local" },
      { protection: "tls" }
    ] as const
  )("it is sent if allowed: %o", (options) =>
    Effect.gen(function*() {
      const { peer, session } = yield* open(options)
      yield* Effect.forkChild(session.bind(auth), { startImmediately: true })
      const { operation } = yield* peer.expect("BindRequest")
      assert.deepStrictEqual(operation.authentication, { _tag: "Simple", password: Buffer.from(secret) })
    }))

  it.effect("an anonymous bind needs no protection", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ protection: "none" })
      yield* Effect.forkChild(session.bind(LdapAuth.anonymous), { startImmediately: true })
      assert.strictEqual((yield* peer.expect("BindRequest")).operation.name, "")
    }))

  const carriers: Record<string, (session: LdapSession) => Effect.Effect<unknown, LdapError>> = {
    "a password modify": (session) =>
      session.extended(LdapExtended.passwordModify, { newPassword: Redacted.make(secret) }),
    "an add": (session) => session.add("cn=a", { objectClass: "person", userPassword: secret }),
    "a modify": (session) => session.modify("cn=a", LdapModification.replace("userPassword", secret)),
    "a modify of Active Directory's": (session) =>
      session.modify("cn=a", LdapModification.replace("unicodePwd", secret)),
    "a compare": (session) => session.compare("cn=a", "USERPASSWORD;x-y", secret),
    "a rename": (session) => session.rename("cn=a", { newRdn: `userPassword=${secret}` }),
    "a delete by a name that has it": (session) => session.delete(`userPassword=${secret},dc=x`),
    "a filter": (session) => session.searchResult({ base: "cn=a", filter: LdapFilter.equals("userPassword", secret) }),
    "a filter of a stream": (session) =>
      Stream.runDrain(session.search({ base: "cn=a", filter: LdapFilter.equals("unicodePwd", secret) })),
    "a filter of a lookup": (session) =>
      session.lookup("cn=a", { filter: LdapFilter.contains("userPassword", secret) }),
    "a filter in a control": (session) =>
      session.searchResult({ base: "cn=a", controls: [LdapControl.assertion.make(`(userPassword=${secret})`)] }),
    "a filter in a control of a write": (session) =>
      session.delete("cn=a", { controls: [LdapControl.assertion.make(`(userPassword=${secret})`)] }),
    "a filter in a control of an extended operation": (session) =>
      session.extended("1.2.3", { controls: [LdapControl.assertion.make(`(userPassword=${secret})`)] }),
    "the administrator's of OpenLDAP": (session) =>
      session.modify("olcDatabase={1}mdb,cn=config", LdapModification.replace("olcRootPW", secret)),
    "the administrator's of 389 Directory Server": (session) =>
      session.modify("cn=config", LdapModification.replace("nsslapd-rootpw", secret)),
    "one marked as clear text": (session) => session.add("cn=a", { userPassword: `{CLEARTEXT}${secret}` })
  }

  it.effect.each(Object.keys(carriers))(
    "%s that carries one is held back like a bind",
    (name) =>
      Effect.gen(function*() {
        const clear = yield* open({ protection: "none" })
        assert.strictEqual((yield* Effect.flip(carriers[name]!(clear.session))).reason._tag, "InsecureAuth")
        yield* settle
        assert.isEmpty(clear.peer.received)
        for (const options of [{ protection: "tls" }, { protection: "none", allowInsecureAuth: true }] as const) {
          const { peer, session } = yield* open(options)
          yield* Effect.forkChild(carriers[name]!(session), { startImmediately: true })
          yield* peer.next
        }
      })
  )

  it.effect("a hash is no password, and neither is another attribute's value", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open({ protection: "none" })
      yield* Effect.forkChild(
        session.add("cn=a", { userPassword: "{SSHA}EWLmUiea2aSavHXGyh1UHxOP6KXEo6kp", description: secret }),
        { startImmediately: true }
      )
      yield* peer.expect("AddRequest")
    }))

  it.effect("an empty password is refused before it is sent", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      for (const empty of [Redacted.make(""), Redacted.make(new Uint8Array(0)), Effect.succeed(Redacted.make(""))]) {
        const error = yield* Effect.flip(session.bind(LdapAuth.simple("cn=a", empty)))
        assert.deepInclude(error.reason, { _tag: "InvalidRequest", field: "password" })
      }
      yield* settle
      assert.isEmpty(peer.received)
    }))

  it.effect("a password effect runs at each bind", () =>
    Effect.gen(function*() {
      const { peer, session } = yield* open()
      let current = 0
      const rotating = LdapAuth.simple("cn=a", Effect.sync(() => Redacted.make(`password-${++current}`)))
      for (const expected of ["password-1", "password-2"]) {
        const fiber = yield* Effect.forkChild(session.bind(rotating), { startImmediately: true })
        const { messageId, operation } = yield* peer.expect("BindRequest")
        assert.deepInclude(operation.authentication, { password: Buffer.from(expected) })
        yield* peer.send(messageId, { _tag: "BindResponse", result: ok })
        yield* Fiber.join(fiber)
      }
    }))

  it.effect("it appears in no error, no log and no inspected value", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const show = (value: unknown) =>
        seen.push(inspect(value, { depth: 20, showHidden: true }), String(value), JSON.stringify(value) ?? "")
      const logger = Logger.make(({ cause, message }) =>
        seen.push(inspect(message, { depth: 20 }), Cause.pretty(cause))
      )
      yield* Effect.gen(function*() {
        const { peer, session } = yield* open()
        show(auth)
        show(session)
        const fiber = yield* Effect.forkChild(session.bind(auth), { startImmediately: true })
        const { messageId } = yield* peer.expect("BindRequest")
        show(session)
        yield* peer.send(messageId, { _tag: "BindResponse", result: { ...ok, code: 49, diagnosticMessage: "no" } })
        const exit = yield* Fiber.await(fiber)
        show(exit)
        if (Exit.isFailure(exit)) yield* Effect.logError("bind failed", exit.cause)
        yield* Effect.logInfo(session, auth)
      }).pipe(Effect.provide(Logger.layer([logger])))
      assert.isNotEmpty(seen)
      const bytes = inspect(Buffer.from(secret))
      for (const text of seen) {
        assert.notInclude(text, secret)
        assert.notInclude(text, bytes)
      }
    }))
})
