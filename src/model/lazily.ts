/**
 * Calls a function when its result is wanted for the first time, and keeps the result: for tables that not every program needs, since
 * what a module makes when it is loaded costs each program that imports the library.
 */
export const lazily = <A>(make: () => A): () => A => {
  let made: A | undefined
  return () => made ??= make()
}
