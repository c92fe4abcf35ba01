/**
 * An entry made what a program wants it to be, by the least that has to be sent.
 */
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import type { LdapAttribute, LdapEntry } from "../../model/entry/LdapEntry.ts"
import { InvalidRequest, LdapError } from "../../model/LdapError.ts"
import type { LdapModification } from "../../model/LdapModification.ts"
import { dnFrom, entryAttributesFrom } from "../../model/ldapts.ts"
import * as Ldif from "../../model/ldif/Ldif.ts"
import type { DnInput, EntryAttributesInput, LdapOperations, OperationOptions } from "../../session/LdapSession.ts"
import { notFollowed, readsWhereItWrites } from "./ownServer.ts"
import { allValues } from "./valueRanges.ts"

/**
 * What {@link upsert} had to do.
 *
 * @category models
 * @since 0.1.0
 */
export type Upserted = Data.TaggedEnum<{
  /** There was no such entry. */
  Added: {}
  Modified: { readonly changes: ReadonlyArray<LdapModification> }
  /** Nothing: it was so already. */
  Unchanged: {}
}>

/**
 * @category constructors
 * @since 0.1.0
 */
export const Upserted = Data.taggedEnum<Upserted>()

/**
 * Options of {@link upsert}.
 *
 * @category models
 * @since 0.1.0
 */
export interface UpsertOptions extends OperationOptions {
  /** Attributes that only a new entry gets and that are not compared later: a first password, say. */
  readonly whenAdded?: EntryAttributesInput | undefined
  /**
   * What becomes of user attributes that the entry has and `attributes` doesn't name. Default `keep`: they belong to
   * others. `delete` makes the entry have what is named and nothing else; `ignore` says which to keep all the same.
   */
  readonly others?: "keep" | "delete" | undefined
  /** With `others: "delete"`: attributes, without options, that are kept. Those that only the server sets are never touched. */
  readonly ignore?: ReadonlyArray<string> | undefined
}

/**
 * Makes an entry have these attributes: adds it where it is missing, otherwise sends the least modification, or nothing.
 *
 * **Details**
 *
 * Reads the entry, compares, and writes: two requests, one where nothing has to change. Values are compared octet by octet
 * and as sets, so values in another order are no difference, and of a thousand members only those that came or went are
 * sent; an attribute that has no value in common with what is wanted is replaced. An attribute with an empty list of values
 * is one that the entry shall not have. Two things are as the directory sees them: object classes are added where they are
 * missing and never taken away, since servers add those above a class; and the values that the entry's name has stay.
 *
 * What others write between reading and writing isn't lost: the modification names single values. Where it can no longer
 * be carried out (the entry came or went meanwhile, or a value did), everything is done once more, from reading. A second
 * time is a failure with the server's reason. Options go to each request. The entry is read from the servers that take changes, and
 * referrals are not followed: one is the failure `ReferralReceived`. Interruption abandons the request in flight, so a
 * modification that was sent may have been carried out.
 *
 * **Example**
 *
 * ```ts
 * import { LdapJobs, type LdapClient } from "effect-ldap"
 *
 * const sync = (ldap: LdapClient.LdapClient) =>
 *   LdapJobs.upsert(ldap, "uid=ada,ou=people,dc=example,dc=org", {
 *     objectClass: ["inetOrgPerson"],
 *     cn: "Ada Lovelace",
 *     sn: "Lovelace",
 *     mail: ["ada@example.org"],
 *     telephoneNumber: []
 *   })
 * ```
 *
 * @category writing
 * @since 0.1.0
 */
export const upsert = (
  client: Pick<LdapOperations, "lookup" | "add" | "modify">,
  dn: DnInput,
  attributes: EntryAttributesInput,
  options: UpsertOptions = {}
): Effect.Effect<Upserted, LdapError> => {
  const wanted = entryAttributesFrom(attributes)
  const { controls, timeout } = options
  const sent = { controls, timeout, ...notFollowed }

  const add = Effect.suspend(() => {
    const all = [...wanted, ...entryAttributesFrom(options.whenAdded ?? [])]
    return client.add(dn, all.filter(({ values }) => values.length > 0), sent)
  })

  const once = Effect.gen(function*() {
    const found = yield* client.lookup(dn, {
      ...notFollowed,
      timeout,
      attributes: options.others === "delete" ? ["*", ...descriptions(wanted)] : descriptions(wanted)
    })
    if (Option.isNone(found)) return yield* Effect.as(add, Upserted.Added())
    const current = yield* wholeAttributes(client, found.value, timeout)
    const changes = changesBetween(found.value.dn, current, wanted, options)
    if (Result.isFailure(changes))
      return yield* new LdapError({ reason: changes.failure, operation: "upsert", dn: dnFrom(dn) })
    if (changes.success.length === 0) return Upserted.Unchanged()
    yield* client.modify(dn, changes.success, sent)
    return Upserted.Modified({ changes: changes.success })
  })

  return readsWhereItWrites(Effect.catch(once, (error) => isRace(error) ? once : Effect.fail(error)))
}

