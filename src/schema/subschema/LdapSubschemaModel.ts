/**
 * The definitions of a schema (RFC 4512 section 4.1), and the schema itself. All values are immutable.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import { equalityRuleNamed } from "../../model/attribute/namedRules.ts"
import type { ValueRule } from "../../model/dn/LdapDn.ts"

/**
 * The fields of all definitions.
 *
 * @category models
 * @since 0.1.0
 */
export interface Definition {
  /** The object identifier. Some servers send a name instead (`cn-oid`). */
  readonly oid: string
  /** Short names, the main one first. May be empty. */
  readonly names: ReadonlyArray<string>
  /** The description, as text. */
  readonly description: string | undefined
  /** Whether the definition should not be used any more. */
  readonly obsolete: boolean
  /** Extensions such as `X-ORIGIN`, by their names in upper case. */
  readonly extensions: ReadonlyMap<string, ReadonlyArray<string>>
}

/**
 * What an attribute is used for. All uses except `userApplications` are operational (section 3.4).
 *
 * @category models
 * @since 0.1.0
 */
export type AttributeUsage = "userApplications" | "directoryOperation" | "distributedOperation" | "dSAOperation"

/**
 * An attribute type (section 4.1.2).
 *
 * @category models
 * @since 0.1.0
 */
export interface AttributeType extends Definition {
  readonly _tag: "AttributeType"
  /** The type from which this one inherits. */
  readonly superior: string | undefined
  /** The matching rule for equality. */
  readonly equality: string | undefined
  /** The matching rule for order. */
  readonly ordering: string | undefined
  /** The matching rule for substrings. */
  readonly substring: string | undefined
  /** The syntax's object identifier. */
  readonly syntax: string | undefined
  /** The minimum length that a server must support: the `{64}` after a syntax. */
  readonly length: number | undefined
  /** Whether an entry can have only one value. */
  readonly singleValue: boolean
  /** Whether entries of a subtree share the values (RFC 3671). */
  readonly collective: boolean
  /** Whether only the server sets the attribute. */
  readonly noUserModification: boolean
  /** What the attribute is used for. */
  readonly usage: AttributeUsage
}

/**
 * An object class (section 4.1.1).
 *
 * @category models
 * @since 0.1.0
 */
export interface ObjectClass extends Definition {
  readonly _tag: "ObjectClass"
  /** The classes from which this one inherits. */
  readonly superiors: ReadonlyArray<string>
  /** The kind of class. An entry has exactly one structural class, with its superclasses. */
  readonly kind: "abstract" | "structural" | "auxiliary"
  /** Attributes that an entry must have. */
  readonly must: ReadonlyArray<string>
  /** Attributes that an entry may have. */
  readonly may: ReadonlyArray<string>
}

/**
 * A matching rule (section 4.1.3).
 *
 * @category models
 * @since 0.1.0
 */
export interface MatchingRule extends Definition {
  readonly _tag: "MatchingRule"
  /** The syntax of the asserted value. */
  readonly syntax: string | undefined
}

/**
 * The attributes that a filter can use with a matching rule (section 4.1.4).
 *
 * @category models
 * @since 0.1.0
 */
export interface MatchingRuleUse extends Definition {
  readonly _tag: "MatchingRuleUse"
  /** The attribute types with which the rule can be used. */
  readonly applies: ReadonlyArray<string>
}

/**
 * A syntax (section 4.1.5).
 *
 * @category models
 * @since 0.1.0
 */
export interface SyntaxDescription extends Definition {
  readonly _tag: "SyntaxDescription"
}

/**
 * A DIT content rule: what entries of a structural object class may have in addition (section 4.1.6). Its `oid` is that of the
 * class.
 *
 * @category models
 * @since 0.1.0
 */
export interface DitContentRule extends Definition {
  readonly _tag: "DitContentRule"
  /** The allowed auxiliary classes. */
  readonly auxiliaries: ReadonlyArray<string>
  /** Attributes that an entry must have in addition. */
  readonly must: ReadonlyArray<string>
  /** Attributes that an entry may have in addition. */
  readonly may: ReadonlyArray<string>
  /** Attributes that an entry must not have, although its classes allow them. */
  readonly not: ReadonlyArray<string>
}

/**
 * A DIT structure rule: where entries named by a name form may be (section 4.1.7.1). `oid` is the number of the rule.
 *
 * @category models
 * @since 0.1.0
 */
export interface DitStructureRule extends Definition {
  readonly _tag: "DitStructureRule"
  /** The name form of the entries. */
  readonly form: string | undefined
  /** The numbers of the rules that the parent entry may have. */
  readonly superiors: ReadonlyArray<string>
}

/**
 * A name form: how entries of a structural object class are named (section 4.1.7.2).
 *
 * @category models
 * @since 0.1.0
 */
