/**
 * Brings an entry to a desired state with the least modification.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { attributesByKey, descriptionKey, equalKey, withoutTwins } from "../../model/attribute/attributeKeys.ts"
import { equalityOf, type RuleSchema } from "../../model/attribute/equalityRules.ts"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import type { LdapAttribute } from "../../model/entry/LdapEntry.ts"
import { attributesProblem, nameProblem } from "../../model/input/attributes.ts"
import { InvalidRequest, LdapError } from "../../model/LdapError.ts"
import type { LdapModification } from "../../model/LdapModification.ts"
import { dnFrom, entryAttributesFrom } from "../../model/ldapts.ts"
import * as Ldif from "../../model/ldif/Ldif.ts"
import { attributeListProblem } from "../../session/input/operationInput.ts"
import type { DnInput, EntryAttributesInput, LdapOperations, OperationOptions } from "../../session/LdapSession.ts"
import { wholeEntry } from "../../session/valueRanges.ts"
import { checked, jobOptionsProblem, oneOf, schemaProblem } from "./jobInput.ts"
import { notFollowed, onOneServer } from "./ownServer.ts"

/**
 * What {@link upsert} did.
 *
 * @category models
 * @since 0.1.0
 */
export type Upserted = Data.TaggedEnum<{
  /** The entry didn't exist and was added. */
  Added: {}
  /** The entry was changed, by these modifications. */
  Modified: { readonly changes: ReadonlyArray<LdapModification> }
  /** The entry already had these attributes; nothing was written. */
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
  /** Attributes that are written only when the entry is added, and are never compared later: for instance a first password. */
  readonly whenAdded?: EntryAttributesInput | undefined
  /**
   * What happens to user attributes of the entry that `attributes` doesn't name. Default `keep`: other programs may own them.
   * `delete` removes them, except for those in `ignore`.
   */
  readonly others?: "keep" | "delete" | undefined
  /**
   * With `others: "delete"`: attributes to keep. A name here covers the attribute with all its options, and under all its names.
   * Operational attributes are never touched.
   */
  readonly ignore?: ReadonlyArray<string> | undefined
  /**
   * How values are compared: by the matching rule of the attribute (`rules`, the default), so that a value which the server treats as
   * equal isn't written again; or byte by byte (`octets`), for instance to change the case of a name.
   */
  readonly compare?: "rules" | "octets" | undefined
  /** The server's schema (`LdapSubschema.read`), whose matching rules are used. Default: the standard schemas; see `LdapMatching`. */
  readonly schema?: RuleSchema | undefined
}

