/**
 * Reads values of LDIF from files (`photo:< file:///…`, RFC 2849), through Effect's FileSystem and within limits. Only `decode`
 * does this, and only if the option `files` allows it.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type { PlatformError } from "effect/PlatformError"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { isAbsolute, relative, sep } from "node:path"
import { fileURLToPath } from "node:url"
import { type LdifLine, LdifSyntaxError } from "./LdifLines.ts"
import { valueUrl } from "./LdifRecord.ts"

/**
 * The files from which LDIF may take values.
 *
 * **Details**
 *
 * Security: the author of the text chooses the files, and other users may read the entries with their content. Therefore only
 * regular files below `directory` are read, and symbolic links are resolved before this check. The directory should contain only
 * files that are meant for entries. Only the program's own user should be able to write to it, since a file could be replaced
 * between the check and the reading. URLs with other schemes than `file:` are never read.
 *
 * @category models
 * @since 0.1.0
 */
export interface FileOptions {
  /** The directory of the files. They may be at any depth. */
  readonly directory: string
  /** The maximum number of bytes of a file. Default 10 MiB. All files of a record count towards `maxRecordSize`. */
  readonly maxFileSize?: number | undefined
}

/**
 * A file that LDIF uses as a value couldn't be read, or reading it isn't allowed.
 *
 * @category errors
 * @since 0.1.0
 */
export class LdifFileError extends Data.TaggedError("LdifFileError")<{
  /** The line of the text, from 1. */
  readonly line: number
  /** The URL as the text has it. */
  readonly url: string
  /** Why the file was not read. */
  readonly detail: string
  /** The error of the file system, if there is one. */
  readonly cause?: PlatformError | undefined
}> {
  override get message(): string {
    return `the value at ${JSON.stringify(this.url)}, in line ${this.line} of LDIF, was not read: ${this.detail}`
  }
}

/**
 * Reads the files and attaches their content to the lines that refer to them.
 *
 * @internal
 */
export const readFiles = Effect.fnUntraced(function*(
  fs: FileSystem.FileSystem,
  lines: ReadonlyArray<LdifLine>,
  options: FileOptions,
  maxRecordSize: number
): Effect.fn.Return<ReadonlyArray<LdifLine>, LdifSyntaxError | LdifFileError> {
  if (lines.every((line) => valueUrl(line) === undefined)) return lines
  const completed: Array<LdifLine> = []
  let size = 0
  for (const line of lines) {
    const url = valueUrl(line)
    const file = url === undefined ? undefined : yield* readFile(fs, line.line, url, options)
    size += line.length + (file?.length ?? 0)
    if (size > maxRecordSize) {
      const detail = `with its files the record is larger than the limit of ${maxRecordSize}`
      return yield* new LdifSyntaxError({ line: line.line, detail })
    }
    completed.push(line.withFile(file))
  }
  return completed
})

const readFile = Effect.fnUntraced(function*(
  fs: FileSystem.FileSystem,
  line: number,
  url: string,
  options: FileOptions
): Effect.fn.Return<Uint8Array, LdifFileError> {
  const refused = (detail: string) => new LdifFileError({ line, url, detail })
  const tried = Effect.mapError((cause: PlatformError) =>
    new LdifFileError({ line, url, detail: cause.message, cause })
  )
  const limit = options.maxFileSize ?? 10 * 1024 * 1024
  const path = pathOf(url)
  if (Result.isFailure(path)) return yield* refused(path.failure)
  const directory = yield* tried(fs.realPath(options.directory))
  const real = yield* tried(fs.realPath(path.success))
  const below = relative(directory, real)
  if (below === "" || below === ".." || below.startsWith(`..${sep}`) || isAbsolute(below)) {
    return yield* refused(`it is not below ${options.directory}`)
  }
  // Reading a pipe or a device might never end.
  if ((yield* tried(fs.stat(real))).type !== "File") return yield* refused("it is not a regular file")
  // The size that the file system reports isn't used: the file may grow, and some special files report no size.
  const pieces = yield* tried(Stream.runCollect(fs.stream(real, { bytesToRead: limit + 1 })))
  const octets = Buffer.concat(pieces)
  return octets.length > limit ? yield* refused(`it is larger than the limit of ${limit} bytes`) : octets
})

const pathOf = (text: string): Result.Result<string, string> => {
  const url = URL.parse(text)
  if (url === null) return Result.fail("it is not a URL")
  if (url.protocol !== "file:") return Result.fail("only file: is read")
  try {
    return Result.succeed(fileURLToPath(url))
  } catch {
    return Result.fail("it doesn't name a file on this machine")
  }
}
