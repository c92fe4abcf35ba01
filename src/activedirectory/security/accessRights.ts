/**
 * Rights by name: the 32 bits of an entry's mask (MS-ADTS section 5.1.3.2, MS-DTYP section 2.4.3), and the extended rights, validated writes
 * and property sets, which are GUIDs (MS-ADTS section 5.1.3.2.1).
 *
 * @since 0.2.0
 */

/**
 * The bits of a mask, by the names of what they allow on an entry of a directory.
 *
 * **Details**
 *
 * `controlAccess` (extended rights), `writePropertyExtended` (validated writes), `readProperty`, `writeProperty`, `createChild` and
 * `deleteChild` can be limited to one GUID by an object entry. `generic…` stand for several others; see {@link expandGeneric}.
 *
 * @category models
 * @since 0.2.0
 */
export const AccessRight = {
  createChild: 0x00000001,
  deleteChild: 0x00000002,
  listChildren: 0x00000004,
  writePropertyExtended: 0x00000008,
  readProperty: 0x00000010,
  writeProperty: 0x00000020,
  deleteTree: 0x00000040,
  listObject: 0x00000080,
  controlAccess: 0x00000100,
  delete: 0x00010000,
  readControl: 0x00020000,
  writeDacl: 0x00040000,
  writeOwner: 0x00080000,
  synchronize: 0x00100000,
  accessSystemSecurity: 0x01000000,
  maximumAllowed: 0x02000000,
  genericAll: 0x10000000,
  genericExecute: 0x20000000,
  genericWrite: 0x40000000,
  genericRead: 0x80000000
} as const

/**
 * The name of a right.
 *
 * @category models
 * @since 0.2.0
 */
export type AccessRightName = keyof typeof AccessRight

/**
 * A mask from the names of rights.
 *
 * @category rights
 * @since 0.2.0
 */
export const mask = (...names: ReadonlyArray<AccessRightName>): number =>
  names.reduce((bits, name) => (bits | AccessRight[name]) >>> 0, 0)

/**
 * The names of the rights in a mask. Bits without a name are left out.
 *
 * @category rights
 * @since 0.2.0
 */
export const rightsOf = (mask: number): ReadonlyArray<AccessRightName> =>
  // The keys of the table are these names.
  (Object.keys(AccessRight) as Array<AccessRightName>).filter((name) => (mask & AccessRight[name]) !== 0)

const standardRequired = AccessRight.delete | AccessRight.readControl | AccessRight.writeDacl | AccessRight.writeOwner

const generics: ReadonlyArray<readonly [generic: number, rights: number]> = [
  [AccessRight.genericAll, standardRequired | 0x1ff],
  [
    AccessRight.genericRead,
    AccessRight.readControl | AccessRight.listChildren | AccessRight.readProperty | AccessRight.listObject
  ],
  [AccessRight.genericWrite, AccessRight.readControl | AccessRight.writePropertyExtended | AccessRight.writeProperty],
  [AccessRight.genericExecute, AccessRight.readControl | AccessRight.listChildren]
]

/**
 * A mask in which the generic rights are replaced by those that they stand for in a directory (MS-ADTS section 5.1.3.2).
 *
 * @category rights
 * @since 0.2.0
 */
export const expandGeneric = (mask: number): number =>
  generics.reduce(
    (bits, [generic, rights]) => ((bits & generic) === 0 ? bits : ((bits & ~generic) | rights) >>> 0),
    mask >>> 0
  )

/**
 * Extended rights, validated writes and property sets by name: the GUIDs for `objectType` of an entry (MS-ADTS sections 5.1.3.2.1, 3.1.1.2.3.3
 * and 5.1.3.2.2).
 *
 * @category rights
 * @since 0.2.0
 */
