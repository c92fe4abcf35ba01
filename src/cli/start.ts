/**
 * The command line on Node: standard streams, signals, and the exit code. Everything else is in program.ts.
 *
 * The services of Node come from `@effect/platform-node`, which the build puts into this file's bundle, since the package is an
 * optional peer, and the command line works without it (README.md).
 */
import * as NodeStdio from "@effect/platform-node/NodeStdio"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { readFileSync } from "node:fs"
import { ExitCode } from "./CliFailure.ts"
import { youngGenerationLimit } from "./memory.ts"
import { textForTerminal } from "./output/terminalText.ts"
import { run } from "./program.ts"

/** What commands need of Node beside the standard streams. It is loaded for commands that effect/cli reads. */
const services = Layer.unwrap(
  Effect.map(Effect.promise(() => import("./nodeServices.ts")), (module) => module.nodeServices)
)

/** Runs the command that the arguments of the process name, and ends the process. The package's version is in `manifest`. */
export const start = (manifest: URL): void => {
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { readonly version: string }

  // If the reader of standard output goes away, there is no stack trace: writes fail with EPIPE, and that ends the command quietly.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined)

  const fiber = Effect.runFork(
    Effect.andThen(Effect.forkScoped(youngGenerationLimit), run(process.argv.slice(2), version, services)).pipe(
      Effect.provide(NodeStdio.layer),
      Effect.scoped
    )
  )

  let signals = 0
  const interrupt = (): void => {
    // The first signal abandons requests and unbinds; the second ends the process at once.
    if (++signals > 1) process.exit(ExitCode.interrupted)
    fiber.interruptUnsafe()
  }
  process.on("SIGINT", interrupt)
  process.on("SIGTERM", interrupt)
  process.on("SIGHUP", interrupt)

  fiber.addObserver((exit) => {
    const code = Exit.isSuccess(exit)
      ? exit.value
      : Cause.hasInterruptsOnly(exit.cause)
      ? ExitCode.interrupted
      : defect(exit.cause)
    // Waits until all output is written, and then ends the process, which would not end by itself while standard input is open.
    process.stdout.write("", () => process.exit(code))
  })
}

/** A defect of this program, printed with its stack trace. */
const defect = (cause: Cause.Cause<never>): number => {
  process.stderr.write(`effect-ldap: a defect, please report it: ${textForTerminal(Cause.pretty(cause))}\n`)
  return ExitCode.other
}
