# A case, for support: state and times, no personal data.
include "idb";

def d($path): say(["desk"] + $path);
def w($path): words(["desk"] + $path);

def time_row($title; $name):
    [w([$title]), (if .answer[$name] then .answer[$name] | @html "\(day) \(clock)" else null end)];

def form_html:
    @html "<form method=\"get\" action=\"\(href("desk/ticket"))\">"
    + "<p><label for=\"ticket\">\(d(["ticket", "label"]))</label><br /><span class=\"small\" id=\"hint\">\(d(["ticket", "hint"]))</span></p>"
    + "<p><input id=\"ticket\" name=\"ticket\" type=\"text\" required=\"required\" maxlength=\"6\" minlength=\"6\" autocomplete=\"off\" autocapitalize=\"characters\" spellcheck=\"false\" aria-describedby=\"hint\" />"
    + " <button type=\"submit\" class=\"first\">\(d(["ticket", "find"]))</button></p></form>";

def case_html:
    list_html([
        [w(["ticket_label"]), (@html "<span class=\"ticket\">\(.answer.ticket)</span>")],
        [w(["purpose"]), (.answer.purpose.label | @html)],
        [w(["state"]), (word("states"; .answer.state) | @html)],
        [w(["code_valid"]), d([if .answer.code_valid then "yes" else "no" end])],
        time_row("created"; "created_at"),
        time_row("code_until"; "code_expires_at"),
        time_row("called"; "called_at"),
        time_row("connected"; "connected_at"),
        time_row("ended_at"; "ended_at"),
        [w(["reason"]), (if .answer.reason then word("reasons"; .answer.reason) | @html else null end)],
        [w(["refusal"]), (if .answer.refusal then word("refusals"; .answer.refusal) | @html else null end)],
        time_row("refused_at"; "refused_at") ]);

context($ARGS.named)
| if .answer.error == "no_ticket" then
      document({ title: d(["ticket", "title"]), desk: true, html: form_html })
  elif .answer.error == "unknown_ticket" then
      document({ status: "404 Not Found", title: d(["ticket", "unknown"]), desk: true,
                 html: (para_html(["desk", "ticket", "unknown_text"]) + form_html) })
  elif .answer.error then error_page({ desk: true })
  else
      document({ title: d(["ticket", "case"]), desk: true, html: (case_html + form_html) })
  end