export const RightGuid = {
  /** Reset the password of an account without knowing the old one (User-Force-Change-Password). */
  resetPassword: "00299570-246d-11d0-a768-00aa006e0529",
  /** Change the password of an account, with the old one (User-Change-Password). */
  changePassword: "ab721a53-1e2f-11d0-9819-00aa0040529b",
  sendAs: "ab721a54-1e2f-11d0-9819-00aa0040529b",
  receiveAs: "ab721a56-1e2f-11d0-9819-00aa0040529b",
  allowedToAuthenticate: "68b1d179-0d15-4d4f-ab71-46152e79a7bc",
  /** What DirSync needs. */
  replicateChanges: "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2",
  /** Replication with secrets. An account with this right can read every password hash. */
  replicateChangesAll: "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2",
  replicateChangesInFilteredSet: "89e95b76-444d-4c62-991a-0facbeda640c",
  replicationSynchronize: "1131f6ab-9c07-11d1-f79f-00c04fc2dcd2",
  manageReplicationTopology: "1131f6ac-9c07-11d1-f79f-00c04fc2dcd2",
  reanimateTombstones: "45ec5156-db7e-47bb-b53f-dbeb2d03c40f",
  migrateSidHistory: "ba33815a-4f93-4c76-87f3-57574bff8109",
  unexpirePassword: "ccc2dc7d-a6ad-4a7a-8846-c04e3cc53501",
  updatePasswordNotRequired: "280f369c-67c7-438e-ae98-1d46f3c6f541",
  enablePerUserReversiblyEncryptedPassword: "05c74c5e-4deb-43b4-bd9f-86664c2a7fd5",
  applyGroupPolicy: "edacfd8f-ffb3-11d1-b41d-00a0c968f939",
  certificateEnrollment: "0e10c968-78fb-11d2-90d4-00c04f79dc55",
  certificateAutoEnrollment: "a05b8cc2-17bc-4802-a710-e7c15ab866a2",
  /** Validated write: add or remove oneself as a member of a group. */
  selfMembership: "bf9679c0-0de6-11d0-a285-00aa003049e2",
  /** Validated write. */
  validatedDnsHostName: "72e39547-7b18-11d1-adef-00c04fd8d5cd",
  /** Validated write. */
  validatedServicePrincipalName: "f3a64788-5306-11d1-a9c5-0000f80367c1",
  /** Property set. */
  generalInformation: "59ba2f42-79a2-11d0-9020-00c04fc2d3cf",
  /** Property set. */
  personalInformation: "77b5b886-944a-11d1-aebd-0000f80367c1",
  /** Property set. */
  publicInformation: "e48d0154-bcf8-11d1-8702-00c04fb96050",
  /** Property set. */
  privateInformation: "91e647de-d96f-4b70-9557-d63ff4f3ccd8",
  /** Property set: `userAccountControl`, `pwdLastSet`, `accountExpires` and others. */
  accountRestrictions: "4c164200-20c0-11d0-a768-00aa006e0529",
  /** Property set. */
  logonInformation: "5f202010-79a5-11d0-9020-00c04fc2d4cf",
  /** Property set: `memberOf`, `member`. */
  membership: "bc0ac240-79a9-11d0-9020-00c04fc2d4cf",
  /** Property set. */
  emailInformation: "e45795b2-9455-11d1-aebd-0000f80367c1",
  /** Property set. */
  webInformation: "e45795b3-9455-11d1-aebd-0000f80367c1",
  /** Property set. */
  remoteAccessInformation: "037088f8-0ae1-11d2-b422-00a0c968f939",
  /** Property set. */
  domainPasswordAndLockoutPolicies: "c7407360-20bf-11d0-a768-00aa006e0529",
  /** Property set. */
  otherDomainParameters: "b8119fd0-04f6-4762-ab7a-4986c76b3f9a",
  /** Property set. */
  dnsHostNameAttributes: "72e39547-7b18-11d1-adef-00c04fd8d5cd"
} as const

/**
 * The name of an extended right, a validated write or a property set.
 *
 * @category models
 * @since 0.2.0
 */
export type RightGuidName = keyof typeof RightGuid
