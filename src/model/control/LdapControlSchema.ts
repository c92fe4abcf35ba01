/**
 * Controls whose codec is a schema. In a file of its own, so that a bundle without such a control has no Schema.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type ControlDefinition, type ControlType, define } from "./LdapControlType.ts"

/**
 * Defines a custom kind of control whose codec is a schema over the bytes of the value.
 *
 * **Details**
 *
 * The control always has a value. The {@link ControlError} doesn't have the schema's error, since that would quote the value. To
 * see it, decode with the schema itself.
 *
 * **Example**
 *
 * ```ts
 * import { LdapControl } from "effect-ldap"
 * import * as Schema from "effect/Schema"
 * import * as SchemaTransformation from "effect/SchemaTransformation"
 *
 * const Text = Schema.Uint8Array.pipe(Schema.decodeTo(
 *   Schema.String,
 *   SchemaTransformation.transform({
 *     decode: (octets) => new TextDecoder().decode(octets),
 *     encode: (text) => new TextEncoder().encode(text)
 *   })
 * ))
 * const reason = LdapControl.defineSchema({ oid: "1.3.6.1.4.1.99999.2", name: "reason", schema: Text })
 * reason.make("cleaning up", { critical: true })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const defineSchema = <A>(
  definition: ControlDefinition & { readonly schema: Schema.Codec<A, Uint8Array> }
): ControlType<A> => {
  const decodeValue = Schema.decodeResult(definition.schema)
  const encodeValue = Schema.encodeResult(definition.schema)
  return define<A>({
    ...definition,
    encode: (value) =>
      Result.getOrThrowWith(encodeValue(value), () => new Error("the schema does not allow the value")),
    decode: (value) =>
      value === undefined
        ? Result.fail("has no value")
        : Result.mapError(decodeValue(value), () => "the schema does not allow the value")
  })
}
