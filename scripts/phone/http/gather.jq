# What to do, in XML: <Gather>, <Say>, <Enqueue>, <Hangup>. Text becomes XML by @html
# alone.
include "call";

def says: locale as $locale | .texts as $texts
    | [.say[] | "<Say language=\($locale | @html "\"\(.)\"")>\($texts[.] | @html)</Say>"] | join("");

def address: "gather?refused=\(.state.refused)&silent=\(.state.silent)" | @html;

answer($ARGS.named; "text/xml; charset=utf-8"; "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response>"
    + (if .next == "code" then
           "<Gather input=\"dtmf\" numDigits=\"\(.digits)\" finishOnKey=\"#\" timeout=\"6\""
           + " action=\"\(address)\" method=\"POST\">\(says)</Gather>"
           # Comes next only when nothing was keyed in.
           + "<Redirect method=\"POST\">\(address)</Redirect>"
       elif .next == "queue" then says + "<Enqueue>\(.queue | @html)</Enqueue>"
       elif .next == "hangup" then says + "<Hangup/>"
       else "" end)
    + "</Response>")
