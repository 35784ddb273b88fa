/* config: every rule of idb.json(5), as one edit of a good file each. */
#include "config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char good[] =
    "{\"comment\":[1,{\"any\":null}],"
    "\"organisation\":{\"name\":{\"nl\":\"Gemeente Voorbeeld\",\"en\":\"Voorbeeld\"},"
    "\"url\":\"https://www.example.org\"},"
    "\"lines\":{\"comment\":\"two\","
    "\"kcc\":{\"number\":\"+31241234567\",\"number_display\":\"+31 24 123 45 67\","
    "\"hours\":{\"mon\":[\"09:00-12:00\",\"12:00-17:00\"]},\"closed\":[\"2028-02-29\"],"
    "\"clients\":[\"pbx\"],\"comment\":1},"
    "\"night\":{\"number\":\"+31247654321\",\"number_display\":\"+31 24 765 43 21\","
    "\"time_zone\":\"UTC\",\"clients\":[\"pbx2\"]}},"
    "\"store\":{\"url\":\"sqlite:/var/lib/idb/idb.db\"},"
    "\"keys\":{\"directory\":\"/etc/idb/keys\"},"
    "\"issue\":{\"attest\":[\"front-office\"]},"
    "\"desk\":{\"a.jansen@example.org\":[\"agent\",\"privacy\"],\"comment\":\"x\"},"
    "\"attributes\":{\"bsn\":{\"label\":{\"nl\":\"BSN\"},\"type\":\"bsn\",\"mask\":true},"
    "\"name\":{\"label\":{\"nl\":\"Naam\",\"en\":\"Name\",\"comment\":\"x\"}},"
    "\"phone_2\":{\"label\":{\"nl\":\"Telefoon\"}}},"
    "\"methods\":{\"digid\":{\"label\":{\"nl\":\"DigiD\"},\"issuer\":\"https://login.example.org\","
    "\"client_id\":\"x\",\"client_auth\":\"private_key_jwt\",\"id_token_alg\":\"PS256\","
    "\"claims\":{\"bsn\":\"sub.bsn\",\"name\":\"name\",\"comment\":1},"
    "\"level\":{\"claim\":\"acr\",\"values\":{\"urn:a b\":\"low\",\"urn:2\":\"substantial\"}}}},"
    "\"purposes\":{\"status\":{\"label\":{\"nl\":\"Status\"},\"line\":\"kcc\","
    "\"attributes\":[\"bsn\",\"name\"],\"methods\":[\"digid\"],\"minimum_level\":\"substantial\","
    "\"confirm\":\"page\",\"consent\":{\"id\":\"s1\",\"text\":{\"nl\":\"Mag het?\"}},"
    "\"links\":{\"bsn\":\"https://zaken.example.org/?q={value}\"}},"
    "\"plain\":{\"label\":{\"nl\":\"Gewoon\"},\"line\":\"night\",\"attributes\":[\"phone_2\"]}}}";

/* One edit of the good file: the value at the place (keys and indices between
 * bars) becomes value, or goes when value is NULL. The message must start with
 * path and a colon and hold word; no path means that the file stays good. */
struct edit {
    const char *place, *value, *path, *word;
};

#define X20  "xxxxxxxxxxxxxxxxxxxx"
#define X64  X20 X20 X20 "xxxx"
#define X100 X20 X20 X20 X20 X20
#define X500 X100 X100 X100 X100 X100

