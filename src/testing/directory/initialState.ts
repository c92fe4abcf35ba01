/**
 * What a directory is made of: its options, and the state that it begins with.
 */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import { attributesFrom, type AttributesInput, type LdapEntry } from "../../model/entry/LdapEntry.ts"
import { InvalidRequest } from "../../model/LdapError.ts"
import * as LdapResultCode from "../../model/LdapResultCode.ts"
import * as Ldif from "../../model/ldif/Ldif.ts"
import type { PasswordScheme } from "../bind/passwordHashes.ts"
import type { PasswordPolicy } from "../bind/passwordPolicy.ts"
import type { Interceptor } from "../connection/DirectoryServer.ts"
import type { DirectoryFault } from "../DirectoryFault.ts"
import { load } from "../operations/updates.ts"
import { type Access, DirectoryState, parseDn, type Visibility } from "./DirectoryState.ts"

/**
 * An entry to begin with.
 *
 * @category models
 * @since 0.1.0
 */
export type EntryInput = LdapEntry | { readonly dn: string; readonly attributes: AttributesInput }

/**
 * Options of `InMemoryDirectory.make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Content records of LDIF; the entries of `entries` come after them. Parents come before their children. */
  readonly ldif?: string | undefined
  readonly entries?: ReadonlyArray<EntryInput> | undefined
  /**
   * The names at the top of the directory. Default: the names of those entries that have no parent among the entries.
   */
  readonly suffixes?: ReadonlyArray<string> | undefined
  /**
   * Who may do everything. Default `cn=admin` below the first suffix. Without a password the name can be bound only if
   * an entry has it, with a `userPassword`.
   */
  readonly admin?: {
    readonly dn?: string | undefined
    readonly password?: string | Redacted.Redacted<string> | undefined
  } | undefined
  /** The most entries that a search returns, to others than the administrator. Default 0: no limit. */
  readonly sizeLimit?: number | undefined
  /** Whether anonymous clients may bind, search and compare. Default true. */
  readonly allowAnonymous?: boolean | undefined
  /**
   * Whether someone other than the administrator may do something: asked for each search, compare and write, with the
   * distinguished name that is bound or the empty text. Default: searches and compares only.
   */
  readonly access?: Access | undefined
  /**
   * What others than the administrator see of entries: which attributes, and which entries at all. A hidden attribute is
   * returned to nobody, and matches no filter; a hidden entry isn't there. Default: everything but passwords, which only
   * the entry itself sees, whatever this says.
   */
  readonly visible?: Visibility | undefined
  /**
   * Whether entries have to be as the schema says: known attributes and classes, what classes require and allow, values
   * of the right syntax. Default false: what the directory has never heard of is taken as text.
   */
  readonly schemaChecking?: boolean | undefined
  /** Whether entries have `memberOf`, kept by the directory from the members of its groups. Default false. */
  readonly memberOf?: boolean | undefined
  /** Lock-out, expiry and quality of passwords; see {@link PasswordPolicy}. Default: none. */
  readonly passwordPolicy?: PasswordPolicy | undefined
  /** How passwords are stored that the Password Modify operation sets. Default `SSHA`. */
  readonly passwordScheme?: PasswordScheme | undefined
  /** The most values of an attribute in one answer, the rest by range retrieval, as Active Directory does. Default 0: all. */
  readonly maxValues?: number | undefined
  /**
   * How many requests of one connection may wait for their answers, searches that go on among them: one more, and the
   * connection is closed without a word, as by slapd's `conn_max_pending`. Default 1000.
   */
  readonly maxPending?: number | undefined
  /**
   * How many changes may wait to be sent to one search that follows them, while its client reads too slowly: one more,
   * and the search ends, with `adminLimitExceeded` (11), or with `e-syncRefreshRequired` (4096) where it keeps a copy in
   * step. Default 10,000.
   */
  readonly maxNews?: number | undefined
  /** Looks at requests before the directory does; see {@link Interceptor}. */
  readonly interceptor?: Interceptor | undefined
  /** What goes wrong on purpose from the beginning; see `DirectoryFault`. `directory.faults` changes it. */
  readonly faults?: ReadonlyArray<DirectoryFault> | DirectoryFault | undefined
  /** How many octets may be on their way to a client in memory before the server has to wait. Default 64 KiB. */
  readonly highWaterMark?: number | undefined
}

