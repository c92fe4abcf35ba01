/** The message of a thrown value of any type. */
export const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
