/**
 * Deleted objects (MS-ADTS section 3.1.1.5.5): tombstones, objects in the recycle bin, and recycled objects. A control makes them visible,
 * and a modification restores one.
 *
 * @since 0.2.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { checked, checkedStream, jobOptionsProblem, type Problem } from "../../client/jobs/jobInput.ts"
import { notFollowed } from "../../client/jobs/ownServer.ts"
import * as LdapControl from "../../model/control/LdapControl.ts"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import * as LdapFilter from "../../model/filter/LdapFilter.ts"
import { nameProblem } from "../../model/input/attributes.ts"
import { given } from "../../model/input/values.ts"
import { InvalidRequest, LdapError, NoSuchObject } from "../../model/LdapError.ts"
import * as LdapModification from "../../model/LdapModification.ts"
import { dnFrom } from "../../model/ldapts.ts"
import * as Guid from "../../model/windows/Guid.ts"
import type { DnInput, FilterInput, LdapOperations, OperationOptions } from "../../session/LdapSession.ts"

/**
 * A deleted object.
 *
 * @category models
 * @since 0.2.0
 */
export interface DeletedObject {
  /** Its name below `CN=Deleted Objects`. */
  readonly dn: string
  /** The GUID. Use it to identify the object, since it stays the same after a restore. */
  readonly guid: string
  /** The value of the RDN before the deletion. */
  readonly name: string
  /** The DN of the parent before the deletion. The parent may have been deleted or moved since. */
  readonly lastKnownParent: string | undefined
  /**
   * The value of `isRecycled`: the recycle bin has released the object; or the object is a tombstone of a domain without a recycle bin,
   * which can still be restored.
   */
  readonly isRecycled: boolean
  /** The deleted object, with the attributes that are left. */
  readonly entry: LdapEntry
}

/**
 * Options of {@link deletedObjects}.
 *
 * @category models
 * @since 0.2.0
 */
export interface DeletedObjectsOptions extends OperationOptions {
  /** A filter for deleted objects; `(isDeleted=TRUE)` is added. */
  readonly filter?: FilterInput | undefined
  /** Further attributes of `entry`. Default: all that are left. */
  readonly attributes?: ReadonlyArray<string> | undefined
  /** Whether recycled objects are listed too. Default false. */
  readonly recycled?: boolean | undefined
  /** Page size. Default 500. */
  readonly pageSize?: number | undefined
}

const needed = ["objectGUID", "name", "lastKnownParent", "msDS-LastKnownRDN", "isDeleted", "isRecycled", "objectClass"]

/**
 * The deleted objects of a domain, as a stream in pages.
 *
 * **Details**
 *
 * `base` is the domain (`DC=ad,DC=example,DC=org`) or a DN below it. Sends the critical control "show deleted". An account without the
 * right to list deleted objects sees none. Without the recycle bin, a deleted object has lost most of its attributes. The server decides
 * which objects can still be restored; with `recycled` the others are listed too.
 *
 * Fails with `LdapError`. Interruption, or ending the stream early, abandons the search.
 *
 * @category deleted objects
 * @since 0.2.0
 */
export const deletedObjects = (
  client: Pick<LdapOperations, "search">,
  base: DnInput,
  options?: DeletedObjectsOptions
): Stream.Stream<DeletedObject, LdapError> =>
  checkedStream("deletedObjects", () => nameProblem("base", base) ?? jobOptionsProblem(options), () => {
    const { attributes, controls = [], filter, pageSize = 500, recycled = false, ...sent } = options ?? {}
    const given = filter === undefined ? Result.succeed(undefined) : LdapFilter.from(filter)
    if (Result.isFailure(given)) return Stream.fail(invalid("filter", given.failure.message, base))
    const isDeleted = LdapFilter.equals("isDeleted", "TRUE")
    return client.search({
      ...sent,
      base,
      filter: given.success === undefined ? isDeleted : LdapFilter.and(isDeleted, given.success),
      attributes: attributes === undefined ? ["*", ...needed] : [...attributes, ...needed],
      pageSize,
      controls: [...controls, recycled ? showRecycled : showDeleted]
    }).pipe(
      Stream.map(deletedObject),
      Stream.filter((object) => object.guid !== "" && !isContainer(object))
    )
  })

const showDeleted = LdapControl.showDeleted.make(undefined, { critical: true })
const showRecycled = LdapControl.showRecycled.make(undefined, { critical: true })

/** The container `CN=Deleted Objects` is itself marked as deleted. */
const isContainer = ({ entry, lastKnownParent }: DeletedObject): boolean =>
  lastKnownParent === undefined && !/\\0ADEL:/i.test(entry.dn)

const deletedObject = (entry: LdapEntry): DeletedObject => {
  const guid = entry.getBytes("objectGUID")
  return {
    dn: entry.dn,
    guid: guid === undefined ? "" : Result.getOrElse(Guid.fromBytes(guid), () => ""),
    // The name of a deleted object has its GUID after a line feed.
    name: entry.get("msDS-LastKnownRDN") ?? (entry.get("name") ?? "").split("\n", 1)[0]!,
    lastKnownParent: entry.get("lastKnownParent"),
    isRecycled: entry.get("isRecycled")?.toUpperCase() === "TRUE",
    entry
  }
}

