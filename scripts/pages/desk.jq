# The agent's desk: a call, opened or not, or the calls that are open.
#
# A page keeps itself up to date by looking (peek), which opens nothing and leaves
# nothing on record: what it fetches never holds data, and what is on screen of those
# stays there until the call has ended. &follow=1 is what an open page fetches, &wait=1
# one that waits for its call, each when the digest of what it is made from, &digest=1, is
# another; &state=1 is the frame that looks where no script runs.
include "idb";

def d($path): say(["desk"] + $path);
def d($path; $values): say(["desk"] + $path; $values);
def w($path): words(["desk"] + $path);
def w($path; $values): words(["desk"] + $path; $values);

# ---- addresses ----

def query: $ENV.QUERY_STRING // "";
def by_form: $ENV.SCRIPT_NAME // "" | test("/desk/(reveal|handover|end)$");
def asked($field): query | test("(^|&)\($field)(=|&|$)");

# The call's own address, which opens it; $more begins with &.
def call_address($call; $more):
    "desk?line=\($call.line | @uri)&call_id=\($call.call_id | @uri)\($more)";

# What keeps this page up to date: beside it, so that its links lead to the same places.
def follow_address($call):
    call_address($call; "&follow=1")
    | if by_form then sub("^desk"; "desk/reveal") else . end;

# What was asked for, without how: that of a call that is not there (yet). Null where a
# form asked.
def own_address:
    query | gsub("&(peek|follow|wait|state|digest)=1|&hold"; "")
    | if . == "" then null else "desk?\(.)" end;

# ---- words ----

def time_html($name): if .answer[$name] then @html "\(.answer[$name] | clock)" else null end;

def caller($call):
    if $call.caller == "withheld" then w(["withheld"])
    else w(["ending"]; { digits: $call.caller }) end;

def needs_yes($call): $call.confirm == "page" and ($call.confirmed | not);

def confirmed:
    if .answer.confirmed then w(["confirmed", "yes"])
    elif needs_yes(.answer) then w(["confirmed", "no"])
    else w(["confirmed", "not_asked"]) end;

def method: .answer.method_label // .answer.method // "";

def handed($call): { by: $call.handed_over.by, time: ($call.handed_over.at | clock) };

# ---- what looking tells ----

def call_rows:
    [ [w(["purpose"]), (purpose_label | @html)],
      [w(["recognised"]), (if .answer.called_at then d(["recognised_text"]; { time: (.answer.called_at | clock) }) else null end)],
      [w(["confirmation"]), (confirmed | @html)],
      [w(["caller"]), (caller(.answer) | @html)],
      [w(["hint"]), (word("hints"; .answer.number_hint) | @html)] ];

def case_rows:
    [ [w(["state"]), (word("states"; .answer.state) | @html)],
      [w(["wrap_up_until"]), time_html("wrap_up_until")],
      [w(["handed_over"]), (if .answer.handed_over then d(["handed_over_text"]; handed(.answer)) else null end)],
      [w(["ticket_label"]), (@html "<span class=\"idb-ticket\">\(.answer.ticket)</span>")],
      [w(["call"]), (@html "\(.answer.line) <code>\(.answer.call_id)</code>")] ];

# How the call stands, first of all: the same words on the page and in the frame.
def state_html($how):
    "<div class=\"idb-desk-alerts\" data-say=\"\">"
    + alert_html("ok"; "<p class=\"utrecht-paragraph\"><strong>\(d(["open", "yes"]))</strong>\($how)</p>")
    + (if .answer.number_hint == "differs" then alert_html("warning"; d(["open", "differs"])) else "" end)
    + (if .answer.state == "wrap_up" and .answer.wrap_up_until then
           alert_html("info"; d(["open", "wrap_up"]; { time: (.answer.wrap_up_until | clock) }))
       else "" end)
    + (if .answer.handed_over then alert_html("info"; d(["open", "handed_over"]; handed(.answer))) else "" end)
    + "</div>";

# ---- what opening tells ----

def call_fields: { line: .answer.line, call_id: .answer.call_id };

# A text that can be copied. $id is ours, never the resident's.
def copied_html($id; $of; $text):
    @html "<span class=\"idb-desk-value\" id=\"\($id)\">\($text)</span> <button aria-label=\"\(w(["copy_what"]; { label: $of }))\""
    + (copy_html($id; w(["copy"])) | ltrimstr("<button"));

# A sentence about $of, shown without it where that stands beside it.
def short_html($path; $of):
    w($path; { label: "\u0001" }) | split("\u0001") | map(@html)
    | join("<span class=\"idb-visually-hidden\">\($of | @html)</span>");

def login_rows:
    [ [w(["method"]), (if .answer.attested_by then d(["stated_method"]; { method: method }) else method | @html end)],
      [w(["stated"]), (if .answer.attested_by then d(["stated_text"]; { who: .answer.attested_by }) else null end)],
      [w(["level"]), (if .answer.level then word("levels"; .answer.level) | @html else null end)],
      [w(["login_time"]), time_html("auth_time")],
      [w(["reference"]), (if .answer.reference then copied_html("copy-reference"; w(["reference"]); .answer.reference) else null end)],
      # By a letter that anybody may have had in hand.
      [w(["tied"]), (if .answer.reference_tied == false then d(["not_tied"]) else null end)] ];

