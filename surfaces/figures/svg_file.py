"""A figure in, SVG out: lines and letters as outlines, all that is heavy as images.

An image is a PNG, or a JPEG where that is much smaller: basins are, whose soft shades a
PNG stores to the last digit.
"""

import base64
import io
import re
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from surfaces.figures import style
from surfaces.figures.frames import File, place
from surfaces.files import write_text

_PNG = re.compile(r'data:image/png;base64,([^"]+)')


@style.sheet
def svg(figure: Figure, file: File) -> None:
    """Writes a figure; one that is drawn again has the same bytes, whenever that is.

    Args:
      figure: what to write, of this package or any other.
      file: a path that ends in .svg, where what is there is replaced, or a binary file
        to write to.

    Raises:
      ValueError: if the path has another ending.
      FileNotFoundError: if its folder is not there.
    """
    out = place("svg", file, ".svg")
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", dpi="figure", metadata={"Date": None})
    text = _PNG.sub(_smaller, drawn.getvalue())
    if isinstance(out, Path):
        write_text(out, text)
    else:
        out.write(text.encode())


def _smaller(png: re.Match[str]) -> str:
    """The image as a JPEG, if it is opaque and that saves a third."""
    jpeg = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(png[1]))) as image:
        if image.getchannel("A").getextrema() != (255, 255):
            return png[0]
        image.convert("RGB").save(jpeg, "jpeg", quality=92, subsampling=0)
    coded = base64.b64encode(jpeg.getvalue()).decode()
    saves = 3 * len(coded) < 2 * len(png[1])
    return f"data:image/jpeg;base64,{coded}" if saves else png[0]
