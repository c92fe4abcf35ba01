/** The command line as the package has it, bundled into one file. It starts much faster than the sources. */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { rolldown } from "rolldown"
import configs from "../../rolldown.config.ts"

/** Builds it into a folder of its own, and says where. The caller removes it. */
export const buildCli = async (): Promise<{ readonly main: string; readonly remove: () => void }> => {
  const folder = mkdtempSync(join(tmpdir(), "effect-ldap-built-"))
  const config = (Array.isArray(configs) ? configs : [configs]).find(({ input }) =>
    typeof input === "object" && "effect-ldap" in input
  )
  if (config === undefined || Array.isArray(config.output)) throw new Error("rolldown.config.ts has no command line")
  const { output, ...input } = config
  const bundle = await rolldown(input)
  await bundle.write({ ...output, dir: join(folder, "dist/bin") })
  await bundle.close()
  copyFileSync(join(import.meta.dirname, "../../package.json"), join(folder, "package.json"))
  return {
    main: join(folder, "dist/bin/effect-ldap.js"),
    remove: () => rmSync(folder, { recursive: true, force: true })
  }
}
