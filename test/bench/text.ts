/**
 * Texts: LDIF, filters, distinguished names and URLs, parsed by this library and by others. CPU only. Each peer does a task in a
 * process of its own; rounds take turns, and each ratio is the median of the ratios of rounds.
 *
 *     node test/bench/text.ts [--quick] [TASK …]      TASK: the beginning of a task, such as LDIF
 *
 * Exits with 1 if a goal is not met.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { inTurn } from "./inTurn.ts"
import { answerOf } from "./Process.ts"
import { median, shown } from "./report/statistics.ts"
import { report } from "./report/verdict.ts"
import { base, ldif, person } from "./servers/directory.ts"
import { nodeTasks } from "./textTasks.ts"

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url))
const quick = process.argv.includes("--quick")
const rounds = quick ? 1 : 5

/** CPU microseconds for an item; `undefined` if the peer failed. */
type Cost = (task: string, file: string) => Promise<number | undefined>

interface Peer {
  readonly name: string
  readonly tasks: ReadonlyArray<string>
  /** Whether it is a program in a scripting language. */
  readonly isScript: boolean
  readonly cost: Cost
}

interface Answer {
  readonly micros: number
  readonly items: number
}

const perItem = (answer: unknown): number | undefined =>
  answer === undefined ? undefined : (answer as Answer).micros / (answer as Answer).items

const answering = (command: string, ...args: ReadonlyArray<string>): Cost => async (task, file) =>
  perItem(await answerOf(command, [...args, task, file]))

const nodePeers: ReadonlyArray<Peer> = Object.entries(nodeTasks).map(([name, tasks]) => ({
  name,
  tasks: Object.keys(tasks),
  isScript: true,
  cost: answering(process.execPath, here("text.ts"), "--peer", name)
}))

/** CPU of a whole process, as the shell reports it for its children, for each record. */
const wholeProcess = (command: string, file: string): number | undefined => {
  const { status, stdout } = spawnSync("bash", ["-c", `${command} > /dev/null 2>&1 && times`, file], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C", PATH: `${process.env["PATH"]}:/usr/sbin` }
  })
  // The second line is for the children: minutes and seconds of the user's and of the system's time.
  const seconds = [...(stdout.split("\n")[1] ?? "").matchAll(/(\d+)m([\d.]+)s/g)]
    .reduce((sum, [, minutes, seconds]) => sum + 60 * Number(minutes) + Number(seconds), 0)
  return status === 0 ? (seconds * 1e6) / records : undefined
}

/** OpenLDAP's reader in C: `ldapadd -n` parses and prints what it would add. */
const ldapadd: Cost = (_, file) => Promise.resolve(wholeProcess(`ldapadd -n -f "$0"`, file))

/**
 * `slapadd -u` writes no database. It also normalizes names and values by the schema (`-s`: without checks of the classes), and
 * reads that schema first, in 0.6 µs of CPU for each of 20,000 records.
 */
const slapadd: Cost = (_, file) => Promise.resolve(wholeProcess(`slapadd -u -s -f "$0.conf" -l "$0"`, file))

const slapdConfiguration = (folder: string): string =>
  `${["core", "cosine", "inetorgperson"].map((name) => `include /etc/ldap/schema/${name}.schema`).join("\n")}
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix "${base}"
directory ${folder}
`

const works = (command: string, ...args: ReadonlyArray<string>): boolean => spawnSync(command, args).status === 0

const ldifTasks = ["LDIF parsed", "LDIF formatted"]
/** The first one in the path may be another installation. */
const pythons = ["python3", "/usr/bin/python3"]

/** Programs that may not be installed. */
const others = (): ReadonlyArray<Peer & { readonly isInstalled: boolean }> => {
  const python = pythons.find((path) => works(path, "-c", "import ldif"))
  return [
    {
      name: "python-ldap",
      tasks: ldifTasks,
      isScript: true,
      isInstalled: python !== undefined,
      cost: answering(python ?? "", here("peers/pythonLdif.py"))
    },
    {
      name: "Net::LDAP::LDIF",
      tasks: ldifTasks,
      isScript: true,
      isInstalled: works("perl", "-e", "use Net::LDAP::LDIF"),
      cost: answering("perl", here("peers/perlLdif.pl"))
    },
    {
      name: "ldapadd -n",
      tasks: ["LDIF parsed"],
      isScript: false,
      isInstalled: works("ldapadd", "-VV"),
      cost: ldapadd
    },
    {
      name: "slapadd -u",
      tasks: ["LDIF parsed"],
      isScript: false,
      isInstalled: works("bash", "-c", "PATH=$PATH:/usr/sbin command -v slapadd"),
      cost: slapadd
    }
  ]
}

const records = quick ? 2_000 : 20_000

/** LDIF as servers and `ldapsearch` write it, in lines of at most 76 characters. */
const text = (): string => {
  const folded = (line: string): string =>
    line.length <= 76 ? line : `${line.slice(0, 76)}\n${folded(` ${line.slice(76)}`)}`
  return Array.from({ length: records }, (_, i) => ldif(person(i))).join("").split("\n").map(folded).join("\n")
}

// ---------------------------------------------------------------------------------------------------------------------
// One peer
// ---------------------------------------------------------------------------------------------------------------------

const warmUp = 5
const leastPasses = 5
const leastMicros = 400_000

