/** The bytes of base64 (RFC 4648 section 4); `undefined` for anything else. @internal */
export const base64Octets = (text: string): Buffer | undefined => {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0
  return text.length % 4 === 0 && !/[^A-Za-z0-9+/]/.test(text.slice(0, text.length - padding))
    ? Buffer.from(text, "base64")
    : undefined
}
