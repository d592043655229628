"""What `izumi doctor` says of endpoints elsewhere: nobody is called."""

from pathlib import Path
from typing import Any

from izumi import settings
from izumi.commands import doctor


async def test_each_endpoint_is_looked_at_and_its_secrets_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / "good").write_text("https://swordfish.example/notify\n")
    (tmp_path / "bad").write_text("swordfish\n")
    always: list[dict[str, Any]] = [
        {"name": "inline", "url": "https://one.example/notify", "auth": "swordfish"},
        {"name": "kept", "url_file": "good"},
        {"name": "none", "url_file": "bad"},
        {"name": "gone", "url_file": "good", "auth_file": "gone"},
    ]
    document = {"state": "state", "endpoints": {"main": {"always": always}}}
    found = [one async for one in doctor._secrets(settings.structured(document, tmp_path))]
    assert [(one.level, one.topic) for one in found] == [
        *[("ok", "endpoints.main")] * 2,
        *[("fail", "endpoints.main")] * 2,
    ]
    assert "url_file" in found[2].text
    assert "auth_file" in found[3].text
    assert "swordfish" not in "".join(one.text for one in found)
