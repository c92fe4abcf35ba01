/** Reads values as text if they are text. */

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** A value that is UTF-8 without a NUL, as text. */
export const textOf = (value: Uint8Array): string | undefined => {
  if (value.includes(0)) return undefined
  try {
    return decoder.decode(value)
  } catch {
    return undefined
  }
}
