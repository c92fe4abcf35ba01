/**
 * The options of every operation, in the form that requests need.
 */
import * as Duration from "effect/Duration"
import type { LdapControl } from "../../model/control/LdapControl.ts"
import { InvalidRequest } from "../../model/LdapError.ts"
import { controlFrom } from "../../model/ldapts.ts"
import type { OperationOptions } from "../LdapOperations.ts"
import type { GivingUp } from "./request.ts"

/** The time limit of an operation in milliseconds: its own, or the session's. */
export const timeoutOf = (options: OperationOptions | undefined, requestTimeout: number): number =>
  options?.timeout === undefined ? requestTimeout : Duration.toMillis(options.timeout)

export const givingUpOf = (options: OperationOptions | undefined): GivingUp =>
  options?.cancel === true ? "cancel" : options?.cancel || "abandon"

export const controlsOf = (options: Pick<OperationOptions, "controls"> | undefined): ReadonlyArray<LdapControl> =>
  options?.controls?.map(controlFrom) ?? none

const none: ReadonlyArray<LdapControl> = []

/** The error if an operation is to follow referrals: a session has only one server. */
export const cantFollow = (options: OperationOptions | undefined): InvalidRequest | undefined =>
  typeof options?.referrals === "object"
    ? new InvalidRequest({
      field: "referrals",
      detail: "a session is a connection to one server and follows none; ask a client, or read the URLs with \"ignore\""
    })
    : undefined
