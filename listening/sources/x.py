"""Mentions from X by its recent search (API v2), within a budget that is never overspent.

X lists posts newest first, at most 100 a page and 7 days back, and bills every post it returns.
So the cursor holds, beside the newest post that is done with, how far down the present walk has
come: after a crash the walk goes on where it was, re-reading a page at most.
https://docs.x.com/x-api/posts/search/introduction
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from html import unescape
from typing import TYPE_CHECKING, Any, ClassVar

from listening.errors import ConfigError, InvalidItem, TransientError
from listening.records import Checked, Item, Kind, Page, Rejected, Window
from listening.sources import local
from listening.sources.x_api import WHERE, Answer, client, said
from listening.sources.x_query import Compiled, compile_query
from listening.tree import And, Field, Not, Or, leaves

if TYPE_CHECKING:
    from listening.http import Http

_PAGE, _SMALLEST_PAGE = 100, 10
_REACH = timedelta(days=7, minutes=-1)  # X refuses what is older
_IDLE_PAGES = 10
_FIELDS = (
    "id,text,note_tweet,created_at,lang,author_id,public_metrics,referenced_tweets,"
    "edit_history_tweet_ids"
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Walk:
    """A way down from post ``newest`` that has come to ``until``; 0 is not begun."""

    newest: int = 0
    until: int = 0


@dataclass(frozen=True)
class _State:
    """All posts up to ``since_id`` are done with; ``spent`` posts were read in ``month``.

    Of these ``swept`` were read only to see whether they are still there.
    """

    since_id: int = 0
    walk: _Walk | None = None
    month: str = ""
    spent: int = 0
    swept: int = 0


Steps = Generator[Page, None, _State]


@dataclass(frozen=True, kw_only=True)
class X:
    """``query`` is ours (see ``listening.query``); what X cannot do of it is done after fetching.

    ``monthly_budget``: at most so many posts are read in a UTC month; X bills each, about
    0.005 USD (2026), and with ``usernames`` each author too. ``sweep_budget``: at most so many of
    these are read again to see whether they are still there; None is half. ``languages`` are BCP
    47 codes; X then returns only posts it takes to be in them. ``reposts`` includes plain reposts.
    """

    name: ClassVar[str] = "x"
    asked_together: ClassVar[int] = 100

    query: str
    bearer_token: str = field(repr=False)
    monthly_budget: int = 1_000
    sweep_budget: int | None = None
    languages: tuple[str, ...] = ()
    reposts: bool = False
    usernames: bool = True

    def __post_init__(self) -> None:
        if not self.bearer_token.strip():
            raise ConfigError(f"x: bearer_token is empty; {WHERE}")
        if self.monthly_budget < _SMALLEST_PAGE:
            raise ConfigError(
                f"x: monthly_budget = {self.monthly_budget} is too small: X returns at least "
                f"{_SMALLEST_PAGE} posts at a time"
            )
        unknown = {"url"} if self.usernames else {"url", "author"}
        for leaf in leaves(self.compiled.rest) if self.compiled.rest else ():
            if isinstance(leaf, Field) and leaf.name in unknown:
                reasons = "; ".join(self.compiled.local)
                raise ConfigError(
                    f"x: query has {leaf.name}: within a part that X cannot run, and only X could "
                    f"tell: join it to that part by AND, outside its parentheses. {reasons}"
                )

    @cached_property
    def compiled(self) -> Compiled:
        """What X is asked, and in words what it is not."""
        parts = [local.read(self.query, "x")]
        if self.languages:
            parts.append(Or(tuple(Field("lang", code) for code in self.languages)))
        if not self.reposts:
            parts.append(Not(Field("is", "retweet")))
        return compile_query(And(tuple(parts)))

    @cached_property
    def _keeps(self) -> Callable[[Item], bool]:
        # What X has checked is not checked again: X also looks where the text does not show.
        rest = self.compiled.rest
        return local.keeps(rest, self.languages) if rest else lambda _: True

    @staticmethod
    def spent(cursor: str | None, now: datetime) -> int:
        """How many posts were read in the month of ``now``, for which no secret is needed."""
        return _this_month(_read_cursor(cursor), now).spent

    def fetch(self, cursor: str | None, *, http: Http, window: Window) -> Iterator[Page]:
        """Yield pages newest first; a walk that was cut short is finished before a new one.

        With a window, that period is read again, and the cursor moves in nothing but its count.
        Raises TransientError with ``retry_after`` when the month's budget is spent or X's rate
        limit is used up for longer than ``http`` waits, ConfigError when X refuses.
        """
        state, now = _read_cursor(cursor), http.now()
        if window != Window():
            yield from self._walk(state, _Walk(), _period(window, now), http, moves=False)
            return
        if state.walk and not _forgotten(state.walk, now):
            rest = {**_since(state, now), "until_id": state.walk.until}
            state = yield from self._walk(state, state.walk, rest, http)
        elif state.walk:
            state = _moved(state, state.walk, more=False)
        yield from self._walk(state, _Walk(), _since(state, now), http)

    def withdrawn(self, native_ids: Sequence[str], cursor: str | None, *, http: Http) -> Checked:
        """Ask X for at most 100 posts: gone are those that it says it cannot find or show.

        That is deleted ones, and those of authors who are suspended or now protected. A post that
        X says nothing about counts as there. Raises as ``fetch`` does; X bills each post found.
        https://docs.x.com/x-api/posts/get-posts-by-ids
        """
        state = _this_month(_read_cursor(cursor), http.now())
        most = self.monthly_budget // 2 if self.sweep_budget is None else self.sweep_budget
        left = min(most - state.swept, self.monthly_budget - state.spent)
        ids = [each for each in dict.fromkeys(native_ids) if re.fullmatch("[0-9]{1,19}", each)]
        if not ids:
            return Checked(0, (), cursor)
        if left <= 0:
            what = f"{state.swept} of {most} posts are read again, and {state.spent} in all of"
            option = "sweep_budget" if state.swept >= most else "monthly_budget"
            raise _spent(f"{what} this month's {self.monthly_budget}", option, http.now())
        here, gone = _looked_up(client(self.bearer_token, http).get_tweets(ids[:left]))
        state = replace(state, spent=state.spent + len(here), swept=state.swept + len(here))
        withdrawn = tuple(each for each in ids[:left] if each in gone)
        return Checked(len(ids[:left]), withdrawn, json.dumps(asdict(state)))

    def _walk(
        self, state: _State, walk: _Walk, bounds: Answer, http: Http, *, moves: bool = True
    ) -> Steps:
        search, token, idle = client(self.bearer_token, http).search_recent_tweets, None, 0
        while True:
            state = _this_month(state, http.now())
            answer = _page(search(**bounds, **self._ask(state, http.now()), next_token=token))
            ids, items, rejected = self._read(answer)
            if walk.until and max(ids, default=0) >= walk.until:
                raise TransientError("x: X sent a page again that it had sent before; try later")
            walk = _Walk(max(walk.newest, *ids, 0), min(ids, default=walk.until))
            last, token = token, answer["meta"].get("next_token")
            state = replace(state, spent=state.spent + len(answer.get("data") or ()))
            if moves:
                state = _moved(state, walk, more=bool(token))
            yield Page(items=items, rejected=rejected, cursor=json.dumps(asdict(state)))
            if not token:
                return state
            idle = 0 if ids else idle + 1
            if token == last or idle == _IDLE_PAGES:
                raise TransientError("x: X keeps pointing to a next page that brings nothing new")

    def _ask(self, state: _State, now: datetime) -> Answer:
        left = self.monthly_budget - state.spent
        if left < _SMALLEST_PAGE:
            raise _spent(
                f"{state.spent} of this month's {self.monthly_budget} posts are read, and X sends "
                f"no fewer than {_SMALLEST_PAGE}",
                "monthly_budget",
                now,
            )
        return {
            "query": self.compiled.text,
            "max_results": min(_PAGE, left),
            "tweet_fields": _FIELDS,
            "expansions": "author_id" if self.usernames else None,
            "user_fields": "username" if self.usernames else None,
        }

    def _read(self, answer: Answer) -> tuple[list[int], tuple[Item, ...], tuple[Rejected, ...]]:
        """Make items of an answer; post ids come apart, for a post that makes no item has one."""
        users = answer.get("includes", {}).get("users", ())
        names = {user.get("id"): user.get("username") for user in users}
        ids, items, rejected = [], [], []
        for post in answer.get("data") or ():
            try:
                ids.append(_id(post))
                items.append(_item(post, names))
            except InvalidItem as error:
                rejected.append(
                    Rejected(
                        stream=self.name,
                        origin=_URL,
                        reason=error.reason,
                        raw=json.dumps(post, ensure_ascii=False),
                        column=error.column,
                    )
                )
        return ids, tuple(filter(self._keeps, items)), tuple(rejected)


# --- Where to read: the bounds of a walk -----------------------------------------------------


def _period(window: Window, now: datetime) -> Answer:
    """Give X's times; without an end, or with one just gone, X leaves out the last 30 seconds."""
    reach = now - _REACH
    if window.until and window.until <= reach:
        raise ConfigError(
            f"x: the time asked for ends at {window.until.isoformat()}, but X's recent search goes "
            "back 7 days only; older posts need X's full archive, which is not supported"
        )
    if window.since and window.since < reach:
        _log.warning("x: X goes back 7 days only; posts before %s are not read", reach.isoformat())
    since = window.since if window.since and window.since > reach else None
    until = window.until if window.until and window.until < now - timedelta(minutes=1) else None
    return {"start_time": since, "end_time": until}


