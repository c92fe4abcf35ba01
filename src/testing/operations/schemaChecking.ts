/**
 * Whether an entry is what its object classes say (RFC 4512 section 2.4), asked where the directory checks its schema:
 * one structural class with its chain, all attributes that must be there, none that may not. Codes and texts are slapd's.
 */
import {
  type AttributeType,
  isSubclassOf,
  type ObjectClass,
  objectClassOf,
  structuralClass
} from "../../model/attribute/AttributeTypes.ts"
import { LdapResultCode } from "../../model/LdapResultCode.ts"
import type { ResultFields } from "../../protocol/LdapMessage.ts"
import type { DirectoryState } from "../directory/DirectoryState.ts"
import type { DirectoryEntry, StoredAttributes } from "../directory/DirectoryTree.ts"
import { answer } from "./directoryResult.ts"
import type { RequestControls } from "./requestControls.ts"

const violation = (text: string): ResultFields => answer(LdapResultCode.objectClassViolation, text)

/** The refusal of an entry that isn't as the schema has it; `before` is the entry that changes. */
export const checkSchema = (
  state: DirectoryState,
  attributes: StoredAttributes,
  { relax }: RequestControls,
  before?: DirectoryEntry
): ResultFields | undefined => {
  if (!state.schemaChecking) return undefined
  const names = attributes.get("objectclass")?.keys ?? []
  const unknown = names.findIndex((name) => objectClassOf(name) === undefined)
  if (unknown >= 0) {
    return answer(LdapResultCode.invalidAttributeSyntax, `objectClass: value #${unknown} invalid per syntax`)
  }
  const classes = names.flatMap((name) => objectClassOf(name) ?? [])
  const structural = structuralClass(names)
  if (structural === undefined) return violation("no structural object class provided")
  const stranger = classes.find(({ name, structural: isStructural }) =>
    isStructural && !isSubclassOf(structural.toLowerCase(), name.toLowerCase())
  )
  if (stranger !== undefined) {
    return violation(`invalid structural object class chain (${stranger.name}/${structural})`)
  }
  const earlier = before?.structuralClass
  if (earlier !== undefined && earlier !== structural && relax !== true) {
    return answer(
      LdapResultCode.objectClassModsProhibited,
      `structural object class modification from '${earlier}' to '${structural}' not allowed`
    )
  }
  const all = withSuperiors(classes)
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
