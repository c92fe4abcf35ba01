/**
 * Jobs that only Active Directory and Samba support, each in one call over a client or a session: deleted objects, the accounts of SIDs,
 * replication metadata, and entries anywhere in a forest. This module exports all of them.
 *
 * Deleted objects are in directory/deletedObjects.ts, SIDs in principals.ts, replication in replicationMetadata.ts, the global catalog in
 * globalCatalog.ts.
 *
 * @since 0.2.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { checked, jobOptionsProblem } from "../client/jobs/jobInput.ts"
import { nameProblem } from "../model/input/attributes.ts"
import { type LdapError, LdapError as LdapErrorClass, ProtocolViolation } from "../model/LdapError.ts"
import { dnFrom } from "../model/ldapts.ts"
import type { WindowsValueError } from "../model/windows/WindowsValueError.ts"
import type { DnInput, LdapOperations, OperationOptions } from "../session/LdapSession.ts"
import {
  type AttributeChange,
  attributeChanges,
  type ReplicaCursor,
  replicaCursors
} from "./directory/replicationMetadata.ts"

export { unicodePassword } from "../model/windows/unicodePassword.ts"
export { WindowsValueError } from "../model/windows/WindowsValueError.ts"
export type { DnInput, FilterInput, LdapOperations, OperationOptions } from "../session/LdapSession.ts"
export {
  type DeletedObject,
  deletedObjects,
  type DeletedObjectsOptions,
  restore,
  type RestoreOptions
} from "./directory/deletedObjects.ts"
export { domainOfName, findInForest, type FindInForestOptions, type ForestEntry } from "./directory/globalCatalog.ts"
export { foreignSid, primaryGroup, primaryGroupSid, type Principal, resolveSids } from "./directory/principals.ts"
export {
  type AttributeChange,
  attributeChanges,
  attributeOid,
  type ReplicaCursor,
  replicaCursors
} from "./directory/replicationMetadata.ts"

const read = <A>(
  client: Pick<LdapOperations, "lookup">,
  dn: DnInput,
  attribute: string,
  decode: (bytes: Uint8Array) => Result.Result<A, WindowsValueError>,
  options: OperationOptions | undefined
): Effect.Effect<Option.Option<A>, LdapError> =>
  checked(
    attribute,
    () => nameProblem("dn", dn) ?? jobOptionsProblem(options),
    () =>
      Effect.flatMap(client.lookup(dn, { ...options, attributes: [attribute] }), (entry) => {
        const bytes = Option.flatMap(entry, (entry) => Option.fromUndefinedOr(entry.getBytes(attribute)))
        if (Option.isNone(bytes)) return Effect.succeedNone
        const value = decode(bytes.value)
        return Result.isSuccess(value)
          ? Effect.succeedSome(value.success)
          : Effect.fail(
            new LdapErrorClass({
              reason: new ProtocolViolation({ detail: value.failure.message }),
              operation: attribute,
              dn: dnFrom(dn)
            })
          )
      })
  )

/**
 * For each attribute of an entry, the change that gave it its value, from `replPropertyMetaData`. None if the entry doesn't exist or the
 * account may not read this attribute.
 *
 * Fails with `LdapError`. Interruption abandons the request in flight.
 *
 * @category replication
 * @since 0.2.0
 */
export const readAttributeChanges = (
  client: Pick<LdapOperations, "lookup">,
  dn: DnInput,
  options?: OperationOptions
): Effect.Effect<Option.Option<ReadonlyArray<AttributeChange>>, LdapError> =>
  read(client, dn, "replPropertyMetaData", attributeChanges, options)

/**
 * How far the server's replica of a naming context has followed the other controllers, from `replUpToDateVector` of its root. None in a
 * domain with one controller.
 *
 * Fails with `LdapError`. Interruption abandons the request in flight.
 *
 * @category replication
 * @since 0.2.0
 */
export const readReplicaCursors = (
  client: Pick<LdapOperations, "lookup">,
  namingContext: DnInput,
  options?: OperationOptions
): Effect.Effect<Option.Option<ReadonlyArray<ReplicaCursor>>, LdapError> =>
  read(client, namingContext, "replUpToDateVector", replicaCursors, options)