static const struct edit edits[] = {
    /* members */
    { "colour", "1", "colour", "no such member" },
    { "store|colour", "1", "store.colour",
      "members are: url, wait_ms, group, schema, pass_files, roles" },
    { "lines|kcc|colour", "1", "lines.kcc.colour", "no such member" },
    { "keys|caf\u00e9", "1", "keys.caf??", "no such member" },
    { "organisation", NULL, "organisation", "missing; expected an object" },
    { "organisation", "[]", "organisation", "found an empty list, expected an object" },
    { "organisation", "null", "organisation", "found null" },
    { "store", NULL, "store", "missing" },
    { "keys", NULL, "keys", "missing" },
    { "lines", NULL, "lines", "missing" },
    { "attributes", NULL, "attributes", "missing" },
    { "purposes", NULL, "purposes", "missing" },
    { "issue", NULL, NULL, NULL },
    { "desk", NULL, NULL, NULL },
    { "store|comment", "{\"a\":1}", NULL, NULL },
    /* labels */
    { "organisation|name", "{\"en\":\"x\"}", "organisation.name", "\"nl\" is missing" },
    { "organisation|name", "\"x\"", "organisation.name", "found \"x\", expected an object" },
    { "organisation|name|nld", "\"x\"", "organisation.name.nld", "a language" },
    { "organisation|name|NL", "\"x\"", "organisation.name.NL", "a language" },
    { "organisation|name|nl", "\"\"", "organisation.name.nl", "found empty text" },
    { "organisation|name|nl", "7", "organisation.name.nl", "found 7, expected text of 1 to 500" },
    { "organisation|name|nl", "\"a\\nb\"", "organisation.name.nl", "control character" },
    { "organisation|name|nl", "\"a\\u0085b\"", "organisation.name.nl", "control character" },
    { "organisation|name|nl", "\"a\\u007fb\"", "organisation.name.nl", "control character" },
    { "organisation|name|nl", "\"caf\u00e9 \u20ac\"", NULL, NULL },
    { "organisation|name|nl", "\"" X500 "\"", NULL, NULL },
    { "organisation|name|nl", "\"" X500 "x\"", "organisation.name.nl", "found text, expected" },
    /* addresses */
    { "organisation|url", "\"http://www.example.org\"", "organisation.url", "https://" },
    { "organisation|url", "\"https://\"", "organisation.url", "https://" },
    { "organisation|url", "\"https://a@www.example.org\"", "organisation.url", "without user" },
    { "organisation|url", "\"https://www.example.org/?a\"", "organisation.url", "without user" },
    { "organisation|url", "\"https://www.example.org/a b\"", "organisation.url", "https://" },
    { "organisation|url", "\"https://www.example.org:8443/idb\"", NULL, NULL },
    { "organisation|url", NULL, "organisation.url", "missing; expected an https://" },
    /* levels */
    { "levels", "[]", "levels", "an empty list, expected a list of at least one" },
    { "levels", "[\"a\",\"a\"]", "levels[1]", "twice" },
    { "levels", "[\"A\"]", "levels[0]", "a name" },
    { "levels", "[\"low\",\"substantial\"]", NULL, NULL },
    { "levels", "[\"low\",\"high\"]", "methods.digid.level.values",
      "there is no level \"substantial\"; levels are: low, high" },
    { "levels", "[\"substantial\",\"low\",\"high\"]", NULL, NULL },
    /* lines */
    { "lines", "{}", "lines", "at least one" },
    { "lines", "{\"comment\":1}", "lines", "at least one" },
    { "lines|Kcc", "{}", "lines.Kcc", "expected as name a name" },
    { "lines|9a", "{}", "lines.9a", "a letter first" },
    { "lines|a_b", "{}", "lines.a_b", "hyphens" },
    { "lines|" X64 "x", "{}", "lines." X64 "x", "at most 64" },
    { "lines|kcc|number", NULL, "lines.kcc.number", "missing" },
    { "lines|kcc|number", "\"0241234567\"", "lines.kcc.number", "E.164" },
    { "lines|kcc|number", "\"+3124123\"", "lines.kcc.number", "E.164" },
    { "lines|kcc|number", "\"+1234567890123456\"", "lines.kcc.number", "E.164" },
    { "lines|kcc|number", "\"+0241234567\"", "lines.kcc.number", "E.164" },
    { "lines|kcc|number", "\"+31 241234567\"", "lines.kcc.number", "E.164" },
    { "lines|kcc|number_display", NULL, "lines.kcc.number_display", "missing" },
    { "lines|kcc|number_display", "\"+31 24 123 45 68\"", "lines.kcc.number_display",
      "another number" },
    { "lines|kcc|number_display", "\"+31 24 123 45 6\"", "lines.kcc.number_display",
      "another number" },
    { "lines|kcc|number_display", "\"+31 24 123 45 678\"", "lines.kcc.number_display",
      "another number" },
    { "lines|kcc|number_display", "\"+31  24 1234567\"", "lines.kcc.number_display", "E.123" },
    { "lines|kcc|number_display", "\"+31 24 1234567 \"", "lines.kcc.number_display", "E.123" },
    { "lines|kcc|number_display", "\"+31-24-1234567\"", "lines.kcc.number_display", "E.123" },
    { "lines|kcc|time_zone", "\"/etc/passwd\"", "lines.kcc.time_zone", "a time zone" },
    { "lines|kcc|time_zone", "\"Europe//x\"", "lines.kcc.time_zone", "a time zone" },
    { "lines|kcc|time_zone", "\"Europe/\"", "lines.kcc.time_zone", "a time zone" },
    { "lines|kcc|time_zone", "\"../x\"", "lines.kcc.time_zone", "a time zone" },
    { "lines|kcc|time_zone", "\"Etc/GMT+1\"", NULL, NULL },
    { "lines|kcc|hours|mon", "[\"09:00-17:00\",\"16:59-18:00\"]", "lines.kcc.hours.mon[1]",
      "not overlap" },
    { "lines|kcc|hours|mon", "[\"13:00-17:00\",\"09:00-12:00\"]", "lines.kcc.hours.mon[1]",
      "ascend" },
    { "lines|kcc|hours|mon", "[\"9:00-17:00\"]", "lines.kcc.hours.mon[0]", "HH:MM-HH:MM" },
    { "lines|kcc|hours|mon", "[\"09:00-24:01\"]", "lines.kcc.hours.mon[0]", "HH:MM-HH:MM" },
    { "lines|kcc|hours|mon", "[\"09:60-17:00\"]", "lines.kcc.hours.mon[0]", "HH:MM-HH:MM" },
    { "lines|kcc|hours|mon", "[\"09:00 17:00\"]", "lines.kcc.hours.mon[0]", "HH:MM-HH:MM" },
    { "lines|kcc|hours|mon", "[\"17:00-09:00\"]", "lines.kcc.hours.mon[0]", "after the start" },
    { "lines|kcc|hours|mon", "[\"09:00-09:00\"]", "lines.kcc.hours.mon[0]", "after the start" },
    { "lines|kcc|hours|mon", "[\"00:00-24:00\"]", NULL, NULL },
    { "lines|kcc|hours|mon", "[]", NULL, NULL },
    { "lines|kcc|hours|monday", "[]", "lines.kcc.hours.monday",
      "mon, tue, wed, thu, fri, sat, sun" },
    { "lines|kcc|hours|comment", "1", NULL, NULL },
    { "lines|kcc|closed", "[\"2026-02-29\"]", "lines.kcc.closed[0]", "a date that exists" },
    { "lines|kcc|closed", "[\"2026-12-25T\"]", "lines.kcc.closed[0]", "a date that exists" },
    { "lines|kcc|closed", "[\"25-12-2026\"]", "lines.kcc.closed[0]", "a date that exists" },
    { "lines|kcc|closed", "[\"2026-12-25\",\"2026-12-25\"]", "lines.kcc.closed[1]", "twice" },
    { "lines|kcc|clients", "[\"p b x\"]", "lines.kcc.clients[0]", "a user name" },
    { "lines|night|clients", "[\"pbx\"]", "lines.kcc.clients", "also stands under line \"night\"" },
    /* store and keys */
    { "store|url", NULL, "store.url", "missing" },
    { "store|url", "\"postgresql://x\"", NULL, NULL },
    { "store|url", "\"postgresql://a@b,c:1/d?sslmode=verify-full\"", NULL, NULL },
    { "store|url", "\"postgres://x\"", "store.url", "postgresql://" },
    { "store|url", "\"postgresql:/x\"", "store.url", "postgresql://" },
    { "store|url", "\"postgresql://a:b@c/d\"", "store.url", "without a password" },
    { "store|url", "\"postgresql://c/d?user=a&password=b\"", "store.url", "without a password" },
    { "store|url", "\"postgresql://c/d?sslpassword=b\"", "store.url", "without a password" },
    { "store|url", "\"postgresql://c/d?pass%77ord=b\"", "store.url", "without a password" },
    { "store|schema", "\"idb\"", "store.schema", "only a store of PostgreSQL" },
    { "store|pass_files", "\"/etc/idb\"", "store.pass_files", "only a store of PostgreSQL" },
    { "store|roles", "{}", "store.roles", "only a store of PostgreSQL" },
    { "store", "{\"url\":\"postgresql://x\",\"group\":\"idb\"}", "store.group",
      "only a store of SQLite" },
    { "store", "{\"url\":\"postgresql://x\",\"schema\":\"pg_x\"}", "store.schema",
      "a schema's name" },
    { "store", "{\"url\":\"postgresql://x\",\"schema\":\"a-b\"}", "store.schema",
      "a schema's name" },
    { "store", "{\"url\":\"postgresql://x\",\"pass_files\":\"a\"}", "store.pass_files",
      "absolute" },
    { "store", "{\"url\":\"postgresql://x\",\"roles\":{\"web\":\"a'b\"}}", "store.roles.web", "" },
    { "store",
      "{\"url\":\"postgresql://x\",\"schema\":\"a1\",\"pass_files\":\"/"
      "a\",\"roles\":{\"web\":\"a\"}}",
      NULL, NULL },
    { "store|url", "\"sqlite:idb.db\"", "store.url", "absolute path" },
    { "store|url", "\"sqlite:/\"", "store.url", "absolute path" },
    { "store|wait_ms", "0", "store.wait_ms", "found 0, expected a whole number from 1 to 60000" },
    { "store|wait_ms", "60001", "store.wait_ms", "from 1 to 60000" },
    { "store|wait_ms", "1.5", "store.wait_ms", "found 1.5, expected a whole number" },
    { "store|wait_ms", "\"2000\"", "store.wait_ms", "found \"2000\"" },
    { "store|wait_ms", "true", "store.wait_ms", "found true" },
    { "store|group", "\"-x\"", "store.group", "user or group" },
    { "store|group", "\"idb\"", NULL, NULL },
    { "keys|directory", NULL, "keys.directory", "missing" },
    { "keys|directory", "\"keys\"", "keys.directory", "an absolute path" },
    { "keys|users", "{\"web\":\"a\",\"phone\":\"b\"}", "keys.users.desk", "missing" },
    { "keys|users", "{\"web\":\"a\",\"phone\":\"b\",\"desk\":\"c d\"}", "keys.users.desk", "user" },
    { "keys|users", "{\"web\":\"a\",\"phone\":\"b\",\"desk\":\"c\"}", NULL, NULL },
    /* numbers */
    { "code", "{\"digits\":7}", "code.digits", "found 7, expected a whole number from 8 to 12" },
    { "code", "{\"digits\":13}", "code.digits", "found 13" },
    { "code", "{\"digits\":12}", NULL, NULL },
    { "code", "{\"valid\":59}", "code.valid", "from 60 to 600" },
    { "code", "{\"valid\":601}", "code.valid", "from 60 to 600" },
    { "code", "{\"risk\":0}", "code.risk", "found 0, expected a number over 0, at most 0.01" },
    { "code", "{\"risk\":0.011}", "code.risk", "at most 0.01" },
    { "code", "{\"risk\":-1e-9}", "code.risk", "over 0" },
    { "code", "{\"risk\":0.01}", NULL, NULL },
    { "session", "{\"lifetime\":599}", "session.lifetime", "from 600 to 14400" },
    { "session", "{\"lifetime\":14401}", "session.lifetime", "from 600 to 14400" },
    { "session", "{\"wrap_up\":-1}", "session.wrap_up", "from 0 to 14400" },
    { "session", "{\"wrap_up\":1201,\"lifetime\":1200}", "session.wrap_up",
      "1201 seconds is longer than session.lifetime, 1200" },
    { "session", "{\"lifetime\":600}", "session.wrap_up", "900 seconds is longer" },
    { "session", "{\"wrap_up\":600,\"lifetime\":600}", NULL, NULL },
    { "session", "{\"renew\":1801}", "session.renew", "from 0 to 1800" },
    { "session", "{\"renewals\":4}", "session.renewals", "from 0 to 3" },
    { "session", "{\"renewals\":0,\"renew\":0}", NULL, NULL },
    { "throttle", "{\"per_call\":4}", "throttle.per_call", "from 1 to 3" },
    { "throttle", "{\"per_call\":0}", "throttle.per_call", "from 1 to 3" },
    { "throttle", "{\"per_caller\":1001}", "throttle.per_caller", "from 1 to 1000" },
    { "throttle", "{\"total\":1000001}", "throttle.total", "from 1 to 1000000" },
    { "throttle", "{\"window\":59}", "throttle.window", "from 60 to 86400" },
    { "audit", "{\"days\":0}", "audit.days", "from 1 to 3650" },
    { "audit", "{\"days\":3651}", "audit.days", "from 1 to 3650" },
    /* people */
    { "issue|attest", "[\"Front\"]", "issue.attest[0]", "a name" },
    { "issue|attest", "[\"a\",\"b\",\"a\"]", "issue.attest[2]", "twice" },
    { "desk|a b", "[\"agent\"]", "desk.a b", "a user name" },
    { "desk|jan", "[]", "desk.jan", "a list of at least one" },
    { "desk|jan", "[\"boss\"]", "desk.jan[0]", "expected one of: agent, support, privacy" },
    { "desk|jan", "\"agent\"", "desk.jan", "a list" },
    { "desk|" X64 "x", "[\"agent\"]", "desk." X64 "x", "at most 64" },
    /* attributes */
    { "attributes|a-b", "{}", "attributes.a-b", "underscores" },
    { "attributes|bsn|label", NULL, "attributes.bsn.label", "missing" },
    { "attributes|bsn|type", "\"date\"", "attributes.bsn.type", "one of: text, bsn" },
    { "attributes|bsn|mask", "1", "attributes.bsn.mask", "found 1, expected true or false" },
    /* methods */
    { "methods|digid|label", NULL, "methods.digid.label", "missing" },
    { "methods|digid|issuer", "\"https://a.example.org/#x\"", "methods.digid.issuer", "without" },
    { "methods|digid|issuer", "\"https://a.example.org:99999\"", "methods.digid.issuer",
      "without" },
    { "methods|digid|issuer", "\"https://a.example.org:0\"", "methods.digid.issuer", "without" },
    { "methods|digid|issuer", "\"https://a.example.org:\"", "methods.digid.issuer", "without" },
    { "methods|digid|issuer", "\"https://a:b:1\"", "methods.digid.issuer", "without" },
    { "methods|digid|issuer", "\"https://:443\"", "methods.digid.issuer", "without" },
    { "methods|digid|issuer", "\"https://a.example.org:65535/x\"", NULL, NULL },
    { "methods|digid|issuer", "\"https://[2001:db8::1]:8443\"", NULL, NULL },
    { "methods|digid|issuer", "\"http://localhost:99999\"", "methods.digid.issuer", "without" },
    { "methods|digid|issuer", "\"https://a.example.org/x/../y\"", "methods.digid.issuer", ".." },
    { "organisation|url", "\"https://a.example.org/..\"", "organisation.url", ".." },
    { "organisation|url", "\"https://a.example.org/./b\"", "organisation.url", ".." },
    { "methods|digid|proxy", "\"http://proxy.example.org:3128\"", NULL, NULL },
    { "methods|digid|proxy", "\"http://[::1]:3128\"", NULL, NULL },
    { "methods|digid|proxy", "\"http://proxy.example.org\"", "methods.digid.proxy", "host:port" },
    { "methods|digid|proxy", "\"https://proxy.example.org:1\"", "methods.digid.proxy",
      "host:port" },
    { "methods|digid|proxy", "\"http://u:p@proxy:3128\"", "methods.digid.proxy", "without user" },
    { "methods|digid|proxy", "\"http://proxy:3128/\"", "methods.digid.proxy", "and path" },
    { "methods|digid|proxy", "\"http://[]:80\"", "methods.digid.proxy", "host:port" },
    { "methods|digid|proxy", "\"http://]:80\"", "methods.digid.proxy", "host:port" },
    { "methods|digid|proxy", "\"http://a[b:80\"", "methods.digid.proxy", "host:port" },
    { "methods|digid|proxy", "\"http://[zz]:80\"", "methods.digid.proxy", "host:port" },
    { "methods|digid|proxy", "\"http://[::1:80\"", "methods.digid.proxy", "host:port" },
    { "methods|digid|proxy", "\"http://.:80\"", "methods.digid.proxy", "host:port" },
    { "methods|digid|proxy", "\"http://proxy:123456789\"", "methods.digid.proxy", "host:port" },
    { "methods|digid|proxy", "\"http://[::1]\"", "methods.digid.proxy", "host:port" },
    { "methods|digid|proxy", "\"socks5://proxy:1\"", "methods.digid.proxy", "an HTTP proxy" },
    { "methods|digid|scope", "\"profile email\"", NULL, NULL },
    { "methods|digid|scope", "\"profile  email\"", "methods.digid.scope", "one blank" },
    { "methods|digid|scope", "\" profile\"", "methods.digid.scope", "one blank" },
    { "methods|digid|scope", "\"pro\\\"file\"", "methods.digid.scope", "RFC 6749" },
    { "methods|digid|claims|name", "\"a..b\"", "methods.digid.claims.name", "a dot between" },
    { "methods|digid|claims|name", "\".\"", "methods.digid.claims.name", "a dot between" },
    { "methods|digid|claims|name", "\"a.\"", "methods.digid.claims.name", "a dot between" },
    { "methods|digid|claims|name", "\"https://a.example..org/name.\"", NULL, NULL },
    { "cache", "{}", "cache.directory", "missing" },
    { "cache", "{\"directory\":\"cache\"}", "cache.directory", "an absolute path" },
    { "cache", "{\"directory\":\"/var/cache/idb\"}", NULL, NULL },
    { "methods|digid|client_id", NULL, "methods.digid.client_id", "text of 1 to 255 bytes" },
    { "methods|digid|client_auth", "\"none\"", "methods.digid.client_auth", "tls_client_auth" },
    { "methods|digid|id_token_alg", "\"none\"", "methods.digid.id_token_alg", "RS256, " },
    { "methods|digid|id_token_alg", "\"HS256\"", "methods.digid.id_token_alg", "RS256, " },
    { "methods|digid|id_token_alg", "\"ES512\"", NULL, NULL },
    { "methods|digid|claims", "{}", "methods.digid.claims", "at least one" },
    { "methods|digid|claims|shoe", "\"x\"", "methods.digid.claims",
      "there is no attribute \"shoe\"; attributes are: bsn, name, phone_2" },
    { "methods|digid|claims|name", NULL, "purposes.status.methods[0]",
      "methods.digid.claims has no claim for attribute \"name\"" },
    { "methods|digid|level|claim", NULL, "methods.digid.level.claim", "missing" },
    { "methods|digid|level|values", "{}", "methods.digid.level.values", "at least one" },
    { "methods|digid|level|values|a\tb", "\"low\"", "methods.digid.level.values.a?b", "control" },
    { "methods|digid|level|values|", "\"low\"", "methods.digid.level.values.", "as name" },
    { "methods|digid|level|values|x", "\"mid\"", "methods.digid.level.values",
      "there is no level \"mid\"; levels are: low, substantial, high" },
    { "methods|digid|id_token_encryption", "{\"alg\":\"RSA1_5\",\"enc\":\"A256GCM\"}",
      "methods.digid.id_token_encryption.alg", "RSA-OAEP, RSA-OAEP-256, ECDH-ES" },
    { "methods|digid|id_token_encryption", "{\"alg\":\"RSA-OAEP\"}",
      "methods.digid.id_token_encryption.enc", "missing" },
    { "methods|digid|id_token_encryption", "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"}", NULL,
      NULL },
    { "methods|digid|userinfo_encryption", "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"}",
      "methods.digid", "userinfo_encryption needs userinfo_alg" },
    { "methods|digid|require_pushed_authorization_requests", "1",
      "methods.digid.require_pushed_authorization_requests", "true or false" },
    { "methods|digid|level|request", "{\"low\":\"loa:1\"}", NULL, NULL },
    { "methods|digid|level|request", "{\"mid\":\"loa:2\"}", "methods.digid.level.request",
      "there is no level \"mid\"" },
    { "methods|digid|level|values|comment", "\"high\"", NULL, NULL },
    { "methods|digid|level", NULL, "purposes.status.methods[0]", "never reaches" },
    { "methods|digid|level|values|urn:2", NULL, "purposes.status.methods[0]",
      "methods.digid.level never reaches the minimum level, \"substantial\"" },
    { "methods", NULL, "purposes.status.methods[0]",
      "there is no method \"digid\"; methods are: none" },
    /* purposes */
    { "purposes", "{}", "purposes", "at least one" },
    { "purposes|status|label", NULL, "purposes.status.label", "missing" },
    { "purposes|status|line", NULL, "purposes.status.line", "missing" },
    { "purposes|status|line", "\"kcc2\"", "purposes.status.line",
      "there is no line \"kcc2\"; lines are: kcc, night." },
    { "purposes|status|line", "\"comment\"", "purposes.status.line", "no line \"comment\"" },
    { "purposes|status|attributes", NULL, "purposes.status.attributes", "missing" },
    { "purposes|status|attributes", "[]", "purposes.status.attributes", "at least one" },
    { "purposes|status|attributes", "[\"bsn\",\"bsn\"]", "purposes.status.attributes[1]", "twice" },
    { "purposes|status|attributes", "[\"bsn\",\"shoe\"]", "purposes.status.attributes",
      "no attribute \"shoe\"" },
    { "purposes|status|methods", "[\"irma\"]", "purposes.status.methods[0]",
      "there is no method \"irma\"; methods are: digid" },
    { "purposes|status|methods", "[]", NULL, NULL },
    { "purposes|status|methods", NULL, NULL, NULL },
    { "purposes|status|minimum_level", "\"top\"", "purposes.status.minimum_level", "no level" },
    { "purposes|status|minimum_level", "\"high\"", "purposes.status.methods[0]", "never reaches" },
    { "purposes|status|minimum_level", NULL, NULL, NULL },
    { "purposes|status|confirm", "\"never\"", "purposes.status.confirm", "notify, page" },
    { "purposes|status|consent|id", NULL, "purposes.status.consent.id", "missing" },
    { "purposes|status|consent|id", "\"" X64 "x\"", "purposes.status.consent.id", "1 to 64" },
    { "purposes|status|consent|text", NULL, "purposes.status.consent.text", "missing" },
    { "purposes|status|links|phone_2", "\"https://a.example.org/{value}\"", "purposes.status.links",
      "\"phone_2\" is none of the attributes" },
    { "purposes|status|links|bsn", "\"https://a.example.org/\"", "purposes.status.links.bsn",
      "{value}" },
    { "purposes|status|links|bsn", "\"https://a.example.org/{value}{value}\"",
      "purposes.status.links.bsn", "once" },
    { "purposes|status|links|bsn", "\"http://a.example.org/{value}\"", "purposes.status.links.bsn",
      "https://" },
    { "purposes|status|links|bsn", "\"https://{value}.example.org/\"", "purposes.status.links.bsn",
      "behind the host" },
    { "purposes|status|links|bsn", "\"https://a{value}/\"", "purposes.status.links.bsn",
      "behind the host" },
    { "purposes|status|links|bsn", "\"javascript:{value}\"", "purposes.status.links.bsn",
      "https://" },
    { "purposes|status|links|bsn", "\"https://a.example.org/{value}/x\"", NULL, NULL },
};

