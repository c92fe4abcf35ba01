/** Reads and changes the descriptor of an entry on a server, by the SD flags control. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { noSuchEntry } from "../../client/jobs/groups/groupsOf.ts"
import { checked, jobOptionsProblem } from "../../client/jobs/jobInput.ts"
import { notFollowed, onOneServer } from "../../client/jobs/ownServer.ts"
import * as LdapControl from "../../model/control/LdapControl.ts"
import { nameProblem } from "../../model/input/attributes.ts"
import { InvalidRequest, LdapError } from "../../model/LdapError.ts"
import * as LdapModification from "../../model/LdapModification.ts"
import { dnFrom } from "../../model/ldapts.ts"
import type { DnInput, LdapOperations, OperationOptions } from "../../session/LdapSession.ts"
import { readDescriptor, writeDescriptor } from "./securityBytes.ts"
import type { SecurityDescriptor } from "./securityModel.ts"

/**
 * Which parts of a descriptor are read or written. Default: all but `sacl`, which few accounts may read.
 *
 * @category models
 * @since 0.2.0
 */
export interface DescriptorOptions extends OperationOptions {
  /** The parts to read or write. Default: owner, group and DACL. */
  readonly parts?: {
    readonly owner?: boolean
    readonly group?: boolean
    readonly dacl?: boolean
    readonly sacl?: boolean
  } | undefined
}

const usual = { owner: true, group: true, dacl: true }

/**
 * Reads the descriptor of an entry; none if the entry doesn't exist.
 *
 * **Details**
 *
 * Sends the SD flags control (MS-ADTS section 3.1.1.3.4.1.11), since a server refuses a request that includes `sacl` to most accounts. If
 * the account may not read the descriptor, this fails with `InvalidRequest`.
 *
 * Interruption abandons the request in flight.
 *
 * @category servers
 * @since 0.2.0
 */
export const read = (
  client: Pick<LdapOperations, "lookup">,
  dn: DnInput,
  options?: DescriptorOptions
): Effect.Effect<Option.Option<SecurityDescriptor>, LdapError> =>
  checked("readSecurityDescriptor", () => nameProblem("dn", dn) ?? jobOptionsProblem(options), () => {
    const { controls = [], parts = usual, ...sent } = options ?? {}
    const control = LdapControl.sdFlags.make(parts)
    return Effect.flatMap(
      client.lookup(dn, { ...sent, attributes: ["nTSecurityDescriptor"], controls: [...controls, control] }),
      Option.match({
        onNone: () => Effect.succeedNone,
        onSome: (entry) => {
          const bytes = entry.getBytes("nTSecurityDescriptor")
          const descriptor = bytes === undefined ? undefined : readDescriptor(bytes)
          if (descriptor !== undefined && Result.isSuccess(descriptor)) return Effect.succeedSome(descriptor.success)
          const detail = descriptor === undefined
            ? "the server did not return nTSecurityDescriptor; the account may not have the right to read it"
            : `the server's nTSecurityDescriptor is ${descriptor.failure.message}`
          return Effect.fail(unreadable(dn, detail))
        }
      })
    )
  })

const unreadable = (dn: DnInput, detail: string): LdapError =>
  new LdapError({
    reason: new InvalidRequest({ field: "nTSecurityDescriptor", detail }),
    operation: "readSecurityDescriptor",
    dn: dnFrom(dn)
  })

/**
 * Reads the descriptor of an entry, changes it, and writes it back. Nothing is written if the bytes stay the same. Returns the new
 * descriptor.
 *
 * **Details**
 *
 * Only the parts that were read are written. In Active Directory a write can't depend on the value that was read, so a change that another
 * client makes in between is lost. Fails with `NoSuchObject` if the entry doesn't exist, and with `InvalidRequest` if the changed
 * descriptor can't be written. Reads go to the servers for writes, and no referral is followed.
 *
 * Interruption abandons the request in flight, which the server may have carried out.
 *
 * **Example**
 *
 * ```ts
 * import { SecurityDescriptor, type LdapClient } from "effect-ldap"
 *
 * const protect = (client: LdapClient.LdapClient, dn: string) =>
 *   SecurityDescriptor.update(client, dn, SecurityDescriptor.withDeletionDenied)
 * ```
 *
 * @category servers
 * @since 0.2.0
 */
export const update = (
  client: Pick<LdapOperations, "lookup" | "modify">,
  dn: DnInput,
  change: (descriptor: SecurityDescriptor) => SecurityDescriptor,
  options?: DescriptorOptions
): Effect.Effect<SecurityDescriptor, LdapError> =>
  Effect.gen(function*() {
    const { controls = [], parts = usual, ...sent } = options ?? {}
    const found = yield* read(client, dn, { ...sent, controls, parts, ...notFollowed })
    if (Option.isNone(found)) return yield* noSuchEntry(dnFrom(dn), "updateSecurityDescriptor")
    const changed = change(found.value)
    const [before, after] = [writeDescriptor(found.value), writeDescriptor(changed)]
    if (Result.isFailure(after)) return yield* unreadable(dn, after.failure.message)
    if (Result.isSuccess(before) && Buffer.compare(before.success, after.success) === 0) return changed
    yield* client.modify(dn, [LdapModification.replace("nTSecurityDescriptor", after.success)], {
      ...sent,
      ...notFollowed,
      controls: [...controls, LdapControl.sdFlags.make(parts)]
    })
    return changed
  }).pipe(onOneServer)
