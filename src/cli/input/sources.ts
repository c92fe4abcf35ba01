/** The sources that `diff` compares: an LDIF file, standard input, or the search of an LDAP URL (RFC 4516). */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import type { Entry } from "../../model/ldif/Ldif.ts"
import * as LdapUrl from "../../model/url/LdapUrl.ts"
import { UsageError } from "../CliFailure.ts"
import { baseOf } from "../settings/base.ts"
import { connect } from "../settings/connection.ts"
import type { ConnectionFlags } from "../settings/connectionFlags.ts"
import { entriesOf } from "./records.ts"

/** Whether an argument is a URL of a server. */
export const isUrl = (source: string): boolean => /^ldap[si]?:\/\//i.test(source)

/** All entries of a source, in memory at once. */
export const readSource = Effect.fnUntraced(function*(source: string, connection: ConnectionFlags) {
  const all: Array<Entry | LdapEntry> = []
  const collect = (entry: Entry | LdapEntry) => Effect.sync(() => void all.push(entry))
  if (!isUrl(source)) {
    yield* Stream.runForEach(entriesOf(source), collect)
    return all
  }
  const url = yield* urlOf(source)
  const connected = yield* connect(connection, LdapUrl.server(url))
  const search = yield* Effect.fromResult(
    Result.mapError(LdapUrl.search(url), ({ message }) => new UsageError({ detail: message }))
  )
  const base = yield* baseOf(connected, url.dn === "" ? undefined : url.dn)
  yield* Stream.runForEach(
    connected.client.search({
      ...search,
      base,
      // By RFC 4516 the scope of such a URL is the base only. `diff` compares whole directories, so its default is the subtree.
      scope: url.scope ?? "subtree",
      pageSize: 500,
      ranges: "all"
    }),
    collect
  )
  return all
})

/** Reads a URL. */
export const urlOf = (text: string): Effect.Effect<LdapUrl.LdapUrl, UsageError> =>
  Effect.fromResult(Result.mapError(LdapUrl.parse(text), ({ message }) => new UsageError({ detail: message })))
