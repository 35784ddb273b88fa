# What the pages share. A page is made of a context:
#
#     { answer, config, lang, text, root }
#
# the program's answer, what idb-config(8) shows (or null), the language with its
# texts, and the way up to the folder that holds nl/, en/, callback and desk.
#
# Escaping: text becomes HTML by @html or say() alone; whatever is called html is
# HTML already.

# ---- the context ----

# The way up from the address that was asked for. Links are relative, so that the
# pages may stand anywhere below a host, behind a proxy that cuts its prefix too.
def way_up:
    ($ENV.SCRIPT_NAME // "" | sub("^.*(?<page>(/(nl|en)/[a-z]+|/callback|/desk(/[a-z]+)?))$"; .page))
    + ($ENV.PATH_INFO // "")
    | [limit(64; scan("/"))] | .[1:] | map("../") | join("");

# What the shell hands over: the answer, the word "config", and what idb-config shows.
# An answer that did not come, or is none, is an error of our own.
def next_input: try input catch null;
def handed_over:
    next_input as $answer
    | (if $answer == "config" then null else next_input end) as $word
    | { answer: (if $answer | type == "object" then $answer else { error: "internal" } end),
        config: (next_input | if type == "object" and (.error | not) then . else null end) };

def in_language($lang): .lang = $lang | .text = .texts[$lang];

# $args: what the shell says, all constants: {lang, nl, en, to}; the texts each in an
# array, as --slurpfile gives them. (Data by import breaks jq 1.6.)
def context($args):
    handed_over
    + { root: way_up,
      texts: { nl: $args.nl[0], en: $args.en[0] } }
    | in_language($args.lang);

# ---- text ----

# A text of the language file, with {name} filled in from $values, as HTML.
# The path is an array, ["code", "title"].
def text_at($path): .text | getpath($path) // error("no text \($path | join("."))");

def fill($values): gsub("\\{(?<name>[a-z_]+)\\}"; $values[.name] | tostring);

def words($path; $values): text_at($path) | fill($values);
def words($path): text_at($path);

def say($path; $values): words($path; $values) | @html;
def say($path): words($path) | @html;

def para_html($path; $values): "<p>\(say($path; $values))</p>";
def para_html($path): para_html($path; {});

# A word of ours in the reader's language; the word itself where we have none.
def word($table; $value): (.text[$table] | .[$value]?) // $value;

# The organisation's name in the page's language, and its address.
def organisation:
    .lang as $lang
    | .answer.organisation // (.config.organisation | if . then .name |= (.[$lang] // .nl) else . end);
def organisation_name: organisation.name // text_at(["organisation"]);
def organisation_url: organisation.url;

# The purpose in the page's language; an answer has it in the login's.
def purpose_label:
    .lang as $lang
    | (.config.purposes[.answer.purpose.name].label[$lang])? // .answer.purpose.label;

# A number that stays on one line.
def unbroken: gsub(" "; "\u00a0");

# ---- time ----

# RFC 3339 UTC to seconds. By hand: fromdate of jq 1.6 is an hour off in summer.
def seconds:
    [scan("[0-9]+") | tonumber] as [$y, $m, $d, $h, $min, $s]
    | (if $m <= 2 then [$y - 1, $m + 9] else [$y, $m - 3] end) as [$year, $month]
    | ($year * 365 + ($year / 4 | floor) - ($year / 100 | floor) + ($year / 400 | floor)
       + ((153 * $month + 2) / 5 | floor) + $d - 719469) * 86400
    + $h * 3600 + $min * 60 + $s;

# "14:05" in TZ; says so where that is UTC, because the zone is not known here.
def clock:
    seconds
    | (localtime | strftime("%H:%M")) as $here
    | if $here == (gmtime | strftime("%H:%M")) then "\($here) UTC" else $here end;

def day: seconds | localtime | strftime("%d-%m-%Y");

# A duration of whole seconds, in words.
def duration($seconds):
    if $seconds % 3600 == 0 and $seconds > 0 then
        words(["duration", if $seconds == 3600 then "hour" else "hours" end]; { n: ($seconds / 3600) })
    else words(["duration", "minutes"]; { n: ($seconds / 60 | ceil) }) end;

# ---- parts of a page ----

def href($to): @html "\(.root)\($to)";

def link_html($to; $path): "<a href=\"\(href($to))\">\(say($path))</a>";

def hidden_html($fields):
    [$fields | to_entries[] | select(.value != null)
     | @html "<input type=\"hidden\" name=\"\(.key)\" value=\"\(.value)\" />"] | join("");

# A form of buttons: [{name, value, html, class}].
def form_html($to; $fields; $buttons):
    "<form method=\"post\" action=\"\(href($to))\">"
    + hidden_html($fields)
    + ([$buttons[]
        | @html "<button type=\"submit\" class=\"\(.class // "second")\""
          + (if .name then @html " name=\"\(.name)\" value=\"\(.value)\"" else "" end)
          + ">\(.html)</button>"] | join(" "))
    + "</form>";

# [[label, value-as-html]], the ones without value left out.
def list_html($rows):
    "<dl>"
    + ([$rows[] | select(.[1] != null) | "<div><dt>" + (.[0] | @html) + "</dt><dd>\(.[1])</dd></div>"] | join(""))
    + "</dl>";

def section_html($id; $path; $html):
    "<section aria-labelledby=\"\($id)\"><h2 id=\"\($id)\">\(say($path))</h2>\($html)</section>";

# ---- HTTP ----

# A header's value cannot begin a new line.
def header_safe: tostring | gsub("[\\r\\n]"; " ");

def headers($status; $more):
    [ "Status: \($status)",
      "Cache-Control: no-store",
      "X-Content-Type-Options: nosniff",
      # The origin alone, for an address can hold what a login answered. Not
      # no-referrer: a browser would then send "Origin: null" with every form.
      "Referrer-Policy: strict-origin",
      (.answer.cookies // [] | .[]? | "Set-Cookie: \(header_safe)"),
      $more[] ] | join("\n");

# A start page sends its form on to a provider, which form-action would forbid
# where a browser holds it against redirects too.
def policy($forms):
    "Content-Security-Policy: default-src 'none'; style-src 'self'; base-uri 'none'; "
    + "frame-ancestors 'none'" + if $forms then "; form-action 'self'" else "" end;

def redirect_to($to): headers("303 See Other"; ["Location: \($to | header_safe)", ""]);

# $page: { title, html, status?, refresh?, headers?, forms?, other?, desk? }; title
# and html are HTML; other is the address in the other language.
def document($page):
    headers($page.status // "200 OK";
        ["Content-Type: text/html; charset=utf-8", "Content-Language: \(.lang)",
         policy($page.forms != "anywhere")] + ($page.headers // []))
    + "\n\n<!DOCTYPE html>\n"
    + @html "<html lang=\"\(.lang)\">\n<head>\n<meta charset=\"utf-8\" />\n"
    + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n"
    + "<meta name=\"robots\" content=\"noindex\" />\n"
    + (if $page.refresh then @html "<meta http-equiv=\"refresh\" content=\"\($page.refresh)\" />\n" else "" end)
    + "<title>\($page.title) – \(organisation_name | @html)</title>\n"
    + "<link rel=\"stylesheet\" href=\"\(href("idb.css"))\" />\n</head>\n<body>\n<header>\n"
    + (organisation_url as $url
       | if $url and ($page.desk | not) then @html "<p><a href=\"\($url)\">\(organisation_name)</a></p>"
         else "<p>\(organisation_name | @html)</p>" end)
    + (if $page.other then
         (if .lang == "nl" then "en" else "nl" end) as $other
         | "\n<p><a lang=\"\($other)\" hreflang=\"\($other)\" href=\"\(href($page.other))\">\(say(["other_language"]))</a></p>"
       else "" end)
    + (if $page.desk then
         "\n<nav aria-label=\"\(say(["desk", "title"]))\">\(link_html("desk"; ["desk", "calls", "title"])) \(link_html("desk/ticket"; ["desk", "ticket", "title"]))</nav>"
       else "" end)
    + "\n</header>\n<main>\n<h1>\($page.title)</h1>\n\($page.html)\n</main>\n<footer>\n<p>\(say([if $page.desk then "desk" else "page" end, "footer"]))</p>\n</footer>\n</body>\n</html>";

# ---- errors ----

# An error word: [HTTP status, key under "errors", where to go on]. Where: start
# (the purpose's, else the organisation's own site), code (the resident's page),
# site, or none. What is not listed here is [400, general, start].
def error_table:
    ["500 Internal Server Error", "broken", "start"] as $broken
    | ["503 Service Unavailable", "busy", "start"] as $busy
    | ["502 Bad Gateway", "provider", "start"] as $provider
    | ["410 Gone", "expired", "start"] as $expired
    | ["400 Bad Request", "login_mixed", "start"] as $mixed
    | { bad_method: ["405 Method Not Allowed", "bad_address", "start"],
        bad_path: ["404 Not Found", "bad_address", "start"],
        bad_query: ["400 Bad Request", "bad_address", "start"],
        unknown_purpose: ["404 Not Found", "unknown_purpose", "site"],
        unknown_method: ["400 Bad Request", "unknown_method", "start"],
        too_large: ["413 Content Too Large", "general", "start"],
        bad_type: ["415 Unsupported Media Type", "general", "start"],
        bad_cookie: ["400 Bad Request", "bad_cookie", "start"],
        cross_site: ["403 Forbidden", "cross_site", "start"],
        other_browser: ["403 Forbidden", "other_browser", "start"],
        level_too_low: ["403 Forbidden", "level_too_low", "start"],
        attribute_missing: ["403 Forbidden", "attribute_missing", "start"],
        bad_attribute: ["403 Forbidden", "attribute_missing", "start"],
        not_permitted: ["403 Forbidden", "not_permitted", "none"],
        attestor_unknown: ["403 Forbidden", "not_permitted", "none"],
        not_authenticated: ["401 Unauthorized", "not_authenticated", "none"],
        login_cancelled: ["200 OK", "login_cancelled", "start"],
        no_consent: ["200 OK", "no_consent", "start"],
        login_expired: $expired, login_too_old: $expired, offer_expired: $expired,
        token_expired: $expired,
        no_session: ["410 Gone", "no_session", "start"],
        no_cookie: ["410 Gone", "no_cookie", "start"],
        bad_state: $mixed, bad_issuer: $mixed, bad_callback: $mixed, bad_offer: $mixed,
        bad_token: $mixed,
        login_failed: ["502 Bad Gateway", "login_failed", "start"],
        provider_down: $provider, provider_answer: $provider, provider_refused: $provider,
        bad_token_encryption: $provider, bad_token_signature: $provider, bad_id_token: $provider, bad_claim: $provider,
        not_issued: ["409 Conflict", "not_issued", "code"],
        not_called: ["409 Conflict", "not_called", "code"],
        renewals_spent: ["409 Conflict", "renewals_spent", "code"],
        too_late: ["409 Conflict", "too_late", "code"],
        busy: $busy, clock: $busy, memory: $busy, no_code: $busy, random: $busy,
        internal: $broken, schema: $broken, forged: $broken, client_key: $broken,
        input: $broken, output: $broken, usage: $broken,
        call_ended: ["410 Gone", "call_ended", "desk"],
        key_destroyed: ["410 Gone", "call_ended", "desk"],
        not_open: ["409 Conflict", "not_open", "desk"],
        unknown_call: ["404 Not Found", "call_ended", "desk"],
        unknown_line: ["404 Not Found", "unknown_line", "desk"],
        bad_call_id: ["400 Bad Request", "bad_call_id", "desk"],
        unknown_ticket: ["404 Not Found", "unknown_ticket", "desk"],
        attribute_not_allowed: ["400 Bad Request", "general", "start"] };

def error_of($word):
    error_table[$word]
    // if $word | test("^(cache|config|key|store)_") then ["500 Internal Server Error", "broken", "start"]
       else ["400 Bad Request", "general", "start"] end;

def start_address:
    (.answer.purpose | if type == "object" then .name else . end) as $purpose
    | if $purpose | type == "string" and test("^[a-z][a-z0-9-]*$") then "\(.lang)/start/\($purpose)"
      else null end;

# Never a dead end.
def onward_html($where):
    start_address as $start
    | if $where == "none" then ""
      elif $where == "code" then "<p>\(link_html("\(.lang)/code"; ["onward", "code"]))</p>"
      elif $where == "desk" then "<p>\(link_html("desk"; ["desk", "calls", "title"]))</p>"
      elif $where == "start" and $start then "<p>\(link_html($start; ["onward", "start"]))</p>"
      elif organisation_url then
          @html "<p><a href=\"\(organisation_url)\">" + say(["onward", "site"]; { organisation: organisation_name }) + "</a></p>"
      else "" end;

# Numbers to call without any of this.
def numbers_html:
    [.config.lines // {} | .[] | objects | select(.number)
     | @html "<a href=\"tel:\(.number)\">\(.number_display)</a>"] as $numbers
    | if $numbers == [] then ""
      else "<p>\(say(["onward", "call"])) \($numbers | join(", "))</p>" end;

# $page as for document(): desk, headers.
def error_page($page):
    (.answer.error | tostring) as $word
    | error_of($word) as [$status, $key, $where]
    | (if $page.desk and $where != "none" then "desk" else $where end) as $where
    | (if $page.desk and .text.desk.errors[$key] then ["desk", "errors", $key]
       elif .text.errors[$key] then ["errors", $key]
       else ["errors", "general"] end) as $path
    | document($page
        + { status: $status, title: say($path + ["title"]),
            headers: ((if $status[:3] == "503" then ["Retry-After: 5"]
                       elif $status[:3] == "405" then ["Allow: \($page.allow // "GET, HEAD")"]
                       elif $status[:3] == "401" then ["WWW-Authenticate: Basic realm=\"ID Bellen\""]
                       else [] end)),
            html: (para_html($path + ["text"])
                   + onward_html($where)
                   + (if $page.desk or $status == "200 OK" then "" else numbers_html end)
                   + "<p class=\"small\">\(say(["errors", "word"])) <code>\($word | @html)</code></p>") });