/* ---- helpers ---- */

static char file[] = "/tmp/idb-config-test-XXXXXX";

static int make_file(void **state)
{
    int fd = mkstemp(file);

    (void)state;
    return fd == -1 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(file);
}

static void write_file(const char *text, size_t size)
{
    FILE *f = fopen(file, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static json_t *good_json(void)
{
    json_t *root = json_loads(good, JSON_REJECT_DUPLICATES, NULL);

    assert_non_null(root);
    return root;
}

static void write_json(const json_t *root)
{
    char *text = json_dumps(root, 0);

    assert_non_null(text);
    write_file(text, strlen(text));
    free(text);
}

static void apply(json_t *root, const struct edit *edit)
{
    char *place = strdup(edit->place);
    char *rest = place;
    char *key = strsep(&rest, "|");

    for (; rest; key = strsep(&rest, "|")) {
        root = json_object_get(root, key);
        assert_non_null(root);
    }
    if (edit->value)
        assert_int_equal(
            json_object_set_new(root, key, json_loads(edit->value, JSON_DECODE_ANY, NULL)), 0);
    else
        assert_int_equal(json_object_del(root, key), 0);
    free(place);
}

static void try_edit(const struct edit *edit)
{
    json_t *root = good_json();
    struct idb_config *config = NULL;
    struct idb_error err = { 0 };
    size_t n = edit->path ? strlen(edit->path) : 0;
    bool ok;

    apply(root, edit);
    write_json(root);
    json_decref(root);
    ok = idb_config_load(&config, file, &err);
    idb_config_free(config);
    if (ok != !edit->path)
        fail_msg("%s = %s: %s", edit->place, edit->value, ok ? "accepted" : err.message);
    if (ok)
        return;
    assert_null(config);
    assert_int_equal(err.exit, IDB_CONFIG);
    assert_string_equal(err.code, "config_invalid");
    if (strncmp(err.message, edit->path, n) || strncmp(err.message + n, ": ", 2)
        || !strstr(err.message, edit->word))
        fail_msg("%s = %s: %s", edit->place, edit->value, err.message);
}

static void expect_failure(enum idb_exit exit, const char *code, const char *word)
{
    struct idb_config *config = NULL;
    struct idb_error err = { 0 };

    assert_false(idb_config_load(&config, file, &err));
    assert_null(config);
    assert_int_equal(err.exit, exit);
    assert_string_equal(err.code, code);
    if (!strstr(err.message, word))
        fail_msg("no \"%s\" in: %s", word, err.message);
}

static struct idb_config *load_good(void)
{
    struct idb_config *config = NULL;
    struct idb_error err = { 0 };

    write_file(good, strlen(good));
    if (!idb_config_load(&config, file, &err))
        fail_msg("%s", err.message);
    return config;
}

/* ---- tests ---- */

static void every_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++)
        try_edit(&edits[i]);
}