/**
 * Makes an entry have these attributes: adds the entry if it is missing, otherwise sends the least modification, or nothing.
 *
 * **Details**
 *
 * Reads the entry, compares, and writes: two requests, or one if nothing has to change. Values are compared as sets, by the
 * attribute's matching rule (`LdapMatching`): names as `LdapDn` compares them, most text without regard to case. So another order or
 * another spelling of values is no difference, and of a thousand members only the added and removed ones are sent. An attribute that
 * has no value in common with the desired ones is replaced, and so is one without an equality rule (`jpegPhoto`), whose values servers
 * can't compare. If the server reports that for another attribute (`InappropriateMatching`), all that differ are replaced. An empty list
 * of values removes the attribute. Range retrieval reads all values. There are two exceptions: missing object classes are added but
 * none is removed, since servers add the superior classes of a class; and the values of the entry's RDN stay.
 *
 * A concurrent write between reading and writing isn't lost, because the modification names single values. If the modification can no
 * longer be carried out (the entry or a value was added or deleted meanwhile), the job starts again from reading, once. If that fails
 * too, the job fails with the server's reason. Options go to each request. The entry is read from the server to which
 * the change goes, one of those for writes; if that server is lost in between, the job fails with `SessionClosed` or `ConnectionLost`.
 * Referrals are not followed: one is the failure `ReferralReceived`. Interruption abandons the request in flight, so a
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
): Effect.Effect<Upserted, LdapError> =>
  checked(
    "upsert",
    () =>
      nameProblem("dn", dn) ?? attributesProblem(attributes) ?? jobOptionsProblem(options, {
        whenAdded: (field, u) => attributesProblem(u, field),
        others: oneOf("keep", "delete"),
        ignore: (field, u) => attributeListProblem(u, field),
        compare: oneOf("rules", "octets"),
        schema: schemaProblem
      }),
    () => upserting(client, dn, attributes, options)
  )

const upserting = (
  client: Pick<LdapOperations, "lookup" | "add" | "modify">,
  dn: DnInput,
  attributes: EntryAttributesInput,
  options: UpsertOptions
): Effect.Effect<Upserted, LdapError> => {
  const merged = (all: ReadonlyArray<LdapAttribute>): ReadonlyArray<LdapAttribute> =>
    Array.from(
      attributesByKey(all, options.schema).values(),
      (attribute) => withoutTwins(attribute, options.schema)
    )
  const wanted = merged(entryAttributesFrom(attributes))
  const { controls, timeout } = options
  const sent = { controls, timeout, ...notFollowed }

  const add = Effect.suspend(() => {
    const all = merged([...wanted, ...entryAttributesFrom(options.whenAdded ?? [])])
    return client.add(dn, all.filter(({ values }) => values.length > 0), sent)
  })

  const once = Effect.gen(function*() {
    const found = yield* client.lookup(dn, {
      ...notFollowed,
      timeout,
      attributes: options.others === "delete" ? ["*", ...descriptions(wanted)] : descriptions(wanted)
    })
    if (Option.isNone(found)) return yield* Effect.as(add, Upserted.Added())
    const current = yield* wholeEntry(client, found.value, { timeout, ...notFollowed })
    const difference = differenceOf(current.dn, current.attributes, wanted, options)
    if (Result.isFailure(difference))
      return yield* new LdapError({ reason: difference.failure, operation: "upsert", dn: dnFrom(dn) })
    const { changes, replacements } = difference.success
    if (changes.length === 0) return Upserted.Unchanged()
    const modified = yield* Effect.result(client.modify(dn, changes, sent))
    if (Result.isSuccess(modified)) return Upserted.Modified({ changes })
    if (modified.failure.reason._tag !== "InappropriateMatching") return yield* modified.failure
    yield* client.modify(dn, replacements, sent)
    return Upserted.Modified({ changes: replacements })
  })

  return onOneServer(Effect.catch(once, (error) => isRace(error) ? once : Effect.fail(error)))
}

/** Whether another client has changed the entry between reading and writing. */
const isRace = ({ operation, reason }: LdapError): boolean =>
  (operation === "add" && reason._tag === "EntryAlreadyExists") ||
  (operation === "modify" &&
    (reason._tag === "NoSuchObject" || reason._tag === "NoSuchAttribute" || reason._tag === "AttributeOrValueExists"))

const descriptions = (attributes: ReadonlyArray<LdapAttribute>): ReadonlyArray<string> =>
  // An empty list would request all attributes.
  attributes.length === 0 ? ["1.1"] : attributes.map(({ description }) => description)

/** The changes that lead to the desired state: value by value, and also by replacing whole attributes. */
interface Difference {
  readonly changes: ReadonlyArray<LdapModification>
  readonly replacements: ReadonlyArray<LdapModification>
}

