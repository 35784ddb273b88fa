# Before the login: what will happen, what is asked, and the ways to call.
include "idb";

def hours_html:
    . as $c
    | if .answer.hours | not then ""
      else
          "<table><caption>\(say(["start", "hours"]))</caption><tbody>"
          + (["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
             | map(. as $day | $c.answer.hours[$day] // []
                   | "<tr><th scope=\"row\">" + ($c | say(["days", $day])) + "</th><td>"
                     + if . == [] then ($c | say(["start", "closed"]))
                       else map(sub("-"; " – ") | @html) | join("<br />") end
                     + "</td></tr>")
             | join(""))
          + "</tbody></table>"
          + ((now | localtime | strftime("%Y-%m-%d")) as $today
             | [.answer.closed // [] | .[] | select(. >= $today)] | sort
             | if . == [] then ""
               else "<p>" + ($c | say(["start", "closed_on"];
                        { days: ($c.answer.closed | map(select(. >= $today)) | sort | .[:8]
                                 | map(split("-") | reverse | join("-")) | join(", ")) })) + "</p>" end)
      end;

def number_html: @html "<a class=\"tel\" href=\"\(.answer.tel)\">\(.answer.number_display)</a>";

def login_html:
    . as $c
    | if .answer.methods | length == 0 then para_html(["start", "no_methods"])
      else
          (if .answer.minimum_level then
               para_html(["start", "level"]; { level: word("levels"; .answer.minimum_level) })
           else "" end)
          + form_html("\(.lang)/login"; { purpose: .answer.purpose.name };
              [.answer.methods[]
               | { name: "method", value: .name, class: "first",
                   html: (. as $m | $c | say(["start", "login_with"]; { method: $m.label })) }])
      end;

context($ARGS.named)
| if .answer.error then error_page({})
  else
      { organisation: organisation_name, purpose: .answer.purpose.label,
        digits: (.config.code.digits // 10), number: (.answer.number_display | unbroken) } as $v
      | . as $c
      | document(
          { title: say(["start", "title"]; $v), forms: "anywhere",
            other: "\(if .lang == "nl" then "en" else "nl" end)/start/\(.answer.purpose.name)",
            html: (
              "<p class=\"lead\">\(say(["start", "lead"]; $v))</p>"
              + section_html("how"; ["start", "how"];
                  "<ol>" + ([range(1; 5) | tostring as $n | $c | "<li>\(say(["start", "steps", $n]; $v))</li>"] | join("")) + "</ol>")
              + section_html("data"; ["start", "data"];
                  "<ul>" + ([.answer.attributes[] | "<li>\(.label | @html)</li>"] | join("")) + "</ul>"
                  + para_html(["start", "data_text"]; $v))
              + section_html("number"; ["start", "number"]; "<p>\(number_html)</p>" + hours_html)
              + section_html("login"; ["start", "login"]; login_html)
              + section_html("other"; ["start", "other"]; para_html(["start", "other_text"]; $v))) })
  end
