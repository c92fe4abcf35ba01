/**
 * A service that moves from ldapts to Effect in two steps: `node examples/from-ldapts/main.ts` runs all three forms of it, one after the
 * other, on the same directory.
 */
import { Console, Effect, Layer, Option, Redacted } from "effect"
import { LdapAuth, LdapClient } from "../../src/index.ts"
import * as Ldapts from "./1-ldapts.ts"
import * as DropIn from "./2-drop-in.ts"
import * as Effects from "./3-effect.ts"
import { serve } from "./directory.ts"

const withPromises = async (book: Ldapts.PhoneBook | DropIn.PhoneBook): Promise<ReadonlyArray<unknown>> => {
  await book.open()
  try {
    await book.setPhone("ada", "+44 20 1234")
    return [
      (await book.find("ada@example.org"))?.phone,
      await book.setPhone("charles", "1"),
      await book.logIn("ada", "ada's password"),
      await book.logIn("ada", "wrong")
    ]
  } finally {
    await book.close()
  }
}

const withEffects = Effect.gen(function*() {
  const book = yield* Effects.PhoneBook
  yield* book.setPhone("ada", "+44 20 1234")
  return [
    Option.getOrUndefined(yield* book.find("ada@example.org"))?.phone,
    yield* book.setPhone("charles", "1"),
    yield* book.logIn("ada", Redacted.make("ada's password")),
    yield* book.logIn("ada", Redacted.make("wrong"))
  ]
})

const program = Effect.gen(function*() {
  const { settings } = yield* serve
  const { bindDn, password, url } = settings
  const layer = Layer.provide(
    Effects.PhoneBook.layer,
    LdapClient.layer({ url, auth: LdapAuth.simple(bindDn, Redacted.make(password)) })
  )
  const show = (step: string, results: ReadonlyArray<unknown>) =>
    Console.log(`${step.padEnd(12)} ${results.join(", ")}`)
  yield* show("ldapts", yield* Effect.promise(() => withPromises(new Ldapts.PhoneBook(settings))))
  yield* show("drop-in", yield* Effect.promise(() => withPromises(new DropIn.PhoneBook(settings))))
  yield* show("Effect", yield* Effect.provide(withEffects, layer))
})

await Effect.runPromise(Effect.scoped(program))
