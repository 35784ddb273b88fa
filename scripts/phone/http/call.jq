# What the examples share in jq: how a call goes on. The same prompts as idb-agi(1),
# and as often.

# The file of prompts as {name: text}.
def texts: [split("\n")[] | capture("^(?<key>[a-z-]+): (?<value>.*)$")] | from_entries;

# A counter that we gave the platform and got back.
def counter: if type == "string" and test("^[0-9]$") then tonumber
             elif type == "number" and . >= 0 and . <= 9 then floor
             else 0 end;

# Keys that are no digits are no part of a code, whatever a platform calls them.
def keyed: gsub("[^0-9]"; "*")[0:64];

# caller: what the platform calls the number, when it is E.164.
def number: [strings | capture("^(sips?:|tel:)?(?<n>\\+[0-9]{8,15})([@;].*)?$").n][0];

# ---- plans ----

def plan($program; $state; $request):
    { program: $program, state: $state, request: ($request | with_entries(select(.value != null))) };

def starts($state): plan("health"; $state + { event: "start", refused: 0, silent: 0 }; {});

def keys_in($state; $digits; $call; $caller):
    if ($digits // "") == "" then
        plan("health"; $state | .event = "silence" | .silent += 1; {})
    else
        plan("verify"; $state | .event = "code" | .refused += 1;
             { code: ($digits | keyed), call_id: ($call // ""), caller: ($caller | number) })
    end;

def ends($state; $call): plan("end"; $state + { event: "end" }; { call_id: ($call // "") });

def moves($state; $from; $to):
    plan("transfer"; $state + { event: "transfer" };
         { call_id: ($from // ""), to_call_id: ($to // "") });

# ---- what the program answered ----

# [state, answer, configuration], whatever came down the pipe.
def answered:
    [limit(3; inputs)] as $all
    | if $all[0] == "config" or $all[1] == "config" then
          [{}, { error: "internal", message: "The program gave no answer." }, {}]
      elif $all[2] != "config" then [$all[0], $all[1], {}]
      else [$all[0], $all[1], (first(inputs) // {})] end;

# The HTTP status of what must not look like a call that goes on; else null.
def status:
    { bad_method: "405 Method Not Allowed", bad_type: "415 Unsupported Media Type",
      too_large: "413 Content Too Large", not_authenticated: "401 Unauthorized",
      not_permitted: "403 Forbidden" }[.error // ""]
    // if .error // "" | test("^(bad_|cross_site)") then "400 Bad Request" else null end;

def prompt_of($result):
    { call_bound: "used", call_ended: "expired" }[$result] // $result;

# To a colleague all the same.
def unidentified($say; $queue): { say: ($say + ["no-more", "to-queue"]), next: "queue", queue: $queue };

# Nothing to mend by trying again.
def is_refusal: .error | . == null or (. as $word | ["unknown_call", "call_ended", "call_in_use"] | index($word));

def decide($state; $answer; $config; $queue):
    if $state.event == "end" or $state.event == "transfer" then
        { say: [], next: (if $answer | is_refusal then "nothing" else "retry" end) }
    elif $answer.error or $answer.result == "broken" then
        { say: ["unavailable"], next: "queue", queue: $queue }
    elif $state.event == "code" and $answer.result == "accepted" then
        { say: ["accepted"], next: "queue", purpose: $answer.purpose, queue: $answer.queue }
    elif $state.event == "code" then
        [prompt_of($answer.result)] as $why
        | if $answer.attempts_left > 0 and $state.refused < 3
             and $answer.result != "call_ended" then { say: ($why + ["again"]), next: "code" }
          else unidentified($why; $queue) end
    elif $answer.line == "closed" then { say: ["closed"], next: "hangup" }
    elif $state.event == "start" then { say: ["welcome", "enter"], next: "code" }
    elif $state.silent < 3 then { say: ["again"], next: "code" }
    else unidentified([]; $queue) end
    | .state = ($state | { refused, silent })
    # Asterisk's way: one more than a code has, so that # is not left for the next question.
    | .digits = ($config.code.digits // 10) + 1;

def head($status; $type):
    "Status: \($status)\nContent-Type: \($type)\nCache-Control: no-store\n"
    + ({ "401": "WWW-Authenticate: Bearer realm=\"ID Bellen\"\n", "405": "Allow: POST\n", "503": "Retry-After: 2\n" }
       [$status[0:3]] // "") + "\n";

# The HTTP answer. $args: what the shell says, all constants: {lang, queue, destination},
# and the prompts, {nl, en}. BODY makes of what is decided what the platform takes.
def answer($args; $type; body):
    (try answered catch [{}, { error: "internal", message: "The pipe broke." }, {}])
    as [$state, $answer, $config]
    | ($state.lang // $args.lang) as $lang
    | ($args[$lang] | texts) as $texts
    | ($answer | status) as $status
    | if $status then head($status; "application/json") + ($answer | { error, message } | tojson)
      else
          decide($state; $answer; $config; $args.queue)
          | .lang = $lang
          | .texts = $texts
          | head(if .next == "retry" then "503 Service Unavailable" else "200 OK" end; $type) + body
      end;

# Speech platforms want to know the country too.
def locale: { nl: "nl-NL", en: "en-GB" }[.lang];