// ---------------------------------------------------------------------------------------------------------------------
// Building
// ---------------------------------------------------------------------------------------------------------------------

interface Seed {
  readonly where: string
  readonly dn: string
  readonly attributes: LdapEntry["attributes"]
}

const invalid = (field: string, detail: string) => Result.fail(new InvalidRequest({ field, detail }))

/** The directory as it is at first. `now` is the Clock's time in milliseconds. */
export const build = (options: Options, now: number): Result.Result<DirectoryState, InvalidRequest> => {
  const seeds = seedsOf(options)
  if (Result.isFailure(seeds)) return Result.fail(seeds.failure)
  const suffixes = suffixesOf(options.suffixes, seeds.success)
  if (Result.isFailure(suffixes)) return Result.fail(suffixes.failure)
  const [first = LdapDn.root] = suffixes.success
  const adminDn = options.admin?.dn === undefined
    ? LdapDn.child(first, LdapDn.rdn("cn", "admin"))
    : parseDn(options.admin.dn)
  if (adminDn === undefined) return invalid("admin.dn", `"${options.admin?.dn}" is not a distinguished name`)
  const password = options.admin?.password
  const state = new DirectoryState({
    suffixes: suffixes.success,
    administrator: {
      dn: adminDn,
      password: password === undefined
        ? undefined
        : Buffer.from(Redacted.isRedacted(password) ? Redacted.value(password) : password)
    },
    sizeLimit: options.sizeLimit ?? 0,
    allowAnonymous: options.allowAnonymous ?? true,
    access: options.access,
    visible: options.visible,
    maxNews: options.maxNews,
    schemaChecking: options.schemaChecking,
    memberOf: options.memberOf,
    passwordPolicy: options.passwordPolicy,
    passwordScheme: options.passwordScheme,
    maxValues: options.maxValues
  })
  for (const { attributes, dn, where } of seeds.success) {
    const { code, diagnosticMessage, matchedDn } = load(state, dn, attributes, now)
    if (code === LdapResultCode.LdapResultCode.success) continue
    const why = code === LdapResultCode.LdapResultCode.noSuchObject
      ? `its parent isn't there${matchedDn === "" ? "" : ` (the nearest entry is "${matchedDn}")`}`
      : `${LdapResultCode.format(code)}${diagnosticMessage === "" ? "" : `: ${diagnosticMessage}`}`
    return invalid(where, `"${dn}" can't be added: ${why}`)
  }
  return Result.succeed(state)
}

const seedsOf = (options: Options): Result.Result<ReadonlyArray<Seed>, InvalidRequest> => {
  const seeds: Array<Seed> = []
  if (options.ldif !== undefined) {
    const records = Ldif.parse(options.ldif)
    if (Result.isFailure(records)) return invalid("ldif", records.failure.message)
    for (const record of records.success) {
      if (record._tag !== "Entry" && record._tag !== "Add") {
        return invalid("ldif", `line ${record.line}: a directory begins with entries, not with changes`)
      }
      seeds.push({ where: "ldif", dn: record.dn, attributes: record.attributes })
    }
  }
  for (const entry of options.entries ?? []) {
    seeds.push({ where: "entries", dn: entry.dn, attributes: attributesFrom(entry.attributes) })
  }
  return Result.succeed(seeds)
}

const suffixesOf = (
  given: ReadonlyArray<string> | undefined,
  seeds: ReadonlyArray<Seed>
): Result.Result<ReadonlyArray<LdapDn.LdapDn>, InvalidRequest> => {
  const suffixes: Array<LdapDn.LdapDn> = []
  if (given !== undefined) {
    for (const text of given) {
      const dn = parseDn(text)
      if (dn === undefined) return invalid("suffixes", `"${text}" is not a distinguished name`)
      suffixes.push(dn)
    }
    return Result.succeed(suffixes)
  }
  for (const { dn: text, where } of seeds) {
    const dn = parseDn(text)
    if (dn === undefined) return invalid(where, `"${text}" is not a distinguished name`)
    if (!suffixes.some((suffix) => dn.key === suffix.key || LdapDn.isDescendantOf(dn, suffix))) suffixes.push(dn)
  }
  return Result.succeed(suffixes)
}
