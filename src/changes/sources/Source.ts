/**
 * The interface of a source: a program that sends requests over one session and emits changes. `following.ts` runs it repeatedly, over as
 * many sessions as needed.
 */
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type { LdapError } from "../../model/LdapError.ts"
import type { LdapOperations } from "../../session/LdapSession.ts"
import type { LdapChangesErrorReason } from "../ChangesError.ts"
import type { Known, View } from "../ChangesOptions.ts"
import type { SourceState } from "../cookie.ts"
import type { ChangesSource, Checkpoint, LdapChange } from "../LdapChange.ts"
import type { ServerKind } from "./ServerKind.ts"

/** A change, or the state that covers all changes before it. */
export type Item = Exclude<LdapChange, Checkpoint> | { readonly _tag: "State"; readonly state: SourceState }

/** Reasons to end a run early. */
export type SourceFailure = LdapError | Refused | LdapChangesErrorReason | KnownFailed

/** The server refuses the state, or no longer has the changes since then. The run starts again without a state. */
export class Refused extends Data.TaggedClass("Refused")<{ readonly detail: string }> {}

/** The consumer's `known` has failed with this error. */
export class KnownFailed extends Data.TaggedClass("KnownFailed")<{ readonly error: unknown }> {}

/** The session and the view of a run, and where it emits changes. */
export interface Run {
  readonly session: Operations
  readonly server: ServerKind
  readonly view: View
  readonly pageSize: number
  /** Why the next refresh begins. */
  readonly reason: "initial" | "resume" | "refused"
  /** Whether the run continues with changes as they happen, if the source can do that. */
  readonly isLive: boolean
  /** What the consumer has; `undefined` if the consumer doesn't provide that. */
  readonly known: ((uuids: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, Known>, KnownFailed>) | undefined
  /** What a source remembers between its runs in one stream, by the name of the source. */
  readonly memory: Map<string, unknown>
  /** Waits while the consumer is behind. */
  readonly emit: (items: ReadonlyArray<Item>) => Effect.Effect<void, SourceFailure>
}

export type Operations = Pick<LdapOperations, "search" | "searchMessages" | "searchResult" | "lookup" | "rootDse">

export interface Source {
  readonly name: ChangesSource
  /** Whether a live run continues by itself. Otherwise it ends, and is repeated after a pause. */
  readonly isLive: boolean
  /** Whether this client can follow the server with this source: `undefined` if it can, otherwise what is missing. */
  readonly missing: (run: Run) => Effect.Effect<string | undefined, LdapError>
  /** `state` is the state of the last item `State`, of this or an earlier run, which may have been at another server. */
  readonly run: (run: Run, state: SourceState | undefined) => Effect.Effect<void, SourceFailure>
}
