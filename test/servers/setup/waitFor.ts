import { beforeAll } from "vitest"
import { whenReady } from "../running.ts"

/**
 * Makes the tests beside it, or of the whole file, wait for a server that starts while other tests run. Undefined, as
 * `inject` has it where there is none, needs no wait.
 */
export const waitFor = (server: { readonly directory: string } | undefined): void => {
  if (server !== undefined) beforeAll(() => whenReady(server), 300_000)
}
