/** Limits of the cost of one operation with referrals: requests, servers, time, and the length of a message. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LdapClient from "../../../src/client/LdapClient.ts"
import * as LdapReferrals from "../../../src/client/referrals/LdapReferrals.ts"
import { readTarget } from "../../../src/client/referrals/referralTargets.ts"
import type { LdapError, ReferralFailed } from "../../../src/model/LdapError.ts"
import type { ResponseOperation } from "../../../src/protocol/LdapMessage.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"

const ok = { code: 0, matchedDn: "", diagnosticMessage: "", referrals: [] }

interface Asked {
  readonly host: string
  readonly base: string
}

/** Servers of any name. Each answers a search or a compare with the result of `answer`. */
const world = Effect.fnUntraced(function*(
  answer: (asked: Asked) => { readonly references?: ReadonlyArray<string>; readonly referrals?: ReadonlyArray<string> },
  options: Partial<LdapReferrals.FollowOptions> = {},
  delay: Effect.Effect<void> = Effect.void
) {
  const asked: Array<Asked> = []
  const transportOf = Effect.fnUntraced(function*(host: string) {
    const directory = yield* InMemoryDirectory.make({
      suffixes: ["o=x"],
      interceptor: ({ messageId, operation }) =>
        Effect.gen(function*() {
          if (operation._tag === "SearchRequest" && operation.base === "") return "continue" as const
          if (operation._tag !== "SearchRequest" && operation._tag !== "CompareRequest") return "continue" as const
          const request = { host, base: operation._tag === "SearchRequest" ? operation.base : operation.dn }
          if (host !== "first") asked.push(request)
          if (host !== "first") yield* delay
          const { referrals = [], references = [] } = answer(request)
          const result = referrals.length > 0 ? { ...ok, code: 10, referrals } : ok
          const operations: ReadonlyArray<ResponseOperation> = operation._tag === "CompareRequest"
            ? [{ _tag: "CompareResponse", result }]
            : [
              ...references.map((uri): ResponseOperation => ({ _tag: "SearchResultReference", uris: [uri] })),
              { _tag: "SearchResultDone", result }
            ]
          return operations.map((operation) => ({ messageId, operation, controls: [] }))
        })
    })
    return { ...directory.transport, server: `ldap://${host}` }
  })
  const scope = yield* Effect.scope
  const client = yield* LdapClient.fromTransport(yield* transportOf("first"), {
    pool: { healthCheck: false },
    referrals: LdapReferrals.follow({
      transport: (url) => Scope.provide(transportOf(url.host!), scope),
      ...options
    })
  })
  return { asked, client }
})

const failure = <A>(effect: Effect.Effect<A, LdapError>): Effect.Effect<ReferralFailed, A> =>
  Effect.map(Effect.flip(effect), ({ reason }) => {
    assert.strictEqual(reason._tag, "ReferralFailed")
    return reason as ReferralFailed
  })

/** References to references: `width` in each answer, as many levels as hops allow. */
const spreading = (width: number, host: (i: number) => string) => ({ base }: Asked) => ({
  references: base.split("ou=").length > 5
    ? []
    : Array.from({ length: width }, (_, i) => `ldap://${host(i)}/ou=${i},${base}`)
})

describe("a search that is referred to more and more places", () => {
  it.effect("ends after maxRequests", () =>
    Effect.gen(function*() {
      const { asked, client } = yield* world(spreading(30, () => "other"), { maxRequests: 50 })
      const reason = yield* failure(client.searchResult({ base: "o=x" }))
      assert.include(reason.message, "more than 50 requests")
      assert.strictEqual(asked.length, 50)
      const streamed = yield* failure(Stream.runDrain(client.search({ base: "o=x" })))
      assert.include(streamed.message, "more than 50 requests")
      assert.strictEqual(asked.length, 100)
    }))

  it.effect("ends after 100 requests by default", () =>
    Effect.gen(function*() {
      const { asked, client } = yield* world(spreading(30, () => "other"))
      yield* failure(client.searchResult({ base: "o=x" }))
      assert.strictEqual(asked.length, 100)
    }))

  it.effect("ends after maxServers, and asks no more of them", () =>
    Effect.gen(function*() {
      const { asked, client } = yield* world(
        ({ base, host }) => host === "first" ? spreading(30, (i) => `s${i}`)({ base, host }) : {},
        { maxServers: 7 }
      )
      const reason = yield* failure(client.searchResult({ base: "o=x" }))
      assert.include(reason.message, "more than 7 servers")
      assert.strictEqual(new Set(asked.map(({ host }) => host)).size, 7)
    }))

  it.effect("ends after timeLimit, without cutting short what was sent; the time of the consumer doesn't count", () =>
    Effect.gen(function*() {
      const slow = Effect.sleep("3 seconds")
      const here = spreading(20, () => "other")
      const { asked, client } = yield* world(
        (request) => request.host === "first" ? here(request) : {},
        { timeLimit: "10 seconds" },
        slow
      )
      const fiber = yield* Effect.forkChild(failure(client.searchResult({ base: "o=x" })))
      for (let i = 0; i < 30; i++) yield* TestClock.adjust("1 second")
      assert.include((yield* Fiber.join(fiber)).message, "longer than 10s")
      assert.strictEqual(asked.length, 4)
    }))
})

