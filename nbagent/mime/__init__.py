"""How a Python value looks: to a reader (`display_of`), to a model (`json_of`), in one line (`summary_of`), as an error.

Values are known by what they can do, never by their class: pandas, polars, NumPy and Matplotlib are not imported here, and
IPython is asked only where it runs already. Nothing here raises, whatever a value's own methods do.
"""

from nbagent.mime.display import LIMITS, bundle_of_json, display_of
from nbagent.mime.error import error_of
from nbagent.mime.shrink import json_of
from nbagent.mime.summary import summary_of

__all__ = ["LIMITS", "bundle_of_json", "display_of", "error_of", "json_of", "summary_of"]
