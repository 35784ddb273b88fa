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
    ($ENV.SCRIPT_NAME // "" | sub("^.*(?<page>(/[a-z][a-z]/[a-z]+|/callback|/i|/desk(/[a-z]+)?))$"; .page))
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

# A language that we do not have changes nothing.
def in_language($lang):
    if .texts | has($lang // "") then .lang = $lang | .text = .texts[$lang] else . end;

# $args: what the shell says, all constants: lang, to, and each language's texts under
# its two letters, in an array, as --slurpfile gives them. (Data by import breaks jq 1.6.)
def context($args):
    handed_over
    + { root: way_up,
        texts: ($args | with_entries(select(.value | type == "array") | .value |= .[0])) }
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

def para_html($path; $values): "<p class=\"utrecht-paragraph\">\(say($path; $values))</p>";
def para_html($path): para_html($path; {});
def lead_html($path; $values):
    "<p class=\"utrecht-paragraph utrecht-paragraph--lead\">\(say($path; $values))</p>";

# A word of ours in the reader's language; the word itself where we have none.
def word($table; $value): (.text[$table] | .[$value]?) // $value;

# The organisation's name in the page's language, and its address.
def organisation:
    .lang as $lang
    | .answer.organisation // (.config.organisation | if . then .name |= (.[$lang] // .nl // .[keys[0]]) else . end);
def organisation_name: organisation.name // text_at(["organisation"]);
def organisation_url: organisation.url;

# The purpose in the page's language; an answer has it in the login's.
def purpose_label:
    .lang as $lang
    | (.config.purposes[.answer.purpose.name].label[$lang])? // .answer.purpose.label;

# A number that stays on one line.
def unbroken: gsub(" "; "\u00a0");

# A telephone number as people write it in this language: +31 24 … is 024 … in Dutch.
def telephone($shown):
    text_at(["telephone"]) as $t
    | if $t.national != $t.international and ($shown | startswith($t.international + " ")) then
          $t.national + $shown[($t.international | length) + 1:]
      else $shown end;

# Digits in groups for the eye, each by itself for the ear: a screen reader would say
# 482 as a number. $id, or null, is for what copies it.
def digits_html($shown; $id):
    "<span class=\"idb-digits\"" + (if $id then @html " id=\"\($id)\"" else "" end) + " aria-hidden=\"true\">"
    + ($shown | @html) + "</span><span class=\"idb-visually-hidden\">"
    + ($shown | split(" ") | map(split("") | join(" ")) | join(", ") | @html) + "</span>";

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

# "2026-12-25" as "25 december 2026", and with its day of the week.
def date_words($date):
    words(["date"]; { day: ($date[8:10] | tonumber), year: $date[0:4],
        month: text_at(["months", ($date[5:7] | tonumber | tostring)]) });
def weekday_words($date):
    ($date + "T12:00:00Z" | seconds | gmtime | strftime("%u") | tonumber) as $weekday
    | text_at(["days", ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][$weekday - 1]]) + " " + date_words($date);

# The answer's line is closed now, and when it opens: today, tomorrow, or on a date.
def closed_now_html:
    (.answer.opens_at // null) as $at
    | if $at | not then say(["line", "closed"])
      else
          def on: localtime | strftime("%Y-%m-%d");
          ($at | seconds | on) as $date
          | { time: ($at | clock), date: weekday_words($date) } as $v
          | say(["line", "closed"]) + " "
            + say(["line", if $date == (now | on) then "today" elif $date == (now + 86400 | on) then "tomorrow" else "later" end]; $v)
      end;

# A duration of whole seconds, in words.
def duration($seconds):
    if $seconds % 3600 == 0 and $seconds > 0 then
        words(["duration", if $seconds == 3600 then "hour" else "hours" end]; { n: ($seconds / 3600) })
    else words(["duration", "minutes"]; { n: ($seconds / 60 | ceil) }) end;

# ---- parts of a page ----

def href($to): @html "\(.root)\($to)";

def link_html($to; $path): "<a class=\"utrecht-link utrecht-link--html-a\" href=\"\(href($to))\">\(say($path))</a>";

def hidden_html($fields):
    [$fields | to_entries[] | select(.value != null)
     | @html "<input type=\"hidden\" name=\"\(.key)\" value=\"\(.value)\" />"] | join("");

# first: what most people want; stop: what ends something.
def button_class:
    "utrecht-button utrecht-button--"
    + (if . == "first" then "primary-action"
       elif . == "stop" then "secondary-action utrecht-button--danger"
       else "secondary-action" end);

# A form of buttons: [{name, value, html, class}]; class is first, second or stop. The
# context's form_token, if there is one, goes along.
def form_html($to; $fields; $buttons):
    "<form class=\"idb-form\" method=\"post\" action=\"\(href($to))\">"
    + hidden_html($fields + { form_token })
    + "<div class=\"utrecht-action-group\">"
    + ([$buttons[]
        | @html "<button type=\"submit\" class=\"\(.class | button_class)\""
          + (if .name then @html " name=\"\(.name)\" value=\"\(.value)\"" else "" end)
          + ">\(.html)</button>"] | join(" "))
    + "</div></form>";

# Forms beside each other.
def buttons_html($html): "<div class=\"utrecht-action-group idb-buttons\">\($html)</div>";

# [[label, value-as-html]], the ones without value left out.
def list_html($rows):
    "<dl class=\"utrecht-data-list utrecht-data-list--rows\">"
    + ([$rows[] | select(.[1] != null)
        | "<div class=\"utrecht-data-list__item\"><dt class=\"utrecht-data-list__item-key\">" + (.[0] | @html)
          + "</dt><dd class=\"utrecht-data-list__item-value utrecht-data-list__item-value--html-dd\">\(.[1])</dd></div>"]
       | join(""))
    + "</dl>";

# What will happen, in order: the texts "1", "2", … at $path.
def steps_html($path; $values):
    . as $c
    | "<ol class=\"utrecht-ordered-list idb-steps\">"
    + ([text_at($path) | keys[] as $n | $c | "<li class=\"utrecht-ordered-list__item\">\(say($path + [$n]; $values))</li>"] | join(""))
    + "</ol>";

# A circle with an i, a circle with a tick, a triangle with a !, an octagon with a !.
def icon_path($kind):
    { info: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm-1 5h2v2h-2zm0 4h2v6h-2z",
      ok: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm-1.6 14.4-3.9-3.9 1.4-1.4 2.5 2.5 5.7-5.7 1.4 1.4z",
      warning: "M12 2 1 21h22zm-1 7h2v6h-2zm0 8h2v2h-2z",
      error: "M8 2h8l6 6v8l-6 6H8l-6-6V8zm3 5h2v7h-2zm0 8h2v2h-2z" }[$kind];

# $kind: info, ok, warning or error. $html: paragraphs, or what stands in one.
def alert_html($kind; $html):
    "<div class=\"utrecht-alert utrecht-alert--\($kind)\"><div class=\"utrecht-alert__icon\">"
    + "<svg class=\"idb-icon\" viewBox=\"0 0 24 24\" aria-hidden=\"true\"><path fill-rule=\"evenodd\" d=\"\(icon_path($kind))\" /></svg></div>"
    + "<div class=\"utrecht-alert__content\"><div class=\"utrecht-alert__message\">"
    + (if $html | test("^<(p|div|h[2-6]|ul|ol|dl|form)[ >]") then $html
       else "<p class=\"utrecht-paragraph\">\($html)</p>" end)
    + "</div></div></div>";

# A button, there only where idb.js runs, that copies the text of element $id. $text
# is its own.
def copy_html($id; $text):
    @html "<button type=\"button\" class=\"utrecht-button utrecht-button--subtle idb-copy\" data-copy=\"\($id)\" data-done=\"\(words(["page", "copied"]))\" hidden=\"hidden\">\($text)</button>";

# A QR code as a program's answer has it, {size, path}; $text says what it is.
def svg_html($qr; $text):
    @html "<svg class=\"idb-qr\" role=\"img\" aria-label=\"\($text)\" viewBox=\"0 0 \($qr.size) \($qr.size)\" shape-rendering=\"crispEdges\"><rect width=\"\($qr.size)\" height=\"\($qr.size)\" fill=\"#fff\" /><path fill=\"#000\" d=\"\($qr.path)\" /></svg>";

def section_html($id; $path; $html):
    "<section class=\"idb-section\" aria-labelledby=\"\($id)\"><h2 class=\"utrecht-heading-2\" id=\"\($id)\">\(say($path))</h2>\($html)</section>";

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
# where a browser holds it against redirects too. Fonts and pictures are for a theme.
def framers($page):
    (if $page.desk then .config.frame_ancestors // [] else [] end)
    | if . == [] then "'none'" else join(" ") end;
def policy($page):
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    + "connect-src 'self'; img-src 'self' data:; font-src 'self'; base-uri 'none'; "
    + "frame-ancestors \($page.frame_ancestors // framers($page) | header_safe | gsub(";"; ""))"
    + (if $page.frames then "; frame-src 'self'" else "" end)
    + if $page.forms == "anywhere" then "" else "; form-action 'self'" end;

def redirect_to($to): headers("303 See Other"; ["Location: \($to | header_safe)", ""]);

# ---- a page ----

# The page in each of the other languages; $other is its address in any of them.
def languages_html($other):
    . as $c
    | [.texts | to_entries[] | select(.key != $c.lang)] as $others
    | if $others == [] then ""
      else
          "<ul class=\"idb-languages\">"
          + ([$others[] | . as $o | $c
              | @html "<li><a class=\"utrecht-link utrecht-link--html-a\" lang=\"\($o.key)\" hreflang=\"\($o.key)\" href=\"\(.root)\($o.key)\($other[2:])\">\($o.value.language)</a></li>"]
             | join(""))
          + "</ul>"
      end;

def header_html($page):
    "<header class=\"utrecht-page-header\"><div class=\"utrecht-page-header__content idb-header\">"
    + "<p class=\"idb-organisation\">"
    + (organisation_url as $url
       | if $url and ($page.desk | not) then @html "<a class=\"utrecht-link utrecht-link--html-a\" href=\"\($url)\">\(organisation_name)</a>"
         else organisation_name | @html end)
    + "</p>"
    + (if $page.other then languages_html($page.other) else "" end)
    + (if $page.desk then
         "<nav class=\"idb-nav\" aria-label=\"\(say(["desk", "title"]))\">\(link_html("desk"; ["desk", "calls", "title"])) \(link_html("desk/ticket"; ["desk", "ticket", "title"]))</nav>"
       else "" end)
    + "</div></header>";

# What keeps a page up to date: idb.js, by data-follow; where that does not run, the
# browser. What is said when something has changed, or cannot be told any more, stands
# outside of what is replaced.
def refresh_html($page):
    if $page.refresh then @html "<meta http-equiv=\"refresh\" content=\"\($page.refresh)\" />\n"
    else
        (if $page | has("reload") then $page.reload else $page.follow end) as $reload
        | if $reload then @html "<noscript><meta http-equiv=\"refresh\" content=\"\($reload)\" /></noscript>\n" else "" end
    end;

def said_html($page):
    if $page.follow then
        "<div class=\"idb-visually-hidden\" id=\"said\" role=\"status\"></div>\n"
        + "<div class=\"idb-lost\" id=\"lost\" role=\"alert\" hidden=\"hidden\">\(alert_html("warning"; say(["page", "lost"])))</div>\n"
    else "" end;

# $page: { title, html, status?, follow?, refresh?, headers?, forms?, other?, desk?,
# frame_ancestors? }; title and html are HTML; other is the page's address, "nl/code";
# follow, in seconds, keeps it up to date with idb.js and without, refresh without alone.
# With follow_address idb.js fetches that instead of the page's own address, and with
# follow_state first that, and the page only where it changed; reload is
# then what a browser without script does, or null. frames: it holds frames of ours.
def document($page):
    headers($page.status // "200 OK";
        ["Content-Type: text/html; charset=utf-8", "Content-Language: \(.lang)",
         policy($page)] + ($page.headers // []))
    + "\n\n<!DOCTYPE html>\n"
    + @html "<html lang=\"\(.lang)\">\n<head>\n<meta charset=\"utf-8\" />\n"
    + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n"
    + "<meta name=\"robots\" content=\"noindex\" />\n"
    # A telephone makes no numbers of its own of ours: the link has the code in it.
    + "<meta name=\"format-detection\" content=\"telephone=no\" />\n"
    + refresh_html($page)
    + "<title>\($page.title) – \(organisation_name | @html)</title>\n"
    # Without one a browser asks for /favicon.ico, and complains.
    + "<link rel=\"icon\" href=\"data:,\" />\n"
    + "<link rel=\"stylesheet\" href=\"\(href("idb.css"))\" />\n"
    + "<link rel=\"stylesheet\" href=\"\(href("theme.css"))\" />\n"
    + "<script src=\"\(href("idb.js"))\" defer=\"defer\"></script>\n"
    + "</head>\n<body class=\"utrecht-root utrecht-document\(if $page.desk then " idb-desk" else "" end)\">\n"
    + "<a class=\"utrecht-skip-link utrecht-skip-link--visible-on-focus\" href=\"#main\">\(say(["page", "skip"]))</a>\n"
    + "<div class=\"utrecht-page-layout\">\n\(header_html($page))\n<div class=\"utrecht-page-body\">\n\(said_html($page))"
    + "<main class=\"utrecht-page-body__content idb-main\" id=\"main\" tabindex=\"-1\""
    + (if $page.follow then @html " data-follow=\"\($page.follow)\"" else "" end)
    + (if $page.follow and $page.follow_state then " data-follow-state=\"\(href($page.follow_state))\"" else "" end)
    + (if $page.follow_address then " data-follow-at=\"\(href($page.follow_address))\"" else "" end)
    + ">\n<h1 class=\"utrecht-heading-1\">\($page.title)</h1>\n\($page.html)\n</main>\n</div>\n"
    + "<footer class=\"utrecht-page-footer\"><div class=\"utrecht-page-footer__content\"><p class=\"utrecht-paragraph\">\(say([if $page.desk then "desk" else "page" end, "footer"]))</p></div></footer>\n"
    + "</div>\n</body>\n</html>";

# ---- errors ----

# An error word: [HTTP status, key under "errors", where to go on]. Where: start
# (the purpose's, else all of them), code (the resident's page), either of these, site
# (the organisation's own), or none. What is not listed here is [400, general, start].
def error_table:
    ["500 Internal Server Error", "broken", "start"] as $broken
    | ["503 Service Unavailable", "busy", "start"] as $busy
    | ["502 Bad Gateway", "provider", "start"] as $provider
    | ["410 Gone", "expired", "start"] as $expired
    | ["400 Bad Request", "login_mixed", "either"] as $mixed
    | { bad_method: ["405 Method Not Allowed", "bad_address", "start"],
        bad_path: ["404 Not Found", "bad_address", "start"],
        bad_query: ["400 Bad Request", "bad_address", "start"],
        unknown_purpose: ["404 Not Found", "unknown_purpose", "site"],
        unknown_method: ["400 Bad Request", "unknown_method", "start"],
        too_large: ["413 Content Too Large", "general", "start"],
        bad_type: ["415 Unsupported Media Type", "general", "start"],
        bad_cookie: ["400 Bad Request", "bad_cookie", "start"],
        bad_form_token: ["403 Forbidden", "bad_form_token", "window"],
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
        invitation_unknown: ["404 Not Found", "invitation_unknown", "invite"],
        invitation_expired: ["410 Gone", "invitation_expired", "start"],
        invitation_used: ["410 Gone", "invitation_used", "start"],
        invitation_throttled: ["429 Too Many Requests", "invitation_throttled", "invite"],
        other_person: ["403 Forbidden", "other_person", "invite"],
        busy: $busy, locked: $busy, conflict: $busy, store_lost: $busy, clock: $busy, memory: $busy, no_code: $busy, random: $busy,
        store_moved: $busy, store_down: ["502 Bad Gateway", "broken", "start"],
        store_unknown: ["503 Service Unavailable", "store_unknown", "code"],
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

# The way on, as a button: it is what there is to do.
def onward_link_html($to; $path):
    "<p class=\"utrecht-paragraph\"><a class=\"utrecht-button-link utrecht-button-link--html-a utrecht-button-link--primary-action\" href=\"\(href($to))\">\(say($path))</a></p>";

# Where who came by a letter types its code again.
def invite_address:
    (.answer.invitation // "") as $code
    | "\(.lang)/invite" + (if $code | test("^[A-Z0-9]{5}-[A-Z0-9]{5}$") then "?c=\($code)" else "" end);

# Whether who came by a letter may go on with its code.
def is_invited: .answer.invitation and (.answer.error | IN("invitation_used", "invitation_expired") | not);
# Who comes without a purpose chooses one.
def purposes_html:
    . as $c
    | [.config.purposes // {} | to_entries[]] as $all
    | if $all == [] or ($all | length) > 12 then ""
      else
          para_html(["onward", "purposes"])
          + "<ul class=\"utrecht-unordered-list\">"
          + ([$all[] | . as $purpose | $c
              | "<li class=\"utrecht-unordered-list__item\">"
                + @html "<a class=\"utrecht-link utrecht-link--html-a\" href=\"\(.root)\(.lang)/start/\($purpose.key)\">\($purpose.value.label[.lang] // $purpose.value.label.nl // $purpose.key)</a></li>"]
             | join(""))
          + "</ul>"
      end;

def site_html:
    if organisation_url then
        @html "<p class=\"utrecht-paragraph\"><a class=\"utrecht-link utrecht-link--html-a\" href=\"\(organisation_url)\">" + say(["onward", "site"]; { organisation: organisation_name }) + "</a></p>"
    else "" end;

# Never a dead end.
def onward_html($where):
    start_address as $start
    | if $where == "none" then ""
      elif $where == "code" then onward_link_html("\(.lang)/code"; ["onward", "code"])
      elif $where == "window" then
          "<p class=\"utrecht-paragraph\"><a class=\"utrecht-link utrecht-link--html-a\" href=\"\(href("desk"))\" target=\"_blank\" rel=\"noopener\">\(say(["desk", "window"]))</a></p>"
      elif $where == "desk" then onward_link_html("desk"; ["desk", "calls", "title"])
      elif $where == "invite" then onward_link_html(invite_address; ["onward", "invite"])
      elif $where == "start" and is_invited then onward_link_html(invite_address; ["onward", "start"])
      elif $where == "either" then
          onward_html("start") + "<p class=\"utrecht-paragraph\">\(say(["onward", "already"])) \(link_html("\(.lang)/code"; ["onward", "code"]))</p>"
      elif $where == "start" and $start then onward_link_html($start; ["onward", "start"])
      elif $where == "start" then purposes_html + site_html
      else site_html end;

# Numbers to call without any of this.
def numbers_html:
    . as $c
    | [.config.lines // {} | .[] | objects | select(.number) | . as $line | $c
       | @html "<a class=\"utrecht-link utrecht-link--html-a utrecht-link--telephone\" href=\"tel:\($line.number)\">\(telephone($line.number_display))</a>"] as $numbers
    | if $numbers == [] then ""
      else "<p class=\"utrecht-paragraph\">\(say(["onward", "call"])) \($numbers | join(", "))</p>" end;

# The address of a page that can be asked for again, in the form of document()'s other.
def same_page:
    $ENV.SCRIPT_NAME // "" | capture("/(?<page>[a-z][a-z]/(start|code))$")
    | .page + ($ENV.PATH_INFO // "" | if test("^/[a-z][a-z0-9-]*$") then . else "" end);

# $page as for document(): desk, headers.
def error_page($page):
    (.answer.error | tostring) as $word
    | error_of($word) as [$status, $key, $where]
    | (if $page.desk and $where != "none" and $where != "window" then "desk" else $where end) as $where
    | (if $page.desk and .text.desk.errors[$key] then ["desk", "errors", $key]
       elif .text.errors[$key] then ["errors", $key]
       else ["errors", "general"] end) as $path
    | document($page
        + { status: $status, title: say($path + ["title"]), other: ([same_page] | .[0]),
            headers: ((if $status[:3] == "503" then ["Retry-After: 5"]
                       elif $status[:3] == "429" then ["Retry-After: 900"]
                       elif $status[:3] == "405" then ["Allow: \($page.allow // "GET, HEAD")"]
                       elif $status[:3] == "401" then ["WWW-Authenticate: Basic realm=\"ID Bellen\""]
                       else [] end)),
            html: (para_html($path + ["text"])
                   + onward_html($where)
                   + (if $page.desk or $status == "200 OK" then "" else numbers_html end)
                   + "<p class=\"utrecht-paragraph utrecht-paragraph--small\">\(say(["errors", "word"])) <code>\($word | @html)</code></p>") });
