/**
 * Checks an entry against its object classes (RFC 4512 section 2.4), if the schema is enforced: one structural class with its
 * superclasses, all required attributes, no attribute that isn't allowed. Codes and texts are slapd's.
 */
import {
  type AttributeType,
  isSubclassOf,
  type ObjectClass,
  objectClassOf,
  structuralClass
} from "../../model/attribute/AttributeTypes.ts"
import type { Rdn } from "../../model/dn/LdapDn.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { ResultFields } from "../../protocol/LdapMessage.ts"
import type { DirectoryState } from "../directory/DirectoryState.ts"
import type { DirectoryEntry, StoredAttributes } from "../directory/DirectoryTree.ts"
import { answer } from "./directoryResult.ts"
import { checkNaming } from "./naming.ts"
import type { RequestControls } from "./requestControls.ts"

const violation = (text: string): ResultFields => answer(LdapResultCode.objectClassViolation, text)

/**
 * The refusal of an invalid entry. It needs an object class and the values of its RDN and, if the schema is enforced, must conform
 * to its classes. `before` is the entry that is changed.
 */
export const checkEntry = (
  state: DirectoryState,
  attributes: StoredAttributes,
  rdn: Rdn,
  controls: RequestControls,
  before?: DirectoryEntry
): ResultFields | undefined => {
  const misplaced = state.schemaChecking ? checkPlaces(attributes) : undefined
  if (misplaced !== undefined) return misplaced
  const names = attributes.get("objectclass")?.keys
  if (names === undefined) return violation("no objectClass attribute")
  if (!state.schemaChecking) return checkNaming(state.types, attributes, rdn)
  return checkClasses(names, controls, before) ?? checkNaming(state.types, attributes, rdn) ??
    checkContent(attributes, names)
}

/** Attributes that only some kinds of entries may have, with slapd's name of that kind. */
const places: ReadonlyMap<string, string> = new Map([
  ["ref", "referral"],
  ["aliasedobjectname", "alias"],
  ...[
    "altserver",
    "namingcontexts",
    "supportedcontrol",
    "supportedextension",
    "supportedldapversion",
    "supportedfeatures"
  ]
    .concat("supportedsaslmechanisms").map((key) => [key, "root DSE"] as const)
])

/** The refusal of attributes that the kind of entry can't have. */
const checkPlaces = (attributes: StoredAttributes): ResultFields | undefined => {
  for (const { parsed: { type } } of attributes.values()) {
    const place = places.get(type.key)
    if (place !== undefined && attributes.get("objectclass")?.has(place) !== true) {
      return violation(`attribute "${type.name}" only allowed in the ${place}`)
    }
  }
  return undefined
}

/** The refusal of object classes that are unknown, or that have no single structural class with its superclasses. */
const checkClasses = (
  names: ReadonlyArray<string>,
  { relax }: RequestControls,
  before: DirectoryEntry | undefined
): ResultFields | undefined => {
  const unknown = names.findIndex((name) => objectClassOf(name) === undefined)
  if (unknown >= 0) {
    return answer(LdapResultCode.invalidAttributeSyntax, `objectClass: value #${unknown} invalid per syntax`)
  }
  const structural = structuralClass(names)
  if (structural === undefined) return violation("no structural object class provided")
  const stranger = classesOf(names).find(({ name, structural: isStructural }) =>
    isStructural && !isSubclassOf(structural.toLowerCase(), name.toLowerCase())
  )
  if (stranger !== undefined) {
    return violation(`invalid structural object class chain (${stranger.name}/${structural})`)
  }
  const earlier = before?.structuralClass
  return earlier === undefined || earlier === structural || relax === true ? undefined : answer(
    LdapResultCode.objectClassModsProhibited,
    `structural object class modification from '${earlier}' to '${structural}' not allowed`
  )
}

/** The refusal of an entry that lacks a required attribute or has one that its classes don't allow. */
const checkContent = (attributes: StoredAttributes, names: ReadonlyArray<string>): ResultFields | undefined => {
  const all = withSuperiors(classesOf(names))
  const present = new Set([...attributes.values()].map(({ parsed }) => parsed.type))
  for (const { must, name } of all) {
    const missing = must.find((type) => !present.has(type))
    if (missing !== undefined) return violation(`object class '${name}' requires attribute '${missing.name}'`)
  }
  if (names.includes("extensibleobject")) return undefined
  const allowed = new Set<AttributeType>()
  for (const { may, must } of all) for (const type of [...must, ...may]) allowed.add(type)
  const forbidden = [...present].find((type) => !type.operational && type.key !== "objectclass" && !allowed.has(type))
  return forbidden === undefined ? undefined : violation(`attribute '${forbidden.name}' not allowed`)
}

const classesOf = (names: ReadonlyArray<string>): ReadonlyArray<ObjectClass> =>
  names.flatMap((name) => objectClassOf(name) ?? [])

const withSuperiors = (classes: ReadonlyArray<ObjectClass>): ReadonlySet<ObjectClass> => {
  const all = new Set<ObjectClass>()
  for (let one of classes) {
    for (let next: ObjectClass | undefined = one; next !== undefined; next = objectClassOf(one.superior)) {
      one = next
      all.add(one)
    }
  }
  return all
}
