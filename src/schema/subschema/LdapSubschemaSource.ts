/**
 * Generates TypeScript source: classes of LdapSchema for the object classes of a server.
 *
 * The source is a starting point: the developer removes and renames fields, since few programs need a class with the forty attributes
 * of `inetOrgPerson`.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import { syntaxOf } from "../syntax/LdapSyntaxOids.ts"
import { type AttributeType, type LdapSubschema, type ObjectClass, setByActiveDirectory } from "./LdapSubschemaModel.ts"

/**
 * The schema doesn't have the requested object class.
 *
 * @category errors
 * @since 0.1.0
 */
export class UnknownObjectClassError extends Data.TaggedError("UnknownObjectClassError")<{
  /** The name that was requested. */
  readonly objectClass: string
}> {
  override get message(): string {
    return `the schema has no object class "${this.objectClass}"`
  }
}

/**
 * Options of {@link generate}.
 *
 * @category models
 * @since 0.1.0
 */
export interface GenerateOptions {
  /**
   * Object classes by their names. A name becomes one class. A list of names becomes one class of entries that have all of them,
   * with the name of the first.
   */
  readonly objectClasses: ReadonlyArray<string | ReadonlyArray<string>>
  /** Only these optional attributes, in addition to the required ones. Default: all that the object classes allow. */
  readonly attributes?: ReadonlyArray<string> | undefined
  /**
   * Attributes that have only one value in this directory although the schema allows several. Most schemas allow that for `uid` and
   * `cn`. The attribute that names the entries of a repository must be single-valued, so list it here.
   */
  readonly single?: ReadonlyArray<string> | undefined
  /** The module from which the source imports the library. Default `effect-ldap`. */
  readonly module?: string | undefined
}

/**
 * Generates the source of a TypeScript module with a class of LdapSchema for each object class, including inherited attributes.
 *
 * **Details**
 *
 * Whether the schema marks an attribute as single-valued decides its field: a required attribute is a plain codec or `nonEmpty`, an
 * optional one is `optional` or `repeated`. Attributes that only the server sets are `readOnly`, passwords are `writeOnly`. Codecs
 * follow the syntaxes. For some attributes of Active Directory the syntax isn't enough (`objectGUID`, `pwdLastSet` …), so they are
 * chosen by name. An unknown syntax becomes `Octets`. A name that isn't an identifier in JavaScript is converted: `x-color` becomes
 * `xColor`. Text from the server's schema appears in the source only as identifiers, quoted strings and comments.
 *
 * @category generating
 * @since 0.1.0
 */
export const generate = (
  schema: LdapSubschema,
  options: GenerateOptions
): Result.Result<string, UnknownObjectClassError> =>
  Result.gen(function*() {
    const classes: Array<string> = []
    const taken = new Set<string>()
    for (const names of options.objectClasses) {
      const found: Array<ObjectClass> = []
      for (const name of typeof names === "string" ? [names] : names) {
        const objectClass = schema.objectClass(name)
        if (objectClass === undefined) return yield* Result.fail(new UnknownObjectClassError({ objectClass: name }))
        found.push(objectClass)
      }
      if (found.length > 0) classes.push(classSource(schema, found, options, taken))
    }
    return `import { LdapSchema } from ${JSON.stringify(options.module ?? "effect-ldap")}\n\n${classes.join("\n")}`
  })

const classSource = (
  schema: LdapSubschema,
  classes: ReadonlyArray<ObjectClass>,
  options: GenerateOptions,
  taken: Set<string>
): string => {
  const names = classes.map(({ names, oid }) => names[0] ?? oid)
  const identifier = unique(pascal(identifierFrom(names[0]!)), taken)
  const { allowed, required } = schema.attributesOf(...names)
  const only = options.attributes === undefined
    ? undefined
    : new Set(options.attributes.map((name) => name.toLowerCase()))
  const single = new Set(options.single?.map((name) => name.toLowerCase()))
  const fieldNames = new Set(["dn"])
  const lines = [
    ...required.map((name) => ({ name, isRequired: true })),
    ...allowed.filter((name) => only === undefined || only.has(name.toLowerCase())).map((name) => ({
      name,
      isRequired: false
    }))
  ].flatMap(({ isRequired, name }) =>
    isLeftOut(name) ? [] : [
      fieldSource(schema.attributeType(name), name, {
        isRequired,
        isSingle: single.has(name.toLowerCase()),
        taken: fieldNames
      })
    ]
  )
  const description = classes[0]?.description
  return [
    ...(description === undefined ? [] : [`/** ${comment(description)} */`]),
    `export class ${identifier} extends LdapSchema.Class<${identifier}>(${JSON.stringify(identifier)})({`,
    `  objectClass: ${
      names.length === 1 ? JSON.stringify(names[0]) : `[${names.map((name) => JSON.stringify(name)).join(", ")}]`
    },`,
    "  fields: {",
    ["    dn: LdapSchema.entryDn", ...lines].join(",\n"),
    "  }",
    "}) {}",
    ""
  ].join("\n")
}

