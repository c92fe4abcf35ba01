/**
 * The global catalog has some attributes of every entry of the forest, on ports 3268 and 3269 (MS-ADTS section 3.1.1.1.11). It finds an
 * entry in any domain; the whole entry is then read from a controller of its domain.
 *
 * @since 0.2.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { checkedStream, countProblem, functionProblem, jobOptionsProblem } from "../../client/jobs/jobInput.ts"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import type { LdapError } from "../../model/LdapError.ts"
import { dnFrom } from "../../model/ldapts.ts"
import * as Guid from "../../model/windows/Guid.ts"
import type { DnInput, FilterInput, LdapOperations, OperationOptions } from "../../session/LdapSession.ts"

/**
 * The DNS name of an entry's domain, from the `DC` parts at the end of its DN: `ad.example.org`. None if the DN has no such parts.
 *
 * @category global catalog
 * @since 0.2.0
 */
export const domainOfName = (dn: DnInput): Option.Option<string> => {
  const name = LdapDn.parse(dnFrom(dn), { lenient: true })
  if (Result.isFailure(name)) return Option.none()
  const labels: Array<string> = []
  for (const { attributes } of name.success.rdns.toReversed()) {
    const [part] = attributes
    if (attributes.length !== 1 || part === undefined || part.type.toLowerCase() !== "dc") break
    labels.unshift(part.text.toLowerCase())
  }
  return labels.length === 0 ? Option.none() : Option.some(labels.join("."))
}

/**
 * An entry that a global catalog has found.
 *
 * @category models
 * @since 0.2.0
 */
export interface ForestEntry {
  /** The DNS name of its domain. */
  readonly domain: string
  /** The entry from its own domain, or from the catalog if `isPartial`. */
  readonly entry: LdapEntry
  /**
   * Whether the entry has only the attributes of the catalog. That is so if `clientOf` has no client for the domain, or the domain doesn't
   * have the entry (any more).
   */
  readonly isPartial: boolean
}

/**
 * Options of {@link findInForest}.
 *
 * @category models
 * @since 0.2.0
 */
export interface FindInForestOptions<E = never, R = never> extends OperationOptions {
  /** The filter, with attributes that the catalog has. */
  readonly filter: FilterInput
  /** The base of the search. Default: the whole forest. */
  readonly base?: DnInput | undefined
  /** The attributes that are read from the entry's own domain. */
  readonly attributes?: ReadonlyArray<string> | undefined
  /** A client for a domain, by its DNS name; `undefined` for a domain without one. */
  readonly clientOf: (domain: string) => Effect.Effect<Pick<LdapOperations, "lookup"> | undefined, E, R>
  /** How many entries are read from their domains at a time. Default 4. */
  readonly concurrency?: number | undefined
}

/**
 * Finds entries anywhere in the forest through a global catalog, and reads each from its own domain, by its GUID.
 *
 * **When to use**
 *
 * For forests with several domains. `catalog` is a client on port 3268 or 3269. A filter can use the attributes that the catalog has:
 * names, `mail`, `userPrincipalName`, `sAMAccountName` and others.
 *
 * **Details**
 *
 * The catalog may be behind the domains: an entry that was moved or deleted since is returned from the catalog, with `isPartial`. Entries
 * come in the order of the catalog.
 *
 * Fails with `LdapError`, and with the errors of the program's functions. Interruption, or ending the stream early, abandons the requests
 * in flight.
 *
 * **Example**
 *
 * ```ts
 * import { ActiveDirectory, type LdapClient, LdapFilter } from "effect-ldap"
 * import { Effect } from "effect"
 *
 * const find = (catalog: LdapClient.LdapClient, clients: ReadonlyMap<string, LdapClient.LdapClient>, mail: string) =>
 *   ActiveDirectory.findInForest(catalog, {
 *     filter: LdapFilter.equals("mail", mail),
 *     attributes: ["displayName", "logonHours"],
 *     clientOf: (domain) => Effect.succeed(clients.get(domain))
 *   })
 * ```
 *
 * @category global catalog
 * @since 0.2.0
 */
export const findInForest = <E = never, R = never>(
  catalog: Pick<LdapOperations, "search">,
  options: FindInForestOptions<E, R>
): Stream.Stream<ForestEntry, LdapError | E, R> =>
  checkedStream(
    "findInForest",
    () =>
      jobOptionsProblem(options, { concurrency: countProblem }) ??
        functionProblem("clientOf", (options as Partial<FindInForestOptions> | undefined)?.clientOf),
    () => {
      const { attributes, base = "", clientOf, concurrency = 4, filter, ...sent } = options
      return catalog.search({ ...sent, base, filter, attributes: ["*", "objectGUID"], pageSize: 500 }).pipe(
        Stream.mapEffect((found) => fromItsDomain(found, attributes, clientOf, sent), { concurrency })
      )
    }
  )

const fromItsDomain = Effect.fnUntraced(function*<E, R>(
  found: LdapEntry,
  attributes: ReadonlyArray<string> | undefined,
  clientOf: FindInForestOptions<E, R>["clientOf"],
  sent: OperationOptions
): Effect.fn.Return<ForestEntry, LdapError | E, R> {
  const domain = Option.getOrElse(domainOfName(found.dn), () => "")
  const partial: ForestEntry = { domain, entry: found, isPartial: true }
  const bytes = found.getBytes("objectGUID")
  const guid = bytes === undefined ? undefined : Result.getOrUndefined(Guid.fromBytes(bytes))
  const client = domain === "" || guid === undefined ? undefined : yield* clientOf(domain)
  if (client === undefined) return partial
  const entry = yield* client.lookup(`<GUID=${guid}>`, { ...sent, attributes })
  return Option.match(entry, { onNone: () => partial, onSome: (entry) => ({ domain, entry, isPartial: false }) })
})
