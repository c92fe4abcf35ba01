/**
 * The security identifiers that are the same in every domain, or differ only in the domain's part, with their names and their two SDDL
 * letters (MS-DTYP sections 2.4.2.4 and 2.5.1.1).
 */

/** A SID with the same text everywhere. */
export interface UniversalSid {
  readonly sid: string
  /** The two letters of SDDL, if it has them. */
  readonly alias?: string | undefined
}

/** A relative identifier in a domain; `of: "forest"` stands for the root domain of the forest. */
export interface RelativeSid {
  readonly rid: number
  readonly of: "domain" | "forest"
  readonly alias?: string | undefined
}

const universal = <const T extends Readonly<Record<string, readonly [sid: string, alias?: string]>>>(
  table: T
): { readonly [K in keyof T]: UniversalSid } =>
  Object.fromEntries(Object.entries(table).map(([name, [sid, alias]]) => [name, { sid, alias }])) as unknown as {
    readonly [K in keyof T]: UniversalSid
  }

export const universalSids = universal({
  nullSid: ["S-1-0-0"],
  everyone: ["S-1-1-0", "WD"],
  local: ["S-1-2-0"],
  consoleLogon: ["S-1-2-1"],
  creatorOwner: ["S-1-3-0", "CO"],
  creatorGroup: ["S-1-3-1", "CG"],
  ownerRights: ["S-1-3-4", "OW"],
  dialup: ["S-1-5-1"],
  network: ["S-1-5-2", "NU"],
  batch: ["S-1-5-3"],
  interactive: ["S-1-5-4", "IU"],
  service: ["S-1-5-6", "SU"],
  anonymous: ["S-1-5-7", "AN"],
  proxy: ["S-1-5-8"],
  enterpriseDomainControllers: ["S-1-5-9", "ED"],
  principalSelf: ["S-1-5-10", "PS"],
  authenticatedUsers: ["S-1-5-11", "AU"],
  restrictedCode: ["S-1-5-12", "RC"],
  terminalServerUser: ["S-1-5-13"],
  remoteInteractiveLogon: ["S-1-5-14"],
  thisOrganization: ["S-1-5-15"],
  iusr: ["S-1-5-17"],
  localSystem: ["S-1-5-18", "SY"],
  localService: ["S-1-5-19", "LS"],
  networkService: ["S-1-5-20", "NS"],
  writeRestrictedCode: ["S-1-5-33", "WR"],
  administrators: ["S-1-5-32-544", "BA"],
  users: ["S-1-5-32-545", "BU"],
  guests: ["S-1-5-32-546", "BG"],
  powerUsers: ["S-1-5-32-547", "PU"],
  accountOperators: ["S-1-5-32-548", "AO"],
  serverOperators: ["S-1-5-32-549", "SO"],
  printOperators: ["S-1-5-32-550", "PO"],
  backupOperators: ["S-1-5-32-551", "BO"],
  replicator: ["S-1-5-32-552", "RE"],
  preWindows2000CompatibleAccess: ["S-1-5-32-554", "RU"],
  remoteDesktopUsers: ["S-1-5-32-555", "RD"],
  networkConfigurationOperators: ["S-1-5-32-556", "NO"],
  incomingForestTrustBuilders: ["S-1-5-32-557"],
  performanceMonitorUsers: ["S-1-5-32-558", "MU"],
  performanceLogUsers: ["S-1-5-32-559", "LU"],
  windowsAuthorizationAccess: ["S-1-5-32-560"],
  terminalServerLicenseServers: ["S-1-5-32-561"],
  distributedComUsers: ["S-1-5-32-562"],
  iisUsers: ["S-1-5-32-568", "IS"],
  cryptographicOperators: ["S-1-5-32-569", "CY"],
  eventLogReaders: ["S-1-5-32-573", "ER"],
  certificateServiceDcomAccess: ["S-1-5-32-574", "CD"],
  remoteDesktopRemoteAccessServers: ["S-1-5-32-575", "RA"],
  remoteDesktopEndpointServers: ["S-1-5-32-576", "ES"],
  remoteDesktopManagementServers: ["S-1-5-32-577", "MS"],
  hyperVAdministrators: ["S-1-5-32-578", "HA"],
  accessControlAssistanceOperators: ["S-1-5-32-579", "AA"],
  remoteManagementUsers: ["S-1-5-32-580", "RM"],
  ntlmAuthentication: ["S-1-5-64-10"],
  schannelAuthentication: ["S-1-5-64-14"],
  digestAuthentication: ["S-1-5-64-21"],
  userModeDrivers: ["S-1-5-84-0-0-0-0-0", "UD"],
  allApplicationPackages: ["S-1-15-2-1", "AC"],
  untrustedLevel: ["S-1-16-0"],
  lowLevel: ["S-1-16-4096", "LW"],
  mediumLevel: ["S-1-16-8192", "ME"],
  mediumPlusLevel: ["S-1-16-8448", "MP"],
  highLevel: ["S-1-16-12288", "HI"],
  systemLevel: ["S-1-16-16384", "SI"],
  authenticationAuthorityAssertedIdentity: ["S-1-18-1", "AS"],
  serviceAssertedIdentity: ["S-1-18-2", "SS"]
})

const relative = <const T extends Readonly<Record<string, readonly [rid: number, alias?: string, of?: "forest"]>>>(
  table: T
): { readonly [K in keyof T]: RelativeSid } =>
  Object.fromEntries(
    Object.entries(table).map(([name, [rid, alias, of = "domain"]]) => [name, { rid, alias, of }])
  ) as unknown as { readonly [K in keyof T]: RelativeSid }

export const relativeSids = relative({
  administrator: [500, "LA"],
  guest: [501, "LG"],
  krbtgt: [502],
  enterpriseReadOnlyDomainControllers: [498, "RO", "forest"],
  domainAdmins: [512, "DA"],
  domainUsers: [513, "DU"],
  domainGuests: [514, "DG"],
  domainComputers: [515, "DC"],
  domainControllers: [516, "DD"],
  certificatePublishers: [517, "CA"],
  schemaAdmins: [518, "SA", "forest"],
  enterpriseAdmins: [519, "EA", "forest"],
  groupPolicyCreatorOwners: [520, "PA"],
  readOnlyDomainControllers: [521],
  cloneableDomainControllers: [522, "CN"],
  protectedUsers: [525, "AP"],
  keyAdmins: [526, "KA"],
  enterpriseKeyAdmins: [527, "EK", "forest"],
  rasServers: [553, "RS"],
  allowedRodcPasswordReplication: [571],
  deniedRodcPasswordReplication: [572]
})
