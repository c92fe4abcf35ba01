/** All three forms of the service do the same; where they differ is what README.md promises. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Option, Redacted, type Scope } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { LdapAuth, LdapClient } from "../../src/index.ts"
import * as Ldapts from "./1-ldapts.ts"
import * as DropIn from "./2-drop-in.ts"
import * as Effects from "./3-effect.ts"
import { serve } from "./directory.ts"

/** What all forms can do, as effects. */
interface Book {
  readonly find: (mail: string) => Effect.Effect<Ldapts.Person | undefined>
  readonly setPhone: (uid: string, phone: string) => Effect.Effect<boolean>
  readonly logIn: (uid: string, password: string) => Effect.Effect<boolean>
}

const promised =
  (PhoneBook: typeof Ldapts.PhoneBook | typeof DropIn.PhoneBook) =>
  (settings: Ldapts.Settings): Effect.Effect<Book, never, Scope.Scope> =>
    Effect.map(
      Effect.acquireRelease(
        Effect.promise(async () => {
          const book = new PhoneBook(settings)
          await book.open()
          return book
        }),
        (book) => Effect.promise(() => book.close())
      ),
      (book) => ({
        find: (mail) => Effect.promise(() => book.find(mail)),
        setPhone: (uid, phone) => Effect.promise(() => book.setPhone(uid, phone)),
        logIn: (uid, password) => Effect.promise(() => book.logIn(uid, password))
      })
    )

const steps: ReadonlyArray<
  readonly [string, (settings: Ldapts.Settings) => Effect.Effect<Book, never, Scope.Scope>]
> = [
  ["ldapts", promised(Ldapts.PhoneBook)],
  ["the drop-in", promised(DropIn.PhoneBook)],
  ["Effect", ({ bindDn, password, url }) =>
    Effects.PhoneBook.layer.pipe(
      Layer.provide(LdapClient.layer({ url, auth: LdapAuth.simple(bindDn, Redacted.make(password)) })),
      Layer.build,
      Effect.orDie,
      Effect.map((context): Book => {
        const book = Context.get(context, Effects.PhoneBook)
        return {
          find: (mail) => Effect.orDie(Effect.map(book.find(mail), Option.getOrUndefined)),
          setPhone: (uid, phone) => Effect.orDie(book.setPhone(uid, phone)),
          logIn: (uid, password) => Effect.orDie(book.logIn(uid, Redacted.make(password)))
        }
      })
    )]
]

describe.each(steps)("%s", (_, open) => {
  it.live("finds, changes, logs in, and unbinds each connection once", () =>
    Effect.scoped(
      Effect.gen(function*() {
        const { directory, settings } = yield* serve
        yield* Effect.scoped(Effect.gen(function*() {
          const book = yield* open(settings)
          const ada = { uid: "ada", name: "Ada Lovelace" }
          assert.deepStrictEqual(yield* book.find("ada@example.org"), { ...ada, phone: undefined })
          assert.isUndefined(yield* book.find("*"))
          assert.isTrue(yield* book.setPhone("ada", "1815"))
          assert.isFalse(yield* book.setPhone("charles", "1791"))
          assert.deepStrictEqual(yield* book.find("ada@example.org"), { ...ada, phone: "1815" })
          assert.isTrue(yield* book.logIn("ada", "ada's password"))
          assert.isFalse(yield* book.logIn("ada", "wrong"))
        }))
        const connections = yield* directory.awaitClosed
        assert.isAbove(connections.length, 1)
        for (const { octetsAfterUnbind, unbinds } of connections)
          assert.deepStrictEqual([unbinds, octetsAfterUnbind], [1, 0])
      })
    ))
})

it("the second step changes one import and nothing else", () => {
  // Without the comment at the top; how the line of the import is broken says nothing.
  const [first, second] = ["1-ldapts.ts", "2-drop-in.ts"].map((file) =>
    readFileSync(join(import.meta.dirname, file), "utf8").replace(/^\/\*\*.*?\*\//s, "").replaceAll(/\s+/g, " ")
  )
  assert.strictEqual(second, first!.replace("from \"ldapts\"", "from \"../../src/ldapts.ts\""))
})
