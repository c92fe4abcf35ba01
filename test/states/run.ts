/**
 * Searches all states that the session's machine can reach in bounded worlds, and checks the promises S1 to S13 in each. See
 * README.md in this folder.
 *
 *     node test/states/run.ts                      all worlds, completely
 *     node test/states/run.ts --small              the smaller bound that runs in npm test
 *     node test/states/run.ts --world Cancel       the worlds whose name has this text
 *     node test/states/run.ts --states 100000      at most this many states of a world
 *     node test/states/run.ts --seconds 60         at most this long in a world
 *     node test/states/run.ts --json               a line of JSON for each world
 *     node test/states/run.ts --list               the worlds and their purposes
 *
 * Exits with 1 on a broken promise, and prints a shortest list of events that leads to it. Exits with 2 if a limit stopped the
 * search.
 */
import { parseArgs } from "node:util"
import { describe, describeTotal } from "./report.ts"
import { type Result, search } from "./search.ts"
import { worlds } from "./world/worlds.ts"

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    small: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    world: { type: "string", default: "" },
    states: { type: "string", default: "Infinity" },
    seconds: { type: "string", default: "Infinity" }
  }
})

const chosen = worlds.filter(({ isSmall, name }) => name.includes(values.world) && (isSmall === true || !values.small))

if (values.list) {
  for (const { isSmall, name, why } of chosen) console.log(`${name}${isSmall === true ? " (small)" : ""}\n    ${why}`)
  process.exit(0)
}
if (chosen.length === 0) {
  console.error(`no world has "${values.world}" in its name; --list prints them`)
  process.exit(1)
}

const limits = { states: Number(values.states), millis: Number(values.seconds) * 1000 }
const results: Array<Result> = []
for (const world of chosen) {
  const result = search(world, limits)
  results.push(result)
  console.log(values.json ? JSON.stringify({ ...result, world: world.name }) : describe(result))
  if (result.violation !== undefined) process.exit(1)
}
if (!values.json) console.log(describeTotal(results))
if (results.some(({ isComplete }) => !isComplete)) process.exit(2)
