/** `transform`: changes LDIF from a file or standard input, and writes it to standard output. It needs no server. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as LdapDn from "../../../model/dn/LdapDn.ts"
import { InvalidRequest } from "../../../model/LdapError.ts"
import * as Ldif from "../../../model/ldif/Ldif.ts"
import * as LdifTransform from "../../../model/ldif/LdifTransform.ts"
import { UsageError } from "../../CliFailure.ts"
import { ldifArgument, recordsOf } from "../../input/records.ts"
import { joined, writeAll } from "../../output/standardOutput.ts"
import { optional } from "../../settings/connectionFlags.ts"
import { passwordIn } from "../../settings/secrets.ts"

const list = (name: string, description: string) =>
  optional(Flag.String(name).pipe(Flag.withMetavar("A,B"), Flag.withDescription(description)))

export const transform = Command.make(
  "transform",
  {
    file: ldifArgument.pipe(Argument.withDescription("LDIF; default standard input"), Argument.optional),
    drop: list("drop", "Leave these attributes out"),
    keep: list("keep", "Leave out all attributes but these"),
    rename: optional(Flag.KeyValuePair("rename").pipe(Flag.withDescription("Rename an attribute: old=new"))),
    from: optional(
      Flag.String("from").pipe(Flag.withMetavar("DN"), Flag.withDescription("Move the entries below this DN …"))
    ),
    to: optional(Flag.String("to").pipe(Flag.withMetavar("DN"), Flag.withDescription("… to below this DN"))),
    anonymizeKeyFile: optional(
      Flag.String("anonymize").pipe(
        Flag.withMetavar("KEYFILE"),
        Flag.withDescription(
          "Replace personal data by pseudonyms; the file contains the secret key, which you choose"
        )
      )
    )
  },
  Effect.fnUntraced(function*({ anonymizeKeyFile, drop, file, from, keep, rename, to }) {
    if ((from === undefined) !== (to === undefined)) {
      return yield* new UsageError({ detail: "--from and --to belong together" })
    }
    const key = anonymizeKeyFile === undefined ? undefined : yield* passwordIn(anonymizeKeyFile)
    const names = from === undefined
      ? undefined
      : { from: yield* nameOf("--from", from), to: yield* nameOf("--to", to!) }
    const steps = yield* Effect.try({
      try: (): ReadonlyArray<LdifTransform.LdifTransformation> => [
        ...(drop === undefined ? [] : [LdifTransform.dropAttributes(drop.split(","))]),
        ...(keep === undefined ? [] : [LdifTransform.keepAttributes(keep.split(","))]),
        ...(rename === undefined ? [] : [LdifTransform.renameAttributes(rename)]),
        ...(names === undefined ? [] : [LdifTransform.moveBase(names.from, names.to)]),
        ...(key === undefined ? [] : [LdifTransform.anonymize({ key })])
      ],
      catch: (error) =>
        new UsageError({ detail: error instanceof InvalidRequest ? error.message : "a flag can't be used" })
    })
    if (steps.length === 0) {
      return yield* new UsageError({
        detail: "nothing to do: give --drop, --keep, --rename, --from with --to, or --anonymize"
      })
    }
    const records = steps.reduce((records, step) => step(records), recordsOf(Option.getOrElse(file, () => "-")))
    yield* writeAll(joined(Ldif.encode()(records)))
  })
).pipe(
  Command.withDescription(
    "Change LDIF: drop, keep or rename attributes, move entries, replace personal data by pseudonyms"
  ),
  Command.withExamples([
    {
      command: "effect-ldap export | effect-ldap transform --drop jpegPhoto --anonymize key.txt > test.ldif",
      description: "Data for tests"
    },
    {
      command: "effect-ldap transform people.ldif --from dc=example,dc=com --to dc=test,dc=example,dc=org",
      description: "Into another directory"
    }
  ])
)

const nameOf = (flag: string, text: string): Effect.Effect<LdapDn.LdapDn, UsageError> =>
  Effect.fromResult(
    Result.mapError(LdapDn.parse(text), ({ message }) => new UsageError({ detail: `${flag}: ${message}` }))
  )
