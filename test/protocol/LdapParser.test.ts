import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { ProtocolViolation } from "../../src/model/LdapError.ts"
import { decode, defaultMaxMessageSize, encode, LdapParser, type ParserOptions } from "../../src/protocol/LdapCodec.ts"
import type { LdapMessage, ProtocolOperation } from "../../src/protocol/LdapMessage.ts"
import { anyMessage, messageOf, operations, plain } from "./arbitraries.ts"
import { goldens } from "./goldens/servers.ts"

const octets = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex")

const encoded = (message: LdapMessage): Buffer => Buffer.from(Result.getOrThrow(encode(message)))

const message = (messageId: number, operation: ProtocolOperation): LdapMessage => ({
  messageId,
  operation,
  controls: []
})

const unbind = octets("30 05 02 01 02 42 00")

const big = (size: number): LdapMessage =>
  message(1, { _tag: "ExtendedRequest", oid: "1.2", value: Buffer.alloc(size, "abcdefghijk") })

/** Feeds chunks to a parser and collects the results. */
const feed = (chunks: Iterable<Uint8Array>, options?: ParserOptions) => {
  const parser = new LdapParser(options)
  const messages: Array<LdapMessage> = []
  let failure: ProtocolViolation | undefined
  for (const chunk of chunks) failure = parser.push(chunk, (message) => messages.push(message))
  return { parser, messages, failure }
}

const failed = (chunks: Iterable<Uint8Array>, options?: ParserOptions): string => {
  const { failure } = feed(chunks, options)
  assert.instanceOf(failure, ProtocolViolation)
  return failure.detail
}

function* pieces(bytes: Buffer, size: number): Iterable<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** Messages of every kind, the same in every run. */
const samples: ReadonlyArray<Buffer> = [
  ...Object.values(operations).flatMap((operation) =>
    Effect.runSync(Arbitrary.sampleEffect(messageOf(operation), { count: 6, seed: 4511, size: 8 })).map(encoded)
  ),
  ...goldens.map(({ hex }) => octets(hex))
]

const small = samples.filter(({ length }) => length < 600)

/** mulberry32: the same numbers in every run, so that a failure can be reproduced. */
const randomFrom = (seed: number) => (below: number): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) % below
}

// ---------------------------------------------------------------------------------------------------------------------
// Chunks
// ---------------------------------------------------------------------------------------------------------------------

