/** A peer that answers everything as a server would, including pages, and closes its side after an unbind. */
import * as Effect from "effect/Effect"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import { done, entry, ok, type RecordingPeer } from "./RecordingPeer.ts"

export const answering = (
  peer: RecordingPeer,
  onStartTls: Effect.Effect<void> = Effect.void
): Effect.Effect<never> => {
  const reply = Effect.flatMap(peer.next, ({ controls, messageId, operation }) => {
    switch (operation._tag) {
      case "BindRequest":
        return peer.send(messageId, { _tag: "BindResponse", result: ok })
      case "SearchRequest": {
        const paged = controls[0] === undefined ? undefined : LdapControl.decodePagedResults(controls[0])
        const cookie = paged?.cookie.length === 0 ? "more" : ""
        return Effect.andThen(
          peer.send(messageId, entry(operation.base)),
          peer.send(
            messageId,
            done,
            paged === undefined ? [] : [LdapControl.pagedResults({ size: 0, cookie: Buffer.from(cookie) })]
          )
        )
      }
      case "ExtendedRequest":
        return operation.oid === "1.3.6.1.4.1.1466.20037"
          ? Effect.andThen(peer.send(messageId, { _tag: "ExtendedResponse", result: ok }), onStartTls)
          : peer.send(messageId, { _tag: "ExtendedResponse", result: ok })
      case "CompareRequest":
        return peer.send(messageId, { _tag: "CompareResponse", result: { ...ok, code: 6 } })
      case "AddRequest":
        return peer.send(messageId, { _tag: "AddResponse", result: ok })
      case "ModifyRequest":
        return peer.send(messageId, { _tag: "ModifyResponse", result: ok })
      case "ModifyDnRequest":
        return peer.send(messageId, { _tag: "ModifyDnResponse", result: ok })
      case "DeleteRequest":
        // Returns the name in the request, so that the response to another request would be noticed.
        return peer.send(messageId, { _tag: "DeleteResponse", result: { ...ok, matchedDn: operation.dn } })
      case "UnbindRequest":
        return peer.end
      default:
        return Effect.void
    }
  })
  return Effect.forever(reply)
}
