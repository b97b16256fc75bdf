"""The steps that were made of an image: which one is shown, and the way to another, undone together with regions."""

# trame and Slicer bring no types
# pyright: basic

from __future__ import annotations

from collections.abc import Callable

from trame_slicer.segmentation.segmentation_state_stack import SegmentationStateStack

from monai_inpaint.web.fill_steps import Step
from monai_inpaint.web.marked_regions import FillCommand, MarkedRegions


class StepHistory:
    """All steps since the image was loaded; none is lost by undoing it.

    Args:
        marks: the regions; which of them are filled follows from the step.
        show: called with the step that is shown from now on.
    """

    def __init__(self, marks: MarkedRegions, show: Callable[[Step], None]) -> None:
        self._marks = marks
        self._show_step = show
        self.steps: list[Step] = []
        self.shown: Step | None = None

    def start(self, source: Step) -> None:
        """Begin with an image; what was made of another goes away."""
        self.steps = [source]
        self._show(source)

    def add(self, step: Step) -> None:
        """Show a new step."""
        self.steps.append(step)
        self._go(step)

    def go_to(self, number: int) -> None:
        """Show another step; regions stay, marked where the step has not filled them."""
        if self.steps[number] is not self.shown:
            self._go(self.steps[number])

    @property
    def number(self) -> int:
        """Of the step that is shown."""
        return self.steps.index(self.shown)

    def _go(self, step: Step) -> None:
        """In one step for undo."""
        before, segmentation = self.shown, self._marks.segmentation
        states = SegmentationStateStack(segmentation.segmentation, max_size=2)
        states.save_state()
        self._marks.set_filled(step.filled)
        states.save_state()
        self._show(step)
        self._marks.stack.push(FillCommand(states, segmentation, lambda: self._show(before), lambda: self._show(step)))

    def _show(self, step: Step) -> None:
        self.shown = step
        self._show_step(step)
