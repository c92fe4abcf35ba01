/**
 * Arrays and plain objects that V8 always makes as new objects.
 *
 * For each literal in the code, V8 watches for a while how many of its objects survive a collection of new objects. If it sees many,
 * which is a matter of chance where a stream has a hundred records in memory at a time, it makes all later ones as old objects. Then
 * they, and all that they refer to, stay until a collection of the whole heap: reading LDIF as a stream took up to twice the CPU,
 * and a heap of 250 MB instead of 35. What doesn't come from a literal isn't watched.
 */
import type { Entry } from "./LdifModel.ts"

/** @internal */
export const newArray = <A>(...values: Array<A>): Array<A> => values

interface Attribute {
  readonly description: string
  readonly values: Array<Uint8Array>
}

function makeAttribute(
  this: { -readonly [P in keyof Attribute]: Attribute[P] },
  description: string,
  values: Array<Uint8Array>
) {
  this.description = description
  this.values = values
}

function makeEntry(
  this: { -readonly [P in keyof Entry]: Entry[P] },
  line: number,
  dn: string,
  attributes: Entry["attributes"]
) {
  this._tag = "Entry"
  this.line = line
  this.dn = dn
  this.attributes = attributes
}

// With the prototype of literals, what these make can't be told from what literals make.
makeAttribute.prototype = Object.prototype
makeEntry.prototype = Object.prototype

/** @internal */
export const NewAttribute = makeAttribute as unknown as new(description: string, values: Array<Uint8Array>) => Attribute

/** @internal */
export const NewEntry = makeEntry as unknown as new(line: number, dn: string, attributes: Entry["attributes"]) => Entry
