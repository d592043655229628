"""Configurations of the earlier system, with every key that its units had."""

from pathlib import Path

ENDPOINTS = """\
endpoints:
  always:
    - url: "https://one.example/notify"
      auth: "key-one"
    - url: "https://two.example/encode"
  sequential:
    group1:
      - url: "https://a.example/notify"
        auth: "key-a"
      - url: "https://b.example/notify"
    group2:
      - url: "https://c.example/distribute"
"""
SYSTEM = """\
system:
  name: "{name}"
  verbose: yes
  route: "{route}"
  delimiter: "||"
  logging:
    logfmt: "[%(name)s] %(message)s"
    datefmt: "%a|%b%y %X %Z"
"""
ACQUISITION = f"""\
watch-folder: "/srv/watch"
web-config: ""
uploading:
  upload-destinations:
    - "kan:Anime/"
  airing-folder-name: "Airing"
  rclone-flags: "--stats 1s --stats-one-line --progress"
{ENDPOINTS}{SYSTEM.format(name="izumi", route="").replace('  route: ""', "")}"""
ENCODER = f"""\
listen-port: 8080
web-config: ""
encoding:
  encode-flags: "-y -nostdin -loglevel panic -threads 6"
  encode-jobs: 2
downloading:
  download-sources: ["kan:Anime"]
  softsub-folder-name: "Airing"
  rclone-flags: "--stats 1s"
uploading:
  upload-destinations: ["kan:Anime"]
  hardsub-folder-name: "Airing [Hardsub]"
  rclone-flags: "--stats 1s --bwlimit 5M"
{ENDPOINTS}{SYSTEM.format(name="izumi", route="encode")}"""
DISTRIBUTOR = f"""\
listen-port: 8081
web-config: ""
distribution:
  jobs: 3
  bwlimit: "5M"
  filters:
    anilist: "aki"
    myanimelist: "ben"
downloading:
  rclone-flags: "--stats 1s"
  hardsub: ["kan:Anime/Airing [Hardsub]/"]
  softsub: ["kan:Anime/Airing"]
uploading:
  rclone-flags: "--stats 1s"
  hardsub: ["mega:Shows/Hard"]
  softsub: ["mega:Shows/Soft"]
{ENDPOINTS}{SYSTEM.format(name="izumi", route="distribute")}"""
NOTIFIER = f"""\
listen-port: 8082
web-config: ""
notification:
  jobs: 2
  filters:
    anilist: "aki"
    myanimelist: ""
modules:
  discord-webhook:
    - name: "zenbu"
      url: "https://discord.com/api/webhooks/1/token-of-zenbu"
      template: 1
  facebook-chat:
    email: "someone@example"
    password: "password-of-facebook"
dev:
  discord-webhook:
    name: "dev"
    url: "https://discord.com/api/webhooks/2/token-of-dev"
    template: 1
{ENDPOINTS}{SYSTEM.format(name="izumi", route="notify")}  use-dev: no
"""
MOCHI = f"""\
listen-port: 8083
web-config: ""
mochi:
  sub-types: ["hardsub"]
  discord-webhooks:
    - name: "Mochi"
      url: "https://discord.com/api/webhooks/3/token-of-mochi"
      base: "https://files.example/hardsub"
{ENDPOINTS}{SYSTEM.format(name="mochi", route="mochi")}"""
TOOLS = """\
- - "kan:Anime"
  - "Airing"
  - "Premiered"
- - "kan:Anime"
  - "Airing [Hardsub]"
  - "Premiered [Hardsub]"
"""
AUTH = "seedbox: key-of-seedbox\npc: 0123456\n"
JINDOU = '[telegram]\ntoken = "123:token-of-jindou"\nchat_id = "-100200"\n'
V5_SYSTEM = '[system]\nname = "izumi"\nimage_name = "izumi/v5/x"\ncontainer_name = "izumi-v5-x"\n'
V5_URLS = """\
[endpoints]
urls = [{ url = "https://one.example", auth = "key-one" }, { url = "https://two.example" }]
"""
V5_SERVER = f"""\
[flask]
port = 8080
docker_port = 17000
[flask.routes]
dashboard = "/rq"
distribute = "/distribute"
encode = "/encode"
modify = "/modify"
notify = "/notify"
encode_hp = "/encode-hp"
encode_mp = "/encode-mp"
encode_lp = "/encode-lp"
[redis]
host = "localhost"
port = 6379
password = "password-of-redis"
{V5_SYSTEM}"""
V5_ENCODER = f"""\
[downloading]
sources = ["kan:Anime/Airing"]
rclone_flags = "--stats 1s"
[uploading]
destinations = ["kan:Anime/Airing [Hardsub]"]
rclone_flags = "--stats 1s"
{V5_URLS}{V5_SYSTEM}"""
V5_DISTRIBUTOR = f"""\
[trackers]
anilist = "aki"
myanimelist = "ben"
whitelist = ["fate"]
[softsub.downloading]
sources = ["kan:Anime/Airing"]
rclone_flags = "--stats 1s"
[softsub.uploading]
destinations = ["mega:Soft"]
rclone_flags = "--stats 1s"
[hardsub.downloading]
sources = ["kan:Anime/Airing [Hardsub]"]
rclone_flags = "--stats 1s"
[hardsub.uploading]
destinations = ["mega:Hard"]
rclone_flags = "--stats 1s"
{V5_URLS}{V5_SYSTEM}"""
V5_NOTIFIER = f"""\
[trackers]
anilist = "aki"
myanimelist = ""
whitelist = ["fate"]
[modules]
discord-webhook = ["https://discord.com/api/webhooks/4/token-of-five"]
{V5_URLS}{V5_SYSTEM}"""
V5_WORKER = f"""\
[queues]
encode = false
notify = true
distribute = false
[redis]
host = "localhost"
port = 6379
password = "password-of-redis"
{V5_SYSTEM}"""

V4 = {
    "acquisition/config.yml": ACQUISITION,
    "encoder/config.yml": ENCODER,
    "distributor/config.yml": DISTRIBUTOR,
    "notification/config.yml": NOTIFIER,
    "mochi/config.yml": MOCHI,
    "tools/config.yml": TOOLS,
    "auth.yml": AUTH,
    "jindou/config.toml": JINDOU,
}
V5 = {
    "izumi.toml": V5_SERVER,
    "encoder.toml": V5_ENCODER,
    "distributor.toml": V5_DISTRIBUTOR,
    "notifier.toml": V5_NOTIFIER,
    "worker.toml": V5_WORKER,
    "auth.yml": AUTH,
}
SECRETS = (
    "token-of-zenbu",
    "token-of-dev",
    "token-of-mochi",
    "token-of-jindou",
    "token-of-five",
    "key-one",
    "key-a",
    "key-of-seedbox",
    "0123456",
    "password-of-facebook",
    "password-of-redis",
)


def written(folder: Path, files: dict[str, str]) -> list[Path]:
    """The files below a folder."""
    paths = []
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        paths.append(path)
    return paths
