import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import { inject } from "vitest"
import { waitFor } from "./setup/waitFor.ts"

const postgres = inject("postgres")

describe.skipIf(postgres === undefined)("PostgreSQL of the tests", () => {
  waitFor(postgres)

  it.effect("lets its user in with the password, and no one without it", () =>
    Effect.gen(function*() {
      const version = Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        return yield* sql`SHOW server_version`.values
      })
      const as = (password: string) =>
        PgClient.layer({ ...postgres!, password: Redacted.make(password), maxConnections: 1 })
      const [[text]] = (yield* Effect.provide(version, as(postgres!.password))) as [[string]]
      assert.match(text, /^\d+\./)
      const error = yield* Effect.flip(Effect.provide(version, as("wrong")))
      assert.strictEqual(error.reason._tag, "AuthenticationError")
    }))
})
