/** What the doctor finds: a line each, with what to do where something isn't as it should be. */

/** One line of the doctor. */
export interface Finding {
  /** What was looked at, in a word or two: `TCP`, `certificate`, `paging` … */
  readonly check: string
  readonly status: "ok" | "warning" | "failure"
  readonly detail: string
  /** What to do. */
  readonly advice?: string | undefined
}

export const ok = (check: string, detail: string): Finding => ({ check, status: "ok", detail })

export const warning = (check: string, detail: string, advice: string): Finding => ({
  check,
  status: "warning",
  detail,
  advice
})

export const failure = (check: string, detail: string, advice: string): Finding => ({
  check,
  status: "failure",
  detail,
  advice
})
