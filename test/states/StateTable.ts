/**
 * The reached states, in the order of discovery: their bytes one after another, and a hash table with open addressing to find them.
 * States are compared byte by byte, so two different states are never mistaken for each other.
 */
export class StateTable {
  #bytes = new Uint8Array(1 << 22)
  #starts = new Float64Array(1 << 16)
  #parents = new Int32Array(1 << 16)
  #steps = new Uint16Array(1 << 16)
  #slots = new Int32Array(1 << 17).fill(-1)
  size = 0

  get bytes(): Uint8Array {
    return this.#bytes
  }

  startOf(index: number): number {
    return this.#starts[index]!
  }

  /** The state from which this one was first reached (-1 for the initial state), and the step. */
  parentOf(index: number): { readonly parent: number; readonly step: number } {
    return { parent: this.#parents[index]!, step: this.#steps[index]! }
  }

  /** Adds a state if it is new. Returns whether it was added. */
  add(state: Uint8Array, length: number, parent: number, step: number): boolean {
    const mask = this.#slots.length - 1
    let slot = hash(state, length) & mask
    for (;;) {
      const index = this.#slots[slot]!
      if (index < 0) break
      if (this.#equals(index, state, length)) return false
      slot = (slot + 1) & mask
    }
    const index = this.size++
    if (index + 1 >= this.#starts.length) this.#growList()
    const start = this.#starts[index]!
    if (start + length > this.#bytes.length) {
      const bytes = new Uint8Array(this.#bytes.length * 2)
      bytes.set(this.#bytes)
      this.#bytes = bytes
    }
    this.#bytes.set(state.subarray(0, length), start)
    this.#starts[index + 1] = start + length
    this.#parents[index] = parent
    this.#steps[index] = step
    this.#slots[slot] = index
    if (this.size * 2 > this.#slots.length) this.#growSlots()
    return true
  }

  #equals(index: number, state: Uint8Array, length: number): boolean {
    const start = this.#starts[index]!
    if (this.#starts[index + 1]! - start !== length) return false
    const bytes = this.#bytes
    for (let at = 0; at < length; at++) if (bytes[start + at] !== state[at]) return false
    return true
  }

  #growList(): void {
    const length = this.#starts.length * 2
    const starts = new Float64Array(length)
    starts.set(this.#starts)
    this.#starts = starts
    const parents = new Int32Array(length)
    parents.set(this.#parents)
    this.#parents = parents
    const steps = new Uint16Array(length)
    steps.set(this.#steps)
    this.#steps = steps
  }

  #growSlots(): void {
    this.#slots = new Int32Array(this.#slots.length * 2).fill(-1)
    const mask = this.#slots.length - 1
    for (let index = 0; index < this.size; index++) {
      const start = this.#starts[index]!
      let slot = hash(this.#bytes.subarray(start, this.#starts[index + 1]), this.#starts[index + 1]! - start) & mask
      while (this.#slots[slot]! >= 0) slot = (slot + 1) & mask
      this.#slots[slot] = index
    }
  }
}

/** FNV-1a, mixed once more at the end, since the low bits select the slot. */
const hash = (state: Uint8Array, length: number): number => {
  let value = 0x811c9dc5
  for (let at = 0; at < length; at++) value = Math.imul(value ^ state[at]!, 0x01000193)
  value = Math.imul(value ^ (value >>> 15), 0x85ebca6b)
  return (value ^ (value >>> 13)) >>> 0
}
