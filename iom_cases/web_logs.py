"""gunicorn's log: each request by its route, without query, referer and address."""

from typing import Any

from gunicorn.glogging import Logger

from core.logs import LineFormatter, route_of, without_addresses

# Of what a format may name: the visitor's address is the proxy's, or is hashed where it counts (accounts).
TOLD = ("t", "s", "B", "b", "T", "D", "M", "L", "p")
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}


class WebLogger(Logger):
    """Whatever format is asked for, nothing but this can be written."""

    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: Any) -> dict[str, Any]:
        found = super().atoms(resp, req, environ, request_time)
        route = route_of(environ.get("PATH_INFO", ""))  # none where gunicorn couldn't read the request
        method = found["m"] if found["m"] in METHODS else "–"
        return {name: found[name] for name in TOLD} | {"m": method, "U": route, "r": f"{method} {route}"}

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(LineFormatter(self.error_fmt, self.datefmt))

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """A request that failed: its method and its route, in whatever form its address was sent."""
        if str(msg).startswith("Error handling request") and args:
            *methods, address = args
            told = [method if method in METHODS else "–" for method in methods]
            msg, args = " ".join(["Error handling request", *told, route_of(address)]), ()
        super().exception(msg, *args, **kwargs)

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """What isn't HTTP is said without what was sent."""
        if msg.startswith("Invalid request from"):
            msg = "Invalid request"
        super().warning(without_addresses(msg), *args, **kwargs)
