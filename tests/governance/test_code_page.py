"""The page on which code is read: files and lines, comments beside them, outcomes; the same over the API."""

from __future__ import annotations

from typing import Any

import pytest

from governance import services
from governance.models import CodeComment, CodeOutcome
from tests.governance.test_code import COMMITS, DIFF, TREE, TWO, send

__all__ = ["send"]
pytestmark = pytest.mark.django_db
LINE = {"part": "changes", "path": "train.py", "side": "new", "line": "2"}


def page_of(client: Any, version: Any, query: str = "") -> str:
    answer = client.get(f"/versions/{version.pk}/code/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_without_code_the_page_says_how_it_comes(make_draft: Any, client_of: Any, scientist: Any, validator: Any) -> None:
    draft = make_draft()
    assert "countersign send-code digit-reader:1" in page_of(client_of(scientist), draft)
    page = page_of(client_of(validator), draft)
    assert "No code was sent" in page and "countersign send-code" not in page


def test_the_page_says_that_all_of_it_is_claimed(make_draft: Any, send: Any, client_of: Any, validator: Any) -> None:
    draft = make_draft()
    send(draft, commits=COMMITS, left_out=[{"path": "model.bin", "why": "binary"}])
    page = page_of(client_of(validator), draft)
    for words in ("as claimed", "cannot check it", "Kim Outside", "Sora Scientist", "rate = 0.01", "model.bin", "Not all of it"):
        assert words in page, words


def test_markup_in_code_is_text(make_draft: Any, send: Any, client_of: Any, validator: Any) -> None:
    draft = make_draft()
    send(draft, diff=DIFF.replace("rate = 0.01", "<script>alert(1)</script>").replace("train.py", "<b>.py"))
    page = page_of(client_of(validator), draft)
    assert "<script>alert" not in page and "<b>.py" not in page and "&lt;script&gt;alert(1)" in page


def test_a_line_is_commented_from_its_number_without_scripts(make_draft: Any, send: Any, client_of: Any, validator: Any) -> None:
    draft = make_draft()
    sent = send(draft)
    client = client_of(validator)
    assert "side=new&amp;line=2#writing" in page_of(client, draft)
    page = page_of(client, draft, f"?code={sent.pk}&part=changes&file=0&path=train.py&side=new&line=2")
    assert 'id="writing"' in page and "Comment on line 2" in page
    empty = client.post(f"/versions/{draft.pk}/code/comment/", LINE | {"code": sent.pk, "text": ""})
    assert empty.status_code == 422 and 'id="writing"' in empty.content.decode()
    done = client.post(f"/versions/{draft.pk}/code/comment/", LINE | {"code": sent.pk, "text": "Why so low?"})
    made = CodeComment.objects.get()
    assert done.status_code == 303 and done["Location"].endswith(f"&part=changes&file=0#comment-{made.pk}")
    assert "Why so low?" in page_of(client, draft)
    assert client.post(f"/code-comments/{made.pk}/resolve/").status_code == 303
    assert "Resolved by" in page_of(client, draft)


def test_a_long_diff_is_shown_file_by_file(make_draft: Any, send: Any, client_of: Any, validator: Any) -> None:
    draft = make_draft()
    body = "".join(f"+line {n}\n" for n in range(2_000))
    long = f"diff --git a/long.py b/long.py\nnew file mode 100644\n--- /dev/null\n+++ b/long.py\n@@ -0,0 +1,2000 @@\n{body}"
    send(draft, diff=DIFF + long)
    client = client_of(validator)
    page = page_of(client, draft)
    assert "rate = 0.01" in page and "line 7" not in page and "file=1#changes-1" in page
    page = page_of(client, draft, "?part=changes&file=1")
    assert "line 7<" in page and "line 1999<" not in page and "row=1500" in page
    assert "line 1999<" in page_of(client, draft, "?part=changes&file=1&row=1500")


def test_an_outcome_is_recorded_on_the_page_and_refusals_lose_nothing(
    make_review: Any, send: Any, client_of: Any, validator: Any, scientist: Any
) -> None:
    review = make_review()
    sent = send(review.version)
    url, given = (
        f"/versions/{review.version_id}/code/outcome/",
        {"code": sent.pk, "verdict": "approved", "reason": "Read it all."},
    )
    client = client_of(validator)
    half = client.post(url, given | {"url": "https://example.org/1"})
    assert half.status_code == 422 and "give all" in half.content.decode() and "Read it all." in half.content.decode()
    assert client.post(url, given | {"url": "javascript:alert(1)"}).status_code == 422
    own = client_of(scientist).post(url, given)
    assert own.status_code == 403 and "You contributed to this version" in own.content.decode()
    assert client.post(url, given).status_code == 303
    assert "Code approved" in page_of(client, review.version) and CodeOutcome.objects.count() == 1
    send(review.version, diff="")
    assert "no longer counts" in page_of(client, review.version)
    assert client.post(url, given).status_code == 409


@pytest.mark.parametrize("query", ["?code=x", "?code=01890a5d-ac96-774b-bcce-b302099a8057"])
def test_code_that_does_not_exist_is_not_found(make_draft: Any, send: Any, client_of: Any, validator: Any, query: str) -> None:
    draft = make_draft()
    send(draft)
    assert client_of(validator).get(f"/versions/{draft.pk}/code/{query}").status_code == 404


@pytest.mark.parametrize(
    "query", ["?file=x", "?part=changes&file=99", "?row=٣&file=0&part=changes", "?line=9&path=zzz", "?file=²"]
)
def test_an_odd_address_still_shows_the_page(make_draft: Any, send: Any, client_of: Any, validator: Any, query: str) -> None:
    draft = make_draft()
    send(draft)
    assert "What is reviewed" in page_of(client_of(validator), draft, query)


def test_the_page_costs_as_many_queries_for_many_comments(
    make_review: Any, send: Any, client_of: Any, validator: Any, officer: Any, django_assert_max_num_queries: Any
) -> None:
    review = make_review()
    sent = send(review.version, commits=COMMITS)
    client = client_of(validator)
    services.comment_on_code(sent, by=officer, text="0")
    page_of(client, review.version)
    from django.db import connection  # noqa: PLC0415 - only this counts
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415 - as above

    with CaptureQueriesContext(connection) as one:
        page_of(client, review.version)
    for number in range(9):
        services.comment_on_code(sent, by=officer, text=str(number))
    with CaptureQueriesContext(connection) as ten:
        page_of(client, review.version)
    assert len(ten) == len(one)


def test_the_api_says_what_to_send_takes_it_and_records_outcomes(
    make_review: Any, api_of: Any, scientist: Any, validator: Any
) -> None:
    version = make_review().version
    mine, theirs = api_of(scientist, "read", "submit"), api_of(validator, "read", "govern")
    url = f"/api/v1/versions/{version.pk}"
    asked = mine.get(f"{url}/code/").json()
    assert asked == {"wanted": {"commit": "", "patch_digest": "", "base": "", "base_version": ""}, "code": None}
    body = {"commit": TWO, "tree": TREE, "diff": DIFF, "commits": COMMITS}
    sent = mine.post(f"{url}/code/", body, format="json")
    assert sent.status_code == 201, sent.content
    assert [one["author"] for one in sent.json()["commits"]] == ["", "Kim Outside"] and "example.org" not in sent.content.decode()
    assert mine.post(f"{url}/code/", body | {"commit": "HEAD"}, format="json").status_code == 422
    assert mine.post(f"{url}/code/", body | {"diff": "what\n"}, format="json").json()["code"] == "diff"
    said = theirs.post(f"{url}/code-comments/", LINE | {"line": 2, "text": "Why?"}, format="json")
    assert (said.status_code, said.json()["text"]) == (201, "Why?")
    assert theirs.post(f"/api/v1/code-comments/{said.json()['id']}/resolution/").json()["resolved_at"]
    outcome = {"digest": sent.json()["digest"], "verdict": "approved", "reason": "Read."}
    assert theirs.post(f"{url}/code-outcomes/", outcome | {"digest": "sha256:" + 64 * "0"}, format="json").status_code == 409
    assert theirs.post(f"{url}/code-outcomes/", outcome, format="json").json()["reason"] == "Read."
    assert len(theirs.get(f"{url}/code-outcomes/").json()["results"]) == 1
