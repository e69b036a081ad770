"""Python values as data: for readers (`display_of`), models (`json_of`), on one line
(`summary_of`); exceptions (`error_of`).

Values are recognised by their methods and attributes, never by their class: pandas, polars, NumPy
and Matplotlib are not imported here, and IPython is used only where it runs already. Nothing here
raises, whatever a value's own methods do.
"""

from nbagent.mime.display import bundle_of_json, display_of
from nbagent.mime.error import error_of
from nbagent.mime.shrink import json_of
from nbagent.mime.summary import summary_of

__all__ = ["bundle_of_json", "display_of", "error_of", "json_of", "summary_of"]
