/** `replica`: a durable copy of a directory in a SQL database. */
import * as Command from "effect/cli/Command"
import { run } from "./run.ts"
import { status } from "./status.ts"
import { verify } from "./verify.ts"

export const replica = Command.make("replica").pipe(
  Command.withDescription(
    "Keep a copy of a directory in SQLite or PostgreSQL, look at it, and compare it with its directory"
  ),
  Command.withSubcommands([run, status, verify])
)
