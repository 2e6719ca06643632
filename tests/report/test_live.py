"""The server of the live page: its answers, who may ask, and changes and faults of the store."""

import hashlib
import html
import http.client
import json
import threading
from contextlib import contextmanager

import pytest
from made_up import keep, made_up

from layerwise.errors import UserError
from layerwise.report import LiveServer, Source
from layerwise.studies import Store, StoreError, StudyError, StudyResult


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "study.sqlite") as store:
        keep(made_up(("linear", "cubic")), store)
        yield store


@contextmanager
def serving(store, **options):
    source = Source(store.path)
    with LiveServer(source, port=0, **options) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
    source.close()


def get(server, path, **headers):
    connection = http.client.HTTPConnection(*server.server_address, timeout=180)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), dict(answer.getheaders())
    finally:
        connection.close()


def test_page_and_data(store):
    # catches: data that differ from the page's, a page that is cached or may talk to others
    with serving(store) as server:
        assert server.url == f"http://127.0.0.1:{server.server_address[1]}/"
        status, page, headers = get(server, "/")
        assert (status, headers["Content-Type"], headers["Cache-Control"]) == (
            200,
            "text/html; charset=utf-8",
            "no-store",
        )
        assert "data-live" in page
        assert "connect-src 'self'" in html.unescape(page)
        status, text, _ = get(server, "/data.json")
        data = json.loads(text)
        assert status == 200
        assert text in page
        assert get(server, f"/data.json?since={data['revision']}")[:2] == (204, "")
        assert get(server, "/data.json?since=earlier")[0] == 200
        for path in ("/etc/passwd", "/../study.sqlite", "/study.sqlite", "//x"):
            assert get(server, path)[0] == 404


def test_loopback_answers_to_loopback_only(store):
    # catches: a web page that reads the study through a domain name that resolves to this machine
    with serving(store) as server:
        for host in ("evil.example", "127.0.0.1.evil.example:80", "", "["):
            assert get(server, "/data.json", Host=host)[0] == 403
        for host in ("localhost", "127.0.0.1:1", "[::1]:80"):
            assert get(server, "/data.json", Host=host)[0] == 200


def test_a_new_trial_is_a_new_state(store):
    # catches: a state that is never updated; one computed at each request while trials need the processor
    with serving(store) as server:
        first = server.state()
        assert server.state() is first
        other = made_up(("linear",), name="other")
        keep(other, store)
        server._not_before = 0.0
        data, results = server.state()
        assert len(results) == 2
        assert data["revision"] != first[0]["revision"]
        assert data["shape"] != first[0]["shape"]
        keep(made_up(("cubic",), name="third"), store)
        assert server.state()[0] is data  # not recomputed before the trials had their share of the time
        assert server._not_before > 0


def test_it_reads_while_another_writes_and_never_writes(store):
    # catches: a reader that blocks the study, or changes the store
    with serving(store) as server:
        store._database.connection.execute("BEGIN IMMEDIATE")
        before = list(store.rows())
        assert get(server, "/data.json")[0] == 200
        store._database.connection.execute("ROLLBACK")
        assert list(store.rows()) == before


def test_an_error_of_the_store_is_an_answer(store):
    # catches: a traceback in the terminal, a connection that is closed without an answer
    with serving(store) as server:

        def gone():
            raise StoreError("the store is gone. Restore it.")

        server.source.revision = gone
        assert get(server, "/data.json")[:2] == (503, "the store is gone. Restore it.")


def test_an_address_that_is_not_available(store):
    # catches: an error number instead of advice
    with serving(store) as server:
        source = Source(store.path)
        with pytest.raises(UserError, match=r"is not available \(.*in use.*\). Choose another --port"):
            LiveServer(source, port=server.server_address[1])
        with pytest.raises(UserError, match=r"no-such-host\.invalid:0 is not available"):
            LiveServer(source, "no-such-host.invalid", 0)
        source.close()


def test_sources(store, tmp_path):
    # catches: a store created by looking for it; other studies than asked for; a closed store read
    with pytest.raises(StoreError, match=r"gone\.sqlite does not exist"):
        Source(tmp_path / "gone.sqlite")
    assert not (tmp_path / "gone.sqlite").exists()
    Store(tmp_path / "empty.sqlite").close()
    with pytest.raises(StoreError, match=r"holds no study\. Run one into it, or pass its TOML file with --study"):
        Source(tmp_path / "empty.sqlite")
    other = made_up(("linear",), name="one learner of it")
    (tmp_path / "study.toml").write_text(other.study.to_toml(), encoding="utf-8")
    source = Source(store.path, [tmp_path / "study.toml"])
    (result,) = source.read()
    assert result.study == other.study
    assert result.outcomes == {key: made_up(("linear", "cubic")).outcomes[key] for key in other.outcomes}
    (record,) = source.records()
    assert record.trials == 126
    assert record.first <= record.last
    source.close()
    with pytest.raises(StoreError, match="cannot be used"):
        source.revision()


def test_a_study_whose_learner_is_missing(store):
    # catches: one study that blocks the page of the others; a page that does not name it; a traceback
    keep(made_up(("cubic",), name="<b>lost</b>"), store)
    text = made_up(("cubic",), name="<b>lost</b>").study.to_json().replace("throwaway.Witness", "gone.Witness")
    key = hashlib.sha256(text.encode()).hexdigest()
    store._database.connection.execute("UPDATE study SET definition = ?, key = ? WHERE name LIKE '%lost%'", [text, key])
    with serving(store) as server:
        status, page, _ = get(server, "/")
        assert status == 200
        assert [result.study.name for result in server.state()[1]] == ["made up"]
        assert "&lt;b&gt;lost&lt;/b&gt;" in page.split("<main>")[0]
        assert "cannot import" in page.split("<main>")[0]
    store._database.connection.execute("DELETE FROM study WHERE name = 'made up'")
    with pytest.raises(StudyError, match=r"study\.sqlite: study \"<b>lost</b>\": .*gone"):
        Source(store.path)


def test_an_unfinished_study(tmp_path):
    # catches: a live page that cannot start before the first trial
    with Store(tmp_path / "study.sqlite") as store:
        keep(StudyResult(made_up().study, {}), store)
        with serving(store) as server:
            assert "0 of 189 trials done" in get(server, "/")[1]
