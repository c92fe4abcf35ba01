/**
 * What a domain controller of Active Directory keeps of changes (MS-ADTS 3.1.1.1.9, 3.1.1.5.5): a number for each change (USN), which the
 * changed object has as `uSNChanged`; the objectGUID of each object; and deleted objects, as tombstones below `CN=Deleted Objects`, which only
 * a search with the show deleted control returns.
 *
 * Tombstones are outside of the tree: they are not counted, exported or found by name without the control.
 */
import { randomUUID } from "node:crypto"
import type { AttributeTypes } from "../../model/attribute/AttributeTypes.ts"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import type { Scope } from "../../protocol/LdapMessage.ts"
import type { Change, DirectoryChanges } from "./DirectoryChanges.ts"
import { DirectoryEntry, type DirectoryTree, type EntryHistory, StoredAttribute } from "./DirectoryTree.ts"
import { generalizedTime } from "./operationalAttributes.ts"

/** The parts of the state of a directory that it works with. */
interface Directory {
  readonly tree: DirectoryTree
  readonly changes: DirectoryChanges
  readonly types: AttributeTypes
  readonly suffixes: ReadonlyArray<LdapDn.LdapDn>
}

type Facts = Readonly<Record<string, string | Uint8Array>>

/** A tombstone keeps these; its other attributes are gone (MS-ADTS 3.1.1.5.5.1.1, as far as a directory for tests has them). */
const kept: ReadonlySet<string> = new Set([
  "objectclass",
  "objectguid",
  "objectsid",
  "samaccountname",
  "usncreated",
  "whencreated"
])

/** The attribute `name` in replication metadata; its change is that of the name and the place of an object. */
const nameId = 0x00090001

export class DomainController {
  readonly #state: Directory
  /** Identifies this copy of the database. A domain controller that is restored from a backup gets another one. */
  readonly invocationId = Buffer.from(randomUUID().replaceAll("-", ""), "hex")
  /** How many numbers the entries took that the directory began with. */
  readonly #loaded: number
  readonly #containers = new Map<string, DirectoryEntry>()
  readonly #tombstones = new Map<string, DirectoryEntry>()

  /** Gives the entries that are there their numbers, and keeps count of changes from now on. */
  constructor(state: Directory, now: number) {
    this.#state = state
    let usn = 1
    for (const suffix of state.suffixes) this.#makeContainer(suffix, now)
    for (const entry of state.tree.entries()) this.#stamp(entry, ++usn, usn, entry.history.created)
    this.#loaded = usn
    state.changes.listen((change) => this.#note(change))
  }

  /** The number of the last change. */
  get highestUsn(): number {
    return this.#loaded + this.#state.changes.number
  }

  /** The name of the entry that describes the service in the configuration. */
  get serviceName(): string {
    const [suffix = LdapDn.root] = this.#state.suffixes
    return `CN=NTDS Settings,CN=MEMORY,CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration,${suffix.toString()}`
  }

  /** The container of deleted objects, or one of them, by its name. */
  find(dn: LdapDn.LdapDn): DirectoryEntry | undefined {
    return this.#deleted().find((entry) => entry.dn.key === dn.key)
  }

  /** What is left of a deleted entry; `undefined` if it was restored. */
  tombstoneOf(entry: DirectoryEntry): DirectoryEntry | undefined {
    return this.#tombstones.get(entry.history.uuid)
  }

  /** The containers and deleted objects in a scope. */
  within(base: DirectoryEntry, scope: Scope): ReadonlyArray<DirectoryEntry> {
    return this.#state.tree.within(this.#deleted(), base, scope)
  }

  #deleted(): ReadonlyArray<DirectoryEntry> {
    // The entry at the top may be another one since the last time: it was restored.
    for (const container of this.#containers.values()) container.parent = this.#state.tree.findParent(container.dn)
    const isAttached = ({ parent }: DirectoryEntry) => parent !== undefined
    return [
      ...[...this.#containers.values()].filter(isAttached),
      ...[...this.#tombstones.values()].filter((entry) => entry.parent !== undefined && isAttached(entry.parent))
    ]
  }

  #makeContainer(suffix: LdapDn.LdapDn, now: number): void {
    const history = { uuid: randomUUID(), created: now, creator: "", modified: now, modifier: "" }
    const dn = LdapDn.child(suffix, LdapDn.rdn("CN", "Deleted Objects"))
    const container = new DirectoryEntry(dn, new Map(), history, undefined, this.#state.tree)
    this.#set(container, {
      objectClass: "container",
      cn: "Deleted Objects",
      isDeleted: "TRUE",
      objectGUID: guidOf(history.uuid)
    })
    this.#containers.set(suffix.key, container)
  }

  #note({ entry, number, type }: Change): void {
    const usn = this.#loaded + number
    if (type === "delete") return this.#bury(entry, usn)
    // An object that was restored is no tombstone any more.
    if (type === "add") this.#tombstones.delete(entry.history.uuid)
    if (type === "modifyDn") entry.noteChange("name", number)
    const created = type === "add" ? usn : undefined
    this.#stamp(entry, usn, created, entry.history.modified, type === "modifyDn" ? usn : undefined)
  }

