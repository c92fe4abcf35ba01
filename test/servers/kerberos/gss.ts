/**
 * A provider of GSS-API contexts for tests, over MIT's own library. It has the functions of the `kerberos` package, and also wraps
 * messages. It uses gss.py, which runs in another process.
 */
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import {
  type GssContext,
  GssFailure,
  type GssProtection,
  type GssProvider
} from "../../../src/auth/kerberos/GssContext.ts"

/** The other end of a context, made by MIT's library. */
export interface Acceptor {
  readonly step: (token: Uint8Array) => Effect.Effect<Step, GssFailure>
  readonly wrap: (octets: Uint8Array, confidential: boolean) => Effect.Effect<Uint8Array, GssFailure>
  readonly unwrap: (
    octets: Uint8Array
  ) => Effect.Effect<{ readonly octets: Uint8Array; readonly confidential: boolean }, GssFailure>
  readonly mic: (octets: Uint8Array) => Effect.Effect<Uint8Array, GssFailure>
  readonly verify: (octets: Uint8Array, mic: Uint8Array) => Effect.Effect<void, GssFailure>
}

export interface Step {
  readonly token: Uint8Array | undefined
  readonly isComplete: boolean
  readonly protection: GssProtection
  /** The name of the client, when it is known. */
  readonly client: string | undefined
}

export interface Gss {
  readonly provider: GssProvider
  /** Accepts one context with the keys of a keytab. */
  readonly accept: (keytab: string, bindings?: Uint8Array) => Effect.Effect<Acceptor, GssFailure>
  readonly stop: () => void
}

interface Answer {
  readonly error?: string
  readonly octets?: string | null
  readonly complete?: boolean
  readonly protection?: GssProtection | null
  readonly confidential?: boolean
  readonly client?: string | null
}

/** Starts the process that makes the contexts, for the credential cache and the realm in `environment`. */
export const startGss = (environment: NodeJS.ProcessEnv): Gss => {
  // Debian's Python. Another Python that comes first in the path doesn't have the module.
  const child = spawn("/usr/bin/python3", [fileURLToPath(new URL("gss.py", import.meta.url))], {
    env: { ...process.env, ...environment },
    stdio: ["pipe", "pipe", "inherit"]
  })
  const waiting: Array<(answer: Answer) => void> = []
  createInterface(child.stdout).on("line", (line) => waiting.shift()?.(JSON.parse(line) as Answer))
  child.once("exit", () => {
    for (const resume of waiting.splice(0)) resume({ error: "gss.py has ended" })
  })
  // The answers come in the order of the requests.
  const ask = (question: object): Effect.Effect<Answer, GssFailure> =>
    Effect.callback((resume) => {
      waiting.push((answer) =>
        resume(
          answer.error === undefined ? Effect.succeed(answer) : Effect.fail(new GssFailure({ detail: answer.error }))
        )
      )
      child.stdin.write(`${JSON.stringify(question)}\n`)
    })
  let contexts = 0
  const make: GssProvider["make"] = Effect.fnUntraced(function*(
    { channelBindings, mechanism, protection, service }
  ) {
    const context = contexts++
    const bindings = channelBindings === undefined ? null : base64(channelBindings)
    yield* ask({ do: "make", context, mechanism, service, protection, bindings })
    let isComplete = false
    let agreed: GssProtection = "none"
    const made: GssContext = {
      step: Effect.fnUntraced(function*(token) {
        const answer = yield* ask({ do: "step", context, octets: token === undefined ? null : base64(token) })
        isComplete = answer.complete ?? false
        agreed = answer.protection ?? "none"
        return answer.octets === null || answer.octets === undefined ? undefined : octetsOf(answer)
      }),
      isComplete: () => isComplete,
      protection: () => agreed,
      wrap: (octets, confidential) =>
        Effect.map(ask({ do: "wrap", context, octets: base64(octets), confidential }), octetsOf),
      unwrap: (octets) =>
        Effect.map(ask({ do: "unwrap", context, octets: base64(octets) }), (answer) => ({
          octets: octetsOf(answer),
          confidential: answer.confidential ?? false
        }))
    }
    return made
  })
  const accept = Effect.fnUntraced(function*(keytab: string, bindings?: Uint8Array) {
    const context = contexts++
    yield* ask({ do: "accept", context, keytab, bindings: bindings === undefined ? null : base64(bindings) })
    const acceptor: Acceptor = {
      step: (token) =>
        Effect.map(ask({ do: "step", context, octets: base64(token) }), (answer) => ({
          token: answer.octets === null || answer.octets === undefined ? undefined : octetsOf(answer),
          isComplete: answer.complete ?? false,
          protection: answer.protection ?? "none",
          client: answer.client ?? undefined
        })),
      wrap: (octets, confidential) =>
        Effect.map(ask({ do: "wrap", context, octets: base64(octets), confidential }), octetsOf),
      unwrap: (octets) =>
        Effect.map(ask({ do: "unwrap", context, octets: base64(octets) }), (answer) => ({
          octets: octetsOf(answer),
          confidential: answer.confidential ?? false
        })),
      mic: (octets) => Effect.map(ask({ do: "mic", context, octets: base64(octets) }), octetsOf),
      verify: (octets, mic) => Effect.asVoid(ask({ do: "verify", context, octets: base64(octets), mic: base64(mic) }))
    }
    return acceptor
  })
  return { accept, provider: { protection: "confidentiality", make }, stop: () => child.stdin.end() }
}

const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString("base64")

const octetsOf = ({ octets }: Answer): Uint8Array => Buffer.from(octets ?? "", "base64")
