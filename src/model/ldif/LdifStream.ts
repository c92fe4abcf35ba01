/**
 * LDIF as streams (RFC 2849): reads and writes texts larger than memory, one record after another.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { LdapEntry } from "../entry/LdapEntry.ts"
import { type FileOptions, type LdifFileError, readFiles } from "./LdifFiles.ts"
import { type LdifLine, LdifSyntaxError } from "./LdifLines.ts"
import { Octets } from "./LdifOctets.ts"
import { LdifReader } from "./LdifReader.ts"
import type { LdifRecord } from "./LdifRecord.ts"
import { recordWriter, versionLine } from "./LdifText.ts"
import { newArray } from "./newObjects.ts"

/**
 * Options of {@link decode}.
 *
 * @category models
 * @since 0.1.0
 */
export interface DecodeOptions {
  /** Whether to accept only what RFC 2849 allows, as in `parse`. Default false. */
  readonly strict?: boolean | undefined
  /** The maximum number of bytes of a line after unfolding; of a comment, before it. Default 16 MiB; at most 256 MiB. */
  readonly maxLineLength?: number | undefined
  /**
   * The maximum number of bytes of all lines of a record, including files. Each line counts 64 bytes more than its length. Default
   * 128 MiB.
   */
  readonly maxRecordSize?: number | undefined
}

/** The limit for strings on some platforms. */
const longestLine = 256 * 1024 * 1024

/**
 * Reads records from a stream of text, in bytes (UTF-8) or strings, in pieces of any size.
 *
 * **Details**
 *
 * The syntax is that of `parse`. Each record is emitted as soon as it is complete. Memory holds one record, 64 KiB of text, and one
 * piece of the source. After a syntax error, the records before it are still emitted; the error has the line in the text. Errors of
 * the source are passed on unchanged. Bytes that are not UTF-8 are an error, except in comments.
 *
 * The source is read only as fast as the consumer takes records (backpressure). Interruption releases the source. Each run reads
 * the source from its start, so fibers may share the stream if they may share the source.
 *
 * **Values at URLs** (`photo:< file:///var/photos/ada.jpg`) are refused unless `files` is given. Otherwise the author of the text
 * could choose which files of this machine go into the directory: see {@link FileOptions}. Files are read through Effect's
 * `FileSystem`; if that fails, the error is an `LdifFileError`.
 *
 * **Example**
 *
 * ```ts
 * import { Ldif } from "effect-ldap"
 * import { Effect, FileSystem, Stream } from "effect"
 *
 * const count = Effect.gen(function*() {
 *   const fs = yield* FileSystem.FileSystem
 *   return yield* fs.stream("export.ldif").pipe(Ldif.decode(), Stream.runCount)
 * })
 * ```
 *
 * @category streaming
 * @since 0.1.0
 */
export function decode(
  options: DecodeOptions & { readonly files: FileOptions }
): <E, R>(
  self: Stream.Stream<Uint8Array | string, E, R>
) => Stream.Stream<LdifRecord, E | LdifSyntaxError | LdifFileError, R | FileSystem.FileSystem>
export function decode(
  options?: DecodeOptions & { readonly files?: undefined }
): <E, R>(self: Stream.Stream<Uint8Array | string, E, R>) => Stream.Stream<LdifRecord, E | LdifSyntaxError, R>
export function decode(options: DecodeOptions & { readonly files?: FileOptions | undefined } = {}) {
  const { files } = options
  return <E, R>(
    self: Stream.Stream<Uint8Array | string, E, R>
  ): Stream.Stream<LdifRecord, E | LdifSyntaxError | LdifFileError, R | FileSystem.FileSystem> =>
    files === undefined
      ? Stream.transformPull(self, (pull) => Effect.sync(() => decoding(pull, options, undefined)))
      : Stream.transformPull(self, (pull) =>
        Effect.map(FileSystem.FileSystem, (fs) =>
          decoding(pull, options, (lines) =>
            readFiles(fs, lines, files, options.maxRecordSize ?? defaultRecordSize))))
}

const defaultRecordSize = 128 * 1024 * 1024

type Lines = ReadonlyArray<LdifLine>

/**
 * Pulls text until records are complete. A failure is reported after the records before it. `complete` reads what the lines of a
 * record refer to.
 */
