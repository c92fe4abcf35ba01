/** What a deliberate break is. */
export type Promised = "S1" | "S2" | "S3" | "S4" | "S5" | "S6" | "S7" | "S8" | "S9" | "S10" | "S11"

export interface Mutation {
  readonly promise: Promised
  /** From the project's root, as in `tests`. */
  readonly file: string
  /** Stands exactly once in the file. */
  readonly find: string
  readonly replace: string
  /** The files whose tests must fail. */
  readonly tests: ReadonlyArray<string>
  /** Only tests are run that have this text in their name, or in that of a `describe` around them. */
  readonly name: string
  /** What the break does. */
  readonly why: string
  /** The symptom is that something waits for ever: a test that times out counts as a failing one. */
  readonly hangs?: boolean
}
