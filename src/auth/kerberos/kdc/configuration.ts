/** Reads krb5.conf and the files that it includes. */
import * as Effect from "effect/Effect"
import type { KerberosFailed } from "../../../model/LdapError.ts"
import { includesOf } from "../credentials/krb5Conf.ts"
import { failed } from "../kerberosFailure.ts"
import type { KerberosSystem } from "../system/KerberosSystem.ts"

/** The maximum number of files, including included ones. */
const mostFiles = 100

/** The texts, in the order of precedence. A missing default file has none. */
export const readConfiguration = Effect.fnUntraced(function*(
  system: KerberosSystem,
  named: string | false | undefined
): Effect.fn.Return<ReadonlyArray<string>, KerberosFailed> {
  if (named === false) return []
  const paths = named === undefined ? (system.environment("KRB5_CONFIG") ?? "/etc/krb5.conf").split(":") : [named]
  const texts: Array<string> = []
  for (let next = paths.shift(); next !== undefined; next = paths.shift()) {
    const bytes = yield* system.readFile(next)
    if (bytes === undefined) {
      if (next === named) return yield* failed("noCredentials", `the configuration ${next} doesn't exist`)
      continue
    }
    const text = Buffer.from(bytes).toString()
    texts.push(text)
    if (texts.length > mostFiles)
      return yield* failed("noCredentials", `krb5.conf includes more than ${mostFiles} files`)
    for (const include of includesOf(text)) {
      if (include._tag === "File") paths.push(include.path)
      else {
        const names = yield* system.listDirectory(include.path)
        // The library does the same: files with other names belong to editors and package managers.
        paths.push(
          ...names.filter((name) => /^[\w-]+$|^[^.].*\.conf$/.test(name)).map((name) => `${include.path}/${name}`)
        )
      }
    }
  }
  return texts
})
