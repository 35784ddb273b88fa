# Before the login: what will happen, what is asked, and the ways to call.
include "idb";

def weekdays: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

def hours_rows:
    . as $c
    | weekdays | map(. as $day | $c.answer.hours[$day] // []
        | "<tr class=\"utrecht-table__row\"><th class=\"utrecht-table__cell\" scope=\"row\">" + ($c | say(["days", $day]))
          + "</th><td class=\"utrecht-table__cell\">"
          + if . == [] then ($c | say(["start", "closed"]))
            else map(sub("-"; " – ") | @html) | join("<br />") end
          + "</td></tr>")
    | join("");

def closed_html:
    . as $c
    | (now | localtime | strftime("%Y-%m-%d")) as $today
    | [.answer.closed // [] | .[] | select(. >= $today)] | sort | .[:8]
    | if . == [] then ""
      else
          ($c | para_html(["start", "closed_on"]))
          + "<ul class=\"utrecht-unordered-list\">"
          + (map(. as $date | "<li class=\"utrecht-unordered-list__item\">" + ($c | weekday_words($date) | @html) + "</li>") | join(""))
          + "</ul>"
      end;

def hours_html:
    (if .answer.hours then
         "<table class=\"utrecht-table idb-hours\"><caption class=\"utrecht-table__caption\">\(say(["start", "hours"]))</caption><tbody class=\"utrecht-table__body\">"
         + hours_rows + "</tbody></table>"
     else "" end)
    + closed_html;

# What has no hours is always open, and says nothing of it.
def now_html:
    if .answer.open == false then alert_html("warning"; closed_now_html + " " + say(["start", "not_yet"]))
    elif .answer.hours then alert_html("ok"; say(["line", "open"]))
    else "" end;

def number_html:
    @html "<p class=\"utrecht-paragraph\"><a class=\"utrecht-link utrecht-link--html-a utrecht-link--telephone idb-large\" href=\"\(.answer.tel)\">\(telephone(.answer.number_display))</a></p>";

def login_html($v):
    . as $c
    | if .answer.methods | length == 0 then para_html(["start", "no_methods"])
      else
          para_html(["start", "login_text"]; $v)
          + (if .answer.minimum_level then
               para_html(["start", "level"]; { level: word("levels"; .answer.minimum_level) })
             else "" end)
          + form_html("\(.lang)/login"; { purpose: .answer.purpose.name, invitation: .answer.invitation };
              [.answer.methods[]
               | { name: "method", value: .name,
                   class: (if $c.answer.open == false then "second" else "first" end),
                   html: (. as $m | $c | say(["start", "login_with"]; { method: $m.label })) }])
      end;

context($ARGS.named)
| if .answer.error then error_page({})
  else
      { organisation: organisation_name, purpose: .answer.purpose.label,
        digits: (.config.code.digits // 10), number: (telephone(.answer.number_display) | unbroken) } as $v
      | document(
          { title: say(["start", "title"]; $v), forms: "anywhere",
            other: (if .answer.invitation then invite_address else "\(.lang)/start/\(.answer.purpose.name)" end),
            html: (
              lead_html(["start", "lead"]; $v)
              + section_html("how"; ["start", "how"]; steps_html(["start", "steps"]; $v))
              + section_html("data"; ["start", "data"];
                  "<ul class=\"utrecht-unordered-list\">"
                  + ([.answer.attributes[] | "<li class=\"utrecht-unordered-list__item\">\(.label | @html)</li>"] | join("")) + "</ul>"
                  + para_html(["start", "data_text"]; $v))
              + section_html("number"; ["start", "number"]; number_html + now_html + hours_html)
              + section_html("login"; ["start", "login"]; login_html($v))
              + section_html("other"; ["start", "other"];
                  para_html(["start", "other_text"]; $v) + para_html(["start", "other_device"]; $v))) })
  end
