/**
 * The messages of LDAPv3 (RFC 4511 section 4) as plain data. Requests and responses share one set of types, since the directory
 * for tests speaks the same protocol from the other end. Bytes are the business of the encoder, the decoder and the parser beside
 * this file.
 *
 * @since 0.1.0
 */
import type { LdapControl } from "../model/control/LdapControl.ts"
import type { LdapAttribute, LdapEntry } from "../model/entry/LdapEntry.ts"
import type { LdapFilter } from "../model/filter/LdapFilter.ts"
import type { LdapResult } from "../model/LdapError.ts"
import type { LdapModification } from "../model/LdapModification.ts"

export type { LdapResult } from "../model/LdapError.ts"
export type { LdapAttribute } from "../model/entry/LdapEntry.ts"

/**
 * The envelope of every operation (RFC 4511 section 4.1.1). A response carries the message id of its request; 0 is reserved for
 * unsolicited notifications.
 *
 * @category models
 * @since 0.1.0
 */
export interface LdapMessage<Operation extends ProtocolOperation = ProtocolOperation> {
  readonly messageId: number
  readonly operation: Operation
  readonly controls: ReadonlyArray<LdapControl>
}

/**
 * @category models
 * @since 0.1.0
 */
export type ProtocolOperation = RequestOperation | ResponseOperation

/**
 * What a client sends.
 *
 * @category models
 * @since 0.1.0
 */
export type RequestOperation =
  | BindRequest
  | UnbindRequest
  | SearchRequest
  | ModifyRequest
  | AddRequest
  | DeleteRequest
  | ModifyDnRequest
  | CompareRequest
  | AbandonRequest
  | ExtendedRequest

/**
 * What a server sends.
 *
 * @category models
 * @since 0.1.0
 */
export type ResponseOperation =
  | BindResponse
  | SearchResultEntry
  | SearchResultReference
  | SearchResultDone
  | ModifyResponse
  | AddResponse
  | DeleteResponse
  | ModifyDnResponse
  | CompareResponse
  | ExtendedResponse
  | IntermediateResponse

/**
 * The fields of LDAPResult; the controls stand on the message.
 *
 * @category models
 * @since 0.1.0
 */
export type ResultFields = Omit<LdapResult, "controls">

/** RFC 4511 section 4.2. @category requests @since 0.1.0 */
export interface BindRequest {
  readonly _tag: "BindRequest"
  readonly version: number
  readonly name: string
  readonly authentication:
    | { readonly _tag: "Simple"; readonly password: Uint8Array }
    | { readonly _tag: "Sasl"; readonly mechanism: string; readonly credentials?: Uint8Array | undefined }
}

/** RFC 4511 section 4.3. @category requests @since 0.1.0 */
export interface UnbindRequest {
  readonly _tag: "UnbindRequest"
}

/** `subordinates` is everything below the base without the base itself (draft-sermersheim-ldap-subordinate-scope). */
export type Scope = "base" | "one" | "subtree" | "subordinates"

export type DerefAliases = "never" | "searching" | "finding" | "always"

/** The scopes by their number on the wire. */
export const scopes: ReadonlyArray<Scope> = ["base", "one", "subtree", "subordinates"]

/** When aliases are followed, by the number on the wire. */
export const derefAliases: ReadonlyArray<DerefAliases> = ["never", "searching", "finding", "always"]

/** RFC 4511 section 4.5.1. @category requests @since 0.1.0 */
export interface SearchRequest {
  readonly _tag: "SearchRequest"
  readonly base: string
  readonly scope: Scope
  readonly derefAliases: DerefAliases
  /** Entries; 0 is no limit. */
  readonly sizeLimit: number
  /** Seconds; 0 is no limit. */
  readonly timeLimit: number
  readonly typesOnly: boolean
  readonly filter: LdapFilter
  readonly attributes: ReadonlyArray<string>
}

/** RFC 4511 section 4.6. @category requests @since 0.1.0 */
export interface ModifyRequest {
  readonly _tag: "ModifyRequest"
  readonly dn: string
  readonly changes: ReadonlyArray<LdapModification>
}

/** RFC 4511 section 4.7. @category requests @since 0.1.0 */
export interface AddRequest {
  readonly _tag: "AddRequest"
  readonly dn: string
  readonly attributes: ReadonlyArray<LdapAttribute>
}

