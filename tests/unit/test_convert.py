"""Configurations of the earlier system become one of ours, and no key is lost on the way."""

import re
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from izumi import settings
from izumi.domain.errors import UserError
from izumi.domain.subjects import SUBS
from izumi.moving.convert import Result, convert
from izumi.moving.document import Document, Trail, parse_toml, parse_yaml
from izumi.moving.draft import Options
from izumi.moving.endpoints import everyone
from izumi.moving.reader import leaves
from izumi.moving.rows import Row, place, told
from izumi.settings import Settings
from tests.support import old_configs as old


def documents(files: dict[str, str]) -> list[Document]:
    return [
        (parse_toml if name.endswith(".toml") else parse_yaml)(Path("/old") / name, text)
        for name, text in files.items()
    ]


def converted(files: dict[str, str], **options: Any) -> Result:
    return convert(documents(files), options=Options(**options))


def checked(result: Result) -> Settings:
    return settings.parse(tomli_w.dumps(result.settings), base=Path("/"), source="result")


def lost(files: list[Document], rows: list[Row]) -> list[tuple[str, Trail]]:
    """Keys of which the report says nothing."""
    noted: dict[str, set[Trail]] = {}
    for row in rows:
        noted.setdefault(row.file, set()).add(row.key)
    missing = []
    for document in files:
        name = str(document.path)
        for found in leaves(document.data):
            ways = {found.trail[:n] for n in range(len(found.trail) + 1)}
            below = found.value if isinstance(found.value, list) else []
            items = {(*found.trail, n) for n in range(len(below))}
            of_file = noted.get(name, set())
            if not ways & of_file and not (items and items <= of_file):
                missing.append((name, found.trail))
    return missing


def rows_of(result: Result, kind: str) -> list[str]:
    return [f"{row.file} {'.'.join(map(str, row.key))}" for row in result.rows if row.kind == kind]


@pytest.mark.parametrize("files", [old.V4, old.V5], ids=["v4", "v5"])
def test_every_key_of_every_unit_is_taken_over_or_told_of(files: dict[str, str]) -> None:
    result = converted(files)
    checked(result)
    assert lost(documents(files), result.rows) == []
    assert rows_of(result, "unknown") == []


@pytest.mark.parametrize("files", [old.V4, old.V5], ids=["v4", "v5"])
@pytest.mark.parametrize("secrets", [None, "/etc/izumi/secrets"])
def test_the_report_shows_no_secret(files: dict[str, str], secrets: str | None) -> None:
    result = converted(files, secrets=secrets)
    text = told(result.rows, result.sources)
    assert [secret for secret in old.SECRETS if secret in text] == []


def test_units_that_meant_one_folder_name_one_location() -> None:
    result = converted(old.V4)
    found = checked(result)
    kan = found.storage["kan"]
    assert (kan.remote, kan.softsub, kan.hardsub) == ("kan:Anime", "Airing", "Airing [Hardsub]")
    assert (kan.premiered, kan.premiered_hardsub) == ("Premiered", "Premiered [Hardsub]")
    assert found.acquisition is not None
    assert found.acquisition.watch[0].destinations == ("kan",)
    assert found.encoder["main"].sources == found.encoder["main"].destinations == ("kan",)
    assert found.distributor["main"].sources == ("kan",)
    mega = found.storage["mega"]
    assert (mega.remote, mega.softsub, mega.hardsub) == ("mega:Shows", "Soft", "Hard")
    assert found.distributor["main"].destinations == ("mega",)
    assert found.distributor["main"].subs == ("softsub", "hardsub")
    assert set(found.storage) == {"kan", "mega"}


def test_what_v4_says_arrives() -> None:
    found = checked(converted(old.V4))
    assert found.acquisition is not None
    assert found.acquisition.watch[0].path == Path("/srv/watch")
    assert (found.encoder["main"].jobs, found.encoder["main"].threads) == (2, 6)
    assert found.distributor["main"].jobs == 3
    assert found.rclone.bwlimit == "5M"
    lists = found.distributor["main"].filter.lists
    assert [found.list[name].users for name in lists] == [("aki",), ("ben",)]
    zenbu, dev = found.notifier["main"].discord
    assert (zenbu.name, dev.name, dev.dev) == ("zenbu", "dev", True)
    assert zenbu.url is not None
    assert zenbu.url.reveal().endswith("/token-of-zenbu")
    assert zenbu.filter.lists == ("anilist-aki",)
    (mochi,) = found.notifier["mochi"].discord
    assert mochi.link_base == "https://files.example/hardsub"
    assert mochi.filter.subs == ("hardsub",)
    (telegram,) = found.notifier["jindou"].apprise
    assert telegram.url is not None
    assert telegram.url.reveal() == "tgram://123:token-of-jindou/-100200/"


