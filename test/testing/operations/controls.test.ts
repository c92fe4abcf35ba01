/** Controls and extended operations that slapd in these tests doesn't support, or that need more than one client. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import { attributesFrom } from "../../../src/model/entry/LdapEntry.ts"
import * as Modification from "../../../src/model/LdapModification.ts"
import * as LdapExtended from "../../../src/protocol/LdapExtended.ts"
import type { LdapMessage, RequestOperation } from "../../../src/protocol/LdapMessage.ts"
import { admin, base, make } from "../fixture.ts"
import { connect, type RawClient, searchRequest } from "../RawClient.ts"

const people = `ou=people,${base}`
const ada = `uid=ada,${people}`

const extended = <Request>(
  operation: LdapExtended.ExtendedOperation<Request, unknown>,
  request: Request
): RequestOperation => ({ _tag: "ExtendedRequest", oid: operation.oid, value: operation.encode(request) })

const asAdmin = Effect.fnUntraced(function*(options?: Parameters<typeof make>[0]) {
  const directory = yield* make(options)
  const raw = yield* connect(directory)
  yield* raw.bind(admin.dn, admin.password)
  return { directory, raw }
})

const device = (cn: string): RequestOperation => ({
  _tag: "AddRequest",
  dn: `cn=${cn},${base}`,
  attributes: attributesFrom({ objectClass: "device" })
})

const describeDn = (dn: string, text: string): RequestOperation => ({
  _tag: "ModifyRequest",
  dn,
  changes: [Modification.replace("description", text)]
})

/** The next message of a search that stays open. */
const next = (raw: RawClient): Effect.Effect<LdapMessage> =>
  Effect.flatMap(
    raw.next,
    (message) => message === undefined ? Effect.die("the connection ended") : Effect.succeed(message)
  )

describe("tree delete", () => {
  it.effect("deletes the whole subtree if the control is present", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* asAdmin()
      const before = directory.size
      assert.strictEqual((yield* raw.request({ _tag: "DeleteRequest", dn: people })).result.code, 66)
      const deleted = yield* raw.request({ _tag: "DeleteRequest", dn: people }, [LdapControl.treeDelete.make()])
      assert.strictEqual(deleted.result.code, 0)
      assert.deepStrictEqual([before - directory.size, directory.lookup(ada)], [4, undefined])
      assert.strictEqual((yield* raw.search(base, "(uid=ada)")).entries.length, 0)
    }))
})

describe("ranges of values", () => {
  const members = Array.from({ length: 25 }, (_, i) => `uid=u${i},${people}`)
  const group = { dn: `cn=big,${base}`, attributes: { objectClass: "groupOfNames", cn: "big", member: members } }
  it.effect.each<readonly [asked: string, found: string, from: number, to: number]>([
    ["*", "member;range=0-9", 0, 10],
    ["member", "member;range=0-9", 0, 10],
    ["member;range=10-*", "member;range=10-19", 10, 20],
    ["member;range=20-*", "member;range=20-*", 20, 25],
    ["Member;Range=3-5", "member;range=3-5", 3, 6],
    ["member;range=3-99", "member;range=3-12", 3, 13]
  ])("%s brings %s", ([asked, found, from, to]) =>
    Effect.gen(function*() {
      const { raw } = yield* asAdmin({ entries: [group], maxValues: 10 })
      const { entries } = yield* raw.search(group.dn, undefined, { scope: "base", attributes: [asked] })
      assert.deepStrictEqual(entries[0]?.getAll(found), members.slice(from, to))
    }))
})

