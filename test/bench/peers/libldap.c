/*
 * A client on OpenLDAP's libldap, for the benchmark. libldap.ts compiles it and sends it commands.
 *
 * Reads four lines first: the URL, the file of the certificate to trust (or an empty line), the bind DN, the password. Then it
 * connects, binds, and reads commands, one a line, whose last argument is the rest of the line:
 *
 *     stream BASE            entries one by one; nothing of them is read
 *     two BASE               the same; reads the first values of cn and mail
 *     text BASE              the same; reads the DN, all names and all values
 *     collect BASE           all entries are in memory at the end
 *     pages SIZE BASE        pages (RFC 2696)
 *     values NAME BASE       all values of an attribute
 *     lookups FLIGHT N       then N lines with DNs: base searches, FLIGHT at a time
 *     writes FLIGHT N        then N lines with DNs: add, modify and delete each, FLIGHT at a time
 *     cycles N               connects, binds and unbinds N times
 *     usage                  CPU microseconds; resident kilobytes, now and at most
 *
 * It answers each with a line: "ok" and numbers, or "error" and a message. Values are used as libldap returns them: NUL-terminated,
 * with their length.
 */
#define LDAP_DEPRECATED 0
#include <lber.h>
#include <ldap.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static char *url, *ca, *bind_dn, *password;
/* The sum of what was read, so that the compiler keeps the reads. */
static volatile size_t characters;
/* The code of the last failure. libldap's own codes are negative. */
static int failure;

static long fail(int code) {
  failure = code;
  return -1;
}


static char *line_of_input(void) {
  char *line = NULL;
  size_t size = 0;
  ssize_t length = getline(&line, &size, stdin);
  if (length < 0) exit(0);
  if (length > 0 && line[length - 1] == '\n') line[length - 1] = '\0';
  return line;
}

