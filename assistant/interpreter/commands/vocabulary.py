"""Words and phrases of commands, as data. Phrases are regular expressions on one clause, unwrapped."""

from __future__ import annotations

import re


def words(*lines: str) -> frozenset[str]:
    """The words of the lines."""
    return frozenset(" ".join(lines).split())


PRIORITIES = {
    "urgent": "URGENT", "critical": "URGENT", "highest": "URGENT", "top": "URGENT", "asap": "URGENT", "p1": "URGENT",
    "high": "HIGH", "important": "HIGH", "p2": "HIGH", "medium": "MEDIUM", "normal": "MEDIUM", "med": "MEDIUM",
    "moderate": "MEDIUM", "p3": "MEDIUM", "low": "LOW", "lowest": "LOW", "minor": "LOW", "p4": "LOW", "no": "NONE",
    "none": "NONE",
}  # fmt: skip
PRIORITY = "(?:" + "|".join(PRIORITIES) + ")"

TASK = r"(?:tasks?|to-?dos?|to do(?: item)?s?|reminders?|items?|chores?|errands?|things? to do|action items?)"
NOTICE = r"(?:reminders?|remainders?|alerts?|notices?|notifications?|nudges?|heads[- ]?up|pings?)"
LIST = (
    r"(?:to-?do list|to do list|task list|list of tasks|lists?|tasks|to-?dos?|agenda|calendar|schedule|plate"
    r"|reminders)"
)
# "my shopping list", "the list of things to buy": what stands between is the list's name
NAMED_LIST = (
    r"(?:my|the|our)\s+(?P<list>(?:[\w'&-]+\s+){0,3}?)(?:lists?|to-?dos?|to\s+do|tasks|agenda|calendars?|calender"
    r"|schedule"
    r"|reminders)(?:\s+(?:of\s+(?:the\s+)?(?:things|tasks|stuff|items)(?:\s+to\s+\w+)?|to\s+do|of\s+chores"
    r"|for\s+shopping|app|list)){0,2}"
)
# Lists that are the whole of the tasks rather than a label
WHOLE_LIST = frozenset(
    {"", "to-do", "todo", "to do", "task", "tasks", "my", "the", "daily", "reminder", "reminders", "current", "whole"}
)

# Lists that need no "list" after their name, and what is put "to" or "on" something else than a list
KNOWN_LIST = r"(?:groceries|grocery|shopping|errands|chores|wish\s?list|bucket\s?list)"
NOT_NAMES = words(
    "todo to-do task tasks todos reminder note remember new add fyi ps re system assistant user http https"
)
LEADS_ELSEWHERE = words(
    "go get talk speak write reply respond listen move send give return take bring drive fly walk run call ring reach"
    " ride back subscribe switch say show read turn come head travel upgrade connect log sign submit apply report offer"
    " email mail transfer"
)

# What people wrap around a command
POLITE_BEFORE = re.compile(
    r"""(?:(?:hey|hi|hello|ok|okay|alright|well|so|oh|um|uh|yes|yeah|sure|right|great|thanks|thank\s+you|sorry|actually|olly|alexa|siri)[,!.]?\s+
        |(?:hey|ok|okay)\s+(?:google|assistant|tasktalk)[,!]?\s+
        |(?:please|pls|plz|kindly|just|quickly|now|then|also)[,]?\s+
        |(?:can|could|would|will)\s+you\s+(?:please\s+|pls\s+|kindly\s+|just\s+|also\s+)?(?:help\s+me\s+(?:to\s+)?)?
        |would\s+you\s+mind\s+
        |if\s+(?:you\s+(?:can|could|would|don't\s+mind)|possible),?\s+
        |(?:can|could|may)\s+(?:i|we)\s+(?:please\s+)?(?=see\b|add\b|(?:get|have)\s+(?:my|the)\b)
        |i(?:'d|\s+would)\s+like\s+(?:you\s+)?to\s+(?=\w)
        |i\s+(?:want|need)\s+you\s+to\s+
        |i\s+(?:want|wanna|need)\s+(?:to\s+)?(?=(?:add|delete|remove|move|rename|see|list|mark|complete|reschedule|tag|label|find|search)\b)
        |(?:and|plus|oh\s+and)\s+(?=(?:make|mark|remind|also|then|please|add|put|move|set|change|delete|remove|tag|label|water
            |buy|call|pay|email|pick|book|complete|finish|rename|show|list)\b)
        |(?:tell|show|give)\s+me\s+(?=what(?:'s|s|\s+is|\s+are|\s+do|\s+i)\b)
        |let's\s+(?=(?:add|delete|remove|move|rename|see|list|mark|complete|reschedule)\b)
        |go\s+ahead\s+and\s+
        |(?:make|be)\s+sure\s+(?:to|you)\s+
        |(?:let\s+me\s+know|inform\s+me(?:\s+of)?|i(?:'d|\s+would)?\s+(?:want|wanna|need|like|gotta)\s+(?:to\s+)?(?:know|hear|see))\s+
        )""",
    re.I | re.X,
)
POLITE_AFTER = re.compile(
    r"(?:[,.!?]|\s)+(?:please|pls|plz|(?:many )?thanks(?: a lot| so much| a bunch| in advance| a million)?"
    r"|thank you(?: so much| very much)?|thx|ok|okay|for me|will you|would you|now)$",
    re.I,
)

