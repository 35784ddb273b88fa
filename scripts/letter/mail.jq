# The e-mail: plain text, which every program shows and nothing hides in.
include "common";

# A header that is not ASCII alone (RFC 2047), in pieces of at most 75 bytes; 33
# characters of UTF-8 are never more than 45 bytes for our languages.
def header:
    if explode | all(. >= 32 and . < 127) then .
    else [while(. != ""; .[20:]) | .[:20] | "=?UTF-8?B?\(@base64)?="] | join("\r\n ") end;

invitation($ARGS.named)
| "Subject: \(w(["subject"]) | gsub("[\\r\\n]"; " ") | header)\r\nMIME-Version: 1.0\r\n"
+ "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nContent-Language: \(.lang)\r\n\r\n"
+ ([ w(["hello"]), "",
     w(["why"]), w(["what"]), "",
     "1. \(w(["steps", "go"])) \(.address)",
     "2. \(w(["steps", "type"])) \(.code)",
     "3. \(w(["steps", "login"]))",
     "4. \(w(["steps", "call"]))", "",
     w(["link"]), .address_with_code, "",
     w(["until"]), one_use, "",
     w(["without"]), "",
     "\(w(["safe", "title"])) \(w(["safe", "mail"]))", "",
     w(["bye"]), .organisation,
     (if .reference then w(["reference"]) else empty end) ] | map("\(.)\r") | join("\n"))
