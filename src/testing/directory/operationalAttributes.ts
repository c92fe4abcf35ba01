/**
 * The operational attributes that the server keeps of an entry (RFC 4512 section 3.4, RFC 4530, RFC 5020). They are returned only
 * if a client asks for them.
 */
import { AttributeTypes } from "../../model/attribute/AttributeTypes.ts"
import { type DirectoryEntry, StoredAttribute } from "./DirectoryTree.ts"

const types = new AttributeTypes()

/** The attributes, in the order of slapd. */
export const operationalAttributes = (entry: DirectoryEntry): ReadonlyArray<StoredAttribute> => {
  const { created, creator, modified, modifier, uuid } = entry.history
  const attributes: Array<StoredAttribute> = []
  const put = (name: string, value: string | undefined) => {
    const parsed = types.find(name)
    if (parsed === undefined || value === undefined || value === "") return
    const present = attributes.findIndex((attribute) => attribute.parsed.key === parsed.key)
    const values = [...attributes[present]?.values ?? [], Buffer.from(value)]
    attributes.splice(present < 0 ? attributes.length : present, 1, new StoredAttribute(name, parsed, values))
  }
  put("structuralObjectClass", entry.structuralClass)
  put("entryUUID", uuid)
  put("creatorsName", creator)
  put("createTimestamp", generalizedTime(created))
  put("modifiersName", modifier)
  put("modifyTimestamp", generalizedTime(modified))
  put("entryDN", entry.dn.toString())
  for (const group of entry.groups()) put("memberOf", group.dn.toString())
  const { password } = entry.history
  if (password !== undefined) {
    put("pwdChangedTime", generalizedTime(password.changed))
    for (const at of password.failures) put("pwdFailureTime", generalizedTime(at))
    put("pwdAccountLockedTime", password.lockedAt === undefined ? undefined : generalizedTime(password.lockedAt))
    for (const at of password.graceUses) put("pwdGraceUseTime", generalizedTime(at))
    put("pwdReset", password.reset ? "TRUE" : undefined)
  }
  put("subschemaSubentry", "cn=Subschema")
  put("hasSubordinates", entry.children.size > 0 ? "TRUE" : "FALSE")
  return attributes
}

/** `20260131235959Z` (RFC 4517 section 3.3.13). */
export const generalizedTime = (millis: number): string =>
  `${new Date(millis).toISOString().slice(0, 19).replace(/[-:T]/g, "")}Z`