GREETINGS = re.compile(
    r"(?:hi|hello|hey|hiya|howdy|yo|greetings|good (?:morning|afternoon|evening|day)|hullo|heya|sup|what's up"
    r"|hi there"
    r"|hello there|hey there|morning|gm|what is up)(?: there| all| everyone| assistant| tasktalk| again)?",
    re.I,
)
THANKS = re.compile(
    r"(?:(?:ok(?:ay)?|cool|great|nice|perfect|awesome|alright|yay|good|yes|yep|super|lovely)\s+)*"
    r"(?:many thanks|thanks|thank you|thx|ty|cheers|thank u|appreciated?|much appreciated|i appreciate it)"
    r"(?: (?:a lot|a bunch|so much|very much|again|for (?:your|the) help|for that"
    r"|for \w+ing(?: (?:me|it|that|this|them))?"
    r"|you|mate|that's all|a million))*",
    re.I,
)
# What only says that it was heard
HEARD = re.compile(
    r"(?:(?:great|cool|nice|perfect|awesome|lovely|wow|yay|super|good|lol|haha+|hm+|oh|i see|got it|makes sense"
    r"|interesting|well done|good job|great job|nice one|ok|okay|fine)[\s!.,]*)+",
    re.I,
)
FAREWELLS = re.compile(
    r"(?:ok(?:ay)?\s+)?(?:bye(?: ?bye)?|goodbye|good ?bye|see you(?: later| soon| tomorrow)?|see ya|cya|good night|gn"
    r"|night|that's (?:all|it)|that is all|that will be all|nothing(?: else)?|no more"
    r"|i'm (?:good|done|all set)|all (?:good|set)|later|talk (?:to you )?later|ttyl)(?: for now| then| everyone)?",
    re.I,
)
HELP = re.compile(
    r"(?:help|help me|\?|commands|what (?:can|do) (?:you|i) (?:do|say|ask)(?: here| for me| with (?:you|this))?"
    r"|how (?:does this|do you|do i use (?:this|you|it)|can you help(?: me)?)(?: work| out)?"
    r"|what are you(?: able to do| for)?"
    r"|who are you|i need (?:some )?help|show (?:me )?(?:the )?(?:help|commands)|what (?:are )?(?:your"
    r"|the) (?:commands|features|options))",
    re.I,
)

# What drops the matter, whether or not a question stood before it
NEVER_MIND = re.compile(
    r"(?:never ?mind|nvm|forget (?:it|about it|that|about that)|none of (?:these|those|them)|neither(?: of (?:them"
    r"|these|those))?|scratch that|cancel (?:that|it)|leave (?:it|that)(?: alone)?|i(?:'ve| have)? changed my mind)",
    re.I,
)

# Verbs that begin a command: where a second clause may start
COMMAND_VERBS = (
    "add|put|remind|create|make|set|move|push|bump|shift|postpone|reschedule|snooze|delay|defer|delete|remove"
    "|cancel|erase"
    "|drop|trash|mark|complete|finish|check|tick|cross|uncheck|reopen|rename|change|label|tag|untag|categorize"
    "|categorise"
    "|show|list|find|search|tell|don't forget|don't let|remember to|prioritize|deprioritize|get rid"
    "|what|i need to|i finished"
)