static void not_json(void **state)
{
    (void)state;
    write_file("", 0);
    expect_failure(IDB_CONFIG, "config_json", "the file is empty");
    write_file("{\n \"a\":,\n}", 10);
    expect_failure(IDB_CONFIG, "config_json", "line 2, column ");
    write_file("{\"a\":1,\n\"a\":2}", 14);
    expect_failure(IDB_CONFIG, "config_json", "duplicate");
    write_file("{\"a\":\"\xff\"}", 9);
    expect_failure(IDB_CONFIG, "config_json", "line 1, column ");
    write_file("{\"a\":\"\\u0000\"}", 14);
    expect_failure(IDB_CONFIG, "config_json", "line 1, column ");
    write_file("{} {}", 5);
    expect_failure(IDB_CONFIG, "config_json", "end of file");
    write_file("[]", 2);
    expect_failure(IDB_CONFIG, "config_invalid", "the file: found an empty list");
}

static void too_large(void **state)
{
    size_t size = IDB_CONFIG_MAX + 1;
    char *text = malloc(size);
    struct idb_config *config = NULL;
    struct idb_error err = { 0 };

    (void)state;
    assert_non_null(text);
    memset(text, ' ', size);
    memcpy(text, good, strlen(good));
    write_file(text, size);
    expect_failure(IDB_CONFIG, "config_unreadable", "larger than 1048576 bytes");
    write_file(text, size - 1);
    assert_true(idb_config_load(&config, file, &err));
    idb_config_free(config);
    free(text);
}