const decoding = <E, E2>(
  pull: Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array | string>, E>,
  options: DecodeOptions,
  complete: ((lines: Lines) => Effect.Effect<Lines, E2>) | undefined
): Pull.Pull<Arr.NonEmptyReadonlyArray<LdifRecord>, E | E2 | LdifSyntaxError> => {
  let records: Array<LdifRecord> = []
  /** Records that aren't complete. */
  let waiting: Array<Lines> = []
  const reader: LdifReader = new LdifReader(
    {
      strict: options.strict ?? false,
      octets: true,
      maxLineLength: Math.min(options.maxLineLength ?? 16 * 1024 * 1024, longestLine),
      maxRecordSize: options.maxRecordSize ?? defaultRecordSize
    },
    (lines) => complete === undefined ? records.push(reader.read(lines)) : waiting.push(lines),
    complete === undefined ? (entry) => records.push(entry) : undefined
  )
  const octets = new Octets(() => reader.line)
  let pieces: Iterator<string> = [].values()
  let failure: Effect.Effect<never, E2 | LdifSyntaxError> | undefined
  let ended = false

  const completeAll = Effect.fnUntraced(function*(complete: (lines: Lines) => Effect.Effect<Lines, E2>) {
    const texts = waiting
    waiting = []
    for (const lines of texts) {
      const completed = yield* Effect.result(complete(lines))
      const record = Result.flatMap(completed, (lines) => caught(() => reader.read(lines)))
      if (Result.isFailure(record)) {
        failure = Effect.fail(record.failure)
        return
      }
      records.push(record.success)
    }
  })

  /** Reads text, and emits the records that it completes. */
  const reading = (read: () => void): typeof next => {
    const result = caught(read)
    if (Result.isFailure(result)) failure = Effect.fail(result.failure)
    return complete === undefined || waiting.length === 0 ? emit() : Effect.flatMap(completeAll(complete), emit)
  }

  const next: Pull.Pull<Arr.NonEmptyReadonlyArray<LdifRecord>, E | E2 | LdifSyntaxError> = Effect.suspend(() => {
    if (failure !== undefined) return failure
    if (ended) return Cause.done()
    const cut = caught(() => pieces.next())
    if (Result.isFailure(cut)) return (failure = Effect.fail(cut.failure))
    const piece = cut.success
    if (piece.done !== true) return reading(() => reader.push(piece.value))
    return Pull.matchEffect(pull, {
      onSuccess: (chunk) => {
        pieces = octets.pieces(chunk)
        return next
      },
      onFailure: Effect.failCause,
      onDone: () => {
        ended = true
        return reading(() => {
          reader.push(octets.end())
          reader.end()
        })
      }
    })
  })
  const emit = (): typeof next => {
    const complete = records
    records = newArray()
    return Arr.isReadonlyArrayNonEmpty(complete) ? Effect.succeed(complete) : next
  }
  return next
}

const caught = <A>(read: () => A): Result.Result<A, LdifSyntaxError> => {
  try {
    return Result.succeed(read())
  } catch (error) {
    if (error instanceof LdifSyntaxError) return Result.fail(error)
    throw error
  }
}

/**
 * Writes records, and entries as a server returned them, as a stream of text: first a piece with the line `version: 1`, then one
 * piece for each record.
 *
 * **Details**
 *
 * The whole text is the same as that of `format`, with the same omissions. `Stream.encodeText` converts it to bytes. Memory holds
 * only one record.
 *
 * **Example**
 *
 * ```ts
 * import { LdapSession, Ldif } from "effect-ldap"
 * import { Effect, FileSystem, Stream } from "effect"
 *
 * const backup = (session: LdapSession.LdapSession) =>
 *   Effect.gen(function*() {
 *     const fs = yield* FileSystem.FileSystem
 *     yield* session.search({ base: "dc=example,dc=org", pageSize: 500 }).pipe(
 *       Ldif.encode(),
 *       Stream.encodeText,
 *       Stream.run(fs.sink("backup.ldif"))
 *     )
 *   })
 * ```
 *
 * @category streaming
 * @since 0.1.0
 */
export const encode =
  (options?: { readonly width?: number | undefined }) =>
  <E, R>(self: Stream.Stream<LdifRecord | LdapEntry, E, R>): Stream.Stream<string, E, R> =>
    Stream.concat(Stream.succeed(versionLine), Stream.map(self, recordWriter(options)))
