/**
 * The behaviours in ldapts' documentation, with ldapts and with the drop-in. The results must be the same.
 */
import { assert, describe, it } from "@effect/vitest"
import { inject } from "vitest"
import { base, manyEntries, passwordOf } from "../../servers/directory.ts"
import { bigGroupMembers, sambaBase, sambaPasswordOf } from "../../servers/samba.ts"
import { waitFor } from "../../servers/setup/waitFor.ts"
import type { Behaviour, Place } from "./behaviour.ts"
import { behaviours } from "./behaviours.ts"
import { clients, type Connection, outcomeOf, sambaConnections, slapdConnections } from "./clients.ts"
import { slapdBehaviours } from "./slapdBehaviours.ts"

const compare = (connections: ReadonlyArray<Connection>, at: Place, list: ReadonlyArray<Behaviour>): void => {
  describe.each(connections.map((connection) => [connection.name, connection] as const))("%s", (_, connection) => {
    it.each(list.map((behaviour) => [behaviour.name, behaviour] as const))("%s", async (_, { check, run }) => {
      const outcomes: Array<unknown> = []
      for (const [, make] of clients) {
        const client = await connection.open(make)
        outcomes.push(await outcomeOf(() => run(client, at)))
        await client.unbind()
      }
      const [theirs, ours] = outcomes
      assert.deepStrictEqual(ours, theirs)
      check((theirs as { readonly value?: unknown }).value, at)
    })
  })
}

const slapd = inject("slapd")
const samba = inject("samba")

describe.skipIf(slapd === undefined)("slapd", () => {
  const people = `ou=people,${base}`
  const at: Place = {
    base,
    people,
    scratch: `ou=scratch,${base}`,
    alice: `uid=alice,${people}`,
    hanako: `uid=hanako,${people}`,
    entryClass: "device",
    many: [`ou=many,${base}`, manyEntries],
    password: passwordOf
  }
  compare(slapd === undefined ? [] : slapdConnections(slapd), at, [...behaviours, ...slapdBehaviours])
})

describe.skipIf(samba === undefined)("Samba", () => {
  waitFor(samba)
  const people = `OU=people,${sambaBase}`
  const at: Place = {
    base: sambaBase,
    people,
    scratch: `OU=scratch,${sambaBase}`,
    alice: `CN=alice,${people}`,
    hanako: `CN=hanako,${people}`,
    entryClass: "contact",
    many: [`OU=many,${sambaBase}`, bigGroupMembers],
    password: sambaPasswordOf
  }
  compare(samba === undefined ? [] : sambaConnections(samba), at, behaviours)
})
