/** The services of Node for commands and prompts: files, paths, the terminal, and processes, which effect/cli asks for. */
import * as NodeChildProcessSpawner from "@effect/platform-node/NodeChildProcessSpawner"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Terminal from "effect/Terminal"

/** Prompts are written to standard error, so that standard output has data only. */
const terminal = Layer.effect(
  Terminal.Terminal,
  Effect.map(NodeTerminal.make(), (terminal) =>
    Terminal.make({
      ...terminal,
      columns: Effect.sync(() => process.stdout.columns ?? process.stderr.columns ?? 80),
      display: (text) =>
        Effect.callback<void>((resume) => {
          process.stderr.write(text, () => resume(Effect.void))
        })
    }))
)

export const nodeServices = Layer.provideMerge(
  NodeChildProcessSpawner.layer,
  Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, terminal)
)
