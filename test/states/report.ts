/** The result of a search as text. */
import type { Result } from "./search.ts"

const count = (number: number): string => number.toLocaleString("en")
const seconds = (millis: number): string => `${(millis / 1000).toFixed(1)} s`

export const describe = (
  { depth, isComplete, millis, releaseSteps, states, transitions, violation, world }: Result
): string => {
  const figures =
    `${count(states)} states, ${count(transitions)} transitions, ${count(releaseSteps)} steps to the end after a ` +
    `release, depth ${depth}, ${seconds(millis)}${
      isComplete ? "" : violation === undefined ? ", stopped at the limit" : ""
    }`
  const lines = [`${world.name}: ${figures}`]
  if (violation !== undefined) {
    const { events, isConfirmed, promise } = violation
    lines.push(
      `  BROKEN: ${promise}`,
      `  after these ${events.length} events${isConfirmed ? "" : " (not confirmed by a replay)"}:`
    )
    events.forEach((event, index) => lines.push(`  ${String(index + 1).padStart(3)}. ${event}`))
  }
  return lines.join("\n")
}

export const describeTotal = (results: ReadonlyArray<Result>): string => {
  const sum = (of: (result: Result) => number): number => results.reduce((total, result) => total + of(result), 0)
  const cpu = process.cpuUsage()
  return `in all: ${count(sum(({ states }) => states))} states, ${
    count(sum(({ transitions }) => transitions))
  } transitions, ` +
    `${seconds(sum(({ millis }) => millis))} (${
      seconds((cpu.user + cpu.system) / 1000)
    } of processor time); no promise is broken`
}
