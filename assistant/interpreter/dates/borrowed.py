"""Words of the calendar in other languages, as people leave one of them in an English sentence ("12 Okt", "8 Uhr").

Only what is no English word, and no common name. The order of words stays that of English.
"""

from __future__ import annotations

_MONTHS = {
    "january": "januar januari enero gennaio janvier tammi tammikuu",
    "february": "februar februari febrero febbraio février fevrier helmi helmikuu",
    "march": "märz maerz maart marzo maalis maaliskuu",
    "april": "abril aprile avril huhti huhtikuu",
    "may": "mayo maggio toukokuu touko",
    "june": "juni junio giugno juin kesäkuu kesä",
    "july": "juli julio luglio juillet heinäkuu heinä",
    "august": "augustus augusti agosto août aout elokuu",
    "september": "septiembre settembre septembre syyskuu syys setembro",
    "october": "oktober okt octubre ottobre octobre lokakuu loka outubro",
    "november": "noviembre novembre marraskuu marras novembro",
    "december": "dezember dez diciembre dicembre décembre decembre joulukuu joulu dezembro",
}
_WEEKDAYS = {
    "monday": "montag lunes lundi maandag måndag maanantai",
    "tuesday": "dienstag martes mardi dinsdag tisdag tiistai",
    "wednesday": "mittwoch miércoles miercoles mercredi woensdag onsdag keskiviikko",
    "thursday": "donnerstag jueves jeudi donderdag torsdag torstai",
    "friday": "freitag viernes vendredi vrijdag fredag perjantai",
    "saturday": "samstag sonnabend sábado sabado samedi zaterdag lördag lauantai",
    "sunday": "sonntag domingo dimanche zondag söndag sunnuntai",
}
_OTHERS = {
    "today": "heute hoy aujourd'hui vandaag idag", "tomorrow": "mañana demain", "yesterday": "gestern ayer gisteren",
    "overmorrow": "übermorgen", "now": "jetzt", "noon": "mittags mittag midi", "midnight": "mitternacht",
    "morning": "morgens vormittags vormittag", "afternoon": "nachmittags nachmittag", "evening": "abends abend",
    "night": "nachts nacht", "hour": "stunde heure hora", "hours": "stunden heures horas", "minutes": "minuten",
    "seconds": "sekunden", "day": "tag", "days": "tage tagen dagen", "week": "woche", "weeks": "wochen weken semanas",
    "month": "monat", "months": "monate monaten", "year": "jahr", "years": "jahre jahren", "around": "gegen",
    "o'clock": "uhr",
}  # fmt: skip

WORDS = {
    word: meant
    for table in (_MONTHS, _WEEKDAYS, _OTHERS)
    for meant, several in table.items()
    for word in several.split()
}
