/**
 * Runs random programs against slapd and the directory in memory, step by step. Each answer must be the same.
 *
 * SLAPD_RANDOM_RUNS=5000 runs that many programs, SLAPD_RANDOM_SEED=… selects others than usual. A failure names the seed and the
 * shortest failing program.
 */
import { assert } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as LdapControl from "../../../src/model/control/LdapControl.ts"
import type { RequestOperation } from "../../../src/protocol/LdapMessage.ts"
import type * as InMemoryDirectory from "../../../src/testing/InMemoryDirectory.ts"
import type { RawClient } from "../RawClient.ts"
import { asAdmin, bothWith, facts } from "./parity.ts"

export const runs = Number(process.env["SLAPD_RANDOM_RUNS"] ?? 150)
export const usual = "the same each time"
export const seed = process.env["SLAPD_RANDOM_SEED"] ?? usual

export interface Step {
  readonly request: RequestOperation
  readonly controls: ReadonlyArray<LdapControl.LdapControl>
}

export const pick = <const A extends ReadonlyArray<string>>(...all: A): Arbitrary.Arbitrary<A[number]> =>
  Arbitrary.schema(Schema.Literals(all))

/** A search with a limit may return any two entries. */
const comparable = (request: RequestOperation, answer: ReturnType<typeof facts>): unknown =>
  request._tag === "SearchRequest" && request.sizeLimit > 0
    ? { ...answer, entries: answer.entries.length, references: answer.references.length }
    : answer

/** Runs the programs, each from the same initial state. Returns how often each result code occurred. */
export const inLockstep = Effect.fnUntraced(function*(lockstep: {
  readonly runs: number
  readonly seed: string
  readonly steps: Arbitrary.Arbitrary<ReadonlyArray<Step>>
  readonly begin: (raw: RawClient) => Effect.Effect<void>
  readonly end: ReadonlyArray<Step>
  readonly options: InMemoryDirectory.Options
}) {
  const { begin, end, options, runs, seed, steps } = lockstep
  const { ours, theirs } = yield* bothWith(options)
  yield* asAdmin(ours)
  yield* asAdmin(theirs)
  const codes = new Map<number, number>()
  const result = yield* Arbitrary.checkEffect(
    steps,
    (steps) =>
      Effect.gen(function*() {
        yield* begin(ours)
        yield* begin(theirs)
        for (const [i, { controls, request }] of [...steps, ...end].entries()) {
          const expected = comparable(request, facts(yield* theirs.request(request, controls)))
          const answer = facts(yield* ours.request(request, controls))
          const found = comparable(request, answer)
          codes.set(answer.code, (codes.get(answer.code) ?? 0) + 1)
          if (JSON.stringify(found) === JSON.stringify(expected)) continue
          return yield* Effect.fail({ step: i, request: shown(request), controls, slapd: expected, memory: found })
        }
        return true
      }),
    { runs, seed, maxShrinks: 300 }
  )
  if (result._tag === "Falsified") {
    const { failure, shrunkInput } = result
    const program = shrunkInput.map(({ request }) => JSON.stringify(shown(request))).join("\n")
    assert.fail(`seed ${seed}:\n${program}\n${JSON.stringify(failure, undefined, 1)}`)
  }
  assert.strictEqual(result._tag, "Passed")
  return codes
})

/** Values as text. */
const shown = (request: RequestOperation): unknown =>
  JSON.parse(
    JSON.stringify(request, (_, value: unknown) =>
      value !== null && typeof value === "object" && "type" in value && value.type === "Buffer" && "data" in value
        ? Buffer.from(value.data as ReadonlyArray<number>).toString()
        : value)
  )
