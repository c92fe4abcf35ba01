/**
 * `apply --dry-run`: shows what each record would change, as lines with `+` and `-`, and which records the server would refuse, as far as
 * that is known without its schema and its access control. Each record is applied to the result of those before it.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { LdapClient } from "../../../client/LdapClient.ts"
import { attributesByKey, descriptionKey, valuesByKey } from "../../../model/attribute/attributeKeys.ts"
import { equalityOf } from "../../../model/attribute/equalityRules.ts"
import { secretKind } from "../../../model/attribute/secretAttributes.ts"
import * as LdapDn from "../../../model/dn/LdapDn.ts"
import { nameKey } from "../../../model/dn/nameKey.ts"
import type { LdapAttribute } from "../../../model/entry/LdapEntry.ts"
import type { LdapError } from "../../../model/LdapError.ts"
import type { LdapModification } from "../../../model/LdapModification.ts"
import { LdapResultCode } from "../../../model/LdapResultCode.ts"
import type { LdifRecord } from "../../../model/ldif/Ldif.ts"
import { lineForTerminal } from "../../output/terminalText.ts"
import { textOf } from "../../output/valueText.ts"

type Attributes = ReadonlyArray<LdapAttribute>

/** What a record would do: the lines, or the reason for a refusal. */
type Outcome = Result.Result<ReadonlyArray<string>, { readonly code: number; readonly detail: string }>

/** A run that changes nothing. It keeps the entries that records touch, so its memory grows with the file. */
export class DryRun {
  readonly #client: Pick<LdapClient, "lookup">
  /** Entries by the key of their DN; undefined for an entry that would have been deleted or renamed. */
  readonly #entries = new Map<string, Attributes | undefined>()
  records = 0
  problems = 0
  firstCode = 0

  constructor(client: Pick<LdapClient, "lookup">) {
    this.#client = client
  }

  /** The text for a record. */
  show(record: LdifRecord): Effect.Effect<string, LdapError> {
    return Effect.map(this.#tried(record), (outcome) => {
      this.records++
      const head = `# ${operationName(record)} ${lineForTerminal(record.dn)}`
      if (Result.isSuccess(outcome)) return `${[head, ...outcome.success].join("\n")}\n\n`
      if (this.problems++ === 0) this.firstCode = outcome.failure.code
      return `${head}\n! ${outcome.failure.detail}\n\n`
    })
  }

  #tried = Effect.fnUntraced(function*(this: DryRun, record: LdifRecord): Effect.fn.Return<Outcome, LdapError> {
    const key = nameKey(record.dn)
    const entry = yield* this.#entry(record.dn)
    if (record._tag === "Entry" || record._tag === "Add") {
      if (entry !== undefined) return refused("entryAlreadyExists", "the entry is there already")
      this.#entries.set(key, record.attributes)
      return Result.succeed(linesOf("+", record.attributes))
    }
    if (entry === undefined) return refused("noSuchObject", "there is no such entry, or you may not see it")
    switch (record._tag) {
      case "Delete":
        this.#entries.set(key, undefined)
        return Result.succeed(linesOf("-", entry))
      case "Modify": {
        const after = changed(entry, record.changes)
        if (Result.isFailure(after)) return Result.fail(after.failure)
        this.#entries.set(key, after.success)
        return Result.succeed(difference(entry, after.success))
      }
      case "ModifyDn": {
        const parent = Result.map(LdapDn.parse(record.dn), LdapDn.parent)
        const superior = record.newSuperior ??
          (Result.isSuccess(parent) ? parent.success?.toString() ?? "" : "")
        const name = superior === "" ? record.newRdn : `${record.newRdn},${superior}`
        if (nameKey(name) !== key && (yield* this.#entry(name)) !== undefined) {
          return refused("entryAlreadyExists", `there is an entry ${lineForTerminal(name)} already`)
        }
        this.#entries.set(key, undefined)
        this.#entries.set(nameKey(name), entry)
        return Result.succeed([`- dn: ${lineForTerminal(record.dn)}`, `+ dn: ${lineForTerminal(name)}`])
      }
    }
  })

  /** The entry as the records before this one would leave it. */
  #entry(dn: string): Effect.Effect<Attributes | undefined, LdapError> {
    const key = nameKey(dn)
    if (this.#entries.has(key)) return Effect.succeed(this.#entries.get(key))
    return Effect.map(
      this.#client.lookup(dn, { ranges: "all" }),
      (found) => Option.getOrUndefined(found)?.attributes
    )
  }
}

