"""The page: what a person sees and presses, bound to variables by their names; a button is called as its action is."""

# trame brings no types
# pyright: basic

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

from trame.widgets import client
from trame_client.widgets.html import Div, Input, Span
from trame_slicer.app.logic import connect_slice_view_slider_to_state
from trame_slicer.app.ui.slider import Slider
from trame_vuetify.ui.vuetify3 import VAppLayout
from trame_vuetify.widgets import vuetify3 as v3

from monai_inpaint.slicer.colour_tables import MAP_GRADIENT
from monai_inpaint.version import NOTICE
from monai_inpaint.web.downloads import RESULTS

READY, FILLED, REPORTED, RUNNING = "loaded && !busy", "filled && !busy", "reported && !busy", "running"
_STYLE = """
html { overflow: hidden; }
.name { text-transform: none; letter-spacing: 0; justify-content: start; }
.name .v-btn__content { overflow: hidden; text-overflow: ellipsis; display: block; }
.edge { position: absolute; color: #ffd54f; font: bold 14px sans-serif; pointer-events: none; }
.edge { background: rgba(0, 0, 0, .55); padding: 0 4px; border-radius: 3px; }
.part { padding: 6px 10px; border-bottom: 1px solid #333; }
.row { display: flex; gap: 6px; align-items: center; flex-wrap: wrap; margin: 4px 0; }
.row .v-btn { flex: 1 1 auto; padding: 0 8px; }
.tools { width: 100%; }
.tools .v-btn { flex: 1 1 0; }
.label { font: bold 11px sans-serif; color: #9e9e9e; text-transform: uppercase; letter-spacing: .06em; }
.region { display: flex; align-items: center; gap: 6px; padding: 1px 4px; cursor: pointer; }
.region { border-radius: 4px; font-size: 13px; }
.region.on { background: #37474f; }
.swatch { width: 12px; height: 12px; border-radius: 2px; border: 2px solid; }
.number { margin-top: 5px; }
.number input { padding: 2px 6px !important; min-height: 28px !important; font-size: 13px; }
.scale { width: 120px; height: 12px; }
.scale.difference { background: linear-gradient(to right, #00f, #d9d9ff 47%, #000 47%, #000 53%, #ffd9d9 53%, #f00); }
"""
_FLAT = {"hide_details": True, "density": "compact", "variant": "outlined"}


