/**
 * What the first 20,000 strings of a process cost, in code that isn't compiled yet: the members of 20 groups of 1,000, as a server sends
 * them, without a connection, messages or entries. Each way has processes of its own, in turns; CPU of all threads.
 *
 *     node test/bench/firstStrings.ts [PROCESSES]
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { inTurn } from "./inTurn.ts"
import { answerOf } from "./Process.ts"
import { median, shown } from "./report/statistics.ts"
import { groupRecords, sizes } from "./servers/directory.ts"

/** Of all groups, one after another: the tag, the length and the bytes of each value (RFC 4511 section 4.1.7). */
const members = (): Buffer =>
  Buffer.concat(
    groupRecords(sizes(false)).flatMap(({ attributes }) =>
      attributes.find(([name]) => name === "member")![1].flatMap((value) => {
        const octets = Buffer.from(value)
        return [Buffer.from([0x04, octets.length]), octets]
      })
    )
  )

/** Each takes the members of a group, and returns what it made of them. All values are shorter than 128 bytes. */
const ways: Readonly<Record<string, (octets: Buffer) => unknown>> = {
  "a step over each value": (octets) => {
    let values = 0
    for (let at = 0; at < octets.length; at += 2 + octets[at + 1]!) values++
    return values
  },
  // oxlint-disable-next-line no-control-regex -- a tag and a length
  "one text, cut by split": (octets) => octets.toString("latin1").split(/\x04./),
  "one text, a substring for each value": (octets) => {
    const text = octets.toString("latin1")
    const values: Array<string> = []
    for (let at = 0; at < octets.length;) {
      const end = at + 2 + octets[at + 1]!
      values.push(text.substring(at + 2, end))
      at = end
    }
    return values
  },
  "a decoded string for each value": (octets) => {
    const values: Array<string> = []
    for (let at = 0; at < octets.length;) {
      const end = at + 2 + octets[at + 1]!
      values.push(octets.toString("utf8", at + 2, end))
      at = end
    }
    return values
  }
}

const groups = 20

const first = (way: string, file: string): number => {
  const octets = readFileSync(file)
  // All groups are of the same size.
  const size = octets.length / groups
  const parts = Array.from({ length: groups }, (_, i) => octets.subarray(i * size, (i + 1) * size))
  const strings = ways[way]!
  const before = process.cpuUsage()
  const made = parts.map(strings)
  const { system, user } = process.cpuUsage(before)
  if (made.length !== groups) throw new Error("not all groups were read")
  return (user + system) / 1000
}

const all = async (processes: number): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "effect-ldap-bench-"))
  const file = join(folder, "members")
  const costs = new Map<string, Array<number>>(Object.keys(ways).map((way) => [way, []]))
  try {
    writeFileSync(file, members())
    for (let i = 0; i < processes; i++) {
      const names = Object.keys(ways)
      for (const way of inTurn(names, i)) {
        const answer = await answerOf(process.execPath, [fileURLToPath(import.meta.url), "--first", way, file])
        costs.get(way)!.push(answer as number)
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  console.log("| | CPU ms, least | median |\n|---|---|---|")
  for (const [way, found] of costs) console.log(`| ${way} | ${shown(Math.min(...found))} | ${shown(median(found))} |`)
}

const args = process.argv.slice(2)
if (args[0] === "--first") console.log(first(args[1]!, args[2]!))
else await all(Number(args[0] ?? 11))
