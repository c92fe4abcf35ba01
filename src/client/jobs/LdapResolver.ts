/**
 * Batched lookups: effect's RequestResolver collects the requests of many fibers, and the resolver answers them with few searches.
 * resolverRequests.ts has the requests. resolverMatching.ts decides which request gets which of the entries that a shared search returns.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Request from "effect/Request"
import * as RequestResolver from "effect/RequestResolver"
import * as Semaphore from "effect/Semaphore"
import { equalityOf } from "../../model/attribute/equalityRules.ts"
import * as LdapControl from "../../model/control/controls.ts"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import * as LdapFilter from "../../model/filter/LdapFilter.ts"
import { nameProblem, valueProblem } from "../../model/input/attributes.ts"
import { given } from "../../model/input/values.ts"
import { InvalidRequest, LdapError } from "../../model/LdapError.ts"
import { dnFrom } from "../../model/ldapts.ts"
import { attributeListProblem, durationProblem } from "../../session/input/operationInput.ts"
import type { DnInput, LdapOperations } from "../../session/LdapSession.ts"
import { checked, countProblem, filterAttributeProblem, jobOptionsProblem, oneOf, type Problem } from "./jobInput.ts"
import { byParent, isCaseExact, type Matching, nameKeys, share, valueKeys } from "./resolverMatching.ts"
import {
  complete,
  Interest,
  type Named,
  NameRequest,
  type Question,
  questionsOf,
  type Valued,
  ValueRequest,
  whileWanted
} from "./resolverRequests.ts"

export type { DnInput, LdapOperations } from "../../session/LdapSession.ts"

/**
 * More than one entry has the value that {@link LdapResolver.find} searched for.
 *
 * @category errors
 * @since 0.1.0
 */
export class SeveralEntries extends Data.TaggedError("SeveralEntries")<{
  /** The attribute of the search. */
  readonly attribute: string
  /** All entries that have the value. */
  readonly dns: ReadonlyArray<string>
}> {
  override get message(): string {
    return `${this.dns.length} entries have this value of ${this.attribute}: ${
      this.dns.map((dn) => JSON.stringify(dn)).join(", ")
    }`
  }
}

/**
 * Lookups that are answered together. It is meant to be shared by many fibers.
 *
 * @category models
 * @since 0.1.0
 */
export interface LdapResolver {
  /**
   * The entry with this name; `None` if there is none.
   * Fails with `LdapError`. Interruption leaves the batch to the other lookups.
   */
  readonly entry: (dn: DnInput) => Effect.Effect<Option.Option<LdapEntry>, LdapError>

  /**
   * The one entry below `base` whose attribute has this value; fails if there are several.
   * Interruption leaves the batch to the other lookups.
   */
  readonly find: (
    attribute: string,
    value: string | Uint8Array
  ) => Effect.Effect<Option.Option<LdapEntry>, LdapError | SeveralEntries>

  /**
   * All entries below `base` whose attribute has this value, in the server's order.
   * Fails with `LdapError`. Interruption leaves the batch to the other lookups.
   */
  readonly findAll: (
    attribute: string,
    value: string | Uint8Array
  ) => Effect.Effect<ReadonlyArray<LdapEntry>, LdapError>

  /**
   * The groups below `base` that have the entry with this name as a direct member.
   * Fails with `LdapError`. Interruption leaves the batch to the other lookups.
   */
  readonly groupsOf: (dn: DnInput) => Effect.Effect<ReadonlyArray<LdapEntry>, LdapError>
}

/**
 * Options of {@link make}.
 *
 * @category models
 * @since 0.1.0
 */
export interface ResolverOptions {
  /** Base of the searches for values and groups; lookups by name don't use it. */
  readonly base: DnInput
  /** Only entries that match this filter are returned, except for groups. Default: all. */
  readonly filter?: LdapFilter.LdapFilter | undefined
  /** Attributes of the entries; default all user attributes. The attributes of the lookups are added. */
  readonly attributes?: ReadonlyArray<string> | undefined
  /** The most values in the filter of one search. Default 50. */
  readonly chunkSize?: number | undefined
  /**
   * How many searches may be in flight at once; others wait. Default 64: slapd closes a connection on which too many requests wait (more
   * than 100 if the connection is anonymous).
   */
  readonly concurrency?: number | undefined
  /** How long the first request of a batch waits for others. Default: until the fibers that are ready have run; no time passes. */
  readonly window?: Duration.Input | undefined
  /**
   * How entries are read by their names. Default `base`: a base search for each, in one write, which is cheap for every server.
   * `parent`: one search for all that have the same parent, by the attribute of their RDN, and a base search for each that this
   * search didn't return; for distant servers that have an index on this attribute.
   */
  readonly names?: "base" | "parent" | undefined
  /** The attribute in which groups name their members. Default `member`. */
  readonly memberAttribute?: string | undefined
  /**
   * More attributes whose values are told apart by their case (caseExactMatch, octetStringMatch), beside those of the standard schemas
   * with caseExactMatch (`memberUid`, `homeDirectory`, `loginShell`, `labeledURI` …). All others are compared by caseIgnoreMatch, the
   * most common rule. Bytes (`Uint8Array`) are always compared as they are.
   */
  readonly caseExact?: ReadonlyArray<string> | undefined
}

