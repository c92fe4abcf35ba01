/**
 * An entry made what a program wants it to be, by the least that has to be sent.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { equalityOf, type RuleSchema } from "../../model/attribute/equalityRules.ts"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import type { LdapAttribute } from "../../model/entry/LdapEntry.ts"
import { attributesProblem, nameProblem } from "../../model/input/attributes.ts"
import { InvalidRequest, LdapError } from "../../model/LdapError.ts"
import type { LdapModification } from "../../model/LdapModification.ts"
import { dnFrom, entryAttributesFrom } from "../../model/ldapts.ts"
import * as Ldif from "../../model/ldif/Ldif.ts"
import type { DnInput, EntryAttributesInput, LdapOperations, OperationOptions } from "../../session/LdapSession.ts"
import { notFollowed, readsWhereItWrites } from "./ownServer.ts"
import { wholeEntry } from "./valueRanges.ts"

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
  /**
   * How values are compared: by the matching rule of the attribute (`rules`, the default), so that a value which the server takes for
   * the same isn't written again; or octet by octet (`octets`), to change the case of a name, say.
   */
  readonly compare?: "rules" | "octets" | undefined
  /** The server's schema (`LdapSubschema.read`), whose matching rules are used. Default: the standard schemas; see `LdapMatching`. */
  readonly schema?: RuleSchema | undefined
}

/**
 * Makes an entry have these attributes: adds it where it is missing, otherwise sends the least modification, or nothing.
 *
 * **Details**
 *
 * Reads the entry, compares, and writes: two requests, one where nothing has to change. Values are compared as sets, by the
 * attribute's matching rule (`LdapMatching`): names as `LdapDn` compares them, most text without regard to case. So values in another
 * order or another spelling are no difference, and of a thousand members only those that came or went are sent. An attribute that
 * has no value in common with what is wanted is replaced, and so is one without an equality rule (`jpegPhoto`), whose values servers
 * can't compare; where the server says so of others (`InappropriateMatching`), all that differ are replaced. An attribute with an
 * empty list of values is one that the entry shall not have. Ranges of values are read to their end. Two things are as the
 * directory sees them: object classes are added where they are missing and never taken away, since servers add those above a
 * class; and the values that the entry's name has stay.
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
  const wrong = nameProblem("dn", dn) ?? attributesProblem(attributes) ??
    (options.whenAdded === undefined ? undefined : attributesProblem(options.whenAdded, "whenAdded"))
  if (wrong !== undefined) return Effect.fail(new LdapError({ reason: wrong, operation: "upsert" }))
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

/** Changes that make the entry what is wanted: value by value, and the same by replacing whole attributes. */
interface Difference {
  readonly changes: ReadonlyArray<LdapModification>
  readonly replacements: ReadonlyArray<LdapModification>
}

/** The comparing is Ldif's. Before it, what is wanted is completed by what the directory would not give up. */
const differenceOf = (
  name: string,
  current: ReadonlyArray<LdapAttribute>,
  wanted: ReadonlyArray<LdapAttribute>,
  options: UpsertOptions
): Result.Result<Difference, InvalidRequest> => {
  const { ignore = [], others = "keep", schema } = options
  const named = new Map(wanted.map(({ description }) => [descriptionKey(description, schema), description]))
  // A server may have another name for the type, or say that a value is transferred in BER.
  const spelled = current.map((attribute) => ({
    ...attribute,
    description: named.get(descriptionKey(attribute.description, schema)) ?? attribute.description
  }))
  const ours = (description: string) => named.has(descriptionKey(description, schema))
  const before = others === "keep" ? spelled.filter(({ description }) => ours(description)) : spelled
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

/** What descriptions of the same attribute have in common: `;binary` is no part of it (RFC 4522). */
const descriptionKey = (description: string, schema: RuleSchema | undefined): string => {
  const [, ...options] = description.toLowerCase().split(";")
  return [equalityOf(description, schema).type, ...options.filter((option) => option !== "binary").sort()].join(";")
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
