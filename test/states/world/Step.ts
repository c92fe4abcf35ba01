/** An event of the alphabet of a world: when it may come, and what the machine is told. */
import type { LdapMessage } from "../../../src/protocol/LdapMessage.ts"
import type { SessionEvent } from "../../../src/session/core/SessionEvent.ts"
import type { Model } from "./Model.ts"
import type { World } from "./World.ts"

/** What the peer says, in the terms of the promises. */
export type Said =
  /** The last response to an operation; `isSuccess` where the machine looks at the result code. */
  | { readonly _tag: "Final"; readonly to: number; readonly isSuccess: boolean }
  /** Samba's way to say no: an ExtendedResponse without success. */
  | { readonly _tag: "Refusal"; readonly to: number }
  | { readonly _tag: "Entry"; readonly to: number; readonly size: number }
  | { readonly _tag: "Reference"; readonly to: number; readonly size: number }
  | { readonly _tag: "Intermediate"; readonly to: number; readonly size: number }
  /** A kind that no request of this kind is answered by. `isRequest`: one that only a client may send. */
  | { readonly _tag: "Foreign"; readonly to: number; readonly isRequest: boolean }
  /** An agreement to StartTLS that names something else. */
  | { readonly _tag: "WrongName"; readonly to: number }
  /** Under an id that no request has had. */
  | { readonly _tag: "UnknownId" }
  | { readonly _tag: "NoticeOfDisconnection" }
  | { readonly _tag: "OtherNotice" }
  /** With the message id 0, but no ExtendedResponse. */
  | { readonly _tag: "WrongNotice" }

export interface Step {
  /** As it is printed in a counterexample. */
  readonly name: string
  /** Index of the operation that the event is about; -1 for none. */
  readonly about: number
  readonly said?: Said
  readonly isEnabled: (model: Model) => boolean
  /** The event, made for the operations of this model. */
  readonly event: (model: Model) => SessionEvent
  /** What changes around the machine before it is told. */
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

/** Bytes arrive while reading was resumed; what arrived together comes together. */
const mayArrive = ({ environment }: Model): boolean =>
  environment.isInChunk || (environment.isReading && !environment.isPeerGone && !environment.isClosed)

/** Bytes arrive although reading was paused: they waited in the driver's queue. The driver tells of none during a handshake. */
const mayArriveLate = ({ environment }: Model): boolean =>
  environment.isInChunk || !(environment.isHandshaking || environment.isPeerGone || environment.isClosed)

export const arrivalsOf = (
  world: World
): (model: Model) => boolean => (world.isLate === true ? mayArriveLate : mayArrive)
