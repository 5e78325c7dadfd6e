"""Sentences of our own for what the public corpora hardly have: changing, completing, and talk that sounds like it.

Patterns are filled by turns, so that the same file always makes the same sentences.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

TASKS = """
    milk|the report|call mom|the dentist appointment|gym|the laundry|pay rent|my essay|the slides|water the plants
    |book flights|buy groceries|the budget review|send the invoice|taxes|fix the bike|standup notes|the car service
    |renew passport|team meeting|walk the dog|the cake|clean the garage|the contract|my workout|email anna
    |review the pull request|return the parcel|the oil change|study for the exam
"""
REFERENCES = """
    it|that|this one|the second one|the first task|the last one|number 3|task 5|them|these|both|the last two
    |all of them|everything that's done|all done tasks|the shopping tasks|that task
"""
TIMES = """
    tomorrow|friday|next week|next monday at 3pm|the end of the month|tonight|5 pm|the 21st|june 3|in two days
    |saturday morning|later|next friday|noon|monday
"""
LABELS = "work|home|errands|shopping|health|#garden"
PRIORITIES = "urgent|high priority|low priority|important|top priority|p1"

PATTERNS = {
    "update": """
        move {task} to {time}|push {task} to {time}|push {task} back an hour|reschedule {task} to {time}
        |postpone {task} until {time}|snooze {task} till {time}|delay {task} by a day|bump {task} to {time}
        |shift {task} to {time}|defer {task} to {time}|put {task} off until {time}
        |change the due date of {task} to {time}
        |set the deadline for {task} to {time}|{task} is due {time}|make {task} {priority}|set {task} to {priority}
        |mark {task} as {priority}|change {task} to {priority}|{task} is {priority}|raise the priority of {task}
        |lower the priority of {task}|prioritize {task}|rename {task} to {task}|call {task} {task} instead
        |change {task} to {task}|change the title of {task} to {task}|edit {task}|update {task}|edit the description
        |add a note to {task} saying {task}|label {task} as {label}|tag {task} with {label}
        |remove the label {label} from {task}
        |put {task} under {label}|categorize {task} as {label}|reopen {task}|mark {task} as not done|uncheck {task}
        |{task} isn't done yet|take the date off {task}|move {ref} to {time}|make {ref} {priority}
        |reschedule {ref} to {time}|change {ref} to {time}|tag {ref} with {label}|make {task} repeat every week
        |can you move {task} to {time}|please push {ref} to {time}|could you reschedule {task} for {time}
        |change the deadline to {time}|update the description|move {ref} up|set {ref} to {time} please
    """,
    "complete": """
        mark {task} as done|mark {task} done|mark {task} as complete|mark {ref} as done|check {task} off|check off {task}
        |tick off {task}|cross {task} off my list|cross off {task}|complete {task}|complete {ref}|finish {task}
        |i finished {task}|i've finished {task}|i just finished {task}|done with {task}|i'm done with {task}
        |i have completed {task}|{task} is done|{task} is finished|{task} is complete|i did {task}|{ref} is done
        |finished {task}|completed {task}|i already did {task}|close {task}|tick {ref}|check {ref} off
        |i wrapped up {task}|i bought milk|i've paid the rent|i called mom already|set {task} as completed
        |strike {task} off the list|please mark {task} as finished|can you check off {task}|done: {task}|all done with {task}
        |got {task} done|mark everything as done|complete all my tasks for today|that's done
    """,
    "delete": """
        delete {task}|delete {ref}|remove {task} from my list|remove {ref}|get rid of {task}|get rid of {ref}
        |cancel {task}|erase {task}|drop {task}|scrap {task}|trash {task}|forget about {task}|take {task} off my list
        |i don't need {task} anymore|delete the reminder to {task}|cancel the reminder about {task}
        |delete the task {task}|clear all my tasks|clear my list|please delete {task}|can you remove {task}
        |delete all done ones|throw out {task}|remove the alert for {task}
        |delete the notification {time} about {task}|trash the alert to {task} {time}|delete my notice about {task}
        |cancel the alert {time} to {task}|please remove the notification for {task}|get rid of the reminder {time}
        |i no longer need to {task}|delete the reminder to cancel {task}|delete the alert to add {task} {time}
        |cancel the reminder to check {task}
    """,
    "add": """
        add {task}|add {task} for {time}|remind me to {task} {time}|remind me about {task}|buy milk {time}
        |pay rent {time}|call mom {time}|add {task} and {task}|add {task} to my {label} list|todo: {task}
        |i need to {task}|i have to {task} {time}|don't let me forget to {task}|don't forget {task}
        |new task: {task}|create a task to {task} {time}|make a note to {task}|put {task} on my list
        |remind me to cancel the subscription|remind me to delete the old photos {time}|remind me to move the car {time}
        |remind me to finish the report {time}|schedule {task} {time}|notify me {time} to {task}|ping me {time} about {task}
        |give me a nudge {time} to {task}|set an alert for {task} {time}|add {task} #{label}|{task} {time} !high
        |{task} p1 @friday|jot down {task}|note to self {task}|remember to {task}|add a task to change the sheets
        |remind me to check the mail {time}|remind me to mark the exams {time}|i must {task} {time}|need to {task} {time}
        |send me a reminder {time} to {task}|send an alert {time} about {task}|send a notice about {task}
        |give me a notification to {task} {time}|alert me {time} to {task}|buzz me about {task}|poke me {time} to {task}
        |nudge me to {task}|give an alert on {time} for {task}|set a notification for {task}|i'd like an alert for {task}
        |send me a nudge {time} to change {task}|alert me to delete {task}|notify me {time} to finish {task}
        |i will have {task} {time}|i have {task} {time}|let me know {time} to {task}
    """,
    "list": """
        what's due {time}|what do i have {time}|show my tasks|list my tasks|show {label} tasks|how many tasks do i have
        |what's overdue|what's left|what did i finish today|show completed tasks|which tasks are {priority}|what's next
        |anything due {time}|show me everything tagged {label}|find tasks about {task}|do i have anything {time}
        |when is {task} due|is {task} on my list|what should i do today|list everything with {priority}|my tasks
        |how many open tasks are left|search for {task}|what tasks are done|show all tasks|what's on for {time}
    """,
    "none": """
        how do i delete a task|how can i add something|what happens if i delete {task}|should i move {task}
        |can you change your voice|i moved to berlin last year|i finished reading a great book about rome
        |why did you delete it
        |dinner is done|i am done talking|we're done here|i'm finished with you|that movie is finished|the game is over
        |don't add anything|don't delete anything|do not change it|never delete my tasks|what does done mean
        |tell me about {task}|i like {task}|{task} was fun|i hate mondays|i love fridays|may flowers bloom in spring
        |who invented the list|is it going to rain {time}|play some music {time}|turn the lights off at 5 pm
        |what's the weather {time}|set an alarm for 5 pm|set a timer for ten minutes|cancel my credit card
        |cancel my subscription to the paper|delete my account|remove the stain from my shirt how
        |change the channel|change the color to blue|move forward|push harder|complete nonsense|check this out
        |mark my words|mark is my brother|what a day|tomorrow is friday|today is my birthday|see you {time}
        |did you finish|have you finished|are you done|is it done|who finished first|i can't finish this puzzle
        |it would be nice to go out|i wish i had more time|let's talk about {task}|do you remember {task}
        |if it rains delete the picnic|when i finish i will tell you|ok|sure|cool|great|hmm|lol|nice one
        |order me a pizza|book a table for two {time}|add two and two|add the numbers|remove the square root
        |show me a picture of a cat|find a restaurant nearby|list the planets|list all countries in europe
        |what is on tv {time}|what's going on in the world|how are you {time}|update yourself|update the app
        |undo the top button|drop the bass|push notifications annoy me|reschedule is a hard word to spell
        |i completed my degree in 2010|she finished the race|he moved to london|they cancelled the show
        |{task}|{task}|the {label} thing|oat milk|blue paint|cancel|stop|no|yes|never mind|find out more|i bought a car
        |the report is interesting|the meeting was boring|my boss deleted my email
    """,
}
TIMES_FILLED = 3
"""How often each pattern with a gap is filled."""


def sentences() -> Iterator[tuple[str, str]]:
    """(text, kind), always the same."""
    fill = {
        "task": _options(TASKS), "ref": _options(REFERENCES), "time": _options(TIMES), "label": _options(LABELS),
        "priority": _options(PRIORITIES),
    }  # fmt: skip
    turn = count()
    for kind, patterns in PATTERNS.items():
        for pattern in _options(patterns):
            for _ in range(TIMES_FILLED if "{" in pattern else 1):
                yield _filled(pattern, fill, turn), kind


def _options(text: str) -> list[str]:
    return [" ".join(option.split()) for option in text.split("|")]


def _filled(pattern: str, fill: dict[str, list[str]], turn: count[int]) -> str:
    while "{" in pattern:
        before, _, rest = pattern.partition("{")
        name, _, after = rest.partition("}")
        options = fill[name]
        pattern = before + options[(next(turn) * 7 + len(before)) % len(options)] + after
    return pattern
