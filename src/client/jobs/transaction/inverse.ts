/**
 * Computes the write that undoes another one. A modification is undone value by value, so that values that other clients wrote meanwhile
 * stay. A rename is undone by the opposite rename.
 */
import * as Result from "effect/Result"
import { descriptionKey, equalKey } from "../../../model/attribute/attributeKeys.ts"
import { equalityOf } from "../../../model/attribute/equalityRules.ts"
import * as LdapDn from "../../../model/dn/LdapDn.ts"
import type { LdapEntry } from "../../../model/entry/LdapEntry.ts"
import * as LdapModification from "../../../model/LdapModification.ts"
import { dnFrom } from "../../../model/ldapts.ts"
import type { RenameOptions } from "../../../session/LdapSession.ts"

type Modification = LdapModification.LdapModification

/** The modification that undoes `changes`, given the entry before them. */
export const inverseOf = (before: LdapEntry, changes: ReadonlyArray<Modification>): ReadonlyArray<Modification> => {
  const byAttribute = new Map<string, Array<Modification>>()
  for (const change of changes) {
    const key = descriptionKey(change.attribute)
    const list = byAttribute.get(key)
    if (list === undefined) byAttribute.set(key, [change])
    else list.push(change)
  }
  return Array.from(byAttribute.values()).flatMap((list) => inverseOfAttribute(before, list)).reverse()
}

/** Whether a change increments a number. Undoing that twice would be wrong. */
export const hasIncrement = (changes: ReadonlyArray<Modification>): boolean =>
  changes.some(({ operation }) => operation === "increment")

/**
 * Whether changes with increments were carried out, judged by the entry before and after; `undefined` if other clients have changed the
 * numbers as well.
 */
export const wasCarriedOut = (
  before: LdapEntry,
  now: LdapEntry,
  changes: ReadonlyArray<Modification>
): boolean | undefined => {
  const counted = changes.filter(({ operation }) => operation === "increment")
  const hasDifference = (isThere: boolean): boolean =>
    counted.every(({ attribute }) => {
      const sum = isThere
        ? counted.filter((other) => descriptionKey(other.attribute) === descriptionKey(attribute))
          .reduce((sum, { values }) => sum + amountOf(values), 0n)
        : 0n
      const [from, to] = [before.get(attribute), now.get(attribute)]
      return from !== undefined && to !== undefined && isInteger(from) && isInteger(to) &&
        BigInt(from) + sum === BigInt(to)
    })
  return hasDifference(false) ? false : hasDifference(true) ? true : undefined
}

const isInteger = (text: string): boolean => /^-?[0-9]+$/.test(text)

const amountOf = (values: ReadonlyArray<Uint8Array>): bigint => BigInt(Buffer.from(values[0]!).toString())

const inverseOfAttribute = (entry: LdapEntry, changes: ReadonlyArray<Modification>): ReadonlyArray<Modification> => {
  const { attribute } = changes[0]!
  // If other clients have changed a number meanwhile, their part of the change stays.
  if (changes.every(({ operation }) => operation === "increment"))
    return changes.map(({ values }) => LdapModification.increment(attribute, -amountOf(values)))
  const before = entry.getAllBytes(attribute)
  const { isDefined, rule } = equalityOf(attribute)
  // Servers can't delete single values of such an attribute.
  if (!isDefined || hasIncrement(changes))
    return [LdapModification.replace(attribute, before)]
  const after = new Map(before.map((value) => [equalKey(rule, value), value]))
  for (const { operation, values } of changes) {
    if (operation === "replace" || (operation === "delete" && values.length === 0)) after.clear()
    for (const value of values) {
      if (operation === "delete") after.delete(equalKey(rule, value))
      else after.set(equalKey(rule, value), value)
    }
  }
  // Compares byte by byte, so that a value in another spelling is restored too.
  const bytes = (values: Iterable<Uint8Array>) =>
    new Set(Array.from(values, (value) => Buffer.from(value).toString("latin1")))
  const [old, now] = [bytes(before), bytes(after.values())]
  const isIn = (set: ReadonlySet<string>) => (value: Uint8Array) => set.has(Buffer.from(value).toString("latin1"))
  const added = Array.from(after.values()).filter((value) => !isIn(old)(value))
  const removed = before.filter((value) => !isIn(now)(value))
  // The order is reversed with all other changes: the new values are deleted before the old ones are added, as single-valued attributes
  // require.
  return [
    ...(removed.length === 0 ? [] : [LdapModification.add(attribute, removed)]),
    ...(added.length === 0 ? [] : [LdapModification.delete(attribute, added)])
  ]
}

/** The name after a rename, the rename that undoes it, and the attribute values that must be changed after that. */
export const wayBack = (before: LdapEntry, { newRdn, newSuperior }: RenameOptions) => {
  const parse = (text: string) => Result.getOrUndefined(LdapDn.parse(text, { lenient: true }))
  const dn = parse(before.dn)
  const rdn = newRdn === undefined ? dn?.rdns[0] : parse(newRdn.toString())?.rdns[0]
  const oldRdn = dn?.rdns[0]
  const superior = newSuperior === undefined ? undefined : parse(dnFrom(newSuperior))
  const above = dn === undefined ? undefined : LdapDn.parent(dn)
  if (dn === undefined || rdn === undefined || oldRdn === undefined || above === undefined) return undefined
  if (newSuperior !== undefined && superior === undefined) return undefined
  // A value that the entry already had stays.
  const wasThere = ({ type, value }: LdapDn.RdnAttribute) =>
    before.getAllBytes(type).some((one) =>
      new LdapDn.RdnAttribute(type, one).key === new LdapDn.RdnAttribute(type, value).key
    )
  const added = rdn.attributes.filter((attribute) => !wasThere(attribute))
  const areAllAdded = added.length === rdn.attributes.length
  return {
    dn: LdapDn.child(superior ?? above, rdn).toString(),
    options: {
      newRdn: oldRdn,
      deleteOldRdn: areAllAdded,
      ...(superior === undefined ? undefined : { newSuperior: above })
    },
    changes: areAllAdded ? [] : added.map(({ type, value }) => LdapModification.delete(type, value))
  }
}
