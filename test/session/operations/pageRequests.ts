/** Paged searches, as a peer sees them. */
import * as Effect from "effect/Effect"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import type { RecordingPeer } from "../recording/RecordingPeer.ts"

/** The control of an answer that says where the next page starts. */
export const next = (cookie: Uint8Array) => [LdapControl.pagedResults({ size: 0, cookie })]

/** The next request for a page. */
export const asked = (peer: RecordingPeer) =>
  Effect.map(peer.expect("SearchRequest"), ({ controls, messageId, operation }) => {
    const control = LdapControl.find(controls, LdapControl.pagedResultsOid)!
    return { messageId, operation, controls, critical: control.critical, ...LdapControl.decodePagedResults(control)! }
  })
