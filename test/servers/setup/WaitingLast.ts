/**
 * The order of the test files: those that wait for a server come last, since it starts while the others run.
 */
import { readFile } from "node:fs/promises"
import { BaseSequencer, type TestSpecification } from "vitest/node"

export class WaitingLast extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const sorted = await super.sort(files)
    const waits = await Promise.all(
      sorted.map(async ({ moduleId }) => /\bwaitFor\(/.test(await readFile(moduleId, "utf8")))
    )
    return [...sorted.filter((_, i) => !waits[i]), ...sorted.filter((_, i) => waits[i])]
  }
}
