/**
 * Deliberate breaks: for each promise of a session (S1 to S13, see src/README.md), lines that keep it, and the tests that fail if
 * such a line is removed or inverted. run.ts tries them all; mutations.test.ts checks that the texts still exist.
 *
 * Not every line has a break here. Left out are safeguards behind other safeguards, since no test notices their removal as long as
 * the other one works. Also left out is the session's state machine (src/session/core), whose breaks test/states tries in every
 * state.
 */
import { s1 } from "./breaks/S1.ts"
import { s10 } from "./breaks/S10.ts"
import { s11 } from "./breaks/S11.ts"
import { s12 } from "./breaks/S12.ts"
import { s13 } from "./breaks/S13.ts"
import { s2 } from "./breaks/S2.ts"
import { s3 } from "./breaks/S3.ts"
import { s4 } from "./breaks/S4.ts"
import { s5 } from "./breaks/S5.ts"
import { s6 } from "./breaks/S6.ts"
import { s7 } from "./breaks/S7.ts"
import { s8 } from "./breaks/S8.ts"
import { s9 } from "./breaks/S9.ts"
import { kerberosMutations } from "./kerberosMutations.ts"
import type { Mutation } from "./Mutation.ts"

export const mutations: ReadonlyArray<Mutation> = [
  ...s1,
  ...s2,
  ...s3,
  ...s4,
  ...s5,
  ...s6,
  ...s7,
  ...s8,
  ...s9,
  ...s10,
  ...s11,
  ...s12,
  ...s13,
  ...kerberosMutations
]
