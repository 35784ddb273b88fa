# Answers a form: on to the next page, or what went wrong.
include "idb";

$ARGS.named.to as $to
| context($ARGS.named)
| if .answer.error then error_page({ allow: "POST", desk: ($to == "../desk") })
  else redirect_to(.answer.location // $to) end
