/** The whole examination, as a stream that emits each finding when it is known. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { contextsOf } from "../settings/base.ts"
import { examineBind, examineChannelBinding, examineSigning } from "./credentials.ts"
import { failure, type Finding } from "./Finding.ts"
import { examineClock, examinePolicies, examineSizeLimit, examineSpeed } from "./limits.ts"
import { examineNames, examineTcp } from "./network.ts"
import { openSession, type Patient } from "./Patient.ts"
import { examineAnonymous, examineRootDse } from "./rootDse.ts"
import { examineTls } from "./tls.ts"

/** Runs all checks. If the server can't be reached, the examination ends, since every later check would fail for the same reason. */
export const examine = (patient: Patient): Stream.Stream<Finding> =>
  steps(
    Effect.flatMap(examineNames(patient), ({ addresses, findings }) =>
      Effect.map(examineTcp(patient, addresses), (tcp) => [...findings, ...tcp])),
    steps(
      examineTls(patient),
      Stream.concat(whole(examineSigning(patient)), steps(examineBind(patient), directory(patient)))
    )
  )

const whole = (findings: Effect.Effect<ReadonlyArray<Finding>>): Stream.Stream<Finding> =>
  Stream.unwrap(Effect.map(findings, (all) => Stream.fromIterable(all)))

/** Continues with the next step unless one of the findings is a failure. */
const steps = (first: Effect.Effect<ReadonlyArray<Finding>>, next: Stream.Stream<Finding>): Stream.Stream<Finding> =>
  Stream.unwrap(Effect.map(first, (all) =>
    all.some(({ status }) => status === "failure")
      ? Stream.fromIterable(all)
      : Stream.concat(Stream.fromIterable(all), next)))

/** The checks that need a session: an anonymous one, and one with the credentials. */
const directory = (patient: Patient): Stream.Stream<Finding> => {
  const anonymous = Effect.gen(function*() {
    const session = yield* openSession(patient, { auth: undefined })
    const rootDse = yield* session.rootDse
    return yield* examineAnonymous(session, patient.base ?? contextsOf(rootDse)[0])
  })
  return Stream.unwrap(
    Effect.gen(function*() {
      const session = yield* openSession(patient)
      const rootDse = yield* session.rootDse
      const base = patient.base ?? contextsOf(rootDse)[0]
      return [
        Effect.succeed(examineRootDse(rootDse)),
        examineChannelBinding(patient, rootDse),
        // A server may refuse all operations of anonymous sessions.
        Effect.scoped(anonymous).pipe(Effect.orElseSucceed((): ReadonlyArray<Finding> => [
          { check: "anonymous", status: "ok", detail: "sessions without a bind get nothing" }
        ])),
        examineSizeLimit(session, rootDse, base, patient.settings.auth !== undefined),
        examinePolicies(session, rootDse),
        examineClock(session, rootDse),
        examineSpeed(session)
      ].reduce((stream, findings) => Stream.concat(stream, whole(findings)), Stream.empty as Stream.Stream<Finding>)
    }).pipe(
      Effect.result,
      Effect.map((result) =>
        Result.isSuccess(result)
          ? result.success
          : Stream.succeed(failure("session", result.failure.message, "See the message."))
      )
    )
  )
}
