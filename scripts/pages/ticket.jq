# A case, for support: state and times, what to say to the resident, no personal data.
include "idb";

def d($path): say(["desk"] + $path);
def w($path): words(["desk"] + $path);

def time_row($title; $name):
    [w([$title]), (if .answer[$name] then .answer[$name] | @html "\(day) \(clock)" else null end)];

def find_html:
    @html "<form class=\"idb-form\" method=\"get\" action=\"\(href("desk/ticket"))\"><div class=\"utrecht-form-field\">"
    + "<label class=\"utrecht-form-label\" for=\"ticket\">\(d(["ticket", "label"]))</label>"
    + "<p class=\"utrecht-form-field-description\" id=\"hint\">\(d(["ticket", "hint"]))</p>"
    + "<div class=\"idb-desk-find\"><input class=\"utrecht-textbox utrecht-textbox--html-input\" id=\"ticket\" name=\"ticket\" type=\"text\" required=\"required\" maxlength=\"6\" minlength=\"6\" autocomplete=\"off\" autocapitalize=\"characters\" spellcheck=\"false\" aria-describedby=\"hint\" />"
    + " <button type=\"submit\" class=\"utrecht-button utrecht-button--primary-action\">\(d(["ticket", "find"]))</button></div></div></form>";

# ---- what to say ----

def is_live: .answer.state | . == "issued" or . == "called" or . == "connected" or . == "wrap_up";

# The line of the case, as its number is shown; the words where it is not known.
def number:
    .config.purposes[.answer.purpose.name].line as $line
    | .config.lines[$line // ""].number_display // w(["say", "number"]);

# The key under desk.say for how the case stands.
def said_of_state:
    if is_live | not then
        if .text.desk.say.reasons[.answer.reason // ""] then ["reasons", .answer.reason]
        else ["states", .answer.state] end
    elif .answer.state == "issued" then ["states", if .answer.code_valid then "issued" else "old" end]
    elif .answer.confirm == "page" and (.answer.confirmed | not) and .answer.state != "wrap_up" then ["states", "confirm"]
    else ["states", .answer.state] end;

def quoted($path; $values): "<p class=\"utrecht-paragraph idb-desk-say\">\(say(["desk", "say"] + $path; $values))</p>";

def say_html:
    (.answer.refusal // "") as $refusal
    | { number: number, time: (.answer.code_expires_at | if . then clock else "" end) } as $v
    | said_of_state as $path
    | alert_html("info";
        "<h2 class=\"utrecht-heading-3\">\(d(["ticket", "say"]))</h2>"
        + (if .text.desk.say | getpath($path) then quoted($path; $v) else "" end)
        + (if is_live and .text.desk.say.refusals[$refusal] then quoted(["refusals", $refusal]; $v)
           else "" end));

# A wrong code belongs to no case: what each refusal on the telephone asks for.
def phone_html:
    section_html("phone"; ["desk", "ticket", "phone"];
        para_html(["desk", "ticket", "phone_text"])
        + list_html([(.text.refusals | to_entries[]) as $r | [$r.value, say(["desk", "say", "refusals", $r.key])]]));

def case_html:
    list_html([
        [w(["ticket_label"]), (@html "<span class=\"idb-ticket\">\(.answer.ticket)</span>")],
        [w(["purpose"]), (purpose_label | @html)],
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
      document({ title: d(["ticket", "title"]), desk: true, html: (find_html + phone_html) })
  elif .answer.error == "unknown_ticket" then
      document({ status: "404 Not Found", title: d(["ticket", "unknown"]), desk: true,
                 html: (para_html(["desk", "ticket", "unknown_text"]) + find_html) })
  elif .answer.error then error_page({ desk: true })
  else
      document({ title: d(["ticket", "case"]), desk: true,
                 html: (say_html + case_html + phone_html
                        + section_html("find"; ["desk", "ticket", "title"]; find_html)) })
  end
