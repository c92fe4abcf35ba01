/**
 * The state that all connections of a directory share: its entries, its suffixes and its access rules. Operations are functions
 * over it, in updates.ts, search.ts and authentication.ts. All of them are synchronous, so no operation sees a half-finished change
 * of another.
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
import type { DomainController } from "./DomainController.ts"
import { type Limits, limitsOf } from "./ServerLimits.ts"
import { readName } from "./valueChecking.ts"

/**
 * Decides whether an identity other than the administrator may do an operation. The identity is the distinguished name that was
 * bound, empty for anonymous.
 *
 * @category models
 * @since 0.1.0
 */
export type Access = (identity: string, operation: RequestOperation) => boolean

/**
 * Decides whether an identity other than the administrator sees an attribute of an entry or, if the attribute is `undefined`, the
 * entry itself. The identity is the distinguished name that was bound, empty for anonymous. The attribute has the name that the
 * schema gives it.
 *
 * @category models
 * @since 0.1.0
 */
export type Visibility = (identity: string, entry: LdapDn.LdapDn, attribute: string | undefined) => boolean

export interface Administrator {
  readonly dn: LdapDn.LdapDn
  /** Without it, the administrator can bind only if an entry of that name has a password. */
  readonly password: Uint8Array | undefined
}

/** The identity on whose behalf a request is carried out. */
export interface Requester {
  /** The distinguished name, or `undefined` for anonymous. */
  readonly dn: LdapDn.LdapDn | undefined
}

export const anonymous: Requester = { dn: undefined }

export class DirectoryState {
  readonly tree: DirectoryTree
  readonly types: AttributeTypes
  readonly changes = new DirectoryChanges()
  /** The keys of the suffixes whose entries are logs of changes: no part of the directory's content. */
  readonly logs = new Set<string>()
  readonly administrator: Administrator
  /** The maximum number of entries that a search returns, except to the administrator; 0 is no limit. */
  readonly sizeLimit: number
  readonly allowAnonymous: boolean
  /** The maximum number of values of an attribute in one answer, as Active Directory has it; 0 is no limit. */
  readonly maxValues: number
  /** The limits of each connection. */
  readonly limits: Limits
  /** How many changes may wait for the client of one search that follows changes. */
  readonly maxNews: number
  readonly passwordPolicy: PasswordPolicy | undefined
  readonly passwordScheme: PasswordScheme
  readonly schemaChecking: boolean
  /** What a domain controller keeps of changes, if this directory is one. */
  domainController: DomainController | undefined
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

  /** The names at the top of the directory. */
  get suffixes(): ReadonlyArray<LdapDn.LdapDn> {
    return this.#suffixes
  }

  /** Adds a name at the top of the directory. */
  addSuffix(dn: LdapDn.LdapDn): void {
    this.#suffixes.push(dn)
  }

  isAdministrator({ dn }: Requester): boolean {
    return dn !== undefined && dn.key === this.administrator.dn.key
  }

  /** Parses the name in a request; `undefined` if it is invalid, or not in the schema where that is enforced. */
  readName(text: string): LdapDn.LdapDn | undefined {
    return readName(this.types, text)
  }

  /** Whether a name is a suffix or below one. */
  holds(dn: LdapDn.LdapDn): boolean {
    return this.suffixes.some((suffix) => dn.key === suffix.key || LdapDn.isDescendantOf(dn, suffix))
  }

  isSuffix(dn: LdapDn.LdapDn): boolean {
    return this.suffixes.some((suffix) => dn.key === suffix.key)
  }

  /** The refusal of an anonymous write. Like slapd, it comes before other checks. */
  refuseUnknown(requester: Requester, operation: RequestOperation): ResultFields | undefined {
    return requester.dn !== undefined || this.mayDo(requester, operation)
      ? undefined
      : answer(LdapResultCode.strongerAuthRequired, "modifications require authentication")
  }

  /** By default all identities may read, and only the administrator may write. */
  mayDo(requester: Requester, operation: RequestOperation): boolean {
    if (this.isAdministrator(requester)) return true
    return this.#access === undefined
      ? operation._tag === "SearchRequest" || operation._tag === "CompareRequest"
      : this.#access(requester.dn?.toString() ?? "", operation)
  }

  /** The administrator and the entry itself see passwords. */
  maySee(requester: Requester, entry: DirectoryEntry, type: AttributeType): boolean {
    if (this.#visible === undefined && !passwordTypes.has(type.key)) return true
    if (this.isAdministrator(requester)) return true
    if (passwordTypes.has(type.key) && requester.dn?.key !== entry.dn.key) return false
    return this.#visible?.(requester.dn?.toString() ?? "", entry.dn, type.name) !== false
  }

  /** Whether entries may be hidden from the requester. */
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

  /** The refusal with the name of the nearest existing entry above that the requester sees. */
  noSuchObject(requester: Requester, dn: LdapDn.LdapDn): ResultFields {
    let above = this.holds(dn) ? LdapDn.parent(dn) : undefined
    while (above !== undefined && this.findVisible(requester, above) === undefined) above = LdapDn.parent(above)
    const matched = above === undefined ? undefined : this.tree.find(above)
    return answer(LdapResultCode.noSuchObject, "", matched?.dn.toString() ?? "")
  }

  /** The same entries, added in the same order, get the same UUIDs, so tests can rely on them. */
  nextUuid(): string {
    return this.uuidOf(this.nextUuidNumber())
  }

  /** The number of the next UUID. */
  nextUuidNumber(): number {
    return this.#uuids++
  }

  uuidOf(number: number): string {
    this.#uuidPrefix ??= uuidPrefix(this.suffixes[0]?.key ?? "")
    return `${this.#uuidPrefix}${number.toString(16).padStart(12, "0")}`
  }
}

const passwordTypes: ReadonlySet<string> = new Set(["userpassword", "unicodepwd"])

/** The UUIDs of a directory without their last 12 digits, in which entries are counted. Their form is version 5 (RFC 4122). */
const uuidPrefix = (suffix: string): string => {
  const hex = createHash("sha1").update(suffix).digest("hex")
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 3) | 8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-`
}

/** Writes a name as slapd does: types by their first names, the attributes of an RDN in order, names within names too. */
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
  // Two attributes of one type have the same key in the record.
  return same || Object.keys(byType).length < inOrder.length ? rdn : LdapDn.rdn(byType)
}

/** A value that is a name, as slapd writes it. The same value if it is written so already or isn't a name. */
export const prettyName = (types: AttributeTypes, value: Uint8Array): Uint8Array => {
  const text = Buffer.from(value).toString("utf8")
  const pretty = parseDn(text)?.rdns.map((rdn) => prettyRdn(types, rdn).toString()).join(",")
  return pretty === undefined || pretty === text ? value : Buffer.from(pretty)
}

/** Parses names as leniently as slapd does. */
export const parseDn = (text: string): LdapDn.LdapDn | undefined => {
  const dn = LdapDn.parse(text, { lenient: true })
  return Result.isSuccess(dn) ? dn.success : undefined
}