/** Compares by `Ldif.diff`. Values that can't be deleted are first added to the desired values: those of the RDN, and object classes. */
const differenceOf = (
  name: string,
  current: ReadonlyArray<LdapAttribute>,
  wanted: ReadonlyArray<LdapAttribute>,
  options: UpsertOptions
): Result.Result<Difference, InvalidRequest> => {
  const { ignore = [], others = "keep", schema } = options
  const named = new Map(wanted.map(({ description }) => [descriptionKey(description, schema), description]))
  // A server may return another name for the type, or the option `;binary` for values in BER.
  const spelled = current.map((attribute) => ({
    ...attribute,
    description: named.get(descriptionKey(attribute.description, schema)) ?? attribute.description
  }))
  const ours = (description: string) => named.has(descriptionKey(description, schema))
  const before = others === "keep" ? spelled.filter(({ description }) => ours(description)) : spelled
  const after = wanted.map((attribute) => withKept(name, attribute, before, schema))
  if (others === "delete") {
    // An entry can't be without the values of its RDN, nor without an object class.
    for (const attribute of before) {
      if (ours(attribute.description)) continue
      const kept = isObjectClass(attribute.description, schema)
        ? attribute
        : withKept(name, { description: attribute.description, values: [] }, before, schema)
      if (kept.values.length > 0) after.push(kept)
    }
  }
  const compared = { ignore, compare: options.compare, schema }
  return Ldif.diff([Ldif.entry("", before)], [Ldif.entry("", after)], compared).pipe(
    Result.map((records) => {
      const changes = records.flatMap((record) => record._tag === "Modify" ? record.changes : [])
      const changed = new Set(changes.map(({ attribute }) => attribute.toLowerCase()))
      const values = new Map(after.map(({ description, values }) => [description.toLowerCase(), values]))
      const replacements = Array.from(changed, (attribute): LdapModification => ({
        operation: "replace",
        attribute,
        values: values.get(attribute) ?? []
      }))
      return { changes, replacements }
    }),
    Result.mapError(({ detail }) => new InvalidRequest({ field: "attributes", detail }))
  )
}

/** The attribute with the values that the entry must keep: those of its RDN, and its object classes. */
const withKept = (
  name: string,
  wanted: LdapAttribute,
  current: ReadonlyArray<LdapAttribute>,
  schema: RuleSchema | undefined
): LdapAttribute => {
  const { description } = wanted
  const key = descriptionKey(description, schema)
  const values = current.find((attribute) => descriptionKey(attribute.description, schema) === key)?.values
  if (values === undefined) return wanted
  const { rule } = equalityOf(description, schema)
  const wantedKeys = new Set(wanted.values.map((value) => equalKey(rule, value)))
  const isClass = isObjectClass(description, schema)
  const isInName = inNameOf(name, description, schema)
  const kept = values.filter((value) => isClass || (isInName(value) && !wantedKeys.has(equalKey(rule, value))))
  if (kept.length === 0) return wanted
  const keptKeys = new Set(isClass ? kept.map((value) => equalKey(rule, value)) : [])
  return { description, values: [...kept, ...wanted.values.filter((value) => !keptKeys.has(equalKey(rule, value)))] }
}

const isObjectClass = (description: string, schema: RuleSchema | undefined): boolean =>
  equalityOf(description, schema).type === equalityOf("objectClass", schema).type

/** Whether a value of the attribute is in the entry's RDN. */
const inNameOf = (
  name: string,
  description: string,
  schema: RuleSchema | undefined
): (value: Uint8Array) => boolean => {
  const parsed = LdapDn.parse(name, { lenient: true })
  const { rule, type } = equalityOf(description, schema)
  const attributes = (Result.isSuccess(parsed) ? (parsed.success.rdns[0]?.attributes ?? []) : []).filter((attribute) =>
    equalityOf(attribute.type, schema).type === type
  )
  if (attributes.length === 0) return () => false
  // The client doesn't know how the server compares values of an unknown type, so it keeps all values that may be in the RDN.
  const keyOf = (value: Uint8Array): string =>
    rule === "octets" ? new LdapDn.RdnAttribute(type, value).key : equalKey(rule, value)
  const keys = new Set(attributes.map(({ value }) => keyOf(value)))
  return (value) => keys.has(keyOf(value))
}