describe("a compare that is referred again and again", () => {
  it.effect("ends after maxRequests, whatever the number of URLs", () =>
    Effect.gen(function*() {
      const { asked, client } = yield* world(
        ({ base }) => ({ referrals: Array.from({ length: 3 }, (_, i) => `ldap://other/ou=${i},${base}`) }),
        { maxHops: 1000, maxRequests: 40 }
      )
      const reason = yield* failure(client.compare("o=x", "cn", "a"))
      assert.include(reason.message, "more than 40 requests")
      assert.strictEqual(asked.length, 40)
      assert.isBelow(reason.message.length, 2000)
    }))

  it.effect("lists at most five reasons, each cut short", () =>
    Effect.gen(function*() {
      const { client } = yield* world(() => ({
        referrals: Array.from({ length: 2000 }, (_, i) => `ldap://host${i}/ou=${"x".repeat(2000)}`)
      }), { allow: () => false })
      const reason = yield* failure(client.compare("o=x", "cn", "a"))
      assert.include(reason.message, "and 1995 more")
      assert.isBelow(reason.message.length, 2000)
      assert.strictEqual(reason.urls.length, 2000)
    }))
})

describe("an invalid host", () => {
  it.effect.each(["a%00b", "a%20b", "a%0ab", "%2F", "a%2Fb", "a%3Ab.c", "a".repeat(300), "%01"])(
    "%s is ReferralFailed, and not tried",
    (host) =>
      Effect.gen(function*() {
        const { asked, client } = yield* world(() => ({ referrals: [`ldap://${host}/o=x`] }))
        yield* failure(client.compare("o=x", "cn", "a"))
        assert.isEmpty(asked)
      })
  )

  it.each([
    "ldap.example.org",
    "10.0.0.1",
    "[::1]",
    "[fe80::1%25eth0]",
    "b%C3%BCro.example",
    "xn--bro-hoa.example",
    "a_b",
    "A-1"
  ])(
    "%s may be one",
    (host) => {
      assert.isTrue(Result.isSuccess(readTarget(`ldap://${host}/o=x`)))
    }
  )
})

describe("a circle under other spellings", () => {
  it.effect.each(
    [
      [
        "of the host",
        ["ldap://other", "ldap://OTHER", "ldap://Other.", "ldap://other:389", "ldap://other.:389/"],
        "o=x"
      ],
      ["of the name", ["ldap://other"], "o=x|O=X|o = x|o=\\78|O=\\58"]
    ] as const
  )("is one: %s", ([, urls, names]) =>
    Effect.gen(function*() {
      let turn = 0
      const bases = names.split("|")
      const { asked, client } = yield* world(() => {
        const url = urls[turn % urls.length]!
        const base = bases[turn++ % bases.length]!
        return { references: [`${url.replace(/\/$/, "")}/${encodeURIComponent(base)}`] }
      })
      const { message } = yield* failure(client.searchResult({ base: "o=x" }))
      assert.include(message, "circle")
      assert.strictEqual(asked.length, 1)
    }))

  it.effect("a circle of names that differ in more ends after maxHops", () =>
    Effect.gen(function*() {
      let turn = 0
      const { asked, client } = yield* world(() => ({ references: [`ldap://alias${turn++}/o=x`] }))
      const { message } = yield* failure(client.searchResult({ base: "o=x" }))
      assert.include(message, "one more than 5 referrals")
      assert.strictEqual(asked.length, 5)
    }))
})