def test_endpoints_are_told_after_the_fact_that_their_unit_made() -> None:
    found = checked(converted(old.V4))
    assert found.endpoints["acquisition"].after == ("acquired",)
    assert found.endpoints["encoder"].after == ("encoded",)
    assert found.endpoints["distributor"].after == ("distributed",)
    one = found.endpoints["acquisition"]
    urls = [(end.url and end.url.reveal(), end.auth and end.auth.reveal()) for end in one.always]
    assert urls == [
        ("https://one.example/notify", "key-one"),
        ("https://two.example/encode", None),
    ]
    assert {name: len(line) for name, line in one.sequential.items()} == {"group1": 2, "group2": 1}


def test_requests_find_one_gateway_with_the_keys_as_they_are() -> None:
    for files in (old.V4, old.V5):
        gateway = checked(converted(files)).gateway
        assert gateway is not None
        assert gateway.listen == "127.0.0.1:8080"
        assert gateway.old_keys == Path("/old/auth.yml")
        assert gateway.routes["/encode"].unit == "encoder"
        assert gateway.routes["/distribute"].unit == "distributor"
        assert gateway.routes["/notify"].unit == "notifier"
        high = gateway.routes.get("/encode-hp")
        assert (high and high.priority) == ("high" if files is old.V5 else None)


def test_v5_whole_folders_are_split_and_words_let_in_besides_lists() -> None:
    found = checked(converted(old.V5))
    assert found.encoder["main"].sources == found.encoder["main"].destinations == ("kan",)
    assert found.storage["kan"].hardsub == "Airing [Hardsub]"
    assert found.distributor["main"].filter.words == ("fate",)
    assert found.notifier["main"].discord[0].filter.words == ("fate",)


def test_words_without_a_list_let_everything_in_as_they_did() -> None:
    text = old.V5_NOTIFIER.replace('anilist = "aki"', 'anilist = ""')
    result = converted({"notifier.toml": text})
    assert checked(result).notifier["main"].discord[0].filter.words == ()
    assert "/old/notifier.toml trackers.whitelist.0" in rows_of(result, "decided")


def test_several_instances_are_several_groups_and_routes() -> None:
    public = old.DISTRIBUTOR.replace('name: "izumi"', 'name: "public"')
    private = old.DISTRIBUTOR.replace('name: "izumi"', 'name: "Private One"').replace(
        "mega:", "home:"
    )
    result = converted({"a/config.yml": public, "b/config.yml": private})
    found = checked(result)
    assert set(found.distributor) == {"public", "private-one"}
    assert found.distributor["private-one"].destinations == ("home",)
    assert found.gateway is not None
    assert found.gateway.routes["/distribute"].group == "public"
    assert found.gateway.routes["/distribute-private-one"].group == "private-one"
    assert "/old/b/config.yml system.route" in rows_of(result, "complete")


def test_instances_that_did_the_same_are_one_group_and_share_the_work() -> None:
    other = old.ENCODER.replace("encode-jobs: 2", "encode-jobs: 9")
    result = converted({"pc/config.yml": old.ENCODER, "vps/config.yml": other})
    found = checked(result)
    assert set(found.encoder) == {"main"}
    assert found.encoder["main"].jobs == 2
    assert found.encoder["main"].destinations == ("kan",)
    assert "/old/vps/config.yml encoding.encode-jobs" in rows_of(result, "decided")
    result = converted({"a/config.yml": old.NOTIFIER, "b/config.yml": old.NOTIFIER})
    (notifier,) = checked(result).notifier.values()
    assert [target.name for target in notifier.discord] == ["zenbu", "dev"]