const operationName = (record: LdifRecord): string =>
  record._tag === "Entry" ? "add" : record._tag === "ModifyDn" ? "rename" : record._tag.toLowerCase()

const refused = (name: keyof typeof LdapResultCode, detail: string): Outcome =>
  Result.fail({ code: LdapResultCode[name], detail: `${name}: ${detail}` })

/** The attributes after the changes, in order (RFC 4511 section 4.6). */
const changed = (
  entry: Attributes,
  changes: ReadonlyArray<LdapModification>
): Result.Result<Attributes, { readonly code: number; readonly detail: string }> => {
  const failure = (name: keyof typeof LdapResultCode, detail: string) =>
    Result.fail({ code: LdapResultCode[name], detail: `${name}: ${detail}` })
  const all = new Map(attributesByKey(entry, undefined))
  for (const { attribute, operation, values } of changes) {
    const key = descriptionKey(attribute)
    const { description, values: before } = all.get(key) ?? { description: attribute, values: [] }
    const rule = equalityOf(attribute).rule
    const old = new Map(valuesByKey(rule, before))
    const given = valuesByKey(rule, values)
    switch (operation) {
      case "add":
        for (const [octets, value] of given) {
          if (old.has(octets)) return failure("attributeOrValueExists", `${attribute} has the value already`)
          old.set(octets, value)
        }
        break
      case "delete":
        if (old.size === 0) return failure("noSuchAttribute", `the entry has no ${attribute}`)
        if (given.size === 0) old.clear()
        for (const octets of given.keys()) {
          if (!old.delete(octets)) return failure("noSuchAttribute", `${attribute} doesn't have the value`)
        }
        break
      case "replace":
        old.clear()
        for (const [octets, value] of given) old.set(octets, value)
        break
      case "increment": {
        const [first] = old.values()
        if (first === undefined) return failure("noSuchAttribute", `the entry has no ${attribute}`)
        const number = wholeNumber(first)
        const by = wholeNumber(values[0])
        if (number === undefined || by === undefined)
          return failure("constraintViolation", `${attribute} is no number, or the increment isn't`)
        old.clear()
        old.set("", Buffer.from(String(number + by)))
      }
    }
    if (old.size === 0) all.delete(key)
    else all.set(key, { description, values: Array.from(old.values()) })
  }
  return Result.succeed(Array.from(all.values()))
}

const wholeNumber = (value: Uint8Array | undefined): bigint | undefined => {
  const text = value === undefined ? undefined : textOf(value)
  return text !== undefined && /^-?[0-9]{1,40}$/.test(text) ? BigInt(text) : undefined
}

/** The values that would be removed and added. */
const difference = (before: Attributes, after: Attributes): ReadonlyArray<string> => {
  const old = new Set(linesOf(" ", before))
  const now = new Set(linesOf(" ", after))
  const lines = [
    ...Array.from(old).filter((line) => !now.has(line)).map((line) => `-${line.slice(1)}`),
    ...Array.from(now).filter((line) => !old.has(line)).map((line) => `+${line.slice(1)}`)
  ]
  return lines.length === 0 ? ["# no change"] : lines
}

/** Values as they are printed, without secrets. */
const linesOf = (sign: string, attributes: Attributes): ReadonlyArray<string> =>
  attributes.flatMap(({ description, values }) =>
    values.map((value) => `${sign} ${lineForTerminal(description)}: ${shown(description, value)}`)
  )

const shown = (description: string, value: Uint8Array): string => {
  if (secretKind(description) !== undefined) return "(secret)"
  const text = textOf(value)
  return text === undefined ? `(${value.length} bytes)` : lineForTerminal(text)
}
