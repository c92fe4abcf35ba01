import { beforeAll } from "vitest"
import { whenReady } from "../running.ts"

/**
 * Makes the tests of a `describe`, or of the whole file, wait for a server that starts while other tests run. If `inject` returned
 * `undefined`, there is nothing to wait for.
 */
export const waitFor = (server: { readonly directory: string } | undefined): void => {
  if (server !== undefined) beforeAll(() => whenReady(server), 300_000)
}
