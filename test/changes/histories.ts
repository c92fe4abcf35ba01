/**
 * Random histories of a small tree: adds, modifies, renames of leaves and of whole subtrees, moves, deletes, and changes that bring entries
 * into a filter or out of it. The tree is read back from the server, so a history may be interrupted at any point.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as LdapDn from "../../src/model/dn/LdapDn.ts"
import type { LdapError } from "../../src/model/LdapError.ts"
import * as LdapModification from "../../src/model/LdapModification.ts"
import type { LdapOperations } from "../../src/session/LdapSession.ts"

/** Numbers from 0 to less than 1, the same for the same seed (mulberry32). */
export const randomOf = (seed: number): () => number => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export interface Place {
  /** The parent of the entries: containers and the leaves below them. The test creates it. */
  readonly top: string
  readonly leaf: (cn: string) => Readonly<Record<string, string | ReadonlyArray<string>>>
  readonly unit: (ou: string) => Readonly<Record<string, string | ReadonlyArray<string>>>
  /** The attribute type in the RDN of leaves, such as `cn`. */
  readonly leafType: string
  /** Containers beside `top` that are neither renamed nor deleted. */
  readonly kept?: ReadonlyArray<string> | undefined
}

/** Makes one random change. A change that the server refuses is skipped. */
export const step = (
  session: Pick<LdapOperations, "add" | "modify" | "rename" | "delete" | "search">,
  { kept = [], leaf, leafType, top, unit }: Place,
  random: () => number,
  counter: { value: number }
): Effect.Effect<void, LdapError> =>
  Effect.gen(function*() {
    const found = yield* Stream.runCollect(session.search({ base: top, attributes: ["description"] }))
    const names = found.map(({ dn }) => dn)
    const keptKeys = new Set([top, ...kept].map(keyOf))
    const isUnit = (dn: string) => /^ou=/i.test(dn)
    const units = names.filter((dn) => isUnit(dn) && !keptKeys.has(keyOf(dn)))
    const leaves = names.filter((dn) => !isUnit(dn))
    const pick = <A>(all: ReadonlyArray<A>): A | undefined => all[Math.floor(random() * all.length)]
    const parents = [top, ...kept, ...units]
    const id = ++counter.value
    const change = Effect.suspend(() => {
      const dice = random()
      const parent = pick(parents)!
      const target = pick(leaves)
      const container = pick(units)
      if (dice < 0.3 || target === undefined) {
        const dn = `${leafType}=n${id},${parent}`
        return session.add(dn, { ...leaf(`n${id}`), description: random() < 0.5 ? "in" : "out" })
      }
      if (dice < 0.4 || container === undefined) return session.add(`ou=u${id},${parent}`, unit(`u${id}`))
      if (dice < 0.65) {
        return session.modify(target, LdapModification.replace("description", random() < 0.5 ? "in" : `out ${id}`))
      }
      if (dice < 0.75) return session.rename(target, { newRdn: `${leafType}=r${id}`, newSuperior: parent })
      if (dice < 0.87) {
        return random() < 0.5
          ? session.rename(container, { newRdn: `ou=m${id}` })
          : session.rename(container, { newRdn: `ou=m${id}`, newSuperior: parent })
      }
      return session.delete(random() < 0.8 ? target : container)
    })
    yield* Effect.catch(change, (error) => isRefusal(error) ? Effect.void : Effect.fail(error))
  })

/** A server may refuse to move an entry below itself, or to delete one that has children. */
const isRefusal = ({ reason }: LdapError): boolean =>
  !["ConnectionLost", "SessionClosed", "RequestTimeout", "ConnectFailed"].includes(reason._tag)

export const keyOf = (dn: string): string => {
  const parsed = LdapDn.parse(dn)
  return parsed._tag === "Success" ? LdapDn.normalize(parsed.success) : dn
}
