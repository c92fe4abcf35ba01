/** Bytes that are not the BER element that was expected. `offset` counts from the start of the message. */
export class BerError extends Error {
  readonly offset: number
  constructor(message: string, offset: number) {
    super(message)
    this.name = "BerError"
    this.offset = offset
  }
}
