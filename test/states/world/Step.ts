/** An event of the alphabet of a world: when it is possible, and what the machine is told. */
import type { LdapMessage } from "../../../src/protocol/LdapMessage.ts"
import type { SessionEvent } from "../../../src/session/core/SessionEvent.ts"
import type { Model } from "./Model.ts"
import type { World } from "./World.ts"

/** A message of the peer, as the promises see it. */
export type Said =
  /** The last response to an operation. `isSuccess` matters only if the machine uses the result code. */
  | { readonly _tag: "Final"; readonly to: number; readonly isSuccess: boolean }
  /** Samba's form of a refusal: an ExtendedResponse without success. */
  | { readonly _tag: "Refusal"; readonly to: number }
  | { readonly _tag: "Entry"; readonly to: number; readonly size: number }
  | { readonly _tag: "Reference"; readonly to: number; readonly size: number }
  | { readonly _tag: "Intermediate"; readonly to: number; readonly size: number }
  /** A response of the wrong kind for this request. `isRequest`: a kind that only a client may send. */
  | { readonly _tag: "Foreign"; readonly to: number; readonly isRequest: boolean }
  /** A success of StartTLS with the wrong object identifier. */
  | { readonly _tag: "WrongName"; readonly to: number }
  /** A message with an id that no request has had. */
  | { readonly _tag: "UnknownId" }
  | { readonly _tag: "NoticeOfDisconnection" }
  | { readonly _tag: "OtherNotice" }
  /** A message with the id 0 that is not an ExtendedResponse. */
  | { readonly _tag: "WrongNotice" }

export interface Step {
  /** Its text in a counterexample. */
  readonly name: string
  /** Index of the operation that the event concerns; -1 for none. */
  readonly about: number
  readonly said?: Said
  readonly isEnabled: (model: Model) => boolean
  /** Makes the event for the operations of this model. */
  readonly event: (model: Model) => SessionEvent
  /** Changes the environment before the machine is told. */
  readonly before?: (model: Model) => void
}

export const messageStep = (
  world: World,
  name: string,
  said: Said,
  isEnabled: Step["isEnabled"],
  message: (model: Model) => LdapMessage
): Step => {
  const mayArriveIn = arrivalsOf(world)
  return {
    name,
    about: "to" in said ? said.to : -1,
    said,
    isEnabled: (model) => mayArriveIn(model) && isEnabled(model),
    event: (model) => ({ _tag: "Message", message: message(model) })
  }
}

/** Bytes arrive while reading is resumed. Messages that arrive together are reported together. */
const mayArrive = ({ environment }: Model): boolean =>
  environment.isInChunk || (environment.isReading && !environment.isPeerGone && !environment.isClosed)

/** Bytes arrive although reading is paused: they waited in the driver's queue. During a handshake the driver reports none. */
const mayArriveLate = ({ environment }: Model): boolean =>
  environment.isInChunk || !(environment.isHandshaking || environment.isPeerGone || environment.isClosed)

export const arrivalsOf = (
  world: World
): (model: Model) => boolean => (world.isLate === true ? mayArriveLate : mayArrive)
