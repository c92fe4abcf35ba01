/** Distinguished names and their RDNs as values, with equality, and with the test whether one name is below another. */
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"
import { NodeInspectSymbol } from "effect/Inspectable"
import type { RdnAttribute } from "./LdapDnAttribute.ts"

/**
 * A relative distinguished name: one attribute, or several in no particular order. Made by `LdapDn.rdn` and
 * `LdapDn.parse`.
 *
 * @category models
 * @since 0.1.0
 */
export class Rdn implements Equal.Equal {
  /** At least one attribute, in the order in which they were written. */
  readonly attributes: ReadonlyArray<RdnAttribute>
  #key: string | undefined

  /** @internal */
  constructor(attributes: ReadonlyArray<RdnAttribute>) {
    this.attributes = attributes
  }

  /**
   * The value of the attribute of this type; `undefined` if it is missing. The type is compared as it was written, ignoring case.
   */
  get(type: string): string | undefined {
    const wanted = type.toLowerCase()
    return this.attributes.find((attribute) => attribute.type.toLowerCase() === wanted)?.text
  }

  /** A key that equal RDNs share; see `LdapDn.normalize`. */
  get key(): string {
    if (this.#key === undefined) {
      const keys = this.attributes.map((attribute) => attribute.key)
      this.#key = keys.length === 1 ? keys[0]! : keys.sort().join("+")
    }
    return this.#key
  }

  [Equal.symbol](that: unknown): boolean {
    return that instanceof Rdn && this.key === that.key
  }

  [Hash.symbol](): number {
    return Hash.string(this.key)
  }

  toString(): string {
    return this.attributes.join("+")
  }

  toJSON(): unknown {
    return this.toString()
  }

  [NodeInspectSymbol](): unknown {
    return `Rdn(${this.toString()})`
  }
}

/**
 * A distinguished name.
 *
 * **Details**
 *
 * `Equal.equals` compares as {@link isEqual} does, and so do `HashMap` and `HashSet`. `toString` and `toJSON` return the text of
 * {@link format}. Names never change, so fibers may share them.
 *
 * @category models
 * @since 0.1.0
 */
export class LdapDn implements Equal.Equal {
  /** The entry's own RDN first. Empty for the root. */
  readonly rdns: ReadonlyArray<Rdn>
  #text: string | undefined
  #key: string | undefined

  /** @internal Use {@link make}. */
  constructor(rdns: ReadonlyArray<Rdn>) {
    this.rdns = rdns
  }

  /** A key that equal names share; see {@link normalize}. */
  get key(): string {
    return (this.#key ??= this.rdns.map((rdn) => rdn.key).join(","))
  }

  [Equal.symbol](that: unknown): boolean {
    return that instanceof LdapDn && isEqual(this, that)
  }

  [Hash.symbol](): number {
    return Hash.string(this.key)
  }

  toString(): string {
    return (this.#text ??= this.rdns.join(","))
  }

  toJSON(): unknown {
    return this.toString()
  }

  [NodeInspectSymbol](): unknown {
    return `LdapDn(${this.toString()})`
  }
}

/**
 * Whether a value is an {@link LdapDn}.
 *
 * @category guards
 * @since 0.1.0
 */
export const isLdapDn = (u: unknown): u is LdapDn => u instanceof LdapDn

/**
 * Whether two names are the same.
 *
 * **Details**
 *
 * Types are compared ignoring case. The names in the table of RFC 4514 section 3, and `sn`, equal their object identifiers. The
 * order of the attributes of an RDN doesn't matter. By default, values are compared as caseIgnoreMatch does (RFC 4518: case, runs
 * of spaces, and spaces at the ends are ignored), which is the rule of nearly all naming attributes. With `values: "exact"` they
 * are compared byte by byte. A function chooses the rule for each attribute type, as a schema does. Values that aren't UTF-8 are
 * always compared by their bytes. The server knows the schema, so only the server can decide finally.
 *
 * @category comparing
 * @since 0.1.0
 */
export const isEqual = (
  self: LdapDn,
  that: LdapDn,
  options?: { readonly values?: ValueRule | ((type: string) => ValueRule) | undefined }
): boolean => {
  if (self === that) return true
  if (self.rdns.length !== that.rdns.length || !sharesEnd(self, that, that.rdns.length)) return false
  const rule = options?.values ?? "caseIgnore"
  if (rule === "caseIgnore") return true
  const isExact = typeof rule === "function" ? (type: string) => rule(type) === "exact" : () => true
  return self.rdns.every((rdn, i) => isRdnExactly(rdn, that.rdns[i]!, isExact))
}

/**
 * How the values of an attribute type are compared.
 *
 * @category comparing
 * @since 0.1.0
 */
export type ValueRule = "caseIgnore" | "exact"

/**
 * Whether the entry is somewhere below the other one. An entry is not below itself.
 *
 * @category comparing
 * @since 0.1.0
 */
export const isDescendantOf = (self: LdapDn, ancestor: LdapDn): boolean =>
  self.rdns.length > ancestor.rdns.length && sharesEnd(self, ancestor, ancestor.rdns.length)

/**
 * Whether the entry is somewhere above the other one. An entry is not above itself.
 *
 * @category comparing
 * @since 0.1.0
 */
export const isAncestorOf = (self: LdapDn, descendant: LdapDn): boolean => isDescendantOf(descendant, self)

/** Whether the last `count` RDNs are the same. @internal */
export const sharesEnd = (self: LdapDn, that: LdapDn, count: number): boolean => {
  for (let i = 1; i <= count; i++) {
    const a = self.rdns[self.rdns.length - i]!
    const b = that.rdns[that.rdns.length - i]!
    // Names that were derived from each other share their RDN objects.
    if (a !== b && a.key !== b.key) return false
  }
  return true
}

/** Whether each attribute of one RDN has an equal one in the other. Attributes that aren't compared exactly are compared by key. */
const isRdnExactly = (self: Rdn, that: Rdn, isExact: (type: string) => boolean): boolean => {
  const rest = [...that.attributes]
  return self.attributes.every((attribute) => {
    const at = rest.findIndex((other) =>
      isExact(attribute.type) ? attribute.equalsExactly(other) : attribute.key === other.key
    )
    if (at >= 0) rest.splice(at, 1)
    return at >= 0
  }) && rest.length === 0
}
