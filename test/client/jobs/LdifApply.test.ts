import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import { applyLdif, type LdifApplyError } from "../../../src/client/jobs/LdifApply.ts"
import { InvalidRequest, LdapError, SessionClosed, SessionEnd } from "../../../src/model/LdapError.ts"
import * as Ldif from "../../../src/model/ldif/Ldif.ts"
import * as LdapSession from "../../../src/session/LdapSession.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"

const connected = Effect.gen(function*() {
  const directory = yield* InMemoryDirectory.make({
    entries: [{ dn: "dc=x", attributes: { objectClass: "domain", dc: "x" } }],
    admin: { password: "admin" }
  })
  const session = yield* LdapSession.fromSocket(yield* directory.connect, { protection: "local" })
  yield* session.bind(LdapAuth.simple("cn=admin,dc=x", Redacted.make("admin")))
  return { directory, session }
})

const read = (text: string) => Stream.make(text).pipe(Ldif.decode())

const everyKind = `version: 1
dn: ou=a,dc=x
objectClass: organizationalUnit
ou: a

dn: cn=1,ou=a,dc=x
changetype: add
objectClass: person
cn: 1
sn: one
description: first

dn: cn=1,ou=a,dc=x
changetype: modify
replace: sn
sn: 1
-
add: description
description: second
-
delete: description
description: first
-

dn: cn=1,ou=a,dc=x
changetype: modrdn
newrdn: cn=2
deleteoldrdn: 0
newsuperior: dc=x

dn: ou=a,dc=x
changetype: delete
`

const failing = `dn: ou=a,dc=x
objectClass: organizationalUnit
ou: a

dn: ou=a,dc=x
objectClass: organizationalUnit
ou: a

dn: ou=none,dc=x
changetype: delete

dn: ou=b,dc=x
objectClass: organizationalUnit
ou: b
`

const lost = new LdapError({
  reason: new SessionClosed({ why: SessionEnd.Released(), inDoubt: false }),
  operation: "add"
})

const answer = { code: 0, matchedDn: "", diagnosticMessage: "", referrals: [], controls: [] }

/** A client whose additions have the result that the test chooses. It supports nothing else. */
const client = (addition: (dn: string) => Effect.Effect<typeof answer, LdapError>) => ({
  add: (dn: LdapSession.DnInput) => addition(String(dn)),
  delete: () => Effect.die("not expected"),
  modify: () => Effect.die("not expected"),
  rename: () => Effect.die("not expected")
})

