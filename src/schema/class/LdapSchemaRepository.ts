/**
 * Repositories: find, list, add, change and delete the entries of one domain class below one base, as values.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { LdapClient } from "../../client/LdapClient.ts"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import * as LdapFilter from "../../model/filter/LdapFilter.ts"
import { InvalidRequest, LdapError } from "../../model/LdapError.ts"
import type { LdapModification } from "../../model/LdapModification.ts"
import type { Entries } from "./LdapSchemaClass.ts"
import { type LdapDecodeError, LdapEncodeError } from "./LdapSchemaError.ts"
import { fieldFrom, type FieldsInput, type NamingKey, type ValueOf } from "./LdapSchemaField.ts"

/**
 * The operations that a repository needs, of a client or a session.
 *
 * @category models
 * @since 0.1.0
 */
export type Operations = Pick<LdapClient, "search" | "lookup" | "add" | "modify" | "delete" | "rename">

/**
 * A domain class, as far as a repository needs it.
 *
 * @category models
 * @since 0.1.0
 */
export interface EntityClass<Self, Fields extends FieldsInput> extends Entries<Self, Fields> {
  /** The identifier of the class, as errors name it. */
  readonly identifier: string
}

/**
 * Where the entries are, and which field names them.
 *
 * @category models
 * @since 0.1.0
 */
export interface RepositoryOptions<Key> {
  /** The parent of new entries, and the base of searches. */
  readonly base: string | LdapDn.LdapDn
  /** The field of the RDN: `uid` for `uid=ada,ou=people,…`. It has exactly one value. */
  readonly rdn: Key
}

/**
 * How to list entries.
 *
 * @category models
 * @since 0.1.0
 */
export interface StreamOptions {
  /** A filter in addition to the object classes; build it with `filter` of the class. */
  readonly filter?: LdapFilter.LdapFilter | undefined
  /** Default `one`: right below the base. With `subtree` the class should have a field `LdapSchema.entryDn`. */
  readonly scope?: "one" | "subtree" | undefined
  /** The page size of paged results. Default: no pages. */
  readonly pageSize?: number | undefined
}

/**
 * The entries of a class. Fibers may share it.
 *
 * **Details**
 *
 * If a value has a field `LdapSchema.entryDn`, that is the name of its entry. Otherwise its entry is the one directly below the
 * base whose RDN has the value of the field `rdn`.
 *
 * Fails with `LdapDecodeError` if an entry doesn't fit the class, and with `LdapEncodeError` if a value can't be encoded; then no
 * request is sent. Interruption abandons the request in flight.
 *
 * @category models
 * @since 0.1.0
 */
export interface Repository<Self, Key> {
  /** The entry directly below the base with this name. `None` if there is no such entry, or if it lacks an object class. */
  readonly find: (key: Key) => Effect.Effect<Option.Option<Self>, LdapError | LdapDecodeError | LdapEncodeError>

  /** The entry with this distinguished name, which may be outside the base. */
  readonly findByDn: (dn: string | LdapDn.LdapDn) => Effect.Effect<Option.Option<Self>, LdapError | LdapDecodeError>

  /** The entries, in the server's order. The stream fails at the first entry that can't be decoded; `results` goes on. */
  readonly stream: (options?: StreamOptions) => Stream.Stream<Self, LdapError | LdapDecodeError>

  /** Like `stream`, but an entry that can't be decoded is a failed `Result` in the stream and doesn't end it. */
  readonly results: (options?: StreamOptions) => Stream.Stream<Result.Result<Self, LdapDecodeError>, LdapError>

  /** Adds an entry, and returns its name. */
  readonly insert: (value: Self) => Effect.Effect<LdapDn.LdapDn, LdapError | LdapEncodeError>

  /**
   * Changes the entry to the state of the value by the smallest list of modifications, and renames it if its name has changed.
   * Returns the modifications.
   *
   * **Details**
   *
   * `previous` is the value that the program had read. Attributes that the program didn't change are not touched, even if another
   * client has changed them since. Without `previous` the entry is read first. Then its name can change only if the value has an
   * `entryDn` field, since the new RDN alone doesn't identify the old entry. Fails with `NoSuchObject` if the entry doesn't exist.
   *
   * A rename and a modification are two requests, in this order. If the modification is refused, the entry has already been
   * renamed.
   */
  readonly update: (
    value: Self,
    options?: { readonly previous?: Self | undefined }
  ) => Effect.Effect<ReadonlyArray<LdapModification>, LdapError | LdapDecodeError | LdapEncodeError>

  /** Deletes the entry. Fails with `NoSuchObject` if it doesn't exist. */
  readonly delete: (value: Self) => Effect.Effect<void, LdapError | LdapEncodeError>

  /** Deletes the entry directly below the base with this name. */
  readonly deleteByKey: (key: Key) => Effect.Effect<void, LdapError | LdapEncodeError>
}

