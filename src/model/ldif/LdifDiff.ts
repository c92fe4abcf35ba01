/**
 * Computes the changes from one directory to another. Both are given as entries; the result is LDIF.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import { attributesByKey, valuesByKey, withoutTwins } from "../attribute/attributeKeys.ts"
import { equalityOf, type RuleSchema, schemaProblem } from "../attribute/equalityRules.ts"
import * as LdapDn from "../dn/LdapDn.ts"
import { type LdapAttribute, LdapEntry } from "../entry/LdapEntry.ts"
import { attributesProblem } from "../input/attributes.ts"
import { given } from "../input/values.ts"
import type { LdapModification } from "../LdapModification.ts"
import type { Add, Delete, Entry, Modify } from "./LdifRecord.ts"

/**
 * Entries that can't be compared.
 *
 * @category errors
 * @since 0.1.0
 */
export class LdifDiffError extends Data.TaggedError("LdifDiffError")<{
  /** The argument that contains the entry. */
  readonly side: "from" | "to"
  /** The line of the text; 0 for an entry that was not read from text. */
  readonly line: number
  /** The name of the entry. */
  readonly dn: string
  /** What is wrong with it. */
  readonly detail: string
}> {
  override get message(): string {
    const where = this.line === 0 ? "" : `, in line ${this.line}`
    return `the entry ${JSON.stringify(this.dn)} of "${this.side}"${where} can't be compared: ${this.detail}`
  }
}

/**
 * Options of {@link diff}.
 *
 * @category models
 * @since 0.1.0
 */
export interface DiffOptions {
  /** Attributes that are not compared, for instance operational ones: by any of their names, without options. */
  readonly ignore?: ReadonlyArray<string> | undefined
  /**
   * How values are compared: by the matching rule of the attribute (`rules`, the default), or byte by byte (`octets`). With
   * `octets`, two spellings of an equal name or text are a difference.
   */
  readonly compare?: "rules" | "octets" | undefined
  /** A server's schema (`LdapSubschema.read`), whose matching rules are used. Default: the standard schemas; see `LdapMatching`. */
  readonly schema?: RuleSchema | undefined
}

/**
 * The changes that turn `from` into `to`.
 *
 * **Details**
 *
 * An entry in `from` and an entry in `to` are the same if their names are equal, compared as `LdapDn` does. A renamed entry is
 * therefore deleted and added. Attribute descriptions are compared by their types and options. All names of a type are equal (`cn`,
 * `commonName`, `2.5.4.3`); `;binary` and the order of options are ignored. Values are compared as sets, by the attribute's
 * matching rule: names as `LdapDn` does, most text ignoring case (see `LdapMatching.equal`; `compare: "octets"` is strict).
 *
 * If an entry differs, it has one change record, which deletes and adds single values. An attribute is replaced if no value stays
 * the same, or if servers can't compare its values (`jpegPhoto` has no equality rule). It is deleted if `to` has no values. An
 * attribute without values counts as missing.
 *
 * A server can apply the records in their order. First entries are added, parents before their children and otherwise in the order
 * of `to`. Then entries are modified. Last, entries are deleted, children before their parents. So references to other entries are
 * always valid.
 *
 * Both collections are held in memory. Fails for an argument of the wrong type, for a name that can't be parsed, for a duplicate
 * name, and for an entry with only a range of the values of an attribute (`member;range=0-1499`).
 *
 * **Example**
 *
 * ```ts
 * import { Ldif } from "effect-ldap"
 * import { Result } from "effect"
 *
 * const before = [Ldif.entry("uid=ada,dc=example", { uid: "ada", mail: ["ada@example.org", "al@example.org"] })]
 * const after = [Ldif.entry("uid=ada,dc=example", { uid: "ada", mail: "ada@example.org" })]
 * Ldif.diff(before, after).pipe(Result.map(Ldif.format)) // … delete: mail, mail: al@example.org
 * ```
 *
 * @category comparing
 * @since 0.1.0
 */
