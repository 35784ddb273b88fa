# When each line of a configuration is open, as texts for speak: closed-LINE: TEXT, one a
# line, of every line that has hours. Times are numbers with a word, as they are spoken.

def words: {
    nl: { days: { mon: "maandag", tue: "dinsdag", wed: "woensdag", thu: "donderdag",
                  fri: "vrijdag", sat: "zaterdag", sun: "zondag" },
          closed: "Deze lijn is nu gesloten.", open: "Wij zijn open op", on: "Op",
          through: "tot en met", and: "en", from: "van", until: "tot",
          again: "U kunt dan opnieuw bellen.", holidays: "Op feestdagen zijn wij soms gesloten." },
    en: { days: { mon: "Monday", tue: "Tuesday", wed: "Wednesday", thu: "Thursday",
                  fri: "Friday", sat: "Saturday", sun: "Sunday" },
          closed: "This line is closed now.", open: "We are open on", on: "On",
          through: "to", and: "and", from: "from", until: "until",
          again: "You can call again then.", holidays: "On holidays we are sometimes closed." }
} | .[$lang];

# "09:30": 9 uur 30; 9:30 AM.
def spoken:
    (split(":") | map(tonumber)) as [$hour, $minute]
    | if $lang == "nl" then "\($hour) uur" + if $minute == 0 then "" else " \($minute)" end
      elif $minute == 0 and $hour % 24 == 0 then "midnight"
      elif $minute == 0 and $hour == 12 then "noon"
      else "\(($hour + 11) % 12 + 1)" + if $minute == 0 then "" else ":\(.[3:])" end
           + if $hour % 24 < 12 then " AM" else " PM" end
      end;

def ranges:
    words as $w
    | map(split("-") | "\($w.from) \(.[0] | spoken) \($w.until) \(.[1] | spoken)")
    | join(", \($w.and) ");

# Days in a row with the same hours.
def groups:
    . as $hours
    | reduce ("mon", "tue", "wed", "thu", "fri", "sat", "sun") as $day ([];
        ($hours[$day] // []) as $open
        | if length > 0 and .[-1].open == $open then .[-1].days += [$day]
          else . + [{ days: [$day], open: $open }] end)
    | map(select(.open != []));

def days:
    words as $w
    | map($w.days[.])
    | if length > 2 then "\(.[0]) \($w.through) \(.[-1])" else join(" \($w.and) ") end;

def hours_text:
    words as $w
    | [.hours | groups | to_entries[]
       | (if .key == 0 then $w.open else $w.on end) + " \(.value.days | days) \(.value.open | ranges)."]
      as $sentences
    | [$w.closed] + $sentences + [$w.again]
      + if .closed // [] | length > 0 then [$w.holidays] else [] end
    | join(" ");

.lines | to_entries[]
| select((.value | type) == "object" and .value.hours and (.value.hours | groups | length > 0))
| "closed-\(.key): \(.value | hours_text)"
