"""What a chart hands over: one Vega-Lite description, drawn on the screen and exported alike."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from core.charts.theme import DARK, LIGHT, SIZES
from core.model import BadInput

Table = pd.DataFrame | dict[str, Any]
"""Rows to draw: a frame, or columns of one length by name."""

NOTEBOOK_MIME = "application/vnd.vegalite.v6+json"
"""What a notebook calls a Vega-Lite spec; viewers that do not know it show the PNG."""


@dataclass(frozen=True)
class Figure:
    """A Vega-Lite spec whose data stand apart, by name, so that a new cohort changes only them.

    ``name`` is the stem of an exported file; ``description`` says in words what the figure shows,
    for those who do not see it: what is drawn up to the first stop or colon, then the numbers.
    """

    name: str
    spec: dict[str, Any]
    datasets: Mapping[str, Table]
    description: str

    @property
    def label(self) -> str:
        """What is drawn, without the numbers."""
        return re.split(r"[.:] ", self.description, maxsplit=1)[0].removesuffix(".") + "."

    @property
    def data(self) -> dict[str, pd.DataFrame]:
        """The datasets as frames."""
        return {name: pd.DataFrame(table) for name, table in self.datasets.items()}

    def for_screen(self) -> dict[str, Any]:
        """The spec with its data as Arrow streams, as ``st.vega_lite_chart`` takes it."""
        return {**self.spec, "datasets": {name: _arrow(t) for name, t in self.datasets.items()}}

    def for_export(self) -> dict[str, Any]:
        """The spec as plain JSON values with its data inside; missing values are null."""
        datasets = {
            name: frame.astype(object).where(frame.notna(), None).to_dict("records")
            for name, frame in self.data.items()
        }
        return {**self.spec, "description": self.description, "datasets": datasets}

    def standing_alone(self) -> dict[str, Any]:
        """:meth:`for_export` with the width and the paper that a page would lend a screen figure.

        A figure drawn for print or projector has both already and stays as it is.
        """
        spec = self.for_export()
        if spec.get("width") == "container":
            spec["width"] = SIZES["screen"].width
        config = spec.get("config", {})
        if config.get("background") == "transparent":
            ink = config.get("title", {}).get("color")
            paper = DARK.paper if ink == DARK.ink else LIGHT.paper
            spec["config"] = {**config, "background": paper}
        return spec

    def save(self, path: str | Path) -> Path:
        """Write the figure as SVG, PDF or PNG, by the file's extension; return its path.

        Draw it with ``Look(medium="print")`` for the sizes of a printed page. Raises BadInput for
        another extension or a folder that does not exist.
        """
        from core.report import figures  # here, since core.report draws figures itself

        target = Path(path).expanduser()
        kind = target.suffix.lower().lstrip(".")
        if kind not in figures.FORMATS:
            raise BadInput(
                "A figure cannot be saved in this format.",
                expected=", ".join(f".{k}" for k in figures.FORMATS),
                found=target.suffix or "no extension",
                where=str(target),
                remedy=f"Name the file {target.stem or self.name}.pdf, for instance.",
            )
        if not target.parent.is_dir():
            raise BadInput(
                "The folder of the file does not exist.",
                where=str(target.parent),
                remedy="Make the folder first, or choose another.",
            )
        target.write_bytes(figures.render(self.standing_alone(), kind))
        return target

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """What Jupyter shows: the interactive figure, else a PNG, else its words."""
        from core.report import figures

        spec = self.standing_alone()
        image = figures.render(spec, "png")
        return {
            NOTEBOOK_MIME: spec,
            "image/png": base64.b64encode(image).decode("ascii"),
            "text/plain": self.description,
        }


def _arrow(table: Table) -> bytes | pd.DataFrame:
    """``table`` without its index as an Arrow stream; a frame where a column mixes kinds.

    Streamlit would do this by way of pandas, which takes three times as long.
    """
    columns = table
    if isinstance(table, pd.DataFrame):
        columns = {str(name): column.to_numpy() for name, column in table.items()}
    try:
        made = pa.table({n: pa.array(values, from_pandas=True) for n, values in columns.items()})
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pd.DataFrame(table)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, made.schema) as stream:
        stream.write_table(made)
    written: bytes = sink.getvalue().to_pybytes()
    return written
