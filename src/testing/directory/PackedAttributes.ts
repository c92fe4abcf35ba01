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

/** How many lists of names are remembered: people and groups may take turns. */
const mostLists = 8

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
      const isAsked = isWanted(parsed)
      if (parsed.key === classesKey && this.#classes !== undefined) {
        if (isAsked) found.push(this.#classes)
        continue
      }
      const values: Array<Uint8Array> = []
      for (let left = reader.number(); left > 0; left--) {
        const length = reader.number()
        if (isAsked) values.push(reader.octets(length))
        else reader.position += length
      }
      if (isAsked) found.push(new StoredAttribute(description, parsed, values))
    }
    return found
  }
}

/** Packs the attributes of many entries. */
export class AttributePacker {
  #writer = new Writer(0)
  /** The lists of names that were used last, the newest first. */
  #lists: ReadonlyArray<Names> = []

  pack(attributes: ReadonlyMap<string, StoredAttribute>): PackedAttributes {
    const all = [...attributes.values()]
    const classes = attributes.get(classesKey)
    const packed = classes === undefined ? all : all.filter((attribute) => attribute !== classes)
    const writer = this.#writerFor(sizeOf(packed))
    const start = writer.end
    for (const { values } of packed) {
      writer.number(values.length)
      for (const value of values) {
        writer.number(value.length)
        writer.octets(value)
      }
    }
    return new PackedAttributes(this.#namesOf(all), classes, writer.bytes, start)
  }

  #writerFor(size: number): Writer {
    if (size > chunkSize) return new Writer(size)
    if (size > this.#writer.bytes.length - this.#writer.end) this.#writer = new Writer(chunkSize)
    return this.#writer
  }

  #namesOf(all: ReadonlyArray<StoredAttribute>): Names {
    const known = this.#lists.find((names) => isSame(names, all))
    if (known !== undefined) return known
    const names = all.map(({ description, parsed }) => ({ description, parsed }))
    this.#lists = [names, ...this.#lists.slice(0, mostLists - 1)]
    return names
  }
}

const isSame = (names: Names, all: ReadonlyArray<StoredAttribute>): boolean => {
  if (names.length !== all.length) return false
  for (let i = 0; i < all.length; i++) {
    const [name, { description, parsed }] = [names[i]!, all[i]!]
    // A description with options is parsed anew each time.
    if (name.parsed !== parsed && (name.parsed.key !== parsed.key || name.description !== description)) return false
  }
  return true
}

const sizeOf = (all: ReadonlyArray<StoredAttribute>): number => {
  let size = 0
  for (const { values } of all) {
    size += numberSize(values.length)
    for (const { length } of values) size += numberSize(length) + length
  }
  return size
}

/** Seven bits a byte. */
const numberSize = (value: number): number => {
  let size = 1
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) size++
  return size
}

class Writer {
  readonly bytes: Buffer
  end = 0

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size)
  }

  octets(value: Uint8Array): void {
    const { bytes, end } = this
    if (value.length < shortValue) { for (let i = 0; i < value.length; i++) bytes[end + i] = value[i]! }
    else bytes.set(value, end)
    this.end += value.length
  }

  /** Seven bits a byte, the lowest first. The highest bit says that more follow. */
  number(value: number): void {
    let rest = value
    for (; rest > 0x7f; rest >>>= 7) this.bytes[this.end++] = (rest & 0x7f) | 0x80
    this.bytes[this.end++] = rest
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