describe("persistent search", () => {
  it.effect("returns changes within its scope and filter until it is abandoned", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* asAdmin()
      const watcher = yield* connect(directory)
      const id = yield* watcher.send(searchRequest(base, "(objectClass=device)", { attributes: ["description"] }), [
        LdapControl.persistentSearch.make({})
      ])
      yield* directory.log.first((entry) => entry._tag === "Pdu" && entry.kind === "SearchRequest")
      yield* raw.request(device("one"))
      yield* raw.request(describeDn(ada, "not a device"))
      yield* raw.request(describeDn(`cn=one,${base}`, "x"))
      yield* raw.request({ _tag: "ModifyDnRequest", dn: `cn=one,${base}`, newRdn: "cn=two", deleteOldRdn: true })
      yield* raw.request({ _tag: "DeleteRequest", dn: `cn=two,${base}` })
      const seen: Array<unknown> = []
      for (let i = 0; i < 4; i++) {
        const { controls, messageId, operation } = yield* next(watcher)
        const change = Result.getOrThrow(
          LdapControl.entryChangeNotification.decode(controls[0] ?? LdapControl.make(""))
        )
        seen.push([
          messageId === id,
          operation._tag === "SearchResultEntry" && operation.entry.dn,
          change.changeType,
          change.previousDn
        ])
      }
      assert.deepStrictEqual(seen, [
        [true, `cn=one,${base}`, "add", undefined],
        [true, `cn=one,${base}`, "modify", undefined],
        [true, `cn=two,${base}`, "modifyDn", `cn=one,${base}`],
        [true, `cn=two,${base}`, "delete", undefined]
      ])
      yield* watcher.send({ _tag: "AbandonRequest", abandoned: id })
      assert.strictEqual(yield* watcher.whoAmI, "")
      yield* raw.request(device("three"))
      assert.strictEqual(yield* watcher.whoAmI, "")
    }))

  it.effect("with the entries that are there first, without notifications, of some kinds, until its time limit", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* asAdmin()
      const watcher = yield* connect(directory)
      yield* watcher.send(searchRequest(people, "(uid=ada)", { timeLimit: 60 }), [
        LdapControl.persistentSearch.make({ changesOnly: false, returnChanges: false, changeTypes: ["modify"] })
      ])
      const first = yield* next(watcher)
      assert.deepStrictEqual([first.operation._tag, first.controls.length], ["SearchResultEntry", 0])
      yield* raw.request({ _tag: "ModifyDnRequest", dn: ada, newRdn: "uid=ada", deleteOldRdn: false })
      yield* raw.request(describeDn(ada, "x"))
      const { operation } = yield* next(watcher)
      assert.strictEqual(operation._tag === "SearchResultEntry" && operation.entry.get("description"), "x")
      yield* TestClock.adjust("61 seconds")
      const end = (yield* next(watcher)).operation
      assert.strictEqual(end._tag === "SearchResultDone" && end.result.code, 3)
    }))
})

