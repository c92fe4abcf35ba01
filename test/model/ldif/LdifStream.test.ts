import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import strictAssert from "node:assert/strict"
import { inspect } from "node:util"
import * as LdapControl from "../../../src/model/control/LdapControl.ts"
import * as LdapEntry from "../../../src/model/entry/LdapEntry.ts"
import * as LdapModification from "../../../src/model/LdapModification.ts"
import * as Ldif from "../../../src/model/ldif/Ldif.ts"

type Text = Uint8Array | string

const decode = (pieces: Iterable<Text>, options?: Ldif.DecodeOptions) =>
  Stream.runCollect(Stream.fromIterable(pieces).pipe(Stream.rechunk(3), Ldif.decode(options)))

const failure = (pieces: Iterable<Text>, options?: Ldif.DecodeOptions) =>
  Effect.map(
    Effect.flip(decode(pieces, options)),
    (error) => error instanceof Ldif.LdifSyntaxError ? error : assert.fail(inspect(error))
  )

/** Compares bytes by content, whatever their class. */
const plain = (records: ReadonlyArray<Ldif.LdifRecord>): unknown =>
  JSON.parse(
    JSON.stringify(records, (_, value: unknown) =>
      typeof value === "object" && value !== null && "data" in value ? value.data : value)
  )

/** Splits the text into pieces of this many bytes. */
const cut = (text: Uint8Array, sizes: ReadonlyArray<number>): Array<Uint8Array> => {
  const pieces: Array<Uint8Array> = []
  for (let at = 0, i = 0; at < text.length; i++) {
    const size = sizes[i % sizes.length] ?? 1
    pieces.push(text.subarray(at, at + size))
    at += size
  }
  return pieces
}

const sample = [
  "version: 1",
  "# a comment: é",
  "#  over",
  "  two lines",
  "dn: cn=Zoë 😀,dc=ex",
  " ample",
  "cn: Zoë 😀",
  "photo:: /",
  " w==",
  "",
  "",
  "dn: cn=b,dc=example",
  "control: 1.2.3 true:: AAEC",
  "changetype: modify",
  "add: mail",
  "mail: b@example.org",
  "-",
  "",
  "dn:: Y249YyxkYz1leGFtcGxl",
  "changetype: delete"
]