# $a: one attribute of the answer; $i: which one.
def attribute_html($a; $i):
    if $a.masked then
        "<span class=\"idb-desk-hidden\">\(d(["hidden"]))</span> "
        + form_html("desk/reveal"; call_fields + { name: $a.name };
                    [{ html: short_html(["reveal"]; $a.label) }])
    else
        copied_html("copy-\($i)"; $a.label; $a.value)
        + (.answer.links[$a.name] as $link
           | if $link then
                 ($link | split("{value}") | join($a.value | @uri)) as $to
                 | " " + @html "<a class=\"utrecht-link utrecht-link--html-a\" href=\"\($to)\" target=\"_blank\" rel=\"noopener noreferrer\">" + d(["link"]; { label: $a.label }) + "</a>"
             else "" end)
    end;

def attributes_html:
    list_html([(.answer.attributes | to_entries[]) as $e | [$e.value.label, attribute_html($e.value; $e.key)]]);

# What a look does not hold stays as it is on a page that is kept up to date
# (data-keep); whoever has no such page is told so.
def closed_html:
    para_html(["desk", "peek", "closed"])
    + "<p class=\"utrecht-paragraph\">" + (call_address(.answer; "") as $to | link_html($to; ["desk", "peek", "open"])) + "</p>";

def actions_html:
    section_html("finish"; ["desk", "open", "finish"];
        "<div class=\"idb-desk-actions\">"
        + form_html("desk/end"; call_fields; [{ class: "first", html: d(["end"]) }])
        + form_html("desk/handover"; call_fields; [{ html: d(["hand_over"]) }])
        + "</div>" + para_html(["desk", "open", "hand_over_text"]));

# Where no script keeps the page up to date: a frame that looks by itself.
def frame_html:
    "<noscript><iframe class=\"idb-desk-frame\" title=\"\(d(["open", "state"]))\" src=\"\(call_address(.answer; "&state=1") as $to | href($to))\"></iframe></noscript>";

def open_page($opened):
    { title: d(["open", "title"]; { purpose: purpose_label }),
      follow: 5, follow_address: follow_address(.answer), reload: null, frames: true,
      follow_state: call_address(.answer; "&digest=1"),
      html: (state_html(" <span id=\"kept-how\" data-keep=\"\">"
              + (if $opened then d(["open", if .answer.attested_by then "stated" else "login" end]) else "" end)
              + "</span>")
        + frame_html
        + "<div class=\"idb-desk-columns\">"
        + section_html("data"; ["desk", "data"];
              "<div id=\"kept-data\" data-keep=\"\">\(if $opened then attributes_html else closed_html end)</div>")
        + "<div class=\"idb-desk-certain\">"
        + section_html("who"; ["desk", "who"];
              list_html(call_rows)
              + "<div class=\"idb-desk-joined\" id=\"kept-login\" data-keep=\"\">\(if $opened then list_html(login_rows) else "" end)</div>")
        + section_html("case"; ["desk", "case"]; list_html(case_rows))
        + "</div>"
        + actions_html
        + "</div>") };

