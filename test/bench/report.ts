/** What was measured, as tables in Markdown and as a plot. */
import type { Measured } from "./measure.ts"
import type { Part } from "./parts.ts"
import { median, shown } from "./statistics.ts"

/** One part: for each repeat, what each peer took. Peers that can't do it are not there. */
export interface PartResult {
  readonly part: Part
  readonly repeats: ReadonlyArray<ReadonlyMap<string, Measured>>
}

export interface DecodeResult {
  readonly stream: string
  /** CPU milliseconds of 20,000 entries by decoder; the last decoder is the one to compare with. */
  readonly repeats: ReadonlyArray<ReadonlyMap<string, number>>
}

const rate = ({ items, rounds }: Measured): number => (items / median(rounds.map(({ millis }) => millis))) * 1_000
const millis = ({ rounds }: Measured): number => median(rounds.map(({ millis }) => millis))
const cpu = ({ items, rounds }: Measured): number => median(rounds.map(({ cpuMicros }) => cpuMicros)) / items

const plural = (item: string): string => (item.endsWith("y") ? `${item.slice(0, -1)}ies` : `${item}s`)

/** Programs of their own, whose work the measuring process doesn't see. */
const outside = new Set(["libldap"])

const names: ReadonlyMap<string, string> = new Map([
  ["floor", "floor"],
  ["effectLdap", "effect-ldap"],
  ["libldap", "libldap (ldapsearch)"],
  ["pythonLdap", "python-ldap"]
])

/** The median over the repeats of a figure, or of its ratio to another peer's in the same repeat. */
const over = (
  { repeats }: PartResult,
  peer: string,
  figure: (measured: Measured) => number,
  against?: string
): number => {
  const values = repeats.flatMap((repeat) => {
    const measured = repeat.get(peer)
    const other = against === undefined ? undefined : repeat.get(against)
    if (measured === undefined || (against !== undefined && other === undefined)) return []
    return [figure(measured) / (other === undefined ? 1 : figure(other))]
  })
  return values.length === 0 ? Number.NaN : median(values)
}

const spread = ({ repeats }: PartResult, peer: string, figure: (measured: Measured) => number): string => {
  const values = repeats.flatMap((repeat) => {
    const measured = repeat.get(peer)
    return measured === undefined ? [] : [figure(measured)]
  })
  return `${shown(Math.min(...values))}–${shown(Math.max(...values))}`
}

const times = (ratio: number): string => (Number.isFinite(ratio) ? `${ratio.toPrecision(3)}×` : "–")

export const partTable = (result: PartResult): string => {
  const { part, repeats } = result
  const speed = part.shows === "rate" ? rate : millis
  const unit = part.shows === "rate" ? `${plural(part.item)} a second` : "ms"
  const peers = part.peers.filter((peer) => repeats.some((repeat) => repeat.has(peer)))
  const rows = peers.map((peer) => {
    const inside = !outside.has(peer)
    const memory = over(result, peer, ({ idle, peak }) => peak - idle)
    return `| ${
      [
        names.get(peer) ?? peer,
        shown(over(result, peer, speed)),
        spread(result, peer, speed),
        // Always as speed: more is better.
        times(over(result, peer, rate, "ldapts")),
        times(over(result, peer, rate, "floor")),
        inside ? shown(over(result, peer, cpu)) : "–",
        inside ? times(over(result, peer, cpu, "ldapts")) : "–",
        inside ? shown(memory) : "–"
      ].join(" | ")
    } |`
  })
  return [
    `### ${part.name}: ${part.title} (${part.against})`,
    "",
    `| client | ${unit} | min–max | speed: ldapts = 1 | floor = 1 | CPU µs per ${part.item} | ldapts = 1 | MB over idle |`,
    "|---|---|---|---|---|---|---|---|",
    ...rows,
    ""
  ].join("\n")
}

export const decodeTable = ({ repeats, stream }: DecodeResult): string => {
  const decoders = [...repeats[0]!.keys()]
  const reference = decoders.at(-1)!
  const rows = decoders.map((decoder) => {
    const values = repeats.map((repeat) => repeat.get(decoder)!)
    const ratios = repeats.map((repeat) => repeat.get(reference)! / repeat.get(decoder)!)
    const range = `${shown(Math.min(...values))}–${shown(Math.max(...values))}`
    return `| ${decoder} | ${shown(median(values))} | ${range} | ${times(median(ratios))} |`
  })
  return [
    `### decode: ${stream === "ascii" ? "people" : "people whose values are not ASCII"}`,
    "",
    `| decoder | CPU ms for 20,000 entries | min–max | less than ${reference} |`,
    "|---|---|---|---|",
    ...rows,
    ""
  ].join("\n")
}

const colours: ReadonlyMap<string, string> = new Map([
  ["floor", "#9aa5b1"],
  ["effectLdap", "#2f6fde"],
  ["ldapts", "#d97b29"]
])

/** CPU of an item, ldapts = 1: one bar a client, one group a part. */
export const plot = (results: ReadonlyArray<PartResult>): string => {
  const groups = results.filter(({ part }) => part.peers.includes("ldapts"))
  const [left, width, bar, gap] = [330, 330, 11, 14]
  const height = groups.length * (bar * 3 + gap) + 50
  const text = (x: number, y: number, content: string): string => `<text x="${x}" y="${y}">${content}</text>`
  const bars = groups.flatMap((result, i) => {
    const top = 40 + i * (bar * 3 + gap)
    const { part } = result
    return [
      text(8, top + bar * 2 - 2, `${part.title} (${part.against})`),
      ...[...colours].flatMap(([peer, colour], j) => {
        const ratio = over(result, peer, cpu, "ldapts")
        if (!Number.isFinite(ratio)) return []
        const length = Math.min(1.4, ratio) * (width / 1.4)
        const y = top + j * bar
        return [
          `<rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="${bar - 1}" fill="${colour}"/>`,
          text(left + length + 4, y + bar - 2, ratio.toFixed(2))
        ]
      })
    ]
  })
  const legend = [...colours].flatMap(([peer, colour], i) => [
    `<rect x="${left + i * 110}" y="12" width="10" height="10" fill="${colour}"/>`,
    text(left + 15 + i * 110, 21, names.get(peer) ?? peer)
  ])
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="720" height="${height}" font-family="sans-serif" font-size="10">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    text(8, 21, "CPU of the client for one item; ldapts = 1"),
    ...legend,
    ...bars,
    "</svg>",
    ""
  ].join("\n")
}
