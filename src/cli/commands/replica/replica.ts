/** `replica`: keeps a durable copy of a directory in a SQL database. */
import * as Command from "effect/cli/Command"
import { run } from "./run.ts"
import { status } from "./status.ts"
import { verify } from "./verify.ts"

export const replica = Command.make("replica").pipe(
  Command.withDescription(
    "Keep a copy of a directory in SQLite or PostgreSQL, show its state, and compare it with the directory"
  ),
  Command.withSubcommands([run, status, verify])
)