static int connected(LDAP **ld) {
  int version = LDAP_VERSION3, code;
  struct berval credentials = {strlen(password), password};
  if ((code = ldap_initialize(ld, url)) != LDAP_SUCCESS) return code;
  ldap_set_option(*ld, LDAP_OPT_PROTOCOL_VERSION, &version);
  ldap_set_option(*ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
  return ldap_sasl_bind_s(*ld, bind_dn, LDAP_SASL_SIMPLE, &credentials, NULL, NULL, NULL);
}

/* ------------------------------------------------------------------------------------------------------------------ */
/* What is read of an entry                                                                                            */
/* ------------------------------------------------------------------------------------------------------------------ */

typedef void reader(LDAP *ld, LDAPMessage *entry);

static void nothing(LDAP *ld, LDAPMessage *entry) {
  (void)ld, (void)entry;
}

static void first_value(LDAP *ld, LDAPMessage *entry, const char *name) {
  struct berval **values = ldap_get_values_len(ld, entry, name);
  if (values == NULL) return;
  if (values[0] != NULL) characters += strlen(values[0]->bv_val);
  ldap_value_free_len(values);
}

static void two_values(LDAP *ld, LDAPMessage *entry) {
  first_value(ld, entry, "cn");
  first_value(ld, entry, "mail");
}

/* By the documented functions. Each value is a copy that ends with NUL, as programs use them. */
static void all_text(LDAP *ld, LDAPMessage *entry) {
  BerElement *ber = NULL;
  char *dn = ldap_get_dn(ld, entry);
  characters += strlen(dn);
  ldap_memfree(dn);
  for (char *name = ldap_first_attribute(ld, entry, &ber); name != NULL; name = ldap_next_attribute(ld, entry, ber)) {
    struct berval **values = ldap_get_values_len(ld, entry, name);
    characters += strlen(name);
    for (size_t i = 0; values != NULL && values[i] != NULL; i++) characters += values[i]->bv_len;
    ldap_value_free_len(values);
    ldap_memfree(name);
  }
  ber_free(ber, 0);
}

/* The same by functions that the manual doesn't describe and ldapsearch uses: in one pass, in the memory of the message. */
static void all_text_in_place(LDAP *ld, LDAPMessage *entry) {
  BerElement *ber = NULL;
  struct berval dn, name, *values;
  if (ldap_get_dn_ber(ld, entry, &ber, &dn) != LDAP_SUCCESS) return;
  characters += dn.bv_len;
  while (ldap_get_attribute_ber(ld, entry, ber, &name, &values) == LDAP_SUCCESS && name.bv_val != NULL) {
    characters += name.bv_len;
    for (size_t i = 0; values != NULL && values[i].bv_val != NULL; i++) characters += values[i].bv_len;
    if (values != NULL) ber_memfree(values);
  }
  ber_free(ber, 0);
}

/* ------------------------------------------------------------------------------------------------------------------ */
/* Searches. Each returns the number of entries or values, or -1 after `fail`                                          */
/* ------------------------------------------------------------------------------------------------------------------ */

static char *all_attributes[] = {NULL};

static int start_search(LDAP *ld, const char *base, int scope, LDAPControl **controls, int *id) {
  return ldap_search_ext(ld, base, scope, "(objectClass=*)", all_attributes, 0, controls, NULL, NULL, 0, id);
}

/* The code of a final response, which is freed. */
static int code_of(LDAP *ld, LDAPMessage *result) {
  int code = LDAP_OTHER, parsed = ldap_parse_result(ld, result, &code, NULL, NULL, NULL, NULL, 1);
  return parsed == LDAP_SUCCESS ? code : parsed;
}

static int failed(LDAP *ld) {
  int code = LDAP_OTHER;
  ldap_get_option(ld, LDAP_OPT_RESULT_CODE, &code);
  return code == LDAP_SUCCESS ? LDAP_OTHER : code;
}

static long streamed(LDAP *ld, const char *base, reader *read) {
  int id, code = start_search(ld, base, LDAP_SCOPE_SUBTREE, NULL, &id);
  long entries = 0;
  if (code != LDAP_SUCCESS) return fail(code);
  for (;;) {
    LDAPMessage *message = NULL;
    int type = ldap_result(ld, id, LDAP_MSG_ONE, NULL, &message);
    if (type <= 0) return fail(failed(ld));
    if (type == LDAP_RES_SEARCH_RESULT) return (code = code_of(ld, message)) == LDAP_SUCCESS ? entries : fail(code);
    if (type == LDAP_RES_SEARCH_ENTRY) {
      entries++;
      read(ld, message);
    }
    ldap_msgfree(message);
  }
}

static int collected(LDAP *ld, const char *base, LDAPControl **controls, LDAPMessage **result) {
  return ldap_search_ext_s(ld, base, LDAP_SCOPE_SUBTREE, "(objectClass=*)", all_attributes, 0, controls, NULL, NULL, 0, result);
}

static long all_at_once(LDAP *ld, const char *base) {
  LDAPMessage *result = NULL;
  int code = collected(ld, base, NULL, &result);
  long entries = code == LDAP_SUCCESS ? ldap_count_entries(ld, result) : fail(code);
  ldap_msgfree(result);
  return entries;
}

static long in_pages(LDAP *ld, const char *base, int size) {
  struct berval cookie = {0, NULL};
  long entries = 0;
  do {
    LDAPControl *page, *controls[2] = {NULL, NULL}, **answered = NULL;
    LDAPMessage *result = NULL;
    int estimate, code = ldap_create_page_control(ld, size, cookie.bv_val == NULL ? NULL : &cookie, 1, &page);
    if (code != LDAP_SUCCESS) return fail(code);
    controls[0] = page;
    code = collected(ld, base, controls, &result);
    ldap_control_free(page);
    ber_memfree(cookie.bv_val);
    cookie = (struct berval){0, NULL};
    if (code == LDAP_SUCCESS) {
      int ended;
      entries += ldap_count_entries(ld, result);
      code = ldap_parse_result(ld, result, &ended, NULL, NULL, NULL, &answered, 0);
    }
    if (code == LDAP_SUCCESS) {
      LDAPControl *control = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, answered, NULL);
      code = control == NULL ? LDAP_CONTROL_NOT_FOUND : ldap_parse_pageresponse_control(ld, control, &estimate, &cookie);
    }
    ldap_controls_free(answered);
    ldap_msgfree(result);
    if (code != LDAP_SUCCESS) return fail(code);
  } while (cookie.bv_len > 0);
  ber_memfree(cookie.bv_val);
  return entries;
}