export const diff = (
  from: Iterable<Entry | LdapEntry>,
  to: Iterable<Entry | LdapEntry>,
  options?: DiffOptions
): Result.Result<ReadonlyArray<Add | Modify | Delete>, LdifDiffError> =>
  Result.gen(function*() {
    const wrong = optionsProblem(options)
    if (wrong !== undefined)
      return yield* Result.fail(new LdifDiffError({ side: "from", line: 0, dn: "", detail: wrong }))
    const before = yield* named("from", from, options)
    const after = yield* named("to", to, options)
    const added = Array.from(after.values()).filter(({ key }) => !before.has(key))
    const deleted = Array.from(before.values()).filter(({ key }) => !after.has(key))
    const modified: Array<Modify> = []
    for (const old of before.values()) {
      const changes = changesOf(old.attributes, after.get(old.key)?.attributes ?? old.attributes, options)
      if (changes.length > 0) modified.push({ _tag: "Modify", line: 0, dn: old.dn, controls: [], changes })
    }
    return [
      ...parentsFirst(added).map(({ attributes, dn }): Add => ({
        _tag: "Add",
        line: 0,
        dn,
        controls: [],
        attributes: Array.from(attributes.values(), (attribute) => withoutTwins(attribute, options?.schema))
      })),
      ...modified,
      ...parentsFirst(deleted).reverse().map(({ dn }): Delete => ({ _tag: "Delete", line: 0, dn, controls: [] }))
    ]
  })

interface Named {
  readonly key: string
  readonly name: LdapDn.LdapDn
  readonly dn: string
  /** The attributes by the keys of their descriptions, without those that have no values. */
  readonly attributes: ReadonlyMap<string, LdapAttribute>
}

const named = (
  side: "from" | "to",
  entries: Iterable<Entry | LdapEntry>,
  options: DiffOptions | undefined
): Result.Result<ReadonlyMap<string, Named>, LdifDiffError> => {
  const all = new Map<string, Named>()
  const notEntries = (detail: string) => Result.fail(new LdifDiffError({ side, line: 0, dn: "", detail }))
  if (!isIterable(entries)) return notEntries(`expected entries, but ${given(entries)} was given`)
  const ignored = new Set(options?.ignore?.map((attribute) => equalityOf(attribute, options.schema).type))
  for (const entry of entries) {
    const wrong = entryProblem(entry)
    if (wrong !== undefined) return notEntries(wrong)
    const { dn } = entry
    const problem = (detail: string) =>
      Result.fail(new LdifDiffError({ side, line: "line" in entry ? entry.line : 0, dn, detail }))
    const name = LdapDn.parse(dn, { lenient: true })
    if (Result.isFailure(name)) return problem(name.failure.message)
    const key = LdapDn.normalize(name.success)
    if (all.has(key)) return problem("another entry has the same name")
    const range = entry.attributes.find(({ description }) => /;range=/i.test(description))
    if (range !== undefined) {
      return problem(
        `${range.description} is only a range of the values: search or look up with ranges: "all"`
      )
    }
    all.set(key, { key, name: name.success, dn, attributes: attributesOf(entry, ignored, options?.schema) })
  }
  return Result.succeed(all)
}

const attributesOf = (
  entry: Entry | LdapEntry,
  ignored: ReadonlySet<string>,
  schema: RuleSchema | undefined
): ReadonlyMap<string, LdapAttribute> =>
  attributesByKey(
    entry.attributes.filter(({ description, values }) =>
      values.length > 0 && !ignored.has(equalityOf(description, schema).type)
    ),
    schema
  )

const isIterable = (u: unknown): boolean => typeof u === "object" && u !== null && Symbol.iterator in u

