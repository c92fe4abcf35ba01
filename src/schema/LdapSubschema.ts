/**
 * A server's schema as values (RFC 4512 section 4): its attribute types with their syntaxes, and the attributes that an
 * object class requires and allows.
 *
 * LdapSubschemaModel.ts defines the values, LdapSubschemaParser.ts reads their text form, LdapSubschemaValidation.ts
 * validates entries, and LdapSubschemaSource.ts generates TypeScript.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { LdapClient } from "../client/LdapClient.ts"
import type { LdapEntry } from "../model/entry/LdapEntry.ts"
import { InvalidRequest, LdapError } from "../model/LdapError.ts"
import { type Definitions, type DefinitionSyntaxError, LdapSubschema } from "./subschema/LdapSubschemaModel.ts"
import * as Parser from "./subschema/LdapSubschemaParser.ts"

export type { ValueRule } from "../model/dn/LdapDn.ts"
export type { AttributesInput } from "../model/entry/LdapEntry.ts"

// ---------------------------------------------------------------------------------------------------------------------
// Constructors
// ---------------------------------------------------------------------------------------------------------------------

/**
 * A schema from definitions in the program.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (definitions: Partial<Definitions>): LdapSubschema => new LdapSubschema(definitions, [])

/**
 * The schema in a subschema subentry. Definitions that can't be parsed are listed in `unreadable`; all others are in the schema.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromEntry = (entry: LdapEntry): LdapSubschema => {
  const unreadable: Array<DefinitionSyntaxError> = []
  const all = <D>(
    attribute: string,
    parse: (text: string) => Result.Result<D, DefinitionSyntaxError>
  ): ReadonlyArray<D> => {
    const definitions: Array<D> = []
    for (const text of entry.getAll(attribute)) {
      const result = parse(text)
      if (Result.isSuccess(result)) definitions.push(result.success)
      else unreadable.push(result.failure)
    }
    return definitions
  }
  return new LdapSubschema({
    attributeTypes: all("attributeTypes", Parser.parseAttributeType),
    objectClasses: all("objectClasses", Parser.parseObjectClass),
    matchingRules: all("matchingRules", Parser.parseMatchingRule),
    matchingRuleUses: all("matchingRuleUse", Parser.parseMatchingRuleUse),
    syntaxes: all("ldapSyntaxes", Parser.parseSyntax),
    ditContentRules: all("dITContentRules", Parser.parseDitContentRule),
    ditStructureRules: all("dITStructureRules", Parser.parseDitStructureRule),
    nameForms: all("nameForms", Parser.parseNameForm)
  }, unreadable)
}

const definitionAttributes = [
  "attributeTypes",
  "objectClasses",
  "matchingRules",
  "matchingRuleUse",
  "ldapSyntaxes",
  "dITContentRules",
  "dITStructureRules",
  "nameForms"
]

/**
 * Reads a server's schema (RFC 4512 section 4.4): the entry that `subschemaSubentry` names, of the root DSE or of
 * `entry`.
 *
 * **Details**
 *
 * Takes a client or a session, and sends at most three requests. Fails with `LdapError`. The reason is `InvalidRequest` if no
 * subschema is named, or if the bind DN may not read it. The whole schema of Active Directory is about 2 MB. Interruption abandons
 * the request in flight.
 *
 * **Example**
 *
 * ```ts
 * import { LdapClient, LdapSubschema } from "effect-ldap"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const schema = yield* LdapSubschema.read(yield* LdapClient.LdapClient)
 *   return schema.attributesOf("inetOrgPerson").required // objectClass, sn, cn
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const read = Effect.fn("LdapSubschema.read")(function*(
  client: Pick<LdapClient, "lookup">,
  options?: {
    /** The entry whose schema to read, if a server has several. Default: the root DSE. */
    readonly entry?: string | undefined
  }
): Effect.fn.Return<LdapSubschema, LdapError> {
  const at = options?.entry ?? ""
  const entry = yield* client.lookup(at, { attributes: ["subschemaSubentry"] })
  const dn = Option.getOrUndefined(entry)?.get("subschemaSubentry")
  if (dn === undefined) {
    return yield* missing(at, `the ${at === "" ? "root DSE" : "entry"} names no subschemaSubentry`)
  }
  const subschema = yield* client.lookup(dn, { attributes: definitionAttributes, filter: "(objectClass=subschema)" })
  return Option.isSome(subschema) ? fromEntry(subschema.value) : yield* missing(dn, "no subschema is visible there")
})

const missing = (dn: string, detail: string): LdapError =>
  new LdapError({
    reason: new InvalidRequest({ field: "subschemaSubentry", detail }),
    operation: "LdapSubschema.read",
    ...(dn === "" ? undefined : { dn })
  })

export type {
  AttributeType,
  AttributeUsage,
  ClassAttributes,
  Definition,
  Definitions,
  DitContentRule,
  DitStructureRule,
  MatchingRule,
  MatchingRuleUse,
  NameForm,
  ObjectClass,
  SyntaxDescription
} from "./subschema/LdapSubschemaModel.ts"
export { DefinitionSyntaxError, LdapSubschema } from "./subschema/LdapSubschemaModel.ts"
export {
  parseAttributeType,
  parseDitContentRule,
  parseDitStructureRule,
  parseMatchingRule,
  parseMatchingRuleUse,
  parseNameForm,
  parseObjectClass,
  parseSyntax
} from "./subschema/LdapSubschemaParser.ts"
export { describe, SchemaProblem, validate } from "./subschema/LdapSubschemaValidation.ts"
export { generate, type GenerateOptions, UnknownObjectClassError } from "./subschema/LdapSubschemaSource.ts"
export { compare, type CompareOptions, SchemaDifference } from "./subschema/LdapSubschemaComparison.ts"
