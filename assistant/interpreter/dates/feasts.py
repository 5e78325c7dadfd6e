"""Names of holidays in English and the rules of their days, as data. Apostrophes and full stops are left out."""

from __future__ import annotations

# (month, day)
FIXED = {
    "new years day, new year day, new years, new year": (1, 1),
    "new years eve, new year eve, nye, silvester, sylvester": (12, 31),
    "epiphany, three kings day, twelfth night": (1, 6),
    "orthodox christmas, orthodox christmas day": (1, 7),
    "orthodox new year": (1, 14),
    "australia day": (1, 26),
    "groundhog day, groundhogs day": (2, 2),
    "valentines day, valentine day, valentines, saint valentines day, st valentines day": (2, 14),
    "leap day": (2, 29),
    "womens day, international womens day": (3, 8),
    "pi day": (3, 14),
    "ides of march": (3, 15),
    "st patricks day, saint patricks day, st paddys day, st patrick day": (3, 17),
    "april fools day, april fools, april fool, april fool day, all fools day": (4, 1),
    "tax day": (4, 15),
    "earth day": (4, 22),
    "st georges day, saint georges day": (4, 23),
    "anzac day": (4, 25),
    "world book day": (4, 23),
    "may day, workers day, international workers day": (5, 1),
    "cinco de mayo": (5, 5),
    "ve day, victory in europe day": (5, 8),
    "juneteenth": (6, 19),
    "canada day": (7, 1),
    "independence day, 4th of july, fourth of july, july 4th": (7, 4),
    "bastille day": (7, 14),
    "assumption, assumption day, assumption of mary": (8, 15),
    "world vegan day": (11, 1),
    "halloween, hallowe en, all hallows eve": (10, 31),
    "all saints day, all hallows day": (11, 1),
    "all souls day": (11, 2),
    "guy fawkes day, guy fawkes night, guy fawkes, bonfire night": (11, 5),
    "veterans day, veteran day, armistice day, remembrance day": (11, 11),
    "martinmas, st martins day": (11, 11),
    "immaculate conception, immaculate conception day": (12, 8),
    "st nicholas day, saint nicholas day, feast of st nicholas": (12, 6),
    "christmas, christmas day": (12, 25),
    "christmas eve": (12, 24),
    "boxing day, st stephens day, saint stephens day": (12, 26),
    "kwanzaa": (12, 26),
    "human rights day": (12, 10),
    "world aids day": (12, 1),
    "world environment day": (6, 5),
    "world health day": (4, 7),
    "gandhi jayanti": (10, 2),
    "burns night, burns supper": (1, 25),
    "holocaust remembrance day": (1, 27),
    "lohri, bhogi, boghi": (1, 13),
    "makar sankranti, thai pongal, pongal, maghi": (1, 14),
    "mattu pongal": (1, 15),
    "kaanum pongal, kanum pongal": (1, 16),
    "inauguration day": (1, 20),
    "republic day": (1, 26),
    "world cancer day": (2, 4),
    "waitangi day": (2, 6),
    "lincolns birthday": (2, 12),
    "st davids day, saint davids day": (3, 1),
    "white day": (3, 14),
    "nowruz, norouz, persian new year": (3, 20),
    "world water day": (3, 22),
    "cesar chavez day": (3, 31),
    "qingming, qingming festival, tomb sweeping day": (4, 5),
    "vimy ridge day": (4, 9),
    "vaisakhi, baisakhi, mesadi": (4, 14),
    "emancipation day": (4, 16),
    "star wars day": (5, 4),
    "rabindra jayanti, rabindranath jayanti, tagore jayanti": (5, 9),
    "flag day": (6, 14),
    "all american day": (8, 10),
    "patriot day": (9, 11),
    "constitution day": (9, 17),
    "talk like a pirate day": (9, 19),
    "international day of peace, peace day": (9, 21),
    "world teachers day": (10, 5),
    "national coming out day": (10, 11),
    "all saints eve": (10, 31),
    "day of the dead, dia de los muertos": (11, 2),
    "singles day": (11, 11),
    "international mens day, mens day": (11, 19),
    "universal childrens day, childrens day": (11, 20),
    "st andrews day, saint andrews day": (11, 30),
    "st lucias day, saint lucys day": (12, 13),
    "pearl harbor day, pearl harbor remembrance day": (12, 7),
}
# (month, weekday, nth, days on)
NTH_WEEKDAY = {
    "martin luther king day, martin luther king jr day, mlk day, mlk jr day, martin luther kings day": (1, 0, 3, 0),
    "presidents day, president day, washingtons birthday, george washington day": (2, 0, 3, 0),
    "super bowl sunday, super bowl": (2, 6, 2, 0),
    "mothers day, mother day": (5, 6, 2, 0),
    "armed forces day": (5, 5, 3, 0),
    "memorial day, decoration day": (5, 0, -1, 0),
    "fathers day, father day": (6, 6, 3, 0),
    "parents day": (7, 6, 4, 0),
    "labor day, labour day": (9, 0, 1, 0),
    "grandparents day": (9, 6, 1, 7),
    "columbus day, indigenous peoples day, canadian thanksgiving": (10, 0, 2, 0),
    "bosss day, boss day": (10, 2, 3, 0),
    "daylight saving day, daylight savings day": (3, 6, 2, 0),
    "election day": (11, 0, 1, 1),
    "thanksgiving, thanksgiving day, turkey day": (11, 3, 4, 0),
    "black friday": (11, 3, 4, 1),
    "small business saturday": (11, 3, 4, 2),
    "cyber monday": (11, 3, 4, 4),
    "giving tuesday": (11, 3, 4, 5),
    "victoria day": (5, 0, -1, 0),
    "spring bank holiday": (5, 0, -1, 0),
    "early may bank holiday": (5, 0, 1, 0),
    "summer bank holiday, august bank holiday": (8, 0, -1, 0),
    "administrative professionals day, administrative professional day, secretarys day": (4, 2, -1, 0),
    "fathers day in australia": (9, 6, 1, 0),
    "family day, louis riel day, islander day": (2, 0, 3, 0),
    "patriots day": (4, 0, 3, 0),
    "arbor day": (4, 4, -1, 0),
    "friendship day": (8, 6, 1, 0),
    "civic holiday, natal day": (8, 0, 1, 0),
    "system administrator day, system administrator appreciation day, sysadmin day": (7, 4, -1, 0),
    "teacher appreciation day": (5, 1, 1, 0),
}
# days after Easter Sunday
AFTER_EASTER = {
    "easter, easter sunday, easter day": (0,),
    "easter monday": (1,),
    "holy saturday, easter saturday": (-1,),
    "good friday, great friday": (-2,),
    "maundy thursday, holy thursday": (-3,),
    "palm sunday, branch sunday": (-7,),
    "ash wednesday": (-46,),
    "shrove tuesday, mardi gras, pancake day, pancake tuesday, fat tuesday": (-47,),
    "shrove monday, rose monday": (-48,),
    "ascension, ascension day, ascension thursday, feast of ascension": (39,),
    "pentecost, whit sunday, whitsunday, white sunday, pentecost sunday": (49,),
    "whit monday, pentecost monday, monday of the holy spirit": (50,),
    "trinity sunday": (56,),
    "corpus christi, feast of corpus christi": (60,),
}
AFTER_ORTHODOX_EASTER = {
    "orthodox easter, orthodox easter sunday, pascha": (0,),
    "orthodox easter monday": (1,),
    "orthodox good friday, orthodox great friday": (-2,),
    "orthodox palm sunday": (-7,),
    "clean monday, orthodox ash monday, orthodox shrove monday, pure monday": (-48,),
    "lazarus saturday": (-8,),
    "orthodox ascension": (39,),
    "orthodox pentecost": (49,),
}
# days after 1 Tishri of the same civil year
HEBREW = {
    "rosh hashanah, rosh hashana, jewish new year, yom teruah": (0,),
    "yom kippur, day of atonement": (9,),
    "sukkot, sukkoth, feast of tabernacles, feast of booths": (14,),
    "hanukkah, chanukah, hanukah, chanukkah": (83,),
    "shemini atzeret": (21,),
    "simchat torah": (22,),
    "passover, pesach": (-163,),
    "shavuot, feast of weeks": (-113,),
    "purim": (-193,),
    "lag baomer, lag bomer": (-130,),
    "tisha bav": (-51,),
}
# Feasts of several days: whether they begin the evening before, and how long they last
LASTING = {
    "rosh hashanah": (1, 2), "sukkot": (1, 7), "hanukkah": (1, 8), "passover": (1, 8), "shavuot": (1, 2),
    "ramadan": (0, 30), "navaratri": (0, 9),
}  # fmt: skip
# (month, day) of the civil tabular Islamic calendar, which may be a day off from what is seen in the sky
ISLAMIC = {
    "islamic new year, muharram, hijri new year, al hijra": (1, 1),
    "ashura, day of ashura": (1, 10),
    "mawlid, mawlid al nabi, eid milad, mawlid an nabawi": (3, 12),
    "isra and miraj, the night journey, ascension to heaven, the prophets ascension": (7, 27),
    "ramadan, ramadhan, ramzan": (9, 1),
    "laylat al qadr, night of destiny, night of power": (9, 27),
    "eid al fitr, eid ul fitr, eid": (10, 1),
    "eid al adha, eid ul adha, bakrid, feast of sacrifice, sacrifice feast, feast of the sacrifice": (12, 10),
    "day of arafah, arafat day": (12, 9),
}
# Days from Diwali
AROUND_DIWALI = {
    "dhanteras, dhanatrayodashi": (-2,),
    "kali chaudas, naraka chaturdashi, choti diwali": (-1,),
    "govardhan puja, annakut, vikram samvat new year, gujarati new year": (1,),
    "bhai dooj, bhaiya dooj, bhau beej, bhai tika": (2,),
    "chhath, chhath puja": (6,),
}
# (sign that the sun enters, day of the moon, hour of the day, days on): the Indian lunar calendar
INDIAN = {
    "vasant panchami, basant panchami, saraswati jayanti, saraswati puja": (10, 5, 6, 0),
    "guru ravidass jayanti, guru ravidas jayanti": (10, 15, 6, 0),
    "maha shivaratri, mahashivaratri, shivaratri, shivratri, maha shivratri": (10, 29, 24, 0),
    "holika dahan, kamudu pyre": (11, 15, 19, 0),
    "hola mohalla, hola": (11, 15, 19, 1),
    "ugadi, yugadi, gudi padwa, telugu new year, chaitra sukhladi, chaitra shukladi": (0, 1, 6, 0),
    "rama navami, ram navami": (0, 9, 12, 0),
    "mahavir jayanti, mahaveer jayanti, mahavir janma kalyanak": (0, 13, 6, 0),
    "hanuman jayanti": (0, 15, 6, 0),
    "akshaya tritiya": (1, 3, 10, 0),
    "buddha purnima, buddha jayanti, buddha day, buddhas birthday, vesak, vesak day, vaisakha": (1, 15, 18, 0),
    "ratha yatra, rath yatra": (3, 2, 6, 0),
    "guru purnima": (3, 15, 6, 0),
    "raksha bandhan, rakhi": (4, 15, 6, 0),
    "janmashtami, krishna janmashtami, gokulashtami": (4, 23, 24, 0),
    "ganesh chaturthi, vinayaka chaturthi": (5, 4, 12, 0),
    "navaratri, navratri, sharad navratri": (6, 1, 6, 0),
    "maha saptami": (6, 7, 6, 0),
    "maha ashtami, durga ashtami": (6, 8, 6, 0),
    "maha navami": (6, 9, 6, 0),
    "dussehra, dasara, vijayadashami, vijaya dashami": (6, 10, 14, 0),
    "valmiki jayanti, maharishi valmiki jayanti, pargat diwas, sharad purnima": (6, 15, 6, 0),
    "karva chauth": (6, 19, 20, 0),
    "diwali, deepavali, lakshmi puja, festival of lights": (6, 30, 18, 0),
    "guru nanak jayanti, guru nanak gurpurab, guru nanaks birthday": (7, 15, 6, 0),
    "guru gobind singh jayanti, guru gobind singhs birthday": (9, 7, 6, 0),
}
# (month, day) of the Chinese calendar
CHINESE = {
    "lantern festival": (1, 15),
    "dragon boat festival, duanwu festival": (5, 5),
    "qixi festival, double seventh festival": (7, 7),
    "ghost festival, hungry ghost festival": (7, 15),
    "mid autumn festival, moon festival, mooncake festival": (8, 15),
    "double ninth festival, chongyang festival": (9, 9),
}
# The first year of the table, then month * 100 + day of each year; other years are computed
LUNAR = {
    "chinese new year, chinese new years day, lunar new year, lunar new years day, spring festival": (
        2005, 209, 129, 218, 207, 126, 214, 203, 123, 210, 131, 219, 208, 128, 216, 205, 125, 212, 201, 122, 210, 129,
        217, 206, 126, 213, 203, 123, 211, 131, 219, 208, 128, 215, 204, 124, 212,
    ),
    "holi, dhulandi, phagwah": (
        2010, 301, 320, 308, 327, 317, 306, 324, 313, 302, 321, 310, 329, 318, 308, 325, 314, 304, 322,
    ),
}  # fmt: skip