/**
 * A repository over the service `LdapClient`. Fails with `InvalidRequest` if the base is not a distinguished name. It sends nothing, so
 * interruption has no effect.
 *
 * **Example**
 *
 * ```ts
 * import { LdapSchema } from "effect-ldap"
 * import { Effect, Stream } from "effect"
 *
 * class Person extends LdapSchema.Class<Person>("Person")({
 *   objectClass: "inetOrgPerson",
 *   fields: {
 *     uid: LdapSchema.DirectoryString,
 *     cn: LdapSchema.DirectoryString,
 *     sn: LdapSchema.DirectoryString,
 *     mail: LdapSchema.repeated(LdapSchema.Ia5String)
 *   }
 * }) {}
 *
 * const program = Effect.gen(function*() {
 *   const people = yield* LdapSchema.repository(Person, { base: "ou=people,dc=example,dc=org", rdn: "uid" })
 *   yield* people.insert(new Person({ uid: "ada", cn: "Ada Lovelace", sn: "Lovelace" }))
 *   return yield* people.stream({ filter: Person.filter.present("mail") }).pipe(Stream.runCollect)
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const repository = <Self, Fields extends FieldsInput, const Key extends NamingKey<Fields>>(
  entity: EntityClass<Self, Fields>,
  options: RepositoryOptions<Key>
): Effect.Effect<Repository<Self, ValueOf<Fields[Key]>>, LdapError, LdapClient> =>
  Effect.flatMap(LdapClient, (client) => makeRepository(client, entity, options))

/**
 * A repository over a given client or session.
 *
 * **Details**
 *
 * Fails with `InvalidRequest` if the base is not a distinguished name.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeRepository = Effect.fnUntraced(
  function*<Self, Fields extends FieldsInput, const Key extends NamingKey<Fields>>(
    client: Operations,
    entity: EntityClass<Self, Fields>,
    options: RepositoryOptions<Key>
  ): Effect.fn.Return<Repository<Self, ValueOf<Fields[Key]>>, LdapError> {
    const base = yield* baseFrom(options.base)
    const naming = fieldFrom(entity.ldapFields[options.rdn]!)
    const dnField = Object.entries(entity.ldapFields).find(([, field]) => fieldFrom(field).kind === "entryDn")?.[0]
    return new EntryRepository<Self, Fields, ValueOf<Fields[Key]>>(client, entity, base, {
      field: options.rdn,
      attribute: naming.attribute ?? options.rdn,
      encode: Schema.encodeUnknownResult(naming.value),
      dnField
    })
  }
)

const baseFrom = (base: string | LdapDn.LdapDn): Effect.Effect<LdapDn.LdapDn, LdapError> =>
  typeof base === "string"
    ? Effect.mapError(
      Effect.fromResult(LdapDn.parse(base, { lenient: true })),
      ({ message }) =>
        new LdapError({
          reason: new InvalidRequest({ field: "base", detail: message }),
          operation: "LdapSchema.repository"
        })
    )
    : Effect.succeed(base)

// ---------------------------------------------------------------------------------------------------------------------
// Implementation
// ---------------------------------------------------------------------------------------------------------------------

interface Naming {
  readonly field: string
  readonly attribute: string
  readonly encode: (value: unknown) => Result.Result<Uint8Array, Schema.SchemaError>
  /** The field with the entry's name, if the class has one. */
  readonly dnField: string | undefined
}

class EntryRepository<Self, Fields extends FieldsInput, Key> implements Repository<Self, Key> {
  readonly #client: Operations
  readonly #entity: EntityClass<Self, Fields>
  readonly #base: LdapDn.LdapDn
  readonly #naming: Naming

  constructor(client: Operations, entity: EntityClass<Self, Fields>, base: LdapDn.LdapDn, naming: Naming) {
    this.#client = client
    this.#entity = entity
    this.#base = base
    this.#naming = naming
  }