describe("content synchronization", () => {
  const sync = Effect.fnUntraced(function*(raw: RawClient, cookie?: Uint8Array) {
    yield* raw.send(searchRequest(people, "(objectClass=person)"), [
      LdapControl.syncRequest.make({ mode: "refreshOnly", ...(cookie === undefined ? undefined : { cookie }) })
    ])
    const added: Array<string> = []
    const present: Array<string> = []
    while (true) {
      const { controls, operation } = yield* next(raw)
      if (operation._tag === "SearchResultEntry") {
        const { state } = Result.getOrThrow(LdapControl.syncState.decode(controls[0] ?? LdapControl.make("")))
        added.push(`${state} ${operation.entry.get("uid")}`)
      } else if (operation._tag === "IntermediateResponse") {
        const info = Result.getOrThrow(LdapControl.decodeSyncInfo(operation.value))
        if (info._tag === "SyncIdSet") present.push(...info.entryUuids)
      } else if (operation._tag === "SearchResultDone") {
        if (operation.result.code !== 0)
          return { added, present, cookie: new Uint8Array(0), code: operation.result.code }
        const done = Result.getOrThrow(LdapControl.syncDone.decode(controls[0] ?? LdapControl.make("")))
        return { added, present, cookie: done.cookie ?? new Uint8Array(0), code: 0 }
      }
    }
  })

  it.effect("everything at first, then changed entries and the entries that still exist", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* asAdmin()
      const first = yield* sync(raw)
      assert.deepStrictEqual([first.added, first.present], [["add ada", "add bob", "add eve"], []])
      const second = yield* sync(raw, first.cookie)
      assert.deepStrictEqual([second.added, second.present.length], [[], 3])
      const uuids = ["ada", "bob", "eve"].map((uid) => directory.lookup(`uid=${uid},${people}`)?.get("entryUUID"))
      yield* raw.request(describeDn(ada, "changed"))
      yield* raw.request({ _tag: "DeleteRequest", dn: `uid=bob,${people}` })
      const third = yield* sync(raw, second.cookie)
      assert.deepStrictEqual([third.added, third.present], [["add ada"], [uuids[2]]])
      // The entries below a renamed entry have new names too.
      yield* raw.request({ _tag: "ModifyDnRequest", dn: people, newRdn: "ou=persons", deleteOldRdn: true })
      const gone = yield* sync(raw, Buffer.from("from elsewhere"))
      assert.strictEqual(gone.code, 32)
    }))

  it.effect("a restore counts as a change", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* asAdmin()
      const snapshot = yield* directory.snapshot
      const first = yield* sync(raw)
      const watcher = yield* connect(directory)
      yield* watcher.send(searchRequest(people, "(uid=ada)"), [LdapControl.persistentSearch.make({})])
      yield* directory.log.first((entry) =>
        entry._tag === "Pdu" && entry.connection === 2 && entry.kind === "SearchRequest"
      )
      yield* directory.restore(snapshot)
      const second = yield* sync(raw, first.cookie)
      assert.deepStrictEqual([second.added, second.present], [["add ada", "add bob", "add eve"], []])
      const types: Array<string> = []
      for (let i = 0; i < 2; i++) {
        const { controls } = yield* next(watcher)
        const [control = LdapControl.make("")] = controls
        types.push(Result.getOrThrow(LdapControl.entryChangeNotification.decode(control)).changeType)
      }
      assert.deepStrictEqual(types, ["delete", "add"])
    }))

  it.effect("a cookie of another directory is refused", () =>
    Effect.gen(function*() {
      const { raw } = yield* asAdmin()
      assert.strictEqual((yield* sync(raw, Buffer.from("from elsewhere"))).code, 4096)
      assert.strictEqual((yield* sync(raw, Buffer.from("change=99"))).code, 4096)
    }))

  it.effect("refreshAndPersist continues with added and changed entries, and with those that no longer match", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* asAdmin()
      const watcher = yield* connect(directory)
      yield* watcher.send(searchRequest(people, "(description=x)"), [
        LdapControl.syncRequest.make({ mode: "refreshAndPersist" })
      ])
      const { operation } = yield* next(watcher)
      assert.strictEqual(operation._tag, "IntermediateResponse")
      for (const text of ["x", "X", "y"]) yield* raw.request(describeDn(ada, text))
      const states: Array<string> = []
      for (let i = 0; i < 3; i++) {
        const { controls } = yield* next(watcher)
        states.push(Result.getOrThrow(LdapControl.syncState.decode(controls[0] ?? LdapControl.make(""))).state)
      }
      assert.deepStrictEqual(states, ["add", "modify", "delete"])
    }))
})

describe("cancel", () => {
  it.effect("a search that goes on ends in canceled, and then the cancel in success", () =>
    Effect.gen(function*() {
      const { raw } = yield* asAdmin()
      const id = yield* raw.send(searchRequest(base), [LdapControl.persistentSearch.make({})])
      const cancel = yield* raw.send(extended(LdapExtended.cancel, { messageId: id }))
      const answers = [yield* next(raw), yield* next(raw)].map(({ messageId, operation }) => [
        messageId,
        "result" in operation && operation.result.code
      ])
      assert.deepStrictEqual(answers, [[id, 118], [cancel, 0]])
      assert.strictEqual((yield* raw.request(extended(LdapExtended.cancel, { messageId: id }))).result.code, 119)
    }))
})

