/**
 * SDDL, the text of security descriptors (MS-DTYP section 2.5.1): `O:BAG:BAD:P(A;CI;RPLC;;;AU)`.
 *
 * The reader passes over its text once. Conditions of entries are kept as bytes and have no text form here.
 */
import * as Result from "effect/Result"
import * as Guid from "../../model/windows/Guid.ts"
import * as Sid from "../../model/windows/Sid.ts"
import { WindowsValueError } from "../../model/windows/WindowsValueError.ts"
import { relativeSids } from "../wellKnownSids.ts"
import {
  flagLetters,
  flagsByLetters,
  labelLetters,
  lettersBySid,
  listFlags,
  relativeByLetters,
  rightLetters,
  rightsByLetters,
  sidsByLetters,
  typeLetters
} from "./sddlTables.ts"
import {
  type AccessControlEntry,
  type AccessControlList,
  type AceType,
  type Entry,
  isObjectType,
  type SecurityDescriptor
} from "./securityModel.ts"

/**
 * The domains behind the SDDL letters that stand for groups of a domain.
 *
 * @category models
 * @since 0.2.0
 */
export interface SddlOptions {
  /** The SID of the domain, `S-1-5-21-…`, for `DA` (Domain Admins), `DU`, `LA` and others. */
  readonly domain?: string | undefined
  /** The SID of the root domain of the forest, for `EA`, `SA`, `EK` and `RO`. Default: `domain`. */
  readonly forest?: string | undefined
}

/** No descriptor has more. */
const maxLength = 1024 * 1024

class Mistake extends Error {
  readonly position: number | undefined
  constructor(detail: string, position?: number) {
    super(detail)
    this.position = position
  }
}

const attempt = <A>(body: () => A): Result.Result<A, WindowsValueError> => {
  try {
    return Result.succeed(body())
  } catch (error) {
    if (!(error instanceof Mistake)) throw error
    const { message: detail, position } = error
    return Result.fail(new WindowsValueError({ expected: "SDDL text", detail, position }))
  }
}

const fail = (detail: string, position?: number): never => {
  throw new Mistake(detail, position)
}

// ---------------------------------------------------------------------------------------------------------------------
// Reading
// ---------------------------------------------------------------------------------------------------------------------

export const readSddl = (text: string, options: SddlOptions): Result.Result<SecurityDescriptor, WindowsValueError> =>
  attempt(() => {
    if (typeof text !== "string") return fail("text belongs there")
    if (text.length > maxLength) return fail(`it has more than ${maxLength} characters`)
    return new SddlReader(text, options).descriptor()
  })

class SddlReader {
  readonly #text: string
  readonly #options: SddlOptions
  #at = 0

  constructor(text: string, options: SddlOptions) {
    this.#text = text
    this.#options = options
  }

