/**
 * Finds what SIDs stand for: the primary group of an account, foreign security principals, and any SID in a list of members or rights.
 *
 * @since 0.2.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { noSuchEntry } from "../../client/jobs/groups/groupsOf.ts"
import { checked, jobOptionsProblem, type Problem } from "../../client/jobs/jobInput.ts"
import * as LdapDn from "../../model/dn/LdapDn.ts"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import * as LdapFilter from "../../model/filter/LdapFilter.ts"
import { nameProblem } from "../../model/input/attributes.ts"
import { given } from "../../model/input/values.ts"
import { InvalidRequest, LdapError } from "../../model/LdapError.ts"
import { dnFrom } from "../../model/ldapts.ts"
import { primaryGroupSidOf } from "../../model/windows/primaryGroup.ts"
import * as Sid from "../../model/windows/Sid.ts"
import type { DnInput, LdapOperations, OperationOptions } from "../../session/LdapSession.ts"
import { nameOf } from "../ActiveDirectorySid.ts"

/**
 * The account, group or well-known identity that a SID stands for.
 *
 * @category models
 * @since 0.2.0
 */
export interface Principal {
  /** The SID, as text. */
  readonly sid: string
  /** The name of a well-known SID, as `ActiveDirectorySid.nameOf` has it. */
  readonly wellKnown: string | undefined
  /**
   * The entry, if one of the searched domains has it. The entry of a foreign security principal is not used here, since it only refers to
   * another entry.
   */
  readonly dn: string | undefined
  /** `sAMAccountName` of the entry. */
  readonly name: string | undefined
  /** The object classes of the entry; empty without an entry. */
  readonly objectClasses: ReadonlyArray<string>
  /** Whether the domain has a foreign security principal for it. */
  readonly isForeign: boolean
}

const attributes = ["objectSid", "sAMAccountName", "objectClass", "cn"]

/** A filter with more values makes servers slow. */
const batch = 50

/** The most SIDs in one call. */
const most = 10_000

/**
 * Finds what SIDs stand for: well-known SIDs by their names, others by their entries, with as few searches as possible.
 *
 * **Details**
 *
 * `base` is the domain of the client. SIDs of other domains are searched in `domains`: a client and its base for the SID of each domain. A
 * global catalog with the base `""` has all domains of the forest. SIDs that aren't found are in the result without a name. One search has
 * 50 SIDs. More than 10,000 SIDs fail with `InvalidRequest`, and so does text that is not a SID.
 *
 * Interruption abandons the searches in flight.
 *
 * @category principals
 * @since 0.2.0
 */
export const resolveSids = (
  client: Pick<LdapOperations, "searchResult">,
  base: DnInput,
  sids: Iterable<string>,
  options?: OperationOptions & {
    readonly domains?:
      | ReadonlyMap<string, { readonly client: Pick<LdapOperations, "searchResult">; readonly base: DnInput }>
      | undefined
  }
): Effect.Effect<ReadonlyMap<string, Principal>, LdapError> =>
  checked(
    "resolveSids",
    () => nameProblem("base", base) ?? sidsProblem(sids) ?? jobOptionsProblem(options),
    () =>
      Effect.gen(function*() {
        const { domains, ...sent } = options ?? {}
        const wanted = [...new Set(Array.from(sids, (sid) => Result.getOrThrow(Sid.normalize(sid))))]
        if (wanted.length > most) return yield* invalid("sids", `more than ${most}; ask in parts`)
        const principals = new Map<string, Principal>(
          wanted.map((sid) => [sid, { ...unknown, sid, wellKnown: nameOf(sid) }])
        )
        const byPlace = Map.groupBy(
          wanted,
          (sid) => domains?.get(Result.getOrElse(Sid.domainOf(sid), () => "")) ?? { client, base }
        )
        // SIDs of other domains are also searched in this domain, which may have a foreign security principal for them.
        const places = [...byPlace.entries()].map(([place, some]) => ({ ...place, some }))
        for (const { base, client, some } of places) {
          for (let at = 0; at < some.length; at += batch) {
            const parts = some.slice(at, at + batch).map((sid) =>
              LdapFilter.equals("objectSid", Result.getOrThrow(Sid.toBytes(sid)))
            )
            const { entries } = yield* client.searchResult({
              ...sent,
              base,
              filter: LdapFilter.or(...parts),
              attributes,
              pageSize: 500
            })
            for (const entry of entries) {
              const bytes = entry.getBytes("objectSid")
              const sid = bytes === undefined ? undefined : Result.getOrUndefined(Sid.fromBytes(bytes))
              // A server may send entries that were not requested.
              const known = sid === undefined ? undefined : principals.get(sid)
              if (known !== undefined) principals.set(known.sid, withEntry(known, entry))
            }
          }
        }
        return principals
      })
  )