def _since(state: _State, now: datetime) -> Answer:
    if _time(state.since_id) > now - _REACH:
        return {"since_id": state.since_id}
    if state.since_id:
        _log.warning("x: the last run is over 7 days ago; X no longer has all posts since then")
    return {}


def _forgotten(walk: _Walk, now: datetime) -> bool:
    gone = _time(walk.until) <= now - _REACH
    if gone:
        _log.warning("x: a walk cut short over 7 days ago is given up; X no longer has its rest")
    return gone


def _spent(what: str, option: str, now: datetime) -> TransientError:
    month = (now.replace(day=1) + timedelta(days=32)).replace(day=1)
    resumes = month.replace(hour=0, minute=0, second=0, microsecond=0)
    return TransientError(
        f"x: {what}; reading goes on at {resumes:%Y-%m-%d} 00:00 UTC, or raise {option}",
        retry_after=(resumes - now).total_seconds(),
    )


def _this_month(state: _State, now: datetime) -> _State:
    month = f"{now:%Y-%m}"
    return state if state.month == month else replace(state, month=month, spent=0, swept=0)


def _moved(state: _State, walk: _Walk, *, more: bool) -> _State:
    if more:
        return replace(state, walk=walk)
    return replace(state, since_id=max(state.since_id, walk.newest), walk=None)


