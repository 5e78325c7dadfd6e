"""What goes wrong with a model endpoint, in the loop's four words. No text of the endpoint's own goes into an error:
a body may quote the key or the prompt."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

import openai

from assistant.providers.base import ProviderError, ProviderFault
from core import clock

# Codes and types of error objects that compatible endpoints are known to send. Only these words may stand in a message.
_KNOWN: Mapping[str, ProviderFault] = {
    "insufficient_quota": ProviderFault.REFUSED,
    "billing_hard_limit_reached": ProviderFault.REFUSED,
    "billing_not_active": ProviderFault.REFUSED,
    "invalid_api_key": ProviderFault.REFUSED,
    "authentication_error": ProviderFault.REFUSED,
    "permission_error": ProviderFault.REFUSED,
    "model_not_found": ProviderFault.REFUSED,
    "not_found_error": ProviderFault.REFUSED,
    "context_length_exceeded": ProviderFault.REFUSED,
    "content_policy_violation": ProviderFault.REFUSED,
    "content_filter": ProviderFault.REFUSED,
    "unsupported_parameter": ProviderFault.REFUSED,
    "unsupported_value": ProviderFault.REFUSED,
    "invalid_request_error": ProviderFault.REFUSED,
    "rate_limit_exceeded": ProviderFault.RATE_LIMITED,
    "rate_limit_error": ProviderFault.RATE_LIMITED,
    "too_many_requests": ProviderFault.RATE_LIMITED,
    "timeout": ProviderFault.TIMEOUT,
    "request_timeout": ProviderFault.TIMEOUT,
    "server_error": ProviderFault.UNAVAILABLE,
    "internal_server_error": ProviderFault.UNAVAILABLE,
    "api_error": ProviderFault.UNAVAILABLE,
    "overloaded_error": ProviderFault.UNAVAILABLE,
    "service_unavailable": ProviderFault.UNAVAILABLE,
}
_NO_QUOTA = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})


def unavailable(what: str) -> ProviderError:
    """UNAVAILABLE: "The model endpoint <what>."."""
    return ProviderError(ProviderFault.UNAVAILABLE, f"The model endpoint {what}.")


def timed_out(what: str, seconds: float) -> ProviderError:
    """TIMEOUT: `what` did not come within `seconds`."""
    return ProviderError(ProviderFault.TIMEOUT, f"The model endpoint sent no {what} within {seconds:g} s.")


def from_sdk(error: openai.OpenAIError) -> ProviderError:
    """The fault behind an exception of the SDK's. Raise it outside the `except`: chained, the original would be logged
    with the endpoint's text in it."""
    if isinstance(error, openai.APIStatusError):
        return _from_status(error)
    if isinstance(error, openai.APITimeoutError) and _has_timed_out(error):
        return ProviderError(ProviderFault.TIMEOUT, "The model endpoint did not answer in time.")
    return unavailable("could not be reached")


def from_error_object(value: object) -> ProviderError:
    """The fault that an `error` object inside an answer names by its code or type; UNAVAILABLE when it names none."""
    fields = value if isinstance(value, dict) else {}
    for word in (fields.get("code"), fields.get("type")):
        if isinstance(word, int | str) and str(word).isdecimal() and 400 <= int(str(word)[:4]) <= 599:
            return ProviderError(_fault_of_status(int(word)), f"The model endpoint sent an error ({int(word)}).")
        if isinstance(word, str) and word in _KNOWN:
            return ProviderError(_KNOWN[word], f"The model endpoint sent an error ({word}).")
    return unavailable("sent an error")


def _has_timed_out(error: BaseException | None) -> bool:
    """The SDK's transport calls every lost connection a timeout. A true one has a TimeoutError beneath."""
    while error is not None and not isinstance(error, TimeoutError):
        error = error.__cause__
    return error is not None


def _from_status(error: openai.APIStatusError) -> ProviderError:
    fault = _fault_of_status(error.status_code)
    words = [word for word in (error.code, error.type) if isinstance(word, str) and word in _KNOWN]
    if error.status_code == 429 and _NO_QUOTA.intersection(words):
        fault = ProviderFault.REFUSED  # the account is empty: waiting doesn't fill it
    named = f" ({words[0]})" if words else ""
    message = f"The model endpoint answered {error.status_code}{named}."
    return ProviderError(fault, message, retry_after=retry_after(error.response.headers))


def _fault_of_status(status: int) -> ProviderFault:
    if status == 429:
        return ProviderFault.RATE_LIMITED
    if status == 408:
        return ProviderFault.TIMEOUT
    if status >= 500 or status in (409, 425):  # conflict and too early: passing states, by RFC 9110 and RFC 8470
        return ProviderFault.UNAVAILABLE
    return ProviderFault.REFUSED


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from `retry-after-ms` or `Retry-After` (RFC 9110, section 10.2.3: seconds or a date); None when
    absent or unreadable, 0 when already past. `headers` must look names up in any case."""
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / scale
        except ValueError:
            continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    try:
        when = parsedate_to_datetime(headers.get("retry-after", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)  # "-0000": a date in UTC that says nothing of its zone
    return max(0.0, (when - clock.now()).total_seconds())
