/** The machine as Kerberos sees it, with changes: KDCs are counted, or give other answers. */
import * as Effect from "effect/Effect"
import type { KdcAddress, KerberosSystem } from "../../../src/auth/kerberos/system/KerberosSystem.ts"
import { nodeSystem } from "../../../src/auth/kerberos/system/nodeSystem.ts"

/** The first byte of a message shows its kind. */
export const kindOf = (message: Uint8Array): string => kinds.get(message[0]!) ?? "unknown"

const kinds = new Map([[0x6a, "AS-REQ"], [0x6c, "TGS-REQ"], [0x6b, "AS-REP"], [0x6d, "TGS-REP"], [0x7e, "KRB-ERROR"]])

export interface Asked {
  readonly address: KdcAddress
  readonly protocol: "tcp" | "udp"
  readonly request: Uint8Array
}

/** The real machine. It records the requests to each KDC. */
export const watching = (
  answer: (asked: Asked, real: ReturnType<KerberosSystem["ask"]>, count: number) => ReturnType<KerberosSystem["ask"]> =
    (
      _,
      real
    ) => real
) => {
  const asked: Array<Asked> = []
  const system: KerberosSystem = {
    ...nodeSystem,
    ask: (address, protocol, request) =>
      Effect.suspend(() => {
        const one = { address, protocol, request }
        asked.push(one)
        return answer(one, nodeSystem.ask(address, protocol, request), asked.length)
      })
  }
  return { asked, system, count: (kind: string) => asked.filter(({ request }) => kindOf(request) === kind).length }
}

/** A machine without files and names, whose only KDC is this function. */
export const alone = (kdc: (request: Uint8Array, count: number) => Uint8Array): KerberosSystem => {
  let count = 0
  return {
    readFile: () => Effect.succeed(undefined),
    listDirectory: () => Effect.succeed([]),
    environment: () => undefined,
    lookupService: () => Effect.succeed([]),
    ask: (_, __, request) => Effect.sync(() => kdc(request, ++count))
  }
}