# "I need to …" that speaks of other matters than something to be done later
NEED_OTHER = re.compile(
    r"(?:know|hear|see|understand|figure|speak|talk to (?:you|someone|a)|listen|ask you|find out|be able|think|say"
    r"|tell you"
    r"|change (?:my|your)|cancel|report|transfer|activate|update my|check (?:my|the)|get (?:my|the) \w+ (?:back"
    r"|fixed)"
    r"|sleep|rest|pee|sit|relax|go now|go$|leave$|stop$|undo|delete|remove|translate|convert)\b",
    re.I,
)
# Objects of delete, cancel, find, move … that are never tasks here
OTHER_WORLDS = re.compile(
    r"\b(?:credit card|debit card|bank|account balance|routing number|subscription|flights?|hotel|reservation"
    r"|alarms?|timer"
    r"|volume|brightness|lights?|song|music|playlist|radio|podcast|weather|traffic|restaurants?|recipes?|directions"
    r"|joke"
    r"|exchange rate|pin number|transaction|payment history|insurance|interest rate|my name|your name|language"
    r"|thermostat"
    r"|temperature|route|gas station|news|stock|emails?|contacts?|phone|uber|taxi|pizza|time zone|accent"
    r"|timezone|favorites"
    r"|channel|settings?|colou?rs?|my order|bank account|direct deposit|photos?)\b",
    re.I,
)

# Clauses that ask about what was done, and order nothing
QUESTION = re.compile(
    r"(?:did|have|has|had|was|were|is|are|am|does|do)\s+(?:i|we|you|it|the|my|he|she|they|that|this)\b(?!.*\b(?:please|add|remind)\b)",
    re.I,
)
# Thinking aloud: what is then said is not asked for, now at least
MUSING = re.compile(
    r"""(?:(?:maybe|perhaps|possibly|someday)\s+)?(?:i|we)\s*(?:
        (?:might|may)\s+(?:have\s+to\s+|need\s+to\s+|want\s+to\s+|also\s+|even\s+|just\s+|still\s+|well\s+|as\s+well\s+)?
        |could\s+(?:also\s+|maybe\s+|just\s+)?(?!use\b)
        |(?:'m|\s?am|\s?are|was|were)\s+(?:(?:just|only|still)\s+)?(?:thinking\s+(?:of|about)|considering)\s+
        |(?:was|were)\s+going\s+to\s+
        |(?:'ll|will|'m\s+going\s+to|am\s+going\s+to|'m\s+gonna|would|'d)\s+(?:probably\s+|maybe\s+|never\s+)?
            (?=(?:add|put|delete|remove|move|rename|change|decide|do\s+(?:it|that))\b)
        )(?P<words>\S.*)$""",
    re.I | re.X | re.S,
)
# "Add 12 and 30" is no task
_NUMBER = r"(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|\w+ty|hundred)"
ARITHMETIC = re.compile(rf"add\s+(?:{_NUMBER}\s*(?:\+|plus|and|to|with)\s*{_NUMBER}\b|up\b|(?:the\s+)?numbers\b)", re.I)

# What "find" and "search" look for that isn't a task
ELSEWHERE = re.compile(
    r"\b(?:location|on the map|near (?:me|my)|nearby|luggage|trains?|articles|instructions|ingredients|square root"
    r"|menus?"
    r"|shops?|channel|website|online|internet|google|youtube|jokes?|timezone|time zone|travel|my (?:car|cell|keys"
    r"|wallet))\b",
    re.I,
)

# First words of things to do that need no "add" when a day or a mark stands beside them
TASK_VERBS = words(
    "buy pay call ring phone email mail text write send submit clean wash water feed walk pick drop return renew fix"
    " repair print sign review prepare finish order get fetch take bring meet visit register apply study read cook bake"
    " mow vacuum tidy pack unpack empty charge file cut paint schedule organize plan update check post ship collect"
    " practice iron"
)
# "bread and butter pudding": pairs that belong together where a noun follows
PAIRS = frozenset(
    {("bread", "butter"), ("fish", "chip"), ("salt", "vinegar"), ("terms", "conditions"), ("research", "development")}
)
KEPT_PAIRS = frozenset(
    {
        ("mac", "cheese"),
        ("fish", "chips"),
        ("terms", "conditions"),
        ("pros", "cons"),
        ("research", "development"),
        ("r", "d"),
    }
)
NOT_ITEMS = words(
    "who which that because but so if then please or to for when while not i you he she it we they is are was were"
    " where unless although though since as"
)

