/**
 * The schemas of fields by their numbers of values: from all values of an attribute to one value, an array or a `HashSet`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as HashSet from "effect/HashSet"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"

/**
 * The schema of a field with exactly one value.
 *
 * @category models
 * @since 0.1.0
 */
export interface Single<Value extends Schema.Constraint>
  extends Schema.decodeTo<Schema.toType<Value>, Schema.$Array<Value>>
{}

/**
 * The schema of a field with any number of values in an array.
 *
 * @category models
 * @since 0.1.0
 */
export interface Repeated<Value extends Schema.Constraint>
  extends Schema.withConstructorDefault<Schema.withDecodingDefaultKey<Schema.$Array<Value>>>
{}

/**
 * The schema of a field with any number of values in a `HashSet`.
 *
 * @category models
 * @since 0.1.0
 */
export interface SetOf<Value extends Schema.Constraint> extends
  Schema.withConstructorDefault<
    Schema.withDecodingDefaultKey<Schema.decodeTo<Schema.HashSet<Schema.toType<Value>>, Schema.$Array<Value>>>
  >
{}

/** @internal */
export const singleSchema = <Value extends Schema.Constraint>(value: Value): Single<Value> =>
  Schema.Array(value).pipe(Schema.decodeTo(
    Schema.toType(value),
    SchemaTransformation.transformEffect<Value["Type"], ReadonlyArray<Value["Type"]>>({
      decode: (values) =>
        values.length === 1
          ? Effect.succeed(values[0])
          : Effect.fail(
            new SchemaIssue.InvalidValue({
              message: values.length === 0
                ? "the attribute is missing"
                : `${values.length} values where one is expected`
            })
          ),
      encode: (one) => Effect.succeed([one])
    })
  ))

/** @internal */
export const repeatedSchema = <Value extends Schema.Constraint>(value: Value): Repeated<Value> =>
  Schema.Array(value).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed([])),
    Schema.withConstructorDefault(Effect.succeed([]))
  )

/** @internal */
export const setSchema = <Value extends Schema.Constraint>(value: Value): SetOf<Value> =>
  Schema.Array(value).pipe(
    Schema.decodeTo(
      Schema.HashSet(Schema.toType(value)),
      SchemaTransformation.transform<HashSet.HashSet<Value["Type"]>, ReadonlyArray<Value["Type"]>>({
        decode: HashSet.fromIterable,
        encode: (set) => Array.from(set)
      })
    ),
    Schema.withDecodingDefaultKey(Effect.succeed([])),
    Schema.withConstructorDefault(Effect.succeed(HashSet.empty()))
  )
