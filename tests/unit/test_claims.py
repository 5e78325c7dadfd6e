"""What counts as a claim that something was done, in several languages, and the fact that follows where it wasn't."""

from __future__ import annotations

import pytest

from assistant.claims import FACT, claims_done, proven
from assistant.interpreter import phrases
from models.enums import OperationType, ToolCallStatus
from models.turns import ToolCall
from tests.support.stored_calls import stored_call

CLAIMS = [
    "Done!",
    "Done.",
    "All done.",
    "It's done.",
    "Done! Anything else?",
    "Added “milk”.",
    "I've added milk to your list.",
    "I have added “milk” for tomorrow.",
    "I added milk.",
    "I’ve just deleted the task.",
    "I've gone ahead and deleted it.",
    "I went ahead and moved it to Friday.",
    "Okay, I moved the dentist to Friday.",
    "Sure! I've marked it as done.",
    "Your task has been deleted.",
    "“milk” has been added to your list.",
    "The tasks have been rescheduled.",
    "“milk” was deleted.",
    "✅ milk",
    "Task created ✅",
    "Got it — added milk to your list.",
    "Deleted 3 tasks.",
    "Successfully removed “milk”.",
    "Marked “milk” as done.",
    "Moved to tomorrow.",
    "Renamed it to “oat milk”.",
    "“milk” is now marked as done.",
    "“milk” is now on your list.",
    "I've taken care of it.",
    "Consider it done.",
    "You're all set!",
    "I couldn't find bread, but I added milk.",
    "I haven't deleted milk. I added eggs.",
    "Deleted: “milk”",
    "- Added “milk”\n- Deleted “eggs”",
    "Here's what I did: added milk.",
    "I've updated your list. Would you like anything else?",
    "“call mom” is now due Friday.",
    "I've already added it.",
    "No problem, I've removed it.",
    "Alright, done!",
    "I set the priority to high.",
    "I've labelled both as groceries.",
    "I undid that.",
    "We've added it.",
    "The label has been removed from “milk”.",
    "“milk” added to your list.",
    "Ich habe „Milch“ hinzugefügt.",
    "Erledigt!",
    "Habe ich gelöscht.",
    "„Milch“ wurde gelöscht.",
    "Die Aufgabe ist jetzt auf deiner Liste.",
    "„Milch“ hinzugefügt.",
    "Alles klar, ich habe den Termin auf Freitag verschoben.",
    "Die Aufgaben wurden verschoben.",
    "J'ai ajouté « lait » à votre liste.",
    "C'est fait !",
    "La tâche a été supprimée.",
    "Les tâches ont bien été déplacées.",
    "Voilà, c'est fait.",
    "Ajouté : « lait ».",
    "He añadido «leche» a tu lista.",
    "¡Listo!",
    "Hecho.",
    "La tarea ha sido eliminada.",
    "Se ha eliminado la tarea.",
    "Moví la cita al viernes.",
    "Añadida a tu lista.",
    "Ho aggiunto «latte» alla lista.",
    "Fatto!",
    "L'attività è stata eliminata.",
    "Ho appena spostato l'appuntamento a venerdì.",
    "Aggiunto alla lista.",
    "Adicionei “leite” à sua lista.",
    "Pronto!",
    "A tarefa foi excluída.",
    "Feito.",
    "Adicionado à lista.",
    "Ik heb “melk” toegevoegd.",
    "Klaar!",
    "De taak is verwijderd.",
    "Dat heb ik verplaatst naar vrijdag.",
    "“melk” staat nu op je lijst.",
    "Toegevoegd: “melk”.",
    "Great, I've removed it from your list.",
    "The due date of “milk” has been changed to Friday.",
    "“milk” and “eggs” have now been deleted.",
    "All three tasks were deleted.",
    "Your tasks are now labelled as groceries.",
    "Removed.",
    "Deleted!",
    "Updated.",
    "I've rescheduled your dentist appointment to Friday at 15:00.",
    "I have now marked all of them as done.",
    "I added “milk”, “eggs” and “bread” (due tomorrow).",
    "**Done!** I've added *milk*.",
    "I’ve added **milk**.",
    "Task added!",
    "Task “milk” added.",
    "Reminder set for tomorrow at 9.",
    "I've created a new task called “call mom”.",
    "It has been moved to Friday",
    "Sure, deleted it for you.",
    "I've renamed “a” to “b” as you asked.",
    "Perfect! Your list is now updated.",
    "As you asked, I've deleted it.",
    "As you can see, I've added it.",
    "I couldn't find bread, and I added milk.",
]

