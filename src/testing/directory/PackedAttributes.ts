/**
 * The attributes of an entry as bytes. Most entries of a large directory are loaded and never read, and an object for each value
 * would cost most of the time and memory of loading. So their values are packed one after another into large buffers. The first
 * read of an entry makes the objects.
 */
import type { Description } from "../../model/attribute/AttributeTypes.ts"
import { StoredAttribute } from "../../model/attribute/StoredAttribute.ts"

const classesKey = "objectclass"

/** The size of the buffers. Larger entries have one of their own. */
const chunkSize = 256 * 1024

/** The most bytes of a number. */
const numberSize = 5

/** Values shorter than that are copied in a loop, which is faster than a call. */
const shortValue = 48

/** The names of attributes, in the order of the entry. Entries with the same attributes share them. */
type Names = ReadonlyArray<Pick<StoredAttribute, "description" | "parsed">>

/** The attributes of an entry that was packed. Reading them unpacks all, except for the object classes and {@link only}. */
export class PackedAttributes implements ReadonlyMap<string, StoredAttribute> {
  readonly #names: Names
  /** Stays an object, since each search asks for it. Entries of the same classes share it. */
  readonly #classes: StoredAttribute | undefined
  readonly #bytes: Buffer
  readonly #start: number
  #unpacked: Map<string, StoredAttribute> | undefined

  /** Made by {@link AttributePacker}. */
  constructor(names: Names, classes: StoredAttribute | undefined, bytes: Buffer, start: number) {
    this.#names = names
    this.#classes = classes
    this.#bytes = bytes
    this.#start = start
  }

  /** The attributes with certain descriptions. If the entry is packed, it stays so, and the caller gets copies of them. */
  only(isWanted: (description: Description) => boolean): ReadonlyArray<StoredAttribute> {
    if (this.#unpacked === undefined) return this.#read(isWanted)
    return [...this.#unpacked.values()].filter(({ parsed }) => isWanted(parsed))
  }

  /** Whether an attribute may have been modified, which needs its object. */
  get isUnpacked(): boolean {
    return this.#unpacked !== undefined
  }

  get(key: string): StoredAttribute | undefined {
    return key === classesKey ? this.#classes : this.#all.get(key)
  }

  has(key: string): boolean {
    return this.#names.some(({ parsed }) => parsed.key === key)
  }

  get size(): number {
    return this.#names.length
  }

  keys(): MapIterator<string> {
    return this.#all.keys()
  }

  values(): MapIterator<StoredAttribute> {
    return this.#all.values()
  }

  entries(): MapIterator<[string, StoredAttribute]> {
    return this.#all.entries()
  }

  [Symbol.iterator](): MapIterator<[string, StoredAttribute]> {
    return this.#all[Symbol.iterator]()
  }

  forEach(each: (value: StoredAttribute, key: string, map: ReadonlyMap<string, StoredAttribute>) => void): void {
    this.#all.forEach((value, key) => each(value, key, this))
  }

  get #all(): Map<string, StoredAttribute> {
    return (this.#unpacked ??= new Map(this.#read(() => true).map((attribute) => [attribute.parsed.key, attribute])))
  }

  #read(isWanted: (description: Description) => boolean): Array<StoredAttribute> {
    const found: Array<StoredAttribute> = []
    const reader = new Reader(this.#bytes, this.#start)
    for (const { description, parsed } of this.#names) {
      const isOwn = isWanted(parsed)
      if (parsed.key === classesKey && this.#classes !== undefined) {
        if (isOwn) found.push(this.#classes)
        continue
      }
      const values: Array<Uint8Array> = []
      for (let left = reader.number(); left > 0; left--) {
        const length = reader.number()
        if (isOwn) values.push(reader.octets(length))
        else reader.position += length
      }
      if (isOwn) found.push(new StoredAttribute(description, parsed, values))
    }
    return found
  }
}

/** Packs the attributes of many entries. */
export class AttributePacker {
  #bytes: Buffer = Buffer.alloc(0)
  #end = 0
  #names: Names = []

  pack(attributes: ReadonlyMap<string, StoredAttribute>): PackedAttributes {
    const all = [...attributes.values()]
    const isKnown = all.length === this.#names.length &&
      all.every(({ parsed }, i) => parsed === this.#names[i]?.parsed)
    if (!isKnown) this.#names = all.map(({ description, parsed }) => ({ description, parsed }))
    let most = 0
    for (const { values } of all) {
      most += numberSize
      for (const value of values) most += numberSize + value.length
    }
    if (most > this.#bytes.length - this.#end) {
      this.#bytes = Buffer.allocUnsafeSlow(Math.max(chunkSize, most))
      this.#end = 0
    }
    const start = this.#end
    for (const { parsed, values } of all) {
      if (parsed.key === classesKey) continue
      this.#number(values.length)
      for (const value of values) {
        this.#number(value.length)
        this.#octets(value)
      }
    }
    return new PackedAttributes(this.#names, attributes.get(classesKey), this.#bytes, start)
  }

  #octets(value: Uint8Array): void {
    if (value.length < shortValue) { for (let i = 0; i < value.length; i++) this.#bytes[this.#end + i] = value[i] ?? 0 }
    else this.#bytes.set(value, this.#end)
    this.#end += value.length
  }

  /** Seven bits a byte, the lowest first. The highest bit says that more follow. */
  #number(value: number): void {
    let rest = value
    for (; rest > 0x7f; rest >>>= 7) this.#bytes[this.#end++] = (rest & 0x7f) | 0x80
    this.#bytes[this.#end++] = rest
  }
}

class Reader {
  readonly #bytes: Buffer
  position: number

  constructor(bytes: Buffer, position: number) {
    this.#bytes = bytes
    this.position = position
  }

  number(): number {
    let value = 0
    for (let shift = 0;; shift += 7) {
      const octet = this.#bytes[this.position++] ?? 0
      value |= (octet & 0x7f) << shift
      if (octet < 0x80) return value
    }
  }

  octets(length: number): Uint8Array {
    const start = this.position
    this.position += length
    return this.#bytes.subarray(start, this.position)
  }
}
