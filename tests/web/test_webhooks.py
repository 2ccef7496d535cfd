from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json

import pytest

from plugin.store.models.shops import Receipt
from plugin.web import metrics
from plugin.web.webhooks import MAX_BODY
from tests.web.scenes import Scene

URL = "/webhooks/shopify"


def headers(scene: Scene, body: bytes, **changes: str | None) -> dict[str, str]:
    secret = scene.ctx.settings.shopify_api_secret or ""
    made = {
        "X-Shopify-Hmac-Sha256": base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode(),
        "X-Shopify-Shop-Domain": "haneul.myshopify.com",
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Webhook-Id": "w1",
        "X-Shopify-API-Version": "2026-10",
        "Content-Type": "application/json",
    }
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


def problem(answer) -> tuple[int, str, str | None]:
    body = answer.get_json()
    assert set(body) == {"status_code", "errors"}
    assert body["status_code"] == answer.status_code
    (error,) = body["errors"]
    assert set(error) == {"error", "field", "message"}
    assert error["message"]
    return answer.status_code, error["error"], error["field"]


def test_a_signed_webhook_is_kept_and_answered(tea: Scene, client):
    body = json.dumps({"id": 1}).encode()
    assert client.post(URL, data=body, headers=headers(tea, body)).status_code == 200
    (receipt,) = tea.rows(Receipt)
    assert (receipt.topic, receipt.api_version) == ("orders/create", "2026-10")


def test_what_was_kept_is_answered_at_the_door_and_the_rest_by_flask(tea: Scene, client, caplog):
    caplog.set_level("INFO", "plugin.web.requests")
    kept = client.post(URL, data=b"{}", headers=headers(tea, b"{}"))
    assert kept.get_json() == {"status_code": 200}
    assert int(kept.headers["Content-Length"]) == len(kept.data)
    assert not caplog.records
    refused = client.post(URL, data=b"{}", headers=headers(tea, b"{}", **{"X-Shopify-Hmac-Sha256": "bm8="}))
    assert [(record.route, record.status) for record in caplog.records] == [(URL, 401)]
    for answer in (kept, refused):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.mimetype == "application/json"


@pytest.mark.parametrize("more", [{}, {"wsgi.input_terminated": True}])
def test_who_hangs_up_in_the_middle_of_a_body_is_not_believed(tea: Scene, client, more):
    body = b'{"id":1}'
    answer = client.post(
        URL, input_stream=io.BytesIO(body[:4]), content_length=len(body), headers=headers(tea, body),
        environ_overrides=more,
    )  # fmt: skip
    assert problem(answer)[:2] == (401, "wrong_hmac")
    assert tea.rows(Receipt) == []


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"X-Shopify-Hmac-Sha256": None}, (400, "missing_hmac", "X-Shopify-Hmac-Sha256")),
        ({"X-Shopify-Hmac-Sha256": "bm8="}, (401, "wrong_hmac", "X-Shopify-Hmac-Sha256")),
    ],
)
def test_an_unsigned_one_is_refused(tea: Scene, client, changes, answer):
    assert problem(client.post(URL, data=b"{}", headers=headers(tea, b"{}", **changes))) == answer
    assert tea.rows(Receipt) == []


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("size", "status"), [(MAX_BODY, 200), (MAX_BODY + 1, 413)])
def test_a_body_over_2_mb_is_refused_declared_or_streamed(tea: Scene, client, chunked, size, status):
    body = b'{"note":"' + b"x" * (size - 11) + b'"}'
    assert len(body) == size
    more = {}
    if chunked:
        more = {
            "input_stream": io.BytesIO(body), "content_length": None,
            "environ_overrides": {"wsgi.input_terminated": True},
        }  # fmt: skip
        made = client.post(URL, headers={**headers(tea, body), "Transfer-Encoding": "chunked"}, **more)
    else:
        made = client.post(URL, data=body, headers=headers(tea, body))
    assert made.status_code == status
    if status == 413:
        assert problem(made)[0] == 413
        assert tea.rows(Receipt) == []


def test_without_a_database_the_platform_is_told_to_come_again(tea: Scene, client):
    with tea.ctx.database.transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE receipts RENAME TO gone")
    answer = client.post(URL, data=b"{}", headers=headers(tea, b"{}"))
    assert problem(answer)[:2] == (503, "unavailable")
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_are_refused(client, method):
    answer = client.open(URL, method=method)
    assert problem(answer)[:2] == (405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


def test_every_answer_is_counted_with_its_status(tea: Scene, client, monkeypatch):
    counted: list[tuple[str | None, int]] = []
    monkeypatch.setattr(metrics, "webhook", lambda topic, status: counted.append((topic, status)))
    client.post(URL, data=b"{}", headers=headers(tea, b"{}", **{"X-Shopify-Topic": "orders/edited"}))
    client.post(URL, data=b"{}", headers=headers(tea, b"{}", **{"X-Shopify-Hmac-Sha256": None}))
    large = b"x" * (MAX_BODY + 1)
    client.post(URL, data=large, headers=headers(tea, large))
    with tea.ctx.database.transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE receipts RENAME TO gone")
    client.post(URL, data=b"{}", headers=headers(tea, b"{}"))
    client.get(URL)
    assert counted == [("orders/edited", 200), *(("orders/create", status) for status in (400, 413, 503))]
