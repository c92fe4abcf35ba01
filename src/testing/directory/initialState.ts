/**
 * The options of a directory, and its initial state.
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
import { type ChangeLog, keepLogs } from "./changeLogs.ts"
import { type Access, DirectoryState, parseDn, type Visibility } from "./DirectoryState.ts"
import { DomainController } from "./DomainController.ts"
import { type LimitedServer, limitsOf, type ServerLimits } from "./ServerLimits.ts"

/**
 * An initial entry of a directory: an `LdapEntry`, or its name (`dn`) and its `attributes`.
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
  /** Content records of LDIF. They are loaded before `entries`. Parents must come before their children. */
  readonly ldif?: string | undefined
  /** Entries, loaded after `ldif`. Parents must come before their children. */
  readonly entries?: ReadonlyArray<EntryInput> | undefined
  /**
   * The suffixes of the directory: the names at its top. Default: the names of the entries without a parent among the entries.
   */
  readonly suffixes?: ReadonlyArray<string> | undefined
  /**
   * The administrator, who may do everything. Default: `cn=admin` below the first suffix. Without a password here, the
   * administrator can bind only if there is an entry of that name with a `userPassword`.
   */
  readonly admin?: {
    readonly dn?: string | undefined
    readonly password?: string | Redacted.Redacted<string> | undefined
  } | undefined
  /** The maximum number of entries that a search returns. The administrator has no limit. Default 0: no limit. */
  readonly sizeLimit?: number | undefined
  /** Whether anonymous clients may bind, search and compare. Default true. */
  readonly allowAnonymous?: boolean | undefined
  /**
   * Decides whether an identity other than the administrator may do an operation. It is called for each search, compare and
   * write, with the distinguished name that is bound, or the empty string for anonymous. Default: only searches and compares are
   * allowed.
   */
  readonly access?: Access | undefined
  /**
   * Decides which entries and attributes an identity other than the administrator sees. A hidden attribute is never returned and
   * matches no filter. A hidden entry is treated as missing. Default: everything is visible. Passwords are an exception: only
   * the entry itself sees its own, whatever this function returns.
   */
  readonly visible?: Visibility | undefined
  /**
   * Whether the schema is enforced, as slapd enforces it: known attributes, options and classes, the attributes that classes
   * require and allow, values of the right syntax, names of known attributes with valid values. Default false: values of unknown
   * attributes are compared as text.
   */
  readonly schemaChecking?: boolean | undefined
  /** Whether entries have `memberOf`, which the directory derives from the members of its groups. Default false. */
  readonly memberOf?: boolean | undefined
  /** Lock-out, expiry and quality of passwords; see {@link PasswordPolicy}. Default: no policy. */
  readonly passwordPolicy?: PasswordPolicy | undefined
  /** How the Password Modify operation stores passwords. Default `SSHA`. */
  readonly passwordScheme?: PasswordScheme | undefined
  /**
   * The maximum number of values of an attribute in one answer. Clients get the rest by range retrieval, as with Active
   * Directory. Default 0: all values.
   */
  readonly maxValues?: number | undefined
  /**
   * How many requests of one connection may be pending, including searches that follow changes. One more, and the directory
   * closes the connection without a notice, as slapd does (`conn_max_pending`). Default 1000. `limits` can replace it.
   */
  readonly maxPending?: number | undefined
  /**
   * Limits of real servers: paged searches and pending requests of one connection, entries in a page. The name of a server
   * stands for its default limits and for its answers when a limit is reached. Default: 100 paged searches, `maxPending` and no
   * page size; see {@link ServerLimits}.
   */
  readonly limits?: LimitedServer | ServerLimits | undefined
  /**
   * How many changes may wait for a slow client of one search that follows changes. One more, and the search ends with
   * `adminLimitExceeded` (11), or with `e-syncRefreshRequired` (4096) if it synchronizes a copy. Default 10,000.
   */
  readonly maxNews?: number | undefined
  /**
   * Logs of changes that the directory keeps as entries: `changelog` below `cn=changelog`, as 389 Directory Server does,
   * `accesslog` below `cn=accesslog`, as slapd does. Delete records to trim a log. Can't be combined with `schemaChecking`, since
   * the schema doesn't have the attributes of these logs. Default: none. @since 0.2.0
   */
  readonly changeLogs?: ReadonlyArray<ChangeLog> | undefined
  /**
   * Whether the directory keeps of changes what a domain controller of Active Directory keeps: objects have `objectGUID`, `name`,
   * `uSNCreated`, `uSNChanged`, `whenCreated` and `whenChanged`, the root DSE has `highestCommittedUSN` and the capability of Active Directory, DirSync has
   * `name` where an object was renamed or moved, and deleted objects are below `CN=Deleted Objects`, which the administrator sees with
   * the show deleted control. They stay as long as the directory. Not with `schemaChecking`. Default false. @since 0.2.0
   */
  readonly domainController?: boolean | undefined
  /** A function that sees each request first and can answer it; see {@link Interceptor}. */
  readonly interceptor?: Interceptor | undefined
  /** The faults that are in force from the beginning; see `DirectoryFault`. `directory.faults` changes them. */
  readonly faults?: ReadonlyArray<DirectoryFault> | DirectoryFault | undefined
  /** How many bytes may be buffered for a client in memory before the server has to wait. Default 64 KiB. */
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

/** Makes the initial state. `now` is the Clock's time in milliseconds. */
export const build = (options: Options, now: number): Result.Result<DirectoryState, InvalidRequest> => {
  const seeds = seedsOf(options)
  let next = seeds.next()
  // Without given suffixes, the first entry is one.
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
      ? `its parent doesn't exist${matchedDn === "" ? "" : ` (the nearest entry is "${matchedDn}")`}`
      : `${LdapResultCode.format(code)}${diagnosticMessage === "" ? "" : `: ${diagnosticMessage}`}`
    return invalid(where, `"${dn}" can't be added: ${why}`)
  }
  if (options.domainController === true) state.domainController = new DomainController(state, now)
  keepLogs(state, options.changeLogs ?? [], now)
  return Result.succeed(state)
}

/** Yields the entries one by one: a list of a million records would take more memory than the directory itself. */
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