  descriptor(): SecurityDescriptor {
    let owner: string | undefined
    let group: string | undefined
    let dacl: AccessControlList | null | undefined
    let sacl: AccessControlList | null | undefined
    let control = 0
    const seen = new Set<string>()
    for (this.#blanks(); this.#at < this.#text.length; this.#blanks()) {
      const part = this.#text.slice(this.#at, this.#at + 2).toUpperCase()
      if (seen.has(part)) return fail("a part comes twice", this.#at)
      seen.add(part)
      switch (part) {
        case "O:":
        case "G:": {
          this.#at += 2
          const sid = this.#sid(/[\s:]/)
          if (part === "O:") owner = sid
          else group = sid
          break
        }
        case "D:":
        case "S:": {
          this.#at += 2
          const list = this.#list(part === "D:" ? "dacl" : "sacl")
          control |= list.control
          if (part === "D:") dacl = list.list
          else sacl = list.list
          break
        }
        default:
          return fail("a part begins with O:, G:, D: or S:", this.#at)
      }
    }
    return { owner, group, control, resourceManagerControl: 0, dacl, sacl }
  }

  #blanks(): void {
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at++
  }

  /** A SID after `O:` or `G:`. It ends before the next part, whose letter comes before a colon. */
  #sid(end: RegExp): string {
    const start = this.#at
    // No SID is longer.
    const limit = Math.min(this.#text.length, start + 200)
    let to = start
    while (to < limit && !end.test(this.#text.charAt(to))) to++
    if (this.#text.charAt(to) === ":") to--
    this.#at = to
    return this.#sidOf(this.#text.slice(start, to), start)
  }

  #sidOf(text: string, at: number): string {
    const letters = text.trim().toUpperCase()
    const universal = sidsByLetters.get(letters)
    if (universal !== undefined) return universal
    const relative = relativeByLetters.get(letters)
    if (relative !== undefined) {
      const { domain, forest = domain } = this.#options
      const of = relative.of === "forest" ? forest : domain
      if (of === undefined) return fail(`${letters} depends on the domain: give its SID as the option domain`, at)
      const sid = Sid.withRid(of, relative.rid)
      return Result.isSuccess(sid) ? sid.success : fail("the option for the domain is not a SID", at)
    }
    const sid = Sid.normalize(letters)
    return Result.isSuccess(sid) ? sid.success : fail("neither a SID nor letters of a well-known one", at)
  }

  #list(which: "dacl" | "sacl"): { readonly list: AccessControlList | null; readonly control: number } {
    let control = 0
    let isNull = false
    const entries: Array<Entry> = []
    const bits = listFlags[which]
    flags: for (;;) {
      this.#blanks()
      const rest = this.#text.slice(this.#at, this.#at + 20).toUpperCase()
      if (rest.startsWith("NO_ACCESS_CONTROL")) {
        isNull = true
        this.#at += "NO_ACCESS_CONTROL".length
        continue
      }
      // The letters of a flag may also start the next part. `S` is not a flag, and a `P` before a colon isn't one either.
      for (const [letters, bit] of bits) {
        if (rest.startsWith(letters)) {
          control |= bit
          this.#at += letters.length
          continue flags
        }
      }
      break
    }
    for (this.#blanks(); this.#text.charAt(this.#at) === "("; this.#blanks()) entries.push(this.#entry())
    if (isNull && entries.length > 0) return fail("a list without access control has no entries", this.#at)
    const revision = entries.some(({ type }) => type !== "unknown" && isObjectType(type)) ? 4 : 2
    return { control, list: isNull ? null : { revision, entries } }
  }

  #entry(): AccessControlEntry {
    const start = this.#at
    const end = this.#text.indexOf(")", start)
    const content = this.#text.slice(start + 1, end === -1 ? this.#text.length : end)
    const fields = content.split(";", 8)
    const [letters = "", flags = "", rights = "", objectType = "", inheritedObjectType = "", sid = "", more] = fields
    if (more !== undefined) return fail("a condition or a resource attribute has no text here", start)
    if (end === -1) return fail("an entry has no end", start)
    if (fields.length < 6) return fail("an entry has six fields", start)
    this.#at = end + 1
    const type = typesByLetters.get(letters.trim().toUpperCase()) ?? fail("there is no such kind of entry", start)
    const guid = (text: string): string | undefined => {
      if (text.trim() === "") return undefined
      const guid = Guid.normalize(text.trim())
      return Result.isSuccess(guid) ? guid.success : fail("a field that is no GUID", start)
    }
    const guids = { objectType: guid(objectType), inheritedObjectType: guid(inheritedObjectType) }
    if (!isObjectType(type) && (guids.objectType !== undefined || guids.inheritedObjectType !== undefined)) {
      return fail("only the kinds OA, OD, OU and OL have GUIDs", start)
    }
    return {
      type,
      flags: bitsOf(flags.trim().toUpperCase(), flagsByLetters, "flag", start),
      mask: rightsOf(rights.trim(), start),
      sid: this.#sidOf(sid, start),
      ...(guids.objectType === undefined ? {} : { objectType: guids.objectType }),
      ...(guids.inheritedObjectType === undefined ? {} : { inheritedObjectType: guids.inheritedObjectType })
    }
  }
}

const typesByLetters = new Map<string, AceType>(
  // The keys of the table are kinds.
  (Object.entries(typeLetters) as Array<[AceType, string]>).map(([type, letters]) => [letters, type])
)

const bitsOf = (text: string, table: ReadonlyMap<string, number>, what: string, at: number): number => {
  let bits = 0
  for (let i = 0; i < text.length; i += 2) {
    bits |= table.get(text.slice(i, i + 2)) ?? fail(`there is no such ${what}`, at)
  }
  return bits >>> 0
}

const rightsOf = (text: string, at: number): number => {
  if (!/^(?:0x[0-9a-f]{1,8}|[0-9]{1,11})$/i.test(text)) {
    return bitsOf(text.toUpperCase(), rightsByLetters, "right", at)
  }
  // A zero before other digits means octal.
  const value = /^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text)
  return value < 2 ** 32 ? value : fail("rights have 32 bits", at)
}

// ---------------------------------------------------------------------------------------------------------------------
// Writing
// ---------------------------------------------------------------------------------------------------------------------

export const writeSddl = (
  descriptor: SecurityDescriptor,
  options: SddlOptions
): Result.Result<string, WindowsValueError> =>
  attempt(() => {
    if (typeof descriptor !== "object" || descriptor === null) return fail("a descriptor belongs there")
    const { control, dacl, group, owner, sacl } = descriptor
    const sidText = sidWriter(options)
    const list = (letter: string, which: "dacl" | "sacl", list: AccessControlList | null | undefined): string => {
      if (list === undefined) return ""
      const flags = listFlags[which].filter(([, bit]) => (control & bit) !== 0).map(([letters]) => letters).join("")
      const content = list === null
        ? "NO_ACCESS_CONTROL"
        : list.entries.map((entry) => entryText(entry, sidText)).join("")
      return `${letter}:${flags}${content}`
    }
    return (owner === undefined ? "" : `O:${sidText(owner)}`) + (group === undefined ? "" : `G:${sidText(group)}`) +
      list("D", "dacl", dacl) + list("S", "sacl", sacl)
  })

type SidText = (sid: string) => string

const sidWriter = ({ domain, forest = domain }: SddlOptions): SidText => {
  const letters = new Map(lettersBySid)
  for (const relative of Object.values(relativeSids)) {
    const of = relative.of === "forest" ? forest : domain
    const sid = of === undefined || relative.alias === undefined ? undefined : Sid.withRid(of, relative.rid)
    if (sid === undefined || relative.alias === undefined) continue
    letters.set(Result.isSuccess(sid) ? sid.success : fail("the option for the domain is not a SID"), relative.alias)
  }
  return (sid) => {
    const text = Sid.normalize(sid)
    return Result.isSuccess(text) ? letters.get(text.success) ?? text.success : fail("a SID that is none")
  }
}

const entryText = (entry: Entry, sidText: SidText): string => {
  if (entry.type === "unknown") return fail(`entries of kind ${entry.number} have no text`)
  const letters = typeLetters[entry.type] ?? fail(`entries of kind ${entry.type} have no text`)
  if (entry.applicationData !== undefined || /Callback|resourceAttribute/.test(entry.type)) {
    return fail(`the condition or value of an entry of kind ${entry.type} has no text here`)
  }
  const flags = flagLetters.filter(([, bit]) => (entry.flags & bit) !== 0).map(([letters]) => letters).join("")
  const table = entry.type === "mandatoryLabel" ? labelLetters : rightLetters
  const { inheritedObjectType = "", mask, objectType = "", sid } = entry
  return `(${letters};${flags};${rightsText(mask, table)};${objectType};${inheritedObjectType};${sidText(sid)})`
}

/** As letters if they stand for all bits, otherwise in hexadecimal. */
const rightsText = (mask: number, table: ReadonlyArray<readonly [letters: string, bits: number]>): string => {
  const known = table.filter(([, bits]) => (mask & bits) !== 0)
  const covered = known.reduce((all, [, bits]) => (all | bits) >>> 0, 0)
  return covered === mask && mask !== 0 ? known.map(([letters]) => letters).join("") : `0x${mask.toString(16)}`
}
