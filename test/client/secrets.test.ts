/**
 * S9: no secret appears in any output. Secrets are planted wherever a program may use one, and every operation that sends them is
 * run, with success and with failure. Then all output is searched: logs of all levels, spans, metrics, errors in every form, and
 * inspected values.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { inspect } from "node:util"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import * as LdapSasl from "../../src/auth/LdapSasl.ts"
import * as LdapJobs from "../../src/client/jobs/LdapJobs.ts"
import * as LdapClient from "../../src/client/LdapClient.ts"
import * as LdapLogin from "../../src/client/login/LdapLogin.ts"
import * as LdapFilter from "../../src/model/filter/LdapFilter.ts"
import * as LdapModification from "../../src/model/LdapModification.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../src/testing/InMemoryDirectory.ts"
import { ok } from "../session/recording/RecordingPeer.ts"
import * as TelemetryRecorder from "./TelemetryRecorder.ts"

/** Each secret is used in one place. No secret is a part of another. */
const planted = {
  admin: "plänted-admin",
  wrong: "planted-wrong",
  user: "planted-user",
  mistyped: "planted-mistyped",
  reset: "planted-reset",
  old: "planted-old",
  active: "planted-active",
  added: "planted-added",
  replaced: "planted-replaced",
  compared: "planted-compared",
  plain: "planted-plain",
  scram: "planted-scram",
  digest: "planted-digest",
  cram: "planted-cram",
  token: "planted-token",
  rotating: "planted-rotating"
} as const

/** Also as bytes, in hex, in base64, and as UTF-16, in the forms in which a program could print it. */
const formsOf = (secret: string): ReadonlyArray<string> => {
  const octets = Buffer.from(secret)
  const list = [...octets].map(String)
  return [
    secret,
    octets.toString("hex"),
    [...octets].map((octet) => octet.toString(16)).join(" "),
    octets.toString("base64").replace(/=+$/, ""),
    // As in a SASL response, with a NUL before it.
    Buffer.from(`\0${secret}`).toString("base64").slice(4, -4),
    list.join(","),
    list.join(", "),
    Buffer.from(secret, "utf16le").toString("hex"),
    [...Buffer.from(secret, "utf16le")].map((octet) => octet.toString(16).padStart(2, "0")).join(" ").slice(0, 50)
  ]
}

const base = "dc=example"
const ada = `uid=ada,${base}`

