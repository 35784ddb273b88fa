# The resident's page: number and code, and what becomes of them.
include "idb";

def code_path: "\(.lang)/code";

def warning_html:
    alert_html("warning"; "<p class=\"utrecht-paragraph\"><strong>\(say(["code", "warning_title"]))</strong> \(say(["code", "warning"]; { organisation: organisation_name }))</p>");

def ticket_html:
    "<p class=\"utrecht-paragraph utrecht-paragraph--small idb-ticket\">\(say(["code", "ticket"])) <strong class=\"idb-digits\" id=\"ticket\">\(.answer.ticket | @html)</strong></p>";

def renew_html($class): form_html("\(.lang)/renew"; {}; [{ class: $class, html: say(["code", "renew"]) }]);

def stop_html: form_html("\(.lang)/stop"; {}; [{ class: "stop", html: say(["code", "stop"]) }]);

# What may be done, in one row; $renew is the class of that button.
def choices_html($renew):
    if .answer.renewals_left > 0 then buttons_html(renew_html($renew) + stop_html)
    else para_html(["code", "no_renewals"]) + onward_html("start") + buttons_html(stop_html) end;

# Without idb.js the page loads itself again, and can be told not to (WCAG 2.2.1).
def held: $ENV.QUERY_STRING == "hold";
def hold_html:
    if held then
        "<p class=\"utrecht-paragraph utrecht-paragraph--small\">\(say(["code", "held"])) \(link_html("\(code_path)?hold"; ["code", "look"])) \(link_html(code_path; ["code", "unhold"]))</p>"
    else
        "<noscript><p class=\"utrecht-paragraph utrecht-paragraph--small\">\(say(["code", "refreshing"])) \(link_html("\(code_path)?hold"; ["code", "hold"]))</p></noscript>"
    end;

def who:
    if .answer.call.caller == "withheld" then words(["called", "withheld"])
    else words(["called", "ending"]; { digits: .answer.call.caller }) end;

def not_me_html($class):
    form_html("\(.lang)/confirm"; {};
        [{ name: "answer", value: "not_me", class: $class, html: say(["called", "not_me"]) }]);

# ---- what is happening now ----

# $title and $html are HTML; idb.js says it aloud when it has changed.
def now_html($kind; $title; $html):
    "<div class=\"idb-now\" data-say=\"data-say\">"
    + alert_html($kind; "<p class=\"utrecht-paragraph\"><strong>\($title)</strong></p>" + $html) + "</div>";

def call_now_html($kind; $title; $html):
    (if .answer.call then
         { time: (.answer.call.at | clock), who: who, purpose: purpose_label } as $v
         | para_html(["called", "who"]; $v) + para_html(["called", "about"]; $v)
     else "" end) as $call
    | now_html($kind; $title; $call + $html);

# ---- before the call ----

def number_html:
    @html "<a class=\"utrecht-link utrecht-link--html-a utrecht-link--telephone idb-large\" href=\"\(.answer.tel)\">\(telephone(.answer.number_display))</a>";

def code_list_html:
    list_html([
        [words(["code", "number"]), number_html],
        [words(["code", "code"]), "<strong class=\"idb-large\">\(digits_html(.answer.code_display; "code"))</strong>"],
        [words(["code", "valid"]), say(["code", "until"]; { time: (.answer.code_expires_at | clock) })] ]);

def call_button_html:
    @html "<a class=\"utrecht-button-link utrecht-button-link--html-a utrecht-button-link--primary-action idb-call-now\" href=\"\(.answer.tel)\">"
    + say(["code", "call"]) + "</a>";

# Where the screen is wide it is not the telephone that will be called with.
def qr_html:
    { number: telephone(.answer.number_display) } as $v
    | if .answer.qr then
          "<figure class=\"idb-scan\">\(svg_html(.answer.qr; words(["code", "qr"]; $v)))<figcaption class=\"utrecht-paragraph utrecht-paragraph--small\">\(say(["code", "scan"]))</figcaption></figure>"
      else "" end;

def code_html:
    (if .answer.open == false then alert_html("warning"; closed_now_html + " " + say(["code", "closed"])) else "" end)
    + "<div class=\"idb-card\"><div class=\"idb-card__text\">" + code_list_html
    + "<div class=\"utrecht-action-group\">" + call_button_html + "</div>"
    + "<p class=\"utrecht-paragraph utrecht-paragraph--small\">\(say(["code", "tap"]))</p></div>" + qr_html + "</div>"
    + now_html("info"; say(["code", "waiting"]); para_html(["code", if .answer.confirm == "page" then "keep_confirm" else "keep" end]))
    + warning_html
    + choices_html("second");

def issued:
    if .answer.code and .answer.code_valid then
        { title: say(["code", "title"]; { number: (telephone(.answer.number_display) | unbroken) }), html: code_html }
    else
        { title: say(["code", "old_title"]),
          html: (now_html("warning"; say(["code", "nobody"]); para_html(["code", "old_text"])) + choices_html("first")) }
    end;

# ---- in the call, and after it ----

def asks: .answer.confirm == "page" and (.answer.confirmed | not);

def not_me_section_html:
    section_html("not-me"; ["called", "not_you"];
        para_html(["called", "not_me_text"])
        + buttons_html(not_me_html("stop") + if .answer.state == "called" then "" else stop_html end));

def called:
    { title: say(["called", if asks then "ask_title" else "title" end]),
      html: (if asks then
                 call_now_html("warning"; say(["called", "needed"]); para_html(["called", "ask"]))
                 + form_html("\(.lang)/confirm"; {};
                     [ { name: "answer", value: "yes", class: "first", html: say(["called", "yes"]) },
                       { name: "answer", value: "not_me", class: "stop", html: say(["called", "not_me"]) } ])
                 + warning_html
             else
                 call_now_html("info"; say(["called", "queue"]);
                     para_html(["called", if .answer.confirmed then "confirmed" else "fine" end]))
                 + not_me_section_html
             end) };

def connected:
    if asks then called
    else
        { title: say(["called", "connected_title"]),
          html: (call_now_html("ok"; say(["called", "talking"]);
                     if .answer.connected_at then
                         para_html(["called", "connected"]; { time: (.answer.connected_at | clock) })
                     else "" end)
                 + not_me_section_html) }
    end;

def wrap_up:
    { title: say(["called", "wrap_up_title"]),
      html: (call_now_html("info"; say(["called", "hung_up"]); para_html(["called", "wrap_up"]))
             + not_me_section_html) };

def ended:
    (.answer.reason // .answer.state) as $reason
    | (if .answer.state == "expired" then "expired"
       elif .text.ended | has($reason) then $reason else .answer.state end) as $key
    | (if .text.ended | has($key) then $key else "done" end) as $key
    | { title: say(["ended", $key, "title"]),
        html: (now_html(if $key == "done" then "ok" elif $key == "not_me" then "warning" else "info" end;
                        say(["ended", "erased"]); para_html(["ended", $key, "text"]))
               + (if $key == "not_me" then numbers_html else "" end)
               + if $key == "done" then site_html else onward_html("start") end) };

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
          + { other: "\(.lang)/code",
              follow: (if $live != "" and (held | not) then 5 else null end),
              follow_state: "\(code_path)?state",
              html: ($page.html + ticket_html + (if $live == "" then "" else hold_html end)) })
  end