static void not_a_file(void **state)
{
    struct idb_config *config = NULL;
    struct idb_error err = { 0 };

    (void)state;
    assert_false(idb_config_load(&config, "/tmp", &err));
    assert_int_equal(err.exit, IDB_CONFIG);
    assert_string_equal(err.code, "config_unreadable");
    assert_non_null(strstr(err.message, "a directory"));
    assert_false(idb_config_load(&config, "/dev/null", &err));
    assert_string_equal(err.code, "config_unreadable");
    assert_false(idb_config_load(&config, "/dev/null/x", &err));
    assert_string_equal(err.code, "config_missing");
    assert_false(idb_config_load(&config, "/nowhere/idb.json", &err));
    assert_string_equal(err.code, "config_missing");
    assert_int_equal(err.exit, IDB_CONFIG);
}

/* A pipe must be refused, not waited for. */
static void a_pipe(void **state)
{
    (void)state;
    assert_int_equal(unlink(file), 0);
    assert_int_equal(mkfifo(file, 0600), 0);
    expect_failure(IDB_CONFIG, "config_unreadable", "a device or a pipe");
    assert_int_equal(unlink(file), 0);
    write_file(good, strlen(good));
}

/* Whoever runs the tests as root becomes nobody for a moment. */
static void not_permitted(void **state)
{
    bool root = geteuid() == 0;

    (void)state;
    write_file(good, strlen(good));
    assert_int_equal(chmod(file, 0), 0);
    if (root)
        assert_int_equal(seteuid(65534), 0);
    expect_failure(IDB_NOPERM, "config_unreadable", "chmod a+r");
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(file, 0600), 0);
}

