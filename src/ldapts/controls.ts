/**
 * Controls of ldapts around an operation: what goes with the request, and what came with the answer, which ldapts reads into the objects
 * that were sent.
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

/** Gives each control of the answer to the one of the request that it answers. Throws what a control throws that can't read it. */
export const readInto = (sent: ReadonlyArray<ldapts.Control>, received: ReadonlyArray<LdapControl>): void => {
  for (const { oid, value } of received) {
    const control = sent.find(({ responseType, type }) => (responseType ?? type) === oid)
    control?.parse(new ldapts.BerReader(value === undefined ? Buffer.alloc(0) : Buffer.from(value)))
  }
}
