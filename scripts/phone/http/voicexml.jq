# A document of VoiceXML 2.1 (W3C). Text becomes XML by @html alone. Call id and
# caller are those of RFC 5552.
include "call";

def prompt($name): "<prompt>\(.texts[$name] | @html)</prompt>";
def prompts: . as $d | [.say[] as $name | $d | prompt($name)] | join("");

def address: "voicexml?refused=\(.state.refused)&silent=\(.state.silent)" | @html;

# A caller who is passed on blind leaves this dialogue, and agents find the call by
# the id that is sent along.
def transfer($queue; $destination):
    "<transfer name=\"agent\" bridge=\"false\" aaiexpr=\"call_id\" dest=\"\($destination
        | gsub("\\{queue\\}"; $queue) | @html)\"/>";

# The first of say stands before the field: what was wrong, or the welcome.
def code_form:
    .say[-1] as $last
    | (.say |= .[:-1] | prompts) as $first
    | "<form id=\"code\"><block>\($first)</block>"
      + "<field name=\"code\" type=\"digits?length=\(.digits - 1)\"><prompt>\(.texts[$last] | @html)</prompt>"
      + "<noinput>\(prompt("again"))</noinput>"
      + "<nomatch>\(prompt("mistyped"))\(prompt("again"))</nomatch>"
      + "<noinput count=\"3\"><goto next=\"#unidentified\"/></noinput>"
      + "<nomatch count=\"3\">\(prompt("mistyped"))<goto next=\"#unidentified\"/></nomatch>"
      + "<filled><assign name=\"event\" expr=\"'code'\"/>"
      + "<submit next=\"\(address)\" method=\"post\" namelist=\"event call_id caller code\"/></filled>"
      + "</field></form>";

def queue_form($id; $say; $queue; $destination):
    "<form id=\"\($id)\"><block>\($say)</block>\(transfer($queue; $destination))</form>";

$ARGS.named as $args
| answer($args; "application/voicexml+xml; charset=utf-8";
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    + "<vxml version=\"2.1\" xmlns=\"http://www.w3.org/2001/vxml\" xml:lang=\"\(locale)\">"
    + if .next == "nothing" or .next == "retry" then "<form><block><exit/></block></form>"
      else
          "<property name=\"inputmodes\" value=\"dtmf\"/><property name=\"timeout\" value=\"6s\"/>"
          # So that # behind the last digit is not left for the next question.
          + "<property name=\"termchar\" value=\"#\"/><property name=\"termtimeout\" value=\"2s\"/>"
          + "<var name=\"event\" expr=\"'start'\"/>"
          + "<var name=\"call_id\" expr=\"session.connection.protocol.sip.headers['call-id']\"/>"
          + "<var name=\"caller\" expr=\"session.connection.remote.uri\"/>"
          + "<catch event=\"connection.disconnect.hangup\"><assign name=\"event\" expr=\"'end'\"/>"
          + "<submit next=\"voicexml\" method=\"post\" namelist=\"event call_id\"/></catch>"
          # We do not answer, or say no: the caller gets somebody all the same.
          + "<catch event=\"error.badfetch error.semantic\"><goto next=\"#unavailable\"/></catch>"
          + (if .next == "code" then
                 code_form + queue_form("unidentified"; prompt("no-more") + prompt("to-queue"); $args.queue; $args.destination)
             elif .next == "queue" then queue_form("queue"; prompts; .queue; $args.destination)
             else "<form><block>\(prompts)<disconnect/></block></form>" end)
          + queue_form("unavailable"; prompt("unavailable"); $args.queue; $args.destination)
      end
    + "</vxml>")
