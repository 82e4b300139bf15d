"""X's API v2 through tweepy, its requests sent by ``http``: one set of limits, no logged token."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from listening.errors import ConfigError, ListeningError

if TYPE_CHECKING:
    import httpx

    from listening.http import Http

WHERE = "copy the app's Bearer Token from https://console.x.com (Apps, Keys and tokens)"

Answer = dict[str, Any]


def client(token: str, http: Http) -> Any:  # noqa: ANN401 - tweepy has no types
    """Give a ``tweepy.Client`` whose methods return X's JSON as it is."""
    import httpx  # noqa: PLC0415 - heavy
    import tweepy  # type: ignore[import-untyped]  # noqa: PLC0415 - no stubs; loads only when used

    from listening.http import read_json  # noqa: PLC0415 - brings httpx

    class Client(tweepy.Client):  # type: ignore[misc]  # likewise
        def request(self, _method: str, route: str, params: Answer, **_: object) -> httpx.Response:
            answer = http.get(
                f"https://api.x.com{route}",
                params=params,
                headers={"Authorization": f"Bearer {token}"},
                explain=_explain,
            )
            return httpx.Response(answer.status_code, json=read_json(answer))

    return Client(token, return_type=dict)


def said(answer: object) -> str:
    """Give X's own words of an error, shortened."""
    if not isinstance(answer, dict):
        return "nothing"
    errors = [e for e in answer.get("errors") or () if isinstance(e, dict)]
    words = [str(e.get("message") or e.get("detail") or "") for e in errors]
    return ("; ".join(filter(None, [*words, str(answer.get("detail") or "")])) or "no reason")[:300]


def _explain(response: httpx.Response) -> ListeningError | None:
    try:
        answer = json.loads(response.content)
    except (ValueError, RecursionError):
        answer = None
    words = said(answer)
    if "usage-capped" in response.text:
        return ConfigError(
            "x: the account's monthly cap on X's side is reached; raise it or buy credits at "
            f"https://console.x.com, or wait for the next billing month. X says: {words}"
        )
    advice = {
        400: "X does not accept the query or its time range",
        401: f"X does not know the bearer_token; {WHERE}",
        402: "the account has no credits left; buy some at https://console.x.com",
        403: "the app's access does not include search (X's error 453); put it in a project with "
        "pay-per-use or a paid plan at https://console.x.com",
    }.get(response.status_code)
    return ConfigError(f"x: {advice}. X says: {words}") if advice else None
