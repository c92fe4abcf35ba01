/** The directory in memory: a large one beside a small one, and loading beside parsing. */
import * as LdapModification from "../../../src/model/LdapModification.ts"
import * as Ldif from "../../../src/model/ldif/Ldif.ts"
import type { DirectoryState } from "../../../src/testing/directory/DirectoryState.ts"
import { change, group, ldif, load, people, personDn, put, search, withGroup } from "../largeDirectory.ts"
import type { Pair, Pairs } from "./Pair.ts"

const [few, many] = [1_000, 100_000]
const [fewMembers, manyMembers] = [500, 50_000]

/** The same work in a large and in a small one. Each call gets a number that was not used before. */
const growth = (
  large: DirectoryState,
  small: DirectoryState,
  work: (state: DirectoryState, i: number) => void
): Pair => {
  const calls = (state: DirectoryState) => {
    let next = 0
    return () => {
      for (let i = 0; i < 100; i++) work(state, next++)
    }
  }
  return { own: calls(large), other: calls(small) }
}

export const make = (): Promise<Pairs> => {
  const text = ldif(20_000)
  const [small, large] = [load(ldif(few)), load(ldif(many))]
  const [smallGroup, largeGroup] = [withGroup(fewMembers), withGroup(manyMembers)]
  const sizes = new Map([[small, few], [large, many]])
  const find = (state: DirectoryState, i: number) => {
    if (search(state, `(uid=u${(i * 7_919) % sizes.get(state)!})`) !== 1) throw new Error("an entry wasn't found")
  }
  for (const state of [small, large]) find(state, 0)
  return Promise.resolve({
    pairs: {
      load: {
        own: () => load(text),
        other: () => {
          for (const record of Ldif.records(text)) if (record._tag === "Failure") throw record.failure
        }
      },
      search: growth(large, small, find),
      add: growth(large, small, (state, i) =>
        put(state, `uid=n${i},${people}`, {
          objectClass: "inetOrgPerson",
          uid: `n${i}`,
          cn: `New ${i}`,
          sn: "New"
        })),
      modify: growth(
        large,
        small,
        (state, i) => change(state, personDn(i % few), [LdapModification.replace("sn", `Changed ${i}`)])
      ),
      member: growth(largeGroup, smallGroup, (state, i) => {
        const member = `uid=more${i},${people}`
        change(state, group, [LdapModification.add("member", member)])
        change(state, group, [LdapModification.remove("member", member)])
      }),
      "member, undone": growth(largeGroup, smallGroup, (state, i) =>
        state.changes.attempt(() => {
          change(state, group, [LdapModification.add("member", `uid=undone${i},${people}`)])
          return false
        }))
    }
  })
}
