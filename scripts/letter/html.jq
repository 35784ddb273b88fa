# The letter: A4, black on white, nothing that is not needed. No logo but your own, and
# never that of DigiD: it sends no QR codes, and says so.
include "common";

def h($path): w($path) | @html;
def p($path): "<p>\(h($path))</p>";

# Drawn by idb-invite; anything else is left out.
def qr: if (.qr_svg // "") | startswith("<svg ") then .qr_svg else error("qr_svg is missing") end;

invitation($ARGS.named)
| @html "<!DOCTYPE html>\n<html lang=\"\(.lang)\">\n<head>\n<meta charset=\"utf-8\" />\n<title>\(w(["subject"]))</title>\n"
+ "<style>
@page { size: A4; margin: 25mm; }
body { font: 11pt/1.5 sans-serif; color: #000; background: #fff; max-width: 160mm; }
address { font-style: normal; min-height: 30mm; margin: 10mm 0; }
h1 { font-size: 13pt; }
.way { display: flex; gap: 10mm; align-items: flex-start; }
.code { font: bold 16pt/1.4 monospace; white-space: nowrap; }
.address { font-weight: bold; white-space: nowrap; }
.qr { flex: none; width: 35mm; margin: 0; text-align: center; font-size: 9pt; }
.qr svg { width: 35mm; height: 35mm; display: block; }
</style>\n</head>\n<body>\n"
+ "<p><strong>\(.organisation | @html)</strong></p>\n"
+ "<address>" + ([.to // [] | .[] | @html] | join("<br />")) + "</address>\n"
+ (if .reference then "<p>\(h(["reference"]))</p>\n" else "" end)
+ "<h1>\(h(["subject"]))</h1>\n<p>\(h(["hello"]))</p>\n" + p(["why"]) + p(["what"])
+ "\n<div class=\"way\">\n<ol>\n"
+ "<li>\(h(["steps", "go"])) <span class=\"address\">\(.address | @html)</span></li>\n"
+ "<li>\(h(["steps", "type"])) <span class=\"code\">\(.code | @html)</span></li>\n"
+ "<li>\(h(["steps", "login"]))</li>\n<li>\(h(["steps", "call"]))</li>\n</ol>\n"
+ "<figure class=\"qr\">\(qr)<figcaption>\(h(["scan"]))</figcaption></figure>\n</div>\n"
+ p(["until"]) + "<p>\(one_use | @html)</p>" + p(["without"]) + "\n<p><strong>\(h(["safe", "title"]))</strong> \(h(["safe", "letter"]))</p>\n"
+ "<p>\(h(["bye"]))</p>\n<p>\(.organisation | @html)</p>\n</body>\n</html>"
