/**
 * The attributes that are known to be binary by their names alone, without a server's schema. Their values are never text, even if
 * they happen to be UTF-8. secretAttributes.ts lists the attributes with secrets.
 */

const typeOf = (description: string): string => description.split(";", 1)[0]!.toLowerCase()

/** Binary attributes of the standard schemas and of Active Directory. */
const binary = new Set([
  "audio",
  "photo",
  "jpegphoto",
  "0.9.2342.19200300.100.1.60",
  "thumbnailphoto",
  "thumbnaillogo",
  "personalsignature",
  "usercertificate",
  "2.5.4.36",
  "cacertificate",
  "2.5.4.37",
  "crosscertificatepair",
  "authorityrevocationlist",
  "certificaterevocationlist",
  "deltarevocationlist",
  "supportedalgorithms",
  "usersmimecertificate",
  "userpkcs12",
  "objectguid",
  "objectsid",
  "sidhistory",
  "tokengroups",
  "tokengroupsglobalanduniversal",
  "tokengroupsnogcacceptable",
  "securityidentifier",
  "msds-creatorsid",
  "ms-ds-creatorsid",
  "ms-ds-consistencyguid",
  "ms-ds-generationid",
  "msds-generationid",
  "ntsecuritydescriptor",
  "msds-groupmsamembership",
  "msds-allowedtoactonbehalfofotheridentity",
  "msds-managedpassword",
  "unicodepwd",
  "parentguid",
  "invocationid",
  "schemaidguid",
  "attributesecurityguid",
  "netbootguid",
  "logonhours",
  "dnsrecord",
  "replpropertymetadata",
  "repluptodatevector",
  "pkikeyusage",
  "msexchmailboxguid",
  "msexchmailboxsecuritydescriptor",
  "msexchblockedsendershash",
  "msexchsafesendershash",
  "krbprincipalkey"
])

/** Whether a description, with or without options, is binary. One that is transferred in BER (`;binary`, RFC 4522) always is. */
export const isBinary = (description: string): boolean =>
  binary.has(typeOf(description)) || (description.includes(";") && /;binary(?:;|$)/i.test(description))