export interface NameForm extends Definition {
  readonly _tag: "NameForm"
  /** The structural object class of the entries. */
  readonly objectClass: string | undefined
  /** Attributes that the RDN must have. */
  readonly must: ReadonlyArray<string>
  /** Attributes that the RDN may have. */
  readonly may: ReadonlyArray<string>
}

/**
 * Active Directory requires these of every entry and sets them itself, but its schema doesn't say so.
 *
 * @internal
 */
export const setByActiveDirectory: ReadonlySet<string> = new Set(["ntsecuritydescriptor", "objectcategory"])

/**
 * The attributes that entries with certain object classes must and may have, by their main names.
 *
 * @category models
 * @since 0.1.0
 */
export interface ClassAttributes {
  /** Attributes that an entry must have. */
  readonly required: ReadonlyArray<string>
  /** Allowed in addition to the required ones. */
  readonly allowed: ReadonlyArray<string>
}

/**
 * Definitions by kind, for `LdapSubschema.make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Definitions {
  /** The attribute types. */
  readonly attributeTypes: ReadonlyArray<AttributeType>
  /** The object classes. */
  readonly objectClasses: ReadonlyArray<ObjectClass>
  /** The matching rules. */
  readonly matchingRules: ReadonlyArray<MatchingRule>
  /** The uses of matching rules. */
  readonly matchingRuleUses: ReadonlyArray<MatchingRuleUse>
  /** The syntaxes. */
  readonly syntaxes: ReadonlyArray<SyntaxDescription>
  /** The DIT content rules. */
  readonly ditContentRules: ReadonlyArray<DitContentRule>
  /** The DIT structure rules. */
  readonly ditStructureRules: ReadonlyArray<DitStructureRule>
  /** The name forms. */
  readonly nameForms: ReadonlyArray<NameForm>
}

/**
 * A server's schema.
 *
 * **Details**
 *
 * Definitions are found by any of their names, ignoring case, and by their object identifier. Values of this class never change, so
 * fibers may share them. The schema of a server can change, so read it again from time to time.
 *
 * @category models
 * @since 0.1.0
 */
export class LdapSubschema implements Definitions {
  /** The attribute types. */
  readonly attributeTypes: ReadonlyArray<AttributeType>
  /** The object classes. */
  readonly objectClasses: ReadonlyArray<ObjectClass>
  /** The matching rules. */
  readonly matchingRules: ReadonlyArray<MatchingRule>
  /** The uses of matching rules. */
  readonly matchingRuleUses: ReadonlyArray<MatchingRuleUse>
  /** The syntaxes. */
  readonly syntaxes: ReadonlyArray<SyntaxDescription>
  /** The DIT content rules. */
  readonly ditContentRules: ReadonlyArray<DitContentRule>
  /** The DIT structure rules. */
  readonly ditStructureRules: ReadonlyArray<DitStructureRule>
  /** The name forms. */
  readonly nameForms: ReadonlyArray<NameForm>
  /** Definitions that could not be parsed. All others are in the schema. */
  readonly unreadable: ReadonlyArray<DefinitionSyntaxError>

  readonly #attributeTypes: ReadonlyMap<string, AttributeType>
  readonly #objectClasses: ReadonlyMap<string, ObjectClass>
  readonly #contentRules: ReadonlyMap<string, DitContentRule>

  /** @internal Use `make`, `fromEntry` or `read`. */
  constructor(definitions: Partial<Definitions>, unreadable: ReadonlyArray<DefinitionSyntaxError>) {
    this.attributeTypes = definitions.attributeTypes ?? []
    this.objectClasses = definitions.objectClasses ?? []
    this.matchingRules = definitions.matchingRules ?? []
    this.matchingRuleUses = definitions.matchingRuleUses ?? []
    this.syntaxes = definitions.syntaxes ?? []
    this.ditContentRules = definitions.ditContentRules ?? []
    this.ditStructureRules = definitions.ditStructureRules ?? []
    this.nameForms = definitions.nameForms ?? []
    this.unreadable = unreadable
    this.#attributeTypes = indexed(this.attributeTypes)
    this.#objectClasses = indexed(this.objectClasses)
    this.#contentRules = indexed(this.ditContentRules)
  }

