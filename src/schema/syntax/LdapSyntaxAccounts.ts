/**
 * Codecs for the flags, hours and passwords of accounts and groups of Active Directory and Samba.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { unicodePassword } from "../../model/windows/unicodePassword.ts"
import { fromOctets, fromText } from "./syntax.ts"

/** Converts the signed integer of 32 bits that Active Directory stores to bits. */
const bits32 = (text: string): Result.Result<number, string> => {
  const value = /^-?[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN
  return value >= -(2 ** 31) && value < 2 ** 31 ? Result.succeed(value >>> 0) : Result.fail("not an integer of 32 bits")
}

const writeBits32 = (bits: number): Result.Result<string, string> =>
  Number.isInteger(bits) && bits >= 0 && bits < 2 ** 32
    ? Result.succeed(String(bits | 0))
    : Result.fail("flags are 32 bits")

/** The flags of `userAccountControl` (MS-ADTS section 2.2.16 and MS-SAMR), by the names of Microsoft's documentation. */
const flags = {
  script: 0x1,
  accountDisable: 0x2,
  homeDirRequired: 0x8,
  lockout: 0x10,
  passwordNotRequired: 0x20,
  passwordCantChange: 0x40,
  encryptedTextPasswordAllowed: 0x80,
  tempDuplicateAccount: 0x100,
  normalAccount: 0x200,
  interdomainTrustAccount: 0x800,
  workstationTrustAccount: 0x1000,
  serverTrustAccount: 0x2000,
  dontExpirePassword: 0x10000,
  mnsLogonAccount: 0x20000,
  smartcardRequired: 0x40000,
  trustedForDelegation: 0x80000,
  notDelegated: 0x100000,
  useDesKeyOnly: 0x200000,
  dontRequirePreauth: 0x400000,
  passwordExpired: 0x800000,
  trustedToAuthForDelegation: 0x1000000,
  noAuthDataRequired: 0x2000000,
  partialSecretsAccount: 0x4000000,
  useAesKeys: 0x8000000
} as const

/**
 * The name of a flag of {@link AccountControl}: `accountDisable`, `dontExpirePassword` …
 *
 * @category Active Directory
 * @since 0.1.0
 */
export type AccountFlag = keyof typeof flags

/**
 * The flags of an account, as in `userAccountControl`. A value of this class never changes and is `Equal` to others with the same
 * bits. `bits` is the number without a sign; bits without a name here are kept.
 *
 * **Example**
 *
 * ```ts
 * import { LdapSchema } from "effect-ldap"
 *
 * const enabled = LdapSchema.AccountControl.of("normalAccount", "dontExpirePassword")
 * enabled.with("accountDisable").has("accountDisable") // true
 * ```
 *
 * @category Active Directory
 * @since 0.1.0
 */
export class AccountControl extends Data.Class<{ readonly bits: number }> {
  /** An account with these flags. */
  static of(...names: ReadonlyArray<AccountFlag>): AccountControl {
    return new AccountControl({ bits: 0 }).with(...names)
  }

  /** Whether the flag is set. */
  has(name: AccountFlag): boolean {
    return (this.bits & flags[name]) !== 0
  }

  /** The same flags, and these. */
  with(...names: ReadonlyArray<AccountFlag>): AccountControl {
    return new AccountControl({ bits: names.reduce((bits, name) => (bits | flags[name]) >>> 0, this.bits) })
  }

  /** The same flags, without these. */
  without(...names: ReadonlyArray<AccountFlag>): AccountControl {
    return new AccountControl({ bits: names.reduce((bits, name) => (bits & ~flags[name]) >>> 0, this.bits) })
  }

  /** The flags that are set, in the order of their bits. */
  get flags(): ReadonlyArray<AccountFlag> {
    // Only these names are keys of the record.
    return (Object.keys(flags) as Array<AccountFlag>).filter((name) => this.has(name))
  }

  toJSON(): unknown {
    return { bits: this.bits, flags: this.flags }
  }
}

/**
 * `userAccountControl`: an {@link AccountControl}. To search for a flag, use `LdapFilter.bitAnd`.
 *
 * @category Active Directory
 * @since 0.1.0
 */
export const UserAccountControl = fromText(
  Schema.declare<AccountControl>((u) => u instanceof AccountControl, { expected: "AccountControl" }),
  {
    decode: (text) => Result.map(bits32(text), (bits) => new AccountControl({ bits })),
    encode: ({ bits }) => writeBits32(bits)
  }
)

const securityEnabled = 0x8000_0000

/** The scopes of groups (MS-ADTS section 2.2.12). */
const groupScopes = { global: 0x2, domainLocal: 0x4, universal: 0x8 } as const

/**
 * Where a group can be used and who can be in it: `global`, `domainLocal`, `universal`.
 *
 * @category Active Directory
 * @since 0.2.0
 */
export type GroupScope = keyof typeof groupScopes

/**
 * The flags of a group, as in `groupType` (MS-ADTS section 2.2.12). A value of this class never changes. `bits` is the number without
 * a sign; bits without a name here are kept.
 *
 * **Example**
 *
 * ```ts
 * import { LdapSchema } from "effect-ldap"
 *
 * LdapSchema.GroupFlags.of("global").isSecurity // true
 * LdapSchema.GroupFlags.of("universal", { security: false }).scope // "universal": a distribution list
 * ```
 *
 * @category Active Directory
 * @since 0.2.0
 */
export class GroupFlags extends Data.Class<{ readonly bits: number }> {
  /** A security group, unless `security` is false. */
  static of(scope: GroupScope, options: { readonly security?: boolean | undefined } = {}): GroupFlags {
    return new GroupFlags({ bits: (groupScopes[scope] | (options.security === false ? 0 : securityEnabled)) >>> 0 })
  }

  /** `undefined` for groups of applications, and for invalid combinations of bits. */
  get scope(): GroupScope | undefined {
    // Only these names are keys of the record.
    return (Object.keys(groupScopes) as Array<GroupScope>).find((name) => (this.bits & 0xe) === groupScopes[name])
  }

  /** Whether access control uses the group. Otherwise it is a distribution list for mail. */
  get isSecurity(): boolean {
    return (this.bits & securityEnabled) !== 0
  }

  /** Whether the system created it, as it did those in `CN=Builtin`. */
  get isBuiltin(): boolean {
    return (this.bits & 1) !== 0
  }

  toJSON(): unknown {
    return { bits: this.bits, scope: this.scope, isSecurity: this.isSecurity, isBuiltin: this.isBuiltin }
  }
}

/**
 * `groupType`: {@link GroupFlags}. To search for a flag, use `LdapFilter.bitAnd`.
 *
 * @category Active Directory
 * @since 0.2.0
 */
export const GroupType = fromText(
  Schema.declare<GroupFlags>((u) => u instanceof GroupFlags, { expected: "GroupFlags" }),
  {
    decode: (text) => Result.map(bits32(text), (bits) => new GroupFlags({ bits })),
    encode: ({ bits }) => writeBits32(bits)
  }
)

/** MS-SAMR section 2.2.1.9. */
const accountTypes = {
  domainObject: 0x0,
  group: 0x1000_0000,
  nonSecurityGroup: 0x1000_0001,
  alias: 0x2000_0000,
  nonSecurityAlias: 0x2000_0001,
  user: 0x3000_0000,
  machine: 0x3000_0001,
  trust: 0x3000_0002,
  applicationBasicGroup: 0x4000_0000,
  applicationQueryGroup: 0x4000_0001
} as const

/**
 * What an account is, by `sAMAccountType` (MS-SAMR section 2.2.1.9). An `alias` is a domain local group, a `machine` a computer.
 *
 * @category Active Directory
 * @since 0.2.0
 */
export type AccountTypeName = keyof typeof accountTypes

const accountTypeNames = new Map<number, AccountTypeName>(
  (Object.keys(accountTypes) as Array<AccountTypeName>).map((name) => [accountTypes[name], name])
)

/**
 * The number of a kind of account, for a filter. `sAMAccountType` is indexed, so `(sAMAccountType=805306368)` finds users faster
 * than a filter by class and category.
 *
 * @category Active Directory
 * @since 0.2.0
 */
export const accountTypeNumber = (name: AccountTypeName): number => accountTypes[name]

/**
 * `sAMAccountType`: the name of the kind of account. The server sets it.
 *
 * @category Active Directory
 * @since 0.2.0
 */
export const AccountType = fromText(
  Schema.Literals(Object.keys(accountTypes) as ReadonlyArray<AccountTypeName>),
  {
    decode: (text) =>
      Result.flatMap(bits32(text), (number) => {
        const name = accountTypeNames.get(number)
        return name === undefined ? Result.fail("not a known kind of account") : Result.succeed(name)
      }),
    encode: (name) => Result.succeed(String(accountTypes[name]))
  }
)

const weekHours = 7 * 24

/**
 * The hours of the week in which an account may log on, as in `logonHours`: in UTC, the week from Sunday on. `hours` has a boolean for each
 * hour. A value of this class never changes.
 *
 * **Details**
 *
 * An account without the attribute may always log on. Days are numbered as in `Date`: 0 is Sunday. Windows shows the hours in local
 * time, so convert local times to UTC first.
 *
 * **Example**
 *
 * ```ts
 * import { LdapSchema } from "effect-ldap"
 *
 * // Monday to Friday, from 8 to 18 o'clock UTC.
 * const office = LdapSchema.LogonSchedule.never.allowing([1, 2, 3, 4, 5], 8, 18)
 * ```
 *
 * @category Active Directory
 * @since 0.2.0
 */
export class LogonSchedule extends Data.Class<{ readonly hours: ReadonlyArray<boolean> }> {
  // In static fields of the compiled class, its own name is a variable that bundlers make too late; `this` isn't.
  /** Logging on is always allowed. */
  static readonly always: LogonSchedule = new this({ hours: Array.from({ length: weekHours }, () => true) })
  /** Logging on is never allowed. */
  static readonly never: LogonSchedule = new this({ hours: Array.from({ length: weekHours }, () => false) })

  /** Whether logging on is allowed at this time. */
  allows(time: DateTime.DateTime): boolean {
    const date = new Date(DateTime.toEpochMillis(time))
    return this.hours[date.getUTCDay() * 24 + date.getUTCHours()] === true
  }

  /** Also allows these hours of these days. An hour range is from 0 to 24; its end is excluded. */
  allowing(days: ReadonlyArray<number>, from: number, to: number): LogonSchedule {
    return this.#set(days, from, to, true)
  }

  /** Forbids these hours of these days. */
  forbidding(days: ReadonlyArray<number>, from: number, to: number): LogonSchedule {
    return this.#set(days, from, to, false)
  }

  #set(days: ReadonlyArray<number>, from: number, to: number, isAllowed: boolean): LogonSchedule {
    const hours = this.hours.map((before, i) =>
      days.includes(Math.floor(i / 24)) && i % 24 >= from && i % 24 < to ? isAllowed : before
    )
    return new LogonSchedule({ hours })
  }
}