def test_endpoints_of_several_instances_are_told_once_each() -> None:
    other = old.ACQUISITION.replace("/srv/watch", "/srv/other").replace(
        "two.example", "new.example"
    )
    result = converted({"a.yml": old.ACQUISITION, "b.yml": other})
    endpoints = checked(result).endpoints
    assert set(endpoints) == {"acquisition"}
    names = [end.name for end in endpoints["acquisition"].everyone()]
    assert sorted(set(names)) == sorted(names)
    assert "new.example/encode" in names
    urls = [end.url.reveal() for end in endpoints["acquisition"].always if end.url]
    assert len(urls) == len(set(urls)) == 3
    assert lost(documents({"a.yml": old.ACQUISITION, "b.yml": other}), result.rows) == []


def test_kinds_that_go_elsewhere_are_two_groups() -> None:
    text = old.DISTRIBUTOR.replace(
        'softsub: ["mega:Shows/Soft"]', 'softsub: ["mega:Shows/Soft", "/mnt/a/Soft"]'
    )
    result = converted({"config.yml": text})
    found = checked(result)
    soft, hard = found.distributor["main"], found.distributor["main-hardsub"]
    assert (soft.subs, soft.destinations) == (("softsub",), ("mega", "a"))
    assert (hard.subs, hard.destinations) == (("hardsub",), ("mega",))
    assert found.gateway is not None
    route = found.gateway.routes["/distribute"]
    assert {sub: route.group_of(sub) for sub in SUBS} == {
        "softsub": "main",
        "hardsub": "main-hardsub",
        "none": "main",
    }
    assert "main-hardsub" not in "".join(
        told([one for one in result.rows if one.kind == "complete"], [])
    )


@pytest.mark.parametrize("kept", ["softsub", "hardsub"])
def test_a_distributor_of_one_kind_is_one_group_that_gets_every_request(kept: str) -> None:
    lost_kind = {"softsub": "hardsub", "hardsub": "softsub"}[kept]
    folder = {"softsub": "Soft", "hardsub": "Hard"}[lost_kind]
    text = old.DISTRIBUTOR.replace(f'{lost_kind}: ["mega:Shows/{folder}"]', f"{lost_kind}: []")
    found = checked(converted({"config.yml": text}))
    assert {name: one.subs for name, one in found.distributor.items()} == {"main": (kept,)}
    assert found.gateway is not None
    assert found.gateway.routes["/distribute"].groups == ("main",)


def test_kinds_at_one_remote_are_one_location_however_far_apart() -> None:
    text = old.DISTRIBUTOR.replace("mega:Shows/Soft", "mega:Shows/x/Soft").replace(
        "mega:Shows/Hard", "mega:Shows/y/Hard"
    )
    found = checked(converted({"config.yml": text}))
    mega = found.storage["mega"]
    assert (mega.remote, mega.softsub, mega.hardsub) == ("mega:Shows", "x/Soft", "y/Hard")
    assert set(found.distributor) == {"main"}


def test_a_folder_of_several_parts_is_the_same_place_to_all() -> None:
    files = {"acquisition.yml": old.ACQUISITION, "distributor.yml": old.DISTRIBUTOR}
    deep = {name: text.replace("Airing", "Shows/Airing") for name, text in files.items()}
    found = checked(converted(deep))
    assert found.storage["kan"].softsub == "Shows/Airing"
    assert found.distributor["main"].sources[0] == "kan"


@pytest.mark.parametrize(
    ("place", "remote", "softsub"),
    [
        ("/srv", "/srv", ""),
        ("/srv/lib/", "/srv", "lib"),
        ("kan:", "kan:", ""),
        ("kan:Anime", "kan:", "Anime"),
        ("kan:/abs/Anime/./x", "kan:/abs/Anime", "x"),
        ("kan:Anime/x:y", "kan:Anime/x:y", ""),
    ],
)
def test_a_place_without_a_folder_is_where_the_shows_lie(
    place: str, remote: str, softsub: str
) -> None:
    text = old.ACQUISITION.replace("kan:Anime/", place).replace(
        'airing-folder-name: "Airing"', 'airing-folder-name: ""'
    )
    found = checked(converted({"config.yml": text.replace("/srv/watch", "/watch")}))
    (storage,) = found.storage.values()
    assert (storage.remote, storage.softsub) == (remote, softsub)