const unknown = { wellKnown: undefined, dn: undefined, name: undefined, objectClasses: [], isForeign: false }

const withEntry = (principal: Principal, entry: LdapEntry): Principal => {
  const objectClasses = entry.getAll("objectClass")
  if (objectClasses.some((name) => name.toLowerCase() === "foreignsecurityprincipal"))
    return { ...principal, isForeign: true }
  return { ...principal, dn: entry.dn, name: entry.get("sAMAccountName") ?? entry.get("cn"), objectClasses }
}

/**
 * The SID of a foreign security principal, from its name: `CN=S-1-5-21-…,CN=ForeignSecurityPrincipals,DC=…`. None for another kind of name.
 *
 * **When to use**
 *
 * For members of a group that are well-known or of another forest: this is the only entry that the domain has for them.
 *
 * @category principals
 * @since 0.2.0
 */
export const foreignSid = (dn: DnInput): Option.Option<string> => {
  const name = LdapDn.parse(dnFrom(dn), { lenient: true })
  if (Result.isFailure(name)) return Option.none()
  const [rdn, container] = name.success.rdns
  if (container?.get("cn")?.toLowerCase() !== "foreignsecurityprincipals") return Option.none()
  const sid = rdn?.get("cn")
  return Sid.isSid(sid) ? Option.some(Result.getOrThrow(Sid.normalize(sid))) : Option.none()
}

/**
 * The SID of the primary group of an account, from `objectSid` and `primaryGroupID`. Neither `memberOf` nor `member` includes this group.
 * None if the entry lacks one of the two attributes.
 *
 * @category principals
 * @since 0.2.0
 */
export const primaryGroupSid = (entry: LdapEntry): Option.Option<string> =>
  Option.fromUndefinedOr(primaryGroupSidOf(entry))

/**
 * The primary group of an account, by the DN of the account. None if the group isn't visible.
 *
 * **Details**
 *
 * Two lookups. Fails with `NoSuchObject` if there is no such account, and with `InvalidRequest` if the entry has no primary group.
 *
 * Interruption abandons the request in flight.
 *
 * @category principals
 * @since 0.2.0
 */
export const primaryGroup = (
  client: Pick<LdapOperations, "lookup">,
  account: DnInput,
  options?: OperationOptions & { readonly attributes?: ReadonlyArray<string> | undefined }
): Effect.Effect<Option.Option<LdapEntry>, LdapError> =>
  checked(
    "primaryGroup",
    () => nameProblem("account", account) ?? jobOptionsProblem(options),
    () =>
      Effect.gen(function*() {
        const { attributes: wanted, ...sent } = options ?? {}
        const found = yield* client.lookup(account, { ...sent, attributes: ["objectSid", "primaryGroupID"] })
        if (Option.isNone(found)) {
          return yield* noSuchEntry(dnFrom(account), "primaryGroup")
        }
        const sid = primaryGroupSid(found.value)
        if (Option.isNone(sid)) return yield* invalid("account", "the entry has no objectSid or no primaryGroupID")
        return yield* client.lookup(`<SID=${sid.value}>`, { ...sent, attributes: wanted })
      })
  )

const invalid = (field: string, detail: string): LdapError =>
  new LdapError({ reason: new InvalidRequest({ field, detail }), operation: "principals" })

const sidsProblem = (sids: unknown): Problem => {
  if (typeof sids !== "object" || sids === null || !(Symbol.iterator in sids)) {
    return new InvalidRequest({ field: "sids", detail: `${given(sids)} was given where SIDs belong` })
  }
  for (const sid of sids as Iterable<unknown>) {
    if (!Sid.isSid(sid)) return new InvalidRequest({ field: "sids", detail: `${given(sid)} is no SID` })
  }
  return undefined
}