class Page:
    """Builds the widgets once.

    Args:
        server: trame's.
        initialize_views: puts the views where it is called.
    """

    def __init__(self, server: Any, initialize_views: Callable[[Any], None]) -> None:
        with VAppLayout(server) as ui:
            ui.root.theme = "dark"
            client.Style(f"{_STYLE}.scale.map {{ background: {MAP_GRADIENT}; }}")
            with v3.VNavigationDrawer(permanent=True, width=300):
                self._files()
                self._marking()
                self._filling()
                self._finding()
                self._saving()
            with (
                v3.VMain(style="height: 100vh;"),
                Div(style="display: flex; flex-direction: column; height: 100%;"),
            ):
                self._message()
                self._looking()
                with Div(style="flex: 1 1 0; min-height: 0;"):
                    initialize_views(ui)
                with Div(classes="px-3 py-1 d-flex", style="font-size: 12px; background: #212121;"):
                    Span("{{ cursor }}", id="cursor")
                    v3.VSpacer()
                    self._scales()
                    Span(NOTICE, id="notice")

    def _files(self) -> None:
        with _part("Image"):
            v3.VBtn(
                "{{ name || 'Load film, CT or MR' }}", id="load", prepend_icon="mdi-folder-open", disabled=("busy",),
                click="window.document.getElementById('file').click()", block=True, variant="tonal", classes="name",
                title="Load a film or volume: one file, or the DICOM files of one series",
            )  # fmt: skip
            Input(
                type="file", id="file", multiple=True, style="display: none;",
                change="window.uploadFiles($event.target, 'volume')",
            )  # fmt: skip
            v3.VSelect(
                v_model=("bundle",), items=("models",), id="bundle", label="Model", disabled=("busy",),
                classes="mt-2", color=("bundle ? '' : 'warning'",), base_color=("bundle ? '' : 'warning'",), **_FLAT,
            )  # fmt: skip

    def _marking(self) -> None:
        with _part("Mark"):
            with v3.VBtnToggle(
                v_model=("tool",), mandatory=True, density="compact", color="primary", divided=True, classes="tools"
            ):
                for tool, icon, text in (
                    ("look", "mdi-cursor-default", "Look: wheel for slices, right drag to zoom, middle drag to move"),
                    ("window", "mdi-contrast-circle", "Drag for window and level"),
                    ("paint", "mdi-brush", "Paint"),
                    ("erase", "mdi-eraser", "Erase"),
                    ("lasso", "mdi-lasso", "Draw around what to mark"),
                    ("box", "mdi-selection-drag", "Mark a box, from corner to corner"),
                    ("threshold", "mdi-chart-histogram", "Mark by values"),
                ):
                    v3.VBtn(icon=icon, value=tool, id=tool, title=text, size="small", disabled=(f"!({READY})",))
            with Div(v_if=("['paint', 'erase', 'lasso', 'box'].includes(tool)",), classes="row"):
                v3.VSlider(
                    v_model=("brush",), min=1, max=100, step=1, id="brush", hide_details=True, density="compact",
                    thumb_size=14, disabled=("(tool == 'lasso' || tool == 'box') && !ball",),
                )  # fmt: skip
                Span("{{ brush }} {{ length }}", style="width: 52px; font-size: 13px;")
                v3.VCheckbox(
                    v_model=("ball",), label="3D", id="ball", hide_details=True, density="compact", v_if=("!flat",),
                    title="A ball; with lasso and box, so deep through the slices",
                )  # fmt: skip
            with Div(v_if=("tool == 'threshold'",)):
                v3.VRangeSlider(
                    v_model=("values",), min=("limits[0]",), max=("limits[1]",), step=("limits[2]",), id="values",
                    hide_details=True, density="compact", thumb_size=14,
                )  # fmt: skip
                with Div(classes="row"):
                    with Div(style="width: 84px;"):
                        _number("low", "values[0]", "from", "values = [Number($event.target.value), values[1]]")
                    with Div(style="width: 84px;"):
                        _number("high", "values[1]", "to", "values = [values[0], Number($event.target.value)]")
                    self._button("mark", "mdi-check", "Mark", READY)
            with Div(classes="row"):
                with Div(style="width: 62px;"):
                    _number("margin", "margin", ("length",), "margin = Number($event.target.value)")
                self._button("grow", "mdi-arrow-expand-all", "Grow", READY)
                self._button("shrink", "mdi-arrow-collapse-all", "Shrink", READY)
            self._regions()

    def _regions(self) -> None:
        with (
            Div(style="max-height: 120px; overflow-y: auto;"),
            Div(
                v_for="one in regions",
                key="one.id",
                id=("`region-${one.id}`",),
                click="active = one.id",
                classes=("`region ${one.id == active ? 'on' : ''}`",),
            ),
        ):
            Span(
                classes="swatch",
                style=("`border-color: ${one.colour}; background: ${one.filled ? 'none' : one.colour}`",),
            )
            Span("{{ one.name }}", style="flex: 1 1 auto; overflow: hidden; text-overflow: ellipsis;")
            Span("{{ one.filled ? 'filled, ' : '' }}{{ one.size }}", style="color: #9e9e9e;")
            v3.VIcon(
                icon=("shown.includes(one.id) ? 'mdi-eye' : 'mdi-eye-off'",), id=("`eye-${one.id}`",), size="small",
                title="What is hidden is not filled",
                click=(
                    "$event.stopPropagation(); shown = shown.includes(one.id) "
                    "? shown.filter((name) => name != one.id) : [...shown, one.id]"
                ),
            )  # fmt: skip
        with Div(classes="row"):
            self._button("add", "mdi-plus", "New", READY, title="Begin another region")
            self._button("remove", "mdi-delete", "Delete", READY, title="Delete the region that is chosen")
            v3.VBtn(
                "Load", prepend_icon="mdi-upload", size="small", variant="tonal", disabled=(f"!({READY})",),
                click="window.document.getElementById('marks').click()", title="Load a mask, SEG or structure set",
            )  # fmt: skip
            Input(
                type="file", id="marks", multiple=True, style="display: none;",
                change="window.uploadFiles($event.target, 'marks')",
            )  # fmt: skip

    def _filling(self) -> None:
        with _part("Fill"):
            with (
                Div(classes="row"),
                v3.VBtnToggle(v_model=("drawn",), mandatory=True, density="compact", color="primary", classes="tools"),
            ):
                for drawn, text, title in (
                    ("estimate", "Estimate", "The best estimate: the least expected error"),
                    ("sample", "Sample", "One plausible content, by its seed"),
                    ("spread", "Spread", "The best estimate, and the error to expect of it from samples"),
                ):
                    v3.VBtn(text, value=drawn, id=drawn, title=title, size="small", disabled=("busy",))
            with Div(classes="row"):
                self._button("fill", "mdi-auto-fix", "Fill", READY, color="primary", variant="flat", v_if=("!running",))
                self._button(
                    "cancel", "mdi-cancel", "Cancel", RUNNING, color="warning", v_if=("running",),
                    click="trigger('cancel')",  # whatever became of fields before
                )  # fmt: skip
                with Div(v_if=("drawn != 'estimate'",), style="width: 74px;"):
                    _number("seed", "seed", "seed", "seed = Number($event.target.value)")
                self._button("another", None, "Another one", "sampled && !busy", v_if=("sampled",))

    def _finding(self) -> None:
        with _part("Find"), Div(classes="row"):
            self._button("find_artifacts", None, "Artifacts", READY, title="Mark what looks like an artifact")
            self._button("find_metal", None, "Metal", READY, title="Mark metal, and what it affects")
            self._button("map", None, "Anomalies", READY, title="Map where a chest film is unlike healthy anatomy")
        with _part("Artifacts of metal"), Div(classes="row", style="margin-top: 10px;"):
            v3.VSelect(
                v_model=("method",), items=("methods",), id="method", label="Method", disabled=("busy",),
                **_FLAT,
            )  # fmt: skip
            self._button("metal", "mdi-magnet", "Reduce", READY)

    def _saving(self) -> None:
        with _part("Save"):
            v3.VSelect(
                v_model=("suffix",), items=("suffixes",), id="suffix", label="Format", disabled=("!filled",),
                classes="mt-2", **_FLAT,
            )  # fmt: skip
            with Div(classes="row"):
                for name, text, enabled in (
                    ("image", "Image", FILLED), ("report", "Report", REPORTED),
                    ("map", "{{ mapped || 'Map' }}", f"mapped && {REPORTED}"),
                ):  # fmt: skip
                    save = f"window.saveFile('{name}')"
                    if name == "image":  # results are made before they are saved
                        save = f"suffix == '{RESULTS}' ? window.press('results') : {save}"
                    v3.VBtn(
                        text, id=f"save-{name}", click=save, disabled=(f"!({enabled})",), size="small",
                        variant="tonal",
                    )  # fmt: skip
            self.save_results = client.JSEval(exec=f"window.saveFile('image', '{RESULTS}')").exec

    def _message(self) -> None:
        v3.VProgressLinear(
            id="progress", model_value=("fraction",), indeterminate=("busy && !running && !fraction",),
            color="orange", height=4, active=True,
        )  # fmt: skip
        with Div(classes="d-flex align-center px-3", style="height: 38px; gap: 6px;"):
            Div(
                "{{ message }} {{ progress }}", id="message", title=("message",),
                style="flex: 1 1 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;",
            )  # fmt: skip
            for name, icon, title in (("undo", "mdi-undo", "Undo (Ctrl+Z)"), ("redo", "mdi-redo", "Redo (Ctrl+Y)")):
                v3.VBtn(
                    icon=icon, id=name, click=f"window.press('{name}')", disabled=(f"!(can_{name} && !busy)",),
                    title=title, size="x-small", variant="tonal",
                )  # fmt: skip
            with Div(
                v_if=("steps.length > 1",), id="steps", classes="d-flex", title="Go back to any of these",
                style="max-width: 55%; overflow-x: auto; gap: 3px;",
            ):  # fmt: skip
                v3.VBtn(
                    "{{ one }}", v_for="(one, number) in steps", key="number", id=("`step-${number}`",),
                    click="at = number", disabled=("busy",), size="x-small", rounded="0",
                    variant=("number == at ? 'flat' : 'tonal'",), color=("number == at ? 'primary' : ''",),
                    style="flex: none;",
                )  # fmt: skip

    def _looking(self) -> None:
        with Div(classes="px-3 d-flex align-center", style="gap: 10px; height: 44px; background: #212121;"):
            Span("Before", style="font-size: 13px;")
            v3.VSlider(
                v_model=("fade",), min=0, max=100, step=1, id="fade", disabled=("!filled",), hide_details=True,
                density="compact", thumb_size=14, style="min-width: 70px; max-width: 150px;",
            )  # fmt: skip
            Span("After", style="font-size: 13px;")
            self._button("flip", "mdi-compare", "Flip", "filled", title="Before or after (key B)")
            self._switch("flicker", "mdi-swap-horizontal", "Flicker", "flicker", "flicker = !flicker", "filled")
            for name, text, enabled in (
                ("difference", "Difference", "filled"),
                ("map", "{{ mapped || 'Map' }}", "mapped"),
            ):
                shown = f"overlay == '{name}'"
                click = f"overlay = {shown} ? '' : '{name}'"
                self._switch(f"show-{name}", "mdi-layers", text, shown, click, enabled)
            v3.VSpacer()
            v3.VSelect(
                v_model=("preset",), items=("presets",), id="preset", label="Window", disabled=("!loaded",),
                style="min-width: 130px; max-width: 150px;", **_FLAT,
            )  # fmt: skip
            with Div(style="width: 76px;"):
                _number("width", "width", "W", "width = Number($event.target.value)")
            with Div(style="width: 76px;"):
                _number("level", "level", "L", "level = Number($event.target.value)")

    def _scales(self) -> None:
        """Legend of the colours over the image."""
        for name, low, high in (
            ("difference", "difference -{{ reach }}", "+{{ reach }} {{ unit }}"),
            ("map", "{{ mapped.toLowerCase() }} 0", "{{ map_reach }} {{ map_unit }}"),
        ):
            shown = f"overlay == '{name}' && {'filled' if name == 'difference' else 'mapped'}"
            with Div(v_if=(shown,), id=f"scale-{name}", classes="d-flex align-center mr-6", style="gap: 6px;"):
                Span(low)
                Div(classes=f"scale {name}")
                Span(high)

    def _button(
        self, name: str, icon: str | None, text: str, enabled: str, variant: str = "tonal", **more: Any
    ) -> None:
        more.setdefault("click", f"window.press('{name}')")
        more |= {"prepend_icon": icon} if icon else {}
        v3.VBtn(text, id=name, disabled=(f"!({enabled})",), size="small", variant=variant, **more)

    def _switch(self, name: str, icon: str, text: str, on: str, click: str, enabled: str) -> None:
        on = f"{on} && {enabled}"
        v3.VBtn(
            text, id=name, click=click, disabled=(f"!({enabled})",), prepend_icon=icon, size="small",
            variant=(f"{on} ? 'flat' : 'tonal'",), color=(f"{on} ? 'primary' : ''",),
        )  # fmt: skip


