"""Where sun and moon stand, as closely as feasts need it: days of the Indian and the Chinese lunar calendar."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from math import floor, radians, sin

_JULIAN = 1721424.5  # the Julian day of ordinal 0 at 0:00 UTC
_INDIA, _CHINA = 5.5 / 24, 8 / 24
_MONTH = 29.530588853
_YEAR = 365.2422
_MOON_TERMS = (  # degrees, multiples of the elongation, the sun's and the moon's anomaly, the moon's latitude
    (6.288774, 0, 0, 1, 0), (1.274027, 2, 0, -1, 0), (0.658314, 2, 0, 0, 0), (0.213618, 0, 0, 2, 0),
    (-0.185116, 0, 1, 0, 0), (-0.114332, 0, 0, 0, 2), (0.058793, 2, 0, -2, 0), (0.057066, 2, -1, -1, 0),
    (0.053322, 2, 0, 1, 0), (0.045758, 2, -1, 0, 0), (-0.040923, 0, 1, -1, 0), (-0.034720, 1, 0, 0, 0),
    (-0.030383, 0, 1, 1, 0), (0.015327, 2, 0, 0, -2),
)  # fmt: skip


def _sun(day: float) -> float:
    """The sun's longitude in degrees, at a Julian day."""
    t = (day - 2451545) / 36525
    anomaly = radians(357.5291092 + 35999.0502909 * t)
    return 280.46646 + 36000.76983 * t + 1.914602 * sin(anomaly) + 0.019993 * sin(2 * anomaly)


def _moon(day: float) -> float:
    """The moon's longitude in degrees, at a Julian day."""
    t = (day - 2451545) / 36525
    arguments = (
        297.8501921 + 445267.1114034 * t, 357.5291092 + 35999.0502909 * t,
        134.9633964 + 477198.8675055 * t, 93.2720950 + 483202.0175233 * t,
    )  # fmt: skip
    terms = (
        size * sin(radians(sum(n * argument for n, argument in zip(counts, arguments, strict=True))))
        for size, *counts in _MOON_TERMS
    )
    return 218.3164477 + 481267.88123421 * t + sum(terms)


def _sun_at(longitude: float, year: int) -> float:
    """When in that year the sun comes to a longitude."""
    day = date(year, 3, 20).toordinal() + _JULIAN + (longitude if longitude < 285 else longitude - 360) / 360 * _YEAR
    for _ in range(4):
        day -= ((_sun(day) - longitude + 180) % 360 - 180) / 360 * _YEAR
    return day


def _moon_at(elongation: float, near: float) -> float:
    """When the moon is so far from the sun, next to a time."""
    day = near
    for _ in range(5):
        day -= ((_moon(day) - _sun(day) - elongation + 180) % 360 - 180) / 360 * _MONTH
    return day


def _new_moon_before(day: float) -> float:
    found = _moon_at(0, day - ((_moon(day) - _sun(day)) % 360) / 360 * _MONTH)
    return found if found <= day else _moon_at(0, found - _MONTH)


@lru_cache(maxsize=256)
def indian(sign: int, tithi: int, hour: int, year: int) -> date:
    """The day on which, at that hour, the moon's day is the tithi of the month in which the sun enters the sign.

    Where no day has the tithi at the hour, the one on which it ends.
    """
    ayanamsa = 23.85 + 0.01397 * (year - 2000)  # signs are those of the stars
    new_moon = _new_moon_before(_sun_at((30 * sign + ayanamsa) % 360, year))
    first = _moon_at(12 * (tithi - 1), new_moon + (tithi - 1) / 30 * _MONTH)
    last = _moon_at(12 * tithi % 360, new_moon + tithi / 30 * _MONTH)
    shift = _INDIA - hour / 24
    day = floor(first + shift - _JULIAN) + 1  # the first that comes to its hour after the tithi has begun
    if day - shift + _JULIAN >= last:
        day = floor(last + _INDIA - _JULIAN)
    return date.fromordinal(day)


@lru_cache(maxsize=256)
def chinese(month: int, day: int, year: int) -> date:
    """That day of a Chinese month: the month in whose days the sun enters its sign."""
    entry = floor(_sun_at((330 + 30 * (month - 1)) % 360, year) + _CHINA - _JULIAN)
    new_moon = _new_moon_before(entry + 1 - _CHINA + _JULIAN)  # a new moon on that very day begins the month
    return date.fromordinal(floor(new_moon + _CHINA - _JULIAN) + day - 1)
