# The agent's desk: a call, opened or not, or the calls that are open.
include "idb";

def d($path): say(["desk"] + $path);
def d($path; $values): say(["desk"] + $path; $values);
def w($path): words(["desk"] + $path);

# The call's own address; $more begins with &.
def call_address($call; $more):
    "desk?line=\($call.line | @uri)&call_id=\($call.call_id | @uri)\($more)";

def time_html($name): if .answer[$name] then @html "\(.answer[$name] | clock)" else null end;

def caller($call):
    if $call.caller == "withheld" then w(["withheld"])
    else words(["desk", "ending"]; { digits: $call.caller }) end;

def confirmed:
    if .answer.confirmed then w(["confirmed", "yes"])
    elif .answer.confirm == "page" then w(["confirmed", "no"])
    else w(["confirmed", "not_asked"]) end;

def call_rows:
    [ [w(["purpose"]), (.answer.purpose.label | @html)],
      [w(["recognised"]), (if .answer.called_at then d(["recognised_text"]; { time: (.answer.called_at | clock) }) else null end)],
      [w(["confirmation"]), (confirmed | @html)],
      [w(["caller"]), (caller(.answer) | @html)],
      [w(["hint"]), (word("hints"; .answer.number_hint) | @html)] ];

def method:
    .answer.method_label // .answer.method // "";

def login_rows:
    [ [w(["method"]), (if .answer.attested_by then d(["stated_method"]; { method: method }) else method | @html end)],
      [w(["stated"]), (if .answer.attested_by then d(["stated_text"]; { who: .answer.attested_by }) else null end)],
      [w(["level"]), (if .answer.level then word("levels"; .answer.level) | @html else null end)],
      [w(["login_time"]), time_html("auth_time")],
      [w(["reference"]), (if .answer.reference then .answer.reference | @html else null end)],
      # By a letter that anybody may have had in hand.
      [w(["tied"]), (if .answer.reference_tied == false then d(["not_tied"]) else null end)] ];

def case_rows:
    [ [w(["state"]), (word("states"; .answer.state) | @html)],
      [w(["wrap_up_until"]), time_html("wrap_up_until")],
      [w(["ticket_label"]), (@html "<span class=\"ticket\">\(.answer.ticket)</span>")],
      [w(["call"]), (@html "\(.answer.line) <code>\(.answer.call_id)</code>")] ];

def call_fields: { line: .answer.line, call_id: .answer.call_id };

# $a: one attribute of the answer.
def attribute_html($a):
    if $a.masked then
        "<span class=\"hidden\">\(d(["hidden"]))</span> "
        + form_html("desk/reveal"; call_fields + { name: $a.name };
                    [{ html: d(["reveal"]; { label: $a.label }) }])
    else
        ($a.value | @html)
        + (.answer.links[$a.name] as $link
           | if $link then
                 ($link | split("{value}") | join($a.value | @uri)) as $to
                 | " " + @html "<a href=\"\($to)\" target=\"_blank\" rel=\"noopener noreferrer\">" + d(["link"]; { label: $a.label }) + "</a>"
             else "" end)
    end;

def attributes_html: list_html([.answer.attributes[] as $a | [$a.label, attribute_html($a)]]);

def end_html: form_html("desk/end"; call_fields; [{ class: "stop", html: d(["end"]) }]);

def open_page:
    { title: d(["open", "title"]; { purpose: .answer.purpose.label }),
      html: ("<p class=\"ok\"><strong>\(d(["open", "yes"]))</strong> \(d(["open", if .answer.attested_by then "stated" else "login" end]))</p>"
        + section_html("data"; ["desk", "data"]; attributes_html)
        + section_html("who"; ["desk", "who"]; list_html(call_rows + login_rows))
        + section_html("case"; ["desk", "case"]; list_html(case_rows))
        + end_html) };

# A page that loads itself again can be told not to (WCAG 2.2.1).
def held: $ENV.QUERY_STRING // "" | endswith("&hold");
def hold_html($here):
    if held then
        "<p>\(say(["code", "held"])) \(link_html("\($here)&hold"; ["code", "look"])) \(link_html($here; ["code", "unhold"]))</p>"
    else "<p>\(link_html("\($here)&hold"; ["code", "hold"]))</p>" end;

def unconfirmed_page:
    call_address(.answer; "&peek=1") as $here
    | { title: d(["unconfirmed", "title"]), refresh: (if held then null else "3; url=\(.root)\($here)" end),
        html: ("<p class=\"warning\">\(d(["unconfirmed", "text"]))</p>"
          + list_html(call_rows + case_rows) + hold_html($here) + end_html) };

# Looked at without opening: no data, and nothing on record.
def peek_page:
    if .answer.confirm == "page" and (.answer.confirmed | not) then unconfirmed_page
    else
        { title: d(["peek", "title"]),
          html: (para_html(["desk", "peek", "text"])
            + "<p>" + (call_address(.answer; "") as $to | link_html($to; ["desk", "peek", "open"])) + "</p>"
            + list_html(call_rows + case_rows)) }
    end;

def ended_page:
    if .answer.warning == "not_me" then
        { title: d(["not_me", "title"]), html: "<p class=\"warning\"><strong>\(d(["not_me", "strong"]))</strong> \(d(["not_me", "text"]))</p>" }
    else
        { title: d(["ended", "title"]),
          html: (para_html(["desk", "ended", "text"])
            + list_html([[w(["reason"]), (word("reasons"; .answer.reason) | @html)]])) }
    end;

def waiting_page:
    { title: d(["waiting", "title"]), refresh: (if held then null else 2 end),
      html: ("<p class=\"lead\">\(d(["waiting", "lead"]))</p>" + para_html(["desk", "waiting", "text"])
        + hold_html("desk?" + ($ENV.QUERY_STRING // "" | sub("&hold$"; "")))) };

def call_item_html($call):
    "<li>"
    + (@html "<strong>\($call.purpose.label)</strong>, \(word("states"; $call.state))"
       + (if $call.called_at then ", " + d(["recognised_text"]; { time: ($call.called_at | clock) }) else "" end)
       + ", " + (caller($call) | @html)
       + (if $call.confirm == "page" and ($call.confirmed | not) then ", " + (w(["confirmed", "no"]) | @html) else "" end))
    + ". " + @html "<a href=\"\(.root)\(call_address($call; ""))\">" + d(["calls", "open"]; { call: $call.call_id, line: $call.line }) + "</a></li>";

def calls_page:
    { title: d(["calls", "title"]),
      html: (if .answer.calls == [] then para_html(["desk", "calls", "none"])
             else "<ul class=\"calls\">" + ([.answer.calls[] as $call | call_item_html($call)] | join("")) + "</ul>" end) };

context($ARGS.named)
| if .answer.error == "unknown_call" then document(waiting_page + { desk: true })
  elif .answer.error then error_page({ desk: true })
  else
      .answer.result as $result
      | document((if $result == "open" then open_page
                  elif $result == "unconfirmed" then unconfirmed_page
                  elif $result == "peek" then peek_page
                  elif $result == "calls" then calls_page
                  else ended_page end) + { desk: true })
  end
