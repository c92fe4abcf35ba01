/**
 * An attribute that is ready to be compared: its description taken apart, and its values in the form in which their rule compares
 * them.
 */
import type { LdapAttribute } from "../entry/LdapEntry.ts"
import type { Description } from "./AttributeTypes.ts"
import { type MatchingRule, normalize } from "./matchingRules.ts"

/** An attribute as an entry holds it. It never changes. */
export class StoredAttribute implements LdapAttribute {
  /** As it was written. */
  readonly description: string
  readonly parsed: Description
  readonly values: ReadonlyArray<Uint8Array>
  #keys: ReadonlyArray<string> | undefined

  /** `keys` are those of the values, where they are known already. */
  constructor(
    description: string,
    parsed: Description,
    values: ReadonlyArray<Uint8Array>,
    keys?: ReadonlyArray<string> | undefined
  ) {
    this.description = description
    this.parsed = parsed
    this.values = values
    this.#keys = keys
  }

  /** The values in the form in which they are compared; one that its own rule can't take stands for itself. */
  get keys(): ReadonlyArray<string> {
    return (this.#keys ??= this.values.map((value) => valueKey(this.parsed.type.rule, value)))
  }
}

/** What equal values of an attribute have in common, whatever they are. */
export const valueKey = (rule: MatchingRule, value: Uint8Array): string =>
  normalize(rule, value) ?? `#${Buffer.from(value).toString("latin1")}`