def test_folders_of_two_disks_are_two_locations() -> None:
    text = old.DISTRIBUTOR.replace("mega:Shows/Soft", "/mnt/a/Soft").replace(
        "mega:Shows/Hard", "/mnt/b/Hard"
    )
    found = checked(converted({"config.yml": text}))
    assert {found.storage[name].remote for name in ("a", "b")} == {"/mnt/a", "/mnt/b"}


def test_an_unknown_key_is_told_with_its_file_and_line() -> None:
    text = old.ENCODER + "mystery:\n  deep: {er: 5}\n"
    result = converted({"config.yml": text})
    (row,) = [row for row in result.rows if row.kind == "unknown"]
    assert (row.file, row.key) == ("/old/config.yml", ("mystery", "deep", "er"))
    assert row.line == len(text.splitlines())


def test_what_two_files_say_differently_is_told_and_the_first_counts() -> None:
    result = converted(
        {"a.yml": old.DISTRIBUTOR, "b.yml": old.DISTRIBUTOR.replace("5M", "9M")},
    )
    assert checked(result).rclone.bwlimit == "5M"
    assert "/old/b.yml distribution.bwlimit" in rows_of(result, "decided")


def test_a_key_that_stands_twice_is_told_and_the_last_counts() -> None:
    result = converted({"config.yml": old.ENCODER + "listen-port: 9999\n"})
    found = checked(result)
    assert found.gateway is not None
    assert found.gateway.listen == "127.0.0.1:9999"
    assert "/old/config.yml listen-port" in rows_of(result, "decided")


def test_one_watch_folder_of_two_files_has_the_destinations_of_both() -> None:
    result = converted(
        {"a.yml": old.ACQUISITION, "b.yml": old.ACQUISITION.replace("kan:", "mega:")}
    )
    acquisition = checked(result).acquisition
    assert acquisition is not None
    (watch,) = acquisition.watch
    assert watch.destinations == ("kan", "mega")


@pytest.mark.parametrize(
    ("before", "after", "table"),
    [
        ('watch-folder: "/srv/watch"', "", "[acquisition.watch]"),
        ('watch-folder: "/srv/watch"', "watch-folder: [1]", "[acquisition.watch]"),
        ('- "kan:Anime/"', "[]", "[acquisition.watch]"),
        ('- "kan:Anime/"', '- "nowhere"', "[acquisition.watch]"),
        ('- "kan:Anime/"', '- ":sftp,host=x,pass=hush:a"', "[acquisition.watch]"),
        ('- "kan:Anime/"', '- "/srv/watch/stored"', "[acquisition.watch]"),
        ("/srv/watch", "~/.local", "[acquisition.watch]"),
    ],
)
def test_what_cannot_be_is_left_out_and_told(before: str, after: str, table: str) -> None:
    assert before in old.ACQUISITION
    result = converted({"config.yml": old.ACQUISITION.replace(before, after)})
    assert checked(result).acquisition is None
    assert any(row.kind == "complete" and place(row.where).startswith(table) for row in result.rows)
    assert "hush" not in told(result.rows, result.sources)


def test_a_number_that_cannot_be_costs_its_key_alone() -> None:
    result = converted({"config.yml": old.ENCODER.replace("encode-jobs: 2", "encode-jobs: -2")})
    assert checked(result).encoder["main"].jobs == 1
    assert "/old/config.yml encoding.encode-jobs" in rows_of(result, "complete")


def test_nested_watch_folders_cost_one_of_them() -> None:
    inner = old.ACQUISITION.replace("/srv/watch", "/srv/watch/inner")
    result = converted({"a.yml": old.ACQUISITION, "b.yml": inner})
    acquisition = checked(result).acquisition
    assert acquisition is not None
    assert len(acquisition.watch) == 1
    assert any("overlaps" in row.text for row in result.rows if row.kind == "complete")


