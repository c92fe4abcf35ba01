/** `diff`: prints the changes from one directory or file to another, as LDIF. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Ldif from "../../../model/ldif/Ldif.ts"
import { Ended, ExitCode } from "../../CliFailure.ts"
import { readSource } from "../../input/sources.ts"
import { joined, writeAll } from "../../output/standardOutput.ts"
import { connectionFlags, isGiven, optional } from "../../settings/connectionFlags.ts"

export const diff = Command.make(
  "diff",
  {
    from: Argument.String("from").pipe(Argument.withDescription("An LDIF file, - or an LDAP URL")),
    to: Argument.String("to").pipe(Argument.withDescription("The LDIF file, - or LDAP URL to compare with")),
    ignore: optional(
      Flag.String("ignore").pipe(
        Flag.withMetavar("A,B"),
        Flag.withDescription("Attributes to leave out of the comparison")
      )
    ),
    bytes: isGiven(
      Flag.Boolean("bytes").pipe(
        Flag.withDescription("Compare byte by byte instead of by the matching rules of the attributes")
      )
    ),
    connection: connectionFlags
  },
  Effect.fnUntraced(function*({ bytes, connection, from, ignore, to }) {
    const before = yield* readSource(from, connection)
    const after = yield* readSource(to, connection)
    const changes = yield* Effect.fromResult(
      Ldif.diff(before, after, { ignore: ignore?.split(","), compare: bytes ? "octets" : "rules" })
    )
    if (changes.length === 0) return
    yield* writeAll(joined(Ldif.encode()(Stream.fromIterable(changes))))
    return yield* new Ended({ code: ExitCode.different })
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Print the changes that turn the first into the second, as LDIF for apply: exit code 0 if there are none, 5 otherwise"
  ),
  Command.withExamples([
    { command: "effect-ldap diff yesterday.ldif today.ldif", description: "Two files" },
    {
      command: "effect-ldap diff backup.ldif 'ldaps://ldap.example.org/dc=example,dc=org' --ignore modifyTimestamp",
      description: "A backup and the current directory"
    }
  ])
)