/** Everything that sends a secret, once with a server that accepts it and once with a server that refuses it. */
const program = Effect.fnUntraced(function*(show: (value: unknown) => void, likes: boolean) {
  const directory = yield* InMemoryDirectory.make({
    entries: [
      { dn: base, attributes: { objectClass: "domain", dc: "example" } },
      { dn: ada, attributes: { objectClass: "account", uid: "ada", userPassword: planted.user } }
    ],
    admin: { password: planted.admin },
    interceptor: ({ messageId, operation }) => {
      const isToFail = !likes && (operation._tag === "ExtendedRequest" || operation._tag === "ModifyRequest" ||
        operation._tag === "AddRequest" || operation._tag === "CompareRequest")
      // The response has the wrong kind for the request, so the session ends.
      const foreign = { _tag: "BindResponse", result: ok, serverCredentials: undefined } as const
      return Effect.succeed(isToFail ? [{ messageId, operation: foreign, controls: [] }] : "continue")
    }
  })
  const secret = (name: keyof typeof planted) => Redacted.make<string>(planted[name])
  const auth = LdapAuth.simple(`cn=admin,${base}`, secret("admin"))
  const client = LdapClient.fromTransport(directory.transport, { auth, pool: { max: 4 } })
  const attempt = Effect.fnUntraced(function*<A, E>(effect: Effect.Effect<A, E>) {
    const exit = yield* Effect.exit(effect)
    show(exit)
    if (Exit.isSuccess(exit)) return
    show(Cause.pretty(exit.cause))
    for (const error of Cause.prettyErrors(exit.cause)) show(error)
    for (const reason of exit.cause.reasons) show(Cause.isFailReason(reason) ? reason.error : reason)
    yield* Effect.logError("it failed", exit.cause)
  })

  const ldap = yield* client
  show(auth)
  show(ldap)
  show(directory)
  const logins = {
    client: ldap,
    open: Effect.flatMap(directory.connect, (socket) => LdapSession.fromSocket(socket, { protection: "local" })),
    base,
    filter: (name: string) => LdapFilter.equals("uid", name),
    uniform: true
  }
  for (const login of [LdapLogin.authenticate(logins), yield* LdapLogin.make(logins)]) {
    yield* attempt(login("ada", secret("user")))
    yield* attempt(login("ada", secret("wrong")))
    // People type passwords into the wrong field.
    yield* attempt(login(planted.mistyped, secret("wrong")))
    show(login)
  }

  yield* attempt(LdapJobs.changePassword(ldap, ada, { newPassword: secret("reset"), oldPassword: secret("old") }))
  yield* attempt(
    LdapJobs.changePasswordInActiveDirectory(ldap, ada, { newPassword: secret("active"), oldPassword: secret("old") })
  )
  yield* attempt(ldap.add(`uid=zoe,${base}`, { objectClass: "account", uid: "zoe", userPassword: planted.added }))
  yield* attempt(ldap.modify(ada, LdapModification.replace("userPassword", planted.replaced)))
  yield* attempt(ldap.compare(ada, "userPassword", planted.compared))
  yield* attempt(LdapJobs.upsert(ldap, ada, { userPassword: planted.replaced }))
  yield* attempt(Stream.runCollect(ldap.search({ base, filter: LdapFilter.equals("userPassword", planted.compared) })))

  for (
    const auth of [
      LdapAuth.simple(ada, secret("wrong")),
      LdapAuth.simple(ada, Effect.succeed(secret("rotating"))),
      LdapAuth.sasl(LdapSasl.plain({ username: ada, password: secret("plain") })),
      LdapAuth.sasl(LdapSasl.scram("SCRAM-SHA-256", { username: "ada", password: secret("scram") })),
      LdapAuth.sasl(LdapSasl.digestMd5({ username: "ada", password: secret("digest") })),
      LdapAuth.sasl(LdapSasl.cramMd5({ username: "ada", password: secret("cram") })),
      LdapAuth.sasl(LdapSasl.oauthBearer({ token: secret("token") }))
    ]
  ) {
    show(auth)
    yield* attempt(ldap.withSession(auth, (session) => Effect.sync(() => show(session))))
    yield* Effect.logInfo(auth)
  }
  show(directory.log)
})

describe("S9: passwords stay in", () => {
  it.effect("secrets planted everywhere appear in no output", () =>
    Effect.gen(function*() {
      const recorder = TelemetryRecorder.make()
      const seen: Array<string> = []
      const show = (value: unknown): void => {
        seen.push(String(value), inspect(value, { depth: 20, showHidden: true }))
        if (value instanceof Error) seen.push(value.message, value.stack ?? "")
        try {
          seen.push(JSON.stringify(value) ?? "")
        } catch {
          // A value with cycles has no JSON.
        }
      }
      for (const likes of [true, false]) {
        const exit = yield* program(show, likes).pipe(Effect.scoped, recorder.watch, Effect.exit)
        show(exit)
        assert.isTrue(Exit.isSuccess(exit))
      }
      for (const { text } of recorder.logs) seen.push(text)
      for (const span of recorder.spans) {
        seen.push(span.name, inspect([...span.attributes], { depth: 9 }), inspect(span.events, { depth: 9 }))
        if (span.status._tag === "Ended") show(span.status.exit)
      }
      show(yield* recorder.snapshot)

      // The output isn't empty, so the secrets could have been in it.
      assert.isAbove(recorder.spans.length, 60)
      assert.isAbove(recorder.logs.length, 20)
      assert.isAbove(seen.length, 300)
      for (const [place, secret] of Object.entries(planted)) {
        for (const form of formsOf(secret)) {
          for (const text of seen) assert.isFalse(text.includes(form), `${place}: ${form} in ${text.slice(0, 500)}`)
        }
      }
    }))
})
