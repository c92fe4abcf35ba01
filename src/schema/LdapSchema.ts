/**
 * Entries as domain classes, through effect Schema: the attributes that a program needs, as values of its own types.
 *
 * Codecs of single values are in LdapSyntax.ts and LdapSyntaxActiveDirectory.ts, fields in LdapSchemaField.ts, the class in
 * LdapSchemaClass.ts, and reading and writing through a client in LdapSchemaRepository.ts. All of them are exported here.
 *
 * @since 0.1.0
 */
export type { LdapAttribute } from "../model/entry/LdapEntry.ts"
export { Class, type Entries, type MissingSelf } from "./class/LdapSchemaClass.ts"
export { type FieldProblem, LdapDecodeError, LdapEncodeError } from "./class/LdapSchemaError.ts"
export {
  type Access,
  type AccessOf,
  attribute,
  entryDn,
  type Field,
  type FieldInput,
  type FieldsInput,
  type Kind,
  type KindOf,
  type NamingKey,
  nonEmpty,
  optional,
  readOnly,
  type Repeated,
  repeated,
  type SchemasOf,
  type SearchableKey,
  set,
  type SetOf,
  type Single,
  type TextKey,
  type ValueCodec,
  type ValueOf,
  writeOnly
} from "./class/LdapSchemaField.ts"
export type { Filters } from "./class/LdapSchemaFilter.ts"
export {
  type EntityClass,
  makeRepository,
  type Operations,
  type Repository,
  repository,
  type RepositoryOptions,
  type StreamOptions
} from "./class/LdapSchemaRepository.ts"
export * from "./syntax/LdapSyntax.ts"
export * from "./syntax/LdapSyntaxActiveDirectory.ts"