/** Another client has written between reading and writing. */
const isRace = ({ operation, reason }: LdapError): boolean =>
  (operation === "add" && reason._tag === "EntryAlreadyExists") ||
  (operation === "modify" &&
    (reason._tag === "NoSuchObject" || reason._tag === "NoSuchAttribute" || reason._tag === "AttributeOrValueExists"))

const descriptions = (attributes: ReadonlyArray<LdapAttribute>): ReadonlyArray<string> =>
  // An empty list would ask for everything.
  attributes.length === 0 ? ["1.1"] : attributes.map(({ description }) => description)

const rangeOption = /;range=[\d*-]+$/i

/** The attributes of an entry, those that came in ranges with all their values. */
const wholeAttributes = (
  client: Pick<LdapOperations, "lookup">,
  entry: LdapEntry,
  timeout: Duration.Input | undefined
) =>
  Effect.forEach(
    new Set(entry.descriptions.map((description) => description.replace(rangeOption, ""))),
    (description) =>
      Effect.map(
        allValues(client, entry, description, { timeout, ...notFollowed }),
        (values) => ({ description, values })
      )
  )

/** The comparing is Ldif's. Before it, what is wanted is completed by what the directory would not give up. */
const changesBetween = (
  name: string,
  current: ReadonlyArray<LdapAttribute>,
  wanted: ReadonlyArray<LdapAttribute>,
  { ignore = [], others = "keep" }: UpsertOptions
): Result.Result<ReadonlyArray<LdapModification>, InvalidRequest> => {
  const named = new Set(wanted.map(({ description }) => description.toLowerCase()))
  const ours = (description: string) => named.has(description.toLowerCase())
  const before = others === "keep" ? current.filter(({ description }) => ours(description)) : current
  const after = wanted.map((attribute) => withKept(name, attribute, before))
  if (others === "delete") {
    // Neither the name nor the class of an entry is something to be without.
    for (const attribute of before) {
      if (ours(attribute.description)) continue
      const kept = isObjectClass(attribute.description)
        ? attribute
        : withKept(name, { description: attribute.description, values: [] }, before)
      if (kept.values.length > 0) after.push(kept)
    }
  }
  return Ldif.diff([Ldif.entry("", before)], [Ldif.entry("", after)], { ignore }).pipe(
    Result.map((records) => records.flatMap((record) => record._tag === "Modify" ? record.changes : [])),
    Result.mapError(({ detail }) => new InvalidRequest({ field: "attributes", detail }))
  )
}

const withKept = (name: string, wanted: LdapAttribute, current: ReadonlyArray<LdapAttribute>): LdapAttribute => {
  const { description } = wanted
  const values = current.find((attribute) => attribute.description.toLowerCase() === description.toLowerCase())?.values
  if (values === undefined) return wanted
  const inName = namingKeys(name)
  const wantedKeys = new Set(wanted.values.map((value) => keyOf(description, value)))
  const isClass = isObjectClass(description)
  const kept = values.filter((value) => {
    const key = keyOf(description, value)
    return isClass || (inName.has(key) && !wantedKeys.has(key))
  })
  if (kept.length === 0) return wanted
  const keptKeys = new Set(isClass ? kept.map((value) => keyOf(description, value)) : [])
  return {
    description,
    values: [...kept, ...wanted.values.filter((value) => !keptKeys.has(keyOf(description, value)))]
  }
}

const isObjectClass = (description: string): boolean => /^(objectclass|2\.5\.4\.0)$/i.test(description)

/** What the values of the entry's own RDN have in common with equal ones. */
const namingKeys = (name: string): ReadonlySet<string> => {
  const parsed = LdapDn.parse(name, { lenient: true })
  const attributes = Result.isSuccess(parsed) ? (parsed.success.rdns[0]?.attributes ?? []) : []
  return new Set(attributes.map(({ key }) => key))
}

const keyOf = (description: string, value: Uint8Array): string => new LdapDn.RdnAttribute(description, value).key
