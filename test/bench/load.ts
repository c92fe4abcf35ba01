/**
 * The client under load: lookups beside an export on a slow link, and lookups of 2,000 fibers over the default pool. With `--against` a
 * commit, that version of the client does the same in turns, for ratios that other work on the machine doesn't change much.
 *
 *     node test/bench/load.ts [--quick] [--against=COMMIT] [beside] [crowd]
 */
import { execFileSync, fork } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, rmSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import type { Beside, Crowd, Figures, Order } from "./loadWorker.ts"
import { median, shown } from "./report/statistics.ts"
import { report } from "./report/verdict.ts"
import { sizes } from "./servers/directory.ts"
import { startSlapd } from "./servers/slapd.ts"
import { startSlowLink } from "./servers/slowLink.ts"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean", default: false }, against: { type: "string" } }
})
const isWanted = (part: string): boolean => positionals.length === 0 || positionals.includes(part)
const pairs = values.quick ? 3 : 9
const fibers = 2000
const bytesPerSecond = 2_000_000

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** The sources of a commit, in a folder from which they find the dependencies of this one. */
const sourcesOf = (commit: string): string => {
  const root = here("../../")
  const target = here(`../../dist/baseline/${commit}/`)
  rmSync(target, { recursive: true, force: true })
  mkdirSync(target, { recursive: true })
  const archive = execFileSync("git", ["archive", commit, "src"], { cwd: root, maxBuffer: 1 << 28 })
  execFileSync("tar", ["-x", "-C", target], { input: archive })
  return `${target}src`
}

interface Worker {
  readonly round: (order: Order) => Promise<Figures>
  readonly stop: () => void
}

const startWorker = (sources: string): Worker => {
  const child = fork(here("loadWorker.ts"), [sources], { stdio: ["ignore", "inherit", "inherit", "ipc"] })
  const hasEnded = once(child, "exit")
  child.setMaxListeners(0)
  return {
    round: async (order) => {
      child.send(order)
      const answer = await Promise.race([once(child, "message"), hasEnded])
      if (typeof answer[0] !== "object" || answer[0] === null) throw new Error(`the worker of ${sources} has ended`)
      return answer[0] as Figures
    },
    stop: () => void child.kill()
  }
}

const slapd = await startSlapd(sizes(true))
if (slapd === undefined) throw new Error("slapd is missing")
const link = await startSlowLink(Number(new URL(slapd.ldap).port), bytesPerSecond)
const now = startWorker(here("../../src"))
const before = values.against === undefined ? undefined : startWorker(sourcesOf(values.against))

/** One round of each version to warm up, then pairs in alternating order. */
const measure = async <F extends Figures>(order: Order): Promise<ReadonlyArray<readonly [F, F | undefined]>> => {
  const measured: Array<readonly [F, F | undefined]> = []
  for (let pair = 0; pair <= pairs; pair++) {
    const isFirst = pair % 2 === 0
    const early = isFirst ? undefined : await before?.round(order)
    const own = await now.round(order)
    const other = isFirst ? await before?.round(order) : early
    if (pair > 0) measured.push([own as F, other as F | undefined])
  }
  return measured
}

const line = <F extends Figures>(
  what: string,
  unit: string,
  all: ReadonlyArray<readonly [F, F | undefined]>,
  of: (figures: F) => number
): void => {
  const ratios = all.flatMap(([own, other]) => other === undefined ? [] : [of(own) / of(other)])
  const compared = ratios.length === 0 ? "" : `; ${shown(median(ratios))} times ${values.against}`
  console.log(`  ${what}: ${shown(median(all.map(([own]) => of(own))))} ${unit}${compared}`)
}

/** What other work on the machine adds to a figure is never less than nothing: the least of each tells most. */
const bestWithBest = <F extends Figures>(
  what: string,
  all: ReadonlyArray<readonly [F, F | undefined]>,
  of: (figures: F) => number
): void => {
  const others = all.flatMap(([, other]) => other === undefined ? [] : [of(other)])
  if (others.length === 0) return
  const ratio = Math.min(...all.map(([own]) => of(own))) / Math.min(...others)
  console.log(`  ${what}, best with best: ${shown(ratio)} times ${values.against}`)
}

try {
  if (isWanted("beside")) {
    console.log(`lookups beside an export, on a link of ${bytesPerSecond / 1e6} MB/s`)
    const beside = await measure<Beside>({ work: "beside", url: link.url, lookups: values.quick ? 60 : 200 })
    line("alone, p50", "ms", beside, ({ alone }) => alone.p50)
    line("alone, p99", "ms", beside, ({ alone }) => alone.p99)
    line("beside the export, p50", "ms", beside, ({ crowded }) => crowded.p50)
    line("beside the export, p99", "ms", beside, ({ crowded }) => crowded.p99)
    line("the export", "MB/s", beside, ({ exported }) => exported)
  }
  if (isWanted("crowd")) {
    console.log(`lookups of ${fibers} fibers`)
    const crowd = await measure<Crowd>({ work: "crowd", url: slapd.ldap, fibers, each: values.quick ? 5 : 15 })
    line("operations", "a second", crowd, ({ perSecond }) => perSecond)
    line("CPU of an operation", "µs", crowd, ({ cpuMicros }) => cpuMicros)
    bestWithBest("CPU of an operation", crowd, ({ cpuMicros }) => cpuMicros)
    line("p50", "ms", crowd, ({ waits }) => waits.p50)
    line("p99", "ms", crowd, ({ waits }) => waits.p99)
    line("p99 / p50", "", crowd, ({ waits }) => waits.p99 / waits.p50)
    line("longest / p50", "", crowd, ({ waits }) => waits.most / waits.p50)
    const tail = median(crowd.map(([{ waits }]) => waits.p99 / waits.p50))
    report(`Lookups of ${fibers} fibers: 99th percentile of the waits, median = 1`, tail, { atMost: 2 })
  }
} finally {
  now.stop()
  before?.stop()
  link.close()
  await slapd.stop()
}