describe("any chunking gives the same messages", () => {
  const anyCuts = Arbitrary.array(Arbitrary.schema(Schema.Int), { maxLength: 12 })

  it.prop("any", [Arbitrary.array(anyMessage, { maxLength: 5 }), anyCuts], ([messages, cuts]) => {
    const bytes = Buffer.concat(messages.map(encoded))
    const expected = messages.map(plain)
    const at = [0, ...cuts.map((cut) => Math.abs(cut) % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
    const cut = at.slice(1).map((end, i) => bytes.subarray(at[i], end))
    for (const chunks of [[bytes], pieces(bytes, 1), cut]) {
      const result = feed(chunks)
      assert.isUndefined(result.failure)
      assert.strictEqual(result.parser.pending, 0)
      assert.deepStrictEqual(result.messages.map(plain), expected)
    }
  }, { timeout: 30_000, arbitrary: { runs: 100 } })

  it("every place to cut a short sequence of messages once, and twice", () => {
    const bytes = Buffer.concat([unbind, encoded(big(130)), unbind])
    const expected = feed([bytes]).messages
    assert.strictEqual(expected.length, 3)
    const shown = JSON.stringify(expected.map(plain))
    for (let i = 0; i <= bytes.length; i++) {
      for (let j = i; j <= bytes.length; j++) {
        const { failure, messages } = feed([bytes.subarray(0, i), bytes.subarray(i, j), bytes.subarray(j)])
        if (failure !== undefined || JSON.stringify(messages.map(plain)) !== shown) {
          assert.fail(`cut at ${i} and ${j}: ${failure?.detail ?? JSON.stringify(messages.map(plain))}`)
        }
      }
    }
  }, 30_000)

  it("a Uint8Array, also one from the middle of a larger one, is as good as a Buffer", () => {
    const larger = new Uint8Array(100)
    larger.set(unbind, 50)
    assert.strictEqual(feed([larger.subarray(50, 53), larger.subarray(53, 57)]).messages.length, 1)
    assert.strictEqual(feed([larger.subarray(50, 57)]).messages.length, 1)
  })

  it("says how many bytes are waiting for the rest of their message", () => {
    const parser = new LdapParser()
    const pendings: Array<number> = []
    for (const octet of Buffer.concat([unbind, unbind])) {
      parser.push(Buffer.from([octet]), () => {})
      pendings.push(parser.pending)
    }
    assert.deepStrictEqual(pendings, [1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6, 0])
  })

  // If the parser copied its buffer for every chunk, each of these would take minutes and exceed the time limit.
  it("a value of 20 MB in chunks of 1,400 bytes takes linear time", () => {
    const sent = big(20_000_000)
    const { failure, messages, parser } = feed(pieces(encoded(sent), 1400))
    assert.isUndefined(failure)
    assert.strictEqual(parser.pending, 0)
    const [received] = messages
    if (received?.operation._tag !== "ExtendedRequest" || sent.operation._tag !== "ExtendedRequest")
      return assert.fail()
    assert.isTrue(Buffer.from(sent.operation.value!).equals(received.operation.value!))
  }, 30_000)

  it("a value of 2 MB in chunks of one byte takes linear time", () => {
    const { failure, messages } = feed(pieces(encoded(big(2_000_000)), 1))
    assert.isUndefined(failure)
    assert.strictEqual(messages.length, 1)
  }, 30_000)

  it("100,000 messages in one chunk take linear time", () => {
    const { messages } = feed([Buffer.concat(Array.from({ length: 100_000 }, () => unbind))])
    assert.strictEqual(messages.length, 100_000)
  }, 30_000)
})

describe("bytes of a message", () => {
  it("are views into the chunk that holds all of it", () => {
    const chunk = Buffer.concat([unbind, encoded(big(10)), unbind.subarray(0, 3)])
    const [, received] = feed([chunk]).messages
    if (received?.operation._tag !== "ExtendedRequest") return assert.fail()
    assert.strictEqual(received.operation.value!.buffer, chunk.buffer)
    assert.strictEqual(received.operation.value!.byteOffset, chunk.byteOffset + chunk.indexOf("abcdefghij"))
  })

  it("don't change when a chunk of a collected message is written over", () => {
    const bytes = encoded(big(10))
    const first = Buffer.from(bytes.subarray(0, 20))
    const parser = new LdapParser()
    const messages: Array<LdapMessage> = []
    parser.push(first, (message) => messages.push(message))
    first.fill(0)
    parser.push(bytes.subarray(20), (message) => messages.push(message))
    assert.deepStrictEqual(messages.map(plain), [plain(big(10))])
  })

  it("of a collected message stay when the next one is collected", () => {
    const bytes = Buffer.concat([encoded(big(1000)), encoded(big(2000)), encoded(big(3000))])
    const { messages } = feed(pieces(bytes, 7))
    assert.deepStrictEqual(messages.map(plain), [1000, 2000, 3000].map((size) => plain(big(size))))
  })
})

// ---------------------------------------------------------------------------------------------------------------------
// Limits
// ---------------------------------------------------------------------------------------------------------------------

describe("maxMessageSize", () => {
  it("counts the header, and holds for whole messages as for those that come in parts", () => {
    const bytes = encoded(big(1000))
    for (const chunks of [[bytes], pieces(bytes, 1), pieces(bytes, 100)]) {
      assert.isUndefined(feed(chunks, { maxMessageSize: bytes.length }).failure)
    }
    for (const chunks of [[bytes], [bytes.subarray(0, 4)], [...pieces(bytes.subarray(0, 4), 1)]]) {
      assert.include(
        failed(chunks, { maxMessageSize: bytes.length - 1 }),
        `${bytes.length} bytes; maxMessageSize is ${bytes.length - 1}`
      )
    }
  })

  it.each([
    ["2 GiB", "30 84 80000000", undefined],
    ["4 GiB less one", "30 84 ffffffff", undefined],
    ["one byte above the default", "30 84 03fffffb", undefined],
    ["60 MiB where 1 MiB is the limit", "30 84 03c00000", 1024 * 1024]
  ])("is checked as soon as the header is there: %s", (_, hex, maxMessageSize) => {
    for (const chunks of [[octets(hex)], [...pieces(octets(hex), 1)], [unbind, octets(`${hex} 020101`)]]) {
      const { failure, parser } = feed(chunks, { maxMessageSize })
      assert.instanceOf(failure, ProtocolViolation)
      assert.include(failure.message, `maxMessageSize is ${maxMessageSize ?? 67_108_864}`)
      assert.strictEqual(parser.pending, 0)
    }
  })

  it("is 64 MiB by default, inclusive", () => {
    assert.strictEqual(defaultMaxMessageSize, 64 * 1024 * 1024)
    assert.isUndefined(feed([octets("30 84 03fffffa")]).failure)
  })

  it("memory grows with the bytes received, not with the announced length", () => {
    const before = process.memoryUsage().arrayBuffers
    // 60 MiB each: 12 GiB in all, if it were allocated.
    const parsers = Array.from({ length: 200 }, () => feed([octets("30 84 03c00000 020101")]).parser)
    const after = process.memoryUsage().arrayBuffers
    assert.isTrue(parsers.every((parser) => parser.pending === 9))
    assert.isBelow(after - before, 16 * 1024 * 1024)
  })
})

describe("the depth of filters", () => {
  /** A search whose filter is `depth` negations of a presence. */
  const searchOf = (depth: number): Buffer => {
    // Built from the end to the start, since a header needs the size of its content.
    const parts: Array<Buffer> = [octets("870161")]
    let size = 3
    const hold = (tag: number): void => {
      const header = Buffer.from([tag, 0x84, 0, 0, 0, 0])
      header.writeUInt32BE(size, 2)
      put(header)
    }
    const put = (part: Buffer): void => {
      parts.push(part)
      size += part.length
    }
    for (let i = 0; i < depth; i++) hold(0xa2)
    put(octets("0400 0a0100 0a0100 020100 020100 010100"))
    parts.unshift(octets("3000"))
    size += 2
    hold(0x63)
    put(octets("020101"))
    hold(0x30)
    return Buffer.concat(parts.reverse())
  }

  it("100,000 levels are an error, not an overflow of the stack", () => {
    assert.include(failed([searchOf(100_000)]), "deeper than 100")
    assert.include(failed([searchOf(100_000)], { maxFilterDepth: 99_999 }), "deeper than 99999")
  })

  it("maxFilterDepth itself is still allowed", () => {
    // The presence filter is a level of its own.
    for (const [depth, maxFilterDepth] of [[99, undefined], [4, 5], [0, 1], [100_000, 100_001]] as const) {
      const { failure, messages } = feed([searchOf(depth)], { maxFilterDepth, maxElements: 100_002 })
      assert.isUndefined(failure)
      assert.strictEqual(messages[0]?.operation._tag, "SearchRequest")
    }
    for (const [depth, maxFilterDepth] of [[100, undefined], [5, 5], [1, 1]] as const) {
      assert.include(failed([searchOf(depth)], { maxFilterDepth }), "deeper than")
    }
  })
})

// ---------------------------------------------------------------------------------------------------------------------
// Invalid input
// ---------------------------------------------------------------------------------------------------------------------

describe("after a fault", () => {
  const faulty = octets("3005 020103 7e00")

  it("the messages before it have been delivered, those behind it never are", () => {
    const bytes = Buffer.concat([unbind, unbind, faulty, unbind])
    for (const chunks of [[bytes], pieces(bytes, 1), pieces(bytes, 4)]) {
      const { failure, messages, parser } = feed(chunks)
      assert.instanceOf(failure, ProtocolViolation)
      assert.strictEqual(messages.length, 2)
      assert.strictEqual(parser.pending, 0)
    }
  })

  it("every further call gives the same failure and no message", () => {
    const parser = new LdapParser()
    const onMessage = (): void => assert.fail("a message after the fault")
    const failure = parser.push(faulty, onMessage)
    assert.include(failure?.detail, "unknown operation 0x7e, at byte 5")
    assert.strictEqual(parser.push(unbind, onMessage), failure)
    assert.strictEqual(parser.push(Buffer.alloc(0), onMessage), failure)
  })

  it("a fault in a collected message counts from that message's start", () => {
    assert.include(failed([unbind, ...pieces(faulty, 3)]), "at byte 5")
    assert.include(failed([Buffer.concat([unbind, faulty])]), "at byte 5")
  })

  it("an error thrown by the handler ends the parsing: the bytes after it don't start a message", () => {
    for (const chunks of [[Buffer.concat([unbind, unbind])], [unbind.subarray(0, 3), unbind.subarray(3)]]) {
      const parser = new LdapParser()
      const mistake = new Error("a mistake")
      const push = (): void => {
        for (const chunk of chunks) {
          parser.push(chunk, () => {
            throw mistake
          })
        }
      }
      assert.throws(push, mistake)
      assert.strictEqual(parser.pending, 0)
      assert.instanceOf(parser.push(unbind, () => assert.fail("a message after the fault")), ProtocolViolation)
    }
  })
})

describe("says what it found instead of LDAP", () => {
  it.each([
    ["a TLS handshake", "16 0301 0005 0100000100", "ldaps"],
    ["a TLS alert", "15 0303 0002 0246", "ldaps"],
    ["an HTTP answer", Buffer.from("HTTP/1.1 400 Bad Request\r\n").toString("hex"), `text ("H…")`],
    ["an SMTP banner", Buffer.from("220 mail.example.org ESMTP\r\n").toString("hex"), `text ("2…")`],
    ["an SSH banner", Buffer.from("SSH-2.0-OpenSSH_9.2p1\r\n").toString("hex"), "is this an LDAP port?"],
    ["zeros", "00000000", "byte 0x00"],
    ["another element", "31050201014200", "text (\"1…\")"],
    ["an indefinite length", "3080 020101 4200 0000", "indefinite length"],
    ["a length of five bytes", "3085 0000000005 020101 4200", "length of 5 bytes"],
    ["a length of 127 bytes", "30ff 00", "length of 127 bytes"]
  ])("%s", (_, hex, detail) => {
    for (const chunks of [[octets(hex)], pieces(octets(hex), 1)]) {
      const found = failed(chunks)
      assert.include(found, detail)
      assert.notInclude(found, "\r")
    }
    assert.include(failed([unbind, octets(hex)]), detail)
  })

  it("at the first byte, without waiting for more", () => {
    assert.include(failed([octets("16")]), "ldaps")
    assert.include(failed([octets("48")]), "LDAP port")
  })
})

// ---------------------------------------------------------------------------------------------------------------------
// Damage
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Parses arbitrary bytes. They give messages, a violation, or both. Each message can be read completely, and encoded again with the
 * same meaning.
 */
const survives = (bytes: Buffer): boolean => {
  const { failure, messages, parser } = feed([bytes])
  if (failure !== undefined) assert.instanceOf(failure, ProtocolViolation)
  const parts = feed(pieces(bytes, 1 + (bytes.length % 5)))
  assert.deepStrictEqual(parts.messages.map(plain), messages.map(plain))
  assert.strictEqual(parts.failure?.detail, failure?.detail)
  assert.strictEqual(parts.parser.pending, parser.pending)
  for (const message of messages) {
    assert.deepStrictEqual(plain(Result.getOrThrow(decode(encoded(message)))), plain(message))
    JSON.stringify(message)
  }
  return failure === undefined
}

/** The content of a message with a correct header. */
const wrapped = (content: Buffer): Buffer => {
  const header = Buffer.from([0x30, 0x84, 0, 0, 0, 0])
  header.writeUInt32BE(content.length, 2)
  return Buffer.concat([header, content])
}

const contentOf = (bytes: Buffer): Buffer => bytes.subarray(bytes[1]! < 0x80 ? 2 : 2 + bytes[1]! - 0x80)

describe("damaged bytes", () => {
  it("has messages of every kind to damage", () => {
    const kinds = small.map((bytes) => Result.getOrThrow(decode(bytes)).operation._tag)
    assert.sameMembers([...new Set(kinds)], Object.keys(operations))
  })

  it("every truncation of a message waits for the rest", () => {
    for (const bytes of small) {
      for (let length = 0; length < bytes.length; length++) {
        const { failure, messages, parser } = feed([bytes.subarray(0, length)])
        assert.isUndefined(failure)
        assert.strictEqual(messages.length, 0)
        assert.strictEqual(parser.pending, length)
        assert.isTrue(Result.isFailure(decode(bytes.subarray(0, length))))
      }
    }
  }, 30_000)

  it("every truncation of a message's content, in a header that fits, is a violation or a message", () => {
    let accepted = 0
    let total = 0
    for (const bytes of small) {
      const content = contentOf(bytes)
      for (let length = 0; length < content.length; length++) {
        total++
        if (survives(wrapped(content.subarray(0, length)))) accepted++
      }
    }
    // Without its controls, for instance, it is still a message; but that is rare.
    assert.isAbove(total, 5000)
    assert.isBelow(accepted, total / 20)
  }, 60_000)

  it("mutations: thousands of them", () => {
    const random = randomFrom(1)
    let accepted = 0
    const interesting = [0x00, 0x01, 0x04, 0x30, 0x31, 0x7f, 0x80, 0x81, 0x84, 0xa0, 0xa3, 0xff]
    for (let i = 0; i < 10_000; i++) {
      const original = small[i % small.length]!
      const damaged: Array<number> = [...(i % 2 === 0 ? original : contentOf(original))]
      for (let n = random(3) + 1; n > 0; n--) {
        const at = random(damaged.length + 1)
        const octet = random(2) === 0 ? random(256) : interesting[random(interesting.length)]!
        const how = random(4)
        if (how === 0) damaged.splice(at, random(4))
        else if (how === 1) damaged.splice(at, 0, octet)
        else damaged[Math.min(at, damaged.length)] = octet
      }
      if (survives(i % 2 === 0 ? Buffer.from(damaged) : wrapped(Buffer.from(damaged)))) accepted++
    }
    // Both outcomes must occur often, or the mutations would test nothing.
    assert.isAbove(accepted, 1000)
    assert.isBelow(accepted, 9000)
  }, 60_000)

  it("random bytes: thousands of them", () => {
    const random = randomFrom(2)
    for (let i = 0; i < 10_000; i++) {
      const bytes = Buffer.from(Array.from({ length: random(60) }, () => random(256)))
      survives(i % 2 === 0 ? bytes : wrapped(Buffer.concat([octets("020101"), bytes])))
    }
  }, 60_000)
})
