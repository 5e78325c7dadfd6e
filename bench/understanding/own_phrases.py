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
EVENTS = """
    meeting|dentist appointment|lunch|party|interview|haircut|doctors appointment|dinner|brunch|conference|yoga class
    |call
"""
NAMES = "anna|john|mom|my boss|sarah|mr smith|the team"
LABELS = "work|home|errands|shopping|health|#garden"
PRIORITIES = "urgent|high priority|low priority|important|top priority|p1"

PATTERNS = {
    "update": """
        move {task} to {time}|push {task} to {time}|push {task} back an hour|reschedule {task} to {time}
        |postpone {task} until {time}|snooze {task} till {time}|delay {task} by a day|bump {task} to {time}
        |shift {task} to {time}|defer {task} to {time}|put {task} off until {time}
        |change the due date of {task} to {time}|set the deadline for {task} to {time}|{task} is due {time}
        |make {task} {priority}|set {task} to {priority}|mark {task} as {priority}|change {task} to {priority}
        |{task} is {priority}|raise the priority of {task}|lower the priority of {task}|prioritize {task}
        |rename {task} to {task}|call {task} {task} instead|change {task} to {task}
        |change the title of {task} to {task}|edit {task}|edit a task|update task 3|change the title
        |set a due date|set the due date to {time}|change the priority|modify {task}|change the date to {time}
        |give {ref} a due date|add a description to {task}|change its label|update {task}|edit the description
        |add a note to {task} saying {task}|label {task} as {label}|tag {task} with {label}
        |remove the label {label} from {task}|put {task} under {label}|categorize {task} as {label}
        |reopen {task}|mark {task} as not done|uncheck {task}|{task} isn't done yet|take the date off {task}
        |move {ref} to {time}|make {ref} {priority}|reschedule {ref} to {time}|change {ref} to {time}
        |tag {ref} with {label}|make {task} repeat every week|can you move {task} to {time}
        |please push {ref} to {time}|could you reschedule {task} for {time}|change the deadline to {time}
        |update the description|move {ref} up|set {ref} to {time} please|move {ref} an hour later
        |push {task} two days earlier|{task} should be {priority}|remove the priority from {task}
        |make {ref} less urgent|turn off the reminder for {task}|{task} isn't finished
        |remind me ten minutes before {task}|bring {task} forward to {time}|swap {task} and {task}
        |{task} is at {time} now|the {event} got moved to {time}|change {ref} to {priority}|{ref} isn't done
        |move everything from {time} to {time}|label all {label} tasks as {label}
    """,
    "complete": """
        mark {task} as done|mark {task} done|mark {task} as complete|mark {ref} as done|check {task} off
        |check off {task}|tick off {task}|cross {task} off my list|cross off {task}|complete {task}
        |complete {ref}|finish {task}|i finished {task}|i've finished {task}|i just finished {task}
        |done with {task}|i'm done with {task}|i have completed {task}|{task} is done|{task} is finished
        |{task} is complete|i did {task}|{ref} is done|finished {task}|completed {task}|i already did {task}
        |close {task}|tick {ref}|check {ref} off|i wrapped up {task}|i bought milk|i've paid the rent
        |i called mom already|set {task} as completed|strike {task} off the list|please mark {task} as finished
        |can you check off {task}|done: {task}|all done with {task}|got {task} done|mark everything as done
        |complete all my tasks for today|that's done|{task} done|{ref} done|{task} is all done|{task}'s done
        |all {label} tasks are done|i watered the plants|i paid the water bill|i submitted the form
        |sent the invoice|i took out the trash|i fixed the sink|i called the bank|closed the ticket
        |i've washed the car|mailed the letter|i cleaned the kitchen|the bill is paid|all set with {task}
        |knocked out {task}|i got {task} done|i have paid the rent already|just called mom|already bought bread
        |did the laundry|took the car to the service|finished {task} just now|complete all {label} tasks
        |mark all {label} items done|tick {task} off please|{ref} and {ref} are done|got the milk
        |done and dusted with {task}
    """,
    "delete": """
        delete {task}|delete {ref}|remove {task} from my list|remove {ref}|get rid of {task}|get rid of {ref}
        |cancel {task}|erase {task}|drop {task}|scrap {task}|trash {task}|forget about {task}
        |take {task} off my list|i don't need {task} anymore|delete the reminder to {task}
        |cancel the reminder about {task}|delete the task {task}|clear all my tasks|clear my list
        |please delete {task}|can you remove {task}|delete all done ones|throw out {task}
        |remove the alert for {task}|cancel my {event} with {name}|cancel the {event} {time}
        |delete the {event} {time}|remove the {event} from my calendar|clear my calendar {time}
        |clear my schedule for {time}|take the {event} off my calendar|erase everything on the calendar
        |delete my next {event}|delete the list|remove the shopping list|get rid of the whole list
        |erase that event|i won't be going to the {event}, take it off my calendar
        |remove {task} from the {label} list|wipe my list|i already have milk so take it off the list
        |delete the event called {task}|empty my to do list|find the {event} and delete it
        |{name} can't make it, cancel our {event}|call off the {event}
        |delete the notification {time} about {task}|trash the alert to {task} {time}
        |delete my notice about {task}|cancel the alert {time} to {task}
        |please remove the notification for {task}|get rid of the reminder {time}|i no longer need to {task}
        |delete the reminder to cancel {task}|delete the alert to add {task} {time}
        |cancel the reminder to check {task}|i want {task} removed|i want {task} to be deleted
        |i'd like the {event} cancelled|please have the {event} {time} taken off my calendar
        |the {event} needs to be removed|{task} can go|i need to clear my calendar {time}
        |we should clear the schedule for {time}|delete all {label} tasks|i'm not going to the {event} any more
        |i won't make it to the {event} {time}|the {event} with {name} is off|no need for {task} any more
        |i am not having {event} with {name} after all|remove {task} and {task}|nix the {event}
        |strike the {event} {time}|delete the completed ones
    """,
    "add": """
        add {task}|add {task} for {time}|remind me to {task} {time}|remind me about {task}|buy milk {time}
        |pay rent {time}|call mom {time}|add {task} and {task}|add {task} to my {label} list|todo: {task}
        |i need to {task}|i have to {task} {time}|don't let me forget to {task}|don't forget {task}
        |new task: {task}|create a task to {task} {time}|make a note to {task}|put {task} on my list
        |remind me to cancel the subscription|remind me to delete the old photos {time}
        |remind me to move the car {time}|remind me to finish the report {time}|schedule {task} {time}
        |notify me {time} to {task}|ping me {time} about {task}|give me a nudge {time} to {task}
        |set an alert for {task} {time}|add {task} #{label}|{task} {time} !high|{task} p1 @friday
        |jot down {task}|note to self {task}|remember to {task}|add a task to change the sheets
        |remind me to check the mail {time}|remind me to mark the exams {time}|i must {task} {time}
        |need to {task} {time}|set up a {event} with {name} {time}|schedule a {event} {time}
        |put the {event} with {name} on my calendar|i have a {event} {time} please remind me
        |book a {event} with {name} for {time}|add {name}'s birthday to the calendar
        |the {event} is {time}, put it on my calendar|mark {time} as {name}'s birthday
        |make a list for the {event}|start a new list|create a list called {label}|i need a new list
        |could you make me a list of {label}|we're out of milk, add it to the list
        |i'm running low on sugar put it on the shopping list|add an event {time}|make a {event} for {time}
        |plan a {event} with {name}|new {event} with {name} {time}|block {time} for the {event}
        |send me a reminder {time} to {task}|send an alert {time} about {task}|send a notice about {task}
        |give me a notification to {task} {time}|alert me {time} to {task}|buzz me about {task}
        |poke me {time} to {task}|nudge me to {task}|give an alert on {time} for {task}
        |set a notification for {task}|i'd like an alert for {task}|send me a nudge {time} to change {task}
        |alert me to delete {task}|notify me {time} to finish {task}|i will have {task} {time}
        |i have {task} {time}|let me know {time} to {task}|mark down that i have a {event} {time}
        |put me down for a {event} {time}|include {task} among my tasks|gotta {task}
        |i will be at a {event} {time}, make a note|a {event} with {name} {time}, put that in
        |we have a {event} {time} add it|repeat my reminder for the {event}|see that i don't forget {task}
        |note the {event} {time}|{label}: {task}|tell me to {task} when i get home
    """,
    "list": """
        what's due {time}|what do i have {time}|show my tasks|list my tasks|show {label} tasks
        |how many tasks do i have|what's overdue|what's left|what did i finish today|show completed tasks
        |which tasks are {priority}|what's next|anything due {time}|show me everything tagged {label}
        |find tasks about {task}|do i have anything {time}|when is {task} due|is {task} on my list
        |what should i do today|list everything with {priority}|my tasks|how many open tasks are left
        |search for {task}|what tasks are done|show all tasks|what's on for {time}|when is my {event}
        |what time is my {event} {time}|what time does my {event} start|how soon is my {event}
        |is my {event} {time}|is {name}'s birthday {time}|who is coming to my {event}|where is my {event}
        |am i free {time}|am i busy {time}|do i have time {time}|do i have a {event} {time}
        |have i got a {event} with {name}|is there a {event} {time}|did i add {task} to my list
        |did you add the {event} to my calendar|have i put {task} on my list|did i put {task} on my to do list
        |what did i want to remember|what was i supposed to do {time}|what have i got planned {time}
        |what does my {time} look like|what's my day like {time}|give me an overview of my {time}
        |how does my schedule look {time}|tell me my schedule for {time}|read out my agenda
        |check my calendar for {time}|look at my schedule {time}|let me know what's on {time}
        |what is happening {time} on my calendar|what's planned for {time}|any plans {time}
        |what do i need to get done {time}|what needs to be done {time}|what's left to do|which lists do i have
        |name my lists|show me the list|open my list|go over my reminders|what reminders are set for {time}
        |tell me about my next {event}|can you tell me what i have {time}|how many {event}s do i have {time}
        |list my {event}s|check if i have a {event} {time}|remind me what i have to do {time}
        |what day is my {event}|details of my next {event}|plans for {time}|my agenda {time}
        |does my list have {task}|is {task} one of my tasks|what items are on the list
        |tell me what i wrote on my list|what was it that i wanted to remember|what did i need to keep in mind
        |bring to my mind what i had to do|do you know what i wanted to remember|tell me what i should be doing
        |is {task} done|is {task} finished yet|are all my {label} tasks done|did i write down {task}
        |i am not sure if i added {task}, did i|is {name} coming over {time}|who is invited to my {event}
        |who am i meeting {time}|what's happening {time}|what is going on {time}|anything going on {time}
        |what's up {time}|is there something {time}|do i have to be anywhere {time}|what else is on my agenda
        |say my list|show|show all|show me everything|what did i do {time}|what have i done this week
        |what was done {time}|which tasks did i complete {time}|what did i get done|my {label} list
        |details of my {event} {time}|information about my {event}|where do i have to be {time}
        |how busy am i {time}|how many {label} tasks are there|what's in {label}|what is under {label}
        |when is {event}|when is the {event} with {name}|when's {task} next|when is {task}|anything urgent
        |what's important|which ones are overdue|let me hear about my {event} {time}|do my tasks include {task}
    """,
    "none": """
        how do i delete a task|how can i add something|what happens if i delete {task}|should i move {task}
        |can you change your voice|i moved to berlin last year|i finished reading a great book about rome
        |why did you delete it|dinner is done|i am done talking|we're done here|i'm finished with you
        |that movie is finished|the game is over|don't add anything|don't delete anything|do not change it
        |never delete my tasks|what does done mean|tell me about {task}|i like {task}|{task} was fun
        |i hate mondays|i love fridays|may flowers bloom in spring|who invented the list
        |is it going to rain {time}|play some music {time}|turn the lights off at 5 pm|what's the weather {time}
        |set an alarm for 5 pm|set a timer for ten minutes|cancel my credit card
        |cancel my subscription to the paper|delete my account|remove the stain from my shirt how
        |change the channel|change the color to blue|move forward|push harder|complete nonsense|check this out
        |mark my words|mark is my brother|what a day|tomorrow is friday|today is my birthday|see you {time}
        |did you finish|did you finish {task}|have you done {task}|should i {task}|should i {task} {time}
        |have you finished|are you done|is it done|who finished first|i can't finish this puzzle
        |it would be nice to go out|i wish i had more time|let's talk about {task}|do you remember {task}
        |if it rains delete the picnic|when i finish i will tell you|ok|sure|cool|great|hmm|lol|nice one
        |order me a pizza|book a table for two {time}|add two and two|add the numbers|remove the square root
        |show me a picture of a cat|find a restaurant nearby|list the planets|list all countries in europe
        |what is on tv {time}|what's going on in the world|how are you {time}|update yourself|update the app
        |undo the top button|drop the bass|push notifications annoy me|reschedule is a hard word to spell
        |i completed my degree in 2010|she finished the race|he moved to london|they cancelled the show|{task}
        |{task}|the {label} thing|oat milk|blue paint|cancel|stop|no|yes|never mind|find out more|i bought a car
        |when is {name}'s concert on tv|when is the next train|when does the bank open {time}
        |when does the film start|what time is it in tokyo|what's the date {time}|what day is it {time}
        |what day of the week is june 3|how many days until christmas|what is the news {time}
        |any news about {name}|what's happening in the world {time}|what is happening in town {time}
        |any concerts {time}|which movies are on {time}|are there events near me {time}|will it rain {time}
        |do i need an umbrella {time}|how cold is it {time}|should i wear a coat {time}|do i have new emails
        |do i have any messages from {name}|read my emails|any new tweets|check my email|what's my balance
        |what do i owe on my card|how much did i spend {time}|when is my bill due|when is my flight
        |what's my name|what's the status of my order|when does my card expire|do i need a visa for china
        |is there an insurance plan for me|when is my car due for service|how long is the drive to work {time}
        |how do i make pancakes|what goes into a tortilla|what can i cook {time}|how many calories are in milk
        |add sugar to my coffee|add this song to my playlist|add this to my favorites|add {name} to my contacts
        |add a bag to my flight|put on some jazz|put the kettle on|put on the radio|set the volume to 3
        |set the oven to 200|make me a coffee|make it louder|make a call to {name}|create a playlist
        |start the vacuum cleaner|start the next episode|remove this song from the playlist|delete this email
        |delete the message from {name}|clear my history|clear the cache|cancel my order
        |cancel my reservation {time}|remove {name} from my contacts|cancel the alarm|stop the timer
        |change my password|change my name to {name}|change the language|change the channel
        |change the light to blue|move my money to savings|transfer money to {name}|update my address
        |update my account|reset my pin|mark this email as read|check my blood pressure
        |check the spelling of list|check the traffic|complete my application|report a lost card|call {name}
        |text {name} that i am late|send an email to {name} about the {event}|book a flight {time}
        |get me a taxi {time}|reserve a table {time}|buy me a ticket for the train {time}|wake me up at 6 am
        |is there a {event} in the museum|who was at the {event} on tv|tell me a story about a {event}
        |i enjoyed the {event}|read me a book|read the next chapter|thanks for the reminder
        |thanks for reminding me|good job|well done|what did i just say|what do you know about {name}
        |can you remember things|what can i buy {time}|how much do i earn|what is my income|when do i get paid
        |what are my benefits|my pay stub|do i have new followers|what's trending
        |what happened on the stock market {time}|what did the president say {time}
        |is it safe to travel to paris|what's tomorrow's date|what day is {time}|when is easter
        |when is the next full moon|what's on the menu {time}|do the lakers play {time}|is the store open {time}
        |i might {task} {time}|maybe i will {task}|i was going to {task}|i could {task} {time}|we may {task}
        |i should have called|well done you|what's my credit score|when is my rent due by law
        |what is on tv and the radio|i think so|sounds good|never again|not now|i am not sure|whatever|ha ha
        |what's your favorite {event}|what do you do {time}|are you busy {time}|who made you
        |is {name} a nice person|i missed the {event}|how was the {event}|i forgot my keys|my {event} was fun
        |the report is interesting|the meeting was boring|my boss deleted my email
    """,
}
TIMES_FILLED = 3
"""How often each pattern with a gap is filled."""


def sentences() -> Iterator[tuple[str, str]]:
    """(text, kind), always the same."""
    fill = {
        "task": _options(TASKS), "ref": _options(REFERENCES), "time": _options(TIMES), "label": _options(LABELS),
        "priority": _options(PRIORITIES), "event": _options(EVENTS), "name": _options(NAMES),
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
