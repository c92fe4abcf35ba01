/**
 * The messages of LDAPv3 (RFC 4511 section 4) as plain data. Requests and responses share one set of types, since the directory for
 * tests speaks the same protocol from the other end. The encoder, the decoder and the parser in this folder handle bytes.
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
  /** The number of the request, from 1 to 2^31 - 1. */
  readonly messageId: number
  /** The request or response. */
  readonly operation: Operation
  /** The controls of the message. */
  readonly controls: ReadonlyArray<LdapControl>
}

/**
 * Any request or response.
 *
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
 * The fields of LDAPResult. The controls are a part of the message.
 *
 * @category models
 * @since 0.1.0
 */
export type ResultFields = Omit<LdapResult, "controls">

/** RFC 4511 section 4.2. @category requests @since 0.1.0 */
export interface BindRequest {
  readonly _tag: "BindRequest"
  /** The version of LDAP, always 3. */
  readonly version: number
  /** The bind DN; empty for anonymous and for SASL. */
  readonly name: string
  /** A password, or the name and the credentials of a SASL mechanism. */
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

/** When a search follows aliases: never, below the base, for the base, or both (RFC 4511 section 4.5.1.3). */
export type DerefAliases = "never" | "searching" | "finding" | "always"

/** The scopes by their number on the wire. */
export const scopes: ReadonlyArray<Scope> = ["base", "one", "subtree", "subordinates"]

/** When aliases are followed, by the number on the wire. */
export const derefAliases: ReadonlyArray<DerefAliases> = ["never", "searching", "finding", "always"]

/** RFC 4511 section 4.5.1. @category requests @since 0.1.0 */
export interface SearchRequest {
  readonly _tag: "SearchRequest"
  /** The name of the entry at which the search starts. */
  readonly base: string
  /** Which entries the search covers. */
  readonly scope: Scope
  /** When the search follows aliases. */
  readonly derefAliases: DerefAliases
  /** Entries; 0 is no limit. */
  readonly sizeLimit: number
  /** Seconds; 0 is no limit. */
  readonly timeLimit: number
  /** Whether to return attributes without their values. */
  readonly typesOnly: boolean
  /** The filter that entries must match. */
  readonly filter: LdapFilter
  /** The requested attributes. Empty for all user attributes. */
  readonly attributes: ReadonlyArray<string>
}

/** RFC 4511 section 4.6. @category requests @since 0.1.0 */
export interface ModifyRequest {
  readonly _tag: "ModifyRequest"
  /** The name of the entry. */
  readonly dn: string
  /** The changes, in order. The server makes all of them or none. */
  readonly changes: ReadonlyArray<LdapModification>
}

/** RFC 4511 section 4.7. @category requests @since 0.1.0 */
export interface AddRequest {
  readonly _tag: "AddRequest"
  /** The name of the new entry. */
  readonly dn: string
  /** Its attributes. */
  readonly attributes: ReadonlyArray<LdapAttribute>
}

/** RFC 4511 section 4.8. @category requests @since 0.1.0 */
export interface DeleteRequest {
  readonly _tag: "DeleteRequest"
  /** The name of the entry. */
  readonly dn: string
}

/** RFC 4511 section 4.9. @category requests @since 0.1.0 */
export interface ModifyDnRequest {
  readonly _tag: "ModifyDnRequest"
  /** The name of the entry. */
  readonly dn: string
  /** The new RDN. */
  readonly newRdn: string
  /** Whether the values of the old RDN are deleted. */
  readonly deleteOldRdn: boolean
  /** The name of the new parent. Without it, the entry stays below its parent. */
  readonly newSuperior?: string | undefined
}

/** RFC 4511 section 4.10. @category requests @since 0.1.0 */
export interface CompareRequest {
  readonly _tag: "CompareRequest"
  /** The name of the entry. */
  readonly dn: string
  /** The attribute description. */
  readonly attribute: string
  /** The value to compare with, as bytes. */
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
  /** The object identifier of the operation. */
  readonly oid: string
  /** The value of the request, as bytes. */
  readonly value?: Uint8Array | undefined
}

/** RFC 4511 section 4.2.2. @category responses @since 0.1.0 */
export interface BindResponse {
  readonly _tag: "BindResponse"
  /** The result of the bind. */
  readonly result: ResultFields
  /** The server's SASL credentials. */
  readonly serverCredentials?: Uint8Array | undefined
}

/** RFC 4511 section 4.5.2. @category responses @since 0.1.0 */
export interface SearchResultEntry {
  readonly _tag: "SearchResultEntry"
  /** The entry. It keeps the bytes of the message. */
  readonly entry: LdapEntry
}

/** RFC 4511 section 4.5.3. @category responses @since 0.1.0 */
export interface SearchResultReference {
  readonly _tag: "SearchResultReference"
  /** The URLs at which the search can be continued. */
  readonly uris: ReadonlyArray<string>
}

/** The end of a search. @category responses @since 0.1.0 */
export interface SearchResultDone {
  readonly _tag: "SearchResultDone"
  /** The result of the search. */
  readonly result: ResultFields
}

/** The answer to a modify request. @category responses @since 0.1.0 */
export interface ModifyResponse {
  readonly _tag: "ModifyResponse"
  /** The result of the operation. */
  readonly result: ResultFields
}

/** The answer to an add request. @category responses @since 0.1.0 */
export interface AddResponse {
  readonly _tag: "AddResponse"
  /** The result of the operation. */
  readonly result: ResultFields
}

/** The answer to a delete request. @category responses @since 0.1.0 */
export interface DeleteResponse {
  readonly _tag: "DeleteResponse"
  /** The result of the operation. */
  readonly result: ResultFields
}

/** The answer to a modify DN request. @category responses @since 0.1.0 */
export interface ModifyDnResponse {
  readonly _tag: "ModifyDnResponse"
  /** The result of the operation. */
  readonly result: ResultFields
}

/** The answer to a compare request: the code is compareTrue (6), compareFalse (5) or an error. @category responses @since 0.1.0 */
export interface CompareResponse {
  readonly _tag: "CompareResponse"
  /** The result of the operation. */
  readonly result: ResultFields
}

/** With message id 0 it is an unsolicited notification. RFC 4511 sections 4.12 and 4.4. @category responses @since 0.1.0 */
export interface ExtendedResponse {
  readonly _tag: "ExtendedResponse"
  /** The result of the operation. */
  readonly result: ResultFields
  /** The object identifier of the response. */
  readonly oid?: string | undefined
  /** The value of the response, as bytes. */
  readonly value?: Uint8Array | undefined
}

/** RFC 4511 section 4.13. @category responses @since 0.1.0 */
export interface IntermediateResponse {
  readonly _tag: "IntermediateResponse"
  /** The object identifier of the message. */
  readonly oid?: string | undefined
  /** The value of the message, as bytes. */
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
