/**
 * Loads the initial entries. No access rules apply and, unless the schema is enforced, values aren't checked. The history of an
 * entry in an export is kept (entryUUID, timestamps and names). Other attributes that only the server sets are left out.
 */
import * as Result from "effect/Result"
import { normalize } from "../../model/attribute/matchingRules.ts"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import type { LdapAttribute } from "../../model/entry/LdapEntry.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { ResultFields } from "../../protocol/LdapMessage.ts"
import type { DirectoryState } from "../directory/DirectoryState.ts"
import type {
  DirectoryEntry,
  EntryHistory,
  HistoryOf,
  StoredAttribute,
  StoredAttributes
} from "../directory/DirectoryTree.ts"
import { AttributePacker } from "../directory/PackedAttributes.ts"
import { fromSeed } from "./attributeChanges.ts"
import { answer, invalidDn, notHere, success } from "./directoryResult.ts"
import { addNamingValues } from "./naming.ts"
import { noControls } from "./requestControls.ts"
import { checkEntry } from "./schemaChecking.ts"

/** A name that was read, with the entry above it. */
interface Name {
  readonly key: string
  /** Its text, if that is spelled as the parent's name with an RDN before it. */
  readonly name: LdapDn.LdapDn | string
  readonly rdn: LdapDn.Rdn
  readonly parent: DirectoryEntry | undefined
}

/** Loads entries one by one. Successive entries mostly have the same parent, whose name is parsed once. */
export class Loader {
  readonly #state: DirectoryState
  readonly #now: number
  /** Whether a name outside of the suffixes becomes a suffix. */
  readonly #takesSuffixes: boolean
  /** The parent of the previous entry, and its name as it was written. */
  #parent: { readonly text: string; readonly entry: DirectoryEntry } | undefined
  #classes: StoredAttribute | undefined
  readonly #packer = new AttributePacker()
  readonly #newHistory: HistoryOf

  /** `now` is the Clock's time in milliseconds. */
  constructor(state: DirectoryState, now: number, options?: { readonly takesSuffixes: boolean }) {
    this.#state = state
    this.#now = now
    this.#takesSuffixes = options?.takesSuffixes ?? false
    const creator = state.administrator.dn.toString()
    this.#newHistory = (number) => ({
      uuid: state.uuidOf(number),
      created: now,
      creator,
      modified: now,
      modifier: creator
    })
  }

  load(text: string, given: ReadonlyArray<LdapAttribute>): ResultFields {
    const state = this.#state
    const read = this.#read(text)
    if (read === undefined) return invalidDn
    const { key, name, parent, rdn } = read
    if (parent === undefined && typeof name !== "string") {
      if (!state.holds(name)) {
        if (!this.#takesSuffixes) return notHere
        state.addSuffix(name)
      }
      if (!state.isSuffix(name)) return answer(LdapResultCode.noSuchObject, "", state.tree.matchedDn(name))
    }
    if (state.tree.has(key)) return answer(LdapResultCode.entryAlreadyExists)
    const parsed = fromSeed(state.types, given)
    if (Result.isFailure(parsed)) return parsed.failure
    const attributes = parsed.success
    this.#shareClasses(attributes)
    const history = isWithHistory(attributes) ? this.#historyFrom(attributes) : this.#newHistory
    for (const [key, { parsed: { type } }] of attributes) if (type.readOnly) attributes.delete(key)
    addNamingValues(state.types, attributes, rdn)
    const refused = checkEntry(state, attributes, rdn, noControls)
    if (refused !== undefined) return refused
    // A UUID of its own takes no number.
    const number = typeof history === "function" ? state.nextUuidNumber() : undefined
    state.tree.insertNamed(key, name, this.#packer.pack(attributes), history, parent, number)
    return success
  }

  #read(text: string): Name | undefined {
    const at = text.indexOf(",")
    // After a backslash or a quotation mark, a comma can be part of a value. A semicolon separates RDNs too.
    const above = at < 0 || /[\\";]/.test(text.slice(0, at)) ? undefined : text.slice(at + 1)
    if (above !== undefined && above === this.#parent?.text) {
      const own = this.#state.readName(text.slice(0, at))
      const [rdn] = own?.rdns ?? []
      const { entry } = this.#parent
      if (rdn !== undefined) {
        const key = `${rdn.key},${entry.dn.key}`
        // Mostly they are equal, and one of the two strings is enough.
        return { key: key === text ? text : key, name: text, rdn, parent: entry }
      }
    }
    const dn = this.#state.readName(text)
    const [rdn] = dn?.rdns ?? []
    if (dn === undefined || rdn === undefined) return undefined
    const parent = this.#state.tree.findParent(dn)
    // If the parent's name is written in the same way, both entries share it.
    const isAlike = parent !== undefined && LdapDn.parent(dn)?.toString() === parent.dn.toString()
    if (isAlike && above !== undefined) this.#parent = { text: above, entry: parent }
    return { key: dn.key, name: isAlike ? LdapDn.child(parent.dn, rdn) : dn, rdn, parent }
  }

  /** Entries of the same classes share their attribute. */
  #shareClasses(attributes: Map<string, StoredAttribute>): void {
    const own = attributes.get("objectclass")
    if (own === undefined) return
    const last = this.#classes
    const isSame = last !== undefined && last.description === own.description && last.size === own.size &&
      own.values.every((value, i) => Buffer.compare(value, last.values[i] ?? new Uint8Array(0)) === 0)
    if (isSame) attributes.set("objectclass", last)
    else this.#classes = own
  }

  #historyFrom(attributes: ReadonlyMap<string, StoredAttribute>): EntryHistory {
    const text = (key: string): string | undefined => {
      const [value] = attributes.get(key)?.values ?? []
      return value === undefined ? undefined : Buffer.from(value).toString("utf8")
    }
    const time = (key: string): number | undefined => {
      const [value] = attributes.get(key)?.values ?? []
      const normalized = value === undefined ? undefined : normalize("time", value)
      return normalized === undefined ? undefined : Date.parse(`${normalized.slice(0, 19)}Z`)
    }
    const created = time("createtimestamp") ?? this.#now
    const creator = text("creatorsname") ?? this.#state.administrator.dn.toString()
    return {
      uuid: text("entryuuid") ?? this.#state.nextUuid(),
      created,
      creator,
      modified: time("modifytimestamp") ?? created,
      modifier: text("modifiersname") ?? creator
    }
  }
}

/** Whether an entry has an attribute of which its history is made. */
const isWithHistory = (attributes: StoredAttributes): boolean => historyKeys.some((key) => attributes.has(key))

const historyKeys = ["entryuuid", "createtimestamp", "creatorsname", "modifytimestamp", "modifiersname"]
