"""Keys to the API on the merchant's page: shown once, revoked for good."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

from plugin.services.api_keys import make_key
from tests.web.scenes import Scene

PAGE = "/app/settings/keys"


def csrf(client: FlaskClient) -> str:
    found = re.search('name="csrf" value="([^"]+)"', client.get(PAGE).text)
    assert found
    return found.group(1)


def test_a_key_is_shown_once_opens_the_api_and_is_revoked(tea: Scene, signed_in: FlaskClient):
    made = signed_in.post(PAGE, data={"csrf": csrf(signed_in), "name": " Ware  house "})
    secret = re.search(r"<code>(dasi_[\w-]+)</code>", made.text)
    assert secret
    page = signed_in.get(PAGE).text
    assert "Ware house" in page
    assert secret.group(1) not in page
    headers = {"Authorization": f"Bearer {secret.group(1)}"}
    assert tea.app.test_client().get("/api/v1/shop", headers=headers).status_code == 200
    number = re.search(r"/app/settings/keys/(\d+)/revoke", page)
    assert number
    assert signed_in.post(number.group(0), data={"csrf": csrf(signed_in)}).status_code == 303
    assert tea.app.test_client().get("/api/v1/shop", headers=headers).status_code == 401
    assert signed_in.post(number.group(0), data={"csrf": csrf(signed_in)}).status_code == 404


def test_a_key_needs_a_name(signed_in: FlaskClient):
    for name in ("", " ", "x" * 81):
        assert signed_in.post(PAGE, data={"csrf": csrf(signed_in), "name": name}).status_code == 422


def test_there_is_an_end_to_keys(tea: Scene, signed_in: FlaskClient):
    with tea.ctx.database.transaction() as session:
        for number in range(20):
            make_key(session, tea.shop_id, f"key {number}", "the owner")
    answer = signed_in.post(PAGE, data={"csrf": csrf(signed_in), "name": "one more"})
    assert answer.status_code == 409
    assert "revoke one first" in answer.text