/** What is wrong with the options, for programs without type checks. */
const optionsProblem = (u: unknown): string | undefined => {
  if (u === undefined) return undefined
  if (typeof u !== "object" || u === null) return `expected options, but ${given(u)} was given`
  const { compare, ignore, schema }: Readonly<Record<string, unknown>> = { ...u }
  if (ignore !== undefined && !(Array.isArray(ignore) && ignore.every((name) => typeof name === "string")))
    return `"ignore" must be an array of attributes, but ${given(ignore)} was given`
  if (compare !== undefined && compare !== "rules" && compare !== "octets")
    return `"compare" must be "rules" or "octets", but ${given(compare)} was given`
  return schemaProblem(schema)
}

const entryProblem = (u: unknown): string | undefined => {
  if (u instanceof LdapEntry) return undefined
  if (typeof u !== "object" || u === null || !("dn" in u) || typeof u.dn !== "string" || !("attributes" in u))
    return `expected an entry, but ${given(u)} was given`
  return Array.isArray(u.attributes)
    ? attributesProblem(u.attributes)?.message
    : `expected attributes, but ${given(u.attributes)} was given`
}

const changesOf = (
  before: ReadonlyMap<string, LdapAttribute>,
  after: ReadonlyMap<string, LdapAttribute>,
  options: DiffOptions | undefined
): ReadonlyArray<LdapModification> => {
  const changes: Array<LdapModification> = []
  if (before === after) return changes
  for (const [key, { description: attribute, values }] of before) {
    const wanted = after.get(key)
    if (wanted === undefined) {
      changes.push({ operation: "delete", attribute, values: [] })
      continue
    }
    const equality = equalityOf(attribute, options?.schema)
    const rule = options?.compare === "octets" ? "octets" : equality.rule
    const old = valuesByKey(rule, values)
    const now = valuesByKey(rule, wanted.values)
    const gone = without(old, now)
    const come = without(now, old)
    if (gone.length === 0 && come.length === 0) continue
    // To delete single values, the server would have to compare them, and for some syntaxes it can't.
    if (gone.length === old.size || (gone.length > 0 && !equality.isDefined)) {
      changes.push({ operation: "replace", attribute, values: Array.from(now.values()) })
      continue
    }
    // Deletions come first, since the server may treat the old and the new value as equal.
    if (gone.length > 0) changes.push({ operation: "delete", attribute, values: gone })
    if (come.length > 0) changes.push({ operation: "add", attribute, values: come })
  }
  for (const [key, { description: attribute, values }] of after) {
    if (!before.has(key))
      changes.push({ operation: "add", attribute, values: newValues(attribute, values, options) })
  }
  return changes
}

/** The values of a new attribute, without duplicates. */
const newValues = (
  attribute: string,
  values: ReadonlyArray<Uint8Array>,
  options: DiffOptions | undefined
): ReadonlyArray<Uint8Array> => {
  const rule = options?.compare === "octets" ? "octets" : equalityOf(attribute, options?.schema).rule
  return Array.from(valuesByKey(rule, values).values())
}

const without = (
  values: ReadonlyMap<string, Uint8Array>,
  others: ReadonlyMap<string, Uint8Array>
): ReadonlyArray<Uint8Array> => Array.from(values).filter(([octets]) => !others.has(octets)).map(([, value]) => value)

/** In the given order, except that parents come before their children. */
const parentsFirst = (entries: ReadonlyArray<Named>): Array<Named> => {
  // The map keeps the order of insertion. An entry is removed when it is placed.
  const waiting = new Map(entries.map((entry) => [entry.key, entry]))
  const ordered: Array<Named> = []
  for (const entry of entries) {
    const line: Array<Named> = []
    for (let next: Named | undefined = entry; next !== undefined && waiting.delete(next.key);) {
      line.push(next)
      const parent = LdapDn.parent(next.name)
      next = parent === undefined ? undefined : waiting.get(LdapDn.normalize(parent))
    }
    ordered.push(...line.reverse())
  }
  return ordered
}
