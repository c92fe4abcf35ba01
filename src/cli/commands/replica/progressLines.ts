/**
 * The progress of a copy. A terminal shows one line that is rewritten. `--json` writes a line to standard output for each batch. Otherwise
 * standard error gets one line for each phase, which suits a log.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import type { LdapReplica } from "../../../replica.ts"
import type { LocalError, OutputClosed } from "../../CliFailure.ts"
import { say, sayRaw, writeLines } from "../../output/standardOutput.ts"
import { jsonText } from "../../output/terminalText.ts"

type Progress = LdapReplica.Progress

/** Writes the progress of a copy until it is interrupted, or standard output is closed. */
export const showProgress = Effect.fnUntraced(function*(
  progress: Stream.Stream<Progress>,
  isJson: boolean
): Effect.fn.Return<void, OutputClosed | LocalError, Stdio.Stdio> {
  const begun = Stream.filter(progress, ({ phase }) => phase !== "stopped")
  if (isJson) return yield* Stream.runForEach(begun, writeJson)
  const { stderrIsTerminal } = yield* Stdio.Stdio
  if (!(yield* stderrIsTerminal)) {
    const phases = Stream.changesWith(begun, (a, b) => a.phase === b.phase)
    return yield* Stream.runForEach(phases, ({ entries, phase }) => say(`${phase}: ${entries} entries`))
  }
  yield* begun.pipe(
    Stream.runForEach((value) => sayRaw(`\r\x1b[K${lineOf(value)}`)),
    Effect.ensuring(sayRaw("\r\x1b[K"))
  )
})

/** Writes one state as a line of JSON. */
export const writeJson = (value: Progress): Effect.Effect<void, OutputClosed | LocalError, Stdio.Stdio> =>
  writeLines(jsonText(jsonOf(value)))

const lineOf = ({ counts, done, entries, phase, rate }: Progress): string => {
  const { added, deleted, modified, moved } = counts
  const rated = phase === "refreshing" ? `, ${done} read, ${Math.round(rate)}/s` : ""
  return `${phase}: ${entries} entries${rated} (+${added} ~${modified} >${moved} -${deleted})`
}

const jsonOf = ({ committedAt, counts, done, entries, lag, phase, rate }: Progress): unknown => ({
  phase,
  entries,
  done,
  perSecond: Math.round(rate),
  lagMilliseconds: Math.round(Duration.toMillis(lag)),
  ...counts,
  committedAt: committedAt === 0 ? undefined : new Date(committedAt).toISOString()
})

/** A line that sums up the work of this process. */
export const summaryOf = ({ counts, entries }: Progress): string => {
  const { added, deleted, modified, moved } = counts
  return `${entries} entries: ${added} added, ${modified} changed, ${moved} moved, ${deleted} deleted.`
}
