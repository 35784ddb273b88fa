# After the login: the very data, who gets them and for how long; yes or no.
include "idb";

context($ARGS.named)
| if .answer.lang == "nl" or .answer.lang == "en" then in_language(.answer.lang) else . end
| if .answer.error then error_page({ allow: "GET" })
  else
      { organisation: organisation_name, method: .answer.method.label,
        time: duration(.config.session.lifetime // 14400) } as $v
      | document(
          { title: say(["consent", "title"]; $v),
            html: (
              "<p class=\"lead\">\(say(["consent", "lead"]; $v))</p>"
              + section_html("data"; ["consent", "data"];
                  list_html([.answer.attributes[] | [.label, (.value | @html)]]))
              + section_html("what"; ["consent", "what"];
                  list_html([
                      [words(["consent", "purpose"]), (.answer.purpose.label | @html)],
                      [words(["consent", "who"]), say(["consent", "who_text"]; $v)],
                      [words(["consent", "long"]), say(["consent", "long_text"]; $v)]])
                  + (if (.answer.consent.text // "") == "" then ""
                     else "<p>\(.answer.consent.text | @html)</p>" end))
              + section_html("choice"; ["consent", "choice"];
                  form_html("\(.lang)/consent"; { offer: .answer.offer };
                      [ { name: "consent", value: "yes", class: "first", html: say(["consent", "yes"]) },
                        { name: "consent", value: "no", html: say(["consent", "no"]) } ]))) })
  end
