/**
 * The memory of a process that has one session and does nothing, compared with a process that only imports the same modules of
 * Effect and of Node, and with ldapts. On a build, as Node loads it: stripping types takes memory as well.
 *
 *     node test/bench/idle.ts URL [PROCESSES]
 */
import { buildPackage, type BuiltPackage } from "./imports.ts"
import { answerOf } from "./Process.ts"
import { median } from "./report/statistics.ts"
import { admin } from "./servers/directory.ts"

/** Megabytes of resident memory, and their differences, each the median of the processes. */
export interface IdleMemory {
  readonly dependencies: number
  readonly session: number
  readonly ldapts: number
  readonly over: number
}

/** In milliseconds, how long a process does nothing before it is measured. */
const rest = 500

const programs = ({ dependencies, entry }: BuiltPackage, url: string) => ({
  dependencies: dependencies("LdapSession").map((name) => `import ${JSON.stringify(name)}`).join("\n"),
  session: `
    import * as Effect from "effect/Effect"
    import * as Redacted from "effect/Redacted"
    import * as Scope from "effect/Scope"
    import * as LdapSession from ${JSON.stringify(entry("LdapSession"))}
    import * as LdapAuth from ${JSON.stringify(entry("LdapAuth"))}
    const auth = LdapAuth.simple(${JSON.stringify(admin.dn)}, Redacted.make(${JSON.stringify(admin.password)}))
    await Effect.runPromise(
      Scope.provide(LdapSession.make({ url: ${JSON.stringify(url)}, auth }), Scope.makeUnsafe())
    )`,
  ldapts: `
    import { Client } from "ldapts"
    await new Client({ url: ${JSON.stringify(url)} }).bind(${JSON.stringify(admin.dn)}, ${
    JSON.stringify(admin.password)
  })`
})

const resident = async (program: string): Promise<number> => {
  const code = `${program}
    setTimeout(() => {
      console.log(process.memoryUsage.rss() / 1_048_576)
      process.exit()
    }, ${rest})`
  const found = await answerOf(process.execPath, ["--input-type=module", "--eval", code])
  if (typeof found !== "number") throw new Error("a process of the idle part has failed")
  return found
}

export const measureIdle = async (url: string, processes: number): Promise<IdleMemory> => {
  const built = buildPackage()
  try {
    const { dependencies, ldapts, session } = programs(built, url)
    const all: Array<Omit<IdleMemory, "over">> = []
    for (let i = 0; i < processes; i++) {
      all.push({
        dependencies: await resident(dependencies),
        session: await resident(session),
        ldapts: await resident(ldapts)
      })
    }
    return {
      dependencies: median(all.map(({ dependencies }) => dependencies)),
      session: median(all.map(({ session }) => session)),
      ldapts: median(all.map(({ ldapts }) => ldapts)),
      over: median(all.map(({ dependencies, session }) => session - dependencies))
    }
  } finally {
    built.remove()
  }
}

if (import.meta.main) console.log(await measureIdle(process.argv[2] ?? "", Number(process.argv[3] ?? 5)))
