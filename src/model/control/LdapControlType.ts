/**
 * Defines controls (RFC 4511 section 4.1.11) and kinds of controls. A kind is an object identifier with a codec for the value. The
 * supported kinds are in the other files of this folder, by family; LdapControl.ts exports all of them.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { messageOf } from "../messageOf.ts"

/**
 * A control in its encoded form. If a server doesn't know a critical control, it must refuse the operation with
 * `UnavailableCriticalExtension`. It ignores unknown controls that are not critical.
 *
 * @category models
 * @since 0.1.0
 */
export class LdapControl extends Data.Class<{
  /** The object identifier, in dotted form. */
  readonly oid: string
  /** Whether a server that doesn't know the control must refuse the operation. */
  readonly critical: boolean
  /** The encoded value. Most controls have a BER value. */
  readonly value?: Uint8Array | undefined
}> {}

/**
 * The value of a control is malformed, or a value can't be encoded for this kind of control.
 *
 * **Details**
 *
 * `detail` says what is wrong and where. It contains nothing of the value itself, except numbers that are out of range.
 *
 * @category errors
 * @since 0.1.0
 */
export class ControlError extends Data.TaggedError("ControlError")<{
  /** The name of the kind, as in `server-side sort response`. */
  readonly control: string
  /** The object identifier of the control. */
  readonly oid: string
  readonly detail: string
}> {
  override get message(): string {
    return `${this.control} control (${this.oid}): ${this.detail}`
  }
}

/**
 * Makes a control of any kind. Use it for kinds that have no constructor here.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  oid: string,
  options?: { readonly critical?: boolean | undefined; readonly value?: Uint8Array | undefined }
): LdapControl => new LdapControl({ oid, critical: options?.critical ?? false, value: options?.value })

/**
 * The first control with that object identifier.
 *
 * @category accessors
 * @since 0.1.0
 */
export const find = (controls: ReadonlyArray<LdapControl>, oid: string): LdapControl | undefined =>
  controls.find((control) => control.oid === oid)

/**
 * A kind of control: the meaning of its value and its encoding.
 *
 * **Details**
 *
 * `A` is the decoded value of a control, `I` is the input for making one (with optional defaults). A request and its response are
 * two kinds, even if they have the same object identifier. Kinds are immutable values, so fibers may share them. A program makes
 * its own with {@link define} or `LdapControl.defineSchema`.
 *
 * **Example**
 *
 * ```ts
 * import { LdapControl } from "effect-ldap"
 * import * as Option from "effect/Option"
 *
 * const sorted = LdapControl.sortRequest.make([{ attribute: "sn" }, { attribute: "givenName", reverse: true }])
 * const answer = (controls: ReadonlyArray<LdapControl.LdapControl>) =>
 *   Option.map(LdapControl.sortResponse.find(controls), ({ code }) => code === 0)
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface ControlType<out A, in I = A> {
  /** The object identifier, in dotted form, as `supportedControl` of the root DSE lists it. */
  readonly oid: string
  /** The name in words, for errors. */
  readonly name: string
  /** Whether a control is critical by default. */
  readonly critical: boolean
  /** Makes a control of this kind. Throws a {@link ControlError} if the value can't be encoded, which is a bug of the program. */
  readonly make: (value: I, options?: ControlOptions) => LdapControl
  /** Decodes the value of a control. Fails if it is another kind of control, or its value is malformed. */
  readonly decode: (control: LdapControl) => Result.Result<A, ControlError>
  /** The value of the first control of this kind. `None` if there is no such control, or its value is malformed. */
  readonly find: (controls: ReadonlyArray<LdapControl>) => Option.Option<A>
  /** Like `find`, but fails if the value is malformed. */
  readonly read: (controls: ReadonlyArray<LdapControl>) => Result.Result<Option.Option<A>, ControlError>
}

/**
 * Options for making a control.
 *
 * @category models
 * @since 0.1.0
 */
export interface ControlOptions {
  /** Whether a server that doesn't support the control must refuse the operation. Default: the `critical` of the kind. */
  readonly critical?: boolean | undefined
}

/**
 * The properties of every kind of control.
 *
 * @category models
 * @since 0.1.0
 */
export interface ControlDefinition {
  /** The object identifier, in dotted form. */
  readonly oid: string
  /** The name in words, for errors. Default: the object identifier. */
  readonly name?: string | undefined
  /** Whether controls of this kind are critical by default. Default false. */
  readonly critical?: boolean | undefined
}

/**
 * Defines a custom kind of control.
 *
 * **Details**
 *
 * `encode` and `decode` are pure. `encode` may return `undefined`, for a control without a value; `decode` gets `undefined` for
 * such a control. If `decode` fails or throws, the message becomes the `detail` of the {@link ControlError}, so keep values out of
 * it.
 *
 * **Example**
 *
 * ```ts
 * import { LdapControl } from "effect-ldap"
 * import * as Result from "effect/Result"
 *
 * const traceId = LdapControl.define({
 *   oid: "1.3.6.1.4.1.99999.1",
 *   name: "trace id",
 *   encode: (id: string) => new TextEncoder().encode(id),
 *   decode: (value) =>
 *     value === undefined ? Result.fail("has no value") : Result.succeed(new TextDecoder().decode(value))
 * })
 * traceId.make("4bf92f35")
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const define = <A, I = A>(
  definition: ControlDefinition & {
    readonly encode: (value: I) => Uint8Array | undefined
    readonly decode: (value: Uint8Array | undefined) => Result.Result<A, Error | string>
  }
): ControlType<A, I> => {
  const { critical = false, oid } = definition
  const name = definition.name ?? oid
  const failure = (cause: unknown): ControlError => new ControlError({ control: name, oid, detail: messageOf(cause) })
  const decode = (control: LdapControl): Result.Result<A, ControlError> => {
    if (control.oid !== oid) return Result.fail(failure(`this is a control ${control.oid}`))
    const decoded = Result.try({ try: () => definition.decode(control.value), catch: failure })
    return Result.flatMap(decoded, Result.mapError(failure))
  }
  const read = (controls: ReadonlyArray<LdapControl>): Result.Result<Option.Option<A>, ControlError> => {
    const control = find(controls, oid)
    return control === undefined ? Result.succeed(Option.none()) : Result.map(decode(control), Option.some)
  }
  return {
    oid,
    name,
    critical,
    make: (value, options) => {
      const encoded = Result.try({ try: () => definition.encode(value), catch: failure })
      if (Result.isFailure(encoded)) throw encoded.failure
      return make(oid, { critical: options?.critical ?? critical, value: encoded.success })
    },
    decode,
    find: (controls) => Result.getOrElse(read(controls), () => Option.none()),
    read
  }
}