describe("Ldif.decode", () => {
  it.effect("reads UTF-16 however it is cut, and says where it ends in the middle", () =>
    Effect.gen(function*() {
      const octets = Buffer.from(`\ufeff${sample.join("\n")}`, "utf16le")
      const expected = plain(yield* decode([Buffer.from(sample.join("\n"))]))
      for (const text of [octets, Buffer.from(octets).swap16()]) {
        for (const sizes of [[1], [2], [3, 1], [1000]]) {
          assert.deepStrictEqual(plain(yield* decode(cut(text, sizes))), expected)
        }
      }
      const lone = Buffer.from([0x00, 0xd8, 0x41, 0x00])
      const error = yield* failure([Buffer.from("dn: x=y\ncn: ", "utf16le"), lone])
      assert.strictEqual(error.detail, "not UTF-16, although the text began as UTF-16")
      assert.strictEqual(error.line, 2)
    }))

  it.effect("reads what parse reads, wherever the text is cut", () =>
    Effect.gen(function*() {
      for (const end of ["\n", "\r\n"]) {
        for (const text of [sample.join(end), `\ufeff${sample.join(end)}${end}`, `${sample.join(end)}${end}${end}`]) {
          const expected = plain(Result.getOrThrow(Ldif.parse(text)))
          const octets = Buffer.from(text)
          for (let at = 0; at <= octets.length; at++) {
            assert.deepStrictEqual(plain(yield* decode([octets.subarray(0, at), octets.subarray(at)])), expected)
          }
          for (let at = 0; at <= text.length; at++) {
            assert.deepStrictEqual(plain(yield* decode([text.slice(0, at), text.slice(at)])), expected)
          }
          assert.deepStrictEqual(plain(yield* decode(cut(octets, [1]))), expected)
          assert.deepStrictEqual(plain(yield* decode(text.split(""))), expected)
        }
      }
    }))

  const lines = Arbitrary.schema(Schema.Literals([
    ...sample,
    "dn: x=y",
    "dn: é",
    " ",
    " x",
    "a: \ud83d",
    "a:: AA==",
    "a:: A",
    "-",
    "changetype: add",
    "x",
    "version: 2",
    "\r",
    "a: b\rc",
    "a: \0",
    "a:< file:///etc/hosts",
    ""
  ]))
  const texts = Arbitrary.map(
    Arbitrary.all([
      Arbitrary.schema(Schema.Boolean),
      Arbitrary.array(Arbitrary.schema(Schema.Literals(["dn: x=y\na: é\n", "dn: x\nchangetype: delete\n"])), {
        maxLength: 2
      }),
      Arbitrary.array(lines, { maxLength: 12 })
    ]),
    ([crlf, records, lines]) => [...records, ...lines].join(crlf ? "\r\n" : "\n").toWellFormed()
  )
  const sizes = Arbitrary.array(Arbitrary.schema(Schema.Literals([1, 2, 3, 5, 8, 100])), { minLength: 1, maxLength: 5 })

  it.effect.prop(
    "reads what parse reads, up to the same error in the same line",
    [texts, sizes, Arbitrary.schema(Schema.Boolean)],
    ([text, sizes, strict]) =>
      Effect.gen(function*() {
        const expected = Ldif.parse(text, { strict })
        const read: Array<Ldif.LdifRecord> = []
        const octets = Stream.fromIterable(cut(Buffer.from(text), sizes))
        const result = yield* octets.pipe(
          Ldif.decode({ strict }),
          Stream.runForEach((record) => Effect.sync(() => read.push(record))),
          Effect.result
        )
        if (Result.isSuccess(expected)) {
          assert.isTrue(Result.isSuccess(result))
          assert.deepStrictEqual(plain(read), plain(expected.success))
        } else {
          assert.isTrue(Result.isFailure(result))
          if (Result.isFailure(result)) {
            assert.strictEqual(result.failure.message, expected.failure.message)
            assert.strictEqual(result.failure.line, expected.failure.line)
          }
        }
      }),
    { arbitrary: { runs: 500 } }
  )

  /** Entries, and what could be taken for a part of one. The empty line at the end of each makes it complete in one piece. */
  const entries = Arbitrary.map(
    Arbitrary.array(
      Arbitrary.map(
        Arbitrary.all([
          Arbitrary.schema(
            Schema.Literals(["dn: x", "dn:: eA==", "dn:", "DN: x", "# c\ndn: x", "dn:\n  x", "dn: a\n b"])
          ),
          Arbitrary.array(
            Arbitrary.schema(Schema.Literals([
              "a: b",
              "A:c",
              "a:",
              "a: \tb",
              "bb: x",
              "a:: YQ==",
              "a:: Y",
              "a::",
              "a: b\n  c\n \n d",
              "a:\n : YQ==",
              "a: \n  b",
              "a::\n  YQ\n ==",
              "a\n : b",
              "a;x-1: b",
              "a_: b",
              "a!: b",
              "none",
              "-",
              "# c",
              "# c\n d",
              "dn: y",
              "changetype: add",
              "changetype: modify",
              "control: 1.2",
              "control: b",
              "add: a",
              "newrdn: x",
              "version: 1",
              "a:< file:///x",
              `a: ${"b".repeat(300)}`,
              `a: ${"b".repeat(9000)}`
            ])),
            { maxLength: 6 }
          ),
          Arbitrary.schema(Schema.Literals(["\n\n", "\n\n\n", "\n\n "]))
        ]),
        ([dn, lines, end]) => [dn, ...lines].join("\n") + end
      ),
      { maxLength: 4 }
    ),
    (records) => records.join("")
  )

  it.effect.prop(
    "reads entries at once as it reads them line by line",
    [entries],
    ([text]) =>
      Effect.gen(function*() {
        const read = (pieces: ReadonlyArray<Text>) => {
          const records: Array<Ldif.LdifRecord> = []
          return Stream.fromIterable(pieces).pipe(
            Ldif.decode(),
            Stream.runForEach((record) => Effect.sync(() => records.push(record))),
            Effect.match({
              onSuccess: () => [plain(records)],
              onFailure: ({ message }) => [plain(records), message]
            })
          )
        }
        // In the second no piece contains a whole record.
        assert.deepStrictEqual(yield* read([text]), yield* read(cut(Buffer.from(text), [2, 3])))
      }),
    { arbitrary: { runs: 1_000 } }
  )

  it.effect("takes nothing for a record that continues one of the piece before", () =>
    Effect.gen(function*() {
      const record = "dn: y\nc: d\n\n"
      assert.match((yield* failure(["dn: x\na: b\n", record])).detail, /a second "dn:"/)
      assert.match((yield* failure(["# ", record])).detail, /must begin with "dn:"/)
      const read = yield* decode(["dn: x\na: ", record])
      assert.deepStrictEqual(plain(read), plain(Result.getOrThrow(Ldif.parse(`dn: x\na: ${record}`))))
    }))

  it.effect("gives plain objects", () =>
    Effect.gen(function*() {
      const [record] = yield* decode(["dn: x\na: b\n\n"])
      const expected = {
        _tag: "Entry",
        line: 1,
        dn: "x",
        attributes: [{ description: "a", values: [Buffer.from("b")] }]
      }
      // Also compares prototypes.
      strictAssert.deepStrictEqual(record, expected)
      assert.strictEqual(inspect(record, { depth: 5 }), inspect(expected, { depth: 5 }))
    }))

  it.effect("reads strings cut within a pair of surrogates, and bytes after half of one", () =>
    Effect.gen(function*() {
      const value = (records: ReadonlyArray<Ldif.LdifRecord>) => {
        const [record] = records
        return record?._tag === "Entry" ? Buffer.from(record.attributes[0]?.values[0] ?? []).toString() : undefined
      }
      assert.strictEqual(value(yield* decode(["dn: x\na: \ud83d", "\ude00"])), "😀")
      assert.strictEqual(value(yield* decode(["dn: x\na: \ud83d", "", "\ude00!"])), "😀!")
      for (const input of [["dn: x\na: \ud83d", Buffer.from("b")], ["dn: x\na: \ud83d"], ["dn: x\na: \ude00b\nc: d"]]) {
        const error = yield* Effect.flip(decode(input))
        assert.deepInclude(error, { _tag: "LdifSyntaxError", line: 2 })
      }
      const parsed = Ldif.parse("dn: x\na: \ude00b\nc: d")
      assert.strictEqual(Result.isFailure(parsed) && parsed.failure.line, 2)
    }))

  it.effect("puts a character together that folding has cut", () =>
    Effect.gen(function*() {
      const octets = Buffer.from("dn: x\na: é😀\n")
      for (let at = 8; at < octets.length - 1; at++) {
        const folded = Buffer.concat([octets.subarray(0, at), Buffer.from("\r\n "), octets.subarray(at)])
        assert.deepStrictEqual(plain(yield* decode([folded])), plain(Result.getOrThrow(Ldif.parse("dn: x\na: é😀\n"))))
      }
    }))

  it.effect("gives the records before an error, and the error of the source as it is", () =>
    Effect.gen(function*() {
      const seen: Array<number> = []
      const runs: ReadonlyArray<readonly [string, number]> = [
        ["dn: a\n\ndn: b\n\ndn: c\nno colon\n\ndn: d\n", 6],
        ["dn: a\n\ndn: b\n\n folded\ndn: d\n", 5],
        ["dn: a\n\ndn: b\n\ndn: c\na:: !", 6]
      ]
      for (const [text, line] of runs) {
        seen.length = 0
        const error = yield* Stream.make(text).pipe(
          Ldif.decode(),
          Stream.runForEach((record) => Effect.sync(() => seen.push(record.line))),
          Effect.flip
        )
        assert.strictEqual(error.line, line)
        assert.deepStrictEqual(seen, [1, 3])
      }
      const broken = Stream.concat(Stream.make("dn: a\n\ndn: b"), Stream.fail("broken" as const))
      const dns = yield* broken.pipe(
        Ldif.decode(),
        Stream.map(({ dn }) => dn),
        Stream.catch((error) => Stream.succeed(error)),
        Stream.runCollect
      )
      assert.deepStrictEqual(dns, ["a", "broken"])
    }))

  it.effect("refuses bytes that are not UTF-8, in their line, except in comments", () =>
    Effect.gen(function*() {
      const latin1 = (text: string) => [Buffer.from(text, "latin1")]
      assert.lengthOf(yield* decode(latin1("# Zo\xeb\ndn: x\na: b\n")), 1)
      const error = yield* failure(latin1("dn: x\na: b\nb: Zo\xeb\n"))
      assert.strictEqual(error.line, 3)
      assert.match(error.detail, /UTF-8/)
      assert.strictEqual((yield* failure(latin1("dn: Zo\n \xeb\n"))).line, 1)
    }))

  it.effect("holds lines and records to their limits, before they are complete", () =>
    Effect.gen(function*() {
      const endless = function*(piece: string) {
        for (;;) yield piece
      }
      const long = yield* failure(endless("x".repeat(100)), { maxLineLength: 1000 })
      assert.strictEqual(long.line, 1)
      assert.match(long.detail, /longer than the limit of 1000/)
      const folded = yield* failure(
        (function*() {
          yield "dn: x\na: "
          yield* endless("x\n ")
        })(),
        { maxLineLength: 1000 }
      )
      assert.strictEqual(folded.line, 2)
      assert.strictEqual((yield* failure(endless(`${"x".repeat(10)}\n `), { maxLineLength: 1000 })).line, 1)
      assert.lengthOf(yield* decode([`dn: x\na: ${"b".repeat(17)}`], { maxLineLength: 20 }), 1)
      // All of the record is in one piece.
      assert.strictEqual((yield* failure([`dn: x\na: ${"b".repeat(18)}\n\n`], { maxLineLength: 20 })).line, 2)
      assert.match((yield* failure(["dn: x\na:\n\n"], { maxRecordSize: 134 })).detail, /record is larger than/)
      assert.lengthOf(yield* decode(["dn: x\na:\n\n"], { maxRecordSize: 135 }), 1)
      assert.lengthOf(yield* decode([`dn: x\r\na: ${"b".repeat(10)}\n ${"b".repeat(7)}`], { maxLineLength: 20 }), 1)
      assert.strictEqual((yield* failure([`dn: x\na: ${"b".repeat(18)}`], { maxLineLength: 20 })).line, 2)
      assert.lengthOf(yield* decode([`#${"comment\n ".repeat(100)}\ndn: x\n`], { maxLineLength: 20 }), 1)
      const record = yield* failure(endless("\n\ndn: x\n".repeat(50) + "a:\n".repeat(50)), { maxRecordSize: 2000 })
      assert.match(record.detail, /record is larger than the limit of 2000/)
      assert.strictEqual(record.line, 150)
    }))

  it.effect("refuses by default a line of 100 MB", () =>
    Effect.gen(function*() {
      const pieces = Array.from({ length: 100 }, () => Buffer.alloc(1_000_000, "x"))
      assert.match((yield* failure(pieces)).detail, /limit of 16777216/)
      assert.match((yield* failure([Buffer.alloc(100_000_000, "x")])).detail, /limit of 16777216/)
    }))

  it.effect("answers hostile text with an error in its line", () =>
    Effect.gen(function*() {
      const many = 3_000_000
      const texts: ReadonlyArray<readonly [string, number]> = [
        [`dn: x\na:: ${"AAAA".repeat(many / 4)}`, 0],
        [`dn: x\na:: ${"AAAA".repeat(many / 4)}A`, 2],
        [`dn: x\na: ${"\0".repeat(many)}`, 2],
        ["\0".repeat(many), 1],
        [`dn: x\n\n${" \n".repeat(many / 2)}`, 3],
        [`dn: x\na:< file:///etc/passwd`, 2],
        [`${"\n".repeat(many)}x`, many + 1],
        [`${"#\n".repeat(many / 2)}x`, many / 2 + 1],
        [`#${"\n ".repeat(many)}\nx`, many + 2]
      ]
      for (const [text, line] of texts) {
        if (line === 0) assert.lengthOf(yield* decode([text]), 1)
        else assert.strictEqual((yield* failure([text])).line, line)
      }
    }))

  it.effect("reads no further than it is asked to", () =>
    Effect.gen(function*() {
      let read = 0
      const source = Stream.suspend(() =>
        Stream.fromIterable(
          (function*() {
            for (; read < 1000; read++) yield `dn: uid=${read}\nuid: ${read}\n\n`
          })(),
          { chunkSize: 1 }
        )
      )
      const records = source.pipe(Ldif.decode())
      assert.lengthOf(yield* records.pipe(Stream.take(3), Stream.runCollect), 3)
      assert.isAtMost(read, 5)
      read = 0
      assert.strictEqual(yield* Stream.runCount(records), 1000, "each run reads anew")
    }))

  it.effect("has only a few records in memory", () =>
    Effect.gen(function*() {
      const piece = Buffer.from(`dn: uid=x\nphoto:: ${Buffer.alloc(6000).toString("base64")}\n\n`.repeat(100))
      const count = yield* Stream.make(piece).pipe(
        Stream.repeat(Schedule.recurs(99)),
        Ldif.decode(),
        Stream.chunks,
        Stream.map((chunk) => chunk.length),
        Stream.runFold(() => ({ most: 0, all: 0 }), ({ all, most }, n) => ({ most: Math.max(most, n), all: all + n }))
      )
      assert.strictEqual(count.all, 10_000)
      assert.isAtMost(count.most, 10)
    }))
})

