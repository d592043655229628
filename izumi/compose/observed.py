"""Serves the figures of a process over HTTP, as `[metrics]` says."""

import contextlib
import errno
from collections.abc import AsyncIterator, Sequence

import structlog
from aiohttp import web

from izumi.domain.errors import ConfigError, Unavailable
from izumi.runtime.figures import Figure, Look
from izumi.runtime.metrics import CONTENT_TYPE, text
from izumi.runtime.settings import MetricsSettings, parsed

log = structlog.get_logger()


@contextlib.asynccontextmanager
async def observed(settings: MetricsSettings, looks: Sequence[Look]) -> AsyncIterator[str]:
    """Serve `/metrics` while the block runs; where, as `ADDRESS:PORT`, or nowhere: "".

    Args:
        settings: `[metrics]`.
        looks: Asked at every request; one that cannot tell does not hide the others.

    Raises:
        ConfigError: Nothing can listen there.
    """
    if settings.listen is None:
        yield ""
        return

    async def answer(_request: web.Request) -> web.Response:
        figures: list[Figure] = []
        for look in looks:
            try:
                figures += await look()
            except Unavailable as exc:
                log.warning("metrics.incomplete", reason=str(exc))
        return web.Response(body=text(figures), headers={"Content-Type": CONTENT_TYPE})

    app = web.Application()
    app.router.add_get("/metrics", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    host, port = parsed(settings.listen)
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as exc:
            raise ConfigError(_why(settings.listen, exc)) from exc
        address = runner.addresses[0]
        where = (
            f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"
        )
        log.info("metrics.served", at=f"http://{where}/metrics")
        yield where
    finally:
        await runner.cleanup()


def _why(listen: str, exc: OSError) -> str:
    if exc.errno == errno.EADDRINUSE:
        return (
            f"[metrics] listen: {listen} is in use by another process; each process of a host "
            "needs a port of its own: set IZUMI__METRICS__LISTEN for this one, or port 0"
        )
    return f"[metrics] listen: {listen}: {exc.strerror or exc}"
