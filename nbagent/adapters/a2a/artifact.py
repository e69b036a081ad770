"""`Artifact`: an output of a task of A2A, as it comes."""


class Artifact:
    """An artifact: texts with the tool calls between them.

    Attributes:
        texts: its texts so far; all but the last are followed by a call.
        ended: number of texts that have ended for the reader.
        replaced: True once an update replaced its content; texts that have not ended are then
            written at their end.
        open: False once it ended.
    """

    def __init__(self) -> None:
        self.texts = [""]
        self.ended = 0
        self.replaced = False
        self.open = True