/** The median of passes, after some passes to warm up. Garbage collection and compilation count. */
const measure = (peer: string, name: string, file: string): Answer => {
  const task = nodeTasks[peer]![name]!(file)
  const micros: Array<number> = []
  for (let pass = 0, sum = 0; pass < warmUp + leastPasses || sum < leastMicros; pass++) {
    const before = process.cpuUsage()
    let result: unknown = task.pass()
    const { system, user } = process.cpuUsage(before)
    if (result === undefined) throw new Error("nothing was done")
    result = undefined
    if (pass < warmUp) continue
    micros.push(user + system)
    sum += user + system
  }
  return { micros: median(micros), items: task.items }
}

// ---------------------------------------------------------------------------------------------------------------------
// All of them
// ---------------------------------------------------------------------------------------------------------------------

const own = "effectLdap"

/** How many times less CPU than a peer, or than the cheapest of several. */
interface Goal {
  readonly task: string
  /** What is compared: this library, by default all at once. */
  readonly own?: string
  /** The peer that does the least. */
  readonly least?: string
  readonly than: string
  readonly atLeast: number
  readonly isAgainst: (peer: Peer) => boolean
}

const isOwn = ({ name }: Peer): boolean => name.startsWith(own)
/** Other programs in a scripting language, without the floors. */
const scripts = (peer: Peer): boolean => peer.isScript && !isOwn(peer) && !peer.name.startsWith("the least")
const named = (name: string) => (peer: Peer): boolean => peer.name === name

const goals: ReadonlyArray<Goal> = [
  { task: "LDIF parsed", than: "the fastest in a scripting language", atLeast: 3, isAgainst: scripts },
  {
    task: "LDIF parsed",
    // Neither keeps the records.
    own: "effectLdap, a stream",
    least: "the least",
    than: "ldapadd -n, in C",
    atLeast: 0.5,
    isAgainst: named("ldapadd -n")
  },
  {
    task: "LDIF parsed",
    own: "effectLdap, a stream",
    least: "the least",
    than: "slapadd -u, in C",
    atLeast: 0.5,
    isAgainst: named("slapadd -u")
  },
  { task: "LDIF formatted", than: "the fastest in a scripting language", atLeast: 3, isAgainst: scripts },
  { task: "filters parsed", least: "the least, with bytes", than: "ldapts", atLeast: 3, isAgainst: named("ldapts") },
  { task: "DNs parsed", than: "ldapjs (ldapts parses none)", atLeast: 3, isAgainst: named("ldapjs") },
  { task: "URLs parsed", than: "ldapjs (ldapts parses none)", atLeast: 3, isAgainst: named("ldapjs") }
]

const main = async (chosen: ReadonlyArray<string>): Promise<void> => {
  const programs = others()
  for (const { isInstalled, name } of programs) if (!isInstalled) console.log(`Left out: ${name} isn't installed.`)
  const peers = [...nodePeers, ...programs.filter(({ isInstalled }) => isInstalled)]
  const folder = mkdtempSync(join(tmpdir(), "effect-ldap-bench-"))
  const file = join(folder, "people.ldif")
  try {
    writeFileSync(file, text())
    writeFileSync(`${file}.conf`, slapdConfiguration(folder))
    for (const task of new Set(goals.map(({ task }) => task))) {
      if (chosen.length > 0 && !chosen.some((start) => task.startsWith(start))) continue
      await compare(task, peers.filter(({ tasks }) => tasks.includes(task)), file)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const compare = async (task: string, peers: ReadonlyArray<Peer>, file: string): Promise<void> => {
  const found: Array<ReadonlyMap<Peer, number>> = []
  for (let round = 0; round < rounds; round++) {
    const costs = new Map<Peer, number>()
    for (const peer of inTurn(peers, round)) {
      const cost = await peer.cost(task, file)
      if (cost !== undefined) costs.set(peer, cost)
    }
    found.push(costs)
  }
  const ratioTo = (isAgainst: (peer: Peer) => boolean, name = own): number => {
    const mine = peers.find(named(name))!
    return median(found.map((costs) => {
      const theirs = [...costs].filter(([peer]) => isAgainst(peer)).map(([, cost]) => cost)
      return Math.min(...theirs) / costs.get(mine)!
    }))
  }
  console.log(`\n${task}\n\n| | CPU µs for one | times that of effect-ldap |\n|---|---|---|`)
  for (const peer of peers) {
    const cost = median(found.map((costs) => costs.get(peer) ?? Number.NaN))
    console.log(`| ${peer.name} | ${shown(cost)} | ${shown(ratioTo((other) => other === peer))} |`)
  }
  console.log("")
  for (const { atLeast, isAgainst, least, own: name, than } of goals.filter((goal) => goal.task === task)) {
    const ratio = ratioTo(isAgainst, name)
    if (!Number.isFinite(ratio)) continue
    const possible = least === undefined ? undefined : ratioTo(isAgainst, least)
    const { isMet } = report(`${task}: times less CPU than ${than}`, ratio, { atLeast }, possible)
    if (isMet === false && !quick) process.exitCode = 1
  }
}

const args = process.argv.slice(2)
if (args[0] === "--peer") console.log(JSON.stringify(measure(args[1]!, args[2]!, args[3]!)))
else await main(args.filter((argument) => !argument.startsWith("--")))