/**
 * The new place for an object that {@link restore} restores.
 *
 * @category models
 * @since 0.2.0
 */
export interface RestoreOptions extends OperationOptions {
  /** The parent. Default: the last known one. */
  readonly parent?: DnInput | undefined
  /** The value of the RDN. Default: its value before the deletion. */
  readonly name?: string | undefined
  /** Attributes to set in the same modification because a tombstone has lost them: for example `userPrincipalName`. */
  readonly changes?: ReadonlyArray<LdapModification.LdapModification> | undefined
}

/**
 * Restores a deleted object by its GUID, in one modification, and returns its new name.
 *
 * **Details**
 *
 * Removes `isDeleted` and sets `distinguishedName`, with the control "show deleted" (MS-ADTS section 3.1.1.5.3.7). Fails with
 * `NoSuchObject` if there is no object with this GUID, or no such parent. Fails with `InvalidRequest` if the object isn't deleted or is
 * recycled, or if its last known parent was deleted too: then give `parent`, or restore the parent first. Fails with `EntryAlreadyExists`
 * if another entry has the name: then give `name`. Fails with `InsufficientAccessRights` without the right to reanimate tombstones. It is
 * not retried after it may have reached the server.
 *
 * Interruption abandons the request in flight, which the server may have carried out.
 *
 * **Example**
 *
 * ```ts
 * import { ActiveDirectory, type LdapClient } from "effect-ldap"
 * import { Stream } from "effect"
 *
 * const undo = (client: LdapClient.LdapClient, domain: string) =>
 *   ActiveDirectory.deletedObjects(client, domain, { filter: "(sAMAccountName=ada)" }).pipe(
 *     Stream.mapEffect(({ guid }) => ActiveDirectory.restore(client, guid)),
 *     Stream.runDrain
 *   )
 * ```
 *
 * @category deleted objects
 * @since 0.2.0
 */
export const restore = (
  client: Pick<LdapOperations, "lookup" | "modify">,
  guid: string,
  options?: RestoreOptions
): Effect.Effect<string, LdapError> =>
  checked("restore", () => restoreProblem(guid, options), () =>
    Effect.gen(function*() {
      const { changes = [], controls = [], name, parent, ...sent } = options ?? {}
      const at = `<GUID=${guid}>`
      const seenWith = (control: LdapControl.LdapControl) =>
        client.lookup(at, { ...sent, ...notFollowed, attributes: needed, controls: [...controls, control] })
      const found = yield* seenWith(showDeleted)
      if (Option.isNone(found)) {
        if (Option.isSome(yield* seenWith(showRecycled))) {
          return yield* invalid("guid", "this object is recycled, and can't be restored", at)
        }
        const diagnosticMessage = "no object has this GUID, deleted or not"
        const reason = new NoSuchObject({ matchedDn: "", diagnosticMessage, referrals: [], controls: [] })
        return yield* new LdapError({ reason, operation, dn: at })
      }
      const object = deletedObject(found.value)
      if (found.value.get("isDeleted")?.toUpperCase() !== "TRUE") {
        return yield* invalid("guid", "this object is not deleted", at)
      }
      const to = parent === undefined ? object.lastKnownParent : dnFrom(parent)
      if (to === undefined) return yield* invalid("parent", "the last known parent is not known: give parent", at)
      if (parent === undefined && /\\0ADEL:/i.test(to)) {
        return yield* invalid("parent", "the last known parent was deleted, too: restore it first, or give parent", at)
      }
      const superior = LdapDn.parse(to, { lenient: true })
      if (Result.isFailure(superior)) return yield* invalid("parent", superior.failure.message, at)
      const type = /^([A-Za-z][A-Za-z0-9-]*)=/.exec(object.dn)?.[1] ?? "CN"
      const rdn = LdapDn.child(superior.success, LdapDn.rdn(type, name ?? object.name))
      const restored = rdn.toString()
      // Uses the current DN of the object, since Samba doesn't accept a GUID here.
      yield* client.modify(object.dn, [
        LdapModification.delete("isDeleted"),
        LdapModification.replace("distinguishedName", restored),
        ...changes
      ], { ...sent, ...notFollowed, controls: [...controls, showDeleted] })
      return restored
    }))

const operation = "restore"

const invalid = (field: string, detail: string, dn: DnInput): LdapError =>
  new LdapError({ reason: new InvalidRequest({ field, detail }), operation, dn: dnFrom(dn) })

const restoreProblem = (guid: unknown, options: RestoreOptions | undefined): Problem =>
  Guid.isGuid(guid) && !guid.startsWith("{")
    ? jobOptionsProblem(options, {
      parent: nameProblem,
      name: (field, u) =>
        typeof u === "string" && u !== ""
          ? undefined
          : new InvalidRequest({ field, detail: `${given(u)} was given where a name belongs` })
    })
    : new InvalidRequest({ field: "guid", detail: `${given(guid)} was given where a GUID belongs` })
