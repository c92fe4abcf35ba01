/** Durations as people type them: `10s`, `500ms`, `5m`, `1h`, beside those of Effect, such as `"10 seconds"`. */

const units: Readonly<Record<string, string>> = { ms: "millis", s: "seconds", m: "minutes", h: "hours", d: "days" }

/** A short duration in Effect's words; any other text as it is. */
export const durationText = (text: string): string => {
  const [, number, unit = ""] = /^([0-9]+(?:\.[0-9]+)?) ?(ms|s|m|h|d)$/.exec(text.trim()) ?? []
  return number === undefined ? text : `${number} ${units[unit]}`
}
