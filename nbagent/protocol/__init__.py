"""The contract between kernel, view and documents.

- `messages`: every message of the channel between kernel and view, in both directions.
- `ops`: the changes of the block tree that the messages carry.
- `blocks`: the props of every kind of block.
- `nodes`: what blocks are drawn of that are complete at once.
- `parts`: what events and blocks share.
- `inspection`: the questions of the inspector, and the answers.
- `json_size`: bytes of JSON, the unit of every size limit.

The view's TypeScript types, `js/src/protocol.ts`, are generated from these by
`nbagent.blocks.typescript`.
"""