/**
 * Makes a resolver. It sends nothing before the first lookup.
 *
 * **Details**
 *
 * The resolver collects the lookups of fibers in the same moment, and sends equal ones to the server once. Values of one
 * attribute become OR-filters of `chunkSize` values. Each fiber gets the entries that its own value or name has found.
 *
 * A server compares by the rules of its schema, which the client doesn't know. The resolver compares values as caseIgnoreMatch
 * does (RFC 4518) and names as `LdapDn` does; it makes no assumption where servers differ (`Ü` and `ü`, `ß` and `ss`). If a search
 * returns an entry that can't be assigned to a lookup (a telephone number in another spelling, an attribute that may not be
 * read, members in ranges), or the server refuses the search for its size, the resolver sends one search for each of its values.
 * That is always right, and costs as much as without a resolver.
 *
 * An error goes to all fibers that share the failed search, and to no others. Interrupting a fiber doesn't affect the others; a
 * search is abandoned when no fiber waits for it any more. The resolver is no cache: a later lookup sends another search.
 *
 * It saves searches, and with them work of the server. How much time it saves depends on the server. On slapd over loopback, where
 * separate searches are cheap (test/bench/resolver.ts), lookups by value are 1.6 times as fast for 10 fibers, 1.4 for 100 and 1.1 for
 * 1,000; with `names: "parent"` 1.5, 1.1 and 1.0. Lookups of names that are all different get slower: 0.6 times as fast. If 1,000
 * fibers look up the same 20 names, they are 2.2 times as fast. For different names one by one `lookup` is the better choice.
 *
 * `groupsOf` needs the members of the groups that it finds, to assign the groups to their lookups. If `attributes` are named, without
 * `*`, it asks for the matching members only (RFC 3876); servers without that control send all.
 *
 * **Example**
 *
 * ```ts
 * import { LdapResolver, type LdapClient } from "effect-ldap"
 * import { Effect } from "effect"
 *
 * const program = Effect.fn(function*(ldap: LdapClient.LdapClient, logins: ReadonlyArray<string>) {
 *   const resolver = LdapResolver.make(ldap, { base: "ou=people,dc=example,dc=org", attributes: ["uid", "mail"] })
 *   // One search for up to fifty logins, instead of one for each.
 *   return yield* Effect.forEach(logins, (login) => resolver.find("uid", login), { concurrency: "unbounded" })
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  unlimited: Pick<LdapOperations, "lookup" | "searchResult">,
  options: ResolverOptions
): LdapResolver => {
  const wrong = optionsProblem(options)
  if (wrong !== undefined) {
    // Making a resolver sends nothing and can't fail, so its lookups do.
    const failed = Effect.fail(new LdapError({ reason: wrong, operation: "search" }))
    return { entry: () => failed, find: () => failed, findAll: () => failed, groupsOf: () => failed }
  }
  const { attributes, base, chunkSize = 50, concurrency: most = 64, filter, memberAttribute = "member" } = options
  const inFlight = Semaphore.makeUnsafe(most)
  const client: typeof unlimited = {
    lookup: (dn, lookup) => Semaphore.withPermit(inFlight, unlimited.lookup(dn, lookup)),
    searchResult: (search) => Semaphore.withPermit(inFlight, unlimited.searchResult(search))
  }
  const concurrency = "unbounded"
  const caseExact = new Set(options.caseExact?.map((attribute) => equalityOf(attribute).type))

  const isExact = (attribute: string) => isCaseExact(attribute) || caseExact.has(equalityOf(attribute).type)

  /** Completes every request of a question, as soon as there is an answer to it. */
  const answering = <A, B>(
    { askers }: Question<A>,
    search: Effect.Effect<B, LdapError>,
    answer: (found: B) => A
  ): Effect.Effect<void> => Effect.map(Effect.exit(search), (exit) => complete(askers, Exit.map(exit, answer)))

  const lookup = (question: Question<Option.Option<LdapEntry>, Named>) =>
    whileWanted(
      [question],
      answering(question, client.lookup(question.asked.dn, { attributes, filter }), (found) => found)
    )

  /** One search for all names with the same parent. A name that the search doesn't return may still exist. */
  const lookupTogether = (
    parent: string,
    questions: ReadonlyArray<Question<Option.Option<LdapEntry>, Named> & { readonly filter: LdapFilter.LdapFilter }>
  ) =>
    whileWanted(
      questions,
      Effect.gen(function*() {
        const alternatives = LdapFilter.or(...questions.map(({ filter }) => filter))
        const found = yield* Effect.result(client.searchResult({
          base: parent,
          scope: "one",
          filter: filter === undefined ? alternatives : LdapFilter.and(filter, alternatives),
          attributes
        }))
        const entries = found._tag === "Success" ? found.success.entries : (found.failure.partial?.entries ?? [])
        const byName = new Map(entries.map((entry) => [nameKeys(entry.dn).sure, entry]))
        const missing = questions.filter(({ askers, keys }) => {
          const entry = byName.get(keys.sure)
          if (entry !== undefined) complete(askers, Exit.succeed(Option.some(entry)))
          return entry === undefined
        })
        yield* Effect.forEach(missing, lookup, { concurrency, discard: true })
      })
    )

  const byName = batched(
    options,
    RequestResolver.make<NameRequest>(
      Effect.fnUntraced(function*(entries) {
        const questions = questionsOf(entries, ({ dn }) => nameKeys(dn))
        const { alone, together } = options.names === "parent"
          ? byParent(questions, ({ asked }) => asked.dn, chunkSize)
          : { alone: questions, together: [] }
        yield* Effect.forEach(
          [...alone.map(lookup), ...together.map(({ of, parent }) => lookupTogether(parent, of))],
          (search) => search,
          { concurrency, discard: true }
        )
      })
    )
  )

  /** The search for one value or for many. */
  const search = (matching: Matching, values: ReadonlyArray<string | Uint8Array>) => {
    const { attribute, isMember } = matching
    const alternatives = values.map((value) => LdapFilter.equals(attribute, value))
    const matches = alternatives.length === 1 ? alternatives[0]! : LdapFilter.or(...alternatives)
    return Effect.map(
      client.searchResult({
        base,
        filter: filter === undefined || isMember ? matches : LdapFilter.and(filter, matches),
        attributes: [...(attributes ?? ["*"]), attribute],
        controls: isMember ? matchingMembers(attributes, alternatives) : []
      }),
      ({ entries }) => entries
    )
  }

  const findAlone = (matching: Matching) => (question: Question<ReadonlyArray<LdapEntry>, Valued>) =>
    whileWanted([question], answering(question, search(matching, [question.asked.value]), (found) => found))

  const findTogether = (matching: Matching) => (chunk: ReadonlyArray<Question<ReadonlyArray<LdapEntry>, Valued>>) =>
    whileWanted(
      chunk,
      Effect.gen(function*() {
        const found = yield* Effect.exit(search(matching, chunk.map(({ asked }) => asked.value)))
        const shares = Exit.isSuccess(found) ? share(matching, chunk.map(({ keys }) => keys), found.value) : undefined
        if (shares !== undefined) {
          for (const [i, { askers }] of chunk.entries()) complete(askers, Exit.succeed(shares[i]!))
        } else if (Exit.isSuccess(found) || chunk.length > 1 && isAboutSize(found)) {
          yield* Effect.forEach(chunk, findAlone(matching), { concurrency, discard: true })
        } else {
          for (const { askers } of chunk) complete(askers, found)
        }
      })
    )

  const byValue = batched(
    options,
    RequestResolver.makeGrouped<ValueRequest, string>({
      // A lookup of groups may use the same attribute as another lookup, but its filter is built differently.
      key: ({ request }) => `${request.isMember ? "member" : "value"} ${request.attribute.toLowerCase()}`,
      resolver: Effect.fnUntraced(function*(entries) {
        const { attribute, isMember } = entries[0].request
        const matching: Matching = { attribute, isMember, isExact: isExact(attribute) }
        const questions = questionsOf(entries, ({ value }) => valueKeys(matching, value))
        const chunks: Array<ReadonlyArray<(typeof questions)[number]>> = []
        for (let i = 0; i < questions.length; i += chunkSize) chunks.push(questions.slice(i, i + chunkSize))
        yield* Effect.forEach(
          chunks,
          (chunk) => chunk.length === 1 ? findAlone(matching)(chunk[0]!) : findTogether(matching)(chunk),
          { concurrency, discard: true }
        )
      })
    })
  )

  const ask = <R extends NameRequest | ValueRequest>(request: R, resolver: RequestResolver.RequestResolver<R>) =>
    Effect.request(request, resolver).pipe(Effect.onInterrupt(() => Effect.sync(() => request.interest.lose())))

  const findAll = (attribute: string, value: string | Uint8Array, isMember: boolean) =>
    checked(
      "search",
      () => filterAttributeProblem("attribute", attribute) ?? textOrOctetsProblem(value),
      () => ask(new ValueRequest({ attribute, value, isMember, interest: new Interest() }), byValue)
    )

  return {
    entry: (dn) =>
      checked(
        "search",
        () => nameProblem("dn", dn),
        () => ask(new NameRequest({ dn: dnFrom(dn), interest: new Interest() }), byName)
      ),
    findAll: (attribute, value) => findAll(attribute, value, false),
    find: (attribute, value) =>
      Effect.flatMap(findAll(attribute, value, false), (entries): Effect.Effect<
        Option.Option<LdapEntry>,
        SeveralEntries
      > =>
        entries.length > 1
          ? Effect.fail(new SeveralEntries({ attribute, dns: entries.map(({ dn }) => dn) }))
          : Effect.succeed(Option.fromUndefinedOr(entries[0]))),
    groupsOf: (dn) => checked("search", () => nameProblem("dn", dn), () => findAll(memberAttribute, dnFrom(dn), true))
  }
}

