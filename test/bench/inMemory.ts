/**
 * The cost of the directory in memory, and how it grows with its entries and with the members of a group. Figures are the CPU of
 * this process, and ratios of it: if a cost doesn't grow, its ratio is near 1.
 *
 *     node --max-old-space-size=12000 test/bench/inMemory.ts [--quick]
 *
 * Searches and updates run in the directory without connections. run.ts measures the cost of the protocol.
 */
import * as LdapModification from "../../src/model/LdapModification.ts"
import { change, group, ldif, load, people, personDn, put, search, withGroup } from "./largeDirectory.ts"
import { median } from "./report/statistics.ts"
import { report } from "./report/verdict.ts"

const quick = process.argv.includes("--quick")
const many = quick ? 100_000 : 1_000_000
const few = many / 1_000
const members = quick ? 10_000 : 100_000

/** CPU of this process in microseconds, including the threads of the garbage collector. */
const cpuOf = <A>(work: () => A): readonly [micros: number, result: A] => {
  const before = process.cpuUsage()
  const result = work()
  const { system, user } = process.cpuUsage(before)
  return [system + user, result]
}

/** CPU of one operation among several, in microseconds: the median of batches. The first batch is for the compiler. */
const each = (count: number, work: (i: number) => void): number => {
  const batches: Array<number> = []
  for (let batch = 0; batch <= 8; batch++) {
    const [micros] = cpuOf(() => {
      for (let i = 0; i < count; i++) work(batch * count + i)
    })
    if (batch > 0) batches.push(micros / count)
  }
  return median(batches)
}

const format = (micros: number): string =>
  micros >= 1_000_000
    ? `${(micros / 1e6).toFixed(1)} s`
    : micros >= 1_000
    ? `${(micros / 1e3).toFixed(1)} ms`
    : `${micros.toFixed(1)} µs`

const compare = (what: string, small: number, large: number): void =>
  console.log(`${what}: ${format(large)}, ${(large / small).toFixed(1)} times as much as in a small one`)

const measure = (entries: number) => {
  const text = ldif(entries)
  const [loading, state] = cpuOf(() => load(text))
  const [first, found] = cpuOf(() => search(state, `(mail=u${entries - 1}@example.org)`))
  if (found !== 1) throw new Error(`${found} entries were found, not one`)
  const searching = each(500, (i) => {
    if (search(state, `(uid=u${(i * 7919) % entries})`) !== 1) throw new Error("an entry wasn't found")
  })
  const both = each(500, (i) => {
    const number = (i * 7919) % entries
    search(state, `(&(objectClass=inetOrgPerson)(sn=Family ${number % 5_000})(uid=u${number}))`)
  })
  const adding = each(
    500,
    (i) => put(state, `uid=n${i},${people}`, { objectClass: "inetOrgPerson", uid: `n${i}`, cn: `New ${i}`, sn: "New" })
  )
  const modifying = each(
    500,
    (i) => change(state, personDn(i % entries), [LdapModification.replace("sn", `Changed ${i}`)])
  )
  return { loading, first, searching, both, adding, modifying }
}

const measureGroup = (size: number) => {
  const state = withGroup(size)
  return {
    adding: each(20, (i) => change(state, group, [LdapModification.add("member", `uid=more${i},${people}`)])),
    // From everywhere in the group.
    removing: each(
      20,
      (i) => change(state, group, [LdapModification.remove("member", personDn(Math.floor((i / 180) * size)))])
    ),
    searching: each(20, (i) => search(state, `(member=uid=more${i},${people})`))
  }
}

const [smallGroup, largeGroup] = [measureGroup(200), measureGroup(members)]
console.log(`a group of ${members} members`)
compare("a member is added", smallGroup.adding, largeGroup.adding)
compare("a member is removed", smallGroup.removing, largeGroup.removing)
compare("the groups of a member are searched", smallGroup.searching, largeGroup.searching)
const [small, large] = [measure(few), measure(many)]
console.log(`a directory of ${many} entries`)
console.log(`loaded from LDIF: ${format(large.loading)}, ${format(large.loading / many)} an entry`)
console.log(`the first search by an attribute: ${format(large.first)}`)
compare("a search by one value", small.searching, large.searching)
compare("a search by three values", small.both, large.both)
compare("an entry is added", small.adding, large.adding)
compare("an entry is modified", small.modifying, large.modifying)
console.log("")
if (!quick) {
  report("A million entries loaded from LDIF: s of CPU", large.loading / 1e6, { atMost: 10 })
  report("A search by one value among them: µs", large.searching, { atMost: 100 })
}
report("An entry is added: CPU, in a directory of a thousandth = 1", large.adding / small.adding, { atMost: 2 })
report("An entry is modified: CPU, in a directory of a thousandth = 1", large.modifying / small.modifying, {
  atMost: 2
})
report(
  `A member is added to a group of ${members}: CPU, to one of 200 = 1`,
  largeGroup.adding / smallGroup.adding,
  { atMost: 2 }
)
