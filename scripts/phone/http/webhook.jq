# What to say and what next, as JSON.
include "call";

answer($ARGS.named; "application/json"; .texts as $texts | {
    lang,
    say: (.say | map({ prompt: ., text: $texts[.] })),
    next: (if .next == "code" then
               { action: "gather", digits, finish: "#", timeout: 6, state }
           elif .next == "queue" then { action: "transfer", queue, purpose }
           elif .next == "hangup" then { action: "hangup" }
           else { action: "nothing" } end
           | with_entries(select(.value != null)))
} | tojson)
