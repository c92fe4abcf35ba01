/** A session that is closed leaves nothing in memory that has to wait for a full garbage collection. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { type HeapProfiler, Session } from "node:inspector/promises"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as LdapAuth from "../../src/auth/LdapAuth.ts"
import type { LdapConnection, Receiver } from "../../src/connection/LdapConnection.ts"
import type { LdapTransport } from "../../src/connection/Transport.ts"
import { SessionEnd } from "../../src/model/LdapError.ts"
import { encode } from "../../src/protocol/encode.ts"
import * as LdapSession from "../../src/session/LdapSession.ts"

const bound = encode({
  messageId: 1,
  operation: {
    _tag: "BindResponse",
    result: { code: 0, matchedDn: "", diagnosticMessage: "", referrals: [] },
    serverCredentials: undefined
  },
  controls: []
})

/** A connection without a socket: it answers the first request, and closes when the session does. */
const connection = (): LdapConnection => {
  let receiver: Receiver | undefined
  let isAnswered = false
  return {
    protection: "local",
    host: "memory",
    tls: undefined,
    channelBinding: () => undefined,
    receive: (given) => {
      receiver = given
    },
    pause: () => {},
    resume: () => {},
    write: () => {
      if (!isAnswered) setImmediate(() => receiver?.onOctets(bound))
      isAnswered = true
      return true
    },
    shutdown: (done) => {
      setImmediate(() => {
        done()
        receiver?.onEnd(SessionEnd.ConnectionLost({ detail: "closed", cause: undefined }))
      })
    },
    startTls: () => {
      throw new Error("no TLS")
    }
  }
}

const transport: LdapTransport = { server: "ldap://memory", connect: Effect.sync(connection) }
const auth = LdapAuth.simple("cn=admin", Redacted.make("secret"))

const openAndClose = async (times: number): Promise<void> => {
  for (let i = 0; i < times; i++) {
    await Effect.runPromise(Effect.scoped(LdapSession.fromTransport(transport, { auth })))
  }
}

const minorCollection = (): void => {
  setFlagsFromString("--expose-gc")
  const collect = runInNewContext("gc") as (options: { readonly type: "minor" }) => void
  // An object that survives two of them is in the old generation.
  collect({ type: "minor" })
  collect({ type: "minor" })
}

const sizeOf = ({ children, selfSize }: HeapProfiler.SamplingHeapProfileNode): number =>
  children.reduce((sum, child) => sum + sizeOf(child), selfSize)

describe("closed sessions", () => {
  it("are collected with the young objects of the heap", async () => {
    const sessions = 400
    await openAndClose(200)
    const inspector = new Session()
    inspector.connect()
    // Counts what minor collections have left over, also if a full one has collected it.
    await inspector.post("HeapProfiler.startSampling", {
      samplingInterval: 512,
      includeObjectsCollectedByMajorGC: true
    })
    await openAndClose(sessions)
    minorCollection()
    const { profile } = await inspector.post("HeapProfiler.stopSampling")
    inspector.disconnect()
    // A session that is kept as a whole is 12 KB.
    assert.isBelow(sizeOf(profile.head) / sessions, 5_000)
  })
})
