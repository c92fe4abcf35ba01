/** Recording connections as events and as lines, and replaying the lines. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { inject } from "vitest"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapSasl from "../../src/auth/LdapSasl.ts"
import * as LdapClient from "../../src/client/LdapClient.ts"
import * as LdapTransport from "../../src/connection/LdapTransport.ts"
import * as LdapControl from "../../src/model/control/LdapControl.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import * as LdapModification from "../../src/model/LdapModification.ts"
import * as LdapExtended from "../../src/protocol/LdapExtended.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"
import { admin, base } from "../servers/directory.ts"

const secrets = ["adminsecret", "s3cret-of-ada", "s3cret-new", "s3cret-filter", "s3cret-compare"]
const auth = LdapAuth.simple("cn=admin,dc=b", Redacted.make(secrets[0]!))

const world = InMemoryDirectory.make({
  admin: { password: secrets[0]! },
  entries: [
    { dn: "dc=b", attributes: { objectClass: "domain", dc: "b" } },
    { dn: "uid=ada,dc=b", attributes: { objectClass: "account", uid: "ada", userPassword: secrets[1]! } },
    ...Array.from(
      { length: 25 },
      (_, i) => ({ dn: `uid=u${i},dc=b`, attributes: { objectClass: "account", uid: `u${i}` } })
    )
  ]
})

/** All kinds of messages, on one connection. */
const conversation = Effect.fnUntraced(function*(transport: LdapTransport.LdapTransport, password = secrets[0]!) {
  const session = yield* LdapSession.fromTransport(transport, {
    auth: LdapAuth.simple("cn=admin,dc=b", Redacted.make(password))
  })
  const ada = Option.getOrThrow(yield* session.lookup("uid=ada,dc=b"))
  const paged = yield* session.search({ base: "dc=b", filter: "(uid=u*)", pageSize: 10 }).pipe(Stream.runCollect)
  const compared = yield* session.compare("uid=ada,dc=b", "userPassword", secrets[4]!)
  const filtered = yield* session.searchResult({
    base: "dc=b",
    filter: LdapFilter.not(LdapFilter.equals("userPassword", secrets[3]!)),
    sizeLimit: 5
  }).pipe(Effect.flip)
  yield* session.modify("uid=ada,dc=b", LdapModification.replace("userPassword", secrets[2] ?? ""), {
    controls: [LdapControl.preReadRequest.make(["userPassword"])]
  })
  yield* session.add("uid=eve,dc=b", { objectClass: "account", uid: "eve", userPassword: secrets[1]! })
  yield* session.extended(LdapExtended.passwordModify, {
    userIdentity: "uid=eve,dc=b",
    newPassword: Redacted.make(secrets[2]!)
  })
  const made = yield* session.extended(LdapExtended.passwordModify, { userIdentity: "uid=eve,dc=b" })
  const missing = yield* session.lookup("uid=none,dc=b")
  return {
    ada: ada.get("uid"),
    paged: paged.map(({ dn }) => dn),
    compared,
    filtered: filtered.reason._tag,
    made,
    missing
  }
})

const recorded = Effect.fnUntraced(function*() {
  const directory = yield* world
  const lines: Array<string> = []
  const answers = yield* Effect.scoped(
    conversation(LdapTransport.record(directory.transport, (line) => lines.push(line)))
  )
  return { lines, answers }
})

const replay = (lines: ReadonlyArray<string>) => Result.getOrThrow(LdapTransport.replay(lines.join("\n")))