def _read_cursor(cursor: str | None) -> _State:
    try:
        saved = _State(**json.loads(cursor or "{}"))
        return replace(saved, walk=_Walk(**saved.walk)) if saved.walk else saved  # type: ignore[arg-type]  # a dict yet
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"x: the saved cursor {cursor!r} is not one of this source; reset it"
        ) from error


# --- X's posts and answers -------------------------------------------------------------------

_URL = "https://api.x.com/2/tweets/search/recent"
_EPOCH_MS = 1_288_834_974_657  # ids count milliseconds from here, above 22 other bits


def _time(post_id: int) -> datetime:
    return datetime.fromtimestamp(((post_id >> 22) + _EPOCH_MS) / 1000, UTC)


def _id(post: Any) -> int:  # noqa: ANN401 - JSON
    try:
        return int(post["id"])
    except (KeyError, TypeError, ValueError):
        raise InvalidItem("the post has no id", column="id") from None


def _item(post: Answer, names: dict[str, str]) -> Item:
    """Make an item. An edited post has a new id; it keeps the first one here, so it is one item."""
    text = (post.get("note_tweet") or {}).get("text") or post.get("text")
    if not text:
        raise InvalidItem("the post has no text", column="text")
    try:
        written = datetime.fromisoformat(post["created_at"])
    except (KeyError, TypeError, ValueError):
        raise InvalidItem("the post has no time", column="created_at") from None
    first = str((post.get("edit_history_tweet_ids") or [post["id"]])[0])
    edited = first != post["id"]
    return Item(
        native_id=first,
        text=unescape(text),
        created_at=_time(int(first)) if edited else written,
        updated_at=written if edited else None,
        kind=Kind.MENTION,
        language=_language(post.get("lang")),
        url=f"https://x.com/i/web/status/{post['id']}",
        author=names.get(post.get("author_id", "")) or post.get("author_id"),
        engagement=_engagement(post.get("public_metrics")),
    )


def _engagement(metrics: dict[str, int] | None) -> int | None:
    counted = ("like_count", "retweet_count", "reply_count", "quote_count")
    return sum(metrics.get(name) or 0 for name in counted) if metrics else None


def _language(code: str | None) -> str | None:
    """Give None for the codes that name no language: und, zxx, art, and qam to qst of X's own."""
    if not code or code in {"und", "zxx", "art"} or code.startswith("q"):
        return None
    return {"iw": "he", "in": "id"}.get(code, code)


def _page(answer: object) -> Answer:
    """Let errors beside data pass: they are about authors that X could not show."""
    if not isinstance(answer, dict) or not isinstance(answer.get("meta"), dict):
        raise TransientError(f"x: X answered without a result: {said(answer)}")
    if errors := answer.get("errors"):
        _log.warning("x: X left out %d referenced objects: %s", len(errors), said(answer))
    return answer


_GONE = ("/resource-not-found", "/not-authorized-for-resource")


def _looked_up(answer: object) -> tuple[set[str], set[str]]:
    """The ids of the posts in an answer, and those that X says it cannot find or may not show."""
    if not isinstance(answer, dict) or not (answer.get("data") or answer.get("errors")):
        raise TransientError(f"x: X answered without a result: {said(answer)}")
    here = {str(post.get("id")) for post in answer.get("data") or ()}
    named = {
        str(error.get("resource_id") or error.get("value"))
        for error in answer.get("errors") or ()
        if str(error.get("type")).endswith(_GONE)
    }
    return here, named - here