# The frame by itself. It is ours, in whatever frame the desk stands.
def frame_page($status; $html; $refresh):
    headers($status; ["Content-Type: text/html; charset=utf-8", "Content-Language: \(.lang)",
        policy({ frame_ancestors: (["'self'"] + (.config.frame_ancestors // []) | join(" ")) })])
    + "\n\n<!DOCTYPE html>\n"
    + @html "<html lang=\"\(.lang)\">\n<head>\n<meta charset=\"utf-8\" />\n"
    + "<meta name=\"robots\" content=\"noindex\" />\n"
    + (if $refresh then @html "<meta http-equiv=\"refresh\" content=\"\($refresh)\" />\n" else "" end)
    + "<title>\(d(["open", "state"]))</title>\n"
    + @html "<link rel=\"stylesheet\" href=\"\(.root)idb.css\" />\n<link rel=\"stylesheet\" href=\"\(.root)theme.css\" />\n"
    + "</head>\n<body class=\"utrecht-root idb-desk idb-desk-state\">\n<main>\n\($html)\n</main>\n</body>\n</html>";

# ---- before it is open ----

# A page that keeps itself up to date can be told not to (WCAG 2.2.2).
def held: asked("hold");
def hold_html($here):
    if held then
        "<p class=\"utrecht-paragraph\">\(say(["code", "held"])) \(link_html("\($here)&hold"; ["code", "look"])) \(link_html($here; ["code", "unhold"]))</p>"
    else "<p class=\"utrecht-paragraph\">\(link_html("\($here)&hold"; ["code", "hold"]))</p>" end;

def unconfirmed_page:
    call_address(.answer; "&wait=1") as $here
    | { title: d(["unconfirmed", "title"]),
        html: (alert_html("warning"; d(["unconfirmed", "text"]))
          + list_html(call_rows + case_rows) + hold_html($here)
          + buttons_html(form_html("desk/end"; call_fields; [{ class: "stop", html: d(["end"]) }]))) }
      + (if held or by_form then {}
         else { follow: 3, follow_address: $here, follow_state: call_address(.answer; "&digest=1"), reload: "3; url=\(.root)\($here)" } end);

# Looked at without opening: no data, and nothing on record.
def peek_page($go):
    call_address(.answer; "") as $to
    | { title: d(["peek", "title"]),
        html: (para_html(["desk", "peek", "text"])
          + "<p class=\"utrecht-paragraph\"\(if $go then " data-go=\"\(href($to))\"" else "" end)>\(link_html($to; ["desk", "peek", "open"]))</p>"
          + list_html(call_rows + case_rows)) }
      + (if $go then { reload: "0; url=\(.root)\($to)" } else {} end);

def look_page:
    if needs_yes(.answer) then unconfirmed_page
    elif asked("follow") then open_page(false)
    # Whoever waits asked for this call: it opens, on record, by a request of its own.
    else peek_page(asked("wait")) end;

def waiting_page:
    own_address as $here
    | { title: d(["waiting", "title"]),
        html: ("<p class=\"utrecht-paragraph utrecht-paragraph--lead\">\(d(["waiting", "lead"]))</p>" + para_html(["desk", "waiting", "text"]) + hold_html($here)) }
      + (if held then {} else { follow: 2, follow_address: "\($here)&wait=1", follow_state: "\($here)&digest=1", reload: "2" } end);

# ---- after it ----

def not_me_html: "<div data-say=\"\">" + alert_html("error"; "<strong>\(d(["not_me", "strong"]))</strong> \(d(["not_me", "text"]))") + "</div>";

def ended_page:
    if .answer.warning == "not_me" then { title: d(["not_me", "title"]), html: not_me_html }
    else
        { title: d(["ended", "title"]),
          html: (alert_html("warning"; d(["ended", "text"]))
            + list_html([[w(["reason"]), (word("reasons"; .answer.reason) | @html)]])) }
    end;

# ---- the calls ----

def call_item_html($call):
    "<li class=\"idb-desk-call\">"
    + "<a class=\"utrecht-link utrecht-link--html-a\" href=\"\(call_address($call; "") as $to | href($to))\">"
    + d(["calls", "open"]; { call: $call.call_id, line: $call.line }) + "</a>"
    + "<div>"
    + (@html "<strong>\(.config.purposes[$call.purpose.name].label[.lang]? // $call.purpose.label)</strong>, \(word("states"; $call.state))"
       + (if $call.called_at then ", " + d(["calls", "recognised"]; { time: ($call.called_at | clock) }) else "" end)
       + ", " + d(["calls", "number"]) + " " + (caller($call) | @html))
    + "</div>"
    + (if needs_yes($call) then "<div><strong>\(d(["unconfirmed", "title"]))</strong></div>" else "" end)
    + (if $call.handed_over then "<div><strong>\(d(["open", "handed_over"]; handed($call)))</strong></div>" else "" end)
    + "</li>";

def calls_page:
    { title: d(["calls", "title"]),
      html: ((if .answer.calls == [] then para_html(["desk", "calls", "none"])
              else "<ul class=\"idb-desk-calls\">" + ([.answer.calls[] as $call | call_item_html($call)] | join("")) + "</ul>" end)
             + hold_html("desk?calls")) }
    + (if held then {} else { follow: 5, follow_address: "desk?calls", follow_state: "desk?calls&digest=1", reload: "5" } end);

# ---- which ----

def main_page:
    .answer.result as $result
    | if .answer.error == "unknown_call" then waiting_page
      elif $result == "open" then open_page(true)
      elif $result == "unconfirmed" then unconfirmed_page
      elif $result == "peek" then look_page
      elif $result == "calls" then calls_page
      else ended_page end;

def state_page:
    .answer.result as $result
    | if .answer.error == "unknown_call" then
          frame_page("200 OK"; alert_html("warning"; say(["desk", "ended", "title"])); null)
      # What is wrong with us says nothing of the call, and may pass.
      elif .answer.error then
          error_of(.answer.error | tostring)[0] as $status
          | frame_page($status; alert_html("warning"; say(["page", "lost"]));
                if $status[:1] == "5" then 5 else null end)
      elif $result == "peek" then frame_page("200 OK"; state_html(""); 5)
      else ended_page as $page | frame_page("200 OK"; "<h1 class=\"utrecht-heading-2\">\($page.title)</h1>" + $page.html; null) end;

# Behind the answer comes what idb-request makes for the page's forms.
def with_token:
    (next_input | if type == "object" then . else {} end) as $made
    | .form_token = $made.form_token
    | .answer.cookies = ($made.cookies // []);

context($ARGS.named)
| with_token
| if .answer.result == "handed_over" then redirect_to("../desk")
  elif asked("state") then state_page
  elif .answer.error and (.answer.error != "unknown_call" or own_address == null) then
      error_page({ desk: true, allow: (if by_form then "POST" else "GET, HEAD" end) })
  else document(main_page + { desk: true }) end