static const char *wanted_name;
static long found_values;

static void values_of(LDAP *ld, LDAPMessage *entry) {
  struct berval **values = ldap_get_values_len(ld, entry, wanted_name);
  for (size_t i = 0; values != NULL && values[i] != NULL; i++) {
    characters += values[i]->bv_len;
    found_values++;
  }
  ldap_value_free_len(values);
}

/* ------------------------------------------------------------------------------------------------------------------ */
/* Many operations, some of them in flight                                                                             */
/* ------------------------------------------------------------------------------------------------------------------ */

/* One name, and what its request in flight is: its id, and the number of requests before it. */
struct slot {
  int id;
  int step;
  const char *dn;
};

static int next_lookup(LDAP *ld, struct slot *slot) {
  return start_search(ld, slot->dn, LDAP_SCOPE_BASE, NULL, &slot->id);
}

static int next_write(LDAP *ld, struct slot *slot) {
  switch (slot->step) {
    case 0: {
      char cn[128], *classes[] = {"device", NULL}, *names[] = {cn, NULL};
      const char *end = strchr(slot->dn, ',');
      snprintf(cn, sizeof cn, "%.*s", end == NULL ? 0 : (int)(end - slot->dn - 3), slot->dn + 3);
      LDAPMod class = {LDAP_MOD_ADD, "objectClass", {classes}}, name = {LDAP_MOD_ADD, "cn", {names}};
      LDAPMod *attributes[] = {&class, &name, NULL};
      return ldap_add_ext(ld, slot->dn, attributes, NULL, NULL, &slot->id);
    }
    case 1: {
      char *values[] = {"changed", NULL};
      LDAPMod change = {LDAP_MOD_REPLACE, "description", {values}}, *changes[] = {&change, NULL};
      return ldap_modify_ext(ld, slot->dn, changes, NULL, NULL, &slot->id);
    }
    default:
      return ldap_delete_ext(ld, slot->dn, NULL, NULL, &slot->id);
  }
}

/* Runs `steps` requests for each name, one after another, this many names at a time. Returns 0, or -1 after `fail`. */
static long in_flight(LDAP *ld, char **dns, int count, int flight, int steps, int next(LDAP *, struct slot *)) {
  struct slot slots[flight];
  int started = 0, running = 0, code;
  for (; started < flight && started < count; started++, running++) {
    slots[started] = (struct slot){0, 0, dns[started]};
    if ((code = next(ld, &slots[started])) != LDAP_SUCCESS) return fail(code);
  }
  while (running > 0) {
    LDAPMessage *result = NULL;
    if (ldap_result(ld, LDAP_RES_ANY, LDAP_MSG_ALL, NULL, &result) <= 0) return fail(failed(ld));
    int id = ldap_msgid(result);
    struct slot *slot = slots;
    while (slot < slots + flight && slot->id != id) slot++;
    code = code_of(ld, result);
    if (slot == slots + flight) continue;
    if (code != LDAP_SUCCESS) return fail(code);
    if (++slot->step == steps) {
      if (started == count) {
        slot->id = 0;
        running--;
        continue;
      }
      *slot = (struct slot){0, 0, dns[started++]};
    }
    if ((code = next(ld, slot)) != LDAP_SUCCESS) return fail(code);
  }
  return 0;
}

