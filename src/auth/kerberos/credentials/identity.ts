/** The identity of the client and its credentials, from the options of a program and the files that they name. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { InvalidRequest, type KerberosFailed } from "../../../model/LdapError.ts"
import { ask, type Password, verbatim } from "../../Password.ts"
import type { EncryptionType } from "../crypto/EncryptionType.ts"
import { readConfiguration } from "../kdc/configuration.ts"
import { failed } from "../kerberosFailure.ts"
import { filePath, type KerberosOptions } from "../KerberosOptions.ts"
import { format, NameType, parse, type Principal } from "../messages/Principal.ts"
import type { KerberosSystem } from "../system/KerberosSystem.ts"
import { type CredentialCache, readCredentialCache } from "./credentialCache.ts"
import { type KeySource, keytabSource, passwordSource } from "./KeySource.ts"
import { type KeytabEntry, readKeytab } from "./keytab.ts"
import { readKrb5Conf } from "./krb5Conf.ts"

type Failure = KerberosFailed | InvalidRequest

/** The client, with its tickets or the key source for getting tickets. */
export type Identity =
  | { readonly _tag: "Keys"; readonly client: Principal; readonly source: Effect.Effect<KeySource, Failure> }
  | { readonly _tag: "Tickets"; readonly client: Principal; readonly path: string; readonly cache: CredentialCache }

export const identify = Effect.fnUntraced(function*(
  options: KerberosOptions,
  system: KerberosSystem,
  types: ReadonlyArray<EncryptionType>
): Effect.fn.Return<Identity, Failure> {
  if (options.ccache !== undefined) return yield* ofCache(options, options.ccache, system)
  if (options.keytab !== undefined) return yield* ofKeytab(options, options.keytab, system, types)
  const client = yield* principalOf(options, options.principal, system)
  return { _tag: "Keys", client, source: ofPassword(options, client, types) }
})

/** The password is requested when the source is used. Data derived from it is overwritten with the source. */
const ofPassword = (
  { maxIterations, minIterations, password }: KerberosOptions & { readonly password: Password },
  client: Principal,
  types: ReadonlyArray<EncryptionType>
): Effect.Effect<KeySource, InvalidRequest> =>
  Effect.suspend(() => {
    let made: Uint8Array | undefined
    const octetsOf = (text: string) => Result.map(verbatim(text), (octets) => (made = octets))
    return Effect.map(ask("password", password, octetsOf), (secret) => ({
      ...passwordSource(client, secret, types, { min: minIterations ?? 4096, max: maxIterations ?? 1_000_000 }),
      wipe: () => void made?.fill(0)
    }))
  })

const principalOf = Effect.fnUntraced(function*(
  options: KerberosOptions,
  text: string,
  system: KerberosSystem,
  otherwise?: string
): Effect.fn.Return<Principal, Failure> {
  const name = parse(text)
  if (name === undefined) {
    return yield* new InvalidRequest({
      field: "principal",
      detail: "it is not a Kerberos name such as ada@EXAMPLE.COM"
    })
  }
  if (options.realm !== undefined && name.realm !== undefined && name.realm !== options.realm) {
    return { type: NameType.enterprise, components: [text], realm: options.realm }
  }
  const realm = options.realm ?? name.realm ?? otherwise ?? (yield* defaultRealm(options, system))
  return { type: NameType.principal, components: name.components, realm }
})

const defaultRealm = Effect.fnUntraced(function*(
  { krb5Conf }: KerberosOptions,
  system: KerberosSystem
): Effect.fn.Return<string, Failure> {
  const { defaultRealm } = readKrb5Conf(yield* readConfiguration(system, krb5Conf))
  return defaultRealm ?? (yield* new InvalidRequest({
    field: "realm",
    detail: "neither the principal nor krb5.conf has one; write ada@EXAMPLE.COM, or set the option realm"
  }))
})

const pathOf = (field: "keytab" | "ccache", name: string): Effect.Effect<string, InvalidRequest> => {
  const path = filePath(name)
  return path === undefined || path === ""
    ? Effect.fail(
      new InvalidRequest({ field, detail: "only files are supported, so the name must be a path or begin with FILE:" })
    )
    : Effect.succeed(path)
}

const ofKeytab = Effect.fnUntraced(function*(
  options: KerberosOptions,
  name: string,
  system: KerberosSystem,
  types: ReadonlyArray<EncryptionType>
): Effect.fn.Return<Identity, Failure> {
  const path = yield* pathOf("keytab", name)
  const client = yield* keytabPrincipal(options, path, system)
  const source = Effect.map(readEntries(path, system), (entries) => keytabSource(client, path, entries, types))
  return { _tag: "Keys", client, source }
})

const readEntries = Effect.fnUntraced(function*(
  path: string,
  system: KerberosSystem
): Effect.fn.Return<ReadonlyArray<KeytabEntry>, KerberosFailed> {
  const bytes = yield* system.readFile(path)
  if (bytes === undefined) return yield* failed("noCredentials", `the keytab ${path} doesn't exist`)
  const entries = readKeytab(bytes)
  bytes.fill(0)
  if (Result.isFailure(entries)) {
    return yield* failed("noCredentials", `the keytab ${path} can't be read: ${entries.failure}`)
  }
  return entries.success
})

/** If the name is incomplete, the missing parts are taken from the file. */
const keytabPrincipal = Effect.fnUntraced(function*(
  options: KerberosOptions,
  path: string,
  system: KerberosSystem
): Effect.fn.Return<Principal, Failure> {
  const { principal, realm } = options
  if (principal !== undefined && (realm !== undefined || parse(principal)?.realm !== undefined)) {
    return yield* principalOf(options, principal, system)
  }
  const entries = yield* readEntries(path, system)
  for (const { key } of entries) key?.wipe()
  if (principal !== undefined) return yield* principalOf(options, principal, system, soleRealm(entries))
  const [first] = entries
  if (first === undefined) return yield* failed("noCredentials", `the keytab ${path} is empty`)
  return { type: NameType.principal, components: first.components, realm: realm ?? first.realm }
})

/** The realm of all entries, if they have the same one. */
const soleRealm = (entries: ReadonlyArray<{ readonly realm: string }>): string | undefined => {
  const realms = new Set(entries.map(({ realm }) => realm))
  return realms.size === 1 ? entries[0]?.realm : undefined
}

const ofCache = Effect.fnUntraced(function*(
  options: KerberosOptions,
  name: string,
  system: KerberosSystem
): Effect.fn.Return<Identity, Failure> {
  const path = yield* pathOf("ccache", name)
  const bytes = yield* system.readFile(path)
  if (bytes === undefined) {
    return yield* failed("noCredentials", `the credential cache ${path} doesn't exist; kinit creates one`)
  }
  const cache = readCredentialCache(bytes)
  bytes.fill(0)
  if (Result.isFailure(cache)) {
    return yield* failed("noCredentials", `the credential cache ${path} can't be read: ${cache.failure}`)
  }
  const { principal } = cache.success
  const wanted = options.principal === undefined
    ? principal
    : yield* principalOf(options, options.principal, system, principal.realm)
  if (format(wanted) !== format(principal)) {
    return yield* failed(
      "noCredentials",
      `the credential cache ${path} belongs to ${format(principal)}, not to ${format(wanted)}`
    )
  }
  return { _tag: "Tickets", client: principal, path, cache: cache.success }
})