const fieldSource = (
  type: AttributeType | undefined,
  name: string,
  { isRequired, isSingle: isCalledSingle, taken }: {
    readonly isRequired: boolean
    readonly isSingle: boolean
    readonly taken: Set<string>
  }
): string => {
  const field = unique(identifierFrom(name), taken)
  const codec = `LdapSchema.${codecOf(type, name)}`
  const isSingle = isCalledSingle || (type?.singleValue ?? false)
  const isServers = setByActiveDirectory.has(name.toLowerCase()) ||
    (type !== undefined && (type.noUserModification || type.usage !== "userApplications"))
  const value = passwords.has(name.toLowerCase())
    ? `LdapSchema.writeOnly(${codec})`
    : isServers
    ? `LdapSchema.readOnly(${isSingle ? codec : `LdapSchema.repeated(${codec})`})`
    : isSingle
    ? isRequired ? codec : `LdapSchema.optional(${codec})`
    : `LdapSchema.${isRequired ? "nonEmpty" : "repeated"}(${codec})`
  const attribute = codec.endsWith(".Certificate") || type?.syntax === "1.3.6.1.4.1.1466.115.121.1.8"
    ? `${name};binary`
    : name
  return `    ${field}: ${attribute === field ? value : `LdapSchema.attribute(${JSON.stringify(attribute)}, ${value})`}`
}

/**
 * Left out: the class writes object classes itself, and requesting `tokenGroups` makes Active Directory refuse every search except
 * a base search.
 */
const isLeftOut = (name: string): boolean => /^(?:objectclass$|tokengroups)/i.test(name)

const passwords = new Set(["userpassword", "unicodepwd"])

/** Attributes of Active Directory whose values are more specific than their syntax, and passwords. */
const codecsByName = new Map<string, string>([
  ["userpassword", "Password"],
  ["unicodepwd", "UnicodePassword"],
  ["objectguid", "ObjectGuid"],
  ["objectsid", "ObjectSid"],
  ["useraccountcontrol", "UserAccountControl"],
  ...["pwdLastSet", "accountExpires", "lastLogon", "lastLogoff", "lastLogonTimestamp", "badPasswordTime", "lockoutTime"]
    .map(
      (name) => [name.toLowerCase(), "FileTime"] as const
    ),
  ...["maxPwdAge", "minPwdAge", "lockoutDuration", "lockOutObservationWindow", "forceLogoff"].map((name) =>
    [name.toLowerCase(), "Interval"] as const
  )
])

const codecOf = (type: AttributeType | undefined, name: string): string =>
  codecsByName.get(name.toLowerCase()) ?? syntaxOf(type?.syntax).name

/** Reserved words that can't be the name of a class. */
const reserved = new Set([
  "Object",
  "Array",
  "String",
  "Number",
  "Boolean",
  "Function",
  "Symbol",
  "Error",
  "LdapSchema"
])

/** Converts a name to an identifier: removes characters that aren't allowed and capitalizes the next letter. */
const identifierFrom = (name: string): string => {
  const joined = name.replace(/[^A-Za-z0-9]+(.?)/g, (_, next: string) => next.toUpperCase()).replace(
    /[^A-Za-z0-9]/g,
    ""
  )
  return /^[A-Za-z]/.test(joined) ? joined : `oid${joined}`
}

const pascal = (identifier: string): string => {
  const name = identifier.slice(0, 1).toUpperCase() + identifier.slice(1)
  return reserved.has(name) ? `${name}Entry` : name
}

const unique = (name: string, taken: Set<string>): string => {
  let candidate = name
  for (let i = 2; taken.has(candidate); i++) candidate = `${name}${i}`
  taken.add(candidate)
  return candidate
}

const comment = (text: string): string => text.replace(/\s+/g, " ").replaceAll("*/", "* /")
