/** A broken promise. */
export class Broken extends Error {
  override readonly name = "Broken"
}

export const broken = (promise: string): never => {
  throw new Broken(promise)
}