# Targets that may be many tasks: the server finds them, date words and all
SEVERAL = re.compile(r"(?:all|every|everything|anything|any|both|each|them|these|those)\b", re.I)

# A verb of a task list and few words more, none of them where else the thing might go
_NOWHERE_ELSE = r"\s(?!.*\b(?:to|on|in|from|with)\s+(?:my|the|your|an?|this)\b)(?!.*\b(?:your?|this|these)\b)\S+"
PLAIN = re.compile(
    rf"(?:delete|remove|erase|rename|complete|finish|find|search\ for|change|edit){_NOWHERE_ELSE}(?:\s+\S+){{0,5}}$",
    re.I,
)
PLAINLY_ADDED = re.compile(rf"add{_NOWHERE_ELSE}(?:\s+\S+){{0,60}}$", re.I | re.S)

# What is hardly ever said of anything but a task list, on one clause, unwrapped
SURE = re.compile(
    rf"""^remind\ (?:me|us)\b | ^(?:don't|do\ not)\ (?:let\ me\ )?forget\b | ^(?:todo|to-do|task|new\ task)s?:
    |^(?:set|make|create|add|send|give|open|schedule|need|want)\b[^,.;]{{0,16}}\b{NOTICE}\b
    |^(?:notify|alert|buzz|poke|nudge|ping)\ (?:me\b|on\b|at\b|the\ next\b|next\b|to\b)
    |^(?:don't|do\ not|stop)\ (?:tell|remind|notify|alert|buzz|poke|nudge|ping)\b.*\b(?:to|about)\b
    |^(?:tell)\ me\ (?:on|at)\b.*\bto\b
    |^(?:(?:my|the|today's|tomorrow's|this\ week's|open|all)\ )*(?:schedule|agenda|to-?do\ list|tasks|to-?dos)$
    |^(?:delete|remove|erase|trash|cancel|drop|scrap|chuck\ out|get\ rid\ of|i\ no\ longer\ need|i\ don't\ need)
      \ (?:the\ |my\ |an?\ |that\ |this\ )?(?:{NOTICE}|tasks?|to-?dos?)\b
    |\b(?:to|on|from|off)\ (?:my|the)\ (?:[\w-]+\ )?(?:to-?do|task|shopping|grocery|groceries|chores?)\b
    |^(?:add|create|make|new)\ (?:an?\ |another\ )?(?:new\ )?(?:\w+\ priority\ )?(?:task|to-?do)\b
    |^(?:mark|set|check|tick|cross)\b.*\b(?:(?:as\ )?(?:done|complete|completed|finished|undone)|off)\b
    |^(?:reschedule|postpone|snooze|defer|rename|reopen|un-?check|untick|untag|unlabel|prioriti[sz]e|deprioriti[sz]e)\b
    |^(?:move|push|shift|bump)\b.*\b(?:to|until|till|back|by|for|later|earlier)\b
    |^(?:add|put|set|write)\ (?:an?\ |the\ )?(?:notes?|description|details?|comment)\ (?:to|on|for|of)\b
    |^(?:label|tag)\b.*\b(?:as|with|\#)
    |\b(?:priority|urgent|due\ date|deadline|overdue)\b
    |^(?:done|finished|completed)\ (?:with\b|task\b)
    |^(?:my|the)\ {NOTICE}\b.*\b(?:no\ longer|not)\ (?:needed|necessary|wanted)\b
    |^(?:i(?:'ve)?\ )?(?:just\ |already\ |finally\ )*(?:wrapped\ up|ticked\ off|checked\ off|crossed\ off)\b
    |^(?:everything|anything|tasks)\ (?:due\ )?(?:after|before|by|until|since)\b
    |^(?:show|list|see)(?:\ me)?(?:\ (?:all|everything|it\ all|done|completed|open|them\ all))?$
    |^(?:what|which|show|list|how\ many)\b.*\b(?:tasks?|to-?dos?|to\ do\ list)\b
    |(?:^|\s)(?:\#(?!\d)\w|!(?:urgent|high|medium|low|[1-4])\b|p[1-4]\b|@(?:today|tom|mon|tue|wed|thu|fri|sat|sun))
    """,
    re.I | re.X,
)