def slice_overlay(server: Any, _view_id: str, view: Any) -> None:
    """The letters at the edges of a slice view, its number, and the slider."""
    edges = f"edges_{view.get_singleton_tag()}"
    server.state.setdefault(edges, {})
    for edge, place in (
        ("left", "left: 6px; top: 48%"), ("right", "right: 6px; top: 48%"), ("top", "left: 50%; top: 4px"),
        ("bottom", "left: 50%; bottom: 34px"), ("slice", "left: 8px; top: 4px"),
    ):  # fmt: skip
        Div(f"{{{{ {edges}.{edge} }}}}", classes=f"edge {edge}", style=f"{place};")
    with Div(v_if=("!flat",), style="position: absolute; bottom: 0; left: 0; width: 100%;"):
        Slider(
            classes="slice-slider", typed_state=connect_slice_view_slider_to_state(server, view), density="compact",
            thumb_size=12,
        )  # fmt: skip


@contextmanager
def _part(title: str):
    with Div(classes="part"):
        Div(title, classes="label mb-1")
        yield


def _number(name: str, value: str, label: str | tuple[str], change: str) -> None:
    """A field of a number, which counts once it is left or Enter is pressed; the label is a text, or (variable,)."""
    v3.VTextField(
        model_value=(value,), change=change, id=name, label=label, type="number", classes="number",
        hide_spin_buttons=True, **_FLAT,
    )  # fmt: skip