describe("applyLdif", () => {
  it.effect("carries out each kind of record, in order", () =>
    Effect.gen(function*() {
      const { directory, session } = yield* connected
      const applied = yield* applyLdif(session, read(everyKind)).pipe(Stream.runCollect)
      assert.deepStrictEqual(applied.map(({ record, result }) => [record.line, record._tag, result.code]), [
        [2, "Entry", 0],
        [6, "Add", 0],
        [13, "Modify", 0],
        [25, "ModifyDn", 0],
        [31, "Delete", 0]
      ])
      const entry = directory.lookup("cn=2,dc=x")
      assert.deepStrictEqual(entry?.getAll("cn").toSorted(), ["1", "2"])
      assert.deepStrictEqual(entry?.getAll("sn"), ["1"])
      assert.deepStrictEqual(entry?.getAll("description"), ["second"])
      assert.isUndefined(directory.lookup("ou=a,dc=x"))
    }).pipe(Effect.scoped))

  it.effect("ends with the first record that fails, and reports its line", () =>
    Effect.gen(function*() {
      const { directory, session } = yield* connected
      const error = yield* applyLdif(session, read(failing)).pipe(Stream.runDrain, Effect.flip)
      assert.strictEqual(error._tag, "LdifApplyError")
      assert.strictEqual(error.line, 5)
      assert.match(error.message, /^in line 5 of LDIF: add of "ou=a,dc=x".*entryAlreadyExists/s)
      assert.isUndefined(directory.lookup("ou=b,dc=x"))
    }).pipe(Effect.scoped))

  it.effect("with continueOnError, continues with the error in place of the result", () =>
    Effect.gen(function*() {
      const { directory, session } = yield* connected
      const attempts = yield* applyLdif(session, read(failing), { continueOnError: true }).pipe(Stream.runCollect)
      assert.deepStrictEqual(
        attempts.map(({ record, result }) =>
          Result.match(result, {
            onSuccess: () => "done",
            onFailure: (error: LdifApplyError) => [error.line - record.line, error.dn, error.cause.reason._tag]
          })
        ),
        [
          "done",
          [0, "ou=a,dc=x", "EntryAlreadyExists"],
          [0, "ou=none,dc=x", "NoSuchObject"],
          "done"
        ]
      )
      assert.isDefined(directory.lookup("ou=b,dc=x"))
    }).pipe(Effect.scoped))

  it.effect("with continueOnError, ends all the same if the session has ended", () =>
    Effect.gen(function*() {
      const asked: Array<string> = []
      const ending = client((dn) => {
        asked.push(dn)
        return dn === "b" ? Effect.fail(lost) : Effect.succeed(answer)
      })
      const records = Stream.make(Ldif.add("a", {}), Ldif.add("b", {}), Ldif.add("c", {}))
      const error = yield* applyLdif(ending, records, { continueOnError: true }).pipe(Stream.runDrain, Effect.flip)
      assert.strictEqual(error.cause, lost)
      assert.strictEqual(error.message, lost.message)
      assert.deepStrictEqual(asked, ["a", "b"])
    }))

  it.effect("continues after a record that can't be sent", () =>
    Effect.gen(function*() {
      const invalid = new LdapError({ reason: new InvalidRequest({ field: "dn", detail: "no" }), operation: "add" })
      const picky = client((dn) => dn === "a" ? Effect.fail(invalid) : Effect.succeed(answer))
      const attempts = yield* applyLdif(picky, Stream.make(Ldif.add("a", {}), Ldif.add("b", {})), {
        continueOnError: true
      }).pipe(Stream.runCollect)
      assert.deepStrictEqual(attempts.map(({ result }) => Result.isSuccess(result)), [false, true])
    }))

  it.effect("sends a record only when the consumer pulls its result", () =>
    Effect.gen(function*() {
      const { directory, session } = yield* connected
      const [first] = yield* applyLdif(session, read(everyKind)).pipe(Stream.take(1), Stream.runCollect)
      assert.strictEqual(first?.record.dn, "ou=a,dc=x")
      assert.isDefined(directory.lookup("ou=a,dc=x"))
      assert.isUndefined(directory.lookup("cn=1,ou=a,dc=x"))
    }).pipe(Effect.scoped))

  it.effect("sends the controls of a record", () =>
    Effect.gen(function*() {
      const { session } = yield* connected
      const text = "dn: dc=x\ncontrol: 1.2.3.4.5 true\nchangetype: modify\nreplace: description\ndescription: a\n-\n"
      const error = yield* applyLdif(session, read(text)).pipe(Stream.runDrain, Effect.flip)
      assert.isTrue(error._tag === "LdifApplyError" && error.cause.reason._tag === "UnavailableCriticalExtension")
    }).pipe(Effect.scoped))

  it.effect("passes errors of the record stream on unchanged, after earlier results", () =>
    Effect.gen(function*() {
      const { directory, session } = yield* connected
      const text = "dn: ou=a,dc=x\nobjectClass: organizationalUnit\nou: a\n\nnonsense\n"
      const error = yield* applyLdif(session, read(text), { continueOnError: true }).pipe(Stream.runDrain, Effect.flip)
      assert.isTrue(error._tag === "LdifSyntaxError" && error.line === 5)
      assert.isDefined(directory.lookup("ou=a,dc=x"))
    }).pipe(Effect.scoped))
})
