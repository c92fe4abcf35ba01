/**
 * Runs a callback of the caller, or code that only observes. An error that it throws is thrown again outside of the call stack, as if
 * it had not been caught: the defect must not be lost, and must not affect the steps that follow.
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
