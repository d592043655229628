"""The gateway: HTTP requests become messages on the bus.

Settings alone are imported here: no command loads a web framework that it does not need.
"""

from izumi.publishers.gateway.settings import GatewaySettings

__all__ = ["GatewaySettings"]
