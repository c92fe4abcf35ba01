/**
 * The library's messages in the words of the command line. They name options of programs, `tls.ca` or `requestTimeout`; here a person has
 * flags, variables and the profile. All translations are in this file, so a new text of the library gets one line more.
 */
import { environmentPlace, flagsPlace } from "./settings/layers.ts"
import type { Origins } from "./settings/origins.ts"

/** The flags of settings, by their names without `LDAP_`. The others have a variable only. */
const flags: ReadonlyMap<string, string> = new Map([
  ["URL", "--url"],
  ["BIND_DN", "--bind-dn"],
  ["PASSWORD_FILE", "--password-file"],
  ["AUTH", "--auth"],
  ["USER", "--user"],
  ["KEYTAB", "--keytab"],
  ["KDC", "--kdc"],
  ["SERVICE", "--service"],
  ["START_TLS", "--start-tls"],
  ["CA", "--ca"],
  ["CERT", "--cert"],
  ["KEY", "--key"],
  ["ALLOW_INSECURE_AUTH", "--allow-insecure-auth"],
  ["CONNECT_TIMEOUT", "--connect-timeout"],
  ["REQUEST_TIMEOUT", "--timeout"]
])

/** What a person calls a setting: where it was given, or by its flag if it wasn't. */
const settingText = ({ places }: Origins, name: string): string => {
  const flag = flags.get(name)
  const place = places.get(name)
  if (flag === undefined || place === environmentPlace) return `LDAP_${name}`
  if (place === undefined || place === flagsPlace) return flag
  return `${name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())} of ${place}`
}

/** Texts of the library, and what they are here. `LDAP_NAME` becomes the name of that setting. The longer texts are first. */
const translations: ReadonlyArray<readonly [text: RegExp, here: string]> = [
  [/\bgive the CA in tls\.ca\b/g, "give the CA with LDAP_CA"],
  [/\btls\.ca\b/g, "LDAP_CA"],
  [/\btls\.cert\b/g, "LDAP_CERT"],
  [/\btls\.key\b/g, "LDAP_KEY"],
  [/\b(with|or) startTls(?:: true)?(?![\w.])/g, "$1 --start-tls"],
  [/\bsay allowInsecureAuth: true\b/g, "give --allow-insecure-auth"],
  [/\b(raise|lower) requestTimeout\b/g, "$1 LDAP_REQUEST_TIMEOUT"],
  [/\b(raise|lower) connectTimeout\b/g, "$1 LDAP_CONNECT_TIMEOUT"],
  [/\binvalid requestTimeout:/g, "invalid LDAP_REQUEST_TIMEOUT:"],
  [/\binvalid connectTimeout:/g, "invalid LDAP_CONNECT_TIMEOUT:"],
  [/\binvalid pageSize:/g, "invalid --page-size:"],
  [/\bset the option (kdc|service)\b/g, "give --$1"],
  [/, or set the option realm\b/g, ""],
  [/\bthe option maxDeletions is wrong\b/g, "--max-deletions is wrong"],
  [/\braise maxRequests, or name the base of the groups more closely\b/g, "give a smaller part with --base"],
  [/\bpool\.max\b/g, "LDAP_POOL_MAX"],
  [/\bpool\.concurrency\b/g, "LDAP_POOL_CONCURRENCY"],
  [/\bpool\.checkoutTimeout\b/g, "LDAP_POOL_CHECKOUT_TIMEOUT"],
  [
    /\bset pageSize, give the search a session of its own \(.*?\), or raise maxUnread\b/g,
    "give --all, which reads in pages"
  ],
  [/\bconfirm with confirmDeletions\((\d+)\)/g, "give --confirm-deletions $1"],
  [/\bfollow with onMismatch: "refresh" to read/g, "give another file with --state, or delete this one, to read"],
  [/\bfollow without since to read\b/g, "delete the file of --state to read"],
  [/\bname one as matchingRule\b/g, "name one, as in (cn:caseIgnoreMatch:=ada)"],
  // Of Effect's Config.
  [/^([^\n]*)\n +at \["(LDAP_\w+)"\]/g, "$2: $1"],
  // There is no setting for these limits here.
  [/\bmaxMessageSize is\b/g, "the limit is"],
  [/; raise writeTimeout if it may pause so long\b/g, ""],
  [/; raise (?:maxRequests|maxServers|timeLimit) if that may be\b/g, ""],
  [/; if the list is right, set maxRemovals to \d+/g, ""],
  [/; raise (?:pool\.)?openTimeout(?: of the servers)? if it needs longer\b/g, ""],
  [/; raise tlsTimeout if it needs longer, and check\b/g, "; check"]
]

/** The library's advice where a size limit is reached: here it depends on the command. */
const pagesAdvice = /ask for pages with pageSize.*?\(size\.prtotal\)/g

/** A message of the library, for a person at the command line. With `advice` in the place of its own about pages. */
export const worded = (message: string, origins: Origins, advice = sizeAdvice(origins)): string => {
  const here = translations.reduce((text, [pattern, here]) => text.replace(pattern, here), message)
  return here.replace(pagesAdvice, () => advice)
    .replace(/\bLDAP_([A-Z_]+)\b/g, (text, name: string) => flags.has(name) ? settingText(origins, name) : text)
}

/** What to do where the server counts the entries of all pages together. */
export const sizeAdvice = ({ identity }: Origins, count?: number): string =>
  `the server stops after ${
    count ?? "so many"
  } entries, with pages or without: let its administrator raise the limit of this account ` +
  `(OpenLDAP: limits ${identity === undefined ? "anonymous" : `dn.exact=${JSON.stringify(identity)}`} ` +
  "size=unlimited size.prtotal=unlimited), or split the filter, as in (uid=a*), (uid=b*)"