# (month, day), the day before where that is a Sunday
NOT_SUNDAY = {"koningsdag, kings day": (4, 27)}
LAST_FRIDAY = {"jamat ul vida, jumu atul wida, jumuatul wida, jamaat ul vida": ()}
PARSI = {"parsi new year, jamshedi navroz, parsi navroz": ()}

# The kind of rule and the rule of each name
HOLIDAYS: dict[str, tuple[str, tuple[int, ...]]] = {
    name: (kind, rule)
    for kind, table in (
        ("fixed", FIXED), ("nth", NTH_WEEKDAY), ("easter", AFTER_EASTER), ("orthodox", AFTER_ORTHODOX_EASTER),
        ("hebrew", HEBREW), ("islamic", ISLAMIC), ("known", LUNAR), ("indian", INDIAN), ("chinese", CHINESE),
        ("diwali", AROUND_DIWALI), ("not sunday", NOT_SUNDAY), ("ramadan friday", LAST_FRIDAY), ("parsi", PARSI),
    )
    for names, rule in table.items()
    for name in names.split(", ")
}  # fmt: skip
# The length of a feast under each of its names
LENGTHS = {
    name: LASTING[first]
    for table in (HEBREW, ISLAMIC, INDIAN)
    for names in table
    for first in (names.split(", ")[0],)
    if first in LASTING
    for name in names.split(", ")
}
NAME_WORDS = frozenset(word for name in HOLIDAYS for word in name.split())
FIRST_WORDS = frozenset(name.split()[0] for name in HOLIDAYS)