@pytest.mark.parametrize(
    ("name", "text", "unit"),
    [
        ("x.yml", "watch-folder: /a\nupload-destinations: [r:a]\nairing-folder-name: A\n", "acqui"),
        (
            "x.yml",
            "download_sources: [r:a]\nUpload-Destinations: [r:b]\nhardsub-folder-name: H\n",
            "encoder",
        ),
        (
            "x.yml",
            """\
sources: {softsub: [r:a], hardsub: [r:b]}
destinations: {softsub: [s:a], hardsub: [s:b]}
jobs: 2
""",
            "distributor",
        ),
        (
            "x.yml",
            "softsub-sources: [r:a]\nsoftsub-destinations: [s:a]\n",
            "distributor",
        ),
        ("x.yml", "discord-webhook: https://discord.com/api/webhooks/1/x\nuse-dev: no\n", "noti"),
        (
            "x.yml",
            """\
webhooks: []
dev-webhook: {url: 'https://discord.com/api/webhooks/1/x'}
use-dev: yes
notification: {fbchat: {a: b}}
""",
            "notifier",
        ),
        ("encoder.toml", '[uploading]\ndestinations = ["r:b"]\n', "encoder"),
        ("x.toml", '[downloading]\nsources=["r:a"]\n[uploading]\ndestinations=["r:b"]\n', "encod"),
        ("x.json", '[["r:", "Airing", "Premiered"]]', "tools"),
        ("x.yml", "tools: [['r:', Airing, Premiered]]", "tools"),
        ("auth.json", '{"bob": "key", "eve": "other"}', "auth"),
        ("kisaragi.yml", "token: hush\n", "kisaragi"),
        ("dashboard_auth.yml", "bob: hush\n", "dashboard-auth"),
    ],
)
def test_keys_in_other_places_and_forms_tell_the_unit_too(name: str, text: str, unit: str) -> None:
    result = converted({name: text})
    checked(result)
    assert result.sources[0].startswith(f"/old/{name}: {unit}")
    assert rows_of(result, "unknown") == []
    assert lost(documents({name: text}), result.rows) == []


def test_a_file_with_a_table_for_each_unit_is_all_of_them() -> None:
    text = "acquisition:\n  watch-folder: /w\n  upload-destinations: [r:a]\n"
    text += "encoder:\n  download-sources: [r:a]\n  upload-destinations: [r:b]\n"
    result = converted({"all.yml": text})
    found = checked(result)
    assert found.acquisition is not None
    assert "main" in found.encoder
    assert rows_of(result, "unknown") == []


def test_a_file_that_tells_no_unit_is_refused_with_the_way_out() -> None:
    for text in (
        "bob: key\n",
        "system: {name: x}\n",
        "endpoints: {always: []}\n",
        "just a text",
        "5",
    ):
        with pytest.raises(UserError, match=r"--unit /old/x.yml=UNIT"):
            converted({"x.yml": text})
    given = documents({"x.yml": old.ENDPOINTS})
    for said, otherwise in (({given[0].path: "encoder"}, None), ({}, "encoder")):
        result = convert(given, options=Options(), said=said, otherwise=otherwise)
        assert result.sources == ["/old/x.yml: encoder, group main"]


def test_a_configuration_of_ours_is_not_converted() -> None:
    with pytest.raises(UserError, match="already"):
        converted({"izumi.toml": 'state = "/x"\n[storage.a]\nremote = "/y"\n'})


def test_the_configuration_of_version_3_is_named_as_such() -> None:
    with pytest.raises(UserError, match="version 3"):
        converted({"config.yml": "type: encoder\nfolders: {}\nsync: {}\nsys: {}\n"})


def test_an_empty_file_says_nothing_and_an_empty_auth_lets_nobody_in() -> None:
    result = converted({"config.yml": "# nothing\n", "auth.yml": "", "encoder.yml": old.ENCODER})
    gateway = checked(result).gateway
    assert gateway is not None
    assert (gateway.old_keys, gateway.open) == (None, False)
    assert "/old/config.yml " in rows_of(result, "empty")
    assert "/old/auth.yml " in rows_of(result, "complete")


def test_an_auth_file_that_the_gateway_would_refuse_is_not_named() -> None:
    result = converted({"auth.yml": "bob: [a]\n", "encoder.yml": old.ENCODER})
    gateway = checked(result).gateway
    assert gateway is not None
    assert gateway.old_keys is None


def test_several_files_of_keys_are_one_or_for_a_person() -> None:
    same = converted({"a/auth.yml": "bob: k\n", "b/auth.yml": "bob: k\n"})
    assert "/old/b/auth.yml " in rows_of(same, "decided")
    other = converted({"a/auth.yml": "bob: k\n", "b/auth.yml": "eve: k\n"})
    assert "/old/b/auth.yml " in rows_of(other, "complete")