const optionsProblem = (options: unknown): Problem =>
  options === undefined
    ? new InvalidRequest({ field: "options", detail: `${given(options)} was given where the base of searches belongs` })
    : jobOptionsProblem(options, {
      attributes: (field, u) => attributeListProblem(u, field),
      chunkSize: countProblem,
      concurrency: countProblem,
      window: windowProblem,
      names: oneOf("base", "parent"),
      memberAttribute: filterAttributeProblem,
      caseExact: (field, u) => attributeListProblem(u, field)
    }) ?? nameProblem("base", (options as Partial<ResolverOptions>).base)

const windowProblem = (field: string, u: unknown): Problem =>
  durationProblem(field, u) ?? (Duration.isFinite(Duration.fromInputUnsafe(u as Duration.Input))
    ? undefined
    : new InvalidRequest({ field, detail: "lookups would wait for ever" }))

const textOrOctetsProblem = (value: unknown): Problem =>
  typeof value === "string" || value instanceof Uint8Array
    ? valueProblem("value", value)
    : new InvalidRequest({ field: "value", detail: `${given(value)} was given where text or bytes belong` })

// ---------------------------------------------------------------------------------------------------------------------
// Searches
// ---------------------------------------------------------------------------------------------------------------------

const batched = <R extends Request.Any>(
  { window }: ResolverOptions,
  resolver: RequestResolver.RequestResolver<R>
): RequestResolver.RequestResolver<R> => window === undefined ? resolver : RequestResolver.setDelay(resolver, window)

/** Refusals that a smaller search may avoid. */
const isAboutSize = (exit: Exit.Failure<unknown, LdapError>): boolean =>
  Option.match(Exit.findErrorOption(exit), {
    onNone: () => false,
    onSome: ({ reason: { _tag } }) =>
      _tag === "SizeLimitExceeded" || _tag === "TimeLimitExceeded" || _tag === "AdminLimitExceeded" ||
      _tag === "UnwillingToPerform"
  })

/** All values of the requested attributes. Of the member attribute, only the values that the lookups ask for. */
const matchingMembers = (
  attributes: ReadonlyArray<string> | undefined,
  alternatives: ReadonlyArray<LdapFilter.Equality>
): ReadonlyArray<LdapControl.LdapControl> => {
  const memberAttribute = alternatives[0]?.attribute.toLowerCase()
  const isListed = attributes?.every((attribute) =>
    LdapFilter.validate(LdapFilter.present(attribute))._tag === "Success" &&
    attribute.toLowerCase() !== memberAttribute
  )
  return isListed === true
    ? [LdapControl.matchedValues.make([...alternatives, ...attributes!.map(LdapFilter.present)])]
    : []
}
