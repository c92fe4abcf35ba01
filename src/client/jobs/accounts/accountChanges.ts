/** What has to be written on each server to change the state of an account. */
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import type { LdapEntry } from "../../../model/entry/LdapEntry.ts"
import * as LdapModification from "../../../model/LdapModification.ts"
import { fromDateTime } from "../../../model/windows/FileTime.ts"
import type { ServerKind } from "../serverKind.ts"

export type AccountChange =
  | { readonly _tag: "Unlock" }
  | { readonly _tag: "Enable" }
  | { readonly _tag: "Disable" }
  /** `undefined`: never. */
  | { readonly _tag: "Expire"; readonly millis: number | undefined }
  | { readonly _tag: "MustChangePassword"; readonly required: boolean }

interface AccountChanges {
  /** The attributes that are read first. */
  readonly attributes: ReadonlyArray<string>
  /** The modification. It is empty if the account is in that state already; a text says why the change isn't possible. */
  readonly changes: (
    entry: LdapEntry,
    change: AccountChange
  ) => ReadonlyArray<LdapModification.LdapModification> | string
}

/** Replaces the value that was read. If another client has written a new value meanwhile, the server refuses, so that value isn't lost. */
const exchange = (entry: LdapEntry, attribute: string, value: string | undefined) => {
  const before = entry.get(attribute)
  if (before === value) return []
  return [
    ...(before === undefined ? [] : [LdapModification.delete(attribute, before)]),
    ...(value === undefined ? [] : [LdapModification.add(attribute, value)])
  ]
}

const fileTime = (millis: number): string => String(Result.getOrThrow(fromDateTime(DateTime.makeUnsafe(millis))))

const generalizedTime = (millis: number): string => new Date(millis).toISOString().replace(/[-:T]|\.\d+/g, "")

/** Of userAccountControl (MS-ADTS 2.2.16). */
const accountDisable = 2

const activeDirectory: AccountChanges = {
  attributes: ["userAccountControl", "lockoutTime", "accountExpires", "pwdLastSet"],
  changes: (entry, change) => {
    switch (change._tag) {
      case "Unlock":
        return (entry.get("lockoutTime") ?? "0") === "0" ? [] : [LdapModification.replace("lockoutTime", "0")]
      case "Enable":
      case "Disable": {
        const flags = Number(entry.get("userAccountControl"))
        if (!entry.has("userAccountControl") || !Number.isSafeInteger(flags))
          return "the entry is no account: it has no userAccountControl that can be read"
        const isDisabled = (flags & accountDisable) !== 0
        const wanted = change._tag === "Disable"
        return isDisabled === wanted
          ? []
          : exchange(entry, "userAccountControl", String(wanted ? flags + accountDisable : flags - accountDisable))
      }
      case "Expire":
        return [LdapModification.replace("accountExpires", change.millis === undefined ? "0" : fileTime(change.millis))]
      case "MustChangePassword":
        // -1 sets the time to now. The server accepts only 0 and -1.
        return [LdapModification.replace("pwdLastSet", change.required ? "0" : "-1")]
    }
  }
}

/** An administrator has locked the account for ever (draft-behera-ldap-password-policy section 5.3.3). */
const forEver = "000001010000Z"

const openLdap: AccountChanges = {
  attributes: ["pwdAccountLockedTime", "pwdEndTime", "pwdReset"],
  changes: (entry, change) => {
    const locked = entry.get("pwdAccountLockedTime")
    switch (change._tag) {
      case "Unlock":
        return locked === undefined || locked === forEver ? [] : exchange(entry, "pwdAccountLockedTime", undefined)
      case "Enable":
        return locked === forEver ? exchange(entry, "pwdAccountLockedTime", undefined) : []
      case "Disable":
        return exchange(entry, "pwdAccountLockedTime", forEver)
      case "Expire":
        return exchange(entry, "pwdEndTime", change.millis === undefined ? undefined : generalizedTime(change.millis))
      case "MustChangePassword":
        return exchange(entry, "pwdReset", change.required ? "TRUE" : undefined)
    }
  }
}

const lockAttributes = ["accountUnlockTime", "passwordRetryCount", "retryCountResetTime"]

const ds389: AccountChanges = {
  attributes: ["nsAccountLock", "passwordExpirationTime", ...lockAttributes],
  changes: (entry, change) => {
    switch (change._tag) {
      case "Unlock":
        return lockAttributes.filter((attribute) => entry.has(attribute)).map((attribute) =>
          LdapModification.replace(attribute)
        )
      case "Enable":
        return exchange(entry, "nsAccountLock", undefined)
      case "Disable":
        return entry.get("nsAccountLock")?.toLowerCase() === "true" ? [] : exchange(entry, "nsAccountLock", "true")
      case "Expire":
        return "389 Directory Server has no time at which an account expires; disable it instead"
      case "MustChangePassword":
        return exchange(entry, "passwordExpirationTime", change.required ? "19700101000000Z" : undefined)
    }
  }
}

export const accountChanges: Readonly<Record<ServerKind, AccountChanges>> = {
  activeDirectory,
  "389 Directory Server": ds389,
  OpenLDAP: openLdap
}
