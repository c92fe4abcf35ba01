/**
 * Applies LDIF: records become operations of a client or a session, one after another. Ldif.ts defines and reads records.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { given } from "../../model/input/values.ts"
import { InvalidRequest, LdapError, type LdapErrorReason, type LdapResult } from "../../model/LdapError.ts"
import type { LdifRecord } from "../../model/ldif/Ldif.ts"
import { booleanProblem } from "../../session/input/operationInput.ts"
import type { LdapOperations, OperationOptions } from "../../session/LdapSession.ts"
import type { Job } from "../pool/ServerAffinity.ts"
import { jobOptionsProblem } from "./jobInput.ts"
import { jobOfStream, notFollowed, partOf } from "./ownServer.ts"

export type { LdapResult } from "../../model/LdapError.ts"
export type { LdifRecord } from "../../model/ldif/Ldif.ts"
export type { LdapOperations, OperationOptions } from "../../session/LdapSession.ts"

/**
 * A record that was applied.
 *
 * @category models
 * @since 0.1.0
 */
export interface LdifApplied {
  /** The record that was applied. */
  readonly record: LdifRecord
  /** The result of the operation. */
  readonly result: LdapResult
}

/**
 * A record, and its outcome.
 *
 * @category models
 * @since 0.1.0
 */
export interface LdifAttempt {
  /** The record. */
  readonly record: LdifRecord
  /** The result of the operation, or why it failed. */
  readonly result: Result.Result<LdapResult, LdifApplyError>
}

/**
 * A record that was not applied, or may have been. If that is unknown, the reason of `cause` says so with `inDoubt`.
 *
 * @category errors
 * @since 0.1.0
 */
export class LdifApplyError extends Data.TaggedError("LdifApplyError")<{
  /** The line where the record begins in its text; 0 for records that were not read from text. */
  readonly line: number
  /** The name in the record. */
  readonly dn: string
  readonly cause: LdapError
}> {
  override get message(): string {
    return this.line === 0 ? this.cause.message : `in line ${this.line} of LDIF: ${this.cause.message}`
  }
}

/**
 * Options of {@link applyLdif}.
 *
 * @category models
 * @since 0.1.0
 */
export interface LdifApplyOptions {
  /** For each operation; see `OperationOptions`. */
  readonly timeout?: OperationOptions["timeout"]
  /** Whether to go on with the next record after one that failed. Default false. */
  readonly continueOnError?: boolean | undefined
}

/**
 * What applies the records: a client, a session, or a replacement in a test.
 *
 * @category models
 * @since 0.2.0
 */
export type Operations = Pick<LdapOperations, "add" | "delete" | "modify" | "rename">

