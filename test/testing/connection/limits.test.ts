/** The limits of real servers: the directory has them as an option, with the answers of slapd and Samba. */
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { inject } from "vitest"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import type * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { waitFor } from "../../servers/setup/waitFor.ts"
import { admin, base, make } from "../fixture.ts"
import { connect, fromSocket, type RawClient, searchRequest } from "../RawClient.ts"
import { slapd, toSlapd } from "../slapd/parity.ts"

const entries = Array.from({ length: 30 }, (_, i) => ({
  dn: `cn=e${i},${base}`,
  attributes: { objectClass: "device", cn: `e${i}` }
}))

const limited = (limits: InMemoryDirectory.Options["limits"]) => Effect.flatMap(make({ entries, limits }), connect)

const page = (raw: RawClient, from: string, filter: string, cookie: Uint8Array = new Uint8Array(0), size = 2) =>
  Effect.map(
    raw.search(from, filter, { attributes: ["1.1"] }, [LdapControl.pagedResults({ size, cookie }, { critical: true })]),
    ({ controls, entries, result }) => {
      const control = LdapControl.find(controls, LdapControl.pagedResultsOid)
      return {
        code: result.code,
        text: result.diagnosticMessage,
        found: entries.length,
        cookie: control === undefined ? new Uint8Array(0) : LdapControl.decodePagedResults(control)?.cookie
      }
    }
  )

/** Starts this many paged searches and requests the next page of each. Returns the answers. */
const atOnce = Effect.fnUntraced(function*(raw: RawClient, from: string, filters: ReadonlyArray<string>) {
  const begun = yield* Effect.forEach(filters, (filter) => page(raw, from, filter))
  return yield* Effect.forEach(
    filters,
    (filter, i) =>
      Effect.map(page(raw, from, filter, begun[i]?.cookie), ({ code, found, text }) => ({ code, text, found }))
  )
})

const going = { code: 0, text: "", found: 2 }

const oldCookie = { code: 53, text: "paged results cookie is invalid or old", found: 0 }

const unwilling = {
  code: 53,
  text: "error in module dsdb_paged_results: Unwilling to perform during LDB_SEARCH (53)",
  found: 0
}

const many = (count: number, filter: string) => Array.from({ length: count }, () => filter)

describe("paged searches of one connection", () => {
  it.effect("the limits of slapd: one is kept, the ones before it are forgotten", () =>
    Effect.gen(function*() {
      const raw = yield* limited("slapd")
      assert.deepStrictEqual(yield* atOnce(raw, base, many(3, "(objectClass=device)")), [oldCookie, oldCookie, going])
    }))

  it.effect("the limits of Samba: ten are kept", () =>
    Effect.gen(function*() {
      const raw = yield* limited("samba")
      const answers = yield* atOnce(raw, base, many(12, "(objectClass=device)"))
      assert.deepStrictEqual(answers, [unwilling, unwilling, ...Array.from({ length: 10 }, () => going)])
    }))

  it.effect("a limit of one's own, and none by default", () =>
    Effect.gen(function*() {
      const three = yield* limited({ pagedSearches: 3 })
      const answers = yield* atOnce(three, base, many(4, "(objectClass=device)"))
      assert.deepStrictEqual(answers.map(({ code }) => code), [53, 0, 0, 0])
      const raw = yield* limited(undefined)
      const all = yield* atOnce(raw, base, many(20, "(objectClass=device)"))
      assert.deepStrictEqual(all, Array.from({ length: 20 }, () => going))
    }))

  it.effect("another connection has a limit of its own", () =>
    Effect.gen(function*() {
      const directory = yield* make({ entries, limits: "slapd" })
      const [one, other] = [yield* connect(directory), yield* connect(directory)]
      const [first, second] = [
        yield* page(one, base, "(objectClass=device)"),
        yield* page(other, base, "(objectClass=device)")
      ]
      assert.strictEqual((yield* page(one, base, "(objectClass=device)", first.cookie)).code, 0)
      assert.strictEqual((yield* page(other, base, "(objectClass=device)", second.cookie)).code, 0)
    }))
})

describe.skipIf(slapd === undefined)("paged searches of one connection, as slapd has them", () => {
  it.live("what is forgotten is refused in the same way", () =>
    Effect.gen(function*() {
      const raw = yield* toSlapd
      // slapd's cookies are the numbers of entries: the first ones are old when the others have begun.
      const filters = ["(uidNumber>=1190)", "(uidNumber<=9)"]
      const answers = yield* atOnce(raw, "ou=many,dc=example,dc=com", filters)
      assert.deepStrictEqual(answers, [oldCookie, going])
    }))
})

const samba = inject("samba")

describe.skipIf(samba === undefined)("paged searches of one connection, as Samba has them", () => {
  waitFor(samba)

  it.live("what is forgotten is refused in the same way", () =>
    Effect.gen(function*() {
      if (samba === undefined) return yield* Effect.die("no Samba")
      const socket = yield* NodeSocket.makeTls({ host: samba.host, port: 636, rejectUnauthorized: false })
      const raw = yield* fromSocket(socket)
      yield* raw.bind(samba.admin.dn, samba.admin.password)
      const answers = yield* atOnce(raw, samba.base, many(12, "(objectClass=user)"))
      assert.deepStrictEqual(answers, [unwilling, unwilling, ...Array.from({ length: 10 }, () => going)])
    }))
})

describe("entries in a page", () => {
  it.effect("larger pages are cut, and a search without pages ends after one", () =>
    Effect.gen(function*() {
      const raw = yield* limited({ pageSize: 8 })
      // The administrator too.
      yield* raw.bind(admin.dn, admin.password)
      const sizes: Array<number> = []
      let cookie: Uint8Array | undefined
      do {
        const next: { readonly found: number; readonly cookie?: Uint8Array | undefined } = yield* page(
          raw,
          base,
          "(objectClass=device)",
          cookie,
          20
        )
        sizes.push(next.found)
        cookie = next.cookie
      } while (cookie !== undefined && cookie.length > 0)
      assert.deepStrictEqual(sizes, [8, 8, 8, 6])
      const { entries: found, result } = yield* raw.search(base, "(objectClass=device)")
      assert.deepStrictEqual([found.length, result.code], [8, 4])
      const few = yield* raw.search(base, "(cn=e1)")
      assert.deepStrictEqual([few.entries.length, few.result.code], [1, 0])
    }))
})

describe("pending requests of one connection", () => {
  it.effect("are fewer where the connection is anonymous", () =>
    Effect.gen(function*() {
      const persistent = LdapControl.persistentSearch.make({})
      const directory = yield* make({ limits: { pending: { anonymous: 2, bound: 4 } } })
      const wait = (raw: RawClient, count: number) =>
        Effect.forEach(Array.from({ length: count }), () => raw.send(searchRequest(base), [persistent]))
      const anonymous = yield* connect(directory)
      yield* wait(anonymous, 3)
      assert.deepStrictEqual(yield* anonymous.rest, [])
      const bound = yield* connect(directory)
      yield* bound.bind(admin.dn, admin.password)
      yield* wait(bound, 3)
      assert.strictEqual(yield* bound.whoAmI, `dn:${admin.dn}`)
      yield* wait(bound, 2)
      assert.deepStrictEqual(yield* bound.rest, [])
    }))
})