def test_an_endpoint_on_this_host_that_is_converted_too_is_left_to_the_bus() -> None:
    text = old.ACQUISITION.replace("https://two.example/encode", "http://localhost:8080/encode")
    result = converted({"a.yml": text, "e.yml": old.ENCODER})
    names = [end.name for end in checked(result).endpoints["acquisition"].always]
    assert names == ["one.example/notify"]
    assert "/old/a.yml endpoints.always.1" in rows_of(result, "decided")


def test_private_addresses_of_endpoints_are_allowed_as_they_were() -> None:
    text = old.ACQUISITION.replace("https://two.example", "http://192.168.1.9:80")
    found = checked(converted({"a.yml": text}))
    assert found.endpoints["acquisition"].private == ("192.168.1.9/32",)


@pytest.mark.parametrize(
    "entry", ["5", "[]", "{auth: x}", "{url: 'ftp://x'}", "{url: [x]}", "'https://u:p@host/x'"]
)
def test_an_endpoint_that_cannot_be_is_told_and_stops_no_other(entry: str) -> None:
    text = f"encode-jobs: 1\nendpoints: {{always: [{entry}, {{url: 'https://one.example/x'}}]}}\n"
    result = converted({"a.yml": text})
    assert len(checked(result).endpoints["encoder"].always) == 1
    assert "/old/a.yml endpoints.always.0" in rows_of(result, "complete")


def test_the_endpoints_of_the_oldest_files_are_read_too() -> None:
    text = """\
watch-folder: /w
endpoints:
  notifiers:
    always: [["https://one.example/notify", "k1"], ["https://two.example/notify"]]
    sequential: [[["https://a.example/notify", "k2"], ["https://b.example/notify"]]]
  encoders:
    sequential: {group1: [{url: "https://c.example/encode"}]}
"""
    result = converted({"a.yml": text})
    found = checked(result).endpoints["acquisition"]
    assert [end.auth and end.auth.reveal() for end in found.always] == ["k1", None]
    assert set(found.sequential) == {"notifiers-group1", "encoders-group1"}
    assert lost(documents({"a.yml": text}), result.rows) == []


def test_secrets_go_to_files_that_the_tables_name() -> None:
    result = converted(old.V4, secrets="/etc/izumi/secrets")
    found = checked(result)
    targets = [one for notifier in found.notifier.values() for one in notifier.targets]
    assert all(one.url is None for one in targets)
    ends = [one for group in found.endpoints.values() for one in group.everyone()]
    assert all(one.url is None and one.auth is None for one in ends)
    files = [one.url_file for one in (*targets, *ends)] + [one.auth_file for one in ends]
    assert {str(path) for path in files if path is not None} == set(result.secret_files)
    written = tomli_w.dumps(result.settings)
    assert [secret for secret in old.SECRETS if secret in written] == []
    assert "addresses and keys stand" not in told(result.rows, result.sources)
    plain = converted(old.V4).settings["endpoints"]
    for group, one in plain.items():
        pair = (one, result.settings["endpoints"][group])
        for end, kept in zip(*map(everyone, pair), strict=True):
            assert result.secret_files[kept["url_file"]] == end["url"]
            assert result.secret_files.get(kept.get("auth_file", "")) == end.get("auth")
    assert "token-of-zenbu" in "".join(result.secret_files.values())


def test_a_rclone_conf_is_named_and_its_missing_remotes_are_told() -> None:
    result = converted(old.V4, rclone_config="/etc/rclone.conf", rclone_remotes=("kan",))
    assert checked(result).rclone.config == Path("/etc/rclone.conf")
    (row,) = [row for row in result.rows if row.where == ("rclone", "config")]
    assert (row.kind, "mega" in row.text, "kan" in row.text) == ("complete", True, False)


def test_the_page_on_moving_names_every_key() -> None:
    page = (Path(__file__).parents[2] / "docs/moving.md").read_text("utf-8")
    files = documents({**old.V4, **{f"v5/{name}": text for name, text in old.V5.items()}})
    keys = {
        step
        for document in files
        for found in leaves(document.data)
        for step in found.trail
        if isinstance(step, str) and not document.path.name.startswith("auth")
    }
    names = {name for ticked in re.findall(r"`([^`]+)`", page) for name in re.split(r"\W", ticked)}
    words = names | set(re.findall(r"[a-z]+(?:[-_][a-z]+)*", page))
    assert {key for key in keys if key not in words} <= {"group1", "group2", "email"}
