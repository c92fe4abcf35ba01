/** The results, as tables in Markdown and as a plot. */
import type { IdleMemory } from "../idle.ts"
import type { ImportCost, ImportCosts } from "../imports.ts"
import type { Program } from "../programs.ts"
import {
  cpu,
  type DecodeResult,
  each,
  memory,
  millis,
  over,
  type PartResult,
  rate,
  type TelemetryCost
} from "./figures.ts"
import { median, shown } from "./statistics.ts"
import type { Verdict } from "./verdict.ts"

const plural = (item: string): string => (item.endsWith("y") ? `${item.slice(0, -1)}ies` : `${item}s`)

const names: ReadonlyMap<string, string> = new Map([
  ["floor", "floor"],
  ["fibers", "floor with fibers"],
  ["codec", "floor with fibers and codec"],
  ["connectionOnly", "effect-ldap, no session"],
  ["effectLdap", "effect-ldap"],
  ["ldapClient", "effect-ldap, LdapClient"],
  ["dropIn", "drop-in for ldapts"],
  ["libldap", "libldap (C)"],
  ["libldapInPlace", "libldap, in place"],
  ["keeping", "floor that keeps the value"],
  ["pythonLdap", "python-ldap"]
])

const range = (values: ReadonlyArray<number>): string => `${shown(Math.min(...values))}–${shown(Math.max(...values))}`

const times = (ratio: number): string => (Number.isFinite(ratio) ? `${ratio.toPrecision(3)}×` : "–")

export const verdictTable = (verdicts: ReadonlyArray<readonly [number: number, verdict: Verdict]>): string => {
  const measured = verdicts.filter(([, { isMet }]) => isMet !== undefined)
  if (measured.length === 0) return ""
  const rows = measured.map(([number, found]) => {
    const { least, value, wanted, what } = found
    const possible = least === undefined ? "" : shown(least)
    return `| ${number} | ${what} | ${wanted} | ${shown(value)} | ${possible} | ${ending(found)} |`
  })
  const missed = measured.filter(([, { isMet }]) => isMet === false)
  const impossible = missed.filter(([, { isMetByLeast }]) => isMetByLeast === false)
  return [
    "### Goals",
    "",
    `${
      measured.length - missed.length
    } of ${measured.length} are met; of the others the least doesn't meet ${impossible.length} either.`,
    "",
    "| | goal | wanted | measured | the least | |",
    "|---|---|---|---|---|---|",
    ...rows,
    ""
  ].join("\n")
}

const ending = ({ isMet, isMetByLeast }: Verdict): string =>
  isMet === true ? "met" : isMetByLeast === false ? "not met, nor by the least" : "**not met**"

