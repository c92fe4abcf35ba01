/** The times of many operations in constant memory: counts per class, each class 2% wide. */
const growth = Math.log(1.02)

export class Latencies {
  readonly #counts = new Map<number, number>()
  #max = 0
  count = 0

  /** Adds the time of one operation. */
  add(milliseconds: number): void {
    this.count++
    this.#max = Math.max(this.#max, milliseconds)
    const index = Math.ceil(Math.log(Math.max(0.001, milliseconds)) / growth)
    this.#counts.set(index, (this.#counts.get(index) ?? 0) + 1)
  }

  /** The number of milliseconds within which this part of the operations has ended. */
  at(part: number): number {
    if (part >= 1) return rounded(this.#max)
    let before = 0
    for (const [index, count] of Array.from(this.#counts).sort(([a], [b]) => a - b)) {
      before += count
      if (before >= part * this.count) return rounded(Math.min(this.#max, Math.exp(index * growth)))
    }
    return 0
  }
}

const rounded = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000
