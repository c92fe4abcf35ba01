/**
 * `client.effect`: programs that use the drop-in and sessions together.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { inject } from "vitest"
import { Client } from "../../src/ldapts.ts"
import * as LdapExtended from "../../src/protocol/LdapExtended.ts"
import { base } from "../servers/directory.ts"

const slapd = inject("slapd")

describe.skipIf(slapd === undefined)("client.effect", () => {
  const bound = Effect.acquireRelease(
    Effect.promise(async () => {
      const client = new Client({ url: slapd!.urls.ldap, autoRebind: true })
      await client.bind(slapd!.admin.dn, slapd!.admin.password)
      return client
    }),
    (client) => Effect.promise(() => client.unbind())
  )
  const whoAmI = (client: Client) =>
    Effect.map(
      Effect.flatMap(client.effect, (session) => session.extended(LdapExtended.whoAmI)),
      ({ answer }) => answer
    )

  it.live("is the session below, bound as the client is", () =>
    Effect.scoped(
      Effect.gen(function*() {
        const client = yield* bound
        assert.strictEqual(yield* whoAmI(client), `dn:${slapd!.admin.dn}`)
        const session = yield* client.effect
        assert.strictEqual(yield* client.effect, session)
        const count = yield* Stream.runCount(session.search({ base: `ou=many,${base}`, scope: "one", pageSize: 500 }))
        assert.strictEqual(count, 1200)
        // Both at once, on one connection.
        const stream = yield* Effect.forkChild(
          Stream.runCount(session.search({ base: `ou=many,${base}`, pageSize: 100 }))
        )
        const { searchEntries } = yield* Effect.promise(() => client.search(base, { scope: "base" }))
        assert.strictEqual(searchEntries[0]!.dn, base)
        assert.strictEqual(yield* Fiber.join(stream), 1201)
      })
    ))

  it.live("connects where there is no connection, and again after it was lost", () =>
    Effect.scoped(
      Effect.gen(function*() {
        const client = new Client({ url: slapd!.urls.ldap })
        const first = yield* client.effect
        assert.isTrue(client.isConnected)
        assert.isTrue(Option.isSome(yield* first.lookup(base)))
        yield* Effect.promise(() => client.unbind())
        assert.strictEqual((yield* first.closed)._tag, "Released")
        const second = yield* client.effect
        assert.notStrictEqual(second, first)
        assert.isTrue(Option.isSome(yield* second.lookup(base)))
        yield* Effect.promise(() => client.unbind())
      })
    ))

  it.live("fails where the client's operations would", () =>
    Effect.scoped(
      Effect.gen(function*() {
        const client = yield* bound
        yield* Effect.promise(() => client.unbind())
        const error = yield* Effect.flip(client.effect)
        assert.include(error.message, "call bind again")
      })
    ))
})
