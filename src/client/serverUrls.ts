/** The `url` of one server or the `urls` of several, from text with commas or spaces between them. */
export const serverUrls = (
  text: string
): { readonly url: string } | { readonly urls: ReadonlyArray<string> } => {
  const [first, ...others] = text.split(/[\s,]+/).filter((url) => url !== "")
  return others.length === 0 ? { url: first ?? text } : { urls: [first ?? text, ...others] }
}
