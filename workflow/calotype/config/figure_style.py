"""The look of all figures: widths, font and font size, by name of a publisher or key by key."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from calotype.util.typed import Strict

MM = 1 / 25.4  # inches
FONT_FILES = (".ttf", ".otf", ".ttc")
LAYOUT_SIZE = 8.0  # points: figures are laid out for this font size, and scaled
NARROWEST = {"single": 3.0, "double": 4.7}  # inches that a layout of this size needs
PRESETS: dict[str, dict[str, Any]] = {
    # ieeeauthorcenter.ieee.org, size requirements for graphics: 3.5 and 7.16 inches.
    "ieee": {"single": 3.5, "double": 7.16, "font": "serif", "size": 8.0},
    # neurips.sty: \textwidth is 5.5 inches; one column.
    "neurips": {"single": 5.5, "double": 5.5, "font": "serif", "size": 9.0},
    # llncs.cls: \textwidth is 122 mm; one column.
    "lncs": {"single": 122 * MM, "double": 122 * MM, "font": "serif", "size": 8.0},
    # research-figure-guide.nature.com: 89 and 183 mm, text of 5 to 7 points without serifs.
    "nature": {"single": 89 * MM, "double": 183 * MM, "font": "sans", "size": 7.0},
}
DEFAULT: dict[str, Any] = {"single": 3.5, "double": 7.1, "font": "sans", "size": LAYOUT_SIZE}

Width = Annotated[float, Field(ge=2, le=20, allow_inf_nan=False)]


class FigureStyle(Strict):
    """Widths, font and font size of all figures; they change figures alone."""

    preset: Literal["ieee", "neurips", "lncs", "nature"] | None = Field(
        None,
        description="Widths, font and size that a publisher asks for; other keys here change single values. "
        + "; ".join(
            f"`{name}`: {values['single']:.3g} and {values['double']:.3g} inches, {values['font']}, {values['size']:g} "
            "points"
            for name, values in PRESETS.items()
        )
        + ".",
    )
    single: Width | None = Field(
        None, description=f"Width of one column in inches. Default: {DEFAULT['single']}, or the preset's."
    )
    double: Width | None = Field(
        None, description=f"Width of the whole page in inches. Default: {DEFAULT['double']}, or the preset's."
    )
    font: Annotated[str, Field(min_length=1)] | None = Field(
        None,
        description="`sans` (DejaVu Sans), `serif` (STIX, like Times), the name of an installed font, or a font file "
        "(.ttf, .otf, .ttc) for letters that these lack, such as Chinese. "
        f"Default: `{DEFAULT['font']}`, or the preset's.",
    )
    size: Annotated[float, Field(ge=7, le=14)] | None = Field(
        None,
        description="Font size of titles and axis labels in points; other text is an eighth smaller. Default: "
        f"{DEFAULT['size']:g}, or the preset's.",
    )

    def page(self) -> dict[str, Any]:
        """Return single, double, font and size, with the values of the preset or the defaults."""
        chosen = self.model_dump(exclude_none=True, exclude={"preset"})
        return (PRESETS[self.preset] if self.preset else DEFAULT) | chosen

    @property
    def font_files(self) -> list[str]:
        """The font file, if `font` is one."""
        font = str(self.page()["font"])
        return [font] if font.lower().endswith(FONT_FILES) else []

    @model_validator(mode="after")
    def _text_fits(self) -> "FigureStyle":
        page = self.page()
        if page["single"] > page["double"]:
            raise ValueError(f"single: {page['single']:g} inches are more than double: {page['double']:g}")
        for key, narrowest in NARROWEST.items():
            if page[key] * LAYOUT_SIZE / page["size"] < narrowest - 1e-9:
                needed = narrowest * page["size"] / LAYOUT_SIZE
                raise ValueError(f"{key}: {page[key]:g} inches hold no text of {page['size']:g} points\n"
                                 f"Hint: use {needed:.3g} inches or more, or a smaller size.")  # fmt: skip
        return self
