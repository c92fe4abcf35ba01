/**
 * Authorities from settings: the text of certificates, or files that contain it. Node accepts any text for `ca`. With text that has
 * no certificate, Node would trust no server, so the text is checked first.
 */
import { readFileSync } from "node:fs"
import type { TlsOptions } from "./LdapTls.ts"

/** The trusted authorities. `ca` is `undefined` for Node's own. */
interface Authorities {
  readonly ca: TlsOptions["ca"]
  /** The content of the files. */
  readonly files: string
}

/** Reads `ca` and the files of `caFile`. Throws an error that says what is wrong. */
export const authoritiesOf = ({ ca, caFile }: TlsOptions): Authorities => {
  if (caFile === undefined) {
    if (ca !== undefined) check("tls.ca", ca)
    return { ca, files: "" }
  }
  const files = listOf(caFile).map((path) => {
    if (typeof path !== "string" || path === "")
      throw new Error("tls.caFile must be the path of a file, or an array of paths")
    const text = contentOf(path)
    if (!hasCertificate(text)) throw new Error(`tls.caFile: ${JSON.stringify(path)} contains no certificate in PEM`)
    return text
  })
  if (ca !== undefined) check("tls.ca", ca)
  return { ca: ca === undefined ? files : [...listOf(ca), ...files], files: files.join("\n") }
}

const listOf = <A>(one: A | ReadonlyArray<A>): ReadonlyArray<A> =>
  Array.isArray(one) ? (one as ReadonlyArray<A>) : [one as A]

const contentOf = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch (cause) {
    throw new Error(`tls.caFile: ${JSON.stringify(path)} can't be read`, { cause })
  }
}

const check = (name: string, ca: unknown): void => {
  const all = listOf(ca)
  if (all.length === 0) throw new Error(`${name} is an empty list, so no server would be trusted`)
  for (const one of all) {
    const text = typeof one === "string" ? one : one instanceof Uint8Array ? Buffer.from(one).toString("latin1") : ""
    if (hasCertificate(text)) continue
    throw new Error(
      isPath(text)
        ? `${name} must contain a certificate, not a path; put paths of files into tls.caFile`
        : `${name} contains no certificate in PEM (${
          text === "" ? "it is empty" : "-----BEGIN CERTIFICATE----- is missing"
        })`
    )
  }
}

/** Whether a text contains a certificate in PEM. */
export const hasCertificate = (text: string): boolean => /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/.test(text)

const isPath = (text: string): boolean =>
  !/\n/.test(text.trim()) && /[\\/]|\.(?:pem|crt|cer|ca|der)$/i.test(text.trim())