NO_CLAIMS = [
    "",
    "Hello!",
    "You added milk yesterday.",
    "You've already added milk.",
    "I haven't added anything.",
    "I have not deleted it.",
    "Nothing was changed.",
    "I couldn't delete “milk”.",
    "I can add milk for you.",
    "I'll add it if you like.",
    "Shall I delete “milk”?",
    "Should I mark it as done?",
    "Have I added milk?",
    "“milk” is already done.",
    "Milk is done.",
    "You have 2 completed tasks:\n1. milk — done\n2. eggs — done",
    "1. Added sugar order — tomorrow",
    "Would you like it added to your list?",
    "I could have added it.",
    "If I added it, it would be due today.",
    "Once I've added it, I'll tell you.",
    "No tasks were deleted.",
    "None of the tasks have been deleted.",
    "It hasn't been added.",
    "Let me know when it has been added.",
    "The task that was deleted yesterday is gone.",
    "“milk” was added yesterday.",
    "Here are the tasks you've completed this week:",
    "Completed tasks:",
    "What should I add?",
    "Which one did you mean?",
    "I would need to know which task.",
    "I can't find that task.",
    "I've found 3 tasks.",
    "I looked at your list.",
    "I see that you have 3 tasks.",
    "You said “I added milk”.",
    "Try “mark buy milk as done”.",
    "It will be deleted.",
    "It needs to be added first.",
    "I wasn't able to delete it.",
    "I failed to delete it, so nothing has been deleted.",
    "Do you want me to have it removed?",
    "To be added: milk.",
    "I never deleted it.",
    "The task is overdue.",
    "I made no changes.",
    "I changed nothing: I didn't see what to do.",
    "All right, I left everything as it is.",
    "I left “milk” alone, as you said.",
    "I'm about to delete “a”, “b” and “c”. Shall I?",
    "More than one task fits “butter”. Which one?\n1. butter\n2. peanut butter",
    "I didn't add “x”, as you said.",
    "- ✅ milk\n- eggs",
    "- done: milk",
    "Added by you last week: milk and eggs",
    "You're welcome.",
    "Set a due date and I'll remind you.",
    "Put simply, you have nothing due.",
    "Made any progress today?",
    "Before I deleted it, you asked me to wait.",
    "I have 3 questions.",
    "Your list has 5 tasks.",
    "It looks done, doesn't it?",
    "Ich habe nichts gelöscht.",
    "Soll ich die Aufgabe löschen?",
    "Ich kann „Milch“ hinzufügen.",
    "„Milch“ ist schon erledigt.",
    "Du hast gestern Milch hinzugefügt.",
    "Die Aufgabe wurde nicht gelöscht.",
    "Wenn ich es gelöscht habe, sage ich Bescheid.",
    "„Milch“ ist erledigt.",
    "Je n'ai rien ajouté.",
    "Je n'ai pas supprimé la tâche.",
    "Voulez-vous que j'ajoute « lait » ?",
    "Vous avez ajouté « lait » hier.",
    "Aucune tâche n'a été supprimée.",
    "No he añadido nada.",
    "¿Quieres que la elimine?",
    "Puedo añadir leche.",
    "No se ha eliminado la tarea.",
    "La leche ya está marcada.",
    "Non ho aggiunto nulla.",
    "Vuoi che lo elimini?",
    "Posso aggiungerlo.",
    "L'attività non è stata eliminata.",
    "Não adicionei nada.",
    "Quer que eu adicione?",
    "Posso adicionar leite.",
    "A tarefa não foi excluída.",
    "Ik heb niets toegevoegd.",
    "Zal ik de taak verwijderen?",
    "Ik kan melk toevoegen.",
    "De taak is niet verwijderd.",
    "Melk is al voltooid.",
    "I'm sorry, I can't do that.",
    "There are no tasks that have been completed.",
    "You have 1 completed task:",
    "What would you like to have added?",
    "Your open tasks:\n- buy milk\n- set up meeting",
    "Tell me what to do with your tasks.",
    "“a” and “b” were already like that: nothing changed.",
    "There was nothing left to undo.",
    "No task fits “milk”.",
    "I keep your to-do list. I can add, show and find tasks, and undo what I did.",
    "You can say “add milk”, and it is added.",
    "This will mark it as done.",
    "Tasks can't repeat yet, so “every monday” stays in its title.",
    "I need the title of the task to be deleted.",
    "After that I'll ask about “call”.",
    "Unfortunately the task could not be added.",
    "I would have deleted it, but you said no.",
    "When was it added?",
    "It was completed yesterday.",
    "The milk was moved last week.",
]


@pytest.mark.parametrize("text", CLAIMS)
def test_what_says_that_something_was_done_is_a_claim(text: str) -> None:
    assert claims_done(text)


@pytest.mark.parametrize("text", NO_CLAIMS)
def test_questions_offers_denials_and_lists_are_none(text: str) -> None:
    assert not claims_done(text)


@pytest.mark.parametrize("text", [phrases.GREETING, phrases.HELP, phrases.THANKS, phrases.NOTHING, phrases.NEVER_MIND])
def test_what_the_built_in_provider_says_without_a_call_claims_nothing(text: str) -> None:
    assert not claims_done(text)


FAILED = stored_call(operation=OperationType.DELETE, status=ToolCallStatus.FAILED)
FOUND = stored_call(operation=OperationType.SEARCH, status=ToolCallStatus.COMPLETED)
DELETED = stored_call(operation=OperationType.DELETE, status=ToolCallStatus.COMPLETED)


@pytest.mark.parametrize("calls", [(), (FAILED,), (FOUND,), (FOUND, FAILED)])
def test_a_claim_with_nothing_done_ends_with_the_fact(calls: tuple[ToolCall, ...]) -> None:
    told = proven("I've deleted “milk”.\n", calls)
    assert told == f"I've deleted “milk”.\n\n{FACT}"
    assert proven(told, calls) == told


def test_a_claim_that_a_call_bears_out_stays_as_it_is() -> None:
    assert proven("I've deleted “milk”.", [FAILED, DELETED]) == "I've deleted “milk”."


def test_a_reply_that_claims_nothing_stays_as_it_is() -> None:
    assert proven("Which one?", [FAILED]) == "Which one?"


def test_a_long_reply_is_read_in_bounded_steps() -> None:
    assert not claims_done("ich habe " * 40_000)
    assert not claims_done("“" * 40_000)
    assert claims_done("- milk\n" * 200 + "Done!")