describe("LdapTransport.record", () => {
  it.effect("has every message and no password", () =>
    Effect.gen(function*() {
      const { answers, lines } = yield* recorded()
      const text = lines.map((line) => {
        const { received, sent } = JSON.parse(line) as { readonly sent?: string; readonly received?: string }
        return `${line}\n${Buffer.from(sent ?? received ?? "", "base64").toString("latin1")}`
      }).join("\n")
      const generated = Redacted.value(answers.made.answer.generatedPassword!)
      for (const secret of [...secrets, generated]) assert.notInclude(text, secret)
      assert.include(text, "uid=ada,dc=b")
      const kinds = new Set(lines.map((line) => (JSON.parse(line) as { readonly operation?: string }).operation))
      for (const kind of ["BindRequest", "SearchResultEntry", "ModifyResponse", "ExtendedRequest", "UnbindRequest"])
        assert.isTrue(kinds.has(kind), kind)
    }).pipe(Effect.scoped))

  it.effect("has no password that stands in a name", () =>
    Effect.gen(function*() {
      const directory = yield* world
      const lines: Array<string> = []
      const session = yield* LdapSession.fromTransport(
        LdapTransport.record(directory.transport, (line) => lines.push(line)),
        { auth }
      )
      const secret = "s3cret-named"
      const named = `uid=ada+userPassword=${secret},dc=b`
      // Hexadecimal, as a name may have it, and under the object identifier.
      const hex = `uid=ada+2.5.4.35=#0403${Buffer.from("hex").toString("hex")},dc=b`
      const calls: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        session.rename("uid=u1,dc=b", { newRdn: `uid=u1+userPassword=${secret}` }),
        session.rename("uid=u2,dc=b", { newRdn: "uid=u2", newSuperior: named }),
        session.lookup(named),
        session.lookup(hex),
        session.delete(named),
        session.compare("uid=ada,dc=b", "seeAlso", named),
        session.modify("uid=ada,dc=b", LdapModification.add("seeAlso", named)),
        session.add(named, { objectClass: "account", uid: "x", seeAlso: named }),
        session.searchResult({ base: "dc=b", filter: LdapFilter.equals("seeAlso", named) }),
        session.searchResult({ base: "dc=b", filter: LdapFilter.equals("objectClass", "account") }),
        session.bind(LdapAuth.simple(named, Redacted.make("x")))
      ]
      for (const call of calls) yield* Effect.exit(call)
      const sent = lines.map((line) => {
        const { received, sent } = JSON.parse(line) as { readonly sent?: string; readonly received?: string }
        return `${line}\n${Buffer.from(sent ?? received ?? "", "base64").toString("latin1")}`
      }).join("\n")
      assert.notInclude(sent, secret)
      assert.notInclude(sent, "686578")
      assert.include(sent, "uid=u1+userPassword=***")
      assert.isAbove(lines.filter((line) => line.includes("ModifyDnRequest")).length, 1)
    }).pipe(Effect.scoped))

  it.effect("doesn't affect the session: a sink that throws isn't called again", () =>
    Effect.gen(function*() {
      const directory = yield* world
      let calls = 0
      const transport = LdapTransport.record(directory.transport, () => {
        if (++calls === 3) throw new Error("the disk is full")
      })
      const session = yield* LdapSession.fromTransport(transport, { auth })
      assert.isTrue(Option.isSome(yield* session.lookup("uid=ada,dc=b")))
      assert.strictEqual(calls, 3)
    }).pipe(Effect.scoped))

  it.effect("numbers connections, and says where a security layer makes bytes unreadable", () =>
    Effect.gen(function*() {
      const directory = yield* world
      const events: Array<LdapTransport.TapEvent> = []
      const client = yield* LdapClient.fromTransport(
        LdapTransport.tap(directory.transport, (event) => events.push(event)),
        { auth }
      )
      yield* client.withSession({ auth: LdapAuth.anonymous }, (session) => session.rootDse).pipe(Effect.ignore)
      yield* client.lookup("uid=ada,dc=b")
      assert.isTrue(events.every(({ at, connection }) => at >= 0 && connection >= 1))
      assert.strictEqual(events[0]?._tag, "Opened")
      const bind = events.find((event) => event._tag === "Sent" && event.message.operation._tag === "BindRequest")
      const operation = bind?._tag === "Sent" ? bind.message.operation : undefined
      assert.strictEqual(
        operation?._tag === "BindRequest" && operation.authentication._tag === "Simple" &&
          String(operation.authentication.password),
        "***"
      )
    }).pipe(Effect.scoped))
})