describe("Ldif.encode", () => {
  const records: ReadonlyArray<Ldif.LdifRecord | LdapEntry.LdapEntry> = [
    Ldif.entry("cn=é", { cn: ["é", "x".repeat(200)], photo: Buffer.from([0, 255]) }),
    LdapEntry.make("cn=b", { cn: "b" }),
    LdapEntry.make("cn=c", { "a\nb": "c" }),
    Ldif.modify("cn=b", [LdapModification.replace("cn", "c")], { controls: [LdapControl.make("1.2.3")] })
  ]

  it.effect("writes what format writes, a piece for each record", () =>
    Effect.gen(function*() {
      for (const options of [undefined, { width: 20 }, { width: Infinity }]) {
        const pieces = yield* Stream.fromIterable(records).pipe(Ldif.encode(options), Stream.runCollect)
        assert.strictEqual(pieces.join(""), Ldif.format(records, options))
        assert.lengthOf(pieces, records.length + 1)
      }
      const nothing = yield* Stream.fromIterable<Ldif.LdifRecord>([]).pipe(Ldif.encode(), Stream.runCollect)
      assert.strictEqual(nothing.join(""), Ldif.format([]))
    }))

  it.effect("writes what decode reads", () =>
    Effect.gen(function*() {
      const read = yield* Stream.fromIterable(records).pipe(
        Ldif.encode({ width: 10 }),
        Stream.encodeText,
        Ldif.decode({ strict: true }),
        Stream.runCollect,
        Effect.flip
      )
      assert.match(read.message, /entries and changes/)
      const entries = records.slice(0, 2)
      const again = yield* Stream.fromIterable(entries).pipe(Ldif.encode(), Ldif.decode(), Stream.runCollect)
      assert.strictEqual(Ldif.format(again), Ldif.format(entries))
    }))
})