static void defaults(void **state)
{
    struct idb_config *config = load_good();

    (void)state;
    assert_string_equal(config->store_url, "sqlite:/var/lib/idb/idb.db");
    assert_null(config->store_group);
    assert_string_equal(config->keys_directory, "/etc/idb/keys");
    assert_int_equal(config->store_wait_ms, 2000);
    assert_int_equal(config->code_digits, 10);
    assert_int_equal(config->code_valid_ms, 600000);
    assert_true(config->code_risk > 0.9e-6 && config->code_risk < 1.1e-6);
    assert_int_equal(config->session_lifetime_ms, 14400000);
    assert_int_equal(config->session_wrap_up_ms, 900000);
    assert_int_equal(config->session_renew_ms, 1800000);
    assert_int_equal(config->session_renewals, 3);
    assert_int_equal(config->throttle_per_call, 3);
    assert_int_equal(config->throttle_per_caller, 10);
    assert_int_equal(config->throttle_total, 100);
    assert_int_equal(config->throttle_window_ms, 600000);
    assert_int_equal(config->audit_days, 90);
    idb_config_free(config);
    idb_config_free(NULL);
}

static void given_values(void **state)
{
    static const struct edit given[] = {
        { "store|wait_ms", "150", 0, 0 },
        { "store|group", "\"idb\"", 0, 0 },
        { "code", "{\"digits\":9,\"valid\":120,\"risk\":0.002}", 0, 0 },
        { "session", "{\"lifetime\":3600,\"wrap_up\":0,\"renew\":60,\"renewals\":0}", 0, 0 },
        { "throttle", "{\"per_call\":2,\"per_caller\":5,\"total\":6,\"window\":61}", 0, 0 },
        { "audit", "{\"days\":7}", 0, 0 },
    };
    json_t *root = good_json();
    struct idb_config *c = NULL;
    struct idb_error err = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++)
        apply(root, &given[i]);
    write_json(root);
    json_decref(root);
    assert_true(idb_config_load(&c, file, &err));
    assert_int_equal(c->store_wait_ms, 150);
    assert_string_equal(c->store_group, "idb");
    assert_true(c->code_digits == 9 && c->code_valid_ms == 120000 && c->code_risk > 0.001);
    assert_true(c->session_lifetime_ms == 3600000 && c->session_wrap_up_ms == 0);
    assert_true(c->session_renew_ms == 60000 && c->session_renewals == 0);
    assert_true(c->throttle_per_call == 2 && c->throttle_per_caller == 5);
    assert_true(c->throttle_total == 6 && c->throttle_window_ms == 61000 && c->audit_days == 7);
    idb_config_free(c);
}

