/**
 * The limit on deletions, `maxDeletions`, as a value. Pure; `batch/deletionGuard.ts` keeps it.
 */

/** A number of entries, or a share of those that the copy had when the window began. */
export type DeletionLimit = { readonly _tag: "Count"; readonly count: number } | {
  readonly _tag: "Share"
  readonly share: number
}

/** `"10%"` or a number of entries; `undefined` if it is neither. */
export const deletionLimitFrom = (input: unknown): DeletionLimit | undefined => {
  if (typeof input === "number") return input >= 0 ? { _tag: "Count", count: input } : undefined
  if (typeof input !== "string") return undefined
  const percent = /^(\d{1,3}(?:\.\d+)?)%$/.exec(input)?.[1]
  return percent === undefined || Number(percent) > 100 ? undefined : { _tag: "Share", share: Number(percent) / 100 }
}