/**
 * `logonHours`: {@link LogonSchedule}. 21 bytes, a bit for each hour of the week (MS-SAMR section 2.2.6.5).
 *
 * @category Active Directory
 * @since 0.2.0
 */
export const LogonHours = fromOctets(
  Schema.declare<LogonSchedule>((u) => u instanceof LogonSchedule, { expected: "LogonSchedule" }),
  {
    decode: (octets) =>
      octets.length === weekHours / 8
        ? Result.succeed(
          new LogonSchedule({
            hours: Array.from({ length: weekHours }, (_, i) => (octets[i >> 3]! & (1 << (i & 7))) !== 0)
          })
        )
        : Result.fail("logon hours have 21 bytes"),
    encode: ({ hours }) => {
      if (!Array.isArray(hours) || hours.length !== weekHours) return Result.fail("a week has 168 hours")
      const octets = new Uint8Array(weekHours / 8)
      hours.forEach((isAllowed, i) => {
        if (isAllowed) octets[i >> 3]! |= 1 << (i & 7)
      })
      return Result.succeed(octets)
    }
  }
)

/**
 * `unicodePwd`: a new password, in quotation marks and UTF-16 as Active Directory wants it (MS-ADTS section 3.1.1.3.1.5).
 *
 * **Details**
 *
 * This codec only writes, since the server never returns the attribute: use it in a `writeOnly` field. The server accepts it only
 * over TLS or an encrypted connection. To set a password, replace the value. To change one with the old password, delete the old
 * value and add the new one in one modify request.
 *
 * @category Active Directory
 * @since 0.1.0
 */
export const UnicodePassword = fromOctets(Schema.Redacted(Schema.String), {
  decode: () => Result.fail("unicodePwd can't be read"),
  encode: (password) => Result.succeed(unicodePassword(password))
})
