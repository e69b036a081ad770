"""Checks items with the models of `ag-ui-protocol`: reads a list of items on each line, writes its
errors on one line.
"""

import json
import sys

from ag_ui.core import Event
from pydantic import TypeAdapter, ValidationError

if __name__ == "__main__":
    model = TypeAdapter(Event)
    for line in sys.stdin:
        problems = []
        for item in json.loads(line):
            try:
                model.validate_python(item)
            except ValidationError as error:
                problems.append(str(error))
        print(json.dumps(problems), flush=True)
