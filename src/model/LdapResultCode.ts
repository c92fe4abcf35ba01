/**
 * Result codes (RFC 4511 section 4.1.9 and appendix A, with the registered extensions): number, name, and the name of the
 * {@link LdapError} reason that stands for it.
 *
 * @since 0.1.0
 */
import { lazily } from "./lazily.ts"

/**
 * Codes by the names that the standards give them.
 *
 * @category constants
 * @since 0.1.0
 */
export const LdapResultCode = {
  success: 0,
  operationsError: 1,
  protocolError: 2,
  timeLimitExceeded: 3,
  sizeLimitExceeded: 4,
  compareFalse: 5,
  compareTrue: 6,
  authMethodNotSupported: 7,
  strongerAuthRequired: 8,
  partialResults: 9,
  referral: 10,
  adminLimitExceeded: 11,
  unavailableCriticalExtension: 12,
  confidentialityRequired: 13,
  saslBindInProgress: 14,
  noSuchAttribute: 16,
  undefinedAttributeType: 17,
  inappropriateMatching: 18,
  constraintViolation: 19,
  attributeOrValueExists: 20,
  invalidAttributeSyntax: 21,
  noSuchObject: 32,
  aliasProblem: 33,
  invalidDNSyntax: 34,
  isLeaf: 35,
  aliasDereferencingProblem: 36,
  inappropriateAuthentication: 48,
  invalidCredentials: 49,
  insufficientAccessRights: 50,
  busy: 51,
  unavailable: 52,
  unwillingToPerform: 53,
  loopDetect: 54,
  sortControlMissing: 60,
  offsetRangeError: 61,
  namingViolation: 64,
  objectClassViolation: 65,
  notAllowedOnNonLeaf: 66,
  notAllowedOnRDN: 67,
  entryAlreadyExists: 68,
  objectClassModsProhibited: 69,
  resultsTooLarge: 70,
  affectsMultipleDSAs: 71,
  virtualListViewError: 76,
  other: 80,
  canceled: 118,
  noSuchOperation: 119,
  tooLate: 120,
  cannotCancel: 121,
  assertionFailed: 122,
  authorizationDenied: 123,
  eSyncRefreshRequired: 4096,
  noOperation: 16654
} as const

const names = lazily(() => new Map<number, string>(Object.entries(LdapResultCode).map(([name, code]) => [code, name])))

/**
 * The standard's name of a code, as in `noSuchObject`; `undefined` for one that is not registered here.
 *
 * @category accessors
 * @since 0.1.0
 */
export const nameOf = (code: number): string | undefined => names().get(code)

/**
 * A code for messages: `noSuchObject (32)`, or the number alone.
 *
 * @category accessors
 * @since 0.1.0
 */
export const format = (code: number): string => {
  const name = names().get(code)
  return name === undefined ? `result code ${code}` : `${name} (${code})`
}
