/**
 * What a connection, a lookup or a write takes that can be counted: the functions of JavaScript that are called, how often, and the bytes
 * of heap, which depend on what V8 has compiled. Each client has a process of its own, on the responder. It writes no file.
 *
 *     node test/bench/counts.ts [connect] [lookup] [write] [--by-room] [--functions=WHERE]
 *
 * `--by-room` shows where the functions are, and `--functions=src/session` names those below a folder.
 */
import { spawnSync } from "node:child_process"
import type { Profiler } from "node:inspector"
import { Session } from "node:inspector/promises"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import type { Client, Peer, Target } from "./peers/Peer.ts"
import { median } from "./report/statistics.ts"
import { admin, personDn, scratch } from "./servers/directory.ts"
import { startResponder } from "./servers/startResponder.ts"

const requests = ["floor", "fibers", "codec", "leastSession", "effectLdap", "ldapts"]

const peers: Readonly<Record<string, ReadonlyArray<string>>> = {
  connect: ["floor", "connectionOnly", "leastSession", "effectLdap", "ldapts"],
  lookup: requests,
  write: requests
}

/** Items that are counted, after as many thousands as V8 needs to compile them: what is compiled allocates less. */
const counted = 300

/** A client that takes longer fails; in milliseconds. */
const patience = 120_000

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    peer: { type: "string" },
    url: { type: "string", default: "" },
    "by-room": { type: "boolean", default: false },
    functions: { type: "string" }
  }
})

let names = 0
const works: Readonly<Record<string, (peer: Peer, client: Client, target: Target, items: number) => Promise<unknown>>> =
  {
    connect: async (peer, _, target, items) => {
      for (let i = 0; i < items; i++) await (await peer.connect(target)).close()
    },
    lookup: (_, client, _1, items) => client.lookups!(Array.from({ length: items }, (_, i) => personDn(i % 2_000)), 1),
    write: (_, client, _1, items) =>
      client.writes!(Array.from({ length: items / 3 }, () => `cn=w${names++},${scratch}`), 1)
  }

const root = new URL("../../", import.meta.url).href

const roomOf = (url: string): string => {
  if (url.startsWith("node:")) return "node"
  const path = url.replace(root, "")
  return /node_modules\/([^/]+)/.exec(path)?.[1] ?? /^src\/[^/]+(?:\/[^/.]+(?=\/))?/.exec(path)?.[0] ?? "the program"
}

interface Function {
  readonly room: string
  readonly name: string
  readonly calls: number
}

const functionsOf = (scripts: ReadonlyArray<Profiler.ScriptCoverage>): ReadonlyArray<Function> =>
  scripts.flatMap(({ functions, url }) =>
    functions.flatMap(({ functionName, ranges: [range] }) => {
      const calls = range!.count / counted
      // Those of one kind of write run for every third item.
      return calls < 0.3 ? [] : [{ room: roomOf(url), name: `${url.split("/").at(-1)} ${functionName}`, calls }]
    })
  )

const count = async (work: string, name: string, url: string): Promise<void> => {
  const { peer } = (await import(`./peers/${name}.ts`)) as { readonly peer: Peer }
  const target: Target = { url, ca: undefined, bindDn: admin.dn, password: admin.password }
  const client = await peer.connect(target)
  const run = (items: number): Promise<unknown> => works[work]!(peer, client, target, items)
  await run(work === "connect" ? 4_000 : 15_000)
  // The space for new objects is large from the beginning, so nothing is collected meanwhile.
  const octets: Array<number> = []
  for (let i = 0; i < 5; i++) {
    globalThis.gc!()
    const before = process.memoryUsage().heapUsed
    await run(counted)
    octets.push((process.memoryUsage().heapUsed - before) / counted)
  }
  const session = new Session()
  session.connect()
  await session.post("Profiler.enable")
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false })
  // The first take counts the functions that are called while counting begins.
  await run(30)
  await session.post("Profiler.takePreciseCoverage")
  await run(counted)
  const functions = functionsOf((await session.post("Profiler.takePreciseCoverage")).result)
  const sum = (all: ReadonlyArray<Function>): number => all.reduce((sum, { calls }) => sum + calls, 0)
  console.log(
    `${work}, ${name}: ${functions.length} functions, ${Math.round(sum(functions))} calls, ${
      (median(octets) / 1024).toFixed(1)
    } KB of heap`
  )
  if (values["by-room"]) {
    for (const [room, own] of [...Map.groupBy(functions, ({ room }) => room)].sort()) {
      console.log(`  ${room}: ${own.length} functions, ${Math.round(sum(own))} calls`)
    }
  }
  if (values.functions !== undefined) {
    const own = functions.filter(({ room }) => room.startsWith(values.functions!))
    for (const { calls, name } of own.toSorted((a, b) => b.calls - a.calls))
      console.log(`  ${calls.toFixed(1)} ${name}`)
  }
  await client.close()
  process.exit(0)
}

if (values.peer !== undefined) {
  await count(positionals[0]!, values.peer, values.url)
} else {
  const responder = await startResponder(true)
  const shown = [
    ...(values["by-room"] ? ["--by-room"] : []),
    ...(values.functions === undefined ? [] : [`--functions=${values.functions}`])
  ]
  const flags = ["--expose-gc", "--min-semi-space-size=256", "--max-semi-space-size=256"]
  for (const [work, names] of Object.entries(peers)) {
    if (positionals.length > 0 && !positionals.includes(work)) continue
    for (const name of names) {
      const args = [
        ...flags,
        fileURLToPath(import.meta.url),
        work,
        `--peer=${name}`,
        `--url=${responder.url}`,
        ...shown
      ]
      const { status } = spawnSync(process.execPath, args, { stdio: "inherit", timeout: patience })
      if (status !== 0) process.exitCode = 1
    }
  }
  responder.stop()
}
