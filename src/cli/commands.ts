/**
 * The commands by their names. A command is loaded when it is called, since the start takes as long as the files that it loads.
 */
import * as Effect from "effect/Effect"

/** In the groups of the help. */
const groups = {
  Read: {
    search: () => import("./commands/read/search.ts").then(({ search }) => search),
    lookup: () => import("./commands/read/lookup.ts").then(({ lookup }) => lookup),
    compare: () => import("./commands/read/compare.ts").then(({ compare }) => compare),
    whoami: () => import("./commands/read/whoami.ts").then(({ whoami }) => whoami),
    login: () => import("./commands/read/login.ts").then(({ login }) => login),
    groups: () => import("./commands/read/groups.ts").then(({ groups }) => groups),
    members: () => import("./commands/read/members.ts").then(({ members }) => members),
    tree: () => import("./commands/read/tree.ts").then(({ tree }) => tree)
  },
  Write: {
    apply: () => import("./commands/write/apply.ts").then(({ apply }) => apply),
    add: () => import("./commands/write/add.ts").then(({ add }) => add),
    modify: () => import("./commands/write/modify.ts").then(({ modify }) => modify),
    delete: () => import("./commands/write/delete.ts").then(({ remove }) => remove),
    rename: () => import("./commands/write/rename.ts").then(({ rename }) => rename),
    passwd: () => import("./commands/write/passwd.ts").then(({ passwd }) => passwd)
  },
  Data: {
    diff: () => import("./commands/data/diff.ts").then(({ diff }) => diff),
    export: () => import("./commands/data/export.ts").then(({ exportEntries }) => exportEntries),
    import: () => import("./commands/data/import.ts").then(({ importEntries }) => importEntries),
    transform: () => import("./commands/data/transform.ts").then(({ transform }) => transform),
    schema: () => import("./commands/data/schema.ts").then(({ schema }) => schema)
  },
  Servers: {
    check: () => import("./commands/server/check.ts").then(({ check }) => check),
    watch: () => import("./commands/server/watch.ts").then(({ watch }) => watch),
    replica: () => import("./commands/replica/replica.ts").then(({ replica }) => replica),
    bench: () => import("./commands/server/bench.ts").then(({ bench }) => bench)
  }
}

const byName = { ...groups.Read, ...groups.Write, ...groups.Data, ...groups.Servers }

const isName = (name: string | undefined): name is keyof typeof byName =>
  name !== undefined && Object.hasOwn(byName, name)

/** The command of a name; `undefined` if there is none. */
export const commandNamed = (name: string | undefined) =>
  isName(name) ? Effect.promise(async () => await byName[name]()) : undefined

/** All commands, in their groups. */
export const allCommands = Effect.promise(async () => [
  { group: "Read", commands: await Promise.all(Object.values(groups.Read).map((load) => load())) },
  { group: "Write", commands: await Promise.all(Object.values(groups.Write).map((load) => load())) },
  { group: "Data", commands: await Promise.all(Object.values(groups.Data).map((load) => load())) },
  { group: "Servers", commands: await Promise.all(Object.values(groups.Servers).map((load) => load())) }
])
