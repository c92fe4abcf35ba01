/**
 * What plain records cost if they are kept: those of `toRecord`, ldapts' objects, and the least that makes the same objects from
 * prepared values, without messages and without decoding. CPU of a pass over 20,000 people, whose results are kept until it ends,
 * and the heap that they take. Each is measured in five processes of its own, in turns.
 *
 *     node test/bench/kept.ts
 */
import { decoders, measurePasses, streamOf } from "./decode.ts"
import { answerOf } from "./Process.ts"
import { median } from "./report/statistics.ts"
import { person, type Record } from "./servers/directory.ts"

const entries = 20_000
const processes = 5

/** A person, prepared: its text, and where each value begins and ends in it. */
interface Prepared {
  readonly dn: string
  readonly bytes: Buffer
  /** The places of the values of each attribute. */
  readonly places: ReadonlyArray<ReadonlyArray<number>>
  readonly values: ReadonlyArray<ReadonlyArray<string>>
}

const prepared = ({ attributes, dn }: Record): Prepared => {
  const values = attributes.map(([, values]) => values.map(String))
  let text = ""
  const places = values.map((values) =>
    values.flatMap((value) => {
      text += value
      return [text.length - value.length, text.length]
    })
  )
  return { dn, bytes: Buffer.from(text, "latin1"), places, values }
}

/** Makes objects of one shape, as fast as the runtime can: with a function that has the names of all attributes. */
const objectsOf = (names: ReadonlyArray<string>): (values: ReadonlyArray<unknown>) => object =>
  // oxlint-disable-next-line typescript/no-implied-eval -- the names are those of the benchmark
  new Function("values", `return {${names.map((name, i) => `${JSON.stringify(name)}: values[${i}]`).join(",")}}`) as (
    values: ReadonlyArray<unknown>
  ) => object

const cut = (text: string, places: ReadonlyArray<number>): ReadonlyArray<string> => {
  if (places.length === 2) return [text.substring(places[0]!, places[1])]
  const found = new Array<string>(places.length >> 1)
  for (let i = 0; i < found.length; i++) found[i] = text.substring(places[2 * i]!, places[2 * i + 1])
  return found
}

/** Each returns a function that makes and keeps the results of a pass. */
const ways: { readonly [way: string]: () => () => unknown } = {
  "toRecord": () => {
    const chunks = streamOf(person, entries)
    return () => decoders["records, kept"](chunks)
  },
  "ldapts": () => {
    const chunks = streamOf(person, entries)
    return () => decoders["ldapts, kept"](chunks)
  },
  "the least: objects, arrays, one text cut into values": () =>
    least((one) => {
      const text = one.bytes.toString("latin1")
      return one.places.map((places) => cut(text, places))
    }),
  "objects, arrays, the same strings in each pass": () => least(({ values }) => values.map((values) => values.slice())),
  "objects with the same arrays and strings in each pass": () => least(({ values }) => values)
}

const least = (valuesOf: (one: Prepared) => ReadonlyArray<unknown>): () => unknown => {
  const people = Array.from({ length: entries }, (_, i) => person(i))
  const all = people.map(prepared)
  const make = objectsOf(people[0]!.attributes.map(([name]) => name))
  return () => all.map((one) => ({ dn: one.dn, attributes: make(valuesOf(one)) }))
}

interface Answer {
  readonly millis: ReadonlyArray<number>
  readonly octets: number
}

const measure = (way: string): Answer => {
  const pass = ways[way]!()
  const millis = measurePasses(pass)
  globalThis.gc!()
  const before = process.memoryUsage()
  const result = pass()
  globalThis.gc!()
  const after = process.memoryUsage()
  if (result === undefined) throw new Error("nothing was kept")
  const octets = after.heapUsed + after.external - before.heapUsed - before.external
  return { millis, octets }
}

if (process.argv[2] === "--way") console.log(JSON.stringify(measure(process.argv[3]!)))
else {
  const found = new Map<string, Array<Answer>>(Object.keys(ways).map((way) => [way, []]))
  for (let i = 0; i < processes; i++) {
    for (const [way, answers] of found) {
      const answer = await answerOf(process.execPath, ["--expose-gc", import.meta.filename, "--way", way])
      if (answer !== undefined) answers.push(answer as Answer)
    }
  }
  const [own, theirs] = ["toRecord", "ldapts"].map((way) => median(found.get(way)!.flatMap(({ millis }) => millis)))
  console.log(`ldapts takes ${(theirs! / own!).toFixed(2)} times the CPU of toRecord\n`)
  console.log("| | CPU ms of a pass, least | median | most | heap for an entry |\n|---|---|---|---|---|")
  for (const [way, answers] of found) {
    const millis = answers.flatMap(({ millis }) => millis)
    const octets = median(answers.map(({ octets }) => octets)) / entries
    const figures = [Math.min(...millis), median(millis), Math.max(...millis)].map((figure) => figure.toFixed(0))
    console.log(`| ${way} | ${figures.join(" | ")} | ${octets.toFixed(0)} |`)
  }
}
