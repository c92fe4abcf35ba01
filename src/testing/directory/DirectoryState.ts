/**
 * What a directory is, for all connections together: its entries, its suffixes, who may do what. Operations are
 * functions over it, in updates.ts, search.ts and authentication.ts; all of them are synchronous, so none sees another
 * half done.
 */
import * as Result from "effect/Result"
import { createHash } from "node:crypto"
import type { AttributeType } from "../../model/attribute/AttributeTypes.ts"
import { AttributeTypes } from "../../model/attribute/AttributeTypes.ts"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { RequestOperation, ResultFields } from "../../protocol/LdapMessage.ts"
import type { PasswordScheme } from "../bind/passwordHashes.ts"
import type { PasswordPolicy } from "../bind/passwordPolicy.ts"
import { answer } from "../operations/directoryResult.ts"
import { DirectoryChanges } from "./DirectoryChanges.ts"
import { type DirectoryEntry, DirectoryTree } from "./DirectoryTree.ts"
import { type Limits, limitsOf } from "./ServerLimits.ts"
import { readName } from "./valueChecking.ts"

/**
 * Decides whether someone other than the administrator may do something. The identity is the distinguished name that
 * was bound, empty for anonymous.
 *
 * @category models
 * @since 0.1.0
 */
export type Access = (identity: string, operation: RequestOperation) => boolean

/**
 * Decides whether someone other than the administrator sees an attribute of an entry or, where none is named, whether
 * they may know of the entry at all. The identity is the distinguished name that was bound, empty for anonymous; the
 * attribute has the name that the schema gives it.
 *
 * @category models
 * @since 0.1.0
 */
export type Visibility = (identity: string, entry: LdapDn.LdapDn, attribute: string | undefined) => boolean

export interface Administrator {
  readonly dn: LdapDn.LdapDn
  /** Without one nobody can bind as the administrator, unless the entry of that name has a password. */
  readonly password: Uint8Array | undefined
}

/** Who sent a request. */
export interface Requester {
  /** The distinguished name, or `undefined` for anonymous. */
  readonly dn: LdapDn.LdapDn | undefined
}

export const anonymous: Requester = { dn: undefined }

export class DirectoryState {
  readonly tree: DirectoryTree
  readonly types: AttributeTypes
  readonly changes = new DirectoryChanges()
  readonly administrator: Administrator
  /** The most entries that a search returns to others than the administrator; 0 is no limit. */
  readonly sizeLimit: number
  readonly allowAnonymous: boolean
  /** The most values of an attribute that an entry is returned with at once, as Active Directory has it; 0: no limit. */
  readonly maxValues: number
  /** What one connection may have at once. */
  readonly limits: Limits
  /** How many changes may wait for the client of one search that follows them. */
  readonly maxNews: number
  readonly passwordPolicy: PasswordPolicy | undefined
  readonly passwordScheme: PasswordScheme
  readonly schemaChecking: boolean
  readonly #access: Access | undefined
  readonly #visible: Visibility | undefined
  readonly #suffixes: Array<LdapDn.LdapDn>
  #uuidPrefix: string | undefined
  #uuids = 0

  constructor(options: {
    readonly suffixes: ReadonlyArray<LdapDn.LdapDn>
    readonly administrator: Administrator
    readonly sizeLimit: number
    readonly allowAnonymous: boolean
    readonly access: Access | undefined
    readonly visible?: Visibility | undefined
    readonly maxValues?: number | undefined
    readonly maxNews?: number | undefined
    readonly limits?: Limits | undefined
    readonly passwordPolicy?: PasswordPolicy | undefined
    readonly passwordScheme?: PasswordScheme | undefined
    readonly schemaChecking?: boolean | undefined
    readonly memberOf?: boolean | undefined
  }) {
    this.#suffixes = [...options.suffixes]
    this.administrator = options.administrator
    this.sizeLimit = options.sizeLimit
    this.allowAnonymous = options.allowAnonymous
    this.#access = options.access
    this.#visible = options.visible
    this.maxValues = options.maxValues ?? 0
    this.maxNews = options.maxNews ?? 10_000
    this.limits = options.limits ?? limitsOf(undefined)
    this.passwordPolicy = options.passwordPolicy
    this.passwordScheme = options.passwordScheme ?? "SSHA"
    this.schemaChecking = options.schemaChecking ?? false
    this.types = new AttributeTypes({ strict: this.schemaChecking })
    this.tree = new DirectoryTree({ memberOf: options.memberOf ?? false })
  }

  /** The names at the top. */
  get suffixes(): ReadonlyArray<LdapDn.LdapDn> {
    return this.#suffixes
  }

  /** Holds entries of another name at the top too. */
  addSuffix(dn: LdapDn.LdapDn): void {
    this.#suffixes.push(dn)
  }

  isAdministrator({ dn }: Requester): boolean {
    return dn !== undefined && dn.key === this.administrator.dn.key
  }

  /** The name in a request; `undefined` where it is none, or one that the schema doesn't have where that is checked. */
  readName(text: string): LdapDn.LdapDn | undefined {
    return readName(this.types, text)
  }