/** RFC 4511 section 4.8. @category requests @since 0.1.0 */
export interface DeleteRequest {
  readonly _tag: "DeleteRequest"
  readonly dn: string
}

/** RFC 4511 section 4.9. @category requests @since 0.1.0 */
export interface ModifyDnRequest {
  readonly _tag: "ModifyDnRequest"
  readonly dn: string
  readonly newRdn: string
  readonly deleteOldRdn: boolean
  readonly newSuperior?: string | undefined
}

/** RFC 4511 section 4.10. @category requests @since 0.1.0 */
export interface CompareRequest {
  readonly _tag: "CompareRequest"
  readonly dn: string
  readonly attribute: string
  readonly value: Uint8Array
}

/** RFC 4511 section 4.11. @category requests @since 0.1.0 */
export interface AbandonRequest {
  readonly _tag: "AbandonRequest"
  /** The message id of the operation that is no longer wanted. */
  readonly abandoned: number
}

/** RFC 4511 section 4.12. @category requests @since 0.1.0 */
export interface ExtendedRequest {
  readonly _tag: "ExtendedRequest"
  readonly oid: string
  readonly value?: Uint8Array | undefined
}

/** RFC 4511 section 4.2.2. @category responses @since 0.1.0 */
export interface BindResponse {
  readonly _tag: "BindResponse"
  readonly result: ResultFields
  readonly serverCredentials?: Uint8Array | undefined
}

/** RFC 4511 section 4.5.2. @category responses @since 0.1.0 */
export interface SearchResultEntry {
  readonly _tag: "SearchResultEntry"
  readonly entry: LdapEntry
}

/** RFC 4511 section 4.5.3. @category responses @since 0.1.0 */
export interface SearchResultReference {
  readonly _tag: "SearchResultReference"
  readonly uris: ReadonlyArray<string>
}

/** @category responses @since 0.1.0 */
export interface SearchResultDone {
  readonly _tag: "SearchResultDone"
  readonly result: ResultFields
}

/** @category responses @since 0.1.0 */
export interface ModifyResponse {
  readonly _tag: "ModifyResponse"
  readonly result: ResultFields
}

/** @category responses @since 0.1.0 */
export interface AddResponse {
  readonly _tag: "AddResponse"
  readonly result: ResultFields
}

/** @category responses @since 0.1.0 */
export interface DeleteResponse {
  readonly _tag: "DeleteResponse"
  readonly result: ResultFields
}

/** @category responses @since 0.1.0 */
export interface ModifyDnResponse {
  readonly _tag: "ModifyDnResponse"
  readonly result: ResultFields
}

/** @category responses @since 0.1.0 */
export interface CompareResponse {
  readonly _tag: "CompareResponse"
  readonly result: ResultFields
}

/** With message id 0 it is an unsolicited notification. RFC 4511 sections 4.12 and 4.4. @category responses @since 0.1.0 */
export interface ExtendedResponse {
  readonly _tag: "ExtendedResponse"
  readonly result: ResultFields
  readonly oid?: string | undefined
  readonly value?: Uint8Array | undefined
}

/** RFC 4511 section 4.13. @category responses @since 0.1.0 */
export interface IntermediateResponse {
  readonly _tag: "IntermediateResponse"
  readonly oid?: string | undefined
  readonly value?: Uint8Array | undefined
}

/**
 * The largest message id, and the largest of every other number in LDAP (`maxInt`, RFC 4511 section 4.1.1).
 *
 * @category constants
 * @since 0.1.0
 */
export const maxInt = 2147483647

/** The application tags of the operations, with the constructed bit where the operation is constructed. */
export const OperationTag = {
  BindRequest: 0x60,
  BindResponse: 0x61,
  UnbindRequest: 0x42,
  SearchRequest: 0x63,
  SearchResultEntry: 0x64,
  SearchResultDone: 0x65,
  ModifyRequest: 0x66,
  ModifyResponse: 0x67,
  AddRequest: 0x68,
  AddResponse: 0x69,
  DeleteRequest: 0x4a,
  DeleteResponse: 0x6b,
  ModifyDnRequest: 0x6c,
  ModifyDnResponse: 0x6d,
  CompareRequest: 0x6e,
  CompareResponse: 0x6f,
  AbandonRequest: 0x50,
  SearchResultReference: 0x73,
  ExtendedRequest: 0x77,
  ExtendedResponse: 0x78,
  IntermediateResponse: 0x79
} as const satisfies Record<ProtocolOperation["_tag"], number>
