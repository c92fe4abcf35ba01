/** Runs the command line in this process, with given arguments, environment and standard input. Returns the exit code and the output. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Terminal from "effect/Terminal"
import { run } from "../../src/cli/program.ts"
import { TraceOutput } from "../../src/cli/settings/connection.ts"

export interface Outcome {
  readonly code: number
  readonly stdout: Buffer
  readonly stderr: string
}

export interface Invocation {
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly stdin?: string | undefined
  /** Whether standard output and standard error are a terminal. */
  readonly isTerminal?: boolean | undefined
}

const collect = (pieces: Array<Buffer>) => () =>
  Sink.forEach((piece: string | Uint8Array) => Effect.sync(() => void pieces.push(Buffer.from(piece as string))))

/** A replacement for the terminal, which these tests don't use: prompts are tested in a real terminal. */
const noTerminal = Layer.succeed(
  Terminal.Terminal,
  Terminal.make({
    columns: Effect.succeed(80),
    rows: Effect.succeed(24),
    size: Effect.die("no terminal"),
    readInput: Effect.die("no terminal"),
    readLine: Effect.die("no terminal"),
    display: () => Effect.die("no terminal")
  })
)

/** Runs a command to its end. */
export const runCli = (args: ReadonlyArray<string>, invocation: Invocation = {}): Effect.Effect<Outcome> => {
  const stdout: Array<Buffer> = []
  const stderr: Array<Buffer> = []
  const isTerminal = Effect.succeed(invocation.isTerminal ?? false)
  const services = Layer.mergeAll(
    NodeFileSystem.layer,
    NodePath.layer,
    noTerminal,
    Layer.succeed(ChildProcessSpawner.ChildProcessSpawner, ChildProcessSpawner.make(() => Effect.die("no processes")))
  )
  const streams = Stdio.layerTest({
    stdout: collect(stdout),
    stderr: collect(stderr),
    stdin: Stream.make(Buffer.from(invocation.stdin ?? "")),
    stdoutIsTerminal: isTerminal,
    stderrIsTerminal: isTerminal
  })
  return run(args, "0.0.0", services).pipe(
    Effect.map((code) => ({ code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() })),
    Effect.provide(streams),
    // effect/cli prints completions through this service.
    Effect.provideService(
      Console.Console,
      Object.assign(Object.create(console) as Console.Console, {
        log: (text: string) => void stdout.push(Buffer.from(`${text}\n`))
      })
    ),
    Effect.provideService(TraceOutput, (line) => void stderr.push(Buffer.from(`${line}\n`))),
    Effect.provideService(
      ConfigProvider.ConfigProvider,
      // The home directory of these tests has no profile.
      ConfigProvider.fromEnv({ env: { HOME: "/nonexistent", ...invocation.env } })
    ),
    Effect.scoped
  )
}
