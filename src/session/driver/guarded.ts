/**
 * Runs something of the caller's, or something that only observes. What it throws is thrown again outside of everything, as if nothing
 * had caught it: a defect must not be lost, and concerns nothing that comes after it here.
 */
export const guarded = (run: () => void): void => {
  try {
    run()
  } catch (cause) {
    rethrow(cause)
  }
}

export const rethrow = (cause: unknown): void =>
  queueMicrotask(() => {
    throw cause
  })
