/**
 * Extended operations as values (RFC 4511 section 4.12), and the unsolicited notifications of a server. The type of these
 * values, and how to define your own, is in LdapExtendedOperation.ts. The session sends them.
 *
 * @since 0.1.0
 */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { type BerReader, Tag } from "../ber/BerReader.ts"
import * as Ber from "../model/control/LdapControlBer.ts"
import { LdapControl } from "../model/control/LdapControlType.ts"
import { define, type ExtendedOperation, notice, type UnsolicitedNotice } from "./LdapExtendedOperation.ts"

export { define, ExtendedError, type ExtendedOperation, type UnsolicitedNotice } from "./LdapExtendedOperation.ts"

const noRequest = (): undefined => undefined

/** Some servers send an empty value instead of none; both mean the same. */
const noResponse = (value: Uint8Array | undefined): Result.Result<void, string> =>
  value === undefined || value.length === 0 ? Result.void : Result.fail("the answer has a value")

// ---------------------------------------------------------------------------------------------------------------------
// Connections and identities
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Starts TLS on the connection (RFC 4511 section 4.14). The session does it if its config says so. Sent as an ordinary operation,
 * it would leave the connection without a TLS handshake.
 *
 * @category operations
 * @since 0.1.0
 */
export const startTls: ExtendedOperation<void, void> = define({
  oid: "1.3.6.1.4.1.1466.20037",
  name: "StartTLS",
  encode: noRequest,
  decode: noResponse
})

/**
 * Asks the server for the authorization identity of the connection (RFC 4532): `dn:` and a name, `u:` and a user id, or an empty
 * text for anonymous. Blanks that 389 Directory Server puts before the name are removed.
 *
 * @category operations
 * @since 0.1.0
 */
export const whoAmI: ExtendedOperation<void, string> = define({
  oid: "1.3.6.1.4.1.4203.1.11.3",
  name: "who am I",
  encode: noRequest,
  decode: (value) => Result.succeed(value === undefined ? "" : Ber.utf8(value).replace(/^dn: +/, "dn:"))
})

/**
 * Makes simple binds on this connection check passwords only (MS-ADTS 3.1.1.3.4.2.1): the connection stays anonymous, and Active
 * Directory does not look up the user's groups.
 *
 * @category operations
 * @since 0.1.0
 */
export const fastBind: ExtendedOperation<void, void> = define({
  oid: "1.2.840.113556.1.4.1781",
  name: "fast bind",
  encode: noRequest,
  decode: noResponse
})

// ---------------------------------------------------------------------------------------------------------------------
// Passwords
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The user, the old password and the new one.
 *
 * @category models
 * @since 0.1.0
 */
export interface PasswordModifyRequest {
  /** Usually a distinguished name. Default: the user of the session. */
  readonly userIdentity?: string | undefined
  /** The current password, if the server requires it. Default: none. */
  readonly oldPassword?: Redacted.Redacted<string | Uint8Array> | undefined
  /** Default: the server generates one. */
  readonly newPassword?: Redacted.Redacted<string | Uint8Array> | undefined
}

/**
 * The value of a Password Modify response.
 *
 * @category models
 * @since 0.1.0
 */
export interface PasswordModifyResponse {
  /** Present if no new password was given. */
  readonly generatedPassword: Redacted.Redacted | undefined
}

/**
 * Changes a password (RFC 3062), however the server stores it.
 *
 * **Details**
 *
 * The passwords travel in clear text inside the connection, so servers want TLS; 389 Directory Server refuses the operation
 * without it.
 *
 * @category operations
 * @since 0.1.0
 */
export const passwordModify: ExtendedOperation<PasswordModifyRequest, PasswordModifyResponse> = define({
  oid: "1.3.6.1.4.1.4203.1.11.1",
  name: "password modify",
  encode: ({ newPassword, oldPassword, userIdentity }: PasswordModifyRequest) => {
    // A request value needs at least one field (section 2.1).
    if (userIdentity === undefined && oldPassword === undefined && newPassword === undefined) return undefined
    return Ber.written((writer) => {
      writer.start()
      if (userIdentity !== undefined) writer.octets(userIdentity, 0x80)
      if (oldPassword !== undefined) writer.octets(Redacted.value(oldPassword), 0x81)
      if (newPassword !== undefined) writer.octets(Redacted.value(newPassword), 0x82)
      writer.end()
    })
  },
  decode: (value): Result.Result<PasswordModifyResponse> => {
    if (value === undefined || value.length === 0) return Result.succeed({ generatedPassword: undefined })
    const generated = Ber.readAll(
      value,
      (reader) => Ber.sequence(reader, (content) => content.peek() === 0x80 ? Ber.text(content, 0x80) : undefined)
    )
    const generatedPassword = generated === undefined ? undefined : Redacted.make(generated)
    return Result.succeed({ generatedPassword })
  }
})

// ---------------------------------------------------------------------------------------------------------------------
// Cancelling
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Cancels the operation that has this message id, which then ends in `Canceled` (RFC 3909). Unlike an abandon it has a
 * response: it fails with `NoSuchOperation`, `TooLate` or `CannotCancel`.
 *
 * @category operations
 * @since 0.1.0
 */
export const cancel: ExtendedOperation<{ readonly messageId: number }, void> = define({
  oid: "1.3.6.1.1.8",
  name: "cancel",
  encode: ({ messageId }: { readonly messageId: number }) =>
    Ber.written((writer) => {
      writer.start()
      Ber.writeWhole(writer, messageId, "message id", 1)
      writer.end()
    }),
  decode: noResponse
})