/**
 * Applies records one after the other, as a stream of their outcomes.
 *
 * **Details**
 *
 * Change records are applied with their controls; entries are added. A record is sent when the consumer asks for its outcome:
 * without a consumer nothing is sent, and `Stream.runDrain` applies all of them.
 *
 * The first record that fails ends the stream with {@link LdifApplyError}, which has the line. With `continueOnError` such an error
 * is the outcome of its record instead, and the next record follows. If the error is about the connection or the session and not
 * the record, the stream still ends with it, since all later records would fail too. Nothing is undone in either case. Errors of
 * the stream of records end this stream unchanged.
 *
 * If the client has several servers for writes, all records go to one of them. If that server is lost after the first answer, the stream
 * ends with the error of the record (`SessionClosed` or `ConnectionLost`), and no record goes to another server. Until its end the
 * stream has a place on a session of the pool.
 *
 * A referral is never followed, also where the client follows others: its record fails with `ReferralReceived`.
 *
 * Interruption, or ending the stream early, abandons the operation in flight; the server may have carried it out.
 *
 * **Example**
 *
 * ```ts
 * import { LdapClient, Ldif, LdifApply } from "effect-ldap"
 * import { Effect, FileSystem, Stream } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const ldap = yield* LdapClient.LdapClient
 *   const fs = yield* FileSystem.FileSystem
 *   yield* LdifApply.applyLdif(ldap, fs.stream("changes.ldif").pipe(Ldif.decode())).pipe(Stream.runDrain)
 * })
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export function applyLdif<E, R>(
  client: Operations,
  records: Stream.Stream<LdifRecord, E, R>,
  options: LdifApplyOptions & { readonly continueOnError: true }
): Stream.Stream<LdifAttempt, E | LdifApplyError, R>
export function applyLdif<E, R>(
  client: Operations,
  records: Stream.Stream<LdifRecord, E, R>,
  options?: LdifApplyOptions & { readonly continueOnError?: false | undefined }
): Stream.Stream<LdifApplied, E | LdifApplyError, R>
export function applyLdif<E, R>(
  client: Operations,
  records: Stream.Stream<LdifRecord, E, R>,
  options?: LdifApplyOptions
): Stream.Stream<LdifApplied, E | LdifApplyError, R> | Stream.Stream<LdifAttempt, E | LdifApplyError, R> {
  const wrong =
    (Stream.isStream(records) ? undefined : invalid("records", records, "a stream of records of Ldif belongs")) ??
      jobOptionsProblem(options, { continueOnError: booleanProblem })
  if (wrong !== undefined) {
    const cause = new LdapError({ reason: wrong, operation: "applyLdif" })
    return Stream.fail(new LdifApplyError({ line: 0, dn: "", cause }))
  }
  const operation = (job: Job, record: LdifRecord) =>
    Effect.mapError(
      partOf(job)(operationOf(client, record, options?.timeout)),
      (cause) => new LdifApplyError({ line: record?.line ?? 0, dn: record?.dn ?? "", cause })
    )
  // The stream of records belongs to the program, so its effects aren't part of the job.
  const each = <A, F>(f: (job: Job, record: LdifRecord) => Effect.Effect<A, F>) =>
    Stream.unwrap(
      Effect.map(jobOfStream({ isPaged: false }), (job) => Stream.mapEffect(records, (record) => f(job, record)))
    )
  return options?.continueOnError === true
    ? each((job, record) => Effect.map(attempted(operation(job, record)), (result) => ({ record, result })))
    : each((job, record) => Effect.map(operation(job, record), (result) => ({ record, result })))
}

const attempted = (operation: Effect.Effect<LdapResult, LdifApplyError>) =>
  Effect.matchEffect(operation, {
    onSuccess: (result): Effect.Effect<LdifAttempt["result"], LdifApplyError> => Effect.succeed(Result.succeed(result)),
    onFailure: (error) => isAboutRecord(error.cause.reason) ? Effect.succeed(Result.fail(error)) : Effect.fail(error)
  })

const operationOf = (
  client: Operations,
  record: LdifRecord,
  timeout: LdifApplyOptions["timeout"]
): Effect.Effect<LdapResult, LdapError> => {
  const wrong = recordProblem(record)
  if (wrong !== undefined) return Effect.fail(new LdapError({ reason: wrong, operation: "applyLdif" }))
  const { dn } = record
  const options = { ...notFollowed, timeout, controls: record._tag === "Entry" ? [] : record.controls }
  switch (record._tag) {
    case "Entry":
    case "Add":
      return client.add(dn, record.attributes, options)
    case "Delete":
      return client.delete(dn, options)
    case "Modify":
      return client.modify(dn, record.changes, options)
    case "ModifyDn":
      return client.rename(dn, {
        ...options,
        newRdn: record.newRdn,
        newSuperior: record.newSuperior,
        deleteOldRdn: record.deleteOldRdn
      })
  }
}

const kinds: ReadonlySet<unknown> = new Set<LdifRecord["_tag"]>(["Entry", "Add", "Delete", "Modify", "ModifyDn"])

/** Checks the records of programs without types. The operation checks their content. */
const recordProblem = (u: unknown): InvalidRequest | undefined =>
  typeof u === "object" && u !== null && "_tag" in u && kinds.has(u._tag)
    ? undefined
    : invalid("record", u, "a record of Ldif belongs")

const invalid = (field: string, u: unknown, belongs: string): InvalidRequest =>
  new InvalidRequest({ field, detail: `${given(u)} was given where ${belongs}` })

/** Whether the next record may still succeed: the server refused only this record, or only this record could not be sent. */
const isAboutRecord = (reason: LdapErrorReason): boolean =>
  "code" in reason || reason._tag === "InvalidRequest" || reason._tag === "RequestTimeout"
