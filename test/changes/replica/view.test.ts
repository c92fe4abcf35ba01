/** What happens to a copy when what it is a copy of has changed. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as LdapAuth from "../../../src/auth/LdapAuth.ts"
import { ChangesSource } from "../../../src/changes/LdapChange.ts"
import * as LdapReplica from "../../../src/changes/replica/LdapReplica.ts"
import { replicaFrom } from "../../../src/changes/replica/replicaFrom.ts"
import * as LdapClient from "../../../src/client/LdapClient.ts"
import * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import { optionsFor } from "../model.ts"
import { sqlite } from "./databases.ts"
import { base, checkpoint, people, refresh, Script, uuid } from "./script.ts"

const auth = LdapAuth.simple(`cn=admin,${base}`, Redacted.make("secret"))

describe("the copy of another view", () => {
  // The version of an entry says nothing of the attributes that were asked for.
  it.live.each(ChangesSource.literals)(
    "has the attributes that are wanted now: %s",
    (source) =>
      Effect.gen(function*() {
        const directory = yield* InMemoryDirectory.make({
          ...optionsFor(source),
          admin: { password: "secret" },
          entries: [
            { dn: base, attributes: { objectClass: "domain", dc: "example" } },
            { dn: `cn=a,${base}`, attributes: { objectClass: "person", cn: "a", sn: "b", description: "c" } }
          ]
        })
        const client = yield* LdapClient.fromTransport(directory.transport, { auth, pool: { min: 0 } })
        for (const attributes of [["cn"], ["cn", "description"], ["sn"]]) {
          const copy = yield* LdapReplica.make({ name: "a", base, filter: "(cn=*)", source, attributes }).pipe(
            Effect.provideService(LdapClient.LdapClient, client)
          )
          yield* copy.poll
          const [stored] = yield* Stream.runCollect(copy.entries)
          assert.deepStrictEqual(Object.keys(stored!.entry.toRecord()).sort(), attributes)
        }
      }).pipe(Effect.scoped, Effect.provide(sqlite))
  )

  it.effect("is read whole also if the first attempt ends early, and then tells its rows again", () =>
    Effect.gen(function*() {
      const script = new Script()
      const told: Array<number> = []
      const source = {
        ...script.source,
        poll: (since: string | undefined, known: Parameters<typeof knownCount>[0]) =>
          Stream.onStart(script.source.poll(since), Effect.map(knownCount(known), (count) => void told.push(count)))
      }
      script.changes = refresh(people(2), 1)
      yield* (yield* replicaFrom({ name: "a", base }, source)).poll
      const other = yield* replicaFrom({ name: "a", base, attributes: ["cn"] }, source)
      script.changes = refresh(people(2), 2).slice(0, 2)
      yield* other.poll
      script.changes = refresh(people(2), 3)
      yield* other.poll
      script.changes = [checkpoint(4)]
      yield* other.poll
      assert.deepStrictEqual(told, [0, 0, 0, 2])
      assert.deepStrictEqual(script.asked, [undefined, undefined, undefined, checkpoint(3).cookie])
    }).pipe(Effect.provide(sqlite)))

  it.live("tells its rows in the same run, once the view was read", () =>
    Effect.gen(function*() {
      const script = new Script()
      let told = 0
      const source = {
        ...script.source,
        poll: (since: string | undefined, known: Parameters<typeof knownCount>[0]) =>
          Stream.concat(
            script.source.poll(since),
            // As a scan asks in its next round. The rows are written a moment after they are given.
            Stream.fromEffectDrain(
              Effect.repeat(Effect.delay(Effect.map(knownCount(known), (count) => void (told = count)), 10), {
                until: () => told > 0,
                times: 200
              })
            )
          )
      }
      script.changes = refresh(people(2), 1)
      yield* (yield* replicaFrom({ name: "a", base }, source)).poll
      assert.strictEqual(told, 2)
    }).pipe(Effect.provide(sqlite)))
})

const knownCount = (known: (uuids: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, unknown>, unknown>) =>
  Effect.map(Effect.orDie(Effect.suspend(() => known([uuid(0), uuid(1)]))), ({ size }) => size)
