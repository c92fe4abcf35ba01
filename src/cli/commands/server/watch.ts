/** `watch`: prints changes of a directory, one per line, as they happen. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as LdapChanges from "../../../changes/LdapChanges.ts"
import { LocalError, type OutputClosed } from "../../CliFailure.ts"
import { jsonOf } from "../../output/EntryFormat.ts"
import { say, writeLines } from "../../output/standardOutput.ts"
import { jsonText, lineForTerminal } from "../../output/terminalText.ts"
import { baseOf } from "../../settings/base.ts"
import { connect } from "../../settings/connection.ts"
import { connectionFlags, fileFlag, isGiven, optional } from "../../settings/connectionFlags.ts"
import { filterOf } from "../read/searchFlags.ts"

export const watch = Command.make(
  "watch",
  {
    filter: Argument.String("filter").pipe(
      Argument.withDescription("Which entries; default (objectClass=*)"),
      Argument.optional
    ),
    base: optional(
      Flag.String("base").pipe(Flag.withAlias("b"), Flag.withMetavar("DN"), Flag.withDescription("Where to look"))
    ),
    state: optional(
      fileFlag("state", "Remember in a file how far it came, and go on from there the next time")
    ),
    initial: isGiven(Flag.Boolean("initial").pipe(Flag.withDescription("First print all entries that exist now"))),
    once: isGiven(
      Flag.Boolean("once").pipe(Flag.withDescription("Print the changes since the last run, and end"))
    ),
    json: isGiven(
      Flag.Boolean("json").pipe(Flag.withDescription("A line of JSON for each change, with the entry"))
    ),
    connection: connectionFlags
  },
  Effect.fnUntraced(function*({ base, connection, filter, initial, json, once, state }) {
    const parsed = yield* filterOf(Option.getOrUndefined(filter), undefined)
    const connected = yield* connect(connection)
    const since = state === undefined ? undefined : yield* cookieIn(state)
    // Without a checkpoint all entries come first; they are not changes.
    let isSilent = since === undefined && !initial
    let hasBegun = false
    const follow = once ? LdapChanges.poll : LdapChanges.follow
    const changes = follow(connected.client, {
      base: yield* baseOf(connected, base),
      filter: parsed,
      // The request is the same with and without --json, since a checkpoint belongs to one request. With a checkpoint of another request,
      // `follow` fails, and its message says what to do.
      since
    })
    const show = (
      change: LdapChanges.LdapChange
    ): Effect.Effect<void, LocalError | OutputClosed, FileSystem.FileSystem | Stdio.Stdio> => {
      switch (change._tag) {
        case "RefreshStarted":
        case "Present":
          return Effect.void
        case "Refreshed":
          return Effect.suspend(() => {
            const isFirst = !hasBegun && since === undefined
            hasBegun = true
            isSilent = false
            if (isFirst) return once ? Effect.void : say("Watching.")
            return change.deletes === "absent"
              ? say("The server read everything again: deletions since the last checkpoint can't be listed.")
              : Effect.void
          })
        // The lines before the checkpoint are written, so the next run may start here.
        case "Checkpoint":
          return state === undefined ? Effect.void : remember(state, change.cookie)
        default:
          return isSilent ? Effect.void : writeLines(json ? jsonLine(change) : textLine(change))
      }
    }
    yield* Stream.runForEach(changes, show)
  }, Effect.scoped)
).pipe(
  Command.withDescription("Print changes of a directory as they happen, one per line, until Ctrl-C"),
  Command.withExamples([
    {
      command: "effect-ldap watch -b ou=people,dc=example,dc=org",
      description:
        "+ added, ~ changed, > renamed, - deleted; OpenLDAP names deleted entries, also others, by UUID alone"
    },
    {
      command: "effect-ldap watch --json --state people.state '(objectClass=person)' | ./sync",
      description: "For a program: no change is lost while the command isn't running"
    }
  ])
)

type Shown = Exclude<
  LdapChanges.LdapChange,
  { readonly _tag: "RefreshStarted" | "Present" | "Refreshed" | "Checkpoint" }
>

const marks = { Added: "+", Modified: "~", Renamed: ">", Deleted: "-" } as const

const textLine = (change: Shown): string => {
  const name = change.dn === undefined ? change.uuid : lineForTerminal(change.dn)
  const before = change._tag === "Renamed" && change.previousDn !== undefined
    ? ` (was ${lineForTerminal(change.previousDn)})`
    : ""
  return `${marks[change._tag]} ${name}${before}`
}

const jsonLine = (change: Shown): string => {
  const { _tag, dn, uuid } = change
  return jsonText({
    change: _tag.toLowerCase(),
    uuid,
    dn,
    ...(_tag === "Renamed" ? { previousDn: change.previousDn } : undefined),
    ...("entry" in change ? { entry: jsonOf(change.entry) } : undefined)
  })
}

/** The cookie of the last checkpoint; `undefined` if the file doesn't exist yet. */
const cookieIn = Effect.fnUntraced(function*(file: string) {
  const fs = yield* FileSystem.FileSystem
  const failed = ({ message }: { readonly message: string }) =>
    new LocalError({ detail: `the state ${file} can't be read: ${message}` })
  if (!(yield* Effect.mapError(fs.exists(file), failed))) return undefined
  const cookie = (yield* Effect.mapError(fs.readFileString(file), failed)).trim()
  return cookie === "" ? undefined : cookie
})

/** Writes the cookie to another file and renames that, so that after a crash the file has the old cookie or the new one. */
const remember = Effect.fnUntraced(function*(file: string, cookie: string) {
  const fs = yield* FileSystem.FileSystem
  yield* Effect.andThen(
    fs.writeFileString(`${file}.new`, `${cookie}\n`, { mode: 0o600 }),
    fs.rename(`${file}.new`, file)
  ).pipe(Effect.mapError(({ message }) => new LocalError({ detail: `the state ${file} can't be written: ${message}` })))
})
