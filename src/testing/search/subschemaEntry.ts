/**
 * The subschema entry (RFC 4512 section 4.2): the definitions of the directory's schema. Attributes that are known only from
 * entries have no definition.
 */
import {
  allAttributeTypes,
  allObjectClasses,
  type AttributeType,
  type ObjectClass,
  objectClassOf
} from "../../model/attribute/AttributeTypes.ts"
import type { MatchingRule } from "../../model/attribute/matchingRules.ts"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import { lazily } from "../../model/lazily.ts"
import type { DirectoryState } from "../directory/DirectoryState.ts"
import { DirectoryEntry, StoredAttribute } from "../directory/DirectoryTree.ts"

const dn = LdapDn.child(LdapDn.root, LdapDn.rdn("cn", "Subschema"))

/** The names of the rules for equality, order and substrings. */
const rules: Readonly<
  Record<MatchingRule, readonly [equality: string, ordering: string, substr: string]>
> = {
  caseIgnore: ["caseIgnoreMatch", "caseIgnoreOrderingMatch", "caseIgnoreSubstringsMatch"],
  caseExact: ["caseExactMatch", "caseExactOrderingMatch", "caseExactSubstringsMatch"],
  caseIgnoreIA5: ["caseIgnoreIA5Match", "", "caseIgnoreIA5SubstringsMatch"],
  caseExactIA5: ["caseExactIA5Match", "", ""],
  telephone: ["telephoneNumberMatch", "", "telephoneNumberSubstringsMatch"],
  integer: ["integerMatch", "integerOrderingMatch", ""],
  dn: ["distinguishedNameMatch", "", ""],
  octets: ["octetStringMatch", "octetStringOrderingMatch", ""],
  boolean: ["booleanMatch", "", ""],
  time: ["generalizedTimeMatch", "generalizedTimeOrderingMatch", ""],
  uuid: ["UUIDMatch", "UUIDOrderingMatch", ""],
  oid: ["objectIdentifierMatch", "", ""]
}

/** Object identifier, name and syntax of the matching rules that are named above. */
const matchingRules = `
2.5.13.0 objectIdentifierMatch 38
2.5.13.1 distinguishedNameMatch 12
2.5.13.2 caseIgnoreMatch 15
2.5.13.3 caseIgnoreOrderingMatch 15
2.5.13.4 caseIgnoreSubstringsMatch 58
2.5.13.5 caseExactMatch 15
2.5.13.6 caseExactOrderingMatch 15
2.5.13.7 caseExactSubstringsMatch 58
2.5.13.13 booleanMatch 7
2.5.13.14 integerMatch 27
2.5.13.15 integerOrderingMatch 27
2.5.13.17 octetStringMatch 40
2.5.13.18 octetStringOrderingMatch 40
2.5.13.20 telephoneNumberMatch 50
2.5.13.21 telephoneNumberSubstringsMatch 58
2.5.13.27 generalizedTimeMatch 24
2.5.13.28 generalizedTimeOrderingMatch 24
1.3.6.1.1.16.2 UUIDMatch 1.3.6.1.1.16.1
1.3.6.1.1.16.3 UUIDOrderingMatch 1.3.6.1.1.16.1
1.3.6.1.4.1.1466.109.114.1 caseExactIA5Match 26
1.3.6.1.4.1.1466.109.114.2 caseIgnoreIA5Match 26
1.3.6.1.4.1.1466.109.114.3 caseIgnoreIA5SubstringsMatch 26
`

const syntaxOid = (syntax: string): string => syntax.includes(".") ? syntax : `1.3.6.1.4.1.1466.115.121.1.${syntax}`

const names = (all: ReadonlyArray<string>): string =>
  all.length === 1 ? `NAME '${all[0]}'` : `NAME ( ${all.map((name) => `'${name}'`).join(" ")} )`

const attributeTypeDefinition = (type: AttributeType): string => {
  const [equality, ordering, substr] = rules[type.rule]
  const own = type.superior === undefined
    ? [
      ...(type.equality ? [`EQUALITY ${equality}`] : []),
      ...(type.ordering && ordering !== "" ? [`ORDERING ${ordering}`] : []),
      ...(type.substrings && substr !== "" ? [`SUBSTR ${substr}`] : []),
      `SYNTAX ${syntaxOid(type.syntax)}`
    ]
    : [`SUP ${type.superior.name}`]
  return [
    "(",
    type.oid,
    names(type.names),
    ...own,
    ...(type.singleValued ? ["SINGLE-VALUE"] : []),
    ...(type.readOnly ? ["NO-USER-MODIFICATION"] : []),
    ...(type.operational ? ["USAGE directoryOperation"] : []),
    ")"
  ].join(" ")
}

const list = (keyword: string, types: ReadonlyArray<AttributeType>): ReadonlyArray<string> => {
  const [first] = types
  return first === undefined
    ? []
    : types.length === 1
    ? [`${keyword} ${first.name}`]
    : [`${keyword} ( ${types.map(({ name }) => name).join(" $ ")} )`]
}

const objectClassDefinition = (objectClass: ObjectClass): string =>
  [
    "(",
    objectClass.oid,
    names(objectClass.names),
    ...(objectClass.superior === "-"
      ? []
      : [`SUP ${objectClassOf(objectClass.superior)?.name ?? objectClass.superior}`]),
    objectClass.kind.toUpperCase(),
    ...list("MUST", objectClass.must),
    ...list("MAY", objectClass.may),
    ")"
  ].join(" ")

const definitions = lazily((): ReadonlyArray<readonly [name: string, values: ReadonlyArray<string>]> => {
  const types = [...allAttributeTypes()]
  const used = new Set(types.map(({ syntax }) => syntaxOid(syntax)))
  return [
    ["objectClass", ["top", "subentry", "subschema", "extensibleObject"]],
    ["cn", ["Subschema"]],
    ["ldapSyntaxes", [...used].map((oid) => `( ${oid} )`)],
    [
      "matchingRules",
      matchingRules.trim().split("\n").map((line) => {
        const [oid = "", name = "", syntax = ""] = line.split(" ")
        return `( ${oid} NAME '${name}' SYNTAX ${syntaxOid(syntax)} )`
      })
    ],
    ["attributeTypes", types.map(attributeTypeDefinition)],
    ["objectClasses", [...allObjectClasses()].map(objectClassDefinition)]
  ]
})

export const subschemaEntry = (state: DirectoryState): DirectoryEntry => {
  const attributes = definitions().flatMap(([name, values]) => {
    const parsed = state.types.find(name)
    return parsed === undefined ? [] : [new StoredAttribute(name, parsed, values.map((value) => Buffer.from(value)))]
  })
  const history = { uuid: "", created: 0, creator: "", modified: 0, modifier: "" }
  return new DirectoryEntry(
    dn,
    new Map(attributes.map((attribute) => [attribute.parsed.key, attribute])),
    history,
    undefined
  )
}