describe("password modify", () => {
  it.effect("makes a password where none is given, and stores it hashed", () =>
    Effect.gen(function*() {
      const directory = yield* make({ passwordScheme: "PBKDF2-SHA256" })
      const raw = yield* connect(directory)
      yield* raw.bind(ada, "adapw")
      const { operation } = yield* raw.request(extended(LdapExtended.passwordModify, {}))
      const value = operation._tag === "ExtendedResponse" ? operation.value : undefined
      const { generatedPassword } = Result.getOrThrow(LdapExtended.passwordModify.decode(value))
      const password = generatedPassword === undefined ? "" : Redacted.value(generatedPassword)
      assert.strictEqual(password.length, 8)
      assert.match(directory.lookup(ada)?.get("userPassword") ?? "", /^\{PBKDF2-SHA256\}10000\$[^$]{22}\$[^$]{43}$/)
      assert.strictEqual((yield* raw.bind(ada, password)).code, 0)
      assert.strictEqual((yield* raw.bind(ada, "adapw")).code, 49)
    }))

  it.effect("of another user only by the administrator", () =>
    Effect.gen(function*() {
      const raw = yield* connect(yield* make())
      yield* raw.bind(ada, "adapw")
      const change = extended(LdapExtended.passwordModify, {
        userIdentity: `uid=bob,${people}`,
        newPassword: Redacted.make("new")
      })
      assert.strictEqual((yield* raw.request(change)).result.code, 50)
      yield* raw.bind(admin.dn, admin.password)
      assert.strictEqual((yield* raw.request(change)).result.code, 0)
      assert.strictEqual((yield* raw.bind(`uid=bob,${people}`, "new")).code, 0)
    }))
})

describe("transactions", () => {
  const begin = Effect.fnUntraced(function*(raw: RawClient) {
    const { operation } = yield* raw.request(extended(LdapExtended.startTransaction, undefined))
    const value = operation._tag === "ExtendedResponse" ? operation.value : undefined
    const identifier = Result.getOrThrow(LdapExtended.startTransaction.decode(value))
    return { identifier, control: LdapControl.transactionSpecification.make(identifier) }
  })

  it.effect("carries out all updates at its end, or none", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* asAdmin()
      const { control, identifier } = yield* begin(raw)
      yield* raw.request(device("one"), [control])
      yield* raw.request(describeDn(`cn=one,${base}`, "x"), [control])
      assert.strictEqual(directory.lookup(`cn=one,${base}`), undefined)
      assert.strictEqual((yield* raw.request(extended(LdapExtended.endTransaction, { identifier }))).result.code, 0)
      assert.strictEqual(directory.lookup(`cn=one,${base}`)?.get("description"), "x")
      assert.strictEqual((yield* raw.request(extended(LdapExtended.endTransaction, { identifier }))).result.code, 53)
    }))

  it.effect("a failure rolls everything back, and the response names the failed update", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* asAdmin()
      const text = () =>
        JSON.stringify(["one", "two"].map((cn) => directory.lookup(`cn=${cn},${base}`))) +
        JSON.stringify(["ada", "grace"].map((uid) => directory.lookup(`uid=${uid},${people}`)))
      const before = text()
      const { control, identifier } = yield* begin(raw)
      yield* raw.request(device("one"), [control])
      yield* raw.request(describeDn(ada, "x"), [control])
      yield* raw.request({ _tag: "ModifyDnRequest", dn: ada, newRdn: "uid=grace", deleteOldRdn: true }, [control])
      yield* raw.request({ _tag: "DeleteRequest", dn: `uid=eve,${people}` }, [control])
      const wrong = yield* raw.send({ _tag: "DeleteRequest", dn: `cn=unlisted,${base}` }, [control])
      yield* raw.answer(wrong)
      const { operation, result } = yield* raw.request(extended(LdapExtended.endTransaction, { identifier }))
      const value = operation._tag === "ExtendedResponse" ? operation.value : undefined
      assert.strictEqual(result.code, 32)
      assert.strictEqual(Result.getOrThrow(LdapExtended.endTransaction.decode(value)).failedMessageId, wrong)
      assert.strictEqual(text(), before)
      assert.deepStrictEqual((yield* raw.search(people, "(uid=ada)")).entries.map(({ dn }) => dn), [ada])
      assert.strictEqual((yield* raw.search(people, "(uid=eve)")).entries.length, 1)
    }))

  it.effect("without commit nothing is done, and an identifier that is unknown is refused", () =>
    Effect.gen(function*() {
      const { directory, raw } = yield* asAdmin()
      const { control, identifier } = yield* begin(raw)
      yield* raw.request(device("one"), [control])
      const end = extended(LdapExtended.endTransaction, { identifier, commit: false })
      assert.strictEqual((yield* raw.request(end)).result.code, 0)
      assert.strictEqual(directory.lookup(`cn=one,${base}`), undefined)
      assert.strictEqual((yield* raw.request(device("one"), [control])).result.code, 53)
    }))
})