  /** Writes what every object has. `created` and `renamed` are the numbers of such a change, if it is one. */
  #stamp(entry: DirectoryEntry, usn: number, created: number | undefined, now: number, renamed = created): void {
    this.#set(entry, {
      ...(entry.values("objectguid").length > 0 ? undefined : { objectGUID: guidOf(entry.history.uuid) }),
      ...(created === undefined ? undefined : { uSNCreated: String(created), whenCreated: timeOf(now) }),
      ...(renamed === undefined ? undefined : { name: nameOf(entry), replPropertyMetaData: this.#metadata(renamed) }),
      uSNChanged: String(usn),
      whenChanged: timeOf(now)
    })
  }

  #bury(entry: DirectoryEntry, usn: number): void {
    const suffix = this.#state.suffixes.find((one) => one.key === entry.dn.key || LdapDn.isDescendantOf(entry.dn, one))
    const container = suffix === undefined ? undefined : this.#containers.get(suffix.key)
    if (container === undefined) return
    const history: EntryHistory = { ...entry.history }
    const attributes = new Map([...entry.attributes].filter(([key]) => kept.has(key)))
    const tombstone = new DirectoryEntry(tombstoneDn(entry), attributes, history, container, this.#state.tree)
    tombstone.place = usn
    const [naming] = tombstone.dn.rdns[0]?.attributes ?? []
    this.#set(tombstone, {
      [naming?.type ?? "CN"]: naming?.text ?? "",
      name: naming?.text ?? "",
      isDeleted: "TRUE",
      lastKnownParent: LdapDn.parent(entry.dn)?.toString() ?? "",
      uSNChanged: String(usn),
      whenChanged: timeOf(history.modified),
      replPropertyMetaData: this.#metadata(usn)
    })
    this.#tombstones.set(history.uuid, tombstone)
  }

  #set(entry: DirectoryEntry, facts: Facts): void {
    const attributes = new Map(entry.attributes)
    for (const [description, value] of Object.entries(facts)) {
      const parsed = this.#state.types.learn(description)
      if (parsed === undefined) continue
      attributes.set(parsed.key, new StoredAttribute(description, parsed, [Buffer.from(value)]))
    }
    if (this.#state.tree.find(entry.dn) === entry) this.#state.tree.update(entry, attributes)
    else entry.attributes = attributes
  }

  /** Replication metadata (MS-DRDM PROPERTY_META_DATA_VECTOR) of one attribute, `name`, which tells renames from other changes. */
  #metadata(usn: number): Uint8Array {
    const bytes = Buffer.alloc(16 + 48)
    bytes.writeUInt32LE(1, 0)
    bytes.writeUInt32LE(1, 8)
    bytes.writeUInt32LE(nameId, 16)
    bytes.writeUInt32LE(1, 20)
    this.invocationId.copy(bytes, 32)
    bytes.writeBigUInt64LE(BigInt(usn), 48)
    bytes.writeBigUInt64LE(BigInt(usn), 56)
    return bytes
  }
}

const nameOf = ({ dn }: DirectoryEntry): string => dn.rdns[0]?.attributes[0]?.text ?? ""

/** `20260131235959.0Z`, as Active Directory writes it. */
const timeOf = (millis: number): string => generalizedTime(millis).replace("Z", ".0Z")

/** The name of a deleted object (MS-ADTS 3.1.1.5.5.1.1): `CN=name\\0ADEL:guid,CN=Deleted Objects,…`. */
export const tombstoneDn = (entry: DirectoryEntry): LdapDn.LdapDn => {
  const [naming] = entry.dn.rdns[0]?.attributes ?? []
  let top: DirectoryEntry = entry
  while (top.parent !== undefined) top = top.parent
  const container = LdapDn.child(top.dn, LdapDn.rdn("CN", "Deleted Objects"))
  const name = `${naming?.text ?? ""}\nDEL:${entry.history.uuid}`
  return LdapDn.child(container, LdapDn.rdn((naming?.type ?? "CN").toUpperCase(), name))
}

/** A UUID in the byte order of Active Directory (MS-DTYP 2.3.4.2). */
export const guidOf = (uuid: string): Uint8Array => {
  const octets = Buffer.from(uuid.replaceAll("-", ""), "hex")
  return Buffer.concat([
    octets.subarray(0, 4).reverse(),
    octets.subarray(4, 6).reverse(),
    octets.subarray(6, 8).reverse(),
    octets.subarray(8)
  ])
}
