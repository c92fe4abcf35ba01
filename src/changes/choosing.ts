/**
 * Chooses how a server is followed. Of the sources, from the best to the one that always works, it takes the first that the server offers
 * and this client may use. The root DSE says what the server offers; a small request shows whether this client may use it.
 */
import * as Effect from "effect/Effect"
import type { LdapError } from "../model/LdapError.ts"
import { SourceUnavailable } from "./ChangesError.ts"
import type { ChangesSource, ChosenSource } from "./LdapChange.ts"
import { accesslog } from "./sources/accesslog.ts"
import { changelog } from "./sources/changelog.ts"
import { contentSync } from "./sources/contentSync.ts"
import { dirSync } from "./sources/dirSync.ts"
import { persistentSearch } from "./sources/persistentSearch.ts"
import { scan } from "./sources/scan.ts"
import type { Run, Source } from "./sources/Source.ts"
import { usn } from "./sources/usn.ts"

/** From the best to the last. */
const sources: ReadonlyArray<Source> = [
  contentSync,
  dirSync,
  usn,
  changelog,
  accesslog,
  persistentSearch,
  scan
]

export const sourceOf = (name: ChangesSource): Source => {
  const source = sources.find((source) => source.name === name)
  // The list has all of them.
  if (source === undefined) throw new Error(`there is no source ${name}`)
  return source
}

export const choose = (
  run: Run,
  asked: ChangesSource | "auto"
): Effect.Effect<ChosenSource, LdapError | SourceUnavailable> =>
  Effect.gen(function*() {
    const candidates = asked === "auto" ? sources : [sourceOf(asked)]
    const refused: Array<ChosenSource["refused"][number]> = []
    for (const { missing, name } of candidates) {
      const why = yield* missing(run)
      if (why === undefined) {
        return { source: name, why: asked === "auto" ? reasons[name] : "it was asked for", refused }
      }
      refused.push({ source: name, why })
    }
    const detail = refused.map(({ source, why }) => asked === "auto" ? `${source}: ${why}` : why).join("; ")
    return yield* Effect.fail(new SourceUnavailable({ source: asked === "auto" ? "scan" : asked, detail }))
  })

const reasons: Readonly<Record<ChangesSource, string>> = {
  contentSync: "the server synchronizes content (RFC 4533), so it tells every change at once and goes on from a cookie",
  dirSync: "the server has DirSync, and this client may use it, so changes since a cookie cost their number",
  usn: "the server numbers changes (uSNChanged) and shows deleted objects, so changes since a number cost their number",
  changelog: "the server keeps a change log that this client may read",
  accesslog: "the server keeps an access log that this client may read",
  persistentSearch:
    "the server has persistent search; it keeps no place, so each new session compares the keys of all entries",
  scan: "the server offers nothing better, so the keys of all entries are compared in each round"
}
