/** Expensive requests of clients: their cost stays proportionate. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as LdapControl from "../../src/model/control/LdapControl.ts"
import * as Modification from "../../src/model/LdapModification.ts"
import { encode } from "../../src/protocol/encode.ts"
import type { RequestOperation } from "../../src/protocol/LdapMessage.ts"
import { admin, base, make } from "./fixture.ts"
import { connect, type RawClient, searchRequest } from "./RawClient.ts"

const group = `cn=admins,ou=groups,${base}`
const name = (i: number) => `uid=m${i},ou=people,${base}`

const open = Effect.fnUntraced(function*(options?: Parameters<typeof make>[0]) {
  const raw = yield* connect(yield* make(options))
  yield* raw.bind(admin.dn, admin.password)
  return raw
})

const change = (raw: RawClient, ...changes: ReadonlyArray<Modification.LdapModification>) =>
  Effect.map(raw.request({ _tag: "ModifyRequest", dn: group, changes }), ({ result }) => result)

describe("long attributes", () => {
  // With quadratic cost, these numbers would take minutes.
  it.effect("40,000 changes in one request, and back", () =>
    Effect.gen(function*() {
      const raw = yield* open()
      const all = Array.from({ length: 40_000 }, (_, i) => name(i))
      assert.strictEqual((yield* change(raw, ...all.map((value) => Modification.add("member", value)))).code, 0)
      assert.strictEqual(
        (yield* raw.search(base, `(member=${name(39_999)})`, { attributes: ["1.1"] })).entries.length,
        1
      )
      assert.strictEqual((yield* change(raw, ...all.map((value) => Modification.remove("member", value)))).code, 0)
      assert.strictEqual(
        (yield* raw.search(base, `(member=${name(39_999)})`, { attributes: ["1.1"] })).entries.length,
        0
      )
      assert.strictEqual((yield* raw.search(base, "(member=uid=ada,ou=people,dc=example,dc=org)")).entries.length, 1)
    }))

  it.effect("a value that is there twice, as the last of many", () =>
    Effect.gen(function*() {
      const raw = yield* open()
      const all = Array.from({ length: 40_000 }, (_, i) => `value ${i}`)
      const { code, diagnosticMessage } = yield* change(raw, Modification.add("description", [...all, "VALUE 39999"]))
      assert.deepStrictEqual([code, diagnosticMessage], [20, "description: value #39999 provided more than once"])
    }))

  it.effect("changes of one kind that follow one another mean what they mean one by one", () =>
    Effect.gen(function*() {
      const raw = yield* open()
      const { add, remove } = Modification
      assert.strictEqual((yield* change(raw, add("description", "a"), add("description", "A"))).code, 20)
      assert.strictEqual((yield* change(raw, add("description", "a"), add("description", "b"))).code, 0)
      assert.strictEqual((yield* change(raw, remove("description", "a"), remove("description", "A"))).code, 16)
      assert.strictEqual(
        (yield* change(raw, remove("description", "a"), add("description", "a"), remove("description", "b"))).code,
        0
      )
      const permissive = yield* raw.request({
        _tag: "ModifyRequest",
        dn: group,
        changes: [
          add("description", "c"),
          add("description", "C"),
          remove("description", "x"),
          remove("description", "c")
        ]
      }, [LdapControl.permissiveModify.make(undefined, { critical: true })])
      assert.strictEqual(permissive.result.code, 0)
      const [entry] = (yield* raw.search(group, undefined, { attributes: ["description"] })).entries
      assert.deepStrictEqual(entry?.getAll("description"), ["a"])
    }))
})

describe("aliases", () => {
  it.effect("many that lead to one large tree find it once", () =>
    Effect.gen(function*() {
      const raw = yield* open({
        entries: [
          { dn: `ou=large,${base}`, attributes: { objectClass: "organizationalUnit" } },
          ...Array.from({ length: 3000 }, (_, i) => ({
            dn: `cn=e${i},ou=large,${base}`,
            attributes: { objectClass: "device" }
          })),
          { dn: `ou=aliases,${base}`, attributes: { objectClass: "organizationalUnit" } },
          ...Array.from({ length: 3000 }, (_, i) => ({
            dn: `cn=a${i},ou=aliases,${base}`,
            attributes: { objectClass: ["alias", "extensibleObject"], aliasedObjectName: `ou=large,${base}` }
          }))
        ]
      })
      const { entries, result } = yield* raw.search(`ou=aliases,${base}`, "(objectClass=device)", {
        derefAliases: "always",
        attributes: ["1.1"]
      })
      assert.deepStrictEqual([result.code, entries.length], [0, 3000])
    }))
})

describe("paged searches that aren't continued", () => {
  it.effect("the oldest are forgotten", () =>
    Effect.gen(function*() {
      const raw = yield* open()
      const page = Effect.fnUntraced(function*(cookie: Uint8Array) {
        const { controls, result } = yield* raw.search(base, undefined, { attributes: ["1.1"] }, [
          LdapControl.pagedResults({ size: 1, cookie })
        ])
        const control = LdapControl.find(controls, LdapControl.pagedResultsOid)
        const found = control === undefined ? undefined : LdapControl.decodePagedResults(control)
        return { code: result.code, cookie: found?.cookie ?? new Uint8Array(0) }
      })
      const begun = yield* Effect.forEach(Array.from({ length: 101 }), () => page(new Uint8Array(0)))
      assert.strictEqual((yield* page(begun[0]?.cookie ?? new Uint8Array(0))).code, 53)
      assert.strictEqual((yield* page(begun[1]?.cookie ?? new Uint8Array(0))).code, 0)
    }))
})

describe("requests that wait", () => {
  const persistent = LdapControl.persistentSearch.make({})

  it.effect("are limited for each connection: one more closes it, and others go on", () =>
    Effect.gen(function*() {
      const directory = yield* make({ maxPending: 3 })
      const other = yield* connect(directory)
      const raw = yield* connect(directory)
      const first = yield* raw.send(searchRequest(base), [persistent])
      yield* raw.send(searchRequest(base), [persistent])
      // An answered request doesn't wait any more.
      for (let i = 0; i < 10; i++) assert.strictEqual(yield* raw.whoAmI, "")
      yield* raw.send(searchRequest(base), [persistent])
      // An abandoned request doesn't wait either, and any number can be abandoned.
      yield* raw.send({ _tag: "AbandonRequest", abandoned: first })
      assert.strictEqual(yield* raw.whoAmI, "")
      yield* raw.send(searchRequest(base), [persistent])
      yield* raw.send({ _tag: "AbandonRequest", abandoned: 9999 })
      yield* raw.send(searchRequest(base), [persistent])
      assert.deepStrictEqual(yield* raw.rest, [])
      assert.strictEqual(yield* other.whoAmI, "")
    }))

  it.effect("each counts, if all have the same message id", () =>
    Effect.gen(function*() {
      const directory = yield* make({ maxPending: 3 })
      const raw = yield* connect(directory)
      const octets = encode({ messageId: 7, operation: searchRequest(base), controls: [persistent] })
      yield* raw.write(Buffer.concat([octets, octets, octets, octets]))
      assert.deepStrictEqual(yield* raw.rest, [])
    }))

  it.effect("by default there may be 1000", () =>
    Effect.gen(function*() {
      const raw = yield* connect(yield* make())
      for (let i = 0; i < 999; i++) yield* raw.send(searchRequest(base), [persistent])
      assert.strictEqual(yield* raw.whoAmI, "")
      for (let i = 0; i < 2; i++) yield* raw.send(searchRequest(base), [persistent])
      assert.deepStrictEqual(yield* raw.rest, [])
    }))
})

describe("changes that a client doesn't read", () => {
  const describeAda = (text: string): RequestOperation => ({
    _tag: "ModifyRequest",
    dn: `uid=ada,ou=people,${base}`,
    changes: [Modification.replace("description", text)]
  })

  it.effect.each<readonly [kind: string, control: LdapControl.LdapControl, code: number]>([
    ["persistent search", LdapControl.persistentSearch.make({}), 11],
    ["notification", LdapControl.notification.make(undefined), 11],
    ["content synchronization", LdapControl.syncRequest.make({ mode: "refreshAndPersist" }), 4096]
  ])("%s ends when there are too many", ([, control, code]) =>
    Effect.gen(function*() {
      const directory = yield* make({ maxNews: 5, highWaterMark: 1 })
      const raw = yield* connect(directory)
      yield* raw.bind(admin.dn, admin.password)
      const watcher = yield* connect(directory)
      yield* watcher.send(searchRequest(base, "(objectClass=*)", { attributes: ["description"] }), [control])
      yield* directory.log.first((entry) =>
        entry._tag === "Pdu" && entry.connection === 2 && entry.kind === "SearchRequest"
      )
      for (let i = 0; i < 100; i++) {
        assert.strictEqual((yield* raw.request(describeAda(`change ${i}`))).result.code, 0)
      }
      const seen: Array<string | undefined> = []
      for (let result: number | undefined; result === undefined;) {
        const { operation } = (yield* watcher.next) ?? (yield* Effect.die("the connection was closed"))
        if (operation._tag === "SearchResultEntry") seen.push(operation.entry.get("description"))
        if (operation._tag === "SearchResultDone") {
          result = operation.result.code
          assert.strictEqual(result, code)
        }
      }
      // The changes that came in time, in order and without a gap: those in transit, and those in the queue.
      const changes = seen.filter((text) => text !== undefined)
      assert.deepStrictEqual(changes, changes.map((_, i) => `change ${i}`))
      assert.isAtMost(changes.length, 6)
      assert.isAtLeast(changes.length, control.oid === LdapControl.syncRequest.oid ? 0 : 5)
      // The search has ended, but not the connection.
      yield* raw.request(describeAda("later"))
      assert.strictEqual(yield* watcher.whoAmI, "")
    }))
})
