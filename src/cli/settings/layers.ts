/**
 * Merges settings from several places, under the names of `LdapConfig`. A higher place overrides a lower one, and settings that belong
 * together stay together. Pure; connection.ts reads the places.
 */
import { limitNames } from "./names.ts"

/** A place that has settings, by their names without the prefix: `URL`, `BIND_DN`, `PASSWORD_FILE` … */
export interface Layer {
  /** For messages: `the flags`, `the environment`, `the profile "staff"`. */
  readonly place: string
  readonly values: ReadonlyMap<string, string>
}

/** The places that every run has. */
export const flagsPlace = "the flags"
export const environmentPlace = "the environment"

/** Settings that don't depend on the server, so that they also apply with another URL. */
const anywhere: ReadonlySet<string> = new Set(["CA", ...limitNames])

const passwords = ["PASSWORD", "PASSWORD_FILE"] as const
const identities = ["BIND_DN", "USER"] as const

/** The settings, and notes about those that were left out for safety. */
export interface Merged {
  readonly values: ReadonlyMap<string, string>
  /** The place of each. */
  readonly places: ReadonlyMap<string, string>
  readonly notes: ReadonlyArray<string>
}

/**
 * Merges layers, the highest first.
 *
 * - Credentials stay with the URL that they were written for: if a higher place has another URL, a place with its own URL contributes only
 *   its authorities and time limits.
 * - A password stays with the name that it was written for: if a higher place has another name, the password is left out.
 * - A password source (password, file …) replaces every password source of a lower place.
 */
export const merge = (layers: ReadonlyArray<Layer>): Merged => {
  const values = new Map<string, string>()
  const places = new Map<string, string>()
  const notes: Array<string> = []
  for (const { place, values: given } of layers) {
    const url = given.get("URL")
    const isForeign = url !== undefined && values.has("URL") && values.get("URL") !== url
    const isOther = identities.some((name) => {
      const own = given.get(name)
      return own !== undefined && values.has(name) && values.get(name) !== own
    })
    const hasPassword = passwords.some((name) => values.has(name))
    for (const [name, value] of given) {
      if (values.has(name) || (isForeign && !anywhere.has(name))) continue
      const isPassword = name === "PASSWORD" || name === "PASSWORD_FILE"
      if (isPassword && (hasPassword || isOther)) continue
      values.set(name, value)
      places.set(name, place)
    }
    if (isForeign && [...identities, ...passwords, "CERT", "KEY", "KEYTAB"].some((name) => given.has(name))) {
      notes.push(`the credentials of ${place} are for ${url}, and are not used for ${values.get("URL")}`)
    } else if (isOther && passwords.some((name) => given.has(name)) && !hasPassword) {
      notes.push(`the password of ${place} belongs to another name, and is not used`)
    }
  }
  return { values, places, notes }
}
