/**
 * The attributes that the server itself keeps of an entry (RFC 4512 section 3.4, RFC 4530, RFC 5020). They are
 * returned only where they are asked for.
 */
import { AttributeTypes } from "./AttributeTypes.ts"
import { type DirectoryEntry, StoredAttribute } from "./DirectoryTree.ts"

const types = new AttributeTypes()

/** In the order in which slapd has them. */
export const operationalAttributes = (entry: DirectoryEntry): ReadonlyArray<StoredAttribute> => {
  const { created, creator, modified, modifier, uuid } = entry.history
  const attributes: Array<StoredAttribute> = []
  const put = (name: string, value: string | undefined) => {
    const parsed = types.find(name)
    if (parsed === undefined || value === undefined || value === "") return
    attributes.push(new StoredAttribute(name, parsed, [Buffer.from(value)]))
  }
  put("structuralObjectClass", entry.structuralClass)
  put("entryUUID", uuid)
  put("creatorsName", creator)
  put("createTimestamp", generalizedTime(created))
  put("modifiersName", modifier)
  put("modifyTimestamp", generalizedTime(modified))
  put("entryDN", entry.dn.toString())
  put("hasSubordinates", entry.children.size > 0 ? "TRUE" : "FALSE")
  return attributes
}

/** `20260131235959Z` (RFC 4517 section 3.3.13). */
export const generalizedTime = (millis: number): string =>
  `${new Date(millis).toISOString().slice(0, 19).replace(/[-:T]/g, "")}Z`
