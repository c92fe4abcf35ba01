/**
 * Runs copies of many directories on a cluster while its processes are killed (cluster.ts):
 *
 *     npm run test:replica -- --tenants 20 --seconds 120 --seed 1
 */
import { parseArgs } from "node:util"
import { runCluster } from "./cluster.ts"

const { values } = parseArgs({
  options: {
    tenants: { type: "string", default: "20" },
    seconds: { type: "string", default: "120" },
    seed: { type: "string", default: String(Date.now() % 100_000) }
  }
})
console.log(`seed ${values.seed}`)
const outcome = await runCluster({
  tenants: Number(values.tenants),
  seconds: Number(values.seconds),
  seed: Number(values.seed),
  print: (line) => console.log(`${new Date().toISOString().slice(11, 19)} ${line}`)
})
console.log(outcome)