export const partTable = (result: PartResult): string => {
  const { part, rounds } = result
  const speed = part.shows === "rate" ? rate : millis
  const unit = part.shows === "rate" ? `${plural(part.item)} a second` : "ms"
  const peers = part.peers.filter((peer) => rounds.some((round) => round.has(peer)))
  const hasOctets = rounds.some((round) => [...round.values()].some(({ octets }) => octets !== undefined))
  const rows = peers.map((peer) => {
    const octets = over(result, peer, ({ octets }) => octets ?? Number.NaN)
    return `| ${
      [
        names.get(peer) ?? peer,
        shown(over(result, peer, speed)),
        range(each(result, peer, speed)),
        // Always as speed: more is better.
        times(over(result, peer, rate, "ldapts")),
        times(over(result, peer, rate, "floor")),
        shown(over(result, peer, cpu)),
        times(over(result, peer, cpu, "ldapts")),
        shown(over(result, peer, memory)),
        ...(hasOctets ? [shown(octets)] : [])
      ].join(" | ")
    } |`
  })
  const head =
    `| client | ${unit} | min–max | speed: ldapts = 1 | floor = 1 | CPU µs per ${part.item} | ldapts = 1 | MB over idle |`
  return [
    `### ${part.name}: ${part.title} (${part.against})`,
    "",
    hasOctets ? `${head} ${part.work === "held" ? "bytes in flight, each" : "bytes in vain"} |` : head,
    `|---|---|---|---|---|---|---|---|${hasOctets ? "---|" : ""}`,
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
    return `| ${decoder} | ${shown(median(values))} | ${range(values)} | ${times(median(ratios))} |`
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

const importLine = (what: string, { dependencies, library, ratio }: ImportCost): string =>
  `${what}: ${shown(library)} ms of CPU; what it imports from elsewhere: ${shown(dependencies)} ms; ${times(ratio)}.\n`

export const importText = ({ LdapSession, index }: ImportCosts): string =>
  `### import\n\n${importLine("The package", index)}\n${importLine("The session alone", LdapSession)}`

export const idleText = ({ dependencies, ldapts, over, session }: IdleMemory): string =>
  `### cold: an idle process\n\nWith one session: ${
    shown(session)
  } MB; with the same modules of Effect and no session: ` +
  `${shown(dependencies)} MB (${shown(over)} MB less); with a client of ldapts: ${shown(ldapts)} MB.\n`

export const telemetryText = ({ alone, ratio, watched }: TelemetryCost): string =>
  `### telemetry\n\nA lookup with spans and metrics on their defaults: ${shown(watched)} µs of CPU; without: ` +
  `${shown(alone)} µs; ${times(ratio)}.\n`

export const programText = ({ name, title }: Program, output: string): string =>
  `### ${name}: ${title}\n\n\`\`\`\n${output.trim()}\n\`\`\`\n`

// ---------------------------------------------------------------------------------------------------------------------
// The plot
// ---------------------------------------------------------------------------------------------------------------------

/** Colours that can be told apart on white, on black, and by readers with red-green colour blindness. */
const colours: ReadonlyMap<string, string> = new Map([
  ["effectLdap", "#3b82f6"],
  ["ldapts", "#e08a2c"],
  ["ldapjs", "#a78bb8"],
  ["floor", "#94a3b8"]
])

/** Text takes its colour from the reader's theme. */
const style = `<style>
  text { font: 12px system-ui, sans-serif; fill: #1f2933 }
  .title { font-size: 15px; font-weight: 600 }
  .quiet { fill: #66758a }
  .ours { font-weight: 600 }
  line { stroke: #66758a; stroke-opacity: 0.5; stroke-dasharray: 3 3 }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .quiet { fill: #9aa7b5 } }
</style>`

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")

/** CPU of an item, ldapts = 1: one bar a client, one group a part. */
export const plot = (results: ReadonlyArray<PartResult>, machine: string): string => {
  const groups = results.filter(({ part, rounds }) =>
    part.peers.includes("ldapts") && rounds.some((round) => round.has("ldapts")) && part.rounds > 0
  )
  const [left, right, bar, gap, top, most] = [300, 760, 11, 16, 84, 2]
  const unit = (right - left - 50) / most
  const height = top + groups.reduce((sum, { part }) => sum + countOf(part.peers) * bar + gap, 0) + 16
  const text = (x: number, y: number, content: string, kind = ""): string =>
    `<text x="${x}" y="${y}"${kind === "" ? "" : ` class="${kind}"`}>${escaped(content)}</text>`
  let y = top
  const bars = groups.flatMap((result) => {
    const { part } = result
    const shownPeers = [...colours.keys()].filter((peer) => part.peers.includes(peer))
    const start = y
    const drawn = shownPeers.flatMap((peer) => {
      const ratio = over(result, peer, cpu, "ldapts")
      const at = y
      y += bar
      if (!Number.isFinite(ratio)) return []
      const length = Math.min(most, ratio) * unit
      return [
        `<rect x="${left}" y="${at}" width="${length.toFixed(1)}" height="${bar - 2}" rx="2" fill="${
          colours.get(peer)
        }"/>`,
        ...(peer === "effectLdap" ? [text(left + length + 5, at + bar - 2, ratio.toFixed(2), "ours")] : [])
      ]
    })
    y += gap
    const middle = start + (shownPeers.length * bar) / 2
    return [text(12, middle - 1, part.title), text(12, middle + 13, part.against, "quiet"), ...drawn]
  })
  const legend = [...colours].flatMap(([peer, colour], i) => [
    `<rect x="${12 + i * 110}" y="52" width="11" height="11" rx="2" fill="${colour}"/>`,
    text(29 + i * 110, 62, names.get(peer) ?? peer)
  ])
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${right} ${height}" width="${right}" height="${height}" role="img">`,
    `<title>CPU of the client for one item, ldapts = 1: less is better</title>`,
    style,
    text(12, 22, "CPU of the client for one item, ldapts = 1: less is better", "title"),
    text(12, 40, machine, "quiet"),
    ...legend,
    `<line x1="${left + unit}" x2="${left + unit}" y1="${top - 6}" y2="${height - 16}"/>`,
    ...bars,
    "</svg>",
    ""
  ].join("\n")
}

const countOf = (peers: ReadonlyArray<string>): number => peers.filter((peer) => colours.has(peer)).length
