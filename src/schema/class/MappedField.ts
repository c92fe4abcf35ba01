import type { Field } from "./LdapSchemaField.ts"

/** One field of a class, with all defaults resolved. */
export interface MappedField extends Field {
  readonly name: string
  readonly attribute: string
}