  /** Whether the directory would hold an entry of that name. */
  holds(dn: LdapDn.LdapDn): boolean {
    return this.suffixes.some((suffix) => dn.key === suffix.key || LdapDn.isDescendantOf(dn, suffix))
  }

  isSuffix(dn: LdapDn.LdapDn): boolean {
    return this.suffixes.some((suffix) => dn.key === suffix.key)
  }

  /** The refusal that a write of someone anonymous gets before anything else is looked at, as slapd gives it. */
  refuseUnknown(requester: Requester, operation: RequestOperation): ResultFields | undefined {
    return requester.dn !== undefined || this.mayDo(requester, operation)
      ? undefined
      : answer(LdapResultCode.strongerAuthRequired, "modifications require authentication")
  }

  /** By default everyone may read, and the administrator alone may write. */
  mayDo(requester: Requester, operation: RequestOperation): boolean {
    if (this.isAdministrator(requester)) return true
    return this.#access === undefined
      ? operation._tag === "SearchRequest" || operation._tag === "CompareRequest"
      : this.#access(requester.dn?.toString() ?? "", operation)
  }

  /** Passwords are seen by the administrator and by the entry itself. */
  maySee(requester: Requester, entry: DirectoryEntry, type: AttributeType): boolean {
    if (this.#visible === undefined && !passwordTypes.has(type.key)) return true
    if (this.isAdministrator(requester)) return true
    if (passwordTypes.has(type.key) && requester.dn?.key !== entry.dn.key) return false
    return this.#visible?.(requester.dn?.toString() ?? "", entry.dn, type.name) !== false
  }

  /** Whether there may be entries that someone doesn't know of. */
  hidesEntries(requester: Requester): boolean {
    return this.#visible !== undefined && !this.isAdministrator(requester)
  }

  maySeeEntry(requester: Requester, entry: DirectoryEntry): boolean {
    return !this.hidesEntries(requester) ||
      this.#visible?.(requester.dn?.toString() ?? "", entry.dn, undefined) !== false
  }

  findVisible(requester: Requester, dn: LdapDn.LdapDn): DirectoryEntry | undefined {
    const entry = this.tree.find(dn)
    return entry !== undefined && this.maySeeEntry(requester, entry) ? entry : undefined
  }

  /** With the name of the nearest entry above that the requester knows of. */
  noSuchObject(requester: Requester, dn: LdapDn.LdapDn): ResultFields {
    let above = this.holds(dn) ? LdapDn.parent(dn) : undefined
    while (above !== undefined && this.findVisible(requester, above) === undefined) above = LdapDn.parent(above)
    const matched = above === undefined ? undefined : this.tree.find(above)
    return answer(LdapResultCode.noSuchObject, "", matched?.dn.toString() ?? "")
  }

  /** The same entries added in the same order get the same UUIDs, so tests can rely on them. */
  nextUuid(): string {
    this.#uuidPrefix ??= uuidPrefix(this.suffixes[0]?.key ?? "")
    return `${this.#uuidPrefix}${(this.#uuids++).toString(16).padStart(12, "0")}`
  }
}

const passwordTypes: ReadonlySet<string> = new Set(["userpassword", "unicodepwd"])

/** All but the last 12 digits of the UUIDs of a directory, version 5 (RFC 4122) in form: they count the entries. */
const uuidPrefix = (suffix: string): string => {
  const hex = createHash("sha1").update(suffix).digest("hex")
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 3) | 8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-`
}

/** A name as slapd writes it: types by their own names, several of one RDN in order, names within names alike. */
export const prettyRdn = (types: AttributeTypes, rdn: LdapDn.Rdn): LdapDn.Rdn => {
  const attributes = rdn.attributes.map(({ type, value }) => {
    const known = types.find(type)?.type
    return { type: known?.name ?? type, value: known?.rule === "dn" ? prettyName(types, value) : value }
  })
  const inOrder = attributes.slice().sort((a, b) => (a.type < b.type ? -1 : 1))
  const same = inOrder.every(({ type, value }, i) => {
    const given = rdn.attributes[i]
    return type === given?.type && value === given.value
  })
  const byType = Object.fromEntries(inOrder.map(({ type, value }) => [type, value]))
  // One type twice can't be told apart by its name.
  return same || Object.keys(byType).length < inOrder.length ? rdn : LdapDn.rdn(byType)
}

/** A value that is a name, as slapd writes it; the same value where it is written so already, or is no name. */
export const prettyName = (types: AttributeTypes, value: Uint8Array): Uint8Array => {
  const text = Buffer.from(value).toString("utf8")
  const pretty = parseDn(text)?.rdns.map((rdn) => prettyRdn(types, rdn).toString()).join(",")
  return pretty === undefined || pretty === text ? value : Buffer.from(pretty)
}

/** Names are read as leniently as slapd reads them. */
export const parseDn = (text: string): LdapDn.LdapDn | undefined => {
  const dn = LdapDn.parse(text, { lenient: true })
  return Result.isSuccess(dn) ? dn.success : undefined
}
