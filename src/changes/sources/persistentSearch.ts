/**
 * Persistent search (draft-ietf-ldapext-psearch-03): the server reports at once which entry has changed, and the current entry is then
 * read. The server keeps no place for the client, so each session starts with a round of `scan`.
 *
 * The search covers the whole naming context, since servers don't report an entry that leaves the filter or the base of the search.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as LdapControl from "../../model/control/LdapControl.ts"
import type { LdapError } from "../../model/LdapError.ts"
import { supportsControl } from "../../model/LdapRootDse.ts"
import { UuidMissing } from "../ChangesError.ts"
import { memoryOf, scanRound } from "./scan.ts"
import { contextOf, uuidOf } from "./ServerKind.ts"
import type { Item, Run, Source, SourceFailure } from "./Source.ts"
import { changesOf, emitRound, type NamedChange } from "./view.ts"

export const persistentSearch: Source = {
  name: "persistentSearch",
  isLive: true,
  missing: ({ server }) =>
    Effect.succeed(
      supportsControl(server.rootDse, LdapControl.persistentSearch)
        ? undefined
        : "the root DSE doesn't list the control of persistent search"
    ),
  run: (run) => run.isLive ? Effect.scoped(live(run)) : scanRound(run, memoryOf(run))
}

/** How many changes are buffered here; beyond that, backpressure makes the server wait. */
const mostWaiting = 1_000

/** By then the server is reporting changes. It doesn't announce when it starts. */
const untilItListens = "1 second"

const live = Effect.fnUntraced(function*(run: Run) {
  const { server, session, view } = run
  const memory = memoryOf(run)
  const changed = yield* Queue.bounded<NamedChange, SourceFailure>(mostWaiting)
  const listening = session.searchMessages({
    base: contextOf(server, view),
    attributes: [server.uuidAttribute],
    timeout: "Infinity",
    controls: [LdapControl.persistentSearch.make({})]
  }).pipe(
    Stream.runForEach((message) => {
      if (message._tag !== "Entry") return Effect.void
      const uuid = uuidOf(server, message.entry)
      if (uuid === undefined)
        return Effect.fail(new UuidMissing({ dn: message.entry.dn, attribute: server.uuidAttribute }))
      const kind = Option.getOrUndefined(LdapControl.entryChangeNotification.find(message.controls))?.changeType
      return Queue.offer(changed, { uuid, isRenamed: kind === undefined || kind === "modifyDn" })
    }),
    Effect.matchEffect({
      onSuccess: () => Effect.void,
      onFailure: (error: LdapError | UuidMissing) => Queue.fail(changed, error)
    })
  )
  yield* Effect.forkScoped(listening)
  yield* Effect.sleep(untilItListens)
  yield* scanRound(run, memory)
  const emit = (items: ReadonlyArray<Item>) => Effect.tap(run.emit(items), Effect.sync(() => memory?.note(items)))
  for (;;) {
    const named = yield* Queue.takeBetween(changed, 1, 200)
    yield* emitRound({ ...run, reason: "resume", emit }, yield* changesOf(run, named), {})
  }
})