describe("Ldif.decode, values in files", () => {
  const withDirectory = Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const root = yield* fs.makeTempDirectoryScoped()
    yield* fs.makeDirectory(`${root}/in/deeper`, { recursive: true })
    yield* fs.writeFile(`${root}/in/photo`, Buffer.from([0, 255, 10]))
    yield* fs.writeFile(`${root}/in/deeper/a b`, Buffer.from("deep"))
    yield* fs.writeFile(`${root}/secret`, Buffer.from("secret"))
    yield* fs.makeDirectory(`${root}/in-too`)
    yield* fs.writeFile(`${root}/in-too/secret`, Buffer.from("secret"))
    yield* fs.symlink(`${root}/secret`, `${root}/in/link`)
    yield* fs.symlink(`${root}/in/photo`, `${root}/in/good-link`)
    const read = (text: string, options?: { readonly maxFileSize?: number; readonly maxRecordSize?: number }) =>
      Stream.make(text).pipe(
        Ldif.decode({ ...options, files: { ...options, directory: `${root}/in` } }),
        Stream.runCollect
      )
    return { root, read }
  })

  it.effect("keeps the order of records with files and without", () =>
    Effect.gen(function*() {
      const { read, root } = yield* withDirectory
      const records = yield* read(`dn: a\nphoto:< file://${root}/in/photo\n\ndn: b\nc: d\n\n`)
      assert.deepStrictEqual(records.map(({ dn }) => dn), ["a", "b"])
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer)))

  it.effect("reads them in attributes, changes and controls", () =>
    Effect.gen(function*() {
      const { read, root } = yield* withDirectory
      const url = `file://${root}/in`
      const [entry, change] = yield* read(
        `dn: a\nphoto:< ${url}/photo\nb:<${url}/deeper/a%20b\nc:< ${url}/good-link\n\n` +
          `dn: b\ncontrol: 1.2.3 true:< ${url}/photo\nchangetype: modify\nreplace: x\nx:< ${url}/photo\n-\n`
      )
      const photo = Buffer.from([0, 255, 10])
      assert.deepStrictEqual(
        plain([entry!, change!]),
        plain([
          {
            ...Ldif.entry("a", { photo, b: Buffer.from("deep"), c: photo }),
            line: 1
          },
          {
            ...Ldif.modify("b", [LdapModification.replace("x", photo)], {
              controls: [LdapControl.make("1.2.3", { critical: true, value: photo })]
            }),
            line: 6
          }
        ])
      )
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer)))

  it.effect("reads nothing else, whatever the text says", () =>
    Effect.gen(function*() {
      const { read, root } = yield* withDirectory
      const urls: ReadonlyArray<readonly [string, RegExp]> = [
        [`file://${root}/secret`, /not below/],
        [`file://${root}/in/../secret`, /not below/],
        [`file://${root}/in/%2e%2e/secret`, /not below/],
        [`file://${root}/in-too/secret`, /not below/],
        [`file://${root}/in/link`, /not below/],
        [`file://${root}/in`, /not below/],
        [`file://${root}/in/deeper`, /not a regular file/],
        [`file://${root}/in/none`, /NotFound/],
        [`file://${root}/in/photo%00`, /./],
        [`file://${root}/in%2Fphoto`, /name a file/],
        ["file://elsewhere/in/photo", /name a file/],
        ["http://localhost/photo", /only file:/],
        ["/etc/hosts", /not a URL/],
        ["", /not a URL/]
      ]
      for (const [url, detail] of urls) {
        const error = yield* Effect.flip(read(`dn: a\nb: c\nphoto:< ${url}\n`))
        if (error._tag !== "LdifFileError") return assert.fail(`${url}: ${inspect(error)}`)
        assert.deepStrictEqual([error.line, error.url], [3, url])
        assert.match(error.detail, detail)
      }
      for (const field of ["dn", "changetype", "newrdn"]) {
        const error = yield* Effect.flip(read(`dn: a\n${field}:< file://${root}/in/photo\n`))
        assert.strictEqual(error._tag, "LdifSyntaxError", field)
      }
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer)))

  it.effect("reads no more than the limits allow", () =>
    Effect.gen(function*() {
      const { read, root } = yield* withDirectory
      const line = `photo:< file://${root}/in/photo\n`
      assert.lengthOf(yield* read(`dn: a\n${line}`, { maxFileSize: 3 }), 1)
      const large = yield* Effect.flip(read(`dn: a\n${line}`, { maxFileSize: 2 }))
      assert.isTrue(large._tag === "LdifFileError" && /limit of 2 bytes/.test(large.detail))
      const fs = yield* FileSystem.FileSystem
      yield* fs.writeFile(`${root}/in/large`, Buffer.alloc(5000))
      const record = yield* Effect.flip(
        read(`dn: a\nb:< file://${root}/in/large\nb:< file://${root}/in/large\n`, { maxRecordSize: 9000 })
      ).pipe(Effect.provide(NodeFileSystem.layer))
      assert.isTrue(record._tag === "LdifSyntaxError" && record.line === 3)
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer)))

  it.effect("gives the records before the one whose file is missing", () =>
    Effect.gen(function*() {
      const { read: _, root } = yield* withDirectory
      const dns: Array<string> = []
      const error = yield* Stream.make(`dn: a\n\ndn: b\nc:< file://${root}/in/none\n\ndn: d\n\nbad`).pipe(
        Ldif.decode({ files: { directory: `${root}/in` } }),
        Stream.runForEach(({ dn }) => Effect.sync(() => dns.push(dn))),
        Effect.flip
      )
      assert.deepStrictEqual(dns, ["a"])
      assert.strictEqual(error._tag, "LdifFileError")
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer)))
})
