"""How assistants say that they did something to tasks, language by language. Regular expressions on one clause.

Quoted text is “” by the time they are looked for, and case is folded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Language:
    """`done`: a whole clause that says it in a word. `claims`: what says it within a clause. `denied`: what, before or
    inside of a claim, makes it none. `denied_after`: what does so right behind it.
    """

    done: re.Pattern[str]
    claims: tuple[re.Pattern[str], ...]
    denied: re.Pattern[str]
    denied_after: re.Pattern[str]


def _language(done: str, claims: tuple[str, ...], denied: str, denied_after: str) -> Language:
    return Language(
        re.compile(done),
        tuple(re.compile(claim) for claim in claims),
        re.compile(rf"\b(?:{denied})\b"),
        re.compile(rf"\s*(?:{denied_after})\b"),
    )


_EN: Final = (
    "(?:added|created|made|deleted|removed|erased|completed|marked|checked off|ticked off|crossed off|moved|rescheduled"
    "|postponed|pushed|shifted|bumped|renamed|updated|changed|edited|modified|set|tagged|label+ed|categori[sz]ed"
    "|prioriti[sz]ed|reopened|restored|cleared|cancel+ed|scheduled|saved|noted|recorded|logged|put|undone|undid"
    "|reverted|finished|dropped|assigned|attached|adjusted)"
)
_EN_PASSIVE: Final = _EN.replace("|made|", "|").replace("|put|", "|put on|")
_EN_ADVERB: Final = r"(?:(?:just|now|also|gone ahead and|went ahead and|successfully|already|both|all|then|indeed)\s+)*"
_DE: Final = (
    "(?:hinzugefügt|angelegt|erstellt|eingetragen|gelöscht|entfernt|gestrichen|erledigt|abgehakt|abgeschlossen|markiert"
    "|verschoben|umbenannt|geändert|aktualisiert|angepasst|gesetzt|notiert|aufgenommen|ergänzt|gespeichert"
    "|wiederhergestellt|rückgängig gemacht|zugewiesen|versehen|eingeplant)"
)
_FR: Final = (
    "(?:ajouté|créé|supprimé|effacé|retiré|enlevé|déplacé|reporté|décalé|marqué|coché|terminé|renommé|modifié|changé"
    "|mis à jour|mis|noté|enregistré|étiqueté|classé|annulé|restauré|rétabli|rouvert|planifié|programmé)(?:e?s?)"
)
_ES: Final = (
    "(?:añadid|agregad|cread|eliminad|borrad|quitad|movid|aplazad|reprogramad|pospuest|marcad|completad|renombrad"
    "|cambiad|modificad|actualizad|etiquetad|anotad|guardad|restaurad|deshech|reabiert|puest|programad)[oa]s?"
)
_IT: Final = (
    "(?:aggiunt|creat|eliminat|cancellat|rimoss|tolt|spostat|rinviat|riprogrammat|segnat|contrassegnat|completat"
    "|rinominat|modificat|cambiat|aggiornat|etichettat|annotat|salvat|ripristinat|annullat|riapert|impostat|mess)[oaie]"
)
_PT: Final = (
    "(?:adicionad|criad|apagad|excluíd|eliminad|removid|movid|adiad|reagendad|marcad|concluíd|renomead|alterad|mudad"
    "|modificad|atualizad|etiquetad|anotad|guardad|salv|restaurad|desfeit|reabert|colocad)[oa]s?"
)
_NL: Final = (
    "(?:toegevoegd|aangemaakt|gemaakt|verwijderd|gewist|geschrapt|verplaatst|verzet|verschoven|uitgesteld|afgevinkt"
    "|voltooid|gemarkeerd|hernoemd|gewijzigd|veranderd|aangepast|bijgewerkt|gelabeld|genoteerd|opgeslagen|ingepland"
    "|gezet|geplaatst|hersteld|heropend|teruggedraaid|ongedaan gemaakt)"
)

LANGUAGES: Final = (
    _language(  # English
        r"(?:it's |it is |that's |that is |this is |all |and |now )*(?:done|sorted|all set|complete|completed|finished"
        r"|taken care of)(?: now| for you| as (?:asked|requested|you asked|you wished))*|consider it done"
        r"|you're (?:now )?all set",
        (
            rf"\b(?:i|we)(?:'ve|'d)?\s+(?:have\s+|had\s+)?{_EN_ADVERB}{_EN}\b",
            rf"\b(?:i|we)(?:'ve)?\s+(?:have\s+)?(?:gone|went) ahead and {_EN}\b",
            r"\b(?:i|we)(?:'ve)?\s+(?:have\s+)?(?:just\s+)?(?:taken care of|took care of|got rid of"
            r"|done (?:it|that|so)|did (?:it|that|so))\b",
            r"\bwhat i(?:'ve)?\s+(?:have\s+)?(?:just\s+)?(?:did|done|changed)\b",
            rf"^(?:successfully\s+|just\s+|also\s+|and\s+|then\s+)*"
            rf"(?!finished\b|completed\b|set (?:a|the|up)\b|put\b|made\b){_EN}"
            r"(?=\s+(?:“|the\b|your\b|it\b|them\b|that\b|to\b|as\b|for\b|from\b|on\b|a\b|an\b"
            r"|all\b|both\b|\d|new\b|successfully\b|and\b)|:|,|$)",
            rf"^(?:successfully\s+|just\s+)*(?!finished\b|completed\b|made\b){_EN}\s+.{{1,80}}?\s+"
            r"(?:to|from|off|on)\s+(?:your|the)\b",
            rf"^(?:the\s+|your\s+|new\s+)*(?:task|reminder|item|to-?do|label|due date)s?\s+(?:“”\s+)?"
            rf"(?:successfully\s+)?(?!completed|finished|made|put){_EN}\b",
            r"^task\s+(?:“”\s+)?(?:completed|finished)$",
            r"^(?:successfully\s+)?completed\s+(?:“|the\b|your\b|it\b|them\b)",
            rf"^“”(?:,?\s*(?:and\s+)?“”)*\s+(?:successfully\s+)?(?!finished|completed){_EN}"
            r"(?:\s+to\b.*|\s+from\b.*|\s+successfully)?$",
            rf"(?<!that )(?<!which )(?<!who )\b(?:has|have)\s+(?:now\s+|just\s+|all\s+|both\s+|successfully\s+)*been\s+"
            rf"(?:now\s+|successfully\s+)*{_EN_PASSIVE}\b",
            rf"(?<!that )(?<!which )\b(?:was|were)\s+(?:now\s+|just\s+|successfully\s+)*{_EN_PASSIVE}\b",
            r"(?<!that )(?<!which )\b(?:is|are)\s+(?:now\s+|successfully\s+)*(?:added|created|deleted|removed|renamed"
            r"|moved|rescheduled|marked (?:as )?\w+)\b",
            r"\b(?:is|are)\s+(?:now|successfully)\s+(?:\w+\s+)?(?:done|complete|completed|finished|gone"
            r"|due|set|scheduled|called|labelled|tagged|back|updated)\b",
            r"\b(?:is|are)\s+now\s+(?:on|off|in)\s+(?:your|the)\b|\b(?:is|are)\s+(?:on|off)\s+your\s+(?:to-?do\s+)?list\s+now\b",
        ),
        r"not|\w+n't|cannot|never|nothing|none|neither|nor|no(?!\s*[,!.])|without|unable|fail(?:ed|s|ure)?|if|unless|once"
        r"|when|whenever|whether|until|before|after|(?:would|could|should|might|may)(?=\s+have\b)|can say|undo"
        r"|yesterday|earlier|previously|last (?:time|week|month|night)|already (?=been|marked|done|completed)",
        r"nothing|none|no\b|yesterday|earlier|previously|last (?:time|week|month|night)|by you"
        r"|\w+ (?:days?|weeks?|hours?) ago",
    ),
    _language(  # German
        r"(?:ist |alles |das ist |so |und )*(?:erledigt|fertig|gemacht|geschafft)(?: für dich)?",
        (
            rf"\b(?:ich|wir)\s+hab(?:e|en)?\b.*\b{_DE}\b",
            rf"\bhab(?:e|en)?\s+(?:ich|wir)\b.*\b{_DE}\b",
            rf"\b(?:wurden?|ist|sind)\b.*\b{_DE}\b(?:\s+worden)?$(?<!erledigt)(?<!abgeschlossen)",
            rf"\bwurden?\b.*\b{_DE}\b",
            r"\b(?:ist|sind)\s+(?:jetzt|nun)\b.*\b(?:auf (?:deiner|ihrer)\b.*liste|erledigt|fällig|gelöscht|weg)\b",
            rf"^(?!erledigt|abgeschlossen){_DE}\b",
            rf"^“”(?:(?:,|\s+und)?\s*“”)*\s+(?:(?:zu|auf|von|aus|als|für)\b.*\s)?(?!erledigt|abgeschlossen){_DE}$",
        ),
        r"nicht|nichts|kein\w*|nie|niemals|wenn|falls|sobald|ob|bevor|nachdem|bereits|schon|gestern|du|sie haben"
        r"|könnte\w*|würde\w*|sollte?\w*|kann|soll|werde|wird",
        r"nicht|nichts",
    ),
    _language(  # French
        r"(?:voilà,? |et |bien )*(?:c'est )?(?:fait|terminé|noté|réglé|bon)(?: pour vous| pour toi)?",
        (
            rf"\bj'ai\s+(?:bien\s+|aussi\s+|également\s+|déjà\s+|tout\s+)*{_FR}\b",
            rf"\bnous avons\s+(?:bien\s+)?{_FR}\b",
            rf"(?<!qui )\b(?:a|ont)\s+(?:bien\s+|maintenant\s+)*été\s+(?:bien\s+)?{_FR}\b",
            rf"(?<!qui )\b(?:est|sont)\s+(?:maintenant|désormais|bien)\s+(?:{_FR}|dans|sur)\b",
            rf"^(?!terminé|noté){_FR}(?=\s*(?:“|à\b|de\b|dans\b|la\b|le\b|les\b|votre\b|ta\b|:|$))",
            rf"^“”(?:(?:,|\s+et)?\s*“”)*\s+(?!terminé){_FR}(?:\s+(?:à|de|dans)\b.*)?$",
        ),
        r"pas|rien|aucune?|jamais|ni|si|quand|lorsque|dès que|sans|avant|après|hier|tu|vous",
        r"rien|aucune?|hier",
    ),
    _language(  # Spanish
        r"(?:ya está |ya |todo |está )*(?:hecho|listo|lista|terminado)|ya está",
        (
            rf"\b(?:he|hemos)\s+(?:ya\s+)?{_ES}\b",
            r"(?<!\w)(?:añadí|agregué|creé|eliminé|borré|quité|moví|aplacé|reprogramé|pospuse|marqué|completé|renombré|cambié"
            r"|modifiqué|actualicé|etiqueté|anoté|guardé|restauré|deshice|puse)(?!\w)",
            rf"(?<!que )\bha(?:n)?\s+sido\s+{_ES}\b",
            rf"\bse\s+ha(?:n)?\s+{_ES}\b",
            rf"(?<!que )\bfue(?:ron)?\s+{_ES}\b",
            r"\b(?:está|están)\s+ahora\b|\bahora\s+(?:está|están)\b",
            rf"^(?!completad|marcad[oa]s?\s*:){_ES}(?=\s*(?:“|a\b|de\b|la\b|el\b|las\b|los\b|tu\b|como\b|:|$))",
        ),
        r"no|nada|ning[uú]n\w*|nunca|si|cuando|sin|antes|después|ayer|tú|has|podría|puedo|ya (?=fue)",
        r"nada|ayer",
    ),
    _language(  # Italian
        r"(?:ecco |ecco,? |tutto |è )*(?:fatto|completato|sistemato)",
        (
            rf"\b(?:ho|abbiamo)\s+(?:già\s+|appena\s+|anche\s+)*{_IT}\b",
            rf"(?<!che )(?<!\w)(?:è|sono)\s+stat[oaie]\s+(?:appena\s+)?{_IT}\b",
            r"(?<!\w)(?:è|sono)\s+ora\b|\bora\s+(?:è|sono)\b",
            rf"^(?!completat|segnat){_IT}(?=\s*(?:“|a\b|al\b|alla\b|dalla\b|la\b|il\b|le\b|i\b|:|$))",
        ),
        r"non|nulla|niente|nessun\w*|mai|se|quando|senza|prima|dopo|ieri|tu|hai|potrei|posso",
        r"nulla|niente|ieri",
    ),
    _language(  # Portuguese
        r"(?:já está |tudo |está )*(?:feito|pronto|concluído)",
        (
            r"(?<!\w)(?:adicionei|criei|apaguei|excluí|eliminei|removi|tirei|movi|adiei|reagendei|marquei|concluí|completei"
            r"|renomeei|alterei|mudei|modifiquei|atualizei|etiquetei|anotei|guardei|salvei|restaurei|desfiz|reabri"
            r"|coloquei)(?!\w)",
            rf"(?<!que )\b(?:foi|foram)\s+{_PT}\b",
            r"\b(?:está|estão)\s+agora\b|\bagora\s+(?:está|estão)\b",
            rf"^(?!concluíd|marcad|salv){_PT}(?=\s*(?:“|à\b|ao\b|da\b|a\b|o\b|as\b|os\b|sua\b|:|$))",
        ),
        r"não|nada|nenhum\w*|nunca|se|quando|sem|antes|depois|ontem|você|posso|poderia|já (?=foi)",
        r"nada|ontem",
    ),
    _language(  # Dutch
        r"(?:het is |dat is |alles is |is )*(?:gedaan|klaar|geregeld|gebeurd|voor elkaar)",
        (
            rf"\b(?:ik|we|wij)\s+(?:heb|hebben)\b.*\b{_NL}\b",
            rf"\b(?:heb|hebben)\s+(?:ik|we|wij)\b.*\b{_NL}\b",
            rf"(?<!die )(?<!dat )\b(?:is|zijn|werd|werden)\b.*\b(?!voltooid|afgevinkt){_NL}\b",
            r"\b(?:is|staat|staan|zijn)\s+nu\b",
            rf"^(?!voltooid|gemaakt|afgevinkt){_NL}\b",
            rf"^“”(?:(?:,|\s+en)?\s*“”)*\s+(?:(?:aan|van|naar|uit)\b.*\s)?(?!voltooid|afgevinkt){_NL}$",
        ),
        r"niet|niets|geen|nooit|als|wanneer|zodra|of|voordat|nadat|al|gisteren|je|jij|u|kan|kun|zou|zal",
        r"niets|niet",
    ),
)