static long with_names(LDAP *ld, int flight, int count, int steps, int next(LDAP *, struct slot *)) {
  char **dns = calloc(count, sizeof *dns);
  for (int i = 0; i < count; i++) dns[i] = line_of_input();
  long done = in_flight(ld, dns, count, flight, steps, next);
  for (int i = 0; i < count; i++) free(dns[i]);
  free(dns);
  return done;
}

static long cycles(int count) {
  for (int i = 0; i < count; i++) {
    LDAP *ld;
    int code = connected(&ld);
    if (code != LDAP_SUCCESS) return fail(code);
    ldap_unbind_ext_s(ld, NULL, NULL);
  }
  return 0;
}

/* ------------------------------------------------------------------------------------------------------------------ */
/* Commands                                                                                                            */
/* ------------------------------------------------------------------------------------------------------------------ */

static void print_usage(void) {
  struct rusage used;
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file != NULL) {
    if (fscanf(file, "%*s %ld", &pages) != 1) pages = 0;
    fclose(file);
  }
  getrusage(RUSAGE_SELF, &used);
  printf("ok %ld %ld %ld\n", (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000L + used.ru_utime.tv_usec + used.ru_stime.tv_usec,
         pages * (sysconf(_SC_PAGESIZE) / 1024), used.ru_maxrss);
}

static void answer(long done) {
  if (done < 0) printf("error %s\n", ldap_err2string(failure));
  else printf("ok %ld\n", done);
}

static int is(const char *command, const char *name, char **arguments) {
  size_t length = strlen(name);
  if (strncmp(command, name, length) != 0 || (command[length] != ' ' && command[length] != '\0')) return 0;
  *arguments = (char *)command + length + (command[length] == ' ');
  return 1;
}

int main(void) {
  LDAP *ld = NULL;
  url = line_of_input(), ca = line_of_input(), bind_dn = line_of_input(), password = line_of_input();
  if (*ca != '\0') ldap_set_option(NULL, LDAP_OPT_X_TLS_CACERTFILE, ca);
  int code = connected(&ld);
  answer(code == LDAP_SUCCESS ? 0 : fail(code));
  fflush(stdout);
  if (code != LDAP_SUCCESS) return 1;
  for (;;) {
    char *command = line_of_input(), *rest;
    if (is(command, "stream", &rest)) answer(streamed(ld, rest, nothing));
    else if (is(command, "two", &rest)) answer(streamed(ld, rest, two_values));
    else if (is(command, "text", &rest)) answer(streamed(ld, rest, all_text));
    else if (is(command, "inplace", &rest)) answer(streamed(ld, rest, all_text_in_place));
    else if (is(command, "collect", &rest)) answer(all_at_once(ld, rest));
    else if (is(command, "pages", &rest)) {
      int size = (int)strtol(rest, &rest, 10);
      answer(in_pages(ld, rest + 1, size));
    } else if (is(command, "values", &rest)) {
      char *space = strchr(rest, ' ');
      *space = '\0';
      wanted_name = rest;
      found_values = 0;
      long done = streamed(ld, space + 1, values_of);
      answer(done < 0 ? done : found_values);
    } else if (is(command, "lookups", &rest)) {
      int flight = (int)strtol(rest, &rest, 10);
      answer(with_names(ld, flight, (int)strtol(rest, NULL, 10), 1, next_lookup));
    } else if (is(command, "writes", &rest)) {
      int flight = (int)strtol(rest, &rest, 10);
      answer(with_names(ld, flight, (int)strtol(rest, NULL, 10), 3, next_write));
    } else if (is(command, "cycles", &rest)) answer(cycles((int)strtol(rest, NULL, 10)));
    else if (is(command, "usage", &rest)) print_usage();
    else if (is(command, "end", &rest)) break;
    else printf("error there is no command %s\n", command);
    fflush(stdout);
    free(command);
  }
  ldap_unbind_ext_s(ld, NULL, NULL);
  return 0;
}
