# After the login: the very data, who gets them and for how long; yes or no.
include "idb";

# $a: one attribute of the answer. A citizen service number is read in groups, and
# spoken as digits; a date is written as people do.
def value_html($a):
    if $a.name == "bsn" and ($a.value | tostring | test("^[0-9]{9}$")) then
        digits_html($a.value | tostring | "\(.[:3]) \(.[3:6]) \(.[6:])"; null)
    elif $a.value | tostring | test("^[0-9]{4}-(0[1-9]|1[0-2])-[0-3][0-9]$") then date_words($a.value) | @html
    else $a.value | @html end;

context($ARGS.named)
| in_language(.answer.lang)
| if .answer.error then error_page({ allow: "GET" })
  else
      { organisation: organisation_name, method: .answer.method.label,
        time: duration(.config.session.lifetime // 14400) } as $v
      | document(
          { title: say(["consent", "title"]; $v),
            html: (
              lead_html(["consent", "lead"]; $v)
              + section_html("data"; ["consent", "data"];
                  list_html([.answer.attributes[] as $a | [$a.label, value_html($a)]]))
              + section_html("what"; ["consent", "what"];
                  list_html([
                      [words(["consent", "purpose"]), (.answer.purpose.label | @html)],
                      [words(["consent", "who"]), say(["consent", "who_text"]; $v)],
                      [words(["consent", "long"]), say(["consent", "long_text"]; $v)]])
                  + (if (.answer.consent.text // "") == "" then ""
                     else "<p class=\"utrecht-paragraph\">\(.answer.consent.text | @html)</p>" end))
              + section_html("choice"; ["consent", "choice"];
                  form_html("\(.lang)/consent"; { offer: .answer.offer };
                      [ { name: "consent", value: "yes", class: "first", html: say(["consent", "yes"]) },
                        { name: "consent", value: "no", html: say(["consent", "no"]) } ]))) })
  end
