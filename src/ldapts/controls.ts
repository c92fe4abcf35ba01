/**
 * Controls of ldapts: those of the request, and those of the answer. ldapts parses the latter into the objects that were sent.
 */
import * as ldapts from "ldapts"
import type { LdapControl } from "../model/control/LdapControl.ts"

export type Controls = ldapts.Control | ReadonlyArray<ldapts.Control> | undefined

export const listOf = (controls: Controls): ReadonlyArray<ldapts.Control> =>
  controls === undefined
    ? []
    : Array.isArray(controls)
    ? controls as ReadonlyArray<ldapts.Control>
    : [controls as ldapts.Control]

/**
 * Passes each control of the answer to the control of the request that it answers. If that can't parse it, this throws its error.
 */
export const readInto = (sent: ReadonlyArray<ldapts.Control>, received: ReadonlyArray<LdapControl>): void => {
  for (const { oid, value } of received) {
    const control = sent.find(({ responseType, type }) => (responseType ?? type) === oid)
    control?.parse(new ldapts.BerReader(value === undefined ? Buffer.alloc(0) : Buffer.from(value)))
  }
}
