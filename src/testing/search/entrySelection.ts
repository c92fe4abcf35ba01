/**
 * The part of an entry that is returned: the attributes that the client requests and may see, the values that the matched values
 * control (RFC 3876) selects, and ranges of values (MS-ADTS 3.1.1.3.1.3.3).
 */
import { BerWriter } from "../../ber/BerWriter.ts"
import {
  type AttributeType,
  type Description,
  isSubtypeOf,
  objectClassOf,
  superclassesOf
} from "../../model/attribute/AttributeTypes.ts"
import type { LdapControl } from "../../model/control/LdapControl.ts"
import type { ValueFilter } from "../../model/control/LdapControlSearch.ts"
import * as LdapEntry from "../../model/entry/LdapEntry.ts"
import { encode } from "../../protocol/encode.ts"
import { OperationTag } from "../../protocol/LdapMessage.ts"
import type { DirectoryState, Requester } from "../directory/DirectoryState.ts"
import { DirectoryEntry, StoredAttribute } from "../directory/DirectoryTree.ts"
import { operationalAttributes } from "../directory/operationalAttributes.ts"
import { compile } from "./entryMatching.ts"

/** An entry as it is returned. */
export interface FoundEntry {
  readonly dn: string
  readonly attributes: ReadonlyArray<LdapEntry.LdapAttribute>
}

/** The requested part of entries; `attributes` as in a search request. */
export interface Wanted {
  readonly attributes: ReadonlyArray<string>
  readonly typesOnly?: boolean | undefined
  readonly matchedValues?: ReadonlyArray<ValueFilter> | undefined
}

const noValues: ReadonlyArray<Uint8Array> = []

export const selection = (
  state: DirectoryState,
  { attributes: names, matchedValues, typesOnly = false }: Wanted,
  requester: Requester
): (entry: DirectoryEntry) => FoundEntry => {
  const { ranges, wanted } = rangesOf(names)
  const classes = wanted.flatMap((name) => name.startsWith("@") ? superclassesOf(name.slice(1).toLowerCase()) : [])
  // An extensible object may have all attributes.
  const everything = classes.includes("extensibleobject")
  const allUser = everything || wanted.length === 0 || wanted.includes("*")
  const allOperational = everything || wanted.includes("+")
  // "1.1" is no attribute, so it selects none. The same holds for unknown names.
  const asked: ReadonlyArray<Description> = [...wanted, ...classes.flatMap(attributesOfClass)].flatMap((name) =>
    state.types.find(name) ?? []
  )
  const askedFor = ({ parsed }: StoredAttribute): boolean =>
    (parsed.type.operational ? allOperational : allUser) ||
    asked.some((description) => isSubtypeOf(parsed, description))
  const needsOperational = allOperational || asked.some(({ type }) => type.operational)
  const valuesOf = matchedValues === undefined || typesOnly
    ? (_: DirectoryEntry, stored: StoredAttribute) => stored.values
    : valueFilter(state, matchedValues)
  return (entry) => {
    const maySee = (type: AttributeType): boolean => state.maySee(requester, entry, type)
    const attributes: Array<LdapEntry.LdapAttribute> = []
    const show = (stored: StoredAttribute): void => {
      if (!askedFor(stored) || !maySee(stored.parsed.type)) return
      const { description } = stored
      const values = valuesOf(entry, stored)
      if (values.length === 0 && matchedValues !== undefined && !typesOnly) return
      if (typesOnly) attributes.push({ description, values: noValues })
      else attributes.push(ranged(description, values, ranges.get(stored.parsed.key), state.maxValues))
    }
    for (const stored of entry.attributes.values()) show(stored)
    // The root DSE and the subschema entry have no history; their attributes are complete.
    if (needsOperational && entry.history.uuid !== "") {
      for (const stored of operationalAttributes(entry)) show(stored)
    }
    return { dn: entry.dn.toString(), attributes }
  }
}

/** The attributes of a class itself, without those of its superclasses, for a selection by `@` and its name (RFC 4529). */
const attributesOfClass = (name: string): ReadonlyArray<string> => {
  const known = objectClassOf(name)
  return known === undefined ? [] : [...known.must, ...known.may].map(({ name }) => name)
}

/** Selects the values of an attribute that match one of the filters. */
const valueFilter = (state: DirectoryState, filters: ReadonlyArray<ValueFilter>) => {
  const matchers = filters.map((filter) => compile(filter, state.types, () => true))
  return (entry: DirectoryEntry, stored: StoredAttribute): ReadonlyArray<Uint8Array> =>
    stored.values.filter((value) => {
      const alone = new StoredAttribute(stored.description, stored.parsed, [value])
      const one = new DirectoryEntry(entry.dn, new Map([[stored.parsed.key, alone]]), entry.history, undefined)
      return matchers.some((matches) => matches(one) === true)
    })
}

// ---------------------------------------------------------------------------------------------------------------------
// Ranges of values
// ---------------------------------------------------------------------------------------------------------------------

interface Range {
  readonly from: number
  /** Included; `undefined` for the last. */
  readonly to: number | undefined
}

const rangeSyntax = /^(.+);range=(\d{1,9})-(\d{1,9}|\*)$/i

/** `member;range=0-1499` selects `member` and a range of its values. */
const rangesOf = (names: ReadonlyArray<string>) => {
  const ranges = new Map<string, Range>()
  const wanted = names.map((name) => {
    const [, attribute, from, to] = rangeSyntax.exec(name) ?? []
    if (attribute === undefined) return name
    ranges.set(attribute.toLowerCase(), { from: Number(from), to: to === "*" ? undefined : Number(to) })
    return attribute
  })
  return { ranges, wanted }
}

/** The attribute with the values of a range; unchanged if there is neither a limit nor a range. */
const ranged = (
  description: string,
  values: ReadonlyArray<Uint8Array>,
  range: Range | undefined,
  limit: number
): LdapEntry.LdapAttribute => {
  if (range === undefined && (limit === 0 || values.length <= limit)) return { description, values }
  const { from, to } = range ?? { from: 0, to: undefined }
  const most = limit === 0 ? values.length : limit
  const end = Math.min(to === undefined ? values.length : to + 1, from + most)
  const last = end >= values.length ? "*" : String(end - 1)
  return { description: `${description};range=${from}-${last}`, values: values.slice(from, end) }
}

// ---------------------------------------------------------------------------------------------------------------------
// As bytes
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Encodes the message that returns an entry. Without controls, it is encoded directly, without an `LdapEntry`, since most messages
 * of a server are of this kind.
 */
export const encodeFound = (
  messageId: number,
  { attributes, dn }: FoundEntry,
  controls: ReadonlyArray<LdapControl>
): Buffer => {
  if (controls.length > 0) {
    return encode({
      messageId,
      operation: { _tag: "SearchResultEntry", entry: LdapEntry.make(dn, attributes) },
      controls
    })
  }
  const writer = new BerWriter(512)
  writer.start()
  writer.integer(messageId)
  writer.start(OperationTag.SearchResultEntry)
  LdapEntry.write(writer, dn, attributes)
  writer.end()
  writer.end()
  return writer.finish()
}
