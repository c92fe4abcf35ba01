/**
 * The attributes of an operation that its span shows. Names of entries are often names of people, so a span shows a name without
 * the parts that may identify a person, and a filter without its values.
 */
import * as Result from "effect/Result"
import type { Span } from "effect/Tracer"
import * as LdapDn from "../model/dn/LdapDn.ts"

/** The attributes that are known before an operation runs. Names are still complete here. */
export interface Description {
  /** The entry that the operation is applied to. */
  readonly dn?: string | undefined
  /** The attribute that is compared. */
  readonly attribute?: string | undefined
  readonly search?: {
    readonly base: string
    readonly scope: string
    readonly pageSize: number | undefined
    /** The filter without its values; `undefined` if it can't be parsed. */
    readonly filter: () => string | undefined
  } | undefined
  /** The OID of an extended operation. */
  readonly oid?: string | undefined
  /** The mechanism of a bind. */
  readonly mechanism?: string | undefined
}

/** The attributes of an operation that has succeeded. */
export interface Outcome {
  /** The result code. */
  readonly code?: number | undefined
  /** The number of entries received. */
  readonly entries?: number | undefined
}

export const addDescription = (span: Span, { attribute, dn, mechanism, oid, search }: Description): void => {
  if (mechanism !== undefined) span.attribute("ldap.bind.mechanism", mechanism)
  if (dn !== undefined) span.attribute("ldap.dn", withoutPeople(dn))
  if (attribute !== undefined) span.attribute("ldap.attribute", attribute)
  if (oid !== undefined) span.attribute("ldap.extended.oid", oid)
  if (search === undefined) return
  span.attribute("ldap.base", withoutPeople(search.base))
  span.attribute("ldap.scope", search.scope)
  if (search.pageSize !== undefined) span.attribute("ldap.page_size", search.pageSize)
  const filter = search.filter()
  if (filter !== undefined) span.attribute("db.query.text", filter)
}

export const addOutcome = (span: Span, { code, entries }: Outcome): void => {
  if (entries !== undefined) span.attribute("db.response.returned_rows", entries)
  if (code !== undefined) span.attribute("db.response.status_code", String(code))
}

/** Types of attributes that name containers of entries: domains, organisations, places. */
const containers = new Set(["dc", "ou", "o", "c", "l", "st"])

/** The name without the parts that may identify a person. */
const withoutPeople = (dn: string): string =>
  Result.match(LdapDn.parse(dn, { lenient: true }), {
    // For instance `<GUID=…>` of Active Directory.
    onFailure: () => "?",
    onSuccess: ({ rdns }) =>
      rdns.map(({ attributes }) =>
        attributes.map((attribute) =>
          containers.has(attribute.type.toLowerCase()) ? attribute.toString() : `${attribute.type}=?`
        ).join("+")
      ).join(",")
  })