describe("LdapTransport.replay", () => {
  it.effect("gives the same answers, whatever the password", () =>
    Effect.gen(function*() {
      const { answers, lines } = yield* recorded()
      for (const password of [secrets[0]!, "another"]) {
        const again = yield* Effect.scoped(conversation(replay(lines), password))
        assert.deepStrictEqual({ ...again, made: undefined }, { ...answers, made: undefined })
      }
    }).pipe(Effect.scoped))

  it.effect("ends the connection for what isn't recorded, and says what it was", () =>
    Effect.gen(function*() {
      const { lines } = yield* recorded()
      const session = yield* LdapSession.fromTransport(replay(lines), { auth })
      assert.isTrue(Option.isSome(yield* session.lookup("uid=ada,dc=b")))
      // Once, as it was recorded.
      const error = yield* Effect.flip(session.lookup("uid=ada,dc=b"))
      assert.include(error.message, `the recording has no further answer to this SearchRequest of "uid=ada,dc=b"`)
    }).pipe(Effect.scoped))

  it.effect("fails by what the server said", () =>
    Effect.gen(function*() {
      const directory = yield* world
      const lines: Array<string> = []
      const wrong = { auth: LdapAuth.simple("cn=admin,dc=b", Redacted.make("wrong")) }
      const fails = (transport: LdapTransport.LdapTransport) =>
        Effect.flip(Effect.scoped(LdapSession.fromTransport(transport, wrong)))
      const first = yield* fails(LdapTransport.record(directory.transport, (line) => lines.push(line)))
      const second = yield* fails(replay(lines))
      assert.deepStrictEqual([second.reason._tag, second.message], [first.reason._tag, first.message])
      const scram = yield* Effect.flip(
        Effect.scoped(
          LdapSession.fromTransport(replay(lines), {
            auth: LdapAuth.sasl(LdapSasl.plain({ username: "a", password: Redacted.make("b") }))
          })
        )
      )
      assert.include(scram.message, "the recording has no further answer to this BindRequest")
    }).pipe(Effect.scoped))

  it.effect.skipIf(inject("slapd") === undefined)(
    "a conversation with slapd, StartTLS included",
    () =>
      Effect.gen(function*() {
        const slapd = inject("slapd")!
        const lines: Array<string> = []
        const ask = (transport: LdapTransport.LdapTransport) =>
          Effect.scoped(Effect.gen(function*() {
            const session = yield* LdapSession.fromTransport(transport, {
              startTls: true,
              tls: { ca: slapd.certificates.ca.cert },
              auth: LdapAuth.simple(admin.dn, Redacted.make(admin.password))
            })
            const { answer } = yield* session.extended(LdapExtended.whoAmI)
            const { entries } = yield* session.searchResult({ base, attributes: ["*"], sizeLimit: 0, scope: "one" })
            return { answer, protection: yield* session.protection, entries: entries.map((entry) => entry.dn) }
          }))
        const transport = Result.getOrThrow(LdapTransport.fromUrl(slapd.urls.ldap))
        const first = yield* ask(LdapTransport.record(transport, (line) => lines.push(line)))
        assert.notInclude(
          lines.map((line) =>
            Buffer.from((JSON.parse(line) as { readonly sent?: string }).sent ?? "", "base64").toString("latin1")
          ).join(),
          admin.password
        )
        assert.deepStrictEqual(yield* ask(replay(lines)), first)
      })
  )

  it.each([
    ["no JSON", 1],
    ["{}", 1],
    [`{"connection":1,"opened":{"server":"x","protection":"y"}}`, 1],
    [`\n{"connection":1,"sent":"AAAA"}`, 2],
    [`{"connection":1,"received":5}`, 1]
  ])("refuses %s", (text, line) => {
    const result = LdapTransport.replay(text)
    assert.strictEqual(Result.isFailure(result) && result.failure.line, line)
  })

  it.effect("a replay of an empty recording fails to connect", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        Effect.scoped(LdapSession.fromTransport(Result.getOrThrow(LdapTransport.replay(""))))
      )
      assert.include(error.message, "the text contains no recorded events")
      assert.isTrue(Result.isFailure(LdapTransport.replay(undefined as never)))
    }))
})
