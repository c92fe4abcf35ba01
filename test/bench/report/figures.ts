/** The measurements, and the figures that are compared. */
import type { IdleMemory } from "../idle.ts"
import type { ImportCosts } from "../imports.ts"
import type { Measured, Work } from "../measure.ts"
import type { Against, Part } from "../parts.ts"
import { median } from "./statistics.ts"

/** One part: for each round the cost of each peer, one right after the other. Peers that can't do it are missing. */
export interface PartResult {
  readonly part: Part
  readonly rounds: ReadonlyArray<ReadonlyMap<string, Measured>>
}

export interface DecodeResult {
  readonly stream: string
  /** CPU milliseconds of 20,000 entries by decoder; the last decoder is the one to compare with. */
  readonly repeats: ReadonlyArray<ReadonlyMap<string, number>>
}

/** CPU microseconds of a lookup with spans and metrics on their defaults, and without. */
export interface TelemetryCost {
  readonly watched: number
  readonly alone: number
  readonly ratio: number
}

export const rate = ({ items, millis }: Measured): number => (items / millis) * 1_000
export const millis = ({ millis }: Measured): number => millis
export const cpu = ({ cpuMicros, items }: Measured): number => cpuMicros / items
export const memory = ({ idle, peak }: Measured): number => peak - idle

/** A peer's figures, or their ratios to another's in the same round. */
export const each = (
  { rounds }: PartResult,
  peer: string,
  figure: (measured: Measured) => number,
  against?: string
): ReadonlyArray<number> =>
  rounds.flatMap((round) => {
    const measured = round.get(peer)
    const other = against === undefined ? undefined : round.get(against)
    if (measured === undefined || (against !== undefined && other === undefined)) return []
    return [figure(measured) / (other === undefined ? 1 : figure(other))]
  })

/** The median of {@link each}. Memory is the most that there was, so it grows from round to round: of that the last. */
export const over = (
  result: PartResult,
  peer: string,
  figure: (measured: Measured) => number,
  against?: string
): number => {
  const values = each(result, peer, figure, against)
  return values.length === 0 ? Number.NaN : figure === memory ? Math.max(...values) : median(values)
}

/** All of a run, as goals ask for it. NaN stands for a figure that was not measured. */
export class Figures {
  readonly parts: Array<PartResult> = []
  readonly decoding: Array<DecodeResult> = []
  imports: ImportCosts | undefined
  idle: IdleMemory | undefined
  telemetry: TelemetryCost | undefined

  part(work: Work, against: Against, items?: number): PartResult | undefined {
    return this.parts.find(({ part }) =>
      part.work === work && part.against === against && (items === undefined || part.items === items)
    )
  }

  /** Of this library, or of another peer. */
  figure(
    work: Work,
    against: Against,
    figure: (measured: Measured) => number,
    other?: string,
    peer = "effectLdap"
  ): number {
    const result = this.part(work, against)
    return result === undefined ? Number.NaN : over(result, peer, figure, other)
  }

  /** CPU microseconds of an item beyond the floor's in the same round: of this library, or of another peer. */
  overFloor(work: Work, against: Against, peer = "effectLdap"): number {
    const result = this.part(work, against)
    const more = (result?.rounds ?? []).flatMap((round) => {
      const [own, floor] = [round.get(peer), round.get("floor")]
      return own === undefined || floor === undefined ? [] : [cpu(own) - cpu(floor)]
    })
    return more.length === 0 ? Number.NaN : median(more)
  }

  /** How many times less CPU a decoder takes than that of ldapts. */
  decoder(stream: string, decoder: string): number {
    const results = this.decoding.find((result) => result.stream === stream && result.repeats[0]!.has(decoder))
    if (results === undefined) return Number.NaN
    const reference = [...results.repeats[0]!.keys()].at(-1)!
    return median(results.repeats.map((repeat) => repeat.get(reference)! / repeat.get(decoder)!))
  }
}
