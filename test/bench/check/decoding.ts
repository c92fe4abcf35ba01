/** Decoding entries, beside ldapts' parser. */
import type { Decoder } from "../decode.ts"
import { decoders, streamOf } from "../decode.ts"
import { foreignPerson, person } from "../servers/directory.ts"
import type { Pair, Pairs } from "./Pair.ts"

const ascii = streamOf(person, 3_000)
const foreign = streamOf(foreignPerson, 3_000)

const beside = (decoder: Decoder, chunks: ReadonlyArray<Buffer>, other: Decoder = "ldapts"): Pair => ({
  own: () => decoders[decoder](chunks),
  other: () => decoders[other](chunks)
})

export const make = (): Promise<Pairs> =>
  Promise.resolve({
    pairs: {
      untouched: beside("untouched", ascii),
      "two values": beside("two values", ascii),
      "all as text": beside("strings", ascii),
      "all as text, not ASCII": beside("strings", foreign),
      classes: beside("classes", ascii),
      "entries kept": beside("strings, kept", ascii, "ldapts, kept"),
      "records kept": beside("records, kept", ascii, "ldapts, kept")
    }
  })
