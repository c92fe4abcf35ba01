/** A deliberate break of the sources: the change, and the tests that must notice it. */

/** The promises of a session (see src/README.md). */
export type Promised = "S1" | "S2" | "S3" | "S4" | "S5" | "S6" | "S7" | "S8" | "S9" | "S10" | "S11" | "S12" | "S13"

export interface Mutation {
  readonly promise: Promised
  /** From the project's root, like `tests`. */
  readonly file: string
  /** Occurs exactly once in the file. */
  readonly find: string
  readonly replace: string
  /** The files whose tests must fail. */
  readonly tests: ReadonlyArray<string>
  /** Only tests whose name, or whose `describe` around them, contains this text are run. */
  readonly name: string
  /** What the break does. */
  readonly why: string
  /** Whether the symptom is a hang: then a test that times out counts as a failing one. */
  readonly hangs?: boolean
}

/** How often the text of a break occurs in its file, and the line of the first occurrence. */
export const placeOf = (
  { find }: Pick<Mutation, "find">,
  source: string
): { readonly count: number; readonly line: number } => ({
  count: source.split(find).length - 1,
  line: source.slice(0, Math.max(0, source.indexOf(find))).split("\n").length
})

type Break = Omit<Mutation, "promise" | "tests"> & { readonly test: string }

/** `test` is the name of a file under test/, without its ending. */
export const breaksOf = (promise: Promised, ...breaks: ReadonlyArray<Break>): ReadonlyArray<Mutation> =>
  breaks.map(({ test, ...rest }) => ({ ...rest, promise, tests: [`test/${test}.test.ts`] }))
