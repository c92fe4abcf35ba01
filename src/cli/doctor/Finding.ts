/** The findings of `check`: one line each, with advice if something isn't as it should be. */

/** One finding of `check`. */
export interface Finding {
  /** The subject of the finding, in a word or two: `TCP`, `certificate`, `paging` … */
  readonly check: string
  readonly status: "ok" | "warning" | "failure"
  readonly detail: string
  /** How to fix it. */
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
