/**
 * A behaviour of ldapts' client as a program that runs with both clients. `check` tests the result, so that a test can't pass
 * because both clients fail in the same way.
 */
import { assert } from "@effect/vitest"
import * as ldapts from "ldapts"
import type { Client } from "./clients.ts"

/** The names of entries in the directory. */
export interface Place {
  readonly base: string
  readonly people: string
  readonly scratch: string
  readonly alice: string
  /** Has a photo, which isn't text, and a description with two lines. */
  readonly hanako: string
  /** A class that an entry in `scratch` can have with only a `cn` and a `description`. */
  readonly entryClass: string
  /** The base and the number of entries for large searches: about as many as a server returns at once, or more. */
  readonly many: readonly [base: string, count: number]
  readonly password: (name: string) => string
}

export interface Behaviour {
  readonly name: string
  readonly run: (client: Client, at: Place) => Promise<unknown>
  readonly check: (result: unknown, at: Place) => void
}

export const is = (expected: unknown) => (result: unknown): void => assert.deepStrictEqual(result, expected)
export const all = (...operations: ReadonlyArray<() => Promise<unknown>>): Promise<ReadonlyArray<unknown>> =>
  operations.reduce<Promise<ReadonlyArray<unknown>>>(
    async (done, next) => [...(await done), await next()],
    Promise.resolve([])
  )
/** The class and the code of the error. */
export const failure = (operation: Promise<unknown>): Promise<unknown> =>
  operation.then(
    () => "no error",
    (error: unknown) => {
      if (!(error instanceof ldapts.ResultCodeError)) throw error
      return [error.constructor, error.name, error.code, error.message]
    }
  )
export const failsWith =
  (...classes: ReadonlyArray<readonly [new(...args: never) => ldapts.ResultCodeError, number]>) =>
  (result: unknown): void =>
    assert.deepStrictEqual(
      (result as ReadonlyArray<ReadonlyArray<unknown>>).map(([constructor, , code]) => [constructor, code]),
      classes.map((each) => [...each])
    )
export const change = (operation: "add" | "delete" | "replace", type: string, values: Array<string>): ldapts.Change =>
  new ldapts.Change({ operation, modification: new ldapts.Attribute({ type, values }) })
/** An entry that is deleted at the end of the test. */
export const withEntry = async (
  client: Client,
  { entryClass, scratch }: Place,
  use: (dn: string, cn: string) => Promise<unknown>,
  added: Record<string, Array<string> | string> = {}
): Promise<unknown> => {
  const cn = "dropin"
  const dn = `cn=${cn},${scratch}`
  await client.add(dn, { objectClass: entryClass, cn, ...added })
  try {
    return await use(dn, cn)
  } finally {
    await client.del(dn).catch(() => {})
  }
}
export const read = async (client: Client, dn: string, attributes: Array<string>): Promise<unknown> =>
  (await client.search(dn, { scope: "base", attributes })).searchEntries[0]
export const entriesOf = (result: unknown): ReadonlyArray<ldapts.Entry> => (result as ldapts.SearchResult).searchEntries