// ---------------------------------------------------------------------------------------------------------------------
// Transactions
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Starts a transaction (RFC 5805 section 2.1). The answer is its identifier, for `LdapControl.transactionSpecification`
 * on each update and for {@link endTransaction}; it may be empty, as slapd's is.
 *
 * @category operations
 * @since 0.1.0
 */
export const startTransaction: ExtendedOperation<void, Uint8Array> = define({
  oid: "1.3.6.1.1.21.1",
  name: "start transaction",
  encode: noRequest,
  decode: (value) => Result.succeed(new Uint8Array(value ?? []))
})

/**
 * The value of a request that ends a transaction.
 *
 * @category models
 * @since 0.1.0
 */
export interface EndTransactionRequest {
  /** The identifier of the transaction, from the response to its start. */
  readonly identifier: Uint8Array
  /** Whether the server commits the updates or discards them. Default true. */
  readonly commit?: boolean | undefined
}

/**
 * The value of the response at the end of a transaction.
 *
 * @category models
 * @since 0.1.0
 */
export interface EndTransactionResponse {
  /** The update that failed, if the transaction failed. */
  readonly failedMessageId: number | undefined
  /** The controls that the answers to the updates would have had, by message id. */
  readonly updateControls: ReadonlyArray<{
    readonly messageId: number
    readonly controls: ReadonlyArray<LdapControl>
  }>
}

/**
 * Ends a transaction (RFC 5805 section 2.3). A response that is not a success has a value too: it says which update failed.
 *
 * @category operations
 * @since 0.1.0
 */
export const endTransaction: ExtendedOperation<EndTransactionRequest, EndTransactionResponse> = define({
  oid: "1.3.6.1.1.21.3",
  name: "end transaction",
  encode: ({ commit = true, identifier }: EndTransactionRequest) =>
    Ber.written((writer) => {
      writer.start()
      Ber.writeFlag(writer, commit, true)
      writer.octets(identifier)
      writer.end()
    }),
  decode: (value): Result.Result<EndTransactionResponse> =>
    Result.succeed(
      value === undefined || value.length === 0
        ? { failedMessageId: undefined, updateControls: [] }
        : Ber.readAll(value, (reader) =>
          Ber.sequence(reader, (content) => ({
            failedMessageId: content.peek() === Tag.integer ? Ber.whole(content, "message id") : undefined,
            updateControls: content.peek() === Tag.sequence ? Ber.list(content, readUpdateControls) : []
          })))
    )
})

const readUpdateControls = (updates: BerReader): EndTransactionResponse["updateControls"][number] =>
  Ber.sequence(updates, (update) => {
    const messageId = Ber.whole(update, "message id")
    return { messageId, controls: Ber.list(update, readControl) }
  })

const readControl = (controls: BerReader): LdapControl =>
  Ber.sequence(controls, (control) => {
    const oid = Ber.text(control)
    const critical = Ber.flag(control, false)
    return new LdapControl({ oid, critical, value: Ber.optionalBytes(control) })
  })

// ---------------------------------------------------------------------------------------------------------------------
// Dynamic entries
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The value of a request that refreshes a dynamic entry.
 *
 * @category models
 * @since 0.1.0
 */
export interface TtlRefreshRequest {
  /** The name of the entry. */
  readonly dn: string
  /** How long the entry should live from now on: 1 to 31557600 seconds. */
  readonly seconds: number
}

/**
 * Prolongs the life of a dynamic entry (RFC 2589 section 4). The response is the time that the server grants, in seconds; it may
 * differ from the request.
 *
 * @category operations
 * @since 0.1.0
 */
export const ttlRefresh: ExtendedOperation<TtlRefreshRequest, number> = define({
  oid: "1.3.6.1.4.1.1466.101.119.1",
  name: "TTL refresh",
  encode: ({ dn, seconds }: TtlRefreshRequest) =>
    Ber.written((writer) => {
      if (seconds > 31557600) throw new RangeError(`${seconds} seconds are more than 31557600`)
      writer.start()
      writer.octets(dn, 0x80)
      Ber.writeWhole(writer, seconds, "number of seconds", 1, 0x81)
      writer.end()
    }),
  decode: (value) =>
    value === undefined
      ? Result.fail("the answer has no value")
      : Result.succeed(
        Ber.readAll(value, (reader) =>
          Ber.sequence(reader, (content) => Ber.whole(content, "number of seconds", 0, 0x81)))
      )
})

// ---------------------------------------------------------------------------------------------------------------------
// Notices
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The server is about to close the connection (RFC 4511 section 4.4.1); the result code says why. The connection ends whatever
 * value the notification carries.
 *
 * @category notices
 * @since 0.1.0
 */
export const noticeOfDisconnection: UnsolicitedNotice<void> = notice(
  "1.3.6.1.4.1.1466.20036",
  "notice of disconnection",
  () => Result.void
)

/**
 * The server aborted the transaction with this identifier (RFC 5805 section 2.4); the result code says why.
 *
 * @category notices
 * @since 0.1.0
 */
export const abortedTransactionNotice: UnsolicitedNotice<Uint8Array> = notice(
  "1.3.6.1.1.21.4",
  "aborted transaction notice",
  (value) =>
    value === undefined ? Result.fail("there is no transaction identifier") : Result.succeed(new Uint8Array(value))
)
