# The code of a letter or an e-mail: what will happen, and a form for it. Says nothing of
# a code that the address holds, but to put it in.
include "idb";

# What can be a code, as it is printed; anything else is not put in.
def shown:
    (.answer.code // "") as $typed
    | ($typed | ascii_upcase | gsub("[ .-]"; "")) as $code
    | if ($typed | length) <= 64 and ($code | test("^[BCDFGHJKLMNPQRSTVWXZ2-9]{10}$")) then "\($code[:5])-\($code[5:])"
      else "" end;

def code_html:
    "<form class=\"idb-form\" method=\"post\" action=\"\(href("\(.lang)/invite"))\">"
    + "<div class=\"utrecht-form-field\">"
    + "<label class=\"utrecht-form-label\" for=\"code\">\(say(["invite", "label"]))</label>"
    + "<p class=\"utrecht-form-field-description\" id=\"hint\">\(say(["invite", "hint"]))</p>"
    + @html "<p class=\"utrecht-paragraph\"><input class=\"utrecht-textbox utrecht-textbox--html-input\" id=\"code\" name=\"code\" type=\"text\" value=\"\(shown)\" required=\"required\" maxlength=\"64\" autocomplete=\"off\" autocapitalize=\"characters\" spellcheck=\"false\" aria-describedby=\"hint\" /></p>"
    + "<p class=\"utrecht-paragraph\"><button type=\"submit\" class=\"utrecht-button utrecht-button--primary-action\">\(say(["invite", "go"]))</button></p>"
    + "</div></form>";

context($ARGS.named)
| if .answer.error then error_page({ allow: "GET, HEAD, POST" })
  else
      { organisation: organisation_name } as $v
      | document(
          { title: say(["invite", "title"]),
            other: "\(.lang)/invite\(if shown == "" then "" else "?c=\(shown)" end)",
            html: (
              lead_html(["invite", "lead"]; $v)
              + section_html("how"; ["invite", "how"]; steps_html(["invite", "steps"]; $v))
              + section_html("type"; ["invite", "code"]; code_html + para_html(["invite", "nothing"]))
              + section_html("other"; ["invite", "other"]; para_html(["invite", "other_text"]; $v) + numbers_html)) })
  end