  readonly find = (key: Key): Effect.Effect<Option.Option<Self>, LdapError | LdapDecodeError | LdapEncodeError> =>
    Effect.flatMap(Effect.fromResult(this.#dnOfKey(key)), this.findByDn)

  readonly findByDn = (
    dn: string | LdapDn.LdapDn
  ): Effect.Effect<Option.Option<Self>, LdapError | LdapDecodeError> =>
    Effect.flatMap(
      this.#client.lookup(dn, {
        attributes: this.#entity.attributes,
        filter: this.#entity.objectClassFilter,
        ranges: "all"
      }),
      Option.match({
        onNone: () => Effect.succeedNone,
        onSome: (entry) => Effect.map(this.#decode(entry), Option.some)
      })
    )

  readonly stream = (options?: StreamOptions): Stream.Stream<Self, LdapError | LdapDecodeError> =>
    Stream.mapEffect(this.#entries(options), (entry) => this.#decode(entry))

  readonly results = (options?: StreamOptions): Stream.Stream<Result.Result<Self, LdapDecodeError>, LdapError> =>
    Stream.map(this.#entries(options), this.#entity.decodeEntry)

  readonly insert = Effect.fnUntraced({ self: this }, function*(value: Self) {
    const dn = yield* Effect.fromResult(this.#dnOf(value))
    const attributes = yield* Effect.fromResult(this.#entity.encodeEntry(value))
    yield* this.#client.add(dn, attributes)
    return dn
  })

  readonly update = Effect.fnUntraced(
    { self: this },
    function*(value: Self, options?: { readonly previous?: Self | undefined }) {
      const given = options?.previous
      // The current name of the entry. Without a previous value it must be in the new one.
      const dn = this.#ownDn(value) ?? (yield* Effect.fromResult(this.#dnOf(given ?? value)))
      const previous = given ?? (yield* this.#read(dn))
      const modifications = yield* Effect.fromResult(this.#entity.modifications(previous, value))
      const { attribute } = this.#naming
      const rename = modifications.find((change) => change.attribute === attribute)
      const own = dn.rdns[0]
      if (rename === undefined || own === undefined || own.get(attribute) === undefined) {
        if (modifications.length > 0) yield* this.#client.modify(dn, modifications)
        return modifications
      }
      // The rename itself replaces the value that is part of the name.
      const others = modifications.filter((change) => change !== rename)
      const newRdn = LdapDn.rdn(Object.fromEntries(
        own.attributes.map(({ type, value }) => [
          type,
          type.toLowerCase() === attribute.toLowerCase() ? rename.values[0]! : value
        ])
      ))
      yield* this.#client.rename(dn, { newRdn: newRdn.toString() })
      if (others.length > 0) yield* this.#client.modify(LdapDn.rename(dn, newRdn), others)
      return modifications
    }
  )

  readonly delete = (value: Self): Effect.Effect<void, LdapError | LdapEncodeError> =>
    Effect.flatMap(Effect.fromResult(this.#dnOf(value)), (dn) => Effect.asVoid(this.#client.delete(dn)))

  readonly deleteByKey = (key: Key): Effect.Effect<void, LdapError | LdapEncodeError> =>
    Effect.flatMap(Effect.fromResult(this.#dnOfKey(key)), (dn) => Effect.asVoid(this.#client.delete(dn)))

  #entries(options: StreamOptions | undefined): Stream.Stream<LdapEntry, LdapError> {
    const { attributes, objectClassFilter } = this.#entity
    return this.#client.search({
      base: this.#base,
      scope: options?.scope ?? "one",
      filter: options?.filter === undefined ? objectClassFilter : LdapFilter.and(objectClassFilter, options.filter),
      attributes,
      ranges: "all",
      ...(options?.pageSize === undefined ? undefined : { pageSize: options.pageSize })
    })
  }

  #decode(entry: LdapEntry): Effect.Effect<Self, LdapDecodeError> {
    return Effect.fromResult(this.#entity.decodeEntry(entry))
  }

  /** The current entry. A search, unlike a lookup, fails with `NoSuchObject` if there is none. */
  #read(dn: LdapDn.LdapDn): Effect.Effect<Self, LdapError | LdapDecodeError> {
    return this.#client.search({ base: dn, scope: "base", attributes: this.#entity.attributes, ranges: "all" }).pipe(
      Stream.runHead,
      Effect.flatMap((entry): Effect.Effect<Self, LdapError | LdapDecodeError> =>
        Option.isSome(entry)
          ? this.#decode(entry.value)
          : Effect.fail(
            new LdapError({
              reason: new InvalidRequest({
                field: "dn",
                detail: "the bind DN may not read the entry, so there is nothing to compare with"
              }),
              operation: "LdapSchema.update",
              dn: dn.toString()
            })
          )
      )
    )
  }

  #ownDn(value: Self): LdapDn.LdapDn | undefined {
    if (this.#naming.dnField === undefined) return undefined
    // A value of the class has the fields of the class.
    const dn = (value as Record<string, unknown>)[this.#naming.dnField]
    return LdapDn.isLdapDn(dn) ? dn : undefined
  }

  #dnOf(value: Self): Result.Result<LdapDn.LdapDn, LdapEncodeError> {
    const own = this.#ownDn(value)
    // As above.
    return own === undefined
      ? this.#dnOfKey((value as Record<string, unknown>)[this.#naming.field])
      : Result.succeed(own)
  }

  #dnOfKey(key: unknown): Result.Result<LdapDn.LdapDn, LdapEncodeError> {
    const { attribute, encode, field } = this.#naming
    return Result.mapBoth(encode(key), {
      onSuccess: (octets) => LdapDn.child(this.#base, LdapDn.rdn(attribute, octets)),
      onFailure: ({ message }) =>
        new LdapEncodeError({
          schema: this.#entity.identifier,
          problems: [{ field, attribute, index: undefined, value: undefined, detail: message }]
        })
    })
  }
}
