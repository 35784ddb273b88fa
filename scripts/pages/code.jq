# The resident's page: number and code, and what becomes of them.
include "idb";

def code_path: "\(.lang)/code";

def warning_html: "<p class=\"warning\"><strong>\(say(["code", "warning_title"]))</strong> \(say(["code", "warning"]; { organisation: organisation_name }))</p>";

def ticket_html: "<p class=\"small\">\(say(["code", "ticket"])) <strong class=\"ticket\">\(.answer.ticket | @html)</strong></p>";

def renew_html($class):
    if .answer.renewals_left > 0 then
        form_html("\(.lang)/renew"; {}; [{ class: $class, html: say(["code", "renew"]) }])
    else para_html(["code", "no_renewals"]) + onward_html("start") end;

def stop_html: form_html("\(.lang)/stop"; {}; [{ html: say(["code", "stop"]) }]);

# A page that loads itself again can be told not to (WCAG 2.2.1).
def hold_html:
    if $ENV.QUERY_STRING == "hold" then
        "<p>\(say(["code", "held"])) \(link_html("\(code_path)?hold"; ["code", "look"])) \(link_html(code_path; ["code", "unhold"]))</p>"
    else "<p>\(say(["code", "refreshing"])) \(link_html("\(code_path)?hold"; ["code", "hold"]))</p>" end;

def who:
    if .answer.call.caller == "withheld" then words(["called", "withheld"])
    else words(["called", "ending"]; { digits: .answer.call.caller }) end;

def not_me_html($class):
    form_html("\(.lang)/confirm"; {};
        [{ name: "answer", value: "not_me", class: $class, html: say(["called", "not_me"]) }]);

def code_html:
    { time: (.answer.code_expires_at | clock) } as $v
    | list_html([
        [words(["code", "number"]), (@html "<a class=\"tel\" href=\"\(.answer.tel)\">\(.answer.number_display)</a>")],
        [words(["code", "code"]), (@html "<span class=\"code\">\(.answer.code_display)</span>")],
        [words(["code", "valid"]), say(["code", "until"]; $v)] ])
    + para_html(["code", "tap"])
    + warning_html
    + para_html(["code", if .answer.confirm == "page" then "keep_confirm" else "keep" end])
    + "<div class=\"buttons\">" + renew_html("second") + stop_html + "</div>";

def issued:
    if .answer.code and .answer.code_valid then
        { title: say(["code", "title"]; { number: (.answer.number_display | unbroken) }), html: code_html }
    else
        { title: say(["code", "old_title"]),
          html: (para_html(["code", "old_text"]) + "<div class=\"buttons\">" + renew_html("first") + stop_html + "</div>") }
    end;

def call_line_html:
    if .answer.call then
        { time: (.answer.call.at | clock), who: who, purpose: purpose_label } as $v
        | "<p class=\"lead\">\(say(["called", "who"]; $v))</p>" + para_html(["called", "about"]; $v)
    else "" end;

def asks: .answer.confirm == "page" and (.answer.confirmed | not);

def called:
    { title: say(["called", if asks then "ask_title" else "title" end]),
      html: (call_line_html
        + if asks then
              para_html(["called", "ask"])
              + form_html("\(.lang)/confirm"; {};
                  [ { name: "answer", value: "yes", class: "first", html: say(["called", "yes"]) },
                    { name: "answer", value: "not_me", class: "stop", html: say(["called", "not_me"]) } ])
              + warning_html
          else
              para_html(["called", if .answer.confirmed then "confirmed" else "fine" end])
              + para_html(["called", "not_me_text"]) + not_me_html("stop")
          end) };

def connected:
    if asks then called
    else
        { title: say(["called", "connected_title"]),
          html: (call_line_html
                 + (if .answer.connected_at then
                        para_html(["called", "connected"]; { time: (.answer.connected_at | clock) })
                    else "" end)
                 + para_html(["called", "not_me_text"])
                 + "<div class=\"buttons\">" + not_me_html("stop") + stop_html + "</div>") }
    end;

def wrap_up:
    { title: say(["called", "wrap_up_title"]),
      html: (call_line_html + para_html(["called", "wrap_up"])
             + "<div class=\"buttons\">" + not_me_html("stop") + stop_html + "</div>") };

def ended:
    (.answer.reason // .answer.state) as $reason
    | (if .answer.state == "expired" then "expired"
       elif .text.ended | has($reason) then $reason else .answer.state end) as $key
    | (if .text.ended | has($key) then $key else "done" end) as $key
    | { title: say(["ended", $key, "title"]),
        html: (para_html(["ended", $key, "text"]) + onward_html("start")) };

context($ARGS.named)
| if .answer.error then error_page({})
  else
      (.answer.state | if . == "issued" or . == "called" or . == "connected" or . == "wrap_up" then . else "" end) as $live
      | (if $live == "issued" then issued
         elif $live == "called" then called
         elif $live == "connected" then connected
         elif $live == "wrap_up" then wrap_up
         else ended end) as $page
      | document($page
          + { other: "\(if .lang == "nl" then "en" else "nl" end)/code",
              refresh: (if $live != "" and $ENV.QUERY_STRING != "hold" then 5 else null end),
              html: ($page.html + (if $live == "" then "" else hold_html end) + ticket_html) })
  end
