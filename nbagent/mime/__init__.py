"""Python values as data: for a reader (`display_of`), for a model (`json_of`), in one line (`summary_of`), as an error.

Values are recognised by their methods and attributes, never by their class: pandas, polars, NumPy and Matplotlib are not
imported here, and IPython is used only where it runs already. Nothing here raises, whatever a value's own methods do.
"""

from nbagent.mime.display import bundle_of_json, display_of
from nbagent.mime.error import error_of
from nbagent.mime.shrink import json_of
from nbagent.mime.summary import summary_of

__all__ = ["bundle_of_json", "display_of", "error_of", "json_of", "summary_of"]
