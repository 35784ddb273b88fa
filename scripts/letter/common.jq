# What letter and e-mail share: the line that came in, with the words of its language.
include "idb";

def invitation($args):
    if length != 1 or (.[0] | type) != "object" then error("one line is wanted") else .[0] end
    | if .error then error(.message) else . end
    | if .code and .address and .address_with_code and .expires_at then . else error("a member is missing") end
    | .text = ($args[.lang] // error("no words for this language"))[0];

# "28 december 2026".
def long_date:
    (.expires_at | seconds | localtime) as $t
    | "\($t[2]) \(.text.months[$t[1]]) \($t[0])";

def values:
    { organisation, purpose: .purpose.label, reference: (.reference // ""), code, address,
      address_with_code, number: (.number_display // ""), date: long_date,
      time: (.expires_at | clock), site: (.address | sub("/i$"; "")) };

def w($path): values as $v | .text | getpath($path) | fill($v);

# The texts of a list that hold for this line: those for one person alone, or those for
# whoever has it, stand under bound and open.
def one_use: if .bound then w(["once", "bound"]) else w(["once", "open"]) end;
