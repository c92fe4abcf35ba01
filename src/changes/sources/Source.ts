/**
 * What a source is: a program that asks one server over one session and emits what it says. `following.ts` runs it, again and again, over
 * as many sessions as it takes.
 */
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import type { LdapError } from "../../model/LdapError.ts"
import type { LdapOperations } from "../../session/LdapSession.ts"
import type { LdapChangesErrorReason } from "../ChangesError.ts"
import type { Known, View } from "../ChangesOptions.ts"
import type { SourceState } from "../cookie.ts"
import type { ChangesSource, Checkpoint, LdapChange } from "../LdapChange.ts"
import type { ServerKind } from "./ServerKind.ts"

/** A change, or the state that covers all changes before it. */
export type Item = Exclude<LdapChange, Checkpoint> | { readonly _tag: "State"; readonly state: SourceState }

/** What ends a run before its time. */
export type SourceFailure = LdapError | Refused | LdapChangesErrorReason | KnownFailed

/** The server doesn't take the state, or has no more what came since. The run begins again without a state. */
export class Refused extends Data.TaggedClass("Refused")<{ readonly detail: string }> {}

/** The consumer's `known` has failed with this error. */
export class KnownFailed extends Data.TaggedClass("KnownFailed")<{ readonly error: unknown }> {}

/** Where and what a run asks, and whom it tells. */
export interface Run {
  readonly session: Operations
  readonly server: ServerKind
  readonly view: View
  readonly pageSize: number
  /** Why the next refresh begins. */
  readonly reason: "initial" | "resume" | "refused"
  /** Whether the run goes on with the changes that come, if the source has this. */
  readonly isLive: boolean
  /** What the consumer has; `undefined` if it doesn't say. */
  readonly known: ((uuids: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, Known>, KnownFailed>) | undefined
  /** What a source remembers between its runs in one stream, by its name. */
  readonly memory: Map<string, unknown>
  /** Waits while the consumer is behind. */
  readonly emit: (items: ReadonlyArray<Item>) => Effect.Effect<void, SourceFailure>
}

export type Operations = Pick<LdapOperations, "search" | "searchMessages" | "searchResult" | "lookup" | "rootDse">

export interface Source {
  readonly name: ChangesSource
  /** Whether a live run goes on by itself; otherwise it ends, and is repeated after a pause. */
  readonly isLive: boolean
  /** Whether the server can be followed so by this client: `undefined`, or what is missing. */
  readonly missing: (run: Run) => Effect.Effect<string | undefined, LdapError>
  /** `state` is that of the last item `State`, of this or an earlier run, perhaps at another server. */
  readonly run: (run: Run, state: SourceState | undefined) => Effect.Effect<void, SourceFailure>
}

/** An entry of the view as a source reads it. */
export interface ReadEntry {
  readonly uuid: string
  readonly version: string | undefined
  readonly entry: LdapEntry
}
