/**
 * Supplies a client's long-term key, from a keytab or from a password. For a password, the KDC says how to derive the key. That
 * message isn't authenticated, so it is limited: too many iterations would keep the machine busy, too few would make it cheap to
 * guess the password from a recorded proof.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { KerberosFailed } from "../../../model/LdapError.ts"
import type { EncryptionType, KerberosKey } from "../crypto/EncryptionType.ts"
import { describeType } from "../crypto/encryptionTypes.ts"
import { failed } from "../kerberosFailure.ts"
import type { TypeInfo } from "../messages/kdcError.ts"
import { format, type Principal } from "../messages/Principal.ts"
import type { KeytabEntry } from "./keytab.ts"

export interface ClientKey {
  readonly key: KerberosKey
  /** The version of the principal's key, if it is known. */
  readonly version: number | undefined
  /** Overwrites the key, if it was made for this exchange only. */
  readonly wipe: () => void
}

export interface KeySource {
  /** Overwrites the keys, and data derived from the password. The source can't be used afterwards. */
  readonly wipe: () => void
  readonly has: "password" | "keytab"
  /** Encryption types for which there is a key, in order of preference. */
  readonly types: ReadonlyArray<EncryptionType>
  readonly keyFor: (type: EncryptionType, info: TypeInfo, version?: number) => Effect.Effect<ClientKey, KerberosFailed>
}

export interface IterationLimits {
  readonly min: number
  readonly max: number
}

/** RFC 3962 section 4: the realm and all components, without separators. */
const defaultSalt = ({ components, realm }: Principal): Uint8Array => Buffer.from([realm, ...components].join(""))

const iterationsOf = (type: EncryptionType, parameters: Uint8Array | undefined): number | undefined => {
  if (parameters === undefined) return type.defaultIterations
  // Zero stands for 2^32 (RFC 3962 section 4).
  return parameters.length === 4 ? Buffer.from(parameters).readUInt32BE() || 2 ** 32 : undefined
}

export const passwordSource = (
  principal: Principal,
  password: Redacted.Redacted<Uint8Array>,
  types: ReadonlyArray<EncryptionType>,
  limits: IterationLimits
): Omit<KeySource, "wipe"> => ({
  has: "password",
  types,
  keyFor: Effect.fnUntraced(function*(type, { parameters, salt }) {
    const iterations = iterationsOf(type, parameters)
    const isIterated = type.defaultIterations > 0
    if (iterations === undefined || (isIterated && (iterations < limits.min || iterations > limits.max))) {
      return yield* failed(
        "untrustedReply",
        iterations === undefined
          ? "the KDC's parameters for the key are not a number of iterations"
          : `the KDC asks for ${iterations} iterations, which is outside of the limits ${limits.min} and ${limits.max} (minIterations, maxIterations)`
      )
    }
    const key = yield* type.fromPassword(Redacted.value(password), salt ?? defaultSalt(principal), iterations)
    return { key, version: undefined, wipe: () => key.wipe() }
  })
})

export const keytabSource = (
  principal: Principal,
  path: string,
  entries: ReadonlyArray<KeytabEntry>,
  allowed: ReadonlyArray<EncryptionType>
): KeySource => {
  const own = entries
    .filter(({ components, realm }) => format({ ...principal, components, realm }) === format(principal))
    .sort((a, b) => b.version - a.version)
  return {
    wipe: () => {
      for (const { key } of entries) key?.wipe()
    },
    has: "keytab",
    types: allowed.filter((type) => own.some(({ key }) => key?.type === type)),
    keyFor: (type, _, version) => {
      const entry =
        own.find(({ key, version: found }) => key?.type === type && (version === undefined || found === version)) ??
          own.find(({ key }) => key?.type === type)
      return entry?.key === undefined
        ? Effect.fail(
          failed(
            "noCredentials",
            `the keytab ${path} contains no key of type ${describeType(type.id)} for ${format(principal)}`
          )
        )
        : Effect.succeed({ key: entry.key, version: entry.version, wipe: () => {} })
    }
  }
}
