"""Snakemake's own report: texts of users cannot break its page."""

import sys
from typing import Any


def escape_texts() -> None:
    """Make `snakemake --report` escape ``<`` in the params that it writes into a script element.

    A title with ``</script>`` would end this element, and the page would stay empty.
    """
    data: Any = sys.modules.get("snakemake.report.html_reporter.data")  # Snakemake imports it at its start
    render = getattr(data, "render_results", None)
    if render is None or hasattr(render, "__wrapped__"):
        return  # another version of Snakemake, or done

    def escaped(*arguments: Any) -> str:
        return str(render(*arguments)).replace("<", "\\u003c")

    escaped.__wrapped__ = render  # type: ignore[attr-defined]
    data.render_results = escaped
