/** Checks the options of a session and reads them, with the defaults, before anything is opened. */
import * as Duration from "effect/Duration"
import type { LdapControl } from "../model/control/LdapControl.ts"
import { InvalidRequest } from "../model/LdapError.ts"
import { messageOf } from "../model/messageOf.ts"
import { encode } from "../protocol/encode.ts"
import { sessionProblem } from "./input/sessionInput.ts"
import { controlsOf } from "./operations/operationOptions.ts"
import type { SessionOptions } from "./SessionOptions.ts"
import type { SessionSettings } from "./SessionSettings.ts"

/** Reads the options, or returns why they are unusable. */
export const settingsOf = (options: SessionOptions): SessionSettings | InvalidRequest => {
  const wrong = sessionProblem(options)
  if (wrong !== undefined) return wrong
  const unbindControls = unbindControlsOf(options)
  if (unbindControls instanceof InvalidRequest) return unbindControls
  const connectTimeout = millis(options.connectTimeout, 10_000)
  return {
    connectTimeout,
    handshake: options.tlsTimeout === undefined
      ? { limit: connectTimeout, option: "connectTimeout" }
      : { limit: millis(options.tlsTimeout, Infinity), option: "tlsTimeout" },
    writeTimeout: millis(options.writeTimeout, 30_000),
    requestTimeout: millis(options.requestTimeout, 30_000),
    closeTimeout: millis(options.closeTimeout, 5_000),
    maxMessageSize: options.maxMessageSize,
    // Far more than a consumer that is slow for a moment leaves unread.
    maxUnread: options.maxUnread ?? 32 * 1024 * 1024,
    pagedSearches: options.pagedSearches ?? 1,
    allowInsecureAuth: options.allowInsecureAuth ?? false,
    unbindControls
  }
}

/** The default is a number, so that it needn't be parsed for each session. */
const millis = (given: Duration.Input | undefined, otherwise: number): number =>
  given === undefined ? otherwise : Duration.toMillis(given)

/** Checked before anything is opened: when the unbind is sent, it is too late to fail. */
const unbindControlsOf = (options: SessionOptions): ReadonlyArray<LdapControl> | undefined | InvalidRequest => {
  if (options.unbindControls === undefined) return undefined
  try {
    const controls = controlsOf({ controls: options.unbindControls })
    encode({ messageId: 1, operation: { _tag: "UnbindRequest" }, controls })
    return controls
  } catch (cause) {
    return new InvalidRequest({ field: "unbindControls", detail: messageOf(cause) })
  }
}