static void lookups(void **state)
{
    struct idb_config *config = load_good();

    (void)state;
    assert_non_null(idb_config_purpose(config, "status"));
    assert_null(idb_config_purpose(config, "other"));
    assert_null(idb_config_purpose(config, NULL));
    assert_non_null(idb_config_attribute(config, "bsn"));
    assert_non_null(idb_config_method(config, "digid"));
    assert_non_null(idb_config_line(config, "kcc"));
    assert_null(idb_config_line(config, "comment"));
    assert_null(idb_config_only_line(config));
    assert_int_equal(idb_config_level(config, "low"), 0);
    assert_int_equal(idb_config_level(config, "high"), 2);
    assert_int_equal(idb_config_level(config, "top"), -1);
    assert_int_equal(idb_config_level(config, NULL), -1);
    assert_true(idb_config_may_attest(config, "front-office"));
    assert_false(idb_config_may_attest(config, "back-office"));
    assert_false(idb_config_may_attest(config, NULL));
    assert_true(idb_config_has_role(config, "a.jansen@example.org", "privacy"));
    assert_false(idb_config_has_role(config, "a.jansen@example.org", "support"));
    assert_false(idb_config_has_role(config, "comment", "agent"));
    assert_false(idb_config_has_role(config, NULL, "agent"));
    assert_string_equal(idb_config_client_line(config, "pbx2"), "night");
    assert_null(idb_config_client_line(config, "pbx3"));
    assert_null(idb_config_client_line(config, NULL));
    idb_config_free(config);
}

