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
import type { Interceptor } from "../connection/RequestServing.ts"
import type { DirectoryFault } from "../DirectoryFault.ts"
import { Loader } from "../operations/loading.ts"
import { type Access, DirectoryState, parseDn, type Visibility } from "./DirectoryState.ts"
import { type LimitedServer, limitsOf, type ServerLimits } from "./ServerLimits.ts"

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
   * Limits of real servers: paged searches and pending requests of one connection, entries in a page. The name of a server
   * stands for the limits that it has out of the box, and for its answers where they are met. Default: no limit that a program
   * is likely to meet; see {@link ServerLimits}.
   */
  readonly limits?: LimitedServer | ServerLimits | undefined
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
  let next = seeds.next()
  // Without suffixes, the first entry is at the top.
  const given = options.suffixes ?? (next.done === true || Result.isFailure(next.value) ? [] : [next.value.success.dn])
  const suffixes: Array<LdapDn.LdapDn> = []
  for (const text of given) {
    const dn = parseDn(text)
    if (dn === undefined) {
      return invalid(
        options.suffixes !== undefined ? "suffixes" : options.ldif === undefined ? "entries" : "ldif",
        `"${text}" is not a distinguished name`
      )
    }
    suffixes.push(dn)
  }
  const [first = LdapDn.root] = suffixes
  const adminDn = options.admin?.dn === undefined
    ? LdapDn.child(first, LdapDn.rdn("cn", "admin"))
    : parseDn(options.admin.dn)
  if (adminDn === undefined) return invalid("admin.dn", `"${options.admin?.dn}" is not a distinguished name`)
  const password = options.admin?.password
  const state = new DirectoryState({
    suffixes,
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
    limits: limitsOf(options.limits, options.maxPending),
    schemaChecking: options.schemaChecking,
    memberOf: options.memberOf,
    passwordPolicy: options.passwordPolicy,
    passwordScheme: options.passwordScheme,
    maxValues: options.maxValues
  })
  const loader = new Loader(state, now, { takesSuffixes: options.suffixes === undefined })
  for (; next.done !== true; next = seeds.next()) {
    if (Result.isFailure(next.value)) return Result.fail(next.value.failure)
    const { attributes, dn, where } = next.value.success
    const { code, diagnosticMessage, matchedDn } = loader.load(dn, attributes)
    if (code === LdapResultCode.LdapResultCode.success) continue
    if (code === LdapResultCode.LdapResultCode.invalidDNSyntax) {
      return invalid(where, `"${dn}" is not a distinguished name`)
    }
    const why = code === LdapResultCode.LdapResultCode.noSuchObject
      ? `its parent isn't there${matchedDn === "" ? "" : ` (the nearest entry is "${matchedDn}")`}`
      : `${LdapResultCode.format(code)}${diagnosticMessage === "" ? "" : `: ${diagnosticMessage}`}`
    return invalid(where, `"${dn}" can't be added: ${why}`)
  }
  return Result.succeed(state)
}

/** The entries one after the other: a million records at once would take more memory than the directory that they become. */
function* seedsOf(options: Options): Generator<Result.Result<Seed, InvalidRequest>, undefined> {
  for (const record of options.ldif === undefined ? [] : Ldif.records(options.ldif)) {
    if (Result.isFailure(record)) {
      yield invalid("ldif", record.failure.message)
      return
    }
    const { success } = record
    if (success._tag !== "Entry" && success._tag !== "Add") {
      yield invalid("ldif", `line ${success.line}: a directory begins with entries, not with changes`)
      return
    }
    yield Result.succeed({ where: "ldif", dn: success.dn, attributes: success.attributes })
  }
  for (const { attributes, dn } of options.entries ?? []) {
    yield Result.succeed({ where: "entries", dn, attributes: attributesFrom(attributes) })
  }
}
