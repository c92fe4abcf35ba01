/** The modification that takes back another one, value by value, so that what other clients wrote meanwhile stays. */
import { descriptionKey, equalKey } from "../../../model/attribute/attributeKeys.ts"
import { equalityOf } from "../../../model/attribute/equalityRules.ts"
import type { LdapEntry } from "../../../model/entry/LdapEntry.ts"
import * as LdapModification from "../../../model/LdapModification.ts"

type Modification = LdapModification.LdapModification

/** What to write after `changes`, if the entry was like this before them. */
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

const inverseOfAttribute = (entry: LdapEntry, changes: ReadonlyArray<Modification>): ReadonlyArray<Modification> => {
  const { attribute } = changes[0]!
  // A number that others have changed meanwhile keeps their part of the change.
  if (changes.every(({ operation }) => operation === "increment"))
    return changes.map(({ values }) =>
      LdapModification.increment(attribute, -BigInt(Buffer.from(values[0]!).toString()))
    )
  const before = entry.getAllBytes(attribute)
  const { isDefined, rule } = equalityOf(attribute)
  // Servers can't delete single values of such an attribute.
  if (!isDefined || changes.some(({ operation }) => operation === "increment"))
    return [LdapModification.replace(attribute, before)]
  const after = new Map(before.map((value) => [equalKey(rule, value), value]))
  for (const { operation, values } of changes) {
    if (operation === "replace" || (operation === "delete" && values.length === 0)) after.clear()
    for (const value of values) {
      if (operation === "delete") after.delete(equalKey(rule, value))
      else after.set(equalKey(rule, value), value)
    }
  }
  // Byte by byte: a value in another spelling is restored too.
  const bytes = (values: Iterable<Uint8Array>) =>
    new Set(Array.from(values, (value) => Buffer.from(value).toString("latin1")))
  const [old, now] = [bytes(before), bytes(after.values())]
  const isIn = (set: ReadonlySet<string>) => (value: Uint8Array) => set.has(Buffer.from(value).toString("latin1"))
  const added = Array.from(after.values()).filter((value) => !isIn(old)(value))
  const removed = before.filter((value) => !isIn(now)(value))
  // Reversed with all others: the values are deleted before the old ones are added, as single-valued attributes need it.
  return [
    ...(removed.length === 0 ? [] : [LdapModification.add(attribute, removed)]),
    ...(added.length === 0 ? [] : [LdapModification.delete(attribute, added)])
  ]
}
