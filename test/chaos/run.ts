/**
 * Runs the client under load while its network and its server fail, for any length of time:
 *
 *     npm run test:chaos -- --seconds 120 --fibers 400 --seed 7
 *
 * Prints the outcomes of the operations. Fails if a write or a connection is unaccounted for, or if an operation got the answer of
 * another request.
 */
import { parseArgs } from "node:util"
import { ensureSlapd } from "../servers/slapd/slapd.ts"
import { runChaos } from "./chaos.ts"

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    fibers: { type: "string", default: "300" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) }
  }
})
const found = ensureSlapd()
if ("missing" in found) throw new Error(found.missing)
const options = { seconds: Number(values.seconds), fibers: Number(values.fibers), seed: Number(values.seed) }
const { connections, counts, faults } = await runChaos({ slapd: found.path, ...options })
for (const [what, count] of [...counts].sort(([a], [b]) => a < b ? -1 : 1))
  console.log(`${String(count).padStart(8)}  ${what}`)
console.log(`${connections} connections; seed ${options.seed}; ${faults.length} faults`)
for (const fault of faults.slice(0, 50)) console.log(fault)
process.exit(faults.length === 0 ? 0 : 1)
