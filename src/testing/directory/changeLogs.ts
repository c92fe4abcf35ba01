/**
 * Logs of changes as entries of the directory, as servers keep them: the Retro Changelog of 389 Directory Server below
 * `cn=changelog`, and the access log of slapd below `cn=accesslog`. A record identifies the changed entry but doesn't have the
 * changed values.
 */
import * as LdapDn from "../../model/dn/LdapDn.ts"
import type { Change } from "./DirectoryChanges.ts"
import type { DirectoryState } from "./DirectoryState.ts"
import { type EntryHistory, StoredAttribute } from "./DirectoryTree.ts"
import { generalizedTime } from "./operationalAttributes.ts"

/**
 * Which logs a directory keeps.
 *
 * @category models
 * @since 0.2.0
 */
export type ChangeLog = "changelog" | "accesslog"

export const changelogDn = "cn=changelog"
const accesslogDn = "cn=accesslog"

/** Starts to keep the logs. Their own entries are not logged. */
export const keepLogs = (state: DirectoryState, logs: ReadonlyArray<ChangeLog>, now: number): void => {
  const write = (dn: string, attributes: Readonly<Record<string, string>>): void => {
    const name = state.readName(dn)
    if (name === undefined || state.tree.find(name) !== undefined) return
    const history: EntryHistory = { uuid: state.nextUuid(), created: now, creator: "", modified: now, modifier: "" }
    const stored = Object.entries(attributes).flatMap(([description, value]) => {
      const parsed = state.types.learn(description)
      return parsed === undefined
        ? []
        : [[parsed.key, new StoredAttribute(description, parsed, [Buffer.from(value)])] as const]
    })
    state.tree.insert(name, new Map(stored), history)
  }
  for (const log of logs) {
    const dn = log === "changelog" ? changelogDn : accesslogDn
    const name = state.readName(dn)
    if (name === undefined) continue
    state.addSuffix(name)
    state.logs.add(name.key)
    write(dn, { objectClass: log === "changelog" ? "extensibleObject" : "auditContainer", cn: log })
    state.changes.listen((change) => {
      if (log === "changelog") write(...changelogRecord(change))
      else write(...accesslogRecord(change))
    })
  }
}

type LogRecord = readonly [dn: string, attributes: Readonly<Record<string, string>>]

const nameOf = ({ entry, previousDn, type }: Change): string =>
  type === "modifyDn" && previousDn !== undefined ? previousDn : entry.dn.toString()

const changelogRecord = (change: Change): LogRecord => [`changeNumber=${change.number},${changelogDn}`, {
  objectClass: "changeLogEntry",
  changeNumber: String(change.number),
  changeType: change.type === "modifyDn" ? "modrdn" : change.type,
  changeTime: generalizedTime(change.entry.history.modified),
  targetDn: nameOf(change),
  targetEntryUUID: change.entry.history.uuid
}]

/** The number of the change is used as the fraction of a second, so no two records have the same time. */
const accesslogRecord = (change: Change): LogRecord => {
  const seconds = generalizedTime(change.entry.history.modified).slice(0, -1)
  const reqStart = `${seconds}.${String(change.number % 1_000_000).padStart(6, "0")}Z`
  return [`reqStart=${reqStart},${accesslogDn}`, {
    objectClass: "auditWriteObject",
    reqStart,
    reqType: change.type === "modifyDn" ? "modrdn" : change.type,
    reqDN: nameOf(change),
    reqEntryUUID: change.entry.history.uuid,
    reqResult: "0"
  }]
}

/** The attributes of the root DSE for the change log; `undefined` without one. */
export const changelogNumbers = (
  state: DirectoryState
): { readonly first: number; readonly last: number } | undefined => {
  const log = state.readName(changelogDn)
  const top = log === undefined ? undefined : state.tree.find(log)
  if (top === undefined || log === undefined || !state.isSuffix(log)) return undefined
  let [first, last] = [0, 0]
  for (const { dn } of top.children) {
    const number = Number(LdapDn.relativeTo(dn, log)?.rdns[0]?.attributes[0]?.text ?? 0)
    if (first === 0 || number < first) first = number
    if (number > last) last = number
  }
  return { first, last }
}
