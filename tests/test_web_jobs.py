"""Long work: it runs by itself, shows how far it is, is cancelled, and is found again."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from listening.errors import ConfigError
from listening.web import jobs as module
from listening.web.jobs import KEPT, KIND, Again, Job, Jobs, State, _encoded
from listening.web.people import Person, Role
from tests.web_support import client, filled

ANN = Person("Ann", Role.ANALYST)
SOON = 20  # seconds, at most


@pytest.fixture
def app(tmp_path):
    return filled(tmp_path / "store.sqlite")


@pytest.fixture
def jobs(app):
    found = Jobs(app)
    yield found
    found.close()


class Held:
    """Work that goes on only when it is told to."""

    def __init__(self):
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, progress):
        self.begun.set()
        assert self.go.wait(SOON)
        progress(2)
        progress(3)
        return "/mentions?q=crew"


def over(jobs, id_):
    wait = threading.Event()
    for _ in range(SOON * 50):
        if (job := jobs.get(id_)).state.is_over:
            return job
        wait.wait(0.02)
    raise AssertionError(job)


def test_a_job_ends_with_what_it_has_done_and_where_to_look(jobs):
    work = Held()
    work.go.set()
    job = over(jobs, jobs.start("score", "Score all", ANN, work, total=5))
    assert (job.state, job.done, job.total, job.by) == (State.DONE, 5, 5, "Ann")
    assert job.result == "/mentions?q=crew"
    assert job.begun <= job.ended


def test_a_path_off_this_site_is_no_result(jobs):
    job = over(jobs, jobs.start("score", "Score", ANN, lambda _: "//evil.example/"))
    assert job.result == "/"


def test_a_second_job_of_a_kind_waits_and_one_of_another_kind_does_not(jobs):
    first, second, other = Held(), Held(), Held()
    jobs.start("score", "first", ANN, first)
    waiting = jobs.start("score", "second", ANN, second)
    assert first.begun.wait(SOON)
    jobs.start("export", "other", ANN, other)
    assert other.begun.wait(SOON)
    assert jobs.get(waiting).state is State.WAITING
    for work in (first, second, other):
        work.go.set()
    assert over(jobs, waiting).state is State.DONE


def test_a_job_is_cancelled_at_its_next_sign_of_progress(jobs):
    work = Held()
    running = jobs.start("score", "running", ANN, work)
    waiting = jobs.start("score", "waiting", ANN, Held())
    assert work.begun.wait(SOON)
    assert jobs.cancel(waiting).state is State.CANCELLED
    jobs.cancel(running)
    work.go.set()
    job = over(jobs, running)
    assert (job.state, job.done, job.result) == (State.CANCELLED, 0, None)
    assert jobs.cancel(running) == job


def test_what_went_wrong_is_said_with_its_next_step(jobs, caplog):
    def refused(_):
        raise ConfigError("there is no folder x; create it")

    def broken(_):
        raise KeyError("surprise")

    assert over(jobs, jobs.start("a", "a", ANN, refused)).error == "there is no folder x; create it"
    assert "surprise" in over(jobs, jobs.start("b", "b", ANN, broken)).error
    assert "surprise" in caplog.text


def test_progress_is_kept_so_that_another_server_shows_it(app, jobs, monkeypatch):
    monkeypatch.setattr(module, "TICK", 0.05)
    held, moved = Held(), threading.Event()

    def work(progress):
        progress(7)
        moved.set()
        return held(progress)

    id_ = jobs.start("score", "Score", ANN, work)
    other = Jobs(app)
    assert moved.wait(SOON)
    while other.get(id_).done != 7:
        threading.Event().wait(0.02)
    assert other.get(id_).state is State.RUNNING
    with pytest.raises(ConfigError, match="another server"):
        other.cancel(id_)
    held.go.set()
    over(jobs, id_)
    assert other.get(id_) == jobs.get(id_)


def test_a_job_whose_server_ended_is_found_as_interrupted(app, jobs):
    held = Held()
    id_ = jobs.start("score", "Score", ANN, held)
    assert held.begun.wait(SOON)
    jobs.close()
    assert Jobs(app).get(id_).state is State.INTERRUPTED
    held.go.set()


def test_the_end_of_a_server_interrupts_its_jobs(app):
    held = Held()
    with client(app) as inside:
        id_ = inside.app.inner.state.jobs.start("score", "Score", ANN, held)
        assert held.begun.wait(SOON)
    assert Jobs(app).get(id_).state is State.INTERRUPTED
    held.go.set()


def test_a_job_of_a_server_that_was_killed_is_found_as_interrupted(app):
    kept(app, "killed", timedelta(minutes=1), state=State.RUNNING)
    kept(app, "alive", timedelta(seconds=1), state=State.RUNNING)
    found = Jobs(app)
    assert found.get("killed").state is State.INTERRUPTED
    assert found.get("alive").state is State.RUNNING


def test_old_jobs_are_forgotten(app, jobs):
    for number in range(KEPT + 3):
        kept(app, f"old{number}", timedelta(days=1 + number), state=State.DONE)
    id_ = jobs.start("score", "Score", ANN, lambda _: "/")
    over(jobs, id_)
    found = [job.id for job in jobs.all()]
    assert found[0] == id_
    assert len(found) == KEPT + 1
    assert f"old{KEPT}" not in found


def kept(app, id_, ago, **more):
    then = datetime.now(UTC) - ago
    values = {"kind": "score", "title": f"Job {id_}", "by": "Ann", "asked": then, "heard": then}
    app.store.save_note(KIND, id_, _encoded(Job(id=id_, **values | more)), revision=0)


def test_the_page_of_a_job_follows_it_with_and_without_a_script(app):
    kept(app, "one", timedelta(0), state=State.RUNNING, total=9, done=4)
    html = client(app).get("/jobs/one").text
    assert 'data-job="/api/jobs/one"' in html
    assert 'http-equiv="refresh"' in html
    assert '<progress max="9" value="4">' in html


def test_the_page_of_an_interrupted_job_offers_to_run_it_again(app):
    again = Again("/sources/rescore", {"q": '"<b>'})
    kept(app, "one", timedelta(hours=1), state=State.RUNNING, again=again)
    html = client(app).get("/jobs/one").text
    assert 'action="/sources/rescore"' in html
    assert 'name="q" value="&#34;&lt;b&gt;"' in html
    assert "http-equiv" not in html


def test_jobs_are_listed_and_cancelled_by_form_and_call(app):
    inside = client(app)
    site = inside.app.inner
    work = Held()
    id_ = site.state.jobs.start("score", "Score <b>", ANN, work)
    assert "Score &lt;b&gt;" in inside.get("/jobs").text
    assert inside.get("/api/jobs").json()["jobs"][0]["id"] == id_
    answer = inside.post(f"/jobs/{id_}/cancel")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/jobs/{id_}")
    work.go.set()
    assert over(site.state.jobs, id_).state is State.CANCELLED
    assert inside.post(f"/api/jobs/{id_}/cancel").json()["state"] == "cancelled"
    assert inside.get("/api/jobs/none").status_code == 400
