"""Special tokens that begin or end a turn: they are removed, and the text stays.

Which tokens there are differs from model to model; `<|…|>` right behind a word at the end of its
line is one in all of them.
"""

from nbagent.gate.form import Form

_ENDS = (
    *("<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|endoftext|>", "<|end_of_text|>"),
    *("<|end_of_turn|>", "<end_of_turn>", "<|eot|>", "<|stop|>", "<|observation|>"),
    *("<end_code>", "<bot_end>", "<|message_sep|>", "<turn|>", "<|end_of_sentence|>"),
    *("<|end of sentence|>", "<|end_of_turn_token|>", "<|assistant_end|>", "[unused10]"),
    *("<end_of_utterance>", "[|endofturn|]"),
)
_BEGINNINGS = (
    *("<|im_start|>assistant", "<start_of_turn>model", "<|turn>model", "<|assistant|>"),
    *("<|assistant_start|>", "<|start_header_id|>assistant<|end_header_id|>"),
    *("<|header_start|>assistant<|header_end|>", "<|im_start|>assistant<|im_sep|>"),
    *("<|start_of_role|>assistant<|end_of_role|>", "<|from|>assistant"),
    *("<|close|>message<|sep|>", "<|start_of_turn_token|>"),
)
_ROLES = (
    *("<|im_assistant|>assistant<|im_middle|>", "[|assistant|]", "<role>assistant</role>"),
    "[gMASK]<sop>",
)
_WORDS = ("<eos>", "<eoa>", "<sep>", "<pad>", "<unk>", "<|@|>")
_USERS = (
    ("<|im_start|>user", "<|im_end|>"),
    ("<|user|>", "<|assistant|>"),
    ("<start_of_turn>user", "<end_of_turn>"),
    ("<|start_header_id|>user<|end_header_id|>", "<|eot_id|>"),
)
"""Turns of the user that a model writes itself when it does not stop."""

TURN_TOKENS = [
    *[Form("turn", token, "text", place="beginning") for token in _ROLES],
    Form("turn", "<|assistant|>", "text", ahead=r"\A\w"),
    *[Form("turn", token, "text", place="tail") for token in _WORDS],
    *[Form("turn", token, "thought", (end,), "end") for token, end in _USERS],
    Form("turn", "<|observation|>", "result", ("<|assistant|>",), "end", ahead=r"<\|assistant\|>"),
    *[Form("turn", token, "text", place="end") for token in (*_ENDS, *_BEGINNINGS)],
    Form("turn", "<|@|>", "text", place="beginning", ahead=r"\A[\n\w]"),
    # Else it is the end of HTML's `<s>`.
    Form("turn", "</s>", "text", place="beginning", needs="tag"),
    Form("turn", "</s>", "text", place="tail", needs="unopened"),
]
"""Rows of these tokens."""