  /**
   * The type of an attribute description, without its options. If the type has no syntax, length or matching rules of its own, it
   * inherits those of its superior types.
   */
  attributeType(description: string): AttributeType | undefined {
    const type = this.#attributeTypes.get(description.split(";", 1)[0]!.toLowerCase())
    if (type === undefined) return undefined
    const chain = chainOf(type, ({ superior }) => superior === undefined ? [] : [superior], this.#attributeTypes)
    if (chain.length === 1) return type
    const inherited = <K extends "equality" | "ordering" | "substring" | "syntax">(key: K) =>
      chain.find((type) => type[key] !== undefined)?.[key]
    return {
      ...type,
      equality: inherited("equality"),
      ordering: inherited("ordering"),
      substring: inherited("substring"),
      syntax: inherited("syntax"),
      length: type.length ?? chain.find((type) => type.syntax !== undefined)?.length
    }
  }

  /**
   * How values of an attribute type are compared in names. `exact` if its equality rule distinguishes upper and lower case or
   * compares bytes. Otherwise, and for an undefined type, `caseIgnore`.
   *
   * **Example**
   *
   * ```ts
   * import { LdapDn, type LdapSubschema } from "effect-ldap"
   *
   * const isSame = (schema: LdapSubschema.LdapSubschema, self: LdapDn.LdapDn, that: LdapDn.LdapDn) =>
   *   LdapDn.isEqual(self, that, { values: (type) => schema.valueRule(type) })
   * ```
   */
  valueRule(type: string): ValueRule {
    return exactRules.has(equalityRuleNamed(this.attributeType(type)?.equality ?? "")) ? "exact" : "caseIgnore"
  }

  /** The object class of that name or object identifier; `undefined` if it isn't defined. */
  objectClass(name: string): ObjectClass | undefined {
    return this.#objectClasses.get(name.toLowerCase())
  }

  /**
   * An object class and all its superior classes: itself first, `top` (if present) last. Superior classes that the schema doesn't
   * define are left out. If a faulty schema has a cycle, each class appears once.
   */
  superiors(name: string): ReadonlyArray<ObjectClass> {
    const objectClass = this.objectClass(name)
    return objectClass === undefined ? [] : chainOf(objectClass, ({ superiors }) => superiors, this.#objectClasses)
  }

  /** The DIT content rule of a structural object class. */
  contentRule(name: string): DitContentRule | undefined {
    const objectClass = this.objectClass(name)
    return objectClass === undefined ? undefined : this.#contentRules.get(objectClass.oid.toLowerCase())
  }

  /**
   * The attributes that entries with these object classes must and may have, including those of superior classes and DIT content
   * rules. Unknown classes are ignored.
   *
   * **Details**
   *
   * Any entry may have operational attributes, so the list has them only if a class names them. `extensibleObject` allows all
   * attributes, but the list doesn't have all of them. Attributes that a DIT content rule precludes are left out.
   */
  attributesOf(...names: ReadonlyArray<string>): ClassAttributes {
    const required = new Map<string, string>()
    const allowed = new Map<string, string>()
    const collect = (into: Map<string, string>, names: ReadonlyArray<string>) => {
      for (const name of names) {
        const main = this.#mainName(name)
        into.set(main.toLowerCase(), main)
      }
    }
    for (const name of names) {
      for (const { may, must } of this.superiors(name)) {
        collect(required, must)
        collect(allowed, may)
      }
      const rule = this.contentRule(name)
      if (rule !== undefined) {
        collect(required, rule.must)
        collect(allowed, rule.may)
      }
    }
    for (const name of names) {
      for (const not of this.contentRule(name)?.not ?? []) allowed.delete(this.#mainName(not).toLowerCase())
    }
    for (const key of required.keys()) allowed.delete(key)
    return { required: Array.from(required.values()), allowed: Array.from(allowed.values()) }
  }

  #mainName(name: string): string {
    return this.#attributeTypes.get(name.toLowerCase())?.names[0] ?? name
  }
}

/** Rules by which values that differ only in case are not equal. */
const exactRules: ReadonlySet<string | undefined> = new Set(["caseExact", "caseExactIA5", "octets"])

/** By object identifier and every name, in lower case. If two definitions have the same name, the first is used. */
const indexed = <D extends Definition>(definitions: ReadonlyArray<D>): ReadonlyMap<string, D> => {
  const index = new Map<string, D>()
  for (const definition of definitions) {
    for (const key of [definition.oid, ...definition.names]) {
      if (!index.has(key.toLowerCase())) index.set(key.toLowerCase(), definition)
    }
  }
  return index
}

/** A definition and all its superiors, each once, nearest first. */
const chainOf = <D extends Definition>(
  definition: D,
  superiorsOf: (definition: D) => ReadonlyArray<string>,
  index: ReadonlyMap<string, D>
): ReadonlyArray<D> => {
  const chain = new Set<D>([definition])
  // The set grows during the loop: superiors are appended and visited later.
  for (const member of chain) {
    for (const name of superiorsOf(member)) {
      const superior = index.get(name.toLowerCase())
      if (superior !== undefined) chain.add(superior)
    }
  }
  return Array.from(chain)
}

/**
 * The text isn't a valid schema definition.
 *
 * @category errors
 * @since 0.1.0
 */
export class DefinitionSyntaxError extends Data.TaggedError("DefinitionSyntaxError")<{
  /** The text that was parsed. */
  readonly text: string
  /** The position in `text` where parsing failed, in UTF-16 code units from 0. */
  readonly position: number
  /** What is wrong at that position. */
  readonly detail: string
}> {
  override get message(): string {
    const shown = this.text.length > 80 ? `${this.text.slice(0, 80)}…` : this.text
    return `not a schema definition: ${this.detail}, at position ${this.position} of ${JSON.stringify(shown)}`
  }
}