static void one_line(void **state)
{
    struct edit out = { "lines|night", NULL, NULL, NULL };
    struct edit move = { "purposes|plain|line", "\"kcc\"", NULL, NULL };
    json_t *root = good_json();
    struct idb_config *config = NULL;
    struct idb_error err = { 0 };

    (void)state;
    apply(root, &out);
    apply(root, &move);
    write_json(root);
    json_decref(root);
    assert_true(idb_config_load(&config, file, &err));
    assert_string_equal(idb_config_only_line(config), "kcc");
    idb_config_free(config);
}

static void texts(void **state)
{
    json_t *labels = json_pack("{s:s, s:s, s:s}", "comment", "c", "en", "Name", "nl", "Naam");
    json_t *other = json_pack("{s:s, s:s}", "comment", "c", "fr", "Nom");

    (void)state;
    assert_string_equal(idb_config_text(labels, "en"), "Name");
    assert_string_equal(idb_config_text(labels, "de"), "Naam");
    assert_string_equal(idb_config_text(labels, "comment"), "Naam");
    assert_string_equal(idb_config_text(labels, NULL), "Naam");
    assert_string_equal(idb_config_text(other, "en"), "Nom");
    assert_string_equal(idb_config_text(NULL, "nl"), "");
    json_decref(labels);
    json_decref(other);
}

static void paths(void **state)
{
    (void)state;
    unsetenv("IDB_CONFIG");
    assert_string_equal(idb_config_path(NULL), IDB_CONFIG_PATH);
    setenv("IDB_CONFIG", "", 1);
    assert_string_equal(idb_config_path(NULL), IDB_CONFIG_PATH);
    setenv("IDB_CONFIG", "/a", 1);
    assert_string_equal(idb_config_path(NULL), "/a");
    assert_string_equal(idb_config_path("b"), "b");
}

/* The public part holds no user, client, path or comment. */
static void public_part(void **state)
{
    static const char *const hidden[] = { "pbx",   "jansen", "/var/",     "/etc/", "comment",
                                          "front", "issuer", "client_id", "zaken", "Mag het?" };
    struct idb_config *config = load_good();
    json_t *public = idb_config_public(config);
    char *text = json_dumps(public, JSON_COMPACT);

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        if (strstr(text, hidden[i]))
            fail_msg("%s in %s", hidden[i], text);
    assert_non_null(strstr(text, "\"consent\":{\"id\":\"s1\"}"));
    assert_non_null(strstr(text, "\"code\":{\"digits\":10,\"valid\":600}"));
    assert_non_null(strstr(text, "\"time_zone\":\"Europe/Amsterdam\""));
    assert_non_null(strstr(text, "\"methods\":[],\"confirm\":\"notify\""));
    assert_non_null(strstr(text, "{\"label\":{\"nl\":\"Naam\",\"en\":\"Name\"},\"mask\":false}"));
    /* Making it left the configuration alone. */
    assert_non_null(
        json_object_get(json_object_get(idb_config_purpose(config, "status"), "consent"), "text"));
    free(text);
    json_decref(public);
    idb_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule),  cmocka_unit_test(not_json),
        cmocka_unit_test(too_large),   cmocka_unit_test(not_a_file),
        cmocka_unit_test(a_pipe),      cmocka_unit_test(not_permitted),
        cmocka_unit_test(defaults),    cmocka_unit_test(given_values),
        cmocka_unit_test(lookups),     cmocka_unit_test(one_line),
        cmocka_unit_test(texts),       cmocka_unit_test(paths),
        cmocka_unit_test(public_part),
    };

    return cmocka_run_group_tests_name("config", tests, make_file, remove_file);
}
